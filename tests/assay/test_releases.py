"""Adapters by name and version: kept as they were, in use only with a verdict or a reason, and back again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from assay.errors import Exit, ModelError, NotReleasedError, SettingsError, SourceError
from assay.releases import Releases
from assay.storage import sha256_file

WEIGHTS = "adapter_model.safetensors"


def make_adapter(folder: Path, weights: bytes = b"weights") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "adapter_config.json").write_text('{"r": 4, "base_model_name_or_path": "some/base"}', encoding="utf-8")
    (folder / WEIGHTS).write_bytes(weights)
    (folder / "assay.json").write_text('{"base": "some/base"}', encoding="utf-8")
    return folder


def certify(adapter: Path, verdict: str = "PASS", **more: Any) -> Path:
    path = adapter.parent / f"{adapter.name}-{verdict}.json"
    claims = {"decision": {"verdict": verdict}, "adapter": {WEIGHTS: sha256_file(adapter / WEIGHTS)}, **more}
    path.write_text(json.dumps(claims), encoding="utf-8")
    return path


@pytest.fixture
def releases(tmp_path: Path) -> Releases:
    return Releases(tmp_path / "store" / "adapters")


@pytest.fixture
def three(releases: Releases, tmp_path: Path) -> Releases:
    """Versions 1 to 3 of support, each with the verdict PASS."""
    for number in (1, 2, 3):
        adapter = make_adapter(tmp_path / f"a{number}", f"weights {number}".encode())
        releases.add("support", adapter, certify(adapter))
    return releases


def test_a_version_is_a_copy_that_outlives_the_folder_it_came_from(releases: Releases, tmp_path: Path) -> None:
    adapter = make_adapter(tmp_path / "out")
    first = releases.add("support", adapter)
    make_adapter(tmp_path / "out", b"others")
    second = releases.add("support", adapter)
    assert [(version.number, (version.adapter / WEIGHTS).read_bytes()) for version in (first, second)] == [
        (1, b"weights"),
        (2, b"others"),
    ]
    assert releases.versions("support") == [first, second]


def test_the_same_adapter_added_again_is_no_new_version(releases: Releases, tmp_path: Path) -> None:
    adapter = make_adapter(tmp_path / "out")
    assert releases.add("support", adapter) == releases.add("support", adapter)
    assert releases.add("support", adapter, certify(adapter)).number == 2, "with a certificate there is more to know"


def test_a_certificate_of_another_adapter_is_refused(releases: Releases, tmp_path: Path) -> None:
    one, other = make_adapter(tmp_path / "one"), make_adapter(tmp_path / "other", b"others")
    with pytest.raises(SourceError, match="about another adapter"):
        releases.add("support", one, certify(other))
    assert releases.names() == []


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"decision": 3, "adapter": {}}', '{"decision": {"verdict": "PASS"}}']
)
def test_what_is_no_certificate_is_refused(releases: Releases, tmp_path: Path, content: str) -> None:
    (tmp_path / "c.json").write_text(content, encoding="utf-8")
    with pytest.raises(SourceError, match="cannot be read as a certificate"):
        releases.add("support", make_adapter(tmp_path / "out"), tmp_path / "c.json")


def test_what_is_no_adapter_is_refused(releases: Releases, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no adapter_config\.json"):
        releases.add("support", tmp_path)


@pytest.mark.parametrize("name", ["", "../up", "a/b", ".hidden", "a" * 65, "a b"])
def test_a_name_that_could_leave_the_store_is_refused(releases: Releases, tmp_path: Path, name: str) -> None:
    with pytest.raises(SettingsError, match="cannot name an adapter"):
        releases.add(name, make_adapter(tmp_path / "out"))


@pytest.mark.parametrize(
    ("verdict", "said"), [(None, "no certificate"), ("BLOCK", "says BLOCK"), ("INVALID", "INVALID")]
)
def test_only_a_pass_or_a_reason_puts_a_version_in_use(
    releases: Releases, tmp_path: Path, verdict: str | None, said: str
) -> None:
    adapter = make_adapter(tmp_path / "out")
    version = releases.add("support", adapter, certify(adapter, verdict) if verdict else None)
    with pytest.raises(NotReleasedError, match=said) as refused:
        releases.promote(version)
    assert (refused.value.exit_code, releases.current("support")) == (Exit.NEGATIVE, None)
    releases.promote(version, "a trial")
    assert releases.current("support") == version
    assert releases.history("support")[-1].reason == "a trial"


def test_rolling_back_goes_to_what_was_in_use_and_not_to_the_number_before(three: Releases) -> None:
    for number in (1, 3):
        three.promote(three.version("support", number))
    left, now = three.roll_back("support")
    assert (left.number, now.number, three.find("support").number) == (3, 1, 1)
    three.promote(three.version("support", 2))
    assert [version.number for version in three.roll_back("support")] == [2, 1], (
        "the one rolled back is not come to again"
    )
    with pytest.raises(SettingsError, match="no version of support was in use before"):
        three.roll_back("support")


def test_promoting_what_is_in_use_changes_nothing_to_roll_back_to(three: Releases) -> None:
    for number in (1, 2, 2):
        three.promote(three.version("support", number))
    assert three.roll_back("support")[1].number == 1


def test_a_killed_copy_is_no_version(three: Releases, tmp_path: Path) -> None:
    make_adapter(three.root / "support" / "4" / "adapter")
    assert [version.number for version in three.versions("support")] == [1, 2, 3]
    adapter = make_adapter(tmp_path / "next", b"next")
    assert three.add("support", adapter).number == 4
    assert (three.version("support", 4).adapter / WEIGHTS).read_bytes() == b"next"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("suport", "did you mean 'support'"),
        ("support", "no version of support is in use"),
        ("support:9", "versions: 1, 2, 3"),
        ("support:x", "names no version"),
    ],
)
def test_what_is_not_there_is_said_with_what_is(three: Releases, text: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        three.find(text)
