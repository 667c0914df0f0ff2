"""How far two models stand apart on the same answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from assay.records import Json

from .artefact import TokenScores


@dataclass(frozen=True)
class Difference:
    """Of the log-probabilities of `tokens` tokens of answers, in nats a token.

    mean, most  the mean and the largest difference of one token, without its sign
    of_answer   the largest mean difference over one answer's tokens
    loss, other_loss  the mean negative log-probability by the one and by the other
    flips       tokens at which the two would have gone on otherwise
    """

    tokens: int
    answers: int
    mean: float
    most: float
    of_answer: float
    loss: float
    other_loss: float
    flips: int

    def to_json(self) -> dict[str, Json]:
        return {name: round(value, 9) if isinstance(value, float) else value for name, value in asdict(self).items()}

    @property
    def sentence(self) -> str:
        return (
            f"{self.mean:.2g} nats a token on average, {self.most:.2g} at most, over {self.tokens:,} tokens of "
            f"{self.answers} answers; loss {self.loss:.4f} and {self.other_loss:.4f}; {self.flips} would have gone on "
            "otherwise"
        )


def difference(one: Sequence[TokenScores], other: Sequence[TokenScores]) -> Difference:
    """Both of the same passages, in order; at least one."""
    import numpy as np

    apart = [np.abs(a.logprobs - b.logprobs) for a, b in zip(one, other, strict=True)]
    every = np.concatenate(apart)
    return Difference(
        tokens=int(every.size),
        answers=len(apart),
        mean=float(every.mean()),
        most=float(every.max()),
        of_answer=max(float(part.mean()) for part in apart),
        loss=float(-np.concatenate([scores.logprobs for scores in one]).mean()),
        other_loss=float(-np.concatenate([scores.logprobs for scores in other]).mean()),
        flips=sum(int((a.likeliest != b.likeliest).sum()) for a, b in zip(one, other, strict=True)),
    )
