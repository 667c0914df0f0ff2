"""The check finds what its own file says, and nothing else."""

from assay_checks_acme.shouting import shouting

from assay.curate.testing import check_examples


def test_shouting() -> None:
    assert check_examples(shouting) == 4
