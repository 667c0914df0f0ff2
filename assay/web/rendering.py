"""One way from values to a page: every value is escaped, and what cannot be seen is made visible."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from assay.version import __version__

from .placing import leaving_out_roots, placing

if TYPE_CHECKING:
    from jinja2 import Environment

    from .site import Site

HERE = Path(__file__).resolve().parent
PACKAGE = HERE.parent
STYLE = HERE / "static" / "style.css"
SINGLE_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"

NAVIGATION = (
    ("/", "Start", "g h"),
    ("/data", "Data", "g d"),
    ("/review", "Review", "g r"),
    ("/training", "Training", "g t"),
    ("/evaluation", "Evaluation", "g e"),
    ("/lineage", "Lineage", "g l"),
)
"""Address, name, and the keys that go there."""


@cache
def environment(redact: bool = False) -> Environment:
    """Templates by folder: `web/base.html`, `curate/record.html`; what a stage's own reports draw is there too.

    A name that is not there is an error.

    redact  the global of this name; text of records in `parts.text` and `parts.pieces` is then a number of characters
    """
    from jinja2 import Environment, FileSystemLoader, PrefixLoader, StrictUndefined

    stages = {stage: PACKAGE / stage for stage in ("curate", "synth", "train", "evaluate")}
    folders = {name: [stage / "web" / "templates", stage / "templates"] for name, stage in stages.items()}
    folders |= {"web": [HERE / "templates"]}
    made = Environment(
        loader=PrefixLoader({name: FileSystemLoader(folder) for name, folder in folders.items()}),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"shown": shown, "count": count, "percent": percent}
    made.globals |= {"version": __version__, "navigation": NAVIGATION, "redact": redact}
    return made


def page(request: Request, template: str, *, title: str, status: int = 200, **values: Any) -> Response:
    """The page, or, asked with `?save=1`, the same as a file that opens from disk.

    In a template `single` says which of the two it is: a file has no navigation, no forms and no links to the server.
    With `&redact=1` too the file is one without text of records, and `redact` is true. `placed(line)` names files
    from the project's folder in a file that may leave this machine, and leaves the line as it is on a served page.
    """
    single = request.query_params.get("save") == "1"
    body = (
        environment(redacted(request))
        .get_template(template)
        .render(
            title=title,
            path=request.url.path,
            saving="?" + urlencode([*request.query_params.multi_items(), ("save", "1")]),
            single=single,
            style=_style() if single else "",
            policy=SINGLE_POLICY,
            placed=placing(site_of(request)) if single else str,
            **values,
        )
    )
    if single:
        body = leaving_out_roots(site_of(request))(body)
    else:
        return HTMLResponse(body.encode("utf-8", "replace"), status_code=status)
    headers = {
        "Content-Disposition": f'attachment; filename="{file_name(title)}"',
        "Content-Security-Policy": SINGLE_POLICY,
    }
    return HTMLResponse(body.encode("utf-8", "replace"), status_code=status, headers=headers)


def redacted(request: Request) -> bool:
    """Whether the page is written as a file without text of records."""
    return request.query_params.get("save") == "1" and request.query_params.get("redact") == "1"


def page_number(request: Request) -> int:
    """Which page of a list the address asks for, from 1; what is no number asks for the first."""
    given = request.query_params.get("page", "1")
    return max(1, int(given)) if given.isascii() and given.isdecimal() and len(given) < 10 else 1


def site_of(request: Request) -> Site:
    """What this server shows."""
    found: Site = request.app.state.site
    return found


def file_name(title: str) -> str:
    """A name for a page as a file: letters, digits and hyphens.

    >>> file_name("Evaluation: gate-12 / support")
    'assay-evaluation-gate-12-support.html'
    """
    words = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
    return f"assay-{words or 'page'}.html"


@cache
def _style() -> str:
    return STYLE.read_text(encoding="utf-8")


_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


def shown(text: object) -> str:
    """The text with control, bidirectional and zero-width characters as their code, so that a reader sees them.

    Joiners inside an emoji or a word of a script that needs them stay, or families and Persian words fall apart.

    >>> shown("a\\u202eb\\x00")
    'a⟨U+202E⟩b⟨U+0000⟩'
    """
    return _UNSEEN.sub(_code, str(text))


def _code(match: re.Match[str]) -> str:
    sign = match.group()
    if sign in "\u200c\u200d" and _joins(match.string, match.start()):
        return sign
    return f"⟨U+{ord(sign):04X}⟩"


def _joins(text: str, at: int) -> bool:
    around = text[at - 1 : at] + text[at + 1 : at + 2]
    return len(around) == 2 and all(ord(sign) > 0x2FF for sign in around)


def count(number: float) -> str:
    """With commas between thousands."""
    return f"{number:,}"


def percent(share: float | None, digits: int = 1) -> str:
    """Of a share between 0 and 1; a dash for none."""
    return "–" if share is None else f"{100 * share:.{digits}f} %"
