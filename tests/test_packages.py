"""What is published works away from the tree: the wheel holds every module and every data file, from the sdist too."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("assay", "curate", "synth", "train", "evaluate", "sample_data")
FILES = ("pyproject.toml", "README.md", "LICENSE")
SUFFIXES = {".py", ".html", ".jinja", ".jsonl", ".yaml", ".md"}


def build(tree: Path, kind: str) -> Path:
    """Runs the build back end in a tree, as `python -m build --no-isolation` does."""
    out = tree / "dist"
    out.mkdir(exist_ok=True)
    code = f"from setuptools import build_meta; print(build_meta.build_{kind}({str(out)!r}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=tree, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return out / done.stdout.strip().splitlines()[-1]


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Not imported to be asked: setuptools refuses to be, once something has imported distutils."""
    try:
        version = importlib.metadata.version("setuptools")
    except importlib.metadata.PackageNotFoundError:
        version = "0"
    if int(version.partition(".")[0]) < 77:
        pytest.skip("needs setuptools 77 or newer")
    copy = tmp_path_factory.mktemp("tree")
    for name in FOLDERS:
        shutil.copytree(ROOT / name, copy / name, symlinks=True, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    for name in FILES:
        shutil.copy(ROOT / name, copy / name)
    return copy


def expected() -> set[str]:
    """Every module and data file of the tree by the name that it is installed under."""
    found = set()
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*"):
            relative = path.relative_to(ROOT)
            inside_link = folder == "assay" and relative.parts[1] in FOLDERS
            hidden = any(part.startswith((".", "__pycache__")) for part in relative.parts)
            if path.is_file() and path.suffix in SUFFIXES and not inside_link and not hidden:
                found.add(relative.as_posix() if folder == "assay" else f"assay/{relative.as_posix()}")
    return found


def test_the_wheel_holds_every_module_and_data_file_and_works_away_from_the_tree(tree: Path, tmp_path: Path) -> None:
    wheel = build(tree, "wheel")
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        archive.extractall(tmp_path / "site")
    assert expected() - names == set()
    assert {name for name in names if not name.startswith("assay/")} == set()
    environment = {**os.environ, "PYTHONPATH": str(tmp_path / "site"), "PYTHONDONTWRITEBYTECODE": "1"}
    code = (
        "import assay.cli; from pathlib import Path; from importlib import resources\n"
        f"assert Path(assay.__file__).is_relative_to({str(tmp_path)!r})\n"
        "data = str(resources.files('assay') / 'sample_data' / 'tickets.jsonl')\n"
        "assay.cli.main(['audit', data, '-o', 'out', '-q'])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "report.html").is_file()


def test_the_source_distribution_builds_the_same_wheel(tree: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(build(tree, "wheel")) as archive:
        from_tree = {info.filename: info.CRC for info in archive.infolist() if ".dist-info/" not in info.filename}
    with tarfile.open(build(tree, "sdist")) as archive:
        archive.extractall(tmp_path, filter="data")
    (unpacked,) = tmp_path.iterdir()
    with zipfile.ZipFile(build(unpacked, "wheel")) as archive:
        from_sdist = {info.filename: info.CRC for info in archive.infolist() if ".dist-info/" not in info.filename}
    assert from_sdist == from_tree
