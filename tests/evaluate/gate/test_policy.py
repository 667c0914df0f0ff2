"""policy.yaml is strict, and says where it is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from assay.errors import SettingsError
from assay.evaluate.gate.policy import Policy, SlicePolicy, SuitePolicy, read_policy

GOOD = """\
version: 1
alpha: 0.05
margin: 0.02
guardrail: 0.05
min_gain: 0.01
max_items: 3000
on_inconclusive: warn
suites:
  support: {role: domain, required: true, must_pass: [refund-1, 7]}
  arc_challenge: {role: general}
  extra: {role: general, required: false}
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "policy.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_policy_is_read_with_its_defaults(tmp_path: Path) -> None:
    policy = read_policy(written(tmp_path, GOOD))
    assert policy.min_gain == 0.01 and policy.on_inconclusive == "warn"
    assert policy.suites["support"] == SuitePolicy("domain", True, ("refund-1", "7"))
    assert policy.suites["arc_challenge"].required
    assert not policy.suites["extra"].required
    assert not policy.block_on_any_proved_loss


def test_an_empty_policy_has_the_documented_defaults(tmp_path: Path) -> None:
    assert read_policy(written(tmp_path, "version: 1\n")) == Policy()


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("margin: 0.02", "margn: 0.02", "policy.yaml:3: unknown setting 'margn'; did you mean 'margin'?"),
        ("role: general}", "roll: general}", "policy.yaml:10: suite 'arc_challenge' has no role"),
        ("required: true", "requird: true", "policy.yaml:9: unknown setting 'requird'; did you mean 'required'?"),
        ("role: domain", "role: domian", "policy.yaml:9: 'role'"),
        ("alpha: 0.05", "alpha: 5", "policy.yaml:2: 'alpha' is 5.0, but should be above 0 and below 0.5"),
        ("margin: 0.02", "margin: 2", "policy.yaml:3: 'margin' is 2.0, but should be a share"),
        ("guardrail: 0.05", "guardrail: 0.01", "policy.yaml:4: 'guardrail' is 0.01, but should be a share no smaller"),
        ("max_items: 3000", "max_items: 0", "policy.yaml:6: 'max_items' is 0"),
        ("version: 1", "version: 2", "policy.yaml:1: 'version' is 2"),
        ("on_inconclusive: warn", "on_inconclusive: ignore", "policy.yaml:7: 'on_inconclusive'"),
        ("min_gain: 0.01", "min_gain: much", "policy.yaml:5: 'min_gain'"),
    ],
)
def test_a_fault_is_one_line_with_its_place(tmp_path: Path, old: str, new: str, expected: str) -> None:
    assert old in GOOD
    with pytest.raises(SettingsError) as error:
        read_policy(written(tmp_path, GOOD.replace(old, new, 1)))
    assert expected in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_policy_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="there is no such policy; name one: --policy FILE"):
        read_policy(tmp_path / "none.yaml")


SLICES = """\
version: 1
guardrail: 0.05
min_gain: 0.01
max_kl: 0.3
previous: prove
suites:
  support:
    role: domain
    guardrail: 0.08
    min_gain: 0.03
    slices:
      refund: {guardrail: 0.1}
      login: {}
      7:
  facts: {role: general, slices: [old, no]}
"""


def test_slices_are_named_in_a_list_or_with_a_guardrail_each(tmp_path: Path) -> None:
    policy = read_policy(written(tmp_path, SLICES))
    support, facts = policy.suites["support"], policy.suites["facts"]
    assert support.slices == {"refund": SlicePolicy(0.1), "login": SlicePolicy(), "7": SlicePolicy()}
    assert list(facts.slices) == ["old", "False"]
    assert policy.max_kl == 0.3 and policy.previous == "prove"


def test_a_suite_and_a_slice_have_the_nearest_bound_that_is_given(tmp_path: Path) -> None:
    policy = read_policy(written(tmp_path, SLICES))
    support, facts = policy.suites["support"], policy.suites["facts"]
    assert (policy.guardrail_of(support), policy.guardrail_of(facts)) == (0.08, 0.05)
    assert (policy.min_gain_of(support), policy.min_gain_of(facts)) == (0.03, 0.01)
    assert policy.slice_guardrail(support, "refund") == 0.1 and policy.slice_guardrail(support, "login") == 0.08
    assert policy.slice_guardrail(facts, "old") == 0.05


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (
            "refund: {guardrail: 0.1}",
            "refund: {guardrial: 0.1}",
            "policy.yaml:12: unknown setting 'guardrial'; did you",
        ),
        ("refund: {guardrail: 0.1}", "refund: {guardrail: 5}", "policy.yaml:12: 'guardrail' is 5.0, but should be a"),
        ("refund: {guardrail: 0.1}", "refund: 0.1", "policy.yaml:12: 'refund' should be a mapping of settings"),
        ("    guardrail: 0.08", "    guardrail: 1.5", "policy.yaml:9: 'guardrail' is 1.5, but should be a share"),
        ("    min_gain: 0.03", "    min_gian: 0.03", "policy.yaml:10: unknown setting 'min_gian'; did you mean 'min_g"),
        ("slices: [old, no]", "slices: old", "policy.yaml:15: 'slices' should be a mapping of settings"),
        ("slices: [old, no]", "slice: [old]", "policy.yaml:15: unknown setting 'slice'; did you mean 'slices'?"),
        ("max_kl: 0.3", "max_kl: 0", "policy.yaml:4: 'max_kl' is 0.0, but should be above 0"),
        ("max_kl: 0.3", "max_lk: 1", "policy.yaml:4: unknown setting 'max_lk'; did you mean 'max_kl'?"),
        ("previous: prove", "previous: proved", "policy.yaml:5: 'previous'"),
    ],
)
def test_a_fault_in_what_is_nested_is_one_line_with_its_place(
    tmp_path: Path, old: str, new: str, expected: str
) -> None:
    assert SLICES.count(old) == 1
    with pytest.raises(SettingsError) as error:
        read_policy(written(tmp_path, SLICES.replace(old, new)))
    assert expected in str(error.value) and "\n" not in str(error.value)
