"""Pictures of every page of the workbench, light and dark, from the store of a finished demo.

    assay demo                                   # or: make demo; some minutes
    python docs/pictures/make.py FOLDER          # of the demo, that holds .assay; writes beside this file

Needs Chromium, and `pip install playwright pillow`. Decisions go to a journal that is thrown away.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image
from playwright.sync_api import Page, sync_playwright

from assay.runs import Manifest, RunStore

HERE = Path(__file__).resolve().parent
WIDTH, HEIGHT, TALLEST = 1280, 860, 1280
"""Of the window, and the most of a page that is shown, in pixels."""

COLOURS = 128
LARGEST = 150_000
"""Bytes of a picture: they are kept in git."""


class Shot(NamedTuple):
    """A page: its name, its address, and the link that is followed there, if any."""

    name: str
    address: str
    follow: str = ""


def shots(store: RunStore) -> Iterator[Shot]:
    """What is pictured, by what the store holds."""
    yield Shot("start", "/")
    data = _newest(store, "curate", "held.csv", lambda run: _held(run) > 0)
    if data:
        yield Shot("data", f"/data/{data}")
        yield Shot("records", f"/data/{data}/records?check=contradiction")
        yield Shot("record", f"/data/{data}/records?check=contradiction", "tr[data-row] a")
        yield Shot("review", f"/review/{data}?kind=contradiction")
        yield Shot("review-duplicates", f"/review/{data}?kind=duplicate")
        yield Shot("review-progress", f"/review/{data}/progress")
    written = _newest(store, "synth", "accepted.parquet")
    if written:
        yield Shot("review-synthetic", f"/review/{written}")
    trained = [run.run for run in store.manifests() if run.stage == "train" and (run.path / "recipe.json").is_file()]
    if trained:
        yield Shot("training", f"/training/{trained[0]}")
        yield Shot("training-new", "/training/new")
        yield Shot("training-compare", "/training/compare?" + "&".join(f"run={run}" for run in trained[:3]))
    for word in ("PASS", "BLOCK"):
        judged = _newest(
            store, "gate", "decision.json", lambda run, word=word: run.data["facts"].get("verdict") == word
        )
        if judged:
            yield Shot(f"verdict-{word.lower()}", f"/evaluation/{judged}")
            yield Shot(f"lineage-{word.lower()}", f"/lineage/{judged}")
    scored = _newest(store, "evaluate", "items.parquet")
    if scored:
        yield Shot("items", f"/evaluation/{scored}/items")
        yield Shot("history", "/evaluation/history")


def _newest(store: RunStore, stage: str, holding: str, wanted: Any = lambda run: True) -> str:
    fits = (run for run in store.manifests() if run.stage == stage and (run.path / holding).is_file() and wanted(run))
    return next((run.run for run in fits), "")


def _held(run: Manifest) -> int:
    from assay.web.site import read_json

    return int(read_json(run.path / "summary.json").get("held", 0))


@contextmanager
def served(folder: Path, journal: Path) -> Iterator[str]:
    """The link that `assay ui` prints."""
    words = [sys.executable, "-m", "assay.cli", "ui", "--no-browser", "--reviews", str(journal)]
    known = {**os.environ, "PYTHONUNBUFFERED": "1", "USER": "ada", "LOGNAME": "ada"}
    process = subprocess.Popen(
        words, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=known
    )
    assert process.stdout is not None
    try:
        said = (re.search(r"http://\S+", line) for line in process.stdout)
        yield next(found.group() for found in said if found)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(20)


def picture(page: Page, file: Path) -> int:
    """Writes the page as a PNG of few colours. Gives its bytes; raises ValueError where they are too many for git."""
    tall = min(TALLEST, int(page.evaluate("document.documentElement.scrollHeight")))
    page.set_viewport_size({"width": WIDTH, "height": max(400, tall)})
    page.wait_for_timeout(150)
    drawn = Image.open(BytesIO(page.screenshot())).convert("RGB")
    drawn.quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE).save(file, optimize=True)
    size = file.stat().st_size
    if size > LARGEST:
        raise ValueError(f"{file}: {size:,} bytes, more than {LARGEST:,}")
    return size


def main(folder: Path) -> None:
    program = os.environ.get("ASSAY_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
    wanted = list(shots(RunStore(folder / ".assay")))
    with tempfile.TemporaryDirectory() as away, served(folder, Path(away) / "reviews.jsonl") as link:
        root = link.split("/?")[0]
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
            state = None
            for scheme in ("light", "dark"):
                context = browser.new_context(color_scheme=scheme, storage_state=state)  # type: ignore[arg-type]
                page = context.new_page()
                if state is None:
                    page.goto(link)
                    state = context.storage_state()
                for shot in wanted:
                    page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
                    address = root + shot.address
                    answer = page.goto(address)
                    if shot.follow:
                        address = root + str(page.locator(shot.follow).first.get_attribute("href"))
                        answer = page.goto(address)
                    if answer is None or not answer.ok:
                        raise ValueError(f"{address}: {answer.status if answer else 'no answer'}")
                    file = HERE / f"{shot.name}-{scheme}.png"
                    print(f"{file.name}  {picture(page, file):,} bytes")
            browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "."))
