"""Every template of the shared data over real records: shapes, shortcuts, pairs, and what a user reads in the table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from assay.chat import TemplateProblem, encode_all, examine_all, load_target
from assay.chat.examined import Examined, render_by_shape
from assay.chat.rendered import render_all
from assay.chat.skeletons import skeletons_for
from assay.curate.template.matrix import Matrix, matrix
from assay.curate.template.models import Loaded, load_models, templates_in
from assay.errors import ModelError
from assay.records import Record
from assay.sources import read
from tests.conversations import alike
from tests.real.test_templates_real import byte_level, model_folder, sentence_piece

FILES = (
    ("llamafactory/alpaca_en_demo.json", 120),
    ("llamafactory/glaive_toolcall_en_demo.json", 40),
    ("llamafactory/reason_tool_use_demo_50.jsonl", 20),
    ("openai_cookbook_toy/toy_chat_fine_tuning.jsonl", 5),
    ("axolotl_fixtures/conversation.json", 1),
)


@pytest.fixture(scope="module")
def records(shared: Path) -> list[Record]:
    found: list[Record] = []
    for name, count in FILES:
        found += list(read([str(shared / "data" / "instruction" / name)]).records())[:count]
    return found


@pytest.fixture(scope="module")
def models(shared: Path) -> list[Loaded]:
    return load_models(templates_in([str(shared / "data" / "templates")]), offline=True, say=lambda _: None)


@pytest.fixture(scope="module")
def table(models: list[Loaded], records: list[Record]) -> Matrix:
    """Over the plain records, where most templates have nothing to refuse."""
    return matrix(records[:120], models)


def comparable(item: Any) -> Any:
    return (item.check, item.kind, item.message) if isinstance(item, TemplateProblem) else item


def test_shapes_are_rendered_as_every_template_renders_them(models: list[Loaded], records: list[Record]) -> None:
    compared = 0
    for model in models:
        if model.target is None:
            continue
        for shaped, real in zip(render_by_shape(records, model.target), render_all(records, model.target), strict=True):
            assert comparable(shaped) == comparable(real), model.name
            compared += 1
    assert compared > 140 * len(records)


@pytest.mark.slow
def test_what_anyone_may_write_is_rendered_as_every_template_renders_it(models: list[Loaded]) -> None:
    """Calls, results, thinking, odd texts: four records of a shape, so that the last ones are written into it."""
    targets = [model.target for model in models if model.target is not None]
    written: list[bool] = []

    @settings(max_examples=600, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.sampled_from(targets), alike())
    def check(target: Any, made: list[Record]) -> None:
        shaped, real = list(render_by_shape(made, target)), list(render_all(made, target))
        assert [comparable(item) for item in shaped] == [comparable(item) for item in real], target.name
        last = skeletons_for(target, made[-1].tools).rendered(made[-1], target)
        written.append(last is not None)

    check()
    assert sum(written) > len(written) // 4  # else nothing is said about shapes


def usable_targets(shared: Path, make: Any, folder: Path) -> Iterator[Any]:
    for number, path in enumerate(sorted((shared / "data" / "templates").rglob("*.jinja"))):
        try:
            yield load_target(str(model_folder(folder / str(number), make(), path.read_text(encoding="utf-8"))))
        except ModelError:
            continue


@pytest.mark.slow
@pytest.mark.parametrize("make", [byte_level, sentence_piece])
def test_the_checks_are_told_what_the_token_ids_say(
    make: Any, shared: Path, records: list[Record], tmp_path: Path
) -> None:
    some = [*records[:12], *records[120:128], *records[160:164], *records[-6:]]
    compared = 0
    for target in usable_targets(shared, make, tmp_path):
        for examined, encoded in zip(examine_all(some, target), encode_all(some, target), strict=True):
            if isinstance(encoded, TemplateProblem):
                assert comparable(examined) == comparable(encoded), target.template[:80]
                continue
            assert isinstance(examined, Examined)
            assert (examined.answers, examined.notes) == (encoded.answers, encoded.notes), target.template[:80]
            assert not examined.fewer_tokens_than(len(encoded.input_ids) - 1)
            compared += 1
    assert compared > 1000


def test_all_templates_are_rows(table: Matrix) -> None:
    judged = [row for row in table.rows if row.judged == "text alone"]
    assert len(table.rows) >= 150 and len(judged) >= 145
    assert sum(row.fits == table.records for row in judged) >= 100
    assert all(row.why for row in table.rows if row.judged == "not")


def test_the_table_says_of_known_traps_what_they_are(table: Matrix) -> None:
    rows = {row.model: row for row in table.rows}
    assert rows["llama_cpp/Qwen-QwQ-32B"].problems == {"prompt_prefix": 120}
    assert rows["llama_cpp/GLM-4.6"].problems == {"stop_token_untrained": 120}
    assert rows["trl/qwen2_5"].problems == {} and rows["hf_tokenizers/qwen3"].problems == {}
    assert "fails when a conversation has no tools" in rows["llama_cpp/CohereForAI-c4ai-command-r-plus-tool_use"].why


def test_most_marked_variants_agree_and_the_others_are_named(table: Matrix) -> None:
    differing = {pair.marked for pair in table.pairs if pair.texts_differ or pair.masks_differ or pair.only_one}
    assert len(table.pairs) >= 20
    assert differing == {
        "trl/glm4moe_training",  # ends turns, which the plain one does by beginning the next
        "trl/gptoss_training",  # marks the header of the answer too
        "trl/qwen3_5_nothink_training",  # these mark the empty thinking block that the prompt holds
        "trl/qwen3_5_think_training",
        "trl/qwen3_6_training",
    }
