"""Restyle: answers of other styles, rewritten into the style that most answers have."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial

from assay.errors import SettingsError, did_you_mean
from assay.records import Message, Record
from assay.writing.style import FEATURES, style_of

from ..asking.answers import read_text
from ..asking.prompting import ask
from ..comparing.words import NUMBER, content_words, overlap
from ..generator import Draft, Job, Outcome, Refused, generator, load_prompt
from ..settings import SynthSettings
from ..starting.seeds import question_of, shuffled, single_turn
from ..starting.style import described, differing, majority


@generator
def restyle(
    seeds: Sequence[Record],
    settings: SynthSettings,
    *,
    count: int = 50,
    per_seed: int = 1,
    min_share: float = 0.6,
    min_overlap: float = 0.4,
    features: tuple[str, ...] = ("form", "headings", "bullets", "bold", "address", "contractions", "emoji", "closing"),
    template: str | None = None,
) -> Iterator[Job]:
    """Answers that stray from the majority style, rewritten into it with the facts kept.

    Why: a model that is shown two styles answers in a mixture of both. The majority is counted, not asked for: a
    feature counts where at least `min_share` of the answers that show it have one value.

    count        accepted records wanted
    per_seed     rewritings of one answer at most
    min_share    as above
    min_overlap  content words shared with the old answer (Dice), below which the rewriting says something else
    features     of `assay.writing.style.Style`, those to bring into line
    template     file in place of `prompts/restyle.jinja`; it is given `prompt`, `answer` and `style`, a list of words

    A rewriting that still differs from the majority, or that lost or gained a number, is refused. The new record takes
    the place of the old one.

    Example: the one bulleted answer among a hundred in prose becomes prose.
    """
    for name in features:
        if name not in FEATURES:
            raise SettingsError(
                f"no feature of style '{name}'", where="synth.methods.restyle", fix=did_you_mean(name, FEATURES)
            )
    prompt = load_prompt("restyle", template)
    usable = [record for record in seeds if single_turn(record)]
    styles = [style_of(record.answer) for record in usable]
    wanted = majority(styles, features, min_share)
    stray = [record for record, style in zip(usable, styles, strict=True) if differing(style, wanted)]
    for sample in range(per_seed):
        for seed in shuffled(stray, settings.seed):
            words = described({name: wanted[name] for name in differing(style_of(seed.answer), wanted)})
            text = prompt.render(prompt=question_of(seed), answer=seed.answer, style=words)
            build = partial(_draft, seed=seed, wanted=wanted, least=min_overlap)
            request = ask(settings, text, sample=sample)
            yield Job(request, seed, prompt.sha256, build, settings={"style": words}, replaces=(seed.row_id,))


def _draft(answer: str, seed: Record, wanted: dict[str, int], least: float) -> Outcome:
    text = read_text(answer, "answer", "rewritten answer", "new answer")
    if not text:
        return Refused("parse", "the answer is empty")
    if text == seed.answer.strip():
        return Refused("same", "nothing was changed")
    left = differing(style_of(text), wanted)
    if left:
        return Refused("style", f"its {left[0]} still differs from the majority")
    if Counter(NUMBER.findall(text)) != Counter(NUMBER.findall(seed.answer)):
        return Refused("facts", "a number was lost or added")
    if overlap(content_words(text), content_words(seed.answer)) < least:
        return Refused("drift", "it says something else than the old answer")
    index = seed.last_assistant_index
    assert index is not None
    return Draft((*seed.messages[:index], Message("assistant", text), *seed.messages[index + 1 :]))
