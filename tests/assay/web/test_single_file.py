"""A page as a file opens from disk, loads nothing, and is without text of records where that was asked for."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from assay.api import curate, write_curated
from assay.cli import main
from assay.errors import NoSuchRunError
from assay.runs import RunStore
from assay.web.redaction import quotation, texts_of
from assay.web.rendering import environment
from assay.web.single_file import redacted_file, single_file
from assay.web.site import Site
from tests.browser import browser

SAID = "The parcel for Ottilie Quennerstedt was left behind the blue rain barrel on Tuesday."


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A store with one curate run of six records, two of which contradict each other."""
    folder = tmp_path_factory.mktemp("project")
    rows = [(f"Question number {n} about parcels?", f"Answer {n}: it takes {n} days.") for n in range(2, 5)]
    rows += [("Where is the parcel?", SAID), ("How long is a return free?", "A return is free for 30 days.")]
    rows += [("How long is a return free?", "A return is free for 14 days.")]
    lines = [{"messages": [_turn("user", asked), _turn("assistant", answer)]} for asked, answer in rows]
    data = folder / "parcels.jsonl"
    data.write_text("".join(json.dumps(line) + "\n" for line in lines))
    store = RunStore(folder / ".assay")
    with store.open("curate", {}, {}) as run:
        write_curated(curate(str(data)), run.path)
    return Site(store, folder / "reviews.jsonl", folder, who="ana")


def _turn(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


def _run(site: Site) -> str:
    return site.runs("curate")[0].run


def test_the_file_has_its_style_in_it_and_names_nothing_to_load(site: Site) -> None:
    html = single_file(site, "/")
    assert "<style>" in html and "default-src &#39;none&#39;" in html
    assert not re.search(r"<(script|link|img|iframe|form|nav|button)\b|\bsrc=|url\(|@import|href=", html)


@pytest.fixture(scope="module")
def files(site: Site, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The start page and the three pages of a curate run."""
    folder = tmp_path_factory.mktemp("files")
    for page in ("", *(f"{name}/{_run(site)}" for name in ("data", "review", "lineage"))):
        (folder / f"{page.split('/')[0] or 'start'}.html").write_text(single_file(site, f"/{page}"), encoding="utf-8")
    return sorted(folder.iterdir())


def test_opened_from_disk_a_page_asks_for_nothing_in_both_themes(files: list[Path]) -> None:
    with browser() as chromium:
        for file in files:
            for scheme, ground in (("light", "rgb(246, 247, 249)"), ("dark", "rgb(20, 24, 29)")):
                page = chromium.new_page(color_scheme=scheme)
                asked: list[str] = []
                said: list[str] = []
                page.on("request", lambda request, asked=asked: asked.append(request.url))
                page.on("console", lambda message, said=said: said.append(message.text))
                page.goto(file.as_uri())
                assert (asked, said) == ([file.as_uri()], [])
                assert page.evaluate("getComputedStyle(document.body).backgroundColor") == ground
                assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), file.name
                page.close()


@pytest.mark.parametrize("width", [703, 725])
def test_on_paper_a_page_is_light_and_nothing_is_cut_at_the_right(files: list[Path], width: int) -> None:
    """width: A4 and Letter between their margins, in CSS pixels."""
    with browser() as chromium:
        page = chromium.new_page(color_scheme="dark", viewport={"width": width, "height": 1000})
        page.emulate_media(media="print", color_scheme="dark")
        for file in files:
            page.goto(file.as_uri())
            colours = page.evaluate(
                "(({backgroundColor, color}) => [backgroundColor, color])(getComputedStyle(document.body))"
            )
            assert colours == ["rgb(255, 255, 255)", "rgb(27, 31, 36)"]
            assert page.evaluate(CUT) == [], file.name


CUT = """[...document.querySelectorAll('main *')]
    .filter(e => e.getBoundingClientRect().right > innerWidth + 1 || getComputedStyle(e).overflowX === 'auto')
    .map(e => e.outerHTML.slice(0, 80))"""


def test_an_address_that_shows_nothing_is_an_error_with_the_line_of_the_page(site: Site) -> None:
    with pytest.raises(NoSuchRunError, match="page /nowhere"):
        single_file(site, "/nowhere")


def test_text_in_the_parts_of_pages_becomes_a_number_of_characters() -> None:
    parts: Any = environment(redact=True).get_template("web/parts.html").module
    assert "<div" in parts.text("secret words") and "12 characters" in parts.text("secret words")
    pieces = parts.pieces([{"text": "secret ", "mark": "hit"}, {"text": "words", "mark": ""}])
    assert "secret" not in pieces and "12 characters" in pieces
    shown: Any = environment().get_template("web/parts.html").module
    assert "secret words" in shown.text("secret words")


def test_every_text_of_a_run_is_known_when_it_is_looked_for(site: Site) -> None:
    texts = list(texts_of(site, _run(site)))
    assert SAID in texts and "A return is free for 14 days." in texts


@pytest.mark.parametrize(
    "html",
    [
        f"<p>{SAID}</p>",
        "<td title='... for Ottilie Quennerstedt was left behind the ...'>7</td>",
        "<p>the parcel for <mark>Ottilie</mark> Quennerstedt WAS left</p>",
        "<p>A return is free for 14 days.</p>",
    ],
)
def test_a_page_that_quotes_a_record_is_found_out(site: Site, html: str) -> None:
    assert quotation(html, texts_of(site, _run(site))) is not None


def test_numbers_and_names_of_checks_are_no_quotation(site: Site) -> None:
    html = "<h1>Data</h1><p>6 records, 2 held: contradiction</p><style>.free{} A return is free for 14 days.</style>"
    assert quotation(html, texts_of(site, _run(site))) is None


def test_scripts_without_spaces_are_looked_through_by_character() -> None:
    assert quotation("<p>彼は昨日駅に行きました。</p>", ["昨日駅に行きました"]) is not None
    assert quotation("<p>彼は昨日駅に行きました。</p>", ["昨日は駅に行かない"]) is None


def test_the_start_page_needs_no_text_of_records(site: Site) -> None:
    html = redacted_file(site, "/", _run(site))
    assert "6 records" in html and "Quennerstedt" not in html


@pytest.fixture
def report(site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., tuple[int, str]]:
    """report(argument, ...): exit code and, with `-o report.html`, what was written."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str]:
        file = tmp_path / "report.html"
        with pytest.raises(SystemExit) as ended:
            main(["report", *arguments, "--store", str(site.store.root), "-o", str(file)])
        return int(ended.value.code or 0), file.read_text(encoding="utf-8") if file.is_file() else ""

    return run


def test_the_page_of_a_run_follows_from_its_stage(site: Site, report: Callable[..., tuple[int, str]]) -> None:
    code, html = report(_run(site))
    assert code == 0 and "Is this data fit to train on?" in html
    code, html = report(_run(site), "--page", "lineage")
    assert code == 0 and f"Where {_run(site)} comes from" in html


def test_a_folder_that_curate_wrote_has_a_page_too(site: Site, report: Callable[..., tuple[int, str]]) -> None:
    copy = Path("clean")
    shutil.copytree(site.folder(_run(site)), copy)
    code, html = report(str(copy))
    assert code == 0 and "Is this data fit to train on?" in html


def test_the_queue_as_a_file_has_its_texts_and_is_refused_without(
    site: Site, report: Callable[..., tuple[int, str]], capsys: pytest.CaptureFixture[str]
) -> None:
    code, html = report(_run(site), "--page", "review")
    assert code == 0 and "A return is free for" in html
    Path("report.html").unlink()
    code, html = report(_run(site), "--page", "review", "--redact")
    said = capsys.readouterr().err
    if code:
        assert (code, html) == (2, "") and said.count("\n") == 1 and "without text of records" in said
    else:
        assert "return is free" not in html


@pytest.mark.parametrize("page", ["data", "lineage"])
def test_numbers_need_no_text(site: Site, report: Callable[..., tuple[int, str]], page: str) -> None:
    code, html = report(_run(site), "--page", page, "--redact")
    assert code == 0 and len(html) > 5000
    assert "Quennerstedt" not in html and "return is free" not in html


@pytest.mark.parametrize(
    ("arguments", "line"),
    [
        (["nowhere"], "no run 'nowhere'"),
        ([], "name one run"),
        (["RUN", "--page", "evaluation"], "its own pages are data and review and lineage"),
    ],
)
def test_what_cannot_be_shown_is_one_line(
    site: Site,
    report: Callable[..., tuple[int, str]],
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    line: str,
) -> None:
    code, html = report(*[_run(site) if word == "RUN" else word for word in arguments])
    said = capsys.readouterr().err
    assert (code, html) == (2, "") and line in said and said.count("\n") == 1
