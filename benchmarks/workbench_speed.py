"""The workbench at a million records and 50,000 findings: how long each page of the data takes.

    python benchmarks/workbench_speed.py                   1,000,000 records; about 4 GB of memory while they are made
    python benchmarks/workbench_speed.py --records 100000 --findings 5000
    python benchmarks/workbench_speed.py --keep /tmp/store   made once, asked again

A store is made through curate's own writers (synthetic text; the checks are not run, their findings are made). Then
`assay ui` is started anew for each page, and the page is asked for over HTTP: the first request, which reads what is
kept in memory, and later ones. Before the first it is waited until the server has done what it does when it starts.
Beside it what one would do otherwise: read both Parquet files with pandas and filter.

Wall time is that of whoever asks; processor time is the server's. On a machine with other work only the second, and
the best of the first, say much.
"""

from __future__ import annotations

import argparse
import http.client
import os
import random
import re
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from assay.curate.corpus import Corpus
from assay.curate.decisions import decide
from assay.curate.fitness import judge_fitness
from assay.curate.located import Located
from assay.curate.outputs import write_curated
from assay.curate.settings import CurateSettings, active_checks
from assay.curate.stage import Audited, Curated, parted
from assay.dataset import Dataset
from assay.findings import Finding, Severity
from assay.records import Source, arrow_schema
from assay.runs import RunStore

RARE = "zebra4711"
"""A word of one record in two hundred thousand."""

FOUND = (
    ("cut_off_answer", Severity.ERROR, 0.3),
    ("contradiction", Severity.ERROR, 0.2),
    ("repetition", Severity.ERROR, 0.1),
    ("length_outlier", Severity.WARNING, 0.3),
    ("mojibake", Severity.WARNING, 0.0995),
    ("unknown_role", Severity.ERROR, 0.0005),
)
"""Check, severity, share of the findings."""


def table(records: int) -> pa.Table:
    """Two to four turns of words of a Zipf-like vocabulary, in two files."""
    random.seed(7)
    letters = "aaabcdeeeefghiiijklmnoooprstttuuvwy"
    words = np.array(["".join(random.choice(letters) for _ in range(random.randint(2, 9))) for _ in range(20_000)])
    numbers = np.random.default_rng(7)
    drawn = (numbers.random(records * 60) ** 3 * len(words)).astype(np.int64)
    messages = []
    for row in range(records):
        own = words[drawn[row * 60 : row * 60 + 60]].tolist()
        rare = f" {RARE}" if row % 200_000 == 150_000 else ""
        asked, answered = " ".join(own[: 8 + row % 13]), " ".join(own[20 : 28 + row % 33])
        messages.append(
            f'[{{"role":"user","content":"{asked}?"}},{{"role":"assistant","content":"{answered}{rare}."}}]'
        )
    ids = pa.array([f"{number:016x}" for number in numbers.integers(0, 2**63, records)])
    half = records // 2
    columns = {
        "row_id": ids,
        "record_id": pa.array([f"{number:016x}" for number in numbers.integers(0, 2**63, records)]),
        "family": ids,
        "split": pc.if_else(pa.array(np.arange(records) % 10 == 3), "validation", "train"),
        "origin": pc.if_else(pa.array(np.arange(records) % 7 == 0), "synthetic", "human"),
        "parents": pa.array([[]] * records, pa.list_(pa.string())),
        "messages": pa.array(messages),
        "tools": pa.array(["[]"] * records),
        "meta": pa.array(["{}"] * records),
        "source_file": pa.array(["data/tickets.jsonl"] * half + ["data/wiki.jsonl"] * (records - half)),
        "source_line": pa.array(np.arange(records) % half + 1),
        "source_row": pa.array(np.arange(records) % half),
    }
    return pa.table([pa.chunked_array([columns[name]]) for name in arrow_schema().names], schema=arrow_schema())


def findings(data: Dataset, count: int) -> list[Located]:
    """Of rows drawn at random, sorted as a run has them: by check, then by row."""
    numbers = np.random.default_rng(11)
    positions = np.sort(numbers.choice(len(data), count, replace=False))
    names = numbers.choice(len(FOUND), count, p=[share for _, _, share in FOUND])
    ids = (
        data.table.select(["row_id", "record_id", "source_file", "source_line", "source_row"])
        .take(positions)
        .to_pylist()
    )
    out = []
    for position, name, row in zip(positions.tolist(), names.tolist(), ids, strict=True):
        check, severity, _ = FOUND[name]
        source = Source(row["source_file"], row["source_line"], row["source_row"])
        group = f"g{position // 40}" if check == "contradiction" else None
        said = Finding(check, severity, "made for this benchmark", row["record_id"], row["row_id"], source, group=group)
        out.append(Located(position, said))
    return sorted(out, key=lambda located: (located.finding.check, located.position))


def make(store: Path, records: int, count: int) -> str:
    """The run's name."""
    settings = CurateSettings(encoder="off")
    data = Dataset(table(records))
    found = findings(data, count)
    checks = active_checks(settings)
    decided = decide(data, Corpus(data.table), found, checks)
    fitness = judge_fitness(decided.ledger, {}, settings)
    audited = Audited(data, tuple(item.finding for item in found), decided, fitness, checks, settings=settings)
    used, held, dropped = parted(data, decided)
    curated = Curated(replace(used), held, dropped, decided.ledger, audited)
    with RunStore(store).open("curate", {"benchmark": records, "findings": count}, {"data": "synthetic"}) as run:
        if not run.complete:
            write_curated(curated, run.path)
        return run.id


class Server:
    """One `assay ui`, and a browser's cookie."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "assay.cli", "ui", "--no-browser"],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        assert self.process.stdout is not None
        link = next(found.group() for line in self.process.stdout if (found := re.search(r"http://\S+", line)))
        parts = urlsplit(link)
        self.host = parts.netloc
        self._settled()
        answer = self._ask(f"{parts.path}?{parts.query}", {})
        self.cookie = answer.getheader("set-cookie", "").partition(";")[0]

    def _settled(self) -> None:
        """Until it has done what it does when it starts, which takes less time than a person takes to open the link."""
        before, calm = -1.0, 0
        while calm < 15:
            time.sleep(0.1)
            now = self.processor()
            before, calm = now, calm + 1 if now == before else 0

    def _ask(self, path: str, headers: dict[str, str]) -> http.client.HTTPResponse:
        connection = http.client.HTTPConnection(self.host, timeout=600)
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        answer.body = answer.read()  # type: ignore[attr-defined]
        connection.close()
        return answer

    def page(self, path: str) -> tuple[float, float, str]:
        """Seconds of wall and of the server's processor, and the page."""
        began, used = time.perf_counter(), self.processor()
        answer = self._ask(path, {"cookie": self.cookie})
        wall, spent = time.perf_counter() - began, self.processor() - used
        assert answer.status == 200, (path, answer.status, answer.body[:300])  # type: ignore[attr-defined]
        return wall, spent, answer.body.decode()  # type: ignore[attr-defined]

    def processor(self) -> float:
        """Seconds, of all threads, exact to 10 ms."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def stop(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()


@dataclass(frozen=True)
class Asked:
    name: str
    path: str


def pages(run: str, records: int) -> list[Asked]:
    data = f"/data/{run}"
    late = max(1, records // 50 - 100)
    return [
        Asked("overview", data),
        Asked("list", f"{data}/records"),
        Asked("a late page", f"{data}/records?page={late}"),
        Asked("filter by check", f"{data}/records?check=contradiction"),
        Asked("filter by a rare check", f"{data}/records?check=unknown_role"),
        Asked("filter by fate", f"{data}/records?fate=held"),
        Asked("filter by source, late page", f"{data}/records?source=data/wiki.jsonl&page={late // 4}"),
        Asked("text, frequent", f"{data}/records?q=ea"),
        Asked("text, rare (first answer)", f"{data}/records?q={RARE}"),
        Asked("expression, frequent", f"{data}/records?q=t.%2Ba%5Cb&kind=regex"),
        Asked("text in a check", f"{data}/records?q=ea&check=length_outlier"),
        Asked("longest first (first answer)", f"{data}/records?order=longest"),
        Asked("review queue", f"/review/{run}"),
        Asked("review, a check", f"/review/{run}?kind=contradiction"),
    ]


@dataclass
class Measured:
    first: list[float]
    first_processor: list[float]
    later: list[float]
    later_processor: list[float]


def measure(folder: Path, asked: Asked, servers: int, later: int) -> Measured:
    out = Measured([], [], [], [])
    for _ in range(servers):
        server = Server(folder)
        try:
            wall, spent, _ = server.page(asked.path)
            out.first.append(wall)
            out.first_processor.append(spent)
            for _ in range(later):
                wall, spent, _ = server.page(asked.path)
                out.later.append(wall)
                out.later_processor.append(spent)
        finally:
            server.stop()
    return out


def until_done(folder: Path, path: str) -> tuple[float, float, int]:
    """Seconds of wall and processor until a search has gone through all rows, and the requests it took."""
    server = Server(folder)
    try:
        wall = spent = 0.0
        for requests in range(1, 1000):
            one, two, html = server.page(path)
            wall, spent = wall + one, spent + two
            if "data-reload" not in html:
                return wall, spent, requests
        raise AssertionError("it does not end")
    finally:
        server.stop()


def timed(act: Callable[[], object], times: int) -> tuple[float, float]:
    """Best wall and best processor seconds."""
    walls, processors = [], []
    for _ in range(times):
        began, used = time.perf_counter(), time.process_time()
        act()
        walls.append(time.perf_counter() - began)
        processors.append(time.process_time() - used)
    return min(walls), min(processors)


def otherwise(run: Path, times: int) -> list[tuple[str, float, float]]:
    """What a notebook does, in its best run."""

    def both() -> tuple[pd.DataFrame, pd.DataFrame]:
        return pd.read_parquet(run / "data.parquet"), pd.read_parquet(run / "findings.parquet")

    def by_check() -> pd.DataFrame:
        frame, found = both()
        return frame[frame.row_id.isin(found[found.check == "length_outlier"].row_id)].head(50)

    def by_text() -> pd.DataFrame:
        frame, _ = both()
        return frame[frame.messages.str.contains(RARE, regex=False)].head(50)

    named = (("read both files", both), ("and filter by check", by_check), ("and filter by text", by_text))
    return [(name, *timed(act, times)) for name, act in named]


def milliseconds(seconds: Sequence[float], pick: Callable[[Sequence[float]], float]) -> str:
    return f"{1000 * pick(seconds):>9,.0f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--findings", type=int, default=50_000)
    parser.add_argument("--servers", type=int, default=3, help="servers that are started for each page")
    parser.add_argument("--later", type=int, default=5, help="later requests of each")
    parser.add_argument("--keep", type=Path, help="the folder of the store, which stays")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        store = folder / ".assay"
        made = sorted(path.name for path in (store / "runs").glob("curate-*") if (path / "summary.json").is_file())
        run = made[0] if made else make(store, given.records, given.findings)
        report(folder, store / "runs" / run, given)


def report(folder: Path, run: Path, given: argparse.Namespace) -> None:
    size = sum(path.stat().st_size for path in run.glob("*.parquet")) / 1e6
    print(f"{given.records:,} records, {given.findings:,} findings, {size:,.0f} MB of Parquet, {os.cpu_count()} cores")
    print(f"{'milliseconds':32}{'first: best':>12}{'median':>9}{'processor':>11}", end="")
    print(f"{'later: median':>15}{'worst':>9}{'processor':>11}")
    for asked in pages(run.name, given.records):
        got = measure(folder, asked, given.servers, given.later)
        print(
            f"{asked.name:32}{milliseconds(got.first, min):>12}{milliseconds(got.first, statistics.median)}"
            f"{milliseconds(got.first_processor, statistics.median):>11}"
            f"{milliseconds(got.later, statistics.median):>15}{milliseconds(got.later, max)}"
            f"{milliseconds(got.later_processor, statistics.mean):>11}",
            flush=True,
        )
    for name, query in (("text, rare", f"q={RARE}"), ("expression, rare", f"q={RARE}%5Cb&kind=regex")):
        wall, spent, requests = until_done(folder, f"/data/{run.name}/records?{query}")
        said = f"{1000 * wall:>12,.0f} wall {1000 * spent:>9,.0f} processor, {requests} requests"
        print(f"{name + ', through all rows':32}{said}", flush=True)
    print("otherwise: pandas, best of 3 (wall, processor)")
    for name, wall, spent in otherwise(run, 3):
        print(f"{name:32}{1000 * wall:>12,.0f}{1000 * spent:>12,.0f}", flush=True)


if __name__ == "__main__":
    main()
