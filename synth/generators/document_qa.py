"""Questions and answers from documents, each with the span that supports it quoted."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial

from assay.errors import SettingsError, did_you_mean
from assay.records import Message, Record

from ..answers import read_fields, schema_of
from ..documents.reading import Document, read_documents
from ..documents.splitting import Piece, as_seed, split_sections, split_with_llama_index
from ..generator import Draft, Job, Outcome, Quote, Refused, generator_from, load_prompt
from ..prompting import ask
from ..seeds import shuffled
from ..settings import SynthSettings
from ..words import content_words

ABOUT_THE_TEXT = re.compile(
    r"\b(?:the|this|above|given) (?:text|passage|document|paragraph|excerpt|section|article)\b", re.IGNORECASE
)
FIELDS = ("question", "answer", "quote")
SPLITTERS: Mapping[str, Callable[[Document, int, int], list[Piece]]] = {
    "sections": split_sections,
    "llama_index": split_with_llama_index,
}


@generator_from("documents")
def document_qa(
    seeds: Sequence[Record],
    settings: SynthSettings,
    *,
    count: int = 50,
    documents: tuple[str, ...] = (),
    per_piece: int = 1,
    min_words: int = 30,
    max_words: int = 250,
    splitter: str = "sections",
    min_supported: float = 0.5,
    with_source: bool = False,
    template: str | None = None,
) -> Iterator[Job]:
    """Questions that a piece of a document answers, with the answer and the span that supports it.

    Why: what your documents say is known to be true, and a quoted span can be looked up. A question is asked of every
    piece before any piece is asked again, so that all of the documents are covered.

    count          accepted records wanted
    documents      files and folders: .txt, .md, .rst, .html; .pdf and .docx with `pip install 'assay[documents]'`
    per_piece      questions asked of a piece
    min_words      pieces with fewer words are left out
    max_words      of a piece
    splitter       sections: at headings and paragraphs; llama_index: by its SentenceSplitter (extra `documents`)
    min_supported  share of the answer's content words that have to stand in the piece
    with_source    put the piece into the record, before the question: for training on answering from a text
    template       file in place of `prompts/document_qa.jinja`; it is given `text`, `heading`, and `number`, which
                   counts the questions of the same piece

    The record's parent and family is the document: records of one document are never on both sides of a split.

    Example: {"question": "How long does the warranty last?", "answer": "24 months.", "quote": "lasts for 24 months"}
    """
    if not documents:
        raise SettingsError("no documents to read", where="synth.methods.document_qa", fix="set documents: [docs/]")
    if splitter not in SPLITTERS:
        raise SettingsError(
            f"no splitter '{splitter}'", where="synth.methods.document_qa", fix=did_you_mean(splitter, SPLITTERS)
        )
    prompt = load_prompt("document_qa", template)
    pieces: list[Piece] = []
    for document in read_documents(documents):
        pieces += SPLITTERS[splitter](document, min_words, max_words)
    order = shuffled([as_seed(piece, number) for number, piece in enumerate(pieces)], settings.seed)
    for sample in range(per_piece):
        for seed in order:
            piece = pieces[seed.source.row]
            text = prompt.render(text=piece.text, heading=piece.heading, number=sample + 1)
            build = partial(_draft, piece=piece, least=min_supported, with_source=with_source)
            yield Job(ask(settings, text, sample=sample, schema=schema_of(FIELDS)), seed, prompt.sha256, build)


def _draft(answer: str, piece: Piece, least: float, with_source: bool) -> Outcome:
    fields = read_fields(answer, FIELDS)
    if isinstance(fields, Refused):
        return fields
    question, said = fields["question"], fields["answer"]
    if ABOUT_THE_TEXT.search(question):
        return Refused("context", "the question cannot be understood without the text")
    own = content_words(said)
    supported = len(own & content_words(piece.text)) / len(own) if own else 1.0
    if supported < least:
        return Refused("unsupported", f"{supported:.2f} of the answer's words stand in the source")
    quote = Quote(fields["quote"], piece.document.id, piece.text, piece.start, piece.location)
    with_text = Message("user", f"{piece.text}\n\n{question}")
    turn = with_text if with_source else Message("user", question)
    return Draft((turn, Message("assistant", said)), quotes=(quote,), question=(with_text,))
