"""Which of the bundled general suites are taken."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from assay.errors import SettingsError
from assay.evaluate.settings import EvaluateSettings
from assay.models import ModelRef
from assay.suites import read_suites
from assay.suites.general import (
    TIERS,
    general_names,
    general_suites,
    include_paths,
    is_bundled,
    named_tier,
    parameters_of,
    tier_by_name,
    tier_folder,
    tier_for,
    tier_of,
    with_included,
    with_tiers,
)

LLAMA_8B = SimpleNamespace(
    hidden_size=4096, num_hidden_layers=32, num_attention_heads=32, num_key_value_heads=8, intermediate_size=14336,
    vocab_size=128256, tie_word_embeddings=False,
)  # fmt: skip


def test_bundled_may_name_a_tier_that_exists() -> None:
    assert is_bundled("bundled") and is_bundled("bundled:large") and not is_bundled("tasks") and not is_bundled(None)
    assert named_tier("bundled") is None and named_tier("bundled:medium") == "medium"
    with pytest.raises(SettingsError, match=r"no bundled suites 'medum'.*medium"):
        named_tier("bundled:medum")


@pytest.mark.parametrize(
    ("billions", "tier"),
    [(0.135, "small"), (0.6, "small"), (1.7, "medium"), (8, "medium"), (14, "medium"), (32, "large"), (405, "large")],
)
def test_the_tier_of_the_nearest_size_is_taken(billions: float, tier: str) -> None:
    assert tier_for(billions * 1e9) == tier


def test_parameters_are_counted_from_a_config() -> None:
    assert parameters_of(LLAMA_8B) == pytest.approx(8.03e9, rel=0.01)
    assert parameters_of(SimpleNamespace(text_config=LLAMA_8B, tie_word_embeddings=False)) == parameters_of(LLAMA_8B)
    experts = SimpleNamespace(**{**vars(LLAMA_8B), "num_local_experts": 8, "vocab_size": 32000})
    assert parameters_of(experts) == pytest.approx(46.7e9, rel=0.01)


@pytest.mark.parametrize(
    ("model", "tier"),
    [
        ("Qwen/Qwen3-8B", "medium"), ("meta-llama/Llama-3.3-70B-Instruct", "large"), ("smollm2-135m-instruct", "small"),
        ("Qwen/Qwen2.5-0.5B", "small"), ("models/mine", "small"),
    ],
)  # fmt: skip
def test_a_model_that_is_not_here_is_judged_by_its_name(model: str, tier: str) -> None:
    assert tier_by_name(model) == tier


def test_bundled_alone_goes_by_the_size_of_the_base_and_says_so(tiny_model: Path) -> None:
    said: list[str] = []
    assert tier_of("bundled", ModelRef("tiny", tiny_model, None, False), said.append) == "small"
    assert "bundled suites for about 0.1B" in said[0] and "`bundled:medium`" in said[0]
    assert tier_of("bundled:large", ModelRef("tiny", Path("nowhere"), None, False), said.append) == "large"
    assert len(said) == 1


@pytest.mark.parametrize("tier", TIERS)
def test_a_tier_is_whole_and_all_its_suites_are_general(tier: str) -> None:
    general = general_suites(tier)
    suites = read_suites(general.suites)
    assert len(general_names(tier)) == {"small": 8, "medium": 10, "large": 10}[tier]
    assert {suite.role for suite in suites} == {"general"} and all(suite.apply_chat_template for suite in suites)
    assert (general.folder is not None) == (tier == "small") and general.tasks == ()


def test_names_choose_among_suites_and_tasks_of_a_tier() -> None:
    both = general_suites("small", ["assay_facts", "assay_short_answers"])
    assert both.tasks == ("assay_facts",) and [path.stem for path in both.suites] == ["short_answers"]
    assert both.folder == tier_folder("small")
    own = general_suites("medium", ["assay_medium_tables"])
    assert own.folder is None and own.tasks == () and len(own.suites) == 1
    elsewhere = general_suites("medium", ["arc_easy"])
    assert elsewhere.tasks == ("arc_easy",) and elsewhere.suites == ()


def test_the_word_becomes_paths_beside_the_suites_that_were_there() -> None:
    given = EvaluateSettings(suites=("mine.yaml",), tasks=("assay_large_rules",))
    settings = with_included(given, ["bundled:large"])
    assert settings.suites == ("mine.yaml", str(tier_folder("large") / "rules.yaml"))
    assert settings.include_path is None and settings.tasks == ()


def test_folders_and_tiers_stand_beside_one_another_in_their_order() -> None:
    both = with_included(EvaluateSettings(), ["mine", "bundled:small", "theirs"])
    assert both.include_path == ("mine", str(tier_folder("small")), "theirs") and len(both.suites) == 2
    one = with_included(EvaluateSettings(), ["mine", "bundled:medium"])
    assert one.include_path == "mine" and len(one.suites) == 10
    assert with_included(EvaluateSettings(), []).include_path is None


def test_names_choose_among_all_folders_and_tiers() -> None:
    named = EvaluateSettings(tasks=("facts", "assay_medium_rules", "assay_short_answers"))
    found = with_included(named, ["mine", "bundled:small", "bundled:medium"])
    assert found.tasks == ("facts",) and [Path(path).stem for path in found.suites] == ["short_answers", "rules"]
    own = with_included(EvaluateSettings(tasks=("assay_medium_rules",)), ["mine", "bundled:medium"])
    assert own.include_path is None and own.tasks == (), "no name is left, and none must not mean all of a folder"


def test_each_is_taken_once_however_it_was_called() -> None:
    assert include_paths(None) == () and include_paths("a") == ("a",) and include_paths(("a", "b", "a")) == ("a", "b")
    asked: list[str] = []
    assert with_tiers(["bundled", "mine", "bundled:small"], lambda path: asked.append(path) or "small") == (
        "bundled:small", "mine",
    )  # fmt: skip
    assert asked == ["bundled"]
    with pytest.raises(SettingsError, match="bundled:medium"):
        with_included(EvaluateSettings(), ["bundled"])
