"""The form: each wrong choice is one line beside its field, and whatever is typed stays a value."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from starlette.testclient import TestClient

from assay.config import parse, read_document
from assay.runs import RunStore
from assay.train.settings import TrainSettings
from assay.train.web.drafts import Drafts, _write_new
from assay.train.web.form import Chosen, choose
from assay.web.site import Site
from tests.train.web.training_store import write_records

Open = Callable[[Path], TestClient]

RIGHT = {"path": "data.jsonl", "model": "smollm2-135m-instruct", "preset": "domain"}


@pytest.fixture
def site(tmp_path: Path) -> Site:
    write_records(tmp_path / "data.jsonl", 4)
    (tmp_path / ".assay" / "runs").mkdir(parents=True)
    return Site(RunStore(tmp_path / ".assay"), tmp_path / "reviews.jsonl", tmp_path, who="ana")


def chosen(site: Site, **values: str) -> Chosen:
    return choose(site, {**RIGHT, **values})


WRONG = [
    ("path", "nowhere.jsonl", "no such file or folder"),
    ("path", "/" + "x" * 5000, "cannot be looked up"),
    ("path", "a\0b", "U+0000"),
    ("path", "~nobody-of-this-name/x", "cannot be looked up"),
    ("data", "curate-000000000000", "no curated data"),
    ("data", "../../etc", "no curated data"),
    ("model", "gpt-9", "choose a model"),
    ("model_path", "a b; rm -rf /", "no such folder, and no id of the hub"),
    ("model_path", "../nowhere", "no such folder, and no id of the hub"),
    ("model_path", "a\0b", "no such folder, and no id of the hub"),
    ("preset", "magic", "formatting, general, domain, shift"),
    ("preset", "", "formatting, general, domain, shift"),
    ("lora_r", "many", "whole number from 1 to 4,096"),
    ("lora_r", "0", "whole number"),
    ("lora_r", "-8", "whole number"),
    ("lora_r", "8.5", "whole number"),
    ("lora_r", "9" * 400, "whole number"),
    ("lora_r", "²", "whole number"),
    ("num_train_epochs", "0", "number above 0, at most 1,000"),
    ("num_train_epochs", "nan", "number above 0"),
    ("num_train_epochs", "inf", "number above 0"),
    ("learning_rate", "2", "number above 0, at most 1"),
    ("learning_rate", "1_0e-9", "number above 0"),
    ("general_data", "data.jsonl\nnowhere.jsonl", "nowhere.jsonl: no such file"),
    ("general_ratio", "0.3", "no general data"),
    ("general_ratio", "30%", "number above 0"),
]


@pytest.mark.parametrize(("field", "typed", "line"), WRONG)
def test_a_wrong_choice_is_one_line_at_its_field(site: Site, field: str, typed: str, line: str) -> None:
    others = {"path": ""} if field == "data" else {}
    found = chosen(site, **{**others, field: typed})
    assert list(found.errors) == [field]
    assert line in found.errors[field]
    assert "\n" not in found.errors[field]
    assert found.text == ""


def test_the_line_stands_beside_the_field_and_nothing_typed_is_lost(site: Site, open_site: Open) -> None:
    client = open_site(site.project)
    typed = '"><script>alert(1)</script>'
    answer = client.post("/training/new", data={**RIGHT, "path": typed, "lora_r": "many"})
    assert answer.status_code == 422
    assert "<script>alert" not in answer.text
    assert f'value="{html.escape(typed).replace("&#x27;", "&#39;").replace("&quot;", "&#34;")}"' in answer.text
    assert re.search(
        r'id="lora_r" name="lora_r" value="many".*aria-invalid="true" aria-describedby="lora_r-wrong"', answer.text
    )
    assert 'id="lora_r-wrong">should be a whole number' in answer.text
    assert Drafts(site).all() == []


@pytest.mark.parametrize(
    "name",
    [
        "with spaces.jsonl",
        'it\'s "quoted".jsonl',
        "new\nline: [x]\ntrain: {preset: shift}.jsonl",
        "#: {*anchor} &x !!python-object:os.system.jsonl",
        "$(touch owned) `touch owned`; touch owned.jsonl",
        "- y.jsonl",
        "--config=x.jsonl",
        "null",
        "Größe 数据 \u202e.jsonl",
    ],
)
def test_whatever_a_path_holds_it_stays_a_path(site: Site, name: str) -> None:
    write_records(site.project / name, 4)
    found = chosen(site, path=name, general_data="data.jsonl")
    assert found.errors == {}
    document = yaml.safe_load(found.text)
    assert list(document) == ["version", "model_name_or_path", "data", "train"]
    assert document["data"] == [{"path": name.strip()}]
    assert document["train"]["preset"] == "domain"


def test_all_choices_are_settings_of_train(site: Site) -> None:
    found = chosen(
        site, preset="shift", lora_r="8", num_train_epochs="1.5", learning_rate="1e-3", load_in_4bit="yes",
        general_data="data.jsonl\n\n", general_ratio="0.25",
    )  # fmt: skip
    (site.project / "made.yaml").write_text(found.text)
    settings, notices = parse(TrainSettings, read_document(site.project / "made.yaml").section("train"))
    assert notices == ()
    assert (settings.preset, settings.lora_r, settings.num_train_epochs, settings.learning_rate) == (
        "shift",
        8,
        1.5,
        1e-3,
    )
    assert (settings.load_in_4bit, settings.general_data, settings.general_ratio) == (True, ("data.jsonl",), 0.25)


RATES = [
    ({"model": "smollm2-135m-instruct"}, 5e-4),
    ({"model": "smollm2-135m-instruct", "learning_rate": "2e-4"}, 2e-4),
    ({"model_path": "google/gemma-3-270m-it"}, 5e-4),
    ({"model_path": "Qwen/Qwen3-0.6B"}, None),
    ({"model_path": "meta-llama/Llama-3.1-8B-Instruct"}, None),
    ({"model_path": "some/model"}, None),
    ({"model_path": "small"}, 5e-4),
    ({"model_path": "large"}, None),
    ({"model_path": "odd-0.1b"}, 5e-4),
]


@pytest.mark.parametrize(("typed", "rate"), RATES)
def test_the_rate_is_what_a_plan_advises_for_the_model_unless_one_is_typed(
    site: Site, typed: dict[str, str], rate: float | None
) -> None:
    sizes = {"hidden_size": 1024, "num_hidden_layers": 4, "num_attention_heads": 8, "vocab_size": 32000}
    for name, config in {"small": sizes, "large": {**sizes, "num_hidden_layers": 64}, "odd-0.1b": [1]}.items():
        (site.project / name).mkdir()
        (site.project / name / "config.json").write_text(json.dumps(config))
    found = chosen(site, **typed)
    assert found.errors == {}
    assert yaml.safe_load(found.text)["train"].get("learning_rate") == rate
    assert found.values["learning_rate"] == typed.get("learning_rate", "")


def test_what_a_plan_cannot_know_stands_on_the_page(site: Site, open_site: Open) -> None:
    from assay.train.planning.reading import from_config
    from assay.train.planning.screen import to_json
    from assay.train.planning.stage import Subject, plan
    from assay.train.planning.workload import Lengths

    shape = {"model_type": "olmo2", "hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2,
             "num_attention_heads": 4, "vocab_size": 320}  # fmt: skip
    made = plan(Subject("x", from_config(shape, "x")), Lengths(9, 90, 10, (4, 10), 0.5, False), TrainSettings(), ())
    draft = Drafts(site).keep("version: 1\n", {})
    (draft.folder / "looking").mkdir()
    preview = {"steps": 2, "records": {"train": 9, "validation": 0}, "tokens": 90, "trained_tokens": 45, "longest": 10}
    found = {"plan": to_json(made), "preview": preview}
    (draft.folder / "looking" / "look.json").write_text(json.dumps(found))
    shown = open_site(site.project).get(f"/training/draft/{draft.id}").text
    assert len(made.subject.architecture.unknown) == 1
    assert shown.count("Not known: no formula is made for &#39;olmo2&#39;") == 1
    assert "at a learning rate of 0.0002" in shown


def test_what_the_project_says_is_carried_over(site: Site) -> None:
    (site.project / "assay.yaml").write_text(
        "model_name_or_path: some/model\nrevision: abc\ntrust_remote_code: true\n"
        "synth: {require_acceptance: 0, provider: local}\ntrain: {r: 4, eval_steps: 3}\n"
    )
    with_others = yaml.safe_load(chosen(site, model_path="some/model", others="yes", load_in_4bit="yes").text)
    assert with_others["revision"] == "abc"
    assert with_others["synth"] == {"require_acceptance": 0}
    assert with_others["train"]["eval_steps"] == 3
    assert "lora_r" not in with_others["train"]
    without = yaml.safe_load(chosen(site).text)
    assert "eval_steps" not in without["train"]
    assert not {"revision", "trust_remote_code"} & set(without)


def test_of_a_project_that_cannot_be_read_the_form_says_so(site: Site, open_site: Open) -> None:
    (site.project / "assay.yaml").write_text("train: {rnak: 4}\n")
    assert "unknown setting &#39;rnak&#39;" in open_site(site.project).get("/training/new").text
    assert chosen(site).errors == {}


def test_a_store_elsewhere_is_named_in_the_file(site: Site, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = tmp_path_factory.mktemp("store")
    moved = Site(RunStore(other), site.journal, site.project, who="ana")
    assert yaml.safe_load(choose(moved, RIGHT).text)["store"] == str(other.resolve())


def test_no_file_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "assay-train-1.yaml").write_text("mine")
    (tmp_path / "assay-train-2.yaml").symlink_to(tmp_path / "nowhere")
    assert _write_new(tmp_path, "theirs") == "assay-train-3.yaml"
    assert (tmp_path / "assay-train-1.yaml").read_text() == "mine"
    assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("address", ["new", "draft/0123456789ab/start", "draft/0123456789ab/stop"])
def test_a_foreign_page_starts_nothing(site: Site, open_site: Open, address: str) -> None:
    client = open_site(site.project)
    client.headers["origin"] = "http://evil.example"
    assert client.post(f"/training/{address}", data=RIGHT).status_code == 403
    assert client.get("/training/new", params=RIGHT).status_code == 200
    assert Drafts(site).all() == []


@pytest.mark.parametrize("name", ["0123456789ab", "0123456789AB", "x"])
def test_what_was_not_put_together_here_is_not_there(site: Site, open_site: Open, name: str) -> None:
    client = open_site(site.project)
    assert client.get(f"/training/draft/{name}").status_code == 404
    assert client.post(f"/training/draft/{name}/start").status_code == 404
