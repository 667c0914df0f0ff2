from __future__ import annotations

from ..scorer import scorer


@scorer(by_likelihood=True)
def multiple_choice(output: str, reference: str, *, length_normalised: bool = False) -> float:
    """1 when the option that the model finds likeliest is the reference. Nothing is generated.

    The items need `choices`. `length_normalised` divides an option's log-likelihood by its number of
    characters, so that long options are not at a disadvantage (lm-eval's `acc_norm`).
    """
    return float(output == reference)
