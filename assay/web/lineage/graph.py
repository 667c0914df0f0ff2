"""What came of what: runs, the files and models they began with, and the versions that adapters became."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from assay.errors import AssayError
from assay.locks import is_held
from assay.releases.versions import Releases, Version
from assay.runs import Manifest

from ..home import PLACES
from ..site import Site

Kind = Literal["run", "source", "model", "version", "gone"]
MOST_SOURCES = 3


@dataclass(frozen=True)
class Node:
    """One box. name: its first line; about: what came of it, in a few words; word: its verdict or outcome, as a class
    of the style sheet; href: '' where there is nothing to open"""

    id: str
    kind: Kind
    name: str
    about: str
    when: str
    word: str
    href: str
    stage: str = ""


@dataclass(frozen=True)
class Graph:
    """edges: (from, to), what was made before what was made of it"""

    nodes: Mapping[str, Node]
    edges: tuple[tuple[str, str], ...]
    before: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    after: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def ancestors(self, name: str) -> list[str]:
        """Nearest first."""
        return _reached(name, self.before)

    def descendants(self, name: str) -> list[str]:
        return _reached(name, self.after)

    def component(self, name: str) -> Graph:
        """All that hangs together with a node, in the order of the whole."""
        both = {node: (*self.before.get(node, ()), *self.after.get(node, ())) for node in self.nodes}
        return self.only({name, *_reached(name, both)})

    def only(self, names: Iterable[str]) -> Graph:
        kept = set(names)
        nodes = {name: node for name, node in self.nodes.items() if name in kept}
        return _linked(nodes, [edge for edge in self.edges if edge[0] in kept and edge[1] in kept])


def graph_of(site: Site) -> Graph:
    """Of the whole store. A parent that is not there any more is a node of its own."""
    runs = {run.run: run for run in reversed(site.runs())}
    nodes: dict[str, Node] = {}
    edges: list[tuple[str, str]] = []
    for name, run in runs.items():
        nodes[name] = _run(run)
        for parent in run.parents:
            if parent not in runs:
                nodes.setdefault(parent, Node(parent, "gone", parent, "not in this store", "", "gone", ""))
            edges.append((parent, name))
        for node in _origins(run):
            nodes.setdefault(node.id, node)
            edges.append((node.id, name))
    for version, origin in _versions(site, runs):
        nodes[version.id] = version
        if origin:
            edges.append((origin, version.id))
    return _linked(nodes, edges)


def _linked(nodes: Mapping[str, Node], edges: Sequence[tuple[str, str]]) -> Graph:
    before: dict[str, list[str]] = defaultdict(list)
    after: dict[str, list[str]] = defaultdict(list)
    unique = tuple(dict.fromkeys(edges))
    for source, target in unique:
        after[source].append(target)
        before[target].append(source)
    frozen = [{name: tuple(found) for name, found in links.items()} for links in (before, after)]
    return Graph(nodes, unique, *frozen)


def _reached(name: str, links: Mapping[str, Sequence[str]]) -> list[str]:
    found: dict[str, None] = {}
    front = [name]
    while front:
        front = list(dict.fromkeys(other for one in front for other in links.get(one, ()) if other not in found))
        found.update(dict.fromkeys(front))
    found.pop(name, None)
    return list(found)


def place_of(run: Manifest) -> str:
    """Where a click on a run leads: its own page, or, for one without, its lineage."""
    return PLACES.get(run.stage, "/lineage/{}").format(run.run)


def _run(run: Manifest) -> Node:
    facts = run.data.get("facts")
    about, word = _about(run, facts if isinstance(facts, Mapping) else {})
    when = str(run.data.get("started", ""))[:16].replace("T", " ")
    stage, _, digest = run.run.partition("-")
    name = f"{stage} {digest[:6]}" if digest else run.run
    return Node(run.run, "run", name, about, when, word, place_of(run), run.stage)


def _about(run: Manifest, facts: Mapping[str, Any]) -> tuple[str, str]:
    """(what came of it, class of the style sheet)."""
    if run.outcome == "running" and not is_held(run.path):
        return "stopped", "failed"  # its process is gone, and could not say so
    if run.outcome != "done":
        return run.outcome, run.outcome
    counts = facts.get("counts")
    if run.stage == "curate" and isinstance(counts, Mapping) and "read" in counts:
        return f"{_whole(counts.get('kept')) + _whole(counts.get('repaired')):,} of {_whole(counts['read']):,} kept", ""
    if run.stage == "synth" and "accepted" in facts:
        return f"{_whole(facts['accepted']):,} written", ""
    if run.stage == "train" and isinstance(facts.get("validation_loss"), float):
        return f"loss {facts['validation_loss']:.3f}", ""
    said = str(facts.get("verdict") or facts.get("parity") or "")
    return said, said.lower() if said.isalpha() else ""


def _whole(value: Any) -> int:
    return value if isinstance(value, int) else 0


def _origins(run: Manifest) -> list[Node]:
    """What a run began with that no run made: files of records, and the model that wrote."""
    found = []
    if run.stage == "curate" and not run.parents:
        found.append(_data(run))
    inputs = run.data.get("inputs")
    for key, digest in inputs.items() if isinstance(inputs, Mapping) else ():
        kind, _, file = str(key).partition(" ")
        if kind == "general_data" and file:
            found.append(_source(Path(file).name, "general records", str(digest)))
    settings = run.data.get("settings")
    if run.stage == "synth" and isinstance(settings, Mapping):
        local = str(dict(inputs if isinstance(inputs, Mapping) else {}).get("model", "")).partition("@")[0]
        model = str(settings.get("model") or local)
        if model:
            provider = str(settings.get("provider") or "")
            found.append(Node(f"model:{model}", "model", Path(model).name, f"writes, {provider}", "", "", ""))
    return found


def _data(run: Manifest) -> Node:
    inputs = run.data.get("inputs")
    digest = str(inputs.get("data", "")) if isinstance(inputs, Mapping) else ""
    path = run.path / "data.parquet"
    try:
        names = _source_files(str(path), path.stat().st_mtime_ns)
    except OSError:
        names = ()
    if not names:
        return _source("data", "names not known", digest or run.run, place_of(run))
    shown = ", ".join(names[:MOST_SOURCES])
    more = f" and {len(names) - MOST_SOURCES} more" if len(names) > MOST_SOURCES else ""
    return _source(shown + more, "records", digest or run.run, place_of(run))


@lru_cache(maxsize=512)
def _source_files(path: str, stamp: int) -> tuple[str, ...]:
    """Names of the files that the records came from. stamp: so that a file that was written anew is read anew."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    try:
        found = pc.unique(pq.read_table(path, columns=["source_file"])["source_file"]).to_pylist()
    except (OSError, ValueError, KeyError, pa.ArrowException):
        return ()
    files = sorted(str(name) for name in found if name and not str(name).startswith("synth:"))
    return tuple(dict.fromkeys(Path(name).name for name in files))


def _source(name: str, about: str, digest: str, href: str = "") -> Node:
    """href: the page of the first run that read it."""
    return Node(f"source:{digest}:{name}", "source", name, about, "", "", href)


def _versions(site: Site, runs: Mapping[str, Manifest]) -> list[tuple[Node, str]]:
    """Each version of an adapter, and the run it came of: the gate whose certificate it has, else its training."""
    registry = Releases(site.store.root / "adapters")
    found = []
    for name in registry.names():
        try:
            versions, current = registry.versions(name), registry.in_use(name)
        except (AssayError, OSError, ValueError, TypeError):
            continue
        for version in versions:
            in_use = current == version.number
            about = "in use" if in_use else f"certificate {version.verdict}" if version.verdict else "no certificate"
            word = "done" if in_use else str(version.verdict or "").lower()
            when = version.added[:16].replace("T", " ")
            node = Node(f"version:{version}", "version", str(version), about, when, word, "/evaluation/history")
            found.append((node, _origin(version, runs)))
    return found


def _origin(version: Version, runs: Mapping[str, Manifest]) -> str:
    gate = Path(version.certificate).parent.name if version.certificate else ""
    if gate in runs:
        return gate
    trained = str(version.card.get("run") or "")
    return trained if trained in runs else ""
