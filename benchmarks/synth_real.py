"""What a small model makes of real seeds and real documents, and what the steps of synth refuse of it.

    python benchmarks/synth_real.py SHARED --out FOLDER [--count 20] [--requests 400] [--part seeds|documents]

Seeds are the 252 user-oriented instructions of self-instruct, a person's tasks with a person's answers (the 175 seed
tasks where SHARED holds them). Documents are the Markdown files of this project's docs/. Both go to the embedded model,
on this machine. Written to FOLDER: summary.json, and accepted.jsonl and refused.jsonl to be read by a person.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from assay.calls.journal import Journal
from assay.chat import load_target
from assay.dataset import Dataset
from assay.findings import Fate
from assay.records import Message, Record, Source, record_id, row_id
from assay.stages import load_encoder, make_audit
from assay.synth.comparing.words import conversation
from assay.synth.provider import make_provider
from assay.synth.settings import SynthSettings
from assay.synth.stage import Synthesized, synth
from assay.synth.verifier import Bench

MODEL = "smollm2-135m-instruct"
ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shared", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=20)
    parser.add_argument("--requests", type=int, default=400)
    parser.add_argument("--max-tokens", type=int, default=160)
    parser.add_argument("--part", choices=["seeds", "documents"], action="append")
    parser.add_argument("--temperature", type=float)
    parser.add_argument("--stepwise", action="store_true", help="documents: question, answer and quote one by one")
    parser.add_argument("--agreement", action="store_true", help="ask for three more answers to each question")
    given = parser.parse_args()
    methods: dict[str, dict[str, Any]] = {
        "seeds": {"self_instruct": {"count": given.count}},
        "documents": {
            "document_qa": {
                "count": given.count,
                "documents": [str(ROOT / "docs")],
                "max_words": 120,
                "stepwise": given.stepwise,
            }
        },
    }
    for part in given.part or list(methods):
        settings = SynthSettings(
            provider="local",
            model=MODEL,
            methods=methods[part],
            max_requests=given.requests,
            max_tokens=given.max_tokens,
            min_new=0.0,
            temperature=given.temperature,
            verify={"agreement": True} if given.agreement else {},
        )
        start = list(read_seeds(given.shared)) if part == "seeds" else []
        folder = given.out / part
        before = time.process_time()
        result = run(Dataset.from_records(start), settings, folder)
        seconds = time.process_time() - before
        write(result, folder)
        summary = {"part": part, "seeds": len(start), "processor_seconds": round(seconds, 1), **result.to_json()}
        (folder / "summary.json").write_text(json.dumps(summary, indent=1), encoding="utf-8")
        print(json.dumps(summary, indent=1))


def run(seeds: Dataset, settings: SynthSettings, folder: Path) -> Synthesized:
    target = load_target(MODEL)
    return synth(
        seeds,
        settings,
        make_provider(settings, MODEL),
        make_audit(target=target),
        folder / "journal.sqlite",
        on_progress=print,
        bench=Bench(settings, target),
        encode=load_encoder("static").encode,
    )


def read_seeds(shared: Path) -> Iterator[Record]:
    """The instruction with its first input is the question, its output the answer."""
    folder = shared / "data" / "instruction" / "self_instruct"
    path = folder / "seed_tasks.jsonl"
    if not path.exists():
        path = folder / "human_eval" / "user_oriented_instructions.jsonl"
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines()):
        task = json.loads(line)
        example = task["instances"][0]
        question = "\n\n".join(part for part in (task["instruction"], example["input"]) if part.strip())
        messages = (Message("user", question), Message("assistant", example["output"]))
        yield Record(record_id(messages), row_id(path.name, number), messages, Source(path.name, number + 1, number))


def write(result: Synthesized, folder: Path) -> None:
    """accepted.jsonl as conversations; refused.jsonl with the reason and the last text that the model wrote for it."""
    with (folder / "accepted.jsonl").open("w", encoding="utf-8") as file:
        for record in result.data.records():
            row = {"text": conversation(record.messages), "lineage": record.meta["synth"]}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    with (folder / "refused.jsonl").open("w", encoding="utf-8") as file:
        for row in result.ledger.rows:
            if row.fate is not Fate.KEPT:
                file.write(json.dumps({"row": row.source.row, "reasons": row.reasons}) + "\n")
    with (folder / "answers.txt").open("w", encoding="utf-8") as file:
        file.writelines(f"=====\n{text}\n" for text in answers(folder / "journal.sqlite"))


def answers(path: Path) -> Iterator[str]:
    """Every text that the model wrote, in the order in which they came."""
    import sqlite3

    Journal(path, max_requests=1, max_usd=1.0).close()  # an error that names the file when it is no journal
    database = sqlite3.connect(path)
    yield from (str(text) for (text,) in database.execute("SELECT text FROM attempts WHERE text IS NOT NULL"))
    database.close()


if __name__ == "__main__":
    main()
