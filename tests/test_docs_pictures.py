"""The pictures are small enough for git and for a page, and there is one of each page in both themes."""

from __future__ import annotations

from pathlib import Path

import pytest

Image = pytest.importorskip("PIL.Image", reason="needs pillow (pip install pillow)")

PICTURES = Path(__file__).resolve().parent.parent / "docs" / "pictures"
NAMES = sorted({path.stem.rpartition("-")[0] for path in PICTURES.glob("*.png")})


@pytest.mark.parametrize("name", NAMES)
def test_a_page_is_pictured_in_both_themes_small_enough_for_git(name: str) -> None:
    brightness = {}
    for theme in ("light", "dark"):
        file = PICTURES / f"{name}-{theme}.png"
        assert 10_000 < file.stat().st_size <= 150_000, f"{file.name}: an error page, or too large"
        with Image.open(file) as picture:
            assert picture.width <= 1280
            brightness[theme] = picture.convert("L").resize((1, 1)).getpixel((0, 0))
    assert brightness["dark"] < 100 < brightness["light"]


def test_the_workbench_page_shows_every_page_but_the_second_of_a_kind() -> None:
    text = (PICTURES.parent / "workbench.md").read_text(encoding="utf-8")
    shown = {name for name in NAMES if f"pictures/{name}-" in text}
    assert set(NAMES) - shown <= {"review-duplicates", "verdict-pass", "lineage-pass"}
