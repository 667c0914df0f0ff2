"""From an adapter to its data, and to the evaluations that let it out: a graph, a list, and what each run was.

graph.py    what came of what
layers.py   places for the boxes; drawing.py makes a drawing of them
facts.py    a manifest and result files in rows that a person can read
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from assay.errors import AssayError, NoSuchRunError
from assay.lineage import Origins
from assay.runs import Manifest

from ..home import PLACES, stage_runs
from ..rendering import page, site_of
from ..site import Site
from .drawing import draw
from .facts import origins, parity, results, sections
from .graph import Graph, Node, graph_of, place_of

WHOLE = 60
"""Boxes of a component that are all drawn unless a narrower view is asked for."""

WORDS = {"merge": "Merged model", "measure": "What synthetic records were worth", "train": "Adapter"}


@dataclass(frozen=True)
class Source:
    """What the adapter was trained on. problem: why it is not known"""

    run: str
    origins: Origins | None
    problem: str


def routes() -> list[Route]:
    return [
        Route("/lineage", newest, methods=["GET"]),
        Route("/lineage/{run}", lineage, methods=["GET"]),
    ]


def newest(request: Request) -> Response:
    """Of the newest verdict, else of the newest run, and a list of all."""
    site = site_of(request)
    runs = site.runs()
    first = next((run for run in runs if run.stage == "gate"), runs[0] if runs else None)
    if first is None:
        return page(request, "web/stage.html", title="Lineage", rows=[], command="assay run")
    return _shown(request, first.run, listed=True)


def lineage(request: Request) -> Response:
    return _shown(request, str(request.path_params["run"]), listed=False)


def _shown(request: Request, run: str, *, listed: bool) -> Response:
    site = site_of(request)
    graph = graph_of(site)
    manifest = _manifest(site, run, graph)
    folder = site.folders.get(run) or (manifest.path if manifest is not None else None)
    before, after = graph.ancestors(run), graph.descendants(run)
    component = graph.component(run) if run in graph.nodes else graph.only([])
    narrow = request.query_params.get("show") == "related" or len(component.nodes) > WHOLE
    whole = request.query_params.get("show") == "all" or not narrow
    drawn = component if whole else graph.only([run, *before, *after])
    return page(
        request,
        "web/lineage.html",
        title=f"Lineage of {run}",
        run=run,
        manifest=manifest,
        drawing=draw(drawn, run, {*before, *after}) if drawn.nodes else None,
        whole=whole,
        number=len(component.nodes),
        related=1 + len(before) + len(after),
        before=[graph.nodes[name] for name in before],
        after=[graph.nodes[name] for name in after],
        text=_as_text(graph, run) if run in graph.nodes else "",
        gone=[graph.nodes[name].name for name in before if graph.nodes[name].kind == "gone"],
        own_page=place_of(manifest) if manifest is not None else "",
        source=_source(site, graph, run, before),
        sections=sections(manifest) if manifest is not None else [],
        parity=parity(folder) if folder is not None else None,
        results=results(folder) if folder is not None and not _has_own_page(manifest) else [],
        what=WORDS.get(manifest.stage, "") if manifest is not None else "",
        rows=stage_runs(site, *{found.stage for found in site.runs()}) if listed else [],
    )


def _manifest(site: Site, run: str, graph: Graph) -> Manifest | None:
    """None for an opened folder, and for a run that is gone but known by what came of it. Raises NoSuchRunError."""
    try:
        return site.manifest(run)
    except NoSuchRunError:
        node = graph.nodes.get(run)
        if node is not None and node.kind == "gone":
            return None
        raise


def _source(site: Site, graph: Graph, run: str, before: list[str]) -> Source | None:
    """Of the training that the run is, or came of: the nearest."""
    trained = next((name for name in (run, *before) if _stage(graph, name) == "train"), None)
    if trained is None:
        return None
    try:
        manifest = site.manifest(trained)
        return Source(trained, origins(site, manifest) if manifest is not None else None, "")
    except (AssayError, OSError, ValueError, KeyError, TypeError) as error:
        return Source(trained, None, str(error))


def _has_own_page(manifest: Manifest | None) -> bool:
    return manifest is not None and manifest.stage in PLACES


def _stage(graph: Graph, name: str) -> str:
    node = graph.nodes.get(name)
    return node.stage if node is not None else ""


def _as_text(graph: Graph, run: str) -> str:
    """As `assay lineage` writes it: what it came from indented below, then what came of it."""
    lines = [_line(graph.nodes[run], 0)]
    seen = {run}

    def walk(name: str, depth: int, links: Mapping[str, tuple[str, ...]]) -> None:
        for other in links.get(name, ()):
            if other not in seen and depth < 50:
                seen.add(other)
                lines.append(_line(graph.nodes[other], depth))
                walk(other, depth + 1, links)

    lines.append("came from")
    walk(run, 1, graph.before)
    lines.append("led to")
    seen = {run}
    walk(run, 1, graph.after)
    return "\n".join(lines)


def _line(node: Node, depth: int) -> str:
    said = ", ".join(part for part in (node.about, node.when) if part)
    name = node.id if node.kind in ("run", "gone") else f"{node.kind} {node.name}"
    return f"{'  ' * depth}{name}" + (f"  ({said})" if said else "")
