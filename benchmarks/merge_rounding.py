"""What rounding does to a merge, and what a wrong scale does: the ground of parity's tolerances (decision 0096).

    python benchmarks/merge_rounding.py ADAPTER DATA [--records 16] [--base full|dequantized]

One base and one adapter, merged in several ways; each merge is computed in float32 and held against base and adapter.
Figures are nats a token of the answers of DATA.
"""

from __future__ import annotations

import argparse
import copy
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from assay.train.merging.weights import laid_over, merged, rounded
from assay.train.parity.artefact import TokenScores
from assay.train.parity.difference import difference
from assay.train.parity.held import InMemory
from assay.train.parity.loading import compute_in_float32
from assay.train.parity.material import of_records
from assay.train.parity.provenance import Trained, read_trained
from assay.train.parity.records import read_records


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("adapter", type=Path)
    parser.add_argument("data")
    parser.add_argument("--records", type=int, default=16)
    parser.add_argument("--base", choices=["full", "dequantized"], default="full")
    arguments = parser.parse_args()
    trained = read_trained(arguments.adapter, offline=True)
    material = of_records(read_records([arguments.data], offline=True), trained.target, arguments.records)
    over = laid_over(trained, arguments.base)
    gated = InMemory(over).token_scores(material.passages)
    with over.disable_adapter():
        print_row("no adapter at all", gated, InMemory(over).token_scores(material.passages))
    for name, model in ways(over, trained):
        print_row(name, gated, InMemory(compute_in_float32(model())).token_scores(material.passages))


def ways(over: Any, trained: Trained) -> Sequence[tuple[str, Callable[[], Any]]]:
    where = str(trained.folder)

    def exact(scale: float = 1.0) -> Any:
        copied = copy.deepcopy(over)
        for module in copied.modules():
            if isinstance(getattr(module, "scaling", None), dict):
                module.scaling = {key: scale * value for key, value in module.scaling.items()}
        return merged(copied, where)

    def in_bfloat16() -> Any:
        """As when the base is loaded in bfloat16 and PEFT adds to it."""
        import torch

        return merged(copy.deepcopy(over).to(torch.bfloat16), where)

    return (
        ("float32", exact),
        ("added in float32, rounded to bfloat16", lambda: rounded(exact(), "bfloat16", where)),
        ("added in bfloat16", in_bfloat16),
        ("added in float32, rounded to float16", lambda: rounded(exact(), "float16", where)),
        ("alpha 1.1 times as large", lambda: exact(1.1)),
        ("alpha twice as large", lambda: exact(2.0)),
        ("alpha half as large", lambda: exact(0.5)),
    )


def print_row(name: str, gated: Sequence[TokenScores], other: Sequence[TokenScores]) -> None:
    found = difference(gated, other)
    print(
        f"{name:40} mean {found.mean:.2e}  most {found.most:.2e}  flips {found.flips} of {found.tokens}  "
        f"loss {found.loss:.4f} -> {found.other_loss:.4f}",
        flush=True,
    )


if __name__ == "__main__":
    main()
