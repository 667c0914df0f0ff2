"""All template checks beside a loop over `tokenizer.apply_chat_template`, in one run and one process each.

    python benchmarks/template_checks_speed.py [--records 2000] [--repeats 3] [--templates FOLDER]

The loop makes the calls without which the facts of the checks cannot be had, and nothing else: the full conversation
(`tokenize=True`; does it render, is the system turn there, how long is it, what does it end in) and the prompt of each
trained answer (`add_generation_prompt=True`; does training begin with what will be asked, where does the loss begin).
It compares nothing and finds nothing. assay's time is that of the checks themselves, findings included, on the same
records in the same order, and that of the token ids and labels of every record beside it. Both sides use one process;
assay's templates are rendered in a second one, which is waited for.

Tokens are those of SmolLM2's vocabulary with the control tokens of each template added, 100 words a record, of one
question and of three. FOLDER holds .jinja files; without it, the model's own template and five that are written here
after the usual ones. Prints one JSON document.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from assay.chat import ChatTarget, encode_all, load_target
from assay.curate.check import CHECKS, Context
from assay.errors import ModelError
from assay.models import load_tokenizer, resolve
from assay.records import Message, Record, Source
from benchmarks.corpus import make_corpus

CHECKED = (
    "template_renders", "system_dropped", "prompt_prefix", "stop_token_untrained", "mask_coverage", "bos_doubled",
    "over_long_answer",
)  # fmt: skip
CONTROL = re.compile(r"<[|｜][^<>\s'\"{}|｜]+[|｜]>|</?s>|<(?:bos|eos)>|<(?:start|end)_of_turn>|\[/?INST\]|</?think>")
OWN = {
    "chatml": "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
    "headers": "{{ bos_token }}{% for m in messages %}{{ '<|start_header_id|>' + m['role'] + '<|end_header_id|>\n\n'"
    " + m['content'] | trim + '<|eot_id|>' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|start_header_id|>assistant<|end_header_id|>\n\n' }}{% endif %}",
    "folded system": "{{ bos_token }}{% set ns = namespace(first='') %}{% for m in messages %}"
    "{% if m.role == 'system' %}{% set ns.first = m.content + '\n\n' %}{% else %}"
    "<start_of_turn>{{ 'model' if m.role == 'assistant' else 'user' }}\n"
    "{{ (ns.first if m.role == 'user' else '') + m.content | trim }}<end_of_turn>\n{% set ns.first = '' if"
    " m.role == 'user' else ns.first %}{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}<start_of_turn>model\n{% endif %}",
    "thinking cut": "{% for m in messages %}<|im_start|>{{ m.role }}\n{% set content = m.content %}"
    "{% if m.role == 'assistant' and '</think>' in content and not loop.last %}"
    "{% set content = content.split('</think>')[-1].lstrip('\n') %}{% endif %}{{ content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
    "marked": "{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m.role == 'assistant' %}"
    "{% generation %}{{ m.content }}<|im_end|>{% endgeneration %}{% else %}{{ m.content }}<|im_end|>{% endif %}\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
}  # fmt: skip


def records_of(count: int, questions: int) -> list[Record]:
    """About 100 words each, in as many questions and answers."""
    corpus = make_corpus(count)
    out = []
    for row, (prompt, answer) in enumerate(zip(corpus.prompts, corpus.answers, strict=True)):
        words = (prompt.split(), answer.split())
        turns = []
        for part in range(questions):
            for role, text in zip(("user", "assistant"), words, strict=True):
                share = text[len(text) * part // questions : len(text) * (part + 1) // questions]
                turns.append(Message(role, " ".join(share) or role))
        messages = (Message("system", "Answer the customer."), *turns)
        out.append(Record(f"{row:016x}", f"{row:016x}", messages, Source("corpus", row + 1, row)))
    return out


def target_with(template: str, folder: Path) -> ChatTarget:
    """SmolLM2's tokenizer with a template and its control tokens."""
    tokenizer = load_tokenizer(resolve("smollm2-135m-instruct"))
    tokens = sorted({*CONTROL.findall(template), "<pad-3141>"})
    tokenizer.add_special_tokens({"additional_special_tokens": tokens})
    tokenizer.bos_token = next((token for token in ("<|begin_of_text|>", "<bos>", "<s>") if token in tokens), None)
    tokenizer.chat_template = template
    tokenizer.save_pretrained(folder)
    (folder / "config.json").write_text('{"model_type": "llama", "max_position_embeddings": 8192}')
    return load_target(str(folder))


def loop(records: Sequence[Record], target: ChatTarget) -> int:
    """The calls of `apply_chat_template`, and the number of token ids that they gave."""
    tokenizer, ids = target.tokenizer, 0
    for record in records:
        messages: list[dict[str, Any]] = [{"role": m.role, "content": m.content} for m in record.messages]
        ids += len(tokenizer.apply_chat_template(messages, tokenize=True, return_dict=True)["input_ids"])
        for index, message in enumerate(messages):
            if message["role"] == "assistant":
                prompt = tokenizer.apply_chat_template(messages[:index], tokenize=True, add_generation_prompt=True)
                ids += len(prompt)
    return ids


def checks(records: Sequence[Record], target: ChatTarget) -> int:
    """The number of findings."""
    own = [CHECKS.get(name) for name in CHECKED]
    context = Context(records, target)
    return sum(1 for record in records for check in own for _ in check.function(record, context))


def encodings(records: Sequence[Record], target: ChatTarget) -> int:
    return sum(1 for _ in encode_all(records, target))


def median_seconds(work: Callable[[], int], repeats: int) -> float:
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def measure(name: str, template: str, questions: int, count: int, repeats: int) -> dict[str, Any] | None:
    """Seconds and records a second of one template; None for one that does not render these conversations."""
    records = records_of(count, questions)
    with tempfile.TemporaryDirectory() as folder:
        try:
            target = target_with(template, Path(folder))
            loop(records[:1], target)
        except Exception as error:  # noqa: BLE001 - templates raise whatever they like
            print(f"{name}: left out: {error}"[:150], file=sys.stderr)
            return None
        checks(records[:50], target)  # imports and the worker's start, which a run pays once
        sides = {"checks": checks, "loop": loop, "ids and labels": encodings}
        seconds = {side: median_seconds(lambda w=work: w(records, target), repeats) for side, work in sides.items()}
        found = checks(records, target)
    row = {
        "template": name,
        "questions": questions,
        "findings": found,
        **{f"{side}, records a second": round(count / value) for side, value in seconds.items()},
        "ratio": round(seconds["loop"] / seconds["checks"], 1),
        "ratio with ids and labels": round(seconds["loop"] / seconds["ids and labels"], 1),
    }
    print(json.dumps(row), file=sys.stderr)
    return row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=2000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--templates", type=Path)
    given = parser.parse_args()
    templates = dict(OWN)
    if given.templates is not None:
        templates = {path.stem: path.read_text(encoding="utf-8") for path in sorted(given.templates.glob("*.jinja"))}
    if not templates:
        raise ModelError("there is no .jinja file in it", where=str(given.templates))
    rows = [
        row
        for name, template in templates.items()
        for questions in (1, 3)
        if (row := measure(name, template, questions, given.records, given.repeats)) is not None
    ]
    ratios = [row["ratio"] for row in rows]
    print(json.dumps({"rows": rows, "lowest ratio": min(ratios), "median ratio": statistics.median(ratios)}, indent=2))


if __name__ == "__main__":
    main()
