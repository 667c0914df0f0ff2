"""Adapters of a store with their verdicts and certificates, those of one base together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from assay.errors import AssayError
from assay.lineage import descendants, read_card
from assay.records import Json
from assay.runs import Manifest, RunStore

from .serving import Served, side_by_side

CERTIFICATE = "certificate.json"


@dataclass(frozen=True)
class Judgement:
    """One gate run. certificate is None where it wrote none."""

    run: str
    verdict: str
    certificate: str | None


@dataclass(frozen=True)
class Listed:
    """One adapter. judgements are newest first."""

    run: str
    adapter: Path
    base: str
    revision: str | None
    started: str
    judgements: tuple[Judgement, ...]

    def to_json(self) -> dict[str, Json]:
        return {**asdict(self), "adapter": str(self.adapter)}

    @property
    def verdict(self) -> str:
        return self.judgements[0].verdict if self.judgements else "not gated"


def adapters_in(store: RunStore) -> list[Listed]:
    """Newest first, whether the runs that they came from are still there or not. Those without a card are left out."""
    found = []
    manifests = store.manifests()
    for manifest in manifests:
        folder = manifest.path / "adapter"
        if manifest.stage != "train" or manifest.outcome != "done" or not folder.is_dir():
            continue
        try:
            card = read_card(folder)
        except AssayError:
            continue
        found.append(
            Listed(
                run=manifest.run,
                adapter=folder,
                base=str(card.get("base")),
                revision=card.get("revision"),
                started=str(manifest.data.get("started")),
                judgements=_judgements(descendants(manifest.run, manifests)),
            )
        )
    return found


def _judgements(forward: Sequence[Manifest]) -> tuple[Judgement, ...]:
    gates = [one for one in forward if one.stage == "gate"]
    gates.sort(key=lambda one: str(one.data.get("started")), reverse=True)
    return tuple(
        Judgement(
            run=one.run,
            verdict=str(dict(one.data.get("facts") or {}).get("verdict", "unknown")),
            certificate=str(one.path / CERTIFICATE) if (one.path / CERTIFICATE).is_file() else None,
        )
        for one in gates
    )


def by_base(listed: Sequence[Listed]) -> Mapping[tuple[str, str | None], list[Listed]]:
    found: dict[tuple[str, str | None], list[Listed]] = {}
    for one in listed:
        found.setdefault((one.base, one.revision), []).append(one)
    return found


def lines(listed: Sequence[Listed]) -> list[str]:
    """For a terminal. Adapters of one base can be served side by side, each under its name."""
    out = []
    for (base, _), group in by_base(listed).items():
        out.append(f"over {base}")
        for one in group:
            certificate = next((judgement.certificate for judgement in one.judgements if judgement.certificate), None)
            out.append(
                f"  {one.started}  {one.verdict:12}  {one.adapter}" + (f"  {certificate}" if certificate else "")
            )
        if len(group) > 1:
            out += [f"  {line}" for line in side_by_side(base, [Served(one.run, one.adapter) for one in group])]
    return out
