"""On a file system where nothing can be written the pages open and say so; on a full one no decision is lost.

Real file systems, mounted for one process alone; skipped where the system does not allow that.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.request import HTTPCookieProcessor, build_opener

import pytest

from tests.curate.web.record_store import chat, curated, write_rows

MOUNTING = ["unshare", "--mount", "--map-root-user"]


@pytest.fixture(scope="module", autouse=True)
def may_mount() -> None:
    try:
        done = subprocess.run([*MOUNTING, "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("needs unshare (util-linux)")
    if done.returncode:
        pytest.skip("needs a system that lets a process mount for itself")


def within(script: str, *arguments: str) -> list[str]:
    return [*MOUNTING, "bash", "-ec", script, "bash", *arguments]


def test_on_a_read_only_file_system_everything_opens_and_it_is_said_that_nothing_is_written(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    write_rows(project / "data.jsonl", [chat("When is it?", f"On {number} May.") for number in (3, 4)])
    run = curated(project, "data.jsonl").run
    before = sorted(path for path in project.rglob("*"))
    script = 'mount --bind "$1" "$1"; mount -o remount,bind,ro "$1"; cd "$1"; exec "$2" -m assay.cli ui --no-browser'
    server = subprocess.Popen(within(script, str(project), sys.executable), stdout=subprocess.PIPE, text=True)
    try:
        assert server.stdout is not None
        said = ""
        while "token=" not in said:
            line = server.stdout.readline()
            assert line, said
            said += line
        assert "Decisions cannot be written: " in said and "is read-only" in said
        link = re.search(r"http://\S+", said)
        assert link is not None
        asking = build_opener(HTTPCookieProcessor(CookieJar()))
        page = asking.open(link[0]).read().decode()
        assert "Decisions cannot be written: " in page
        root = link[0].partition("/?")[0]
        data = f"{root}/data/{run}"
        for address in (
            f"{root}/data",
            data,
            f"{data}/records?order=longest",
            f"{root}/review/{run}",
            f"{root}/training",
        ):
            assert asking.open(address).status == 200
    finally:
        server.terminate()
        server.wait(20)
        server.stdout.close()  # type: ignore[union-attr]
    assert sorted(path for path in project.rglob("*")) == before


DECIDING = """
import sys
from pathlib import Path
from assay.errors import StorageError
from assay.reviews.journal import append, read_reviews
from assay.reviews.review import Review, Subject, Verdict

journal = Path(sys.argv[1])
decided = lambda name, note="": [Review(Subject(name), Verdict.DROP, "ana", "now", note=note)]
append(journal, decided("first"))
whole = journal.read_bytes()
full = journal.with_name("full")
try:
    with full.open("wb") as file:
        while True:
            file.write(bytes(4096))
            file.flush()
except OSError:
    pass
said = []
for note in ("x" * 20_000, "y" * 9_000):
    try:
        append(journal, decided("second", note))
    except StorageError as error:
        said.append(str(error))
assert journal.read_bytes() == whole, "what was decided is not what it was"
full.unlink()
append(journal, decided("third"))
print(len(said), [review.subject.record_id for review in read_reviews(journal)])
print(said[0])
"""


def test_on_a_full_disk_a_decision_is_refused_in_a_line_and_those_before_it_stay(tmp_path: Path) -> None:
    script = 'mount -t tmpfs -o size=256k tmpfs "$1"; exec "$2" -c "$3" "$1/reviews.jsonl"'
    command = within(script, str(tmp_path), sys.executable, DECIDING)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    counts, line = done.stdout.splitlines()
    assert counts == f"2 {json.dumps(['first', 'third'])}".replace('"', "'")
    assert line.startswith("writing reviews.jsonl: the disk is full; nothing half-written was left")
