"""Questions and answers from documents, each with the span that supports it quoted."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from assay.errors import SettingsError, did_you_mean
from assay.protocols import GenerationRequest
from assay.records import Json, Message, Record

from ..asking.answers import read_fields, read_text, schema_of
from ..asking.prompting import ask
from ..comparing.words import content_words
from ..documents.reading import Document, read_documents, read_with_llama_index
from ..documents.splitting import Piece, as_seed, split_sections, split_with_llama_index
from ..generator import Ask, Draft, Job, Outcome, Prompt, Quote, Refused, generator_from, load_prompt
from ..settings import SynthSettings
from ..starting.seeds import shuffled

ABOUT_THE_TEXT = re.compile(
    r"\b(?:the|this|above|given) (?:text|passage|document|paragraph|excerpt|section|article)\b", re.IGNORECASE
)
FIELDS = ("question", "answer", "quote")
SPLITTERS: Mapping[str, Callable[[Document, int, int], list[Piece]]] = {
    "sections": split_sections,
    "llama_index": split_with_llama_index,
}
READERS: Mapping[str, Callable[[Sequence[str]], list[Document]]] = {
    "own": read_documents,
    "llama_index": read_with_llama_index,
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
    reader: str = "own",
    splitter: str = "sections",
    min_supported: float = 0.5,
    with_source: bool = False,
    stepwise: bool = False,
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
    reader         own; llama_index: through its SimpleDirectoryReader (extra `llama-index`), which reads further kinds,
                   .pptx and .epub among them, where llama-index-readers-file is installed beside it
    splitter       sections: at headings and paragraphs; llama_index: by its SentenceSplitter (extra `llama-index`)
    min_supported  share of the answer's content words that have to stand in the piece
    with_source    put the piece into the record, before the question: for training on answering from a text
    stepwise       ask for the question, the answer and the quote one after the other, in plain text: three requests in
                   place of one, for small models that write no JSON
    template       file in place of `prompts/document_qa.jinja`; it is given `text`, `heading`, and `number`, which
                   counts the questions of the same piece; `prompts/document_qa_stepwise.jinja` is given `wanted` too
                   (question, answer or quote), and what was said before

    The record's parent and family is the document: records of one document are never on both sides of a split.

    Example: {"question": "How long does the warranty last?", "answer": "24 months.", "quote": "lasts for 24 months"}
    """
    _check(documents, reader, splitter)
    prompt = load_prompt("document_qa_stepwise" if stepwise else "document_qa", template)
    read = READERS[reader](documents)
    pieces = [piece for document in read for piece in SPLITTERS[splitter](document, min_words, max_words)]
    order = shuffled([as_seed(piece, number) for number, piece in enumerate(pieces)], settings.seed)
    for sample in range(per_piece):
        for seed in order:
            piece = pieces[seed.source.row]
            finish = partial(_draft, piece=piece, least=min_supported, with_source=with_source)
            values = {"text": piece.text, "heading": piece.heading, "number": sample + 1}
            if stepwise:
                steps = _Stepwise(prompt, settings, values, sample, finish)
                yield Job(steps.request(wanted="question"), seed, prompt.sha256, steps.answer)
            else:
                request = ask(settings, prompt.render(**values), sample=sample, schema=schema_of(FIELDS))
                yield Job(request, seed, prompt.sha256, partial(_read, finish=finish))


def _check(documents: Sequence[str], reader: str, splitter: str) -> None:
    """Raises SettingsError."""
    if not documents:
        raise SettingsError("no documents to read", where="synth.methods.document_qa", fix="set documents: [docs/]")
    for name, chosen, known in (("reader", reader, READERS), ("splitter", splitter, SPLITTERS)):
        if chosen not in known:
            raise SettingsError(
                f"no {name} '{chosen}'", where="synth.methods.document_qa", fix=did_you_mean(chosen, known)
            )


@dataclass(frozen=True)
class _Stepwise:
    """Question, then its answer, then the quote, each in a request of its own."""

    prompt: Prompt
    settings: SynthSettings
    values: Mapping[str, Json]
    sample: int
    finish: Callable[[Mapping[str, str]], Outcome]

    def request(self, **said: str) -> GenerationRequest:
        return ask(self.settings, self.prompt.render(**self.values, **said), sample=self.sample)

    def answer(self, text: str) -> Outcome:
        question = read_text(text, "question")
        if not question.endswith("?") or "\n" in question:
            return Refused("parse", "the answer is not one question")
        request = self.request(wanted="answer", question=question)
        return Ask((request,), lambda answers: self._quote(question, read_text(answers[0], "answer")))

    def _quote(self, question: str, answer: str) -> Outcome:
        if not answer:
            return Refused("parse", "the answer is empty")
        request = self.request(wanted="quote", question=question, answer=answer)

        def done(answers: Sequence[str]) -> Outcome:
            return self.finish({"question": question, "answer": answer, "quote": read_text(answers[0], "quote")})

        return Ask((request,), done)


def _read(answer: str, finish: Callable[[Mapping[str, str]], Outcome]) -> Outcome:
    fields = read_fields(answer, FIELDS)
    return fields if isinstance(fields, Refused) else finish(fields)


def _draft(fields: Mapping[str, str], piece: Piece, least: float, with_source: bool) -> Outcome:
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
