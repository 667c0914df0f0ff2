from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from assay.storage import sha256_file
from assay.writing.house_rules import Said, read_house_rules

from ..scorer import scorer


@scorer(is_answer=False)
def house_rules(
    output: str,
    reference: str,
    *,
    file: str = "",
    rules: Sequence[str] = (),
    strict: bool = False,
    sha256: str = "",
) -> float:
    """The share of the house rules that the output keeps; with `strict` 1 when it keeps all of them.

    `file` is the file that the audit reads too (docs/style.md), found beside the suite. `rules` are the ids of those
    that count; without it, all. Only what the output alone shows is judged: rules that ask for the prompt, for a
    column or for tokens are left out, but one named in `rules` counts whatever its `where`. An output of which no
    rule asks anything scores 1. `sha256` is filled in when the suite is read, so that a changed file is noticed.
    """
    if not file:
        raise ValueError("no file of house rules was named: scorer: {name: house_rules, file: house_rules.yaml}")
    path = Path(file)
    if sha256 and path.is_file() and sha256_file(path) != sha256:
        raise ValueError(f"{file} has changed since the suite was read")
    house = read_house_rules(path)
    chosen = house.only(rules, file) if rules else house
    judged = chosen.judge(Said(output))
    if not judged.kept and not judged.broken and len(judged.left_out) == len(chosen.rules):
        raise ValueError(f"no rule of {file} can be judged by an output alone")
    return float(not judged.broken) if strict else judged.share_kept
