"""Adapters by name and version: kept as they were, in use only with a verdict or a reason, and back again."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from assay.errors import Exit, ModelError, NotReleasedError, SettingsError, SourceError
from assay.releases.versions import HISTORY, Releases
from assay.storage import sha256_folder

WEIGHTS = "adapter_model.safetensors"


def make_adapter(folder: Path, weights: bytes = b"weights") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "adapter_config.json").write_text('{"r": 4, "base_model_name_or_path": "some/base"}', encoding="utf-8")
    (folder / WEIGHTS).write_bytes(weights)
    (folder / "assay.json").write_text('{"base": "some/base"}', encoding="utf-8")
    return folder


def certify(adapter: Path, verdict: str = "PASS", **more: Any) -> Path:
    path = adapter.parent / f"{adapter.name}-{verdict}.json"
    claims = {"decision": {"verdict": verdict}, "adapter": sha256_folder(adapter), **more}
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
    assert (left, now.number, three.find("support").number) == (3, 1, 1)
    three.promote(three.version("support", 2))
    left, now = three.roll_back("support")
    assert (left, now.number) == (2, 1), "the one rolled back is not come to again"
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
        ("support:\u00b2", "names no version"),
    ],
)
def test_what_is_not_there_is_said_with_what_is(three: Releases, text: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        three.find(text)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("adapter_config.json", '{"r": 4, "lora_alpha": 64}', "its adapter_config.json has another hash"),
        ("chat_template.jinja", "{{ x }}", "chat_template.jinja was not there when it was gated"),
        ("assay.json", None, "it has no assay.json"),
    ],
)
def test_a_certificate_is_of_the_scale_and_the_template_too(
    releases: Releases, tmp_path: Path, name: str, content: str | None, said: str
) -> None:
    """The same weights at another scale, or asked in another template, are another adapter."""
    adapter = make_adapter(tmp_path / "out")
    certificate = certify(adapter)
    if content is None:
        (adapter / name).unlink()
    else:
        (adapter / name).write_text(content, encoding="utf-8")
    with pytest.raises(SourceError, match=said):
        releases.add("support", adapter, certificate)
    assert releases.names() == []


def test_what_stays_behind_on_the_way_to_a_hub_may_lack(releases: Releases, tmp_path: Path) -> None:
    adapter = make_adapter(tmp_path / "out")
    (adapter / "trained_records.parquet").write_bytes(b"hashes")
    certificate = certify(adapter)
    (adapter / "trained_records.parquet").unlink()
    (adapter / "README.md").write_text("A card.", encoding="utf-8")
    (adapter / ".gitattributes").write_text("*.safetensors filter=lfs", encoding="utf-8")
    assert releases.add("support", adapter, certificate).verdict == "PASS"


def test_an_adapter_of_some_time_ago_added_again_is_the_version_that_it_was(three: Releases, tmp_path: Path) -> None:
    first = tmp_path / "a1"
    assert three.add("support", first, certify(first)).number == 1
    assert three.add("support", first).number == 1, "it has a certificate already"
    assert len(three.versions("support")) == 3


def test_what_a_killed_process_left_of_a_line_did_not_happen(three: Releases) -> None:
    three.promote(three.version("support", 1))
    history = three.root / "support" / HISTORY
    whole = history.read_text(encoding="utf-8")
    history.write_text(whole + '{"event": "promoted", "ver', encoding="utf-8")
    assert three.in_use("support") == 1
    three.promote(three.version("support", 2))
    assert [event.version for event in three.history("support")] == [1, 2, 3, 1, 2]
    history.write_text(history.read_text(encoding="utf-8").removesuffix("\n"), encoding="utf-8")
    assert three.in_use("support") == 2, "a whole line counts, whatever follows it"
    three.promote(three.version("support", 3))
    assert three.in_use("support") == 3


@pytest.mark.parametrize("line", ["nonsense", "[]", '{"event": "promoted"}'])
def test_a_history_that_was_damaged_is_one_line(three: Releases, line: str) -> None:
    history = three.root / "support" / HISTORY
    history.write_text(line + "\n" + history.read_text(encoding="utf-8"), encoding="utf-8")
    with pytest.raises(SourceError, match="cannot be read as the history of an adapter"):
        three.find("support")


def test_a_number_is_never_given_twice(three: Releases, tmp_path: Path) -> None:
    """What was in use and is removed by hand shall not come back as something that nobody put in use."""
    three.promote(three.version("support", 3))
    shutil.rmtree(three.root / "support" / "3")
    assert three.in_use("support") == 3
    with pytest.raises(SettingsError, match=r"no version 3; versions: 1, 2"):
        three.find("support")
    assert three.add("support", make_adapter(tmp_path / "next", b"next")).number == 4
    with pytest.raises(SettingsError, match="no version 3"):
        three.find("support")


def test_rolling_back_to_what_is_gone_or_changed_changes_nothing(three: Releases) -> None:
    for number in (1, 2, 3):
        three.promote(three.version("support", number))
    (three.version("support", 2).adapter / WEIGHTS).write_bytes(b"others")
    with pytest.raises(ModelError, match="support:2 is not what was added"):
        three.roll_back("support")
    shutil.rmtree(three.root / "support" / "2")
    with pytest.raises(SettingsError, match="no version 2"):
        three.roll_back("support")
    assert three.in_use("support") == 3


def test_rolling_back_from_what_is_gone_works(three: Releases) -> None:
    for number in (1, 2):
        three.promote(three.version("support", number))
    shutil.rmtree(three.root / "support" / "2")
    left, now = three.roll_back("support")
    assert (left, now.number) == (2, 1)


PROMOTING = """
import sys, time
from pathlib import Path
from assay.errors import RunError
from assay.releases.versions import Releases
releases = Releases(Path(sys.argv[1]))
version = releases.version("support", int(sys.argv[2]))
done = 0
while done < 20:
    try:
        releases.promote(version)
        done += 1
    except RunError:
        time.sleep(0.001)
"""


def test_processes_that_promote_at_once_lose_no_event_of_one_another(three: Releases) -> None:
    before = len(three.history("support"))
    processes = [
        subprocess.Popen([sys.executable, "-c", PROMOTING, str(three.root), number], stderr=subprocess.PIPE, text=True)
        for number in ("1", "2", "3")
    ]
    for process in processes:
        assert process.communicate(timeout=60)[1] == ""
    found = [event.version for event in three.history("support")][before:]
    assert sorted(found) == [1] * 20 + [2] * 20 + [3] * 20
    assert three.in_use("support") == found[-1]
