"""What a verification step is: one file in `verification/`, one decorated function that judges a draft.

Steps that cost nothing run on every draft, before curate; steps that ask a model run when they are named in
`synth.verify`, on what curate keeps, so that no answer is paid for to judge a record that is refused anyway.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from assay.errors import SettingsError, did_you_mean
from assay.protocols import Scorer
from assay.registry import Registry, check_settings

from .generator import Draft, Job, Outcome
from .settings import SynthSettings

if TYPE_CHECKING:
    from assay.chat import ChatTarget


@dataclass(frozen=True)
class Bench:
    """What steps may use.

    target  the model that will be trained: its chat template has to render the record; None where it is not known
    scorer  the domain suite's own, where there is one
    """

    settings: SynthSettings
    target: ChatTarget | None = None
    scorer: Scorer | None = None


@dataclass(frozen=True)
class Verifier:
    """A step. function(draft, job, bench, *, ...) -> Outcome: the draft, perhaps with facts; a refusal; an Ask or Poll.

    asks    whether it asks a model, which costs
    judges  whether that is the judge, and not the model that writes
    """

    name: str
    function: Callable[..., Outcome]
    asks: bool = False
    judges: bool = False


def verifier(function: Callable[..., Outcome]) -> Verifier:
    """Decorates a step that costs nothing; keyword-only arguments are its settings."""
    return Verifier(function.__name__, function)


def asking_verifier(function: Callable[..., Outcome]) -> Verifier:
    """Decorates a step that asks the model that writes."""
    return Verifier(function.__name__, function, asks=True)


def judging_verifier(function: Callable[..., Outcome]) -> Verifier:
    """Decorates a step that asks the judge."""
    return Verifier(function.__name__, function, asks=True, judges=True)


VERIFIERS: Registry[Verifier] = Registry("assay.synth.verification", "assay.verifiers", "verification step", Verifier)


@dataclass(frozen=True)
class Step:
    """A verifier with its settings."""

    verifier: Verifier
    arguments: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.verifier.name

    def __call__(self, draft: Draft, job: Job, bench: Bench) -> Outcome:
        return self.verifier.function(draft, job, bench, **self.arguments)


def steps(settings: SynthSettings) -> list[Step]:
    """The steps that these settings ask for, those that cost nothing first, each kind in name order.

    Raises SettingsError, for a step that does not exist too.
    """
    known = VERIFIERS.all()
    for name in settings.verify:
        if name not in known:
            raise SettingsError(f"no verification step '{name}'", where="synth.verify", fix=did_you_mean(name, known))
    active = []
    for plugin in sorted(known.values(), key=lambda plugin: (plugin.asks, plugin.name)):
        unasked = not plugin.asks or (plugin.judges and settings.judge is not None)
        given = settings.verify.get(plugin.name, unasked)
        if not isinstance(given, bool | Mapping):
            raise SettingsError(
                f"'{plugin.name}' is {given!r}, but should be true, false or settings", where="synth.verify"
            )
        if given is not False:
            where = f"synth.verify.{plugin.name}"
            active.append(Step(plugin, check_settings(plugin, {} if given is True else given, where)))
    return active
