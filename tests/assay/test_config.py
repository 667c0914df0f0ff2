"""Settings are strict: what cannot be meant is one line with file, line and the nearest known name."""

import dataclasses
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from assay.config import Document, parse, parse_override, read_document, to_json
from assay.errors import SettingsError


@dataclass(frozen=True)
class Inner:
    threshold: float = 0.8


@dataclass(frozen=True)
class Settings:
    max_length: int | None = None
    lora_r: int = 16
    load_in_4bit: bool = False
    warmup_steps: float = 0.05
    learning_rate: float = 2e-4
    lora_target_modules: str | tuple[str, ...] = "all-linear"
    inner: Inner = Inner()
    checks: dict[str, dict[str, float]] = field(default_factory=dict)
    several: tuple[Inner, ...] = ()


def read(tmp_path: Path, text: str) -> Document:
    path = tmp_path / "a.yaml"
    path.write_text(text, encoding="utf-8")
    return read_document(path)


def test_values_are_typed_and_defaults_fill_the_rest(tmp_path: Path) -> None:
    settings, notices = parse(Settings, read(tmp_path, "learning_rate: 5e-4\ninner: {threshold: 0.7}\n"))
    assert settings == Settings(learning_rate=5e-4, inner=Inner(0.7))
    assert notices == ()


def test_an_unknown_key_names_its_line_and_the_nearest_known_one(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"a\.yaml:2: unknown setting 'inner\.treshold'.*did you mean 'threshold'"):
        parse(Settings, read(tmp_path, "inner:\n  treshold: 0.7\n"))


@pytest.mark.parametrize(
    ("old", "new", "value"),
    [
        ("max_seq_length: 512", "max_length", 512),
        ("cutoff_len: 512", "max_length", 512),
        ("sequence_len: 512", "max_length", 512),
        ("r: 8", "lora_r", 8),
        ("lora_rank: 8", "lora_r", 8),
        ("quantization_bit: 4", "load_in_4bit", True),
        ("warmup_ratio: 0.1", "warmup_steps", 0.1),
        ("lora_target: all", "lora_target_modules", "all-linear"),
    ],
)
def test_a_foreign_name_is_taken_and_names_its_successor(tmp_path: Path, old: str, new: str, value: object) -> None:
    settings, notices = parse(Settings, read(tmp_path, old))
    assert getattr(settings, new) == value
    assert f"is now '{new}'" in notices[0]


def test_an_old_name_beside_its_successor_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="'lora_r' is given twice"):
        parse(Settings, read(tmp_path, "lora_r: 8\nr: 16\n"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lora_r: many", r"a\.yaml:1: 'lora_r'"),
        ("inner: 3", "'inner'"),
        ("inner: {threshold: high}", r"a\.yaml:1: 'inner\.threshold'"),
        ("lora_r: 8\nlora_r: 9", r"a\.yaml:2: 'lora_r' is given twice"),
        ("a: [", "is not YAML"),
        ("- 1", "should hold a mapping"),
        ("several: [{treshold: 1}]", "unknown setting 'several.0.treshold'"),
    ],
)
def test_settings_that_cannot_be_meant_are_one_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(SettingsError, match=message) as raised:
        parse(Settings, read(tmp_path, text))
    assert "\n" not in str(raised.value)


def test_a_missing_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="assay init"):
        read_document(tmp_path / "none.yaml")


def test_overrides_reach_into_sections_and_win() -> None:
    document = Document({"train": {"lora_r": 8, "inner": {"threshold": 0.1}}})
    changed = document.override(["train.lora_r=4", "train.inner.threshold=0.5", "curate.purpose=domain"])
    assert parse(Settings, changed.section("train"))[0] == Settings(lora_r=4, inner=Inner(0.5))
    assert changed.data["curate"] == {"purpose": "domain"}
    assert document.data["train"]["lora_r"] == 8


@pytest.mark.parametrize("text", ["train.lora_r", "=3", "a..b=3", "a.b=[", "train.lora_r.x=3"])
def test_an_override_that_cannot_be_meant_is_an_error(text: str) -> None:
    with pytest.raises(SettingsError):
        Document({"train": {"lora_r": 8}}).override([text])


def test_an_override_value_is_read_as_yaml() -> None:
    assert parse_override("a.b=[1, x]") == (("a", "b"), [1, "x"])


def test_settings_as_json_have_every_default() -> None:
    assert to_json(Settings())["inner"] == {"threshold": 0.8}


def test_every_alias_leads_to_a_setting_that_some_section_has() -> None:
    import importlib

    from assay.aliases import _RENAMED
    from assay.project import SECTIONS, ProjectSettings

    classes: list[type] = [ProjectSettings]
    for home in SECTIONS.values():
        module, _, name = home.partition(":")
        classes.append(getattr(importlib.import_module(module), name))
    known = {field.name for cls in classes for field in dataclasses.fields(cls)}
    assert sorted(set(_RENAMED.values()) - known) == []


@pytest.mark.parametrize("foreign", ["max_seq_length", "warmup_ratio", "torch_dtype", "evaluation_strategy", "r"])
def test_the_names_that_people_know_are_taken_and_named_anew(foreign: str) -> None:
    from assay.train.settings import TrainSettings

    value = {"warmup_ratio": 0.1, "torch_dtype": "bfloat16", "evaluation_strategy": "epoch"}.get(foreign, 8)
    _, notices = parse(TrainSettings, Document({foreign: value}, "assay.yaml"))
    assert len(notices) == 1 and foreign in notices[0]


@dataclass(frozen=True)
class Item:
    name: str
    size: int = 0


@dataclass(frozen=True)
class Listed:
    items: tuple[Item, ...] = ()


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("items:\n  - name: a\n  - name: b\n    sise: 2\n", 4, "'size'"),
        ("items:\n  - name: a\n  - name: b\n    size: two\n", 4, "items.1.size"),
        ("items:\n  - name: a\n  - size: 2\n", 3, "items.1.name"),
        ("items:\n  - name: a\n    name: b\n", 3, "given twice"),
    ],
)
def test_an_error_in_an_item_of_a_list_names_its_line(tmp_path: Path, text: str, line: int, said: str) -> None:
    path = tmp_path / "listed.yaml"
    path.write_text(text)
    with pytest.raises(SettingsError) as caught:
        parse(Listed, read_document(path))
    assert caught.value.where == f"{path}:{line}" and said in str(caught.value)
