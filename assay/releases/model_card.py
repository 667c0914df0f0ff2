"""What a reader of a model hub is told of an adapter: from its card, its certificate and its run, and nothing else.

Metadata as the Hugging Face hub reads it (huggingface.co/docs/hub/model-cards). What is not known is said to be so.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from assay.console import on_one_line
from assay.errors import missing_extra
from assay.lineage import Origins
from assay.models.embedded import EMBEDDED
from assay.points import signed

MARKED = "\\`*_{}[]()<>#+!|~&"
HUB_ID = re.compile(r"[\w.-]+(/[\w.-]+)?")
SETTINGS = {
    "lora_r": "rank",
    "lora_alpha": "alpha",
    "lora_dropout": "dropout",
    "lora_target_modules": "target modules",
    "use_rslora": "rsLoRA",
    "use_dora": "DoRA",
    "learning_rate": "learning rate",
    "lr_scheduler_type": "schedule",
    "num_train_epochs": "epochs",
    "steps": "steps",
    "effective_batch_size": "records a step",
    "max_length": "longest record, tokens",
    "dtype": "computed in",
    "seed": "seed",
}


@dataclass(frozen=True)
class Known:
    """What there is to tell of one adapter.

    config       its adapter_config.json
    card         its assay.json; {} of an adapter from elsewhere
    certificate  None where no gate has judged it
    facts        of the run that trained it: recipe, counts, losses; {} where that run is not in the store
    origins      who wrote its records, where they can be found
    """

    title: str
    config: Mapping[str, Any]
    card: Mapping[str, Any]
    certificate: Mapping[str, Any] | None
    facts: Mapping[str, Any]
    origins: Origins | None = None
    licence: str | None = None

    @property
    def named_base(self) -> str:
        return str(self.card.get("base") or self.config.get("base_model_name_or_path") or "unknown")

    @property
    def base(self) -> str:
        """Of a folder its last part: where it lies on this machine is nobody's business."""
        return self.named_base if self.base_is_on_the_hub else PurePath(self.named_base).name

    @property
    def base_is_on_the_hub(self) -> bool:
        name = self.named_base
        return HUB_ID.fullmatch(name) is not None and name not in EMBEDDED and not Path(name).exists()


def model_card(known: Known) -> str:
    """Markdown with the hub's metadata at its head. Raises MissingExtraError without huggingface_hub."""
    sections = (_verdict(known), _scores(known), _data(known), _training(known), _use(known), _limits(known))
    method = "QLoRA" if known.card.get("quantisation") else "LoRA"
    head = f"A {method} adapter for {_code(known.base)}, of rank {known.config.get('r', 'unknown')}."
    lines = ["---", _metadata(known), "---", "", f"# {_plain(known.title)}", "", head]
    for section in sections:
        lines += ["", *section]
    return "\n".join(lines) + "\n"


def _metadata(known: Known) -> str:
    try:
        from huggingface_hub import EvalResult, ModelCardData
    except ImportError as error:
        raise missing_extra("train", error) from error
    results = [
        EvalResult(
            task_type="text-generation",
            dataset_type=str(suite["suite"]),
            dataset_name=str(suite["suite"]),
            metric_type="score",
            metric_name="score, 0 to 1",
            metric_value=round(float(suite["candidate"]), 4),
        )
        for suite in _scored(known)
    ]
    data = ModelCardData(
        base_model=known.base if known.base_is_on_the_hub else None,
        library_name="peft",
        pipeline_tag="text-generation",
        license=known.licence,
        tags=["lora", "assay"],
        model_name=known.title if results else None,
        eval_results=results or None,
    )
    return str(data.to_yaml()).strip()


def _scored(known: Known) -> list[Mapping[str, Any]]:
    decision = (known.certificate or {}).get("decision") or {}
    return [suite for suite in decision.get("suites", []) if suite["n"] and suite["sensitivity"]["valid"]]


def _verdict(known: Known) -> Iterator[str]:
    yield "## Is it fit to release?"
    yield ""
    if known.certificate is None:
        yield "No gate has judged it: whether it is better than its base, and what it has forgotten, is not known."
        return
    decision = known.certificate["decision"]
    yield f"{decision['verdict']}, by a gate whose every claim `assay verify` can recompute:"
    yield ""
    for reason in decision["reasons"]:
        yield f"- {_plain(reason)}"


def _scores(known: Known) -> Iterator[str]:
    suites = _scored(known)
    if not suites:
        return
    yield "## Scores"
    yield ""
    limits: Mapping[str, Any] | None = suites[0].get("limits")
    sure = f"{100 * limits['confidence']:.10g} %" if limits else "95 %"
    proof = ", each end of which is a one-sided limit by the test of the proof" if limits else ""
    yield f"In percent, base and adapter on the same items; the interval is that of the difference, at {sure}{proof}."
    yield ""
    yield from _table(
        ["suite", "role", "items", "base", "adapter", "difference", "interval"],
        [
            [
                str(suite["suite"]), str(suite["role"]), f"{suite['n']:,}", _percent(suite["base"]),
                _percent(suite["candidate"]), _points(suite["difference"]),
                " to ".join(map(_points, _interval(suite))),
            ]
            for suite in suites
        ],
    )  # fmt: skip


def _interval(suite: Mapping[str, Any]) -> tuple[float, float]:
    """Of the proof, where the certificate has it."""
    limits = suite.get("limits")
    low, high = (limits["at_worst"], limits["at_best"]) if limits else suite["ci"]
    return float(low), float(high)


def _data(known: Known) -> Iterator[str]:
    yield "## Training data"
    yield ""
    counts = known.facts.get("counts")
    if counts:
        yield (
            f"{counts['kept'] + counts['repaired']:,} records; {counts['dropped'] + counts['held']:,} of "
            f"{counts['read']:,} that were read did not train. None of them is in this repository."
        )
    mixed = known.facts.get("mixture") or {}
    if mixed.get("drawn"):
        files = ", ".join(_code(PurePath(str(file["name"])).name) for file in mixed.get("files", []))
        yield (
            f"{mixed['drawn']:,} of them are general records, mixed in against forgetting ({mixed['reached']:.1%} of "
            f"what trained{'; from ' + files if files else ''})."
        )
    if known.origins is not None:
        rest = "Of the rest " if mixed.get("drawn") else ""
        yield f"{rest}{known.origins.human:,} were written by people, {known.origins.synthetic:,} by models."
        for model, number in known.origins.writers.items():
            yield f"- {number:,} by {_plain(model)}"
        if known.origins.synthetic:
            yield f"- {sum(known.origins.readers.values()):,} of those by models were read by a person"
    digests = [entry["digest"] for entry in known.card.get("data_digests", []) if entry.get("digest")]
    if digests:
        yield f"Digest of the data: {_code(', '.join(map(str, digests)))}."
    if not (counts or known.origins or digests):
        yield "Not known: the adapter does not say what it was trained on."


def _training(known: Known) -> Iterator[str]:
    recipe = known.facts.get("recipe") or {}
    rows = [[words, str(recipe[name])] for name, words in SETTINGS.items() if recipe.get(name) not in (None, False, "")]
    if known.card.get("quantisation"):
        rows.append(["base held in", f"{known.card['quantisation']} (4 bits) while it trained"])
    if not rows:
        names = {"r": "rank", "lora_alpha": "alpha", "lora_dropout": "dropout", "target_modules": "target modules"}
        rows = [[words, str(known.config[name])] for name, words in names.items() if known.config.get(name) is not None]
    yield "## Training"
    yield ""
    yield from _table(["setting", "value"], rows)
    before, after = known.facts.get("validation_loss_before"), known.facts.get("validation_loss")
    if before is not None and after is not None:
        yield ""
        step = known.facts.get("best_step")
        yield f"Validation loss {before:.3f} before, {after:.3f} at step {step}, which was kept."


def _use(known: Known) -> Iterator[str]:
    revision = known.card.get("revision") if known.base_is_on_the_hub else None
    base = _literal(known.base) if known.base_is_on_the_hub else '"FOLDER_OF_THE_BASE"'
    pinned = f", revision={_literal(str(revision))}" if revision else ""
    yield "## Use"
    yield ""
    yield "```python"
    yield "from peft import PeftModel"
    yield "from transformers import AutoModelForCausalLM, AutoTokenizer"
    yield ""
    yield f"base = AutoModelForCausalLM.from_pretrained({base}{pinned})"
    yield 'model = PeftModel.from_pretrained(base, "THIS_REPOSITORY")'
    yield f"tokenizer = AutoTokenizer.from_pretrained({base}{pinned})"
    yield "```"
    if not known.base_is_on_the_hub:
        install = f": `assay model install {known.base}` says where" if known.base in EMBEDDED else ""
        yield ""
        yield f"The base is {_code(known.base)}, which this card can give no address of{install}."
    if known.card.get("template_sha256"):
        yield ""
        yield "Prompts have to be rendered by `chat_template.jinja` of this repository: it is the one that was trained."


def _limits(known: Known) -> Iterator[str]:
    yield "## Limits"
    yield ""
    certificate = known.certificate
    if certificate is None:
        yield "- Nothing was measured, so no limit is known; that is the largest of all."
        return
    decision, base = certificate["decision"], certificate.get("base") or {}
    held = base.get("quantisation") or base.get("dtype")
    if held:
        yield f"- It was judged on the base in {_plain(held)}; merged, or on a base in other precision, it was not."
    macro = decision.get("macro")
    if macro:
        yield f"- A loss of general ability of up to {macro['margin'] * 100:g} points on average is not excluded."
    tested = ", ".join(_plain(suite["suite"]) for suite in _scored(known))
    yield f"- What these suites do not ask was not tested: {tested or 'none could be counted'}."
    if not certificate.get("data"):
        yield "- Whether its training data hold items of these suites was not checked."
    for note in decision.get("notes", []):
        yield f"- {_plain(note)}"


def _table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    for row in (header, ["---"] * len(header)):
        yield "| " + " | ".join(row) + " |"
    for row in rows:
        yield "| " + " | ".join(map(_plain, row)) + " |"


def _percent(share: float) -> str:
    return f"{share * 100:.1f}"


def _points(share: float) -> str:
    return signed(share)


def _plain(text: object) -> str:
    """On one line, and nothing that Markdown, or HTML within it, would read."""
    return "".join("\\" + character if character in MARKED else character for character in on_one_line(text))


def _literal(text: str) -> str:
    """A string of Python that cannot end the block it stands in."""
    return json.dumps(text, ensure_ascii=True).replace("`", "\\u0060")


def _code(text: str) -> str:
    return f"`{on_one_line(text).replace('`', ' ')}`"
