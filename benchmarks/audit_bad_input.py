"""Claim: a million records with damage of every kind among them are audited to the end: each row is accounted for once,
each fault is told with its file and line, the report stays small, and neither Ctrl-C nor a full disk leaves anything
half-written.

    python benchmarks/audit_bad_input.py [--records 1000000] [--containers jsonl,gz,zst,csv,parquet] [--stops 100000]

damage.py makes the rows, every fourth damaged. For each container `assay audit FILE -o OUT --json` is run as people run
it; then it is stopped (as the terminal does, with all that it started) at several moments of its work, and run where
no file may be larger than so many bytes, which is what a full disk looks like. Exit code 1 where a claim does not hold.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq
from damage import Place, planted, write_csv, write_jsonl, write_parquet
from memory import Peak, family

WRITERS: dict[str, Callable[[int, Path], list[Place]]] = {
    "jsonl": write_jsonl,
    "csv": write_csv,
    "parquet": write_parquet,
}
MOST_REPORT, MOST_JSON = 20e6, 30e6
"""Bytes of report.html and of the JSON, whatever is wrong with the data."""

START_CPU, ROW_CPU, LARGE_CPU = 30.0, 1e-3, 4.0
"""Seconds of processor time at most: to begin with, for a row, and for one of 5 MB."""

MOMENTS = (0.02, 0.2, 0.4, 0.6, 0.75, 0.85, 0.92, 0.97)
ROOMS = (0, 1_000, 100_000, 1_000_000)


class Ran(NamedTuple):
    code: int
    out: str
    err: str
    seconds: float
    cpu: float
    peak: int


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--containers", default="jsonl,gz,zst,csv,parquet")
    parser.add_argument("--stops", type=int, default=100_000, help="rows of the file on which it is stopped; 0: none")
    arguments = parser.parse_args()
    wrong: list[str] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for container in arguments.containers.split(","):
            path, places = make(container, arguments.records, folder)
            wrong += judge(path, places, folder / f"out-{container}")
            path.unlink()
        if arguments.stops:
            path, _ = make("jsonl", arguments.stops, folder)
            wrong += stops(path, folder)
    for line in wrong:
        print(f"WRONG: {line}")
    return 1 if wrong else 0


def make(container: str, records: int, folder: Path) -> tuple[Path, list[Place]]:
    if container in WRITERS:
        path = folder / f"bad.{container}"
        return path, WRITERS[container](records, path)
    plain = folder / "plain.jsonl"
    path = folder / f"bad.jsonl.{container}"
    places = write_jsonl(records, plain)
    with plain.open("rb") as source, _compressed(path, container) as target:
        shutil.copyfileobj(source, target, 1 << 20)
    plain.unlink()
    return path, places


def _compressed(path: Path, container: str) -> Any:
    if container == "gz":
        return gzip.open(path, "wb", compresslevel=1)
    import zstandard

    return zstandard.open(path, "wb")


def audit(path: Path, out: Path, *more: str, room: int | None = None, stop_after: float | None = None) -> Ran:
    """`assay audit`; where no file may be larger than `room`, or with a Ctrl-C after so many seconds."""
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "assay", "audit", str(path), "-o", str(out), *more],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=None if room is None else lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (room, room)),
    )
    peak = Peak(process)
    started: list[int] = []
    if stop_after is not None:
        try:
            process.wait(stop_after)
        except subprocess.TimeoutExpired:
            started = family(process.pid)
            os.killpg(process.pid, signal.SIGINT)
    out_text, err = process.communicate()
    after, seconds = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - began
    if _alive(started, 5.0):
        err += "\nprocesses are left behind"
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Ran(process.returncode, out_text, err, seconds, cpu, peak.bytes)


def _alive(pids: list[int], seconds: float) -> bool:
    """Whether one of them is still there after so long."""
    until = time.perf_counter() + seconds
    while alive := [pid for pid in pids if Path(f"/proc/{pid}").exists()]:
        if time.perf_counter() > until:
            return bool(alive)
        time.sleep(0.05)
    return False


def judge(path: Path, places: list[Place], out: Path) -> list[str]:
    """Prints what became of the rows; returns what is wrong with it."""
    ran = audit(path, out, "--json")
    if ran.code:
        return [f"{path.name}: exit code {ran.code}: {ran.err[-500:]}"]
    body, summary = json.loads(ran.out), json.loads((out / "summary.json").read_text(encoding="utf-8"))
    fates = {name: summary[name] for name in ("kept", "repaired", "dropped", "held")}
    report = (out / "report.html").stat().st_size
    print(
        f"\n{path.name}: {len(places):,} rows in {path.stat().st_size / 1e6:,.0f} MB, {ran.seconds:.0f} s, "
        f"{ran.cpu:.0f} s of processor time, peak {ran.peak / 1e9:.2f} GB, report {report / 1e6:.1f} MB, "
        f"JSON {len(ran.out) / 1e6:.1f} MB\n  read {summary['read']:,} = "
        + " + ".join(f"{count:,} {name}" for name, count in fates.items()),
        flush=True,
    )
    wrong = accounted(path, places, out)
    wrong += [f"{summary['read']:,} rows read"] if summary["read"] != len(places) or body["read"] != len(places) else []
    wrong += [f"{sum(fates.values()):,} rows have a fate"] if sum(fates.values()) != len(places) else []
    wrong += [f"a report of {report:,} bytes"] if report > MOST_REPORT else []
    wrong += [f"JSON of {len(ran.out):,} bytes"] if len(ran.out) > MOST_JSON else []
    most = START_CPU + ROW_CPU * len(places) + LARGE_CPU * planted(places)["5 MB"]
    wrong += [f"{ran.cpu:.0f} s of processor time"] if ran.cpu > most else []
    return [f"{path.name}: {line}" for line in wrong]


def accounted(path: Path, places: list[Place], out: Path) -> list[str]:
    """Prints a table: each kind of damage, how many rows of it were planted, and of how many is said what should be."""
    names = ["check", "message", "source_file", "source_line", "source_row"]
    table = pq.read_table(out / "findings.parquet", columns=names)
    found: dict[tuple[int | None, int], list[tuple[str, str]]] = defaultdict(list)
    for check, message, file, line, row in zip(*(table.column(name).to_pylist() for name in names), strict=True):
        if Path(file).name == path.name:
            found[line, row].append((check, message))
    right, wrong = Counter[str](), list[str]()
    failed = sum(check == "check_failed" for said in found.values() for check, _ in said)
    wrong += [f"checks failed on {failed:,} records"] if failed else []
    for place in places:
        said = found.get((place.line, place.row), [])
        faults = [message for check, message in said if check == "unreadable_row"]
        kind = place.kind
        if kind is None:
            wrong += [f"row {place.row}, which is good: {fault}" for fault in faults]
        elif kind.fault:
            right[kind.name] += len(faults) == 1 and kind.fault in faults[0]
        else:
            right[kind.name] += not faults and (not kind.check or kind.check in {check for check, _ in said})
    for name, count in planted(places).items():
        print(f"  {name:40}{count:>8,} planted{right[name]:>10,} accounted for")
        if right[name] != count:
            wrong.append(f"{count - right[name]:,} of {count:,} rows with '{name}'")
    return wrong


def stops(path: Path, folder: Path) -> list[str]:
    """Ctrl-C and a full disk: one line, nothing half-written, and no process left."""
    whole = audit(path, folder / "whole")
    wrong = [] if whole.code == 0 else [f"exit code {whole.code}: {whole.err[-300:]}"]
    print(f"\n{path.name}, stopped:")
    for moment in MOMENTS:
        out = folder / f"stopped-{moment}"
        ran = audit(path, out, stop_after=moment * whole.seconds)
        wrong += _after(f"Ctrl-C after {moment:.0%} of the time", ran, out, folder / "whole", 130)
    for room in ROOMS:
        out = folder / f"full-{room}"
        wrong += _after(f"a full disk after {room:,} bytes", audit(path, out, room=room), out, folder / "whole", 1)
    return wrong


def _after(what: str, ran: Ran, out: Path, whole: Path, code: int) -> list[str]:
    """What is wrong with the end of a run, beside one that nothing stopped."""
    lines = ran.err.strip().splitlines()
    left = _names(out)
    print(f"  {what:40} exit code {ran.code}, {len(lines)} line(s), left: {', '.join(left) or 'nothing'}", flush=True)
    if ran.code in (0, -signal.SIGINT) and left == _names(whole) and all(_is_whole(out / name) for name in left):
        return []  # all was written before, or there was room for all; Python itself may still meet Ctrl-C as it ends
    wrong = [] if ran.code == code else [f"exit code {ran.code}"]
    wrong += [] if len(lines) == 1 and lines[0].startswith("assay: ") else [f"it says: {ran.err[-500:]}"]
    wrong += [f"{name} is half-written" for name in left if not _is_whole(out / name)]
    return [f"{what}: {line}" for line in wrong]


def _names(folder: Path) -> list[str]:
    return sorted(item.name for item in folder.iterdir()) if folder.is_dir() else []


def _is_whole(path: Path) -> bool:
    try:
        if path.suffix == ".parquet":
            pq.read_table(path)
        elif path.suffix == ".json":
            json.loads(path.read_text(encoding="utf-8"))
        elif path.suffix == ".html":
            return path.read_text(encoding="utf-8").rstrip().endswith("</html>")
    except (OSError, ValueError):
        return False
    return not path.name.startswith(".")


if __name__ == "__main__":
    sys.exit(main())
