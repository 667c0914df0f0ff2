"""The toxic_prompt check."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from assay.findings import Finding, Severity
from assay.records import Record
from assay.text import conversation_text

from ..check import Context, Decision, dataset_check

READ_TOGETHER = 4096


@dataset_check(severity=Severity.WARNING, decision=Decision.HOLD, asks=("model",))
def toxic_prompt(
    records: Sequence[Record], context: Context, *, model: str = "", labels: Sequence[str] = (), threshold: float = 0.5
) -> Iterator[Finding]:
    """A text-classification model of your choice takes what the user says for toxic, hateful or harmful.

    Why: answers to such prompts teach a model to go along, unless they are refusals that you want it to learn.
    A person should look at which they are.

    It is off unless a model is named: any sequence classifier by hub id or folder, loaded by transformers from
    safetensors, without code of its own; `pip install 'assay[train]'` brings what it runs on. Classes count whose
    name speaks of harm (toxic, hate, unsafe, ...), or those in `labels`, at a probability of `threshold` and more.
    What is found is as good as the model, in the languages that it knows; assay adds nothing to it. Of a prompt the
    first 512 tokens are read.

    Example: toxic_prompt: {model: s-nlp/roberta_toxicity_classifier}
    """
    from ..toxicity.classifier import load_classifier

    classifier = load_classifier(model, labels)
    for start in range(0, len(records), READ_TOGETHER):
        rows = records[start : start + READ_TOGETHER]
        prompts = [
            conversation_text(message for message in record.messages if message.role == "user") for record in rows
        ]
        for record, judged in zip(rows, classifier.judge(prompts), strict=True):
            if judged.probability >= threshold:
                yield toxic_prompt.about(
                    record,
                    f"the prompt is taken for {judged.label} (probability {judged.probability:.2f})",
                    evidence={"kind": judged.label, "probability": round(judged.probability, 4), "model": model},
                )
