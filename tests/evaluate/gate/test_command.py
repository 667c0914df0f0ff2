"""`assay gate` and `assay verify` from a shell: exit codes, files, and one JSON document."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from assay.evaluate.evaluation import Evaluation
from assay.evaluate.evaluation_files import write

POLICY = "version: 1\nmargin: 0.03\n"


@pytest.fixture
def shell(shell: Callable[..., Any], tmp_path: Path) -> Callable[..., Any]:
    """In an empty folder with a policy."""
    (tmp_path / "policy.yaml").write_text(POLICY, encoding="utf-8")
    return shell


@pytest.fixture
def suites(suite: Any) -> list[Any]:
    domain = suite("support", n=200, p_base=0.2, gain=0.3, discordance=0.4, p_damaged=0.02, kind="suite", chance=None)
    return [suite("arc_easy"), suite("grammar", n=600), domain]


def test_pass_is_0_and_writes_certificate_decision_page_and_policy(
    shell: Callable[..., Any], synthetic: Callable[..., Evaluation], suites: list[Any], tmp_path: Path
) -> None:
    write(synthetic(*suites), tmp_path / "evaluation")
    code, out, _ = shell("gate", "evaluation", "--policy", "policy.yaml", "-o", "out", "--markdown", "comment.md")
    assert code == 0 and out.startswith("PASS  ")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "certificate.json", "decision.json", "gate.html", "gate.md", "gate.xml", "policy.yaml",
    }  # fmt: skip
    assert (tmp_path / "comment.md").read_text(encoding="utf-8").startswith("## PASS")


def test_json_is_one_document_and_nothing_else(
    shell: Callable[..., Any], synthetic: Callable[..., Evaluation], suites: list[Any], tmp_path: Path
) -> None:
    write(synthetic(*suites), tmp_path / "evaluation")
    code, out, _ = shell("gate", "evaluation", "-o", "out", "--json")
    document = json.loads(out)
    assert code == 0 and document["verdict"] == "PASS"
    assert Path(document["certificate"]).is_file()
    assert document == json.loads((tmp_path / "out" / "decision.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("change", "verdict", "expected"),
    [
        ({"gain": -0.3}, "BLOCK", 3),
        ({"fixed": True}, "INVALID", 3),
        ({"n": 40, "p_base": 0.7, "discordance": 0.0}, "INCONCLUSIVE", 4),
    ],
)
def test_other_verdicts_have_their_exit_codes(
    shell: Callable[..., Any],
    synthetic: Callable[..., Evaluation],
    suites: list[Any],
    tmp_path: Path,
    change: dict[str, Any],
    verdict: str,
    expected: int,
) -> None:
    write(synthetic(replace(suites[0], **change), suites[2]), tmp_path / "evaluation")
    code, out, _ = shell("gate", "evaluation", "-o", "out")
    assert out.split()[0] == verdict and code == expected


def test_an_inconclusive_gate_may_only_warn(
    shell: Callable[..., Any], synthetic: Callable[..., Evaluation], suites: list[Any], tmp_path: Path
) -> None:
    write(synthetic(replace(suites[0], n=40, p_base=0.7, discordance=0.0), suites[2]), tmp_path / "evaluation")
    (tmp_path / "policy.yaml").write_text(POLICY + "on_inconclusive: warn\n", encoding="utf-8")
    code, out, _ = shell("gate", "evaluation", "-o", "out")
    assert code == 0 and out.startswith("INCONCLUSIVE  ")


def test_without_output_the_gate_is_a_run_of_the_store_and_stays_one(
    shell: Callable[..., Any], synthetic: Callable[..., Evaluation], suites: list[Any], tmp_path: Path
) -> None:
    write(synthetic(*suites), tmp_path / "evaluation")
    for _ in range(2):
        code, _, _ = shell("gate", "evaluation")
        assert code == 0
    (run,) = (tmp_path / ".assay" / "runs").iterdir()
    manifest = json.loads((run / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["outcome"] == "done" and manifest["facts"]["verdict"] == "PASS"
    assert "certificate.json" in manifest["outputs"]


def test_verify_is_0_for_what_matches_and_3_for_what_does_not(
    shell: Callable[..., Any], synthetic: Callable[..., Evaluation], suites: list[Any], tmp_path: Path
) -> None:
    write(synthetic(*suites), tmp_path / "evaluation")
    shell("gate", "evaluation", "-o", "out")
    code, out, _ = shell("verify", "out")
    assert code == 0 and "0 differ" in out
    (tmp_path / "out" / "policy.yaml").write_text("version: 1\n", encoding="utf-8")
    code, out, _ = shell("verify", "out/certificate.json")
    assert code == 3 and "DIFFERS      policy" in out
    code, out, _ = shell("verify", "out", "--json")
    document = json.loads(out)
    assert code == 3 and not document["ok"]
    assert {claim["ok"] for claim in document["claims"]} == {True, False, None}


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("gate", "nowhere"), "is no evaluation"),
        (("gate",), "no finished evaluation"),
        (("verify", "nowhere.json"), "cannot be read"),
    ],
)
def test_what_is_not_there_is_one_line(shell: Callable[..., Any], arguments: tuple[str, ...], words: str) -> None:
    code, out, err = shell(*arguments)
    assert code in (1, 2) and not out
    assert words in err and err.count("\n") == 1 and "Traceback" not in err


def test_a_missing_policy_is_one_line(
    shell: Callable[..., Any], synthetic: Callable[..., Evaluation], suites: list[Any], tmp_path: Path
) -> None:
    write(synthetic(*suites), tmp_path / "evaluation")
    for extra in ((), ("-o", "out")):
        code, _, err = shell("gate", "evaluation", "--policy", "none.yaml", *extra)
        assert code == 2 and "none.yaml" in err and err.count("\n") == 1


def test_gate_and_verify_need_no_model_library(tmp_path: Path) -> None:
    """They run on a plain CI machine with the core alone."""
    heavy = ("torch", "scipy", "lm_eval", "pandas", "transformers", "datasets", "peft")
    code = (
        "import sys\n"
        "import assay.evaluate.release.release, assay.evaluate.release.verify, assay.evaluate.gate.command\n"
        f"print([name for name in {heavy!r} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_signed_certificate_is_verified_with_the_public_key_and_the_key_is_nowhere_in_the_store(
    shell: Callable[..., Any], synthetic: Callable[..., Evaluation], suites: list[Any], tmp_path: Path
) -> None:
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "key.pem").write_bytes(private)
    (tmp_path / "public.pem").write_bytes(
        key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    write(synthetic(*suites), tmp_path / "evaluation")
    code, out, _ = shell("gate", "evaluation", "--sign", "key.pem", "--junit", "verdict.xml", "--json")
    certificate = json.loads(out)["certificate"]
    assert code == 0 and 'failures="0"' in (tmp_path / "verdict.xml").read_text(encoding="utf-8")
    code, out, _ = shell("verify", certificate, "--public-key", "public.pem")
    assert code == 0 and out.startswith("matches      signature")
    written = b"".join(path.read_bytes() for path in (tmp_path / ".assay").rglob("*") if path.is_file())
    assert private.splitlines()[1] not in written
    assert shell("gate", "evaluation", "--sign", "evaluation/evaluation.json")[0] == 2


def test_an_evaluation_whose_header_changed_is_judged_again(
    shell: Callable[..., Any], synthetic: Callable[..., Evaluation], suites: list[Any], tmp_path: Path
) -> None:
    evaluation = synthetic(*suites)
    write(evaluation, tmp_path / "evaluation")
    assert "leaks were not checked" not in shell("gate", "evaluation")[1]
    write(replace(evaluation, leaks=None), tmp_path / "evaluation")
    assert "leaks were not checked" in shell("gate", "evaluation")[1]
    assert len(list((tmp_path / ".assay" / "runs").iterdir())) == 2


def test_the_page_draws_each_suite_over_the_evaluations_of_the_store(
    shell: Callable[..., Any],
    synthetic: Callable[..., Evaluation],
    suites: list[Any],
    remember: Callable[..., Any],
    tmp_path: Path,
) -> None:
    runs = [
        remember(synthetic(*suites[:2], replace(suites[2], gain=gain)), name)
        for gain, name in ((0.1, "one"), (0.2, "two"), (0.3, "three"))
    ]
    code, _, _ = shell("gate", str(runs[-1].path), "-o", "out")
    page = (tmp_path / "out" / "gate.html").read_text(encoding="utf-8")
    assert code == 0 and "Over releases" in page and page.count("<polyline") == 3
    (points,) = re.findall(r"Scores of support over evaluations\"><polyline points=\"([^\"]*)", page)
    heights = [float(place.split(",")[1]) for place in points.split()]
    assert len(heights) == 3 and heights == sorted(heights, reverse=True)
    write(synthetic(*suites), tmp_path / "alone")
    shell("gate", "alone", "-o", "out")
    assert "Over releases" not in (tmp_path / "out" / "gate.html").read_text(encoding="utf-8")
