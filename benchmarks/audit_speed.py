"""Claim: the whole default audit looks at 15,000 records a second and more on two cores, without the same-meaning tier
and without tokenisation; a record costs at most 1.3 times as much at 2 million records as at 200,000; and at its peak
the audit takes at most 1.6 GB for each million records of 100 words.

    python benchmarks/audit_speed.py [--records 200000,2000000] [--workers 2] [--model NAME] [--meaning]

Each size is audited in a process of its own, as `assay audit FILE` would. Printed are records a second of reading and
of the audit, each check's share of the processor time, and the peak of memory of the process and its workers together
(proportional set size, so that pages they share count once), sampled twenty times a second. --model adds the template
checks (with tokenisation, which is reported by itself), --meaning the same-meaning tier.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from corpus import make_corpus
from memory import Peak

COPIES = 0.004
"""Of the records, for each of five kinds of copies: two in a hundred are duplicates of some kind."""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", default="200000,2000000")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--model")
    parser.add_argument("--meaning", action="store_true")
    parser.add_argument("--checks", action="store_true", help="print every check's time")
    parser.add_argument("--audit", metavar="FILE", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.audit:
        return audit_one(arguments)
    costs = []
    with tempfile.TemporaryDirectory() as folder:
        for records in map(int, arguments.records.split(",")):
            path = Path(folder) / f"{records}.jsonl"
            write_in_parts(records, path)
            measured = run(path, arguments)
            costs.append(measured["audit_seconds"] / records)
            show(records, measured, costs[0], arguments)
            path.unlink()
    return 0


def write_in_parts(records: int, path: Path, part: int = 200_000) -> None:
    """A corpus of any size: parts from different seeds, so that it grows as real data does."""
    with path.open("w", encoding="utf-8") as file:
        for seed, start in enumerate(range(0, records, part)):
            own = path.with_suffix(".part")
            make_corpus(min(part, records - start), share=COPIES, seed=seed + 1).write_jsonl(own)
            with own.open(encoding="utf-8") as lines:
                file.writelines(lines)
            own.unlink()


def run(path: Path, arguments: argparse.Namespace) -> dict[str, Any]:
    command = [sys.executable, __file__, "--audit", str(path), "--workers", str(arguments.workers)]
    command += ["--model", arguments.model] if arguments.model else []
    command += ["--meaning"] if arguments.meaning else []
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    peak = Peak(child)
    out, _ = child.communicate()
    if child.returncode:
        raise SystemExit(child.returncode)
    return {**json.loads(out.splitlines()[-1]), "peak": peak.bytes}


def audit_one(arguments: argparse.Namespace) -> int:
    from assay.curate.engine.engines import InProcess
    from assay.curate.engine.processes import Processes
    from assay.curate.settings import CurateSettings
    from assay.curate.stage import audit
    from assay.sources import ReadSettings, read

    began = time.perf_counter()
    data = read([arguments.audit], ReadSettings())
    read_seconds = time.perf_counter() - began
    target = None
    if arguments.model:
        from assay.chat import load_target

        target = load_target(arguments.model)
    engine = Processes(arguments.workers) if arguments.workers > 1 else InProcess()
    settings = CurateSettings(encoder="static" if arguments.meaning else "off")
    began = time.perf_counter()
    audited = audit(data, settings, target, engine=engine)
    audit_seconds = time.perf_counter() - began
    print(
        json.dumps(
            {
                "read_seconds": read_seconds,
                "audit_seconds": audit_seconds,
                "table": data.table.nbytes,
                "findings": len(audited.findings),
                "seconds": dict(audited.seconds),
            }
        )
    )
    return 0


def show(records: int, measured: dict[str, Any], first_cost: float, arguments: argparse.Namespace) -> None:
    cost = measured["audit_seconds"] / records
    print(
        f"{records:>10,} records   read {records / measured['read_seconds']:9,.0f}/s   "
        f"audit {records / measured['audit_seconds']:9,.0f}/s   cost {cost / first_cost:5.2f} x   "
        f"peak {measured['peak'] / 1e9:5.2f} GB = {measured['peak'] / records * 1e6 / 1e9:5.2f} GB a million "
        f"(table {measured['table'] / records * 1e6 / 1e9:.2f})   {measured['findings']:,} findings",
        flush=True,
    )
    if arguments.checks:
        for name, seconds in sorted(measured["seconds"].items(), key=lambda item: -item[1]):
            print(f"    {name.removeprefix('assay.curate.'):52}{seconds / records * 1e6:8.2f} microseconds a record")


if __name__ == "__main__":
    sys.exit(main())
