"""The collector is as it was, whatever happens meanwhile."""

from __future__ import annotations

import gc

import pytest

from assay.calls.collecting import seldom_collected


def test_what_is_there_is_not_looked_through_and_all_is_as_before_afterwards() -> None:
    before = gc.get_threshold()
    with pytest.raises(ValueError, match="in between"), seldom_collected():
        assert gc.get_freeze_count() > 1000 and gc.get_threshold() > before
        raise ValueError("in between")
    assert gc.get_threshold() == before and gc.get_freeze_count() < 1000 and gc.isenabled()


def test_of_two_that_overlap_the_last_to_end_puts_it_back() -> None:
    before = gc.get_threshold()
    first, second = seldom_collected(), seldom_collected()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert gc.get_freeze_count() > 1000 and gc.get_threshold() != before
    second.__exit__(None, None, None)
    assert gc.get_threshold() == before and gc.get_freeze_count() < 1000
