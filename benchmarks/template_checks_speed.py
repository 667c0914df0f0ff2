"""All template checks beside a loop over `tokenizer.apply_chat_template`, on every template and kind of conversation.

    python benchmarks/template_checks_speed.py [--templates FOLDER ...] [--records 60] [--only NAME] [--json]

The loop is what a user would write: one call a record, with `return_assistant_tokens_mask` where the template marks
answers. It finds nothing; for the facts of the checks it would also have to render the prompt of each trained answer,
which is measured beside it ("with prompts"). assay's time is that of the checks themselves, findings included.

Both are taken in CPU seconds, those of assay's second process (in which templates are rendered) included, on the same
data, the least of two rounds; no round sees a record that an earlier one has seen. Tokens are those of SmolLM2's
vocabulary with the control tokens of each template added; conversations are in `benchmarks/conversations.py`.

FOLDER holds .jinja files, at any depth; without it, the templates that TRL installs, and where there is no TRL, five
that are written here after the usual ones. Templates with the same text are measured once.
"""

from __future__ import annotations

import argparse
import copy
import json
import os
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from assay.chat import ChatTarget, load_target
from assay.chat.conversation import template_messages
from assay.curate.check import CHECKS, Check, Context
from assay.errors import ModelError
from assay.models import load_tokenizer, resolve
from assay.records import Json, Record
from benchmarks.conversations import KINDS, records_of

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

CHECKED = (
    "template_renders", "system_dropped", "prompt_prefix", "stop_token_untrained", "mask_coverage", "bos_doubled",
    "over_long_answer",
)  # fmt: skip
CONTROL = re.compile(
    r"<[|｜][^<>\s'\"{}|｜]+[|｜]>|<\|[a-z_]+>|<[a-z_]+\|>|</?s>|<(?:bos|eos)>|<(?:start|end)_of_[a-z]+>|\[/?[A-Z_]{3,}\]"
    r"|</?think>|</?tool_calls?>|</?tool_response>|</?[a-z]+:[a-z_]+>|<SPECIAL_\d+>|[\]\[][a-z!]*~[a-z]?[\[]|\]~!?b[\[\]]"
)
MARKS_ANSWERS = re.compile(r"\{%-?\s*generation\b")
WARMING = 80
WARMING_SHAPES = 320
"""Where each record has tools of its own, there are some thirty shapes to be met."""
LOOPED = 10
ROUNDS = 2
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


class Cell(NamedTuple):
    """One template on one kind of conversation. Microseconds a record; ratios: the loop's over those of the checks."""

    checks: float
    loop: float
    with_prompts: float

    @property
    def ratio(self) -> float:
        return self.loop / self.checks

    @property
    def ratio_with_prompts(self) -> float:
        return self.with_prompts / self.checks

    def to_json(self) -> dict[str, float]:
        ratios = {"ratio": self.ratio, "ratio with prompts": self.ratio_with_prompts}
        return {name.replace("_", " "): round(value, 1) for name, value in {**self._asdict(), **ratios}.items()}


class Given(NamedTuple):
    """A record as the loop is given it."""

    messages: list[dict[str, Json]]
    tools: list[Json] | None


@cache
def base_tokenizer() -> PreTrainedTokenizerFast:
    return load_tokenizer(resolve("smollm2-135m-instruct"))


def target_with(template: str, folder: Path) -> ChatTarget:
    """SmolLM2's tokenizer with a template and its control tokens. Raises ModelError for a template of no use."""
    tokenizer = copy.deepcopy(base_tokenizer())
    tokens = {*CONTROL.findall(template), "<pad-3141>"}
    begins = next((token for token in ("<|begin_of_text|>", "<bos>", "<s>") if token in tokens), None)
    if begins is None and "bos_token" in template:
        begins = "<s>"
        tokens.add(begins)
    tokenizer.add_special_tokens({"additional_special_tokens": sorted(tokens)})
    tokenizer.bos_token = begins
    tokenizer.chat_template = template
    tokenizer.save_pretrained(folder)
    (folder / "config.json").write_text('{"model_type": "llama", "max_position_embeddings": 8192}')
    return load_target(str(folder))


def given(records: Sequence[Record], target: ChatTarget) -> list[Given]:
    style, template = target.style, target.template
    return [Given(template_messages(r.messages, style, template), list(r.tools) or None) for r in records]


def loop(items: Sequence[Given], target: ChatTarget) -> int:
    """The number of token ids. Raises what the template raises."""
    tokenizer, marks = target.tokenizer, MARKS_ANSWERS.search(target.template) is not None
    ids = 0
    for messages, tools in items:
        made = tokenizer.apply_chat_template(
            messages, tools=tools, tokenize=True, return_dict=True, return_assistant_tokens_mask=marks
        )
        ids += len(made["input_ids"])
    return ids


def loop_with_prompts(items: Sequence[Given], target: ChatTarget) -> int:
    """The prompt of each answer besides."""
    tokenizer, ids = target.tokenizer, loop(items, target)
    for messages, tools in items:
        for index, message in enumerate(messages):
            if message["role"] == "assistant":
                prompt = tokenizer.apply_chat_template(
                    messages[:index], tools=tools, tokenize=True, return_dict=True, add_generation_prompt=True
                )
                ids += len(prompt["input_ids"])
    return ids


@cache
def checked() -> tuple[Check, ...]:
    return tuple(CHECKS.get(name) for name in CHECKED)


def checks(records: Sequence[Record], target: ChatTarget) -> int:
    """The number of findings."""
    context = Context(records, target)
    return sum(1 for record in records for check in checked() for _ in check.function(record, context))


def cpu_seconds() -> float:
    """Of this process and of those that it has started and not yet waited for."""
    seconds = time.process_time()
    for children in Path("/proc/self/task").glob("*/children"):
        for child in children.read_text().split():
            seconds += int(Path(f"/proc/{child}/schedstat").read_text().split()[0]) / 1e9
    return seconds


def least(work: Callable[[Any, ChatTarget], int], rounds: Sequence[Sequence[Any]], target: ChatTarget) -> float:
    """Microseconds an item, in the quickest of the rounds."""
    times = []
    for items in rounds:
        began = cpu_seconds()
        work(items, target)
        times.append((cpu_seconds() - began) / len(items) * 1e6)
    return min(times)


def measure(target: ChatTarget, records: Sequence[Record], warming: int) -> Cell | str:
    """Or why the template does not render them."""
    first, rest = records[:warming], records[warming:]
    try:
        loop_with_prompts(given(first[:1], target), target)
    except Exception as error:  # noqa: BLE001 - templates raise whatever they like
        return f"{type(error).__name__}: {error}".splitlines()[0][:100]
    checks(first, target)  # imports, and what a run pays once
    size = len(rest) // ROUNDS
    rounds = [rest[start : start + size] for start in range(0, size * ROUNDS, size)]
    loops = [given(part[:LOOPED], target) for part in rounds]
    return Cell(
        least(checks, rounds, target),
        least(loop, loops, target),
        least(loop_with_prompts, loops[:1], target),
    )


def templates_of(folders: Sequence[Path]) -> dict[str, str]:
    """{name: Jinja text}. Raises ModelError."""
    if not folders and (spec := find_spec("trl")) is not None and spec.origin is not None:
        folders = [Path(spec.origin).parent / "chat_templates"]
    if not folders:
        return dict(OWN)
    out: dict[str, str] = {}
    for folder in folders:
        for path in sorted(folder.rglob("*.jinja")):
            text = path.read_text(encoding="utf-8")
            if text not in out.values():
                out[f"{path.parent.name}/{path.stem}"] = text
    if not out:
        raise ModelError("there is no .jinja file in it", where=", ".join(map(str, folders)))
    return out


def table(templates: Mapping[str, str], count: int) -> Iterator[tuple[str, dict[str, Cell | str]]]:
    """A row for each template, printed as it comes."""
    warming = {kind: WARMING_SHAPES if kind == "own tools" else WARMING for kind in KINDS}
    data = {kind: records_of(kind, warming[kind] + ROUNDS * count) for kind in KINDS}
    width = max(map(len, templates))
    print(f"{'template':{width}}  {'  '.join(KINDS)}", file=sys.stderr)
    for name, template in templates.items():
        with tempfile.TemporaryDirectory() as folder:
            try:
                target = target_with(template, Path(folder))
            except ModelError as error:
                print(f"{name:{width}}  left out: {error.what[:90]}", file=sys.stderr)
                continue
            row = {kind: measure(target, records, warming[kind]) for kind, records in data.items()}
        shown = (f"{cell.ratio:.1f}" if isinstance(cell, Cell) else "-" for cell in row.values())
        cells = "  ".join(f"{text:>{len(kind)}}" for kind, text in zip(row, shown, strict=True))
        print(f"{name:{width}}  {cells}", file=sys.stderr, flush=True)
        yield name, row


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--records", type=int, default=60, help="of each kind, in each round")
    parser.add_argument("--templates", type=Path, nargs="*", default=[])
    parser.add_argument("--only", default="", help="templates whose name contains this")
    parser.add_argument("--json", action="store_true", help="every figure, as one JSON document")
    asked = parser.parse_args()
    templates = {name: text for name, text in templates_of(asked.templates).items() if asked.only in name}
    rows = dict(table(templates, asked.records))
    print(f"\n{'kind':16}  templates  lowest  median  lowest and median with prompts")
    for kind in (*KINDS, "all"):
        cells = {
            f"{name}, {own}": cell
            for name, row in rows.items()
            for own, cell in row.items()
            if isinstance(cell, Cell) and kind in (own, "all")
        }
        if not cells:
            continue
        ratios = {name: cell.ratio for name, cell in cells.items()}
        prompts = [cell.ratio_with_prompts for cell in cells.values()]
        worst = min(ratios, key=ratios.__getitem__)
        figures = f"{ratios[worst]:6.1f}  {statistics.median(ratios.values()):6.1f}"
        more = f"{min(prompts):.1f} {statistics.median(prompts):.1f}"
        print(f"{kind:16}  {len(cells):9}  {figures}  {more:>12}  lowest: {worst}")
    if asked.json:
        plain = {
            name: {kind: cell.to_json() if isinstance(cell, Cell) else cell for kind, cell in row.items()}
            for name, row in rows.items()
        }
        print(json.dumps(plain, indent=1))


if __name__ == "__main__":
    main()
