"""What `assay plan` is given: a model's shape from config, model name or list, and the lengths of records."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from assay.console import DEFAULT_CONFIG, Options
from assay.errors import ModelError, SettingsError, SourceError

from ..before.checked import CHECKED_RECORDS, checked_shape
from ..before.precision import file_dtype
from ..settings import TrainSettings
from .machine import is_elsewhere
from .peaks import lengths_of
from .reading import from_config, from_file
from .shapes import Shapes, load_shapes
from .stage import Subject
from .workload import Lengths

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

    from assay.chat import ChatTarget
    from assay.dataset import Dataset
    from assay.models import ModelRef

PREDICTED = 0.5
"""Share of tokens that train, where no data says."""

CHARACTERS_A_TOKEN = 4
"""Of English, where there is no tokenizer."""

TOKENS_A_MESSAGE = 5
"""Role and separators, where there is no template."""


@dataclass(frozen=True)
class Request:
    """The command's own options. records, tokens and longest stand for data that is not there."""

    data: tuple[str, ...]
    input_format: str
    model: str | None
    shape: str | None
    shapes: Path | None
    records: int | None
    tokens: int | None
    longest: int | None


@dataclass(frozen=True)
class Planned:
    subject: Subject
    lengths: Lengths
    settings: TrainSettings


def read_request(request: Request, options: Options) -> Planned:
    """Raises SettingsError, SourceError, ModelError."""
    settings = options.settings(TrainSettings, "train")
    if options.seed is not None:
        settings = dataclasses.replace(settings, seed=options.seed)
    if request.records is not None or request.tokens is not None or request.longest is not None:
        lengths = _given(request, settings)
    else:
        lengths = None
    subject, ref = read_subject(request, options)
    if lengths is None:
        lengths = _counted(request, settings, subject, ref, options)
    return Planned(subject, lengths, settings)


def _given(request: Request, settings: TrainSettings) -> Lengths:
    if request.data:
        raise SettingsError("--records and --tokens stand for data, and data was named too", fix="leave one out")
    records, tokens = request.records, request.tokens
    if records is None or tokens is None:
        raise SettingsError("--records and --tokens belong together", fix="give both: how many, and their mean length")
    longest = request.longest or settings.max_length or tokens
    if longest < tokens:
        raise SettingsError(
            f"--longest {longest} is below the mean length {tokens}", fix="give the longest record's tokens"
        )
    checked = checked_shape([tokens] * min(records, CHECKED_RECORDS))
    return Lengths(records, records * tokens, longest, checked, PREDICTED, longest != tokens)


def read_subject(request: Request, options: Options) -> tuple[Subject, ModelRef | None]:
    """The model alone, without its data. Raises SettingsError, ModelError."""
    shapes = load_shapes(request.shapes)
    if request.shape is not None:
        if request.model is not None:
            raise SettingsError("--shape and --model both name a model", fix="leave one out")
        return _of_shape(shapes, request.shape, None), None
    top = options.document().data
    name = request.model or top.get("model_name_or_path")
    if not name:
        fix = "add --model NAME, a folder or a config.json, or --shape llama-3.1-8b"
        raise SettingsError("no model was named", fix=fix)
    name = str(name)
    path = Path(name).expanduser()
    if path.suffix == ".json" or (path.is_file() and path.name != "config"):
        return Subject(name, from_file(path)), None
    revision = str(top["revision"]) if request.model is None and top.get("revision") else None
    return _of_model(name, revision, shapes, options)


def _of_shape(shapes: Shapes, name: str, note: str | None) -> Subject:
    values = shapes.config(name)
    chat = True if name.lower().endswith(("-instruct", "-chat", "-it")) else None
    return Subject(name, from_config(values, name), chat_template=chat, file_dtype=str(values.get("dtype", "bfloat16")))


def _of_model(name: str, revision: str | None, shapes: Shapes, options: Options) -> tuple[Subject, ModelRef | None]:
    """From config and tokenizer; a hub id that cannot be had is taken from the list of shapes where it is there."""
    from assay.models import load_config, resolve

    try:
        ref = resolve(name, revision=revision, offline=options.offline, say=options.say)
    except ModelError as error:
        known = shapes.canonical(name)
        if known not in shapes.models:
            if shapes.sizes_beside(known):
                shapes.config(name)
            raise
        options.say(f"note: {error}")
        options.say(f"note: the shape of {known} is taken from assay's own list of {shapes.as_of}")
        return _of_shape(shapes, name, None), None
    values = load_config(ref).to_dict()
    tokenizer = _tokenizer(ref)
    subject = Subject(
        name,
        from_config(values, name),
        vocabulary=None if tokenizer is None else len(tokenizer),
        chat_template=None if tokenizer is None else bool(tokenizer.chat_template),
        file_dtype=file_dtype(ref) or str(values.get("dtype") or "bfloat16"),
    )
    return subject, ref


def _tokenizer(ref: ModelRef) -> PreTrainedTokenizerFast | None:
    from assay.models import load_tokenizer

    try:
        return load_tokenizer(ref)
    except ModelError:
        return None


def _counted(
    request: Request, settings: TrainSettings, subject: Subject, ref: ModelRef | None, options: Options
) -> Lengths:
    """Of the data: as it will train where the model has a template, else an estimate that says so."""
    data = _read(request, options)
    if ref is not None and subject.chat_template:
        from assay.chat import load_target

        from ..mixing import read_general
        from ..prepared import prepare

        target: ChatTarget = load_target(subject.name, offline=options.offline, say=options.say)
        root = (options.config or DEFAULT_CONFIG).parent
        general = read_general(settings.general_data, root, offline=options.offline)
        prepared = prepare(data, _elsewhere(settings), target, general)
        for note in prepared.notes:
            options.say(f"note: {note}")
        return lengths_of(prepared.rows.training)
    tokenizer = _tokenizer(ref) if ref is not None else None
    how = "a template" if tokenizer is not None else f"a tokenizer, at {CHARACTERS_A_TOKEN} characters a token"
    options.say(f"note: the lengths of records are an estimate without {how}")
    return _estimated(data, tokenizer)


def _elsewhere(settings: TrainSettings) -> TrainSettings:
    """Without what this machine need not have for a plan of a run on another; no length depends on it."""
    device = "auto" if is_elsewhere(settings.device) else settings.device
    return dataclasses.replace(settings, device=device, use_liger_kernel=False, backend="trl", report_to="none")


def _estimated(data: Dataset, tokenizer: PreTrainedTokenizerFast | None) -> Lengths:
    def tokens(text: str) -> int:
        if tokenizer is None:
            return -(-len(text) // CHARACTERS_A_TOKEN)
        return len(tokenizer(text, add_special_tokens=False)["input_ids"])

    sizes: list[int] = []
    trained = 0
    for record in data.records():
        counts = [(message.role, tokens(message.content or "") + TOKENS_A_MESSAGE) for message in record.messages]
        sizes.append(sum(count for _, count in counts))
        trained += sum(count for role, count in counts if role == "assistant")
    if not sizes:
        raise SourceError("there is no record to plan for", fix="name data that holds some")
    return _spread(sorted(sizes), trained)


def _spread(sizes: Sequence[int], trained: int) -> Lengths:
    predicted, unequal = trained / max(1, sum(sizes)), sizes[0] != sizes[-1]
    return Lengths(len(sizes), sum(sizes), sizes[-1], checked_shape(sizes), predicted, unequal)


def _read(request: Request, options: Options) -> Dataset:
    from assay.project import load_project
    from assay.sources import ReadSettings, read

    if request.data:
        data = read(
            request.data, ReadSettings(format=request.input_format, limit=options.limit), offline=options.offline
        )
    else:
        config = options.config or DEFAULT_CONFIG
        if not config.is_file():
            raise SettingsError(
                "no data was named", fix="write `assay plan DATA`, or give --records 5000 --tokens 500 in its place"
            )
        project = load_project(options.document(), config.parent)
        data = project.read_data(offline=options.offline, limit=options.limit)
    if not len(data):
        where = str(data.faults[0].source) if data.faults else ", ".join(request.data) or None
        raise SourceError("no valid row", where=where, fix="`assay audit` says what is wrong with each")
    return data
