"""Whose forward pass: models made ready to be asked, one at a time, by the backend that the settings name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, cast

from assay.chat import ChatTarget
from assay.errors import SettingsError, SuiteError, require
from assay.models.devices import memory_failures

from ..evaluation import AdapterEvidence, ModelName
from ..identity import Models, identity_of, precision_of
from ..settings import EvaluateSettings
from .engine import Limits
from .server import ARMS, find_models
from .switched_model import SwitchedModel, load_switched

if TYPE_CHECKING:
    from ..asking.answer_sheets import Sheet
    from ..asking.examination import Examination
    from .lm_eval_model import AssayLM
    from .served_models import ServedModels

NO_ROOM = "end what else holds memory, or set evaluate.load_in_4bit=true, which scores the base in 4 bits"
DEFAULT_CONTEXT = 2048
"""Tokens, for a model whose config names no length; lm-eval's own fallback."""


class Switched(Protocol):
    """Models of which one answers at a time. adapters: the names beside `base` that can be switched to."""

    @property
    def adapters(self) -> frozenset[str]: ...

    def switched_to(self, name: ModelName) -> AbstractContextManager[None]: ...


@dataclass(frozen=True)
class Ready:
    """Models that can be asked.

    identity  for `Evaluation.identity`
    evidence  for `Evaluation.evidence`, once the answers are there
    notes     what the verdict must say of the backend
    """

    switched: Switched
    lm: AssayLM
    identity: Mapping[str, Any]
    evidence: Callable[[Sequence[Sheet]], Mapping[str, AdapterEvidence]]
    notes: tuple[str, ...] = ()


def adapters_of(models: Models, settings: EvaluateSettings) -> frozenset[ModelName]:
    """Who is scored beside the base, controls left out. Raises SettingsError for an adapter that no name is given for
    on the server, or names without a server."""
    if settings.model_args and settings.backend != "vllm":
        fix = "give --backend vllm, or leave it"
        raise SettingsError("evaluate.model_args are arguments of vLLM's engine", fix=fix)
    if settings.backend != "openai":
        if settings.served:
            raise SettingsError("evaluate.served names models of a server", fix="give --backend openai, or leave it")
        return frozenset(models.adapters)
    served = frozenset(arm for arm in ARMS if arm != "base" and settings.served.get(arm))
    unnamed = next((arm for arm in models.adapters if arm not in served), None)
    if unnamed is not None:
        raise SettingsError(
            f"the {unnamed} {models.adapters[unnamed]} is scored by a server, and nothing says under which name",
            fix=f"evaluate.served.{unnamed}=NAME",
        )
    return served


def make_ready(models: Models, settings: EvaluateSettings) -> Ready:
    """Loads the models, or connects to where they are. Raises ModelError, SettingsError, MissingExtraError."""
    if settings.backend == "openai":
        return _served(models, settings)
    if settings.backend == "vllm":
        return _by_vllm(models, settings)
    precision = precision_of(models, settings)
    with memory_failures("while the model is loaded", NO_ROOM):
        switched = load_switched(
            models.target.ref,
            models.target,
            models.adapters,
            precision,
            damage_seed=settings.seed if settings.damaged_items else None,
            with_slight_damage=bool(settings.slightly_damaged_items),
            with_zero=bool(settings.zero_items),
            trust_remote_code=models.trust_remote_code,
        )
    lm = language_model(switched, models.target, settings)
    identity = identity_of(models, precision, switched.dtype, switched.device, settings.seed)
    return Ready(switched, lm, identity, lambda _: switched.evidence)


def language_model(switched: SwitchedModel, target: ChatTarget, settings: EvaluateSettings) -> AssayLM:
    """Of a model that is held here; answers of other backends than `hf` are computed by assay's own."""
    from .causal_model import CausalModel
    from .lm_eval_model import AssayLM

    limits = Limits(settings.batch_tokens, settings.max_length or target.context_length or DEFAULT_CONTEXT)
    own = AssayLM(CausalModel(switched.model), target, limits)
    if settings.backend != "hf":
        return own
    from .lm_eval_backend import HfBackend

    return cast("AssayLM", HfBackend(own, settings.batch_size))  # it has all that an examination asks of it


def _by_vllm(models: Models, settings: EvaluateSettings) -> Ready:
    from .lm_eval_model import AssayLM
    from .vllm_backend import VllmEngine, load_vllm, switched, vllm_arguments

    precision, target = precision_of(models, settings), models.target
    length = settings.max_length or target.context_length or DEFAULT_CONTEXT
    given = settings.model_args
    held = load_vllm(vllm_arguments(target, models.adapters, precision, length, settings.seed, given))
    found = switched(held, models.adapters, target)
    backend = " ".join(["vllm", *(f"{name}={given[name]}" for name in sorted(given))])
    # lm-eval's class cuts a prompt to one token less than the context
    lm = AssayLM(VllmEngine(held), target, Limits(settings.batch_tokens, length - 1, backend))
    identity = identity_of(models, precision, found.dtype, found.device, settings.seed)
    return Ready(found, lm, identity, lambda _: found.evidence, ("answered by vLLM: " + NO_CONTROLS,))


NO_CONTROLS = "no damaged and no zero adapter was scored, since that takes the weights in hand"


def _served(models: Models, settings: EvaluateSettings) -> Ready:
    from .lm_eval_model import AssayLM
    from .served_models import ServedChat, ServedCompletions, limits_of

    found, target = models.served or served_models(models, settings), models.target
    limits, server = limits_of(found, target, settings), found.known.server
    extra = {} if server.is_openai else {"stop_token_ids": list(target.stop_token_ids)}
    lm = AssayLM(ServedCompletions(found, target, settings.num_concurrent, extra), target, limits)
    if server.api == "chat":
        lm = cast("AssayLM", ServedChat(lm, found, settings.num_concurrent))
    note = f"answered by the server at {server.base_url}: no weights were hashed, and {NO_CONTROLS}"
    return Ready(
        found,
        lm,
        served_identity(models, found, settings.seed),
        lambda sheets: found.evidence(changed_answers(sheets)),
        (note,),
    )


def with_server(models: Models, settings: EvaluateSettings) -> Models:
    """The server asked, where the backend is one. Raises as `make_ready`."""
    return replace(models, served=served_models(models, settings)) if settings.backend == "openai" else models


def served_models(models: Models, settings: EvaluateSettings) -> ServedModels:
    """Asks the server what it serves, and each model the probe."""
    from .served_models import connect

    adapters_of(models, settings)
    require("evaluate", "lm_eval", "aiohttp", "requests", "tenacity")
    return connect(find_models(settings), models.target, settings)


def served_identity(models: Models, found: ServedModels, seed: int) -> dict[str, Any]:
    """As `identity_of`. The weights are the server's affair; in a chat so are tokenizer and template."""
    server, target = found.known.server, models.target
    chat = server.api == "chat"
    return {
        "base": {
            "name": server.models["base"].name,
            "revision": None,
            "weights_sha256": None,
            "quantisation": None,
            "double_quantisation": None,
            "dtype": "unknown",
        },
        "adapter": models.adapter_files.get("candidate"),
        "previous": models.adapter_files.get("previous"),
        "tokenizer_sha256": None if chat else target.tokenizer_sha256,
        "template_sha256": None if chat else target.template_sha256,
        "device": "server",
        "seed": seed,
        "server": found.known.to_json(),
    }


def changed_answers(sheets: Sequence[Sheet]) -> dict[ModelName, float]:
    """The share of answers that are not the base's, for each model."""
    base = {
        (sheet.examination.name, number): answer.output
        for sheet in sheets
        if sheet.model == "base"
        for number, answer in zip(sheet.numbers, sheet.answers, strict=True)
    }
    asked: dict[ModelName, int] = {}
    changed: dict[ModelName, int] = {}
    for sheet in sheets:
        for number, answer in zip(sheet.numbers, sheet.answers, strict=True):
            asked[sheet.model] = asked.get(sheet.model, 0) + 1
            other = answer.output != base.get((sheet.examination.name, number))
            changed[sheet.model] = changed.get(sheet.model, 0) + other
    return {model: changed[model] / asked[model] for model in asked}


def check_answerable(examinations: Sequence[Examination], ready: Ready, settings: EvaluateSettings) -> None:
    """Before an item is scored. Raises SuiteError for what this server cannot answer."""
    if settings.backend != "openai":
        return
    from ..asking.domain_suite import DomainSuite
    from .served_models import ServedModels

    assert isinstance(ready.switched, ServedModels)
    why, chat = ready.switched.why_no_likelihoods, settings.api == "chat"
    for one in examinations:
        if one.by_likelihood and why is not None:
            raise SuiteError(
                f"its items are scored by log-likelihoods, and {why}",
                where=one.name,
                fix="choose suites and tasks with generated answers, or a server that gives them (vLLM)",
            )
        if chat and not one.in_template:
            raise SuiteError(
                "its prompts stand outside the chat template, and a chat endpoint lays the server's around all of them",
                where=one.name,
                fix="set evaluate.api=completions, or apply_chat_template",
            )
        if chat and isinstance(one, DomainSuite) and any(item.tools for item in one.suite.items):
            raise SuiteError(
                "its items have tools, which are not handed to a chat endpoint",
                where=one.name,
                fix="set evaluate.api=completions",
            )
