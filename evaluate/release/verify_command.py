"""`assay verify`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from assay.console import Options, common_options
from assay.errors import Exit

if TYPE_CHECKING:
    from .verify import Claim


@click.command()
@click.argument("certificate", type=click.Path(path_type=Path))
@click.option("--allow-code", is_flag=True, help="Run code that a model wrote again, walled in, to score it.")
@click.option("--public-key", type=click.Path(path_type=Path), help="Whose signature it must carry (PEM or OpenSSH).")
@click.option("--rerun", type=click.IntRange(min=1), metavar="N", help="Let the model answer N items a suite again.")
@click.option("--model", help="For --rerun: where the base is [default: as the certificate names it].")
@click.option("--chat-template", metavar="FILE", help="For --rerun: in place of the model's own.")
@common_options
def verify(
    options: Options,
    certificate: Path,
    allow_code: bool,
    public_key: Path | None,
    rerun: int | None,
    model: str | None,
    chat_template: str | None,
) -> int:
    """Recompute what a release certificate claims, from the files it names.

    Hashes adapter, suites, items and policy again, scores the stored answers again, and computes the verdict again.
    CERTIFICATE may be the folder that holds certificate.json. --rerun loads base and adapter and has N items of each
    suite answered again, drawn by the certificate's hash and --seed.

    Of a proof of parity (parity.json, or its folder) the files that were held against each other are hashed again.

    Exit code 0 when nothing differs, 3 when something does. What could not be checked is said, and is no difference.
    """
    from assay.releases.proofs import is_proof

    from ..scorer import rescore, rescore_with_code
    from .signature import read_public_key
    from .verify import verify as check

    if is_proof(certificate):
        return _proof(options, certificate)
    expected = read_public_key(public_key) if public_key is not None else None
    path = certificate / "certificate.json" if certificate.is_dir() else certificate
    claims = check(path, rescore_with_code if allow_code else rescore, expected)
    if rerun is not None:
        again = _rerun(options, path, rerun, model, chat_template, allow_code=allow_code)
        known = {claim.name for claim in again}
        claims = [*(claim for claim in claims if claim.name not in known), *again]
    return _said(options, path, claims)


def _proof(options: Options, path: Path) -> int:
    """Of what `assay merge` and `assay parity` wrote."""
    from assay.releases.proofs import claims_of, read_proof

    from .verify import Claim

    proof = read_proof(path)
    return _said(options, proof.place, [Claim(*held) for held in claims_of(proof)])


def _said(options: Options, path: Path, claims: list[Claim]) -> int:
    wrong = [claim for claim in claims if claim.ok is False]
    options.emit({"certificate": str(path), "ok": not wrong, "claims": [claim.to_json() for claim in claims]})
    words = {True: "matches", False: "DIFFERS", None: "not checked"}
    width = max(len(claim.name) for claim in claims)
    for claim in claims:
        options.show(f"{words[claim.ok]:11}  {claim.name:{width}}  {claim.detail}")
    unchecked = sum(claim.ok is None for claim in claims)
    matching = sum(claim.ok is True for claim in claims)
    options.show(f"\n{matching} match, {len(wrong)} differ, {unchecked} could not be checked here")
    return int(Exit.NEGATIVE if wrong else Exit.OK)


def _rerun(
    options: Options, path: Path, items: int, model: str | None, chat_template: str | None, *, allow_code: bool
) -> list[Claim]:
    from assay.chat import load_target

    from .certificate import read_certificate
    from .rerun import rerun

    base = read_certificate(path).get("base") or {}
    target = load_target(
        model or str(base.get("name")),
        revision=None if model else base.get("revision"),
        offline=options.offline,
        chat_template=chat_template,
        say=options.say,
    )
    return rerun(path, items, target, seed=options.seed or 0, allow_code=allow_code)
