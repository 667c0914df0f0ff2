"""Every way to misuse the command ends in one line and an exit code."""

import subprocess
import sys
import time

import pytest

from assay.cli import VERBS, main


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "assay.cli", *arguments], capture_output=True, text=True, check=False)


def test_help_lists_every_verb_and_the_exit_codes() -> None:
    shown = run("--help").stdout
    assert all(f"  {verb} " in shown for verb in VERBS)
    assert "Exit codes" in shown


@pytest.mark.parametrize("arguments", [("adit",), ("--nonsense",), ("audit", "--nonsense")])
def test_wrong_usage_is_one_line_and_exit_code_2(arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert done.stderr.startswith("assay: ") and done.stderr.count("\n") == 1
    assert done.stdout == ""


def test_a_mistyped_verb_is_answered_with_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        main(["adit"])
    assert stopped.value.code == 2
    assert "did you mean 'audit'?" in capsys.readouterr().err


def test_a_settings_file_with_an_unknown_key_is_one_line(tmp_path: object) -> None:
    from pathlib import Path

    path = Path(str(tmp_path)) / "assay.yaml"
    path.write_text("version: 1\ncurte: {}\n")
    done = run("run", str(path))
    assert done.returncode == 2
    assert done.stderr.strip().endswith("did you mean 'curate'?") and "assay.yaml:2" in done.stderr


LATE = """
import signal, sys, time, types
import click
from assay import cli

class Late:
    def __del__(self):
        signal.raise_signal(signal.SIGINT)

@click.command()
def slow():
    Late()
    time.sleep(20)

sys.modules["late"] = types.SimpleNamespace(slow=slow)
cli.VERBS["slow"] = cli.Verb("late:slow", "")
cli.main(["slow"])
"""


def test_ctrl_c_that_comes_where_python_can_raise_nothing_stops_all_the_same() -> None:
    """In a finaliser, or while a module is imported, KeyboardInterrupt is printed and forgotten."""
    began = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", LATE], capture_output=True, text=True, check=False)
    assert done.returncode == 130
    assert done.stderr.strip() == "assay: stopped; run the same command again to go on"
    assert time.perf_counter() - began < 10
