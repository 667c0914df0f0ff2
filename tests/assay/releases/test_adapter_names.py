"""What a command line names as an adapter: its folder first, then the registry, else one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.cli import main
from assay.config import Document
from assay.errors import ModelError, SettingsError
from assay.project import load_project
from assay.releases.adapter_names import adapter_folder
from assay.releases.versions import Releases


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store with two versions of support, the first in use, and an unused routing."""
    monkeypatch.chdir(tmp_path)
    registry = Releases(Path(".assay/adapters"))
    for name, weights in (("support", b"1"), ("support", b"2"), ("routing", b"3")):
        folder = tmp_path / "trained"
        folder.mkdir(exist_ok=True)
        (folder / "adapter_config.json").write_text('{"r": 4, "base_model_name_or_path": "gone/base"}')
        (folder / "adapter_model.safetensors").write_bytes(weights)
        registry.add(name, folder)
    registry.promote(registry.find("support:1"), "tried by hand")
    return Path(".assay")


@pytest.mark.parametrize(
    ("given", "folder"),
    [
        ("support:2", ".assay/adapters/support/2/adapter"),
        ("support", ".assay/adapters/support/1/adapter"),
        ("trained", "trained"),
        ("gone/adapter", "gone/adapter"),
        ("gone.gguf", "gone.gguf"),
        ("./support", "support"),
    ],
)
def test_a_name_is_a_version_and_a_path_stays_one(given: str, folder: str, store: Path) -> None:
    assert adapter_folder(given, store) == Path(folder)


def test_a_folder_of_the_name_comes_first_and_relative_paths_start_at_the_root(store: Path) -> None:
    Path("support").mkdir()
    assert adapter_folder("support", store) == Path("support")
    assert adapter_folder("support", store, Path("elsewhere")) == store / "adapters" / "support" / "1" / "adapter"
    assert adapter_folder("gone/adapter", store, Path("elsewhere")) == Path("elsewhere/gone/adapter")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (
            "suport",
            "suport: is no folder, and no adapter is called 'suport' in .assay/adapters; did you mean 'support",
        ),
        ("suport:1", "no adapter is called 'suport' in .assay/adapters; did you mean 'support'?"),
        ("support:7", "support has no version 7; versions: 1, 2"),
        ("support:x", "'support:x' names no version; NAME:NUMBER, or NAME for the one in use"),
        ("routing", "no version of routing is in use; name one, as in routing:1, or"),
    ],
)
def test_what_is_neither_is_one_line(given: str, said: str, store: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        adapter_folder(given, store)
    assert str(caught.value).startswith(said)


def test_without_any_name_the_line_says_how_one_is_given(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"name its folder, or `assay adapters add` it first"):
        adapter_folder("support", tmp_path)


def test_a_version_that_was_changed_since_is_refused(store: Path) -> None:
    (store / "adapters/support/2/adapter/adapter_model.safetensors").write_bytes(b"other")
    with pytest.raises(ModelError, match="support:2 is not what was added; add the adapter again"):
        adapter_folder("support:2", store)


@pytest.mark.parametrize(
    "command",
    [
        ["evaluate", "--model", "m", "--adapter", "suport:1", "--suite", "s.yaml"],
        ["evaluate", "--model", "m", "--adapter", "support:1", "--previous", "suport:1", "--suite", "s.yaml"],
        ["merge", "suport:1", "-o", "merged"],
        ["parity", "merged", "--against", "suport:1"],
        ["export", "gguf", "suport:1", "-o", "a.gguf"],
        ["export", "ollama", "suport:1", "-o", "folder"],
        ["export", "trl", "suport:1", "-o", "run.yaml"],
        ["lineage", "suport:1"],
        ["init", "--from", "suport:1"],
    ],
    ids=lambda command: "-".join(command[:2]),
)
def test_each_command_that_takes_an_adapter_takes_a_name(
    command: list[str], store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(command)
    assert ended.value.code == 2
    told = capsys.readouterr().err
    assert told == "assay: no adapter is called 'suport' in .assay/adapters; did you mean 'support'?\n"


def test_gate_previous_of_a_project_may_be_a_name(store: Path) -> None:
    def previous(named: str) -> object:
        document = Document({"version": 1, "data": [{"path": "d.jsonl"}], "gate": {"previous": named}}, "assay.yaml")
        return load_project(document, Path()).previous_adapter

    assert previous("support:2") == Path(".assay/adapters/support/2/adapter")
    with pytest.raises(SettingsError, match="support has no version 9"):
        previous("support:9")
