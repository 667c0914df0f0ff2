"""The package of docs/third-party-check.md: built, installed offline into a folder, and found by assay."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "docs" / "third-party-check"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the package was installed into, from a copy of its source."""
    folder = tmp_path_factory.mktemp("third-party")
    source = shutil.copytree(EXAMPLE, folder / "source")
    command = [
        sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index",
        "--disable-pip-version-check", "--target", str(folder / "site"), str(source),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder / "site"


def run(installed: Path, *arguments: str) -> str:
    environment = os.environ | {"PYTHONPATH": f"{installed}{os.pathsep}{ROOT}"}
    done = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, env=environment, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_installed_check_is_listed_and_explained(installed: Path) -> None:
    listed = json.loads(run(installed, "-m", "assay", "audit", "--list", "--json"))
    shouting = next(check for check in listed if check["name"] == "shouting")
    assert (shouting["severity"], shouting["decision"], shouting["languages"]) == ("warning", "hold", ["en", "de"])
    explained = run(installed, "-m", "assay", "audit", "--explain", "shouting")
    assert "the model learns to shout at customers" in explained
    assert "min_share: 0.7" in explained
    assert "COMES TOMORROW" in explained


def test_it_judges_data_like_any_other_check(installed: Path, tmp_path: Path) -> None:
    data = tmp_path / "data.jsonl"
    data.write_text(json.dumps({"instruction": "Where?", "output": "ON ITS WAY TO YOUR HOUSE, DEAR SIR!"}) + "\n")
    body = json.loads(run(installed, "-m", "assay", "audit", str(data), "--json"))
    assert body["summary"]["shouting"]["records"] == 1


def test_its_own_test_passes(installed: Path) -> None:
    out = run(installed, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(EXAMPLE / "tests"), "-c", os.devnull)
    assert "1 passed" in out


def test_without_the_package_it_is_not_there() -> None:
    listed = subprocess.run(
        [sys.executable, "-m", "assay", "audit", "--list", "--json"], capture_output=True, text=True, cwd=ROOT
    )
    assert "shouting" not in listed.stdout and listed.returncode == 0


def test_the_page_shows_the_code_of_the_package() -> None:
    page = (ROOT / "docs" / "third-party-check.md").read_text(encoding="utf-8")
    code = (EXAMPLE / "assay_checks_acme" / "shouting.py").read_text(encoding="utf-8")
    shown = re.search(r"def shouting.*?(?=\n\n- |\n```)", page, re.DOTALL)
    assert shown is not None
    lines = [line.strip() for line in shown.group().splitlines() if line.strip()]
    missing = [line for line in lines if line not in code and not line.startswith("yield")]
    assert not missing
