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
