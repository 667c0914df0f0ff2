from __future__ import annotations

import time

from assay.curate.styles.alike import alike_prompts


def test_prompts_with_half_of_their_words_in_common_are_alike_the_most_similar_first() -> None:
    others = ["Where is my lamp?", "What does it cost?", "where is my old LAMP", "Where is my parcel with the lamp?"]
    assert alike_prompts(["Where is my lamp?", "Who are you?", ""], others) == [[0, 2, 3], [], []]


def test_scripts_without_spaces_are_compared_by_their_characters() -> None:
    assert alike_prompts(["我的灯在哪里？"], ["我的包在哪里？", "今天天气怎么样？"]) == [[0]]


def test_nothing_is_like_nothing() -> None:
    assert alike_prompts([], ["a"]) == [] and alike_prompts(["a"], []) == [[]]


def test_long_prompts_cost_no_more_than_their_beginning() -> None:
    began = time.process_time()
    alike_prompts(["a b " * 500_000] * 20, ["a c " * 500_000] * 20)
    assert time.process_time() - began < 2
