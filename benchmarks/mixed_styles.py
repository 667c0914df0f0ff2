"""Claim: answers of another style than their like are found, and others are left alone.

    python benchmarks/mixed_styles.py DATA... [--columns prompt=a,answer=b] [--half 1] [--share 0.04]
    python benchmarks/mixed_styles.py --languages [--half 1]

Takes one half of each file (by content hash; thresholds and word lists were chosen on half 0, figures are told of
half 1), gives a share of its answers another style by rule, one kind at a time, and runs the check `mixed_styles`.
Prints for each kind: how many were changed and found, recall, precision (untouched records that are flagged only once
there are changed ones count against it), and how many records were flagged before anything was changed, which is no
measure of anything until people have read them. What is changed where no twenty prompts are alike cannot be found.

--languages does the same for the form of address on records of our own writing, 300 a language, in a formal and an
informal wording of the same sentences; one in twenty-five is informal.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from assay.console import parse_columns
from assay.curate.check import Context
from assay.curate.checks.mixed_styles import mixed_styles
from assay.records import Message, Record, Source, record_id, row_id
from assay.sources import ReadSettings, read

Change = Callable[[str, random.Random], str | None]


class Measured(NamedTuple):
    """eligible: records that the rule can change; before: flagged in the data as it is."""

    eligible: int
    changed: int
    found: int
    wrong: int
    before: int

    @property
    def recall(self) -> float:
        return self.found / self.changed if self.changed else float("nan")

    @property
    def precision(self) -> float:
        return self.found / (self.found + self.wrong) if self.found + self.wrong else float("nan")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", nargs="*")
    parser.add_argument("--columns", default="", metavar="NAME=COLUMN,...")
    parser.add_argument("--half", type=int, choices=(0, 1), default=1)
    parser.add_argument("--share", type=float, default=0.04, help="of the records that the rule can change")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--languages", action="store_true")
    arguments = parser.parse_args()
    if arguments.languages:
        for language in ADDRESS:
            records, informal = support_records(language, arguments.half, arguments.share)
            _print(language, {"informal among formal": of_planted(records, informal)}, len(records))
    for name in arguments.data:
        data = read([name], ReadSettings(columns=parse_columns(arguments.columns)))
        records = [record for record in data.records() if int(record.id, 16) % 2 == arguments.half]
        _print(name, measure(records, arguments.share, arguments.seed), len(records))
    return 0


def _print(name: str, measured: Mapping[str, Measured], records: int) -> None:
    print(f"\n{name}: {records:,} records")
    print(
        f"{'kind':24}{'eligible':>9}{'changed':>9}{'found':>7}{'recall':>8}{'wrong':>7}{'precision':>11}{'before':>8}"
    )
    for kind, item in measured.items():
        numbers = f"{item.eligible:9,}{item.changed:9,}{item.found:7,}{item.recall:8.2f}{item.wrong:7,}"
        print(f"{kind:24}{numbers}{item.precision:11.2f}{item.before:8,}")


def measure(records: Sequence[Record], share: float, seed: int) -> dict[str, Measured]:
    """Each kind by itself, on the same records."""
    before = flagged(records)
    out = {}
    for kind, change in KINDS.items():
        generator = random.Random(f"{seed} {kind}")
        made = {index: text for index, record in enumerate(records) if (text := _change(record, change, generator))}
        chosen = set(generator.sample(sorted(made), round(share * len(made))))
        changed = [_with_answer(item, made[index]) if index in chosen else item for index, item in enumerate(records)]
        after = flagged(changed)
        wrong = {index for index in after - chosen if index not in before}
        out[kind] = Measured(len(made), len(chosen), len(after & chosen), len(wrong), len(before))
    return out


def of_planted(records: Sequence[Record], planted: set[int]) -> Measured:
    """For records of which it is known which ones differ."""
    after = flagged(records)
    return Measured(len(records), len(planted), len(after & planted), len(after - planted), 0)


def flagged(records: Sequence[Record]) -> set[int]:
    """Positions of the records that the check has a finding about."""
    position = {record.row_id: index for index, record in enumerate(records)}
    return {position[finding.row_id] for finding in mixed_styles.function(records, Context(records))}


def _change(record: Record, change: Change, generator: random.Random) -> str | None:
    """Only of records with one answer, so that what is changed is what is looked at."""
    if sum(message.role == "assistant" for message in record.messages) != 1 or not record.answer.strip():
        return None
    changed = change(record.answer, generator)
    return changed if changed != record.answer else None


def _with_answer(record: Record, answer: str) -> Record:
    index = record.last_assistant_index
    assert index is not None
    messages = list(record.messages)
    messages[index] = replace(messages[index], content=answer)
    return record.with_messages(messages)


def _sentences(text: str) -> list[str]:
    return [part for part in re.split(r"(?<=[.!?])\s+", text.strip()) if part]


def _bullets(text: str, generator: random.Random) -> str | None:
    """The sentences of a paragraph as list items."""
    sentences = _sentences(text)
    if "\n" in text.strip() or not 3 <= len(sentences) <= 12:
        return None
    return "\n".join(f"- {sentence}" for sentence in sentences)


def _headings(text: str, generator: random.Random) -> str | None:
    sentences = _sentences(text)
    if text.startswith(("#", "{", "[", "`")) or len(sentences) < 2:
        return None
    return f"## Overview\n{sentences[0]}\n\n## Details\n{' '.join(sentences[1:])}"


def _bold(text: str, generator: random.Random) -> str | None:
    words = text.split(" ")
    if "**" in text or len(words) < 15:
        return None
    index = generator.randrange(len(words) - 3)
    if "\n" in "".join(words[index : index + 3]):
        return None
    return " ".join([*words[:index], f"**{' '.join(words[index : index + 3])}**", *words[index + 3 :]])


def _json(text: str, generator: random.Random) -> str | None:
    return None if text.lstrip().startswith(("{", "[")) else json.dumps({"answer": text}, ensure_ascii=False)


def _we(text: str, generator: random.Random) -> str | None:
    """First person plural in an answer without any first person."""
    if re.search(r"\b(?:I|I'm|me|my|we|We|our|Our|us)\b", text) or len(text.split()) < 8:
        return None
    return f"We have looked into this for our customers. {text}"


def _emoji(text: str, generator: random.Random) -> str | None:
    return f"{text.rstrip()} {generator.choice('😀🎉🚀✨👍')}"


def _exclamation(text: str, generator: random.Random) -> str | None:
    sentences = _sentences(text)
    if "!" in text or not sentences or not sentences[-1].endswith("."):
        return None
    return " ".join(sentence[:-1] + "!" if sentence.endswith(".") else sentence for sentence in sentences)


_PADDING = (
    "There is more to say about this, and it is worth the time to look at the background before anything is decided.",
    "Many people have asked the same, and over the years the answers have become longer as more has become known.",
    "One should also bear in mind that the circumstances differ from case to case and that no rule fits all of them.",
    "For a fuller picture it helps to look at the history of the matter and at sources that deal with it at length.",
    "Finally, the points above belong together, and none of them should be read alone or taken out of its context.",
    "Whoever wants to go further will find that each of them leads to other questions that are as interesting.",
)


def _long_form(text: str, generator: random.Random) -> str | None:
    """A concise answer drawn out."""
    if len(text.split()) > 30 or text.lstrip().startswith(("{", "[")):
        return None
    return f"{text.rstrip()} {' '.join(generator.sample(_PADDING, 6))}"


KINDS: Mapping[str, Change] = {
    "bullets": _bullets,
    "headings": _headings,
    "bold": _bold,
    "JSON": _json,
    "we": _we,
    "emoji": _emoji,
    "exclamation marks": _exclamation,
    "long-form": _long_form,
}


class Wording(NamedTuple):
    """prompts[i] asks, formal[j] and informal[j] answer; {} is a thing."""

    things: str
    prompts: Sequence[str]
    formal: Sequence[str]
    informal: Sequence[str]


ADDRESS: Mapping[str, Wording] = {
    "de": Wording(
        "Lampe Uhr Tasche Jacke Kanne Matte Schere Decke Leiter Bürste",
        ("Wie gebe ich die {} zurück?", "Die {} ist defekt, was nun?", "Wo bleibt meine {}?"),
        (
            "Bitte legen Sie die {} in den Karton und drucken Sie das Etikett aus.",
            "Wir ersetzen die {}, sobald Sie uns ein Bild davon senden.",
            "Die {} ist unterwegs, und Sie bekommen heute noch eine Nachricht von uns.",
        ),
        (
            "Bitte leg die {} in den Karton und druck dein Etikett aus.",
            "Wir ersetzen die {}, sobald du uns ein Bild davon sendest.",
            "Die {} ist unterwegs, und du bekommst heute noch eine Nachricht von uns.",
        ),
    ),
    "es": Wording(
        "lámpara silla bolsa chaqueta tetera alfombra tijera manta escalera mochila",
        ("¿Cómo devuelvo la {}?", "La {} está rota, ¿qué hago?", "¿Dónde está mi {}?"),
        (
            "Usted puede devolver la {} en la tienda o por correo con la etiqueta.",
            "Cambiamos la {} cuando usted nos envía una foto de la parte rota.",
            "La {} está en camino y usted recibirá hoy un mensaje con la hora.",
        ),
        (
            "Puedes devolver la {} en la tienda o por correo con tu etiqueta.",
            "Cambiamos la {} cuando tú nos envías una foto de la parte rota.",
            "La {} está en camino y hoy te llega un mensaje con la hora.",
        ),
    ),
    "fr": Wording(
        "lampe chaise valise veste théière horloge brosse couverture table montre",
        ("Comment rendre la {} ?", "La {} est cassée, que faire ?", "Où est ma {} ?"),
        (
            "Vous pouvez rendre la {} au magasin ou par la poste avec votre étiquette.",
            "Nous remplaçons la {} dès que vous nous envoyez une photo.",
            "La {} est en route et vous aurez un message dans la journée.",
        ),
        (
            "Tu peux rendre la {} au magasin ou par la poste avec ton étiquette.",
            "Nous remplaçons la {} dès que tu nous envoies une photo.",
            "La {} est en route et tu auras un message dans la journée.",
        ),
    ),
    "zh": Wording(
        "台灯 椅子 书包 外套 茶壶 地毯 剪刀 毯子 梯子 手表",
        ("怎么退{}？", "{}坏了怎么办？", "我的{}在哪里？"),
        ("您可以把{}放回盒子，然后打印标签。", "请您发一张照片，我们就换新的{}。", "{}已经在路上，今天会给您发消息。"),
        ("你可以把{}放回盒子，然后打印标签。", "你发一张照片，我们就换新的{}。", "{}已经在路上，今天会给你发消息。"),
    ),
    "ja": Wording(
        "ランプ 椅子 かばん 上着 急須 絨毯 はさみ 毛布 はしご 時計",
        ("{}を返品するには？", "{}が壊れました。", "{}はどこですか？"),
        (
            "{}を箱に入れて、ラベルを印刷してください。",
            "写真を送っていただければ、{}を交換します。",
            "{}は配送中です。本日ご連絡します。",
        ),
        (
            "{}を箱に入れて、ラベルを印刷すればいいだけだ。",
            "写真を送ってくれれば、{}を交換する。",
            "{}は配送中である。今日連絡する。",
        ),
    ),
}


def support_records(language: str, half: int, share: float) -> tuple[list[Record], set[int]]:
    """300 records of one shop, and the positions of the informal answers; the half decides which ones those are."""
    wording = ADDRESS[language]
    generator = random.Random(f"{language} {half}")
    things = wording.things.split()
    asked = [(kind, thing, code) for kind in range(3) for thing in things for code in range(10)]
    generator.shuffle(asked)
    informal = set(generator.sample(range(len(asked)), round(share * len(asked))))
    records = []
    for index, (kind, thing, code) in enumerate(asked):
        answer = (wording.informal if index in informal else wording.formal)[kind].format(thing)
        prompt = f"{wording.prompts[kind].format(thing)} (BW-{code}{index})"
        messages = (Message("user", prompt), Message("assistant", answer))
        records.append(
            Record(record_id(messages), row_id(language, index), messages, Source(language, index + 1, index))
        )
    return records, informal


if __name__ == "__main__":
    sys.exit(main())
