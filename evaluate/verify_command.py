"""`assay verify`."""

from __future__ import annotations

from pathlib import Path

import click

from assay.console import Options, common_options
from assay.errors import Exit


@click.command()
@click.argument("certificate", type=click.Path(path_type=Path))
@click.option("--allow-code", is_flag=True, help="Run code that a model wrote again, walled in, to score it.")
@click.option("--public-key", type=click.Path(path_type=Path), help="Whose signature it must carry (PEM or OpenSSH).")
@common_options
def verify(options: Options, certificate: Path, allow_code: bool, public_key: Path | None) -> int:
    """Recompute what a release certificate claims, from the files it names.

    Hashes adapter, suites, items and policy again, scores the stored answers again, and computes the verdict again.
    CERTIFICATE may be the folder that holds certificate.json.

    Exit code 0 when nothing differs, 3 when something does. What could not be checked is said, and is no difference.
    """
    from .scorer import rescore, rescore_with_code
    from .signature import read_public_key
    from .verify import verify as check

    expected = read_public_key(public_key) if public_key is not None else None
    path = certificate / "certificate.json" if certificate.is_dir() else certificate
    claims = check(path, rescore_with_code if allow_code else rescore, expected)
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
