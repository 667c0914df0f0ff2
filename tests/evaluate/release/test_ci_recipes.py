"""The recipes of docs/releases.md, run as they stand there: on a tiny model, each step by a shell."""

from __future__ import annotations

import json
import os
import re
import shutil
import stat
import subprocess
import sys
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

ROOT = Path(__file__).resolve().parents[3]
VERDICTS = {0: "PASS", 3: "BLOCK or INVALID", 4: "INCONCLUSIVE"}
POLICY = "version: 1\nsuites:\n  support: {role: domain}\n  assay_kinds: {role: general}\n"
FEW = "version: 1\nevaluate: {limit: 6, damaged_items: 6, slightly_damaged_items: 0, zero_items: 4}\n"


def recipe(first_line: str) -> dict[str, Any]:
    """The YAML block of the page that begins with this comment."""
    page = (ROOT / "docs" / "releases.md").read_text(encoding="utf-8")
    (found,) = re.findall(rf"```yaml\n# {re.escape(first_line)}\n(.*?)```", page, re.DOTALL)
    loaded: dict[str, Any] = yaml.safe_load(found)
    return loaded


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path, tiny_adapter: Path) -> Path:
    """A repository as the recipes expect it, with `assay` and a `pip` that only notes what it should install."""
    folder = tmp_path_factory.mktemp("checkout")
    base = Path(shutil.copytree(tiny_model, folder / "base"))
    for name, length in (("config.json", "max_position_embeddings"), ("tokenizer_config.json", "model_max_length")):
        config = json.loads((base / name).read_text())
        (base / name).write_text(json.dumps(config | {length: 2048}))
    shutil.copytree(tiny_adapter, folder / "adapter", ignore=shutil.ignore_patterns("assay.json"))
    (folder / "suites").mkdir()
    rows = [{"id": f"a{n}", "prompt": f"the cat {n}", "reference": "cat"} for n in range(8)]
    (folder / "suites" / "support.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    header = "version: 1\nname: support\ndata: support.jsonl\nscorer: contains\nmax_new_tokens: 4\n"
    (folder / "suites" / "support.yaml").write_text(header)
    (folder / "policy.yaml").write_text(POLICY)
    (folder / "assay.yaml").write_text(FEW)
    key = Ed25519PrivateKey.generate()
    (folder / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (folder / "release-public.pem").write_bytes(public)
    commands = {"assay": f'exec "{sys.executable}" -m assay "$@"', "pip": 'echo "$@" >> pip.txt'}
    (folder / "bin").mkdir()
    for name, line in commands.items():
        (folder / "bin" / name).write_text(f"#!/bin/sh\n{line}\n")
        (folder / "bin" / name).chmod(0o755 | stat.S_IXUSR)
    return folder


@pytest.fixture(scope="module")
def step(checkout: Path) -> Callable[..., int]:
    """step(line, **environment): its exit code, in the checkout. A step that says anything but a verdict fails."""
    known = {**os.environ, "PATH": f"{checkout / 'bin'}{os.pathsep}{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    known |= {"MODEL": "base", "GITHUB_STEP_SUMMARY": str(checkout / "summary.md")}

    def run(line: str, **environment: str) -> int:
        done = subprocess.run(
            ["bash", "-e", "-c", line], cwd=checkout, env=known | environment, capture_output=True, text=True
        )
        assert done.returncode in (VERDICTS if line.startswith("assay gate") else (0,)), f"{line}\n{done.stderr}"
        return done.returncode

    return run


@pytest.fixture(scope="module")
def github(checkout: Path, step: Callable[..., int]) -> dict[str, int]:
    """{step: exit code} of both jobs, in their order; the last release is the same adapter's."""
    evaluate = "assay evaluate --model base --adapter adapter --suite suites/support.yaml --include-path bundled -q"
    step(f"{evaluate} --previous none -o releases/evaluation")
    step("assay gate releases/evaluation --policy policy.yaml -o releases/last -q")
    codes = {}
    for job in recipe(".github/workflows/release.yml")["jobs"].values():
        for part in filter(lambda part: "run" in part, job["steps"]):
            codes[part["run"]] = step(part["run"], **_secrets(part.get("env") or {}, checkout))
    return codes


def _secrets(named: Mapping[str, str], checkout: Path) -> dict[str, str]:
    """What `${{ secrets.RELEASE_KEY }}` stands for."""
    assert set(named) <= {"RELEASE_KEY"}
    return dict.fromkeys(named, (checkout / "key.pem").read_text())


def test_the_steps_for_github_end_with_a_verified_verdict(checkout: Path, github: dict[str, int]) -> None:
    (verdict,) = [code for line, code in github.items() if line.startswith("assay gate")]
    certificate = json.loads((checkout / "release" / "certificate.json").read_text())
    assert certificate["decision"]["verdict"] in VERDICTS[verdict] and certificate["signature"]
    assert (checkout / "summary.md").read_text() == (checkout / "comment.md").read_text()
    header = json.loads((checkout / "evaluation" / "evaluation.json").read_text())
    scored = {score["model"] for suite in header["suites"] for score in suite["scores"]}
    assert {"base", "candidate", "previous"} <= scored


def test_the_steps_for_gitlab_end_with_a_verified_verdict_on_its_test_page(
    checkout: Path, github: dict[str, int], step: Callable[..., int]
) -> None:
    for folder in ("evaluation", "release"):
        shutil.rmtree(checkout / folder)
    jobs = recipe(".gitlab-ci.yml")
    for job in ("score", "gate"):
        for line in jobs[job]["script"]:
            step(line, RELEASE_KEY_FILE="key.pem")
    for path in [*jobs["score"]["artifacts"]["paths"], *jobs["gate"]["artifacts"]["paths"]]:
        assert (checkout / path).is_dir()
    page = ElementTree.parse(checkout / jobs["gate"]["artifacts"]["reports"]["junit"])
    assert {"verdict", "support"} <= {case.attrib["name"] for case in page.iter("testcase")}


def test_what_they_install_exists(checkout: Path, github: dict[str, int]) -> None:
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["optional-dependencies"]
    asked = re.findall(r"install assay\[(.*?)\]", (checkout / "pip.txt").read_text())
    assert len(asked) >= 2
    assert {extra for extras_of in asked for extra in extras_of.split(",")} <= set(extras)
