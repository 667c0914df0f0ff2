"""Repair: records that curate held since they contradict each other, resolved by a stated source."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial

from assay.errors import SettingsError
from assay.records import Message, Record

from ..asking.answers import read_fields, schema_of
from ..asking.prompting import ask
from ..comparing.words import content_words
from ..documents.reading import read_documents
from ..documents.splitting import Piece, split_sections
from ..generator import Draft, Job, Outcome, Quote, Refused, generator_from, load_prompt
from ..settings import SynthSettings
from ..starting.held import Contradiction, contradictions
from ..starting.seeds import question_of

FIELDS = ("answer", "quote")
UNKNOWN = "unknown"


@generator_from("curated")
def repair(
    seeds: Sequence[Record],
    settings: SynthSettings,
    *,
    count: int = 50,
    curated: str | None = None,
    sources: tuple[str, ...] = (),
    pieces: int = 3,
    max_words: int = 250,
    min_supported: float = 0.5,
    template: str | None = None,
) -> Iterator[Job]:
    """The right answer where records contradict each other, by what a source of yours says.

    Why: of two answers that contradict each other curate holds both, since nothing in the data says which is right.
    Your documents may: the pieces of them that share the most words with the question and its answers are given, and
    the answer has to quote the span that decides.

    count          accepted records wanted
    curated        a folder that `assay curate` wrote, with held.parquet and findings.parquet
    sources        documents and folders, as in `document_qa`
    pieces         of the sources that are given with one contradiction
    max_words      of a piece
    min_supported  share of the new answer's content words that have to stand in the pieces or in one of the answers
    template       file in place of `prompts/repair.jinja`; it is given `question`, `answers`, `sources`

    Where the source says nothing of it, the model is to say "unknown", and the records stay held. The new record takes
    the place of all that it was made from; they are its parents.

    Example: "30 days" and "14 days" for the same question, and a policy that says "within 30 days".
    """
    if not curated or not sources:
        raise SettingsError(
            "repair needs held records and a source",
            where="synth.methods.repair",
            fix="set curated: OUT, sources: [docs/]",
        )
    prompt = load_prompt("repair", template)
    parts = [piece for document in read_documents(sources) for piece in split_sections(document, 1, max_words)]
    for held in contradictions(curated):
        chosen = _nearest(held, parts, pieces)
        question = question_of(held.records[0])
        answers = list(dict.fromkeys(record.answer for record in held.records))
        text = prompt.render(question=question, answers=answers, sources=[piece.text for piece in chosen])
        build = partial(_draft, held=held, chosen=chosen, least=min_supported)
        yield Job(
            ask(settings, text, schema=schema_of(FIELDS)),
            held.records[0],
            prompt.sha256,
            build,
            variant=held.group,
            others=held.records[1:],
            replaces=tuple(record.row_id for record in held.records),
        )


def _nearest(held: Contradiction, parts: Sequence[Piece], count: int) -> list[Piece]:
    """The pieces that share the most content words with question and answers; rare words count for more."""
    import math
    from collections import Counter

    held_words = [content_words(piece.text) for piece in parts]
    frequency = Counter(word for found in held_words for word in found)
    wanted = content_words(" ".join((question_of(held.records[0]), *(record.answer for record in held.records))))
    weight = {word: math.log((1 + len(parts)) / frequency[word]) for word in wanted if frequency[word]}
    scores = [sum(weight.get(word, 0.0) for word in found) for found in held_words]
    order = sorted(range(len(parts)), key=lambda index: (-scores[index], index))
    return [parts[index] for index in order[:count] if scores[index] > 0]


def _draft(answer: str, held: Contradiction, chosen: Sequence[Piece], least: float) -> Outcome:
    if not chosen:
        return Refused("unknown", "no source speaks of it")
    fields = read_fields(answer, FIELDS)
    if isinstance(fields, Refused):
        return Refused("unknown", "the source does not say") if UNKNOWN in answer.casefold() else fields
    said = fields["answer"]
    if said.casefold().strip(' ."') == UNKNOWN:
        return Refused("unknown", "the source does not say")
    known = content_words(" ".join((*(piece.text for piece in chosen), *(record.answer for record in held.records))))
    own = content_words(said)
    supported = len(own & known) / len(own) if own else 1.0
    if supported < least:
        return Refused("unsupported", f"{supported:.2f} of the answer's words stand in the source or the old answers")
    first = held.records[0]
    index = first.last_assistant_index
    assert index is not None
    quotes = [Quote(fields["quote"], piece.document.id, piece.text, piece.start, piece.location) for piece in chosen]
    return Draft((*first.messages[:index], Message("assistant", said)), quotes=_quoted(quotes))


def _quoted(quotes: Sequence[Quote]) -> tuple[Quote, ...]:
    """The one whose source holds the span; the first where none does, for the quote step to refuse."""
    from ..verification.quote import locate

    return (next((quote for quote in quotes if locate(quote) is not None), quotes[0]),)
