"""docs/gate.md says what the code does: every key of the policy, its default, and the rules that are compared."""

from __future__ import annotations

import re
from dataclasses import fields
from pathlib import Path

import yaml

from assay.config import to_json
from assay.evaluate.gate.policy import Policy, SuitePolicy, read_policy

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "gate.md").read_text(encoding="utf-8")
TABLES = re.findall(r"^\| key \|.*?\n\n", PAGE, re.MULTILINE | re.DOTALL)


def rows(table: str) -> list[tuple[str, str]]:
    found = re.findall(r"^\| (`.*?`) \| (.*?) \|", table, re.MULTILINE)
    return [(name, default) for names, default in found for name in re.findall(r"`(\w+)`", names)]


def test_it_names_every_key_of_the_policy_in_order_with_its_default() -> None:
    defaults = to_json(Policy())
    assert [name for name, _ in rows(TABLES[0])] == [field.name for field in fields(Policy)]
    for name, shown in rows(TABLES[0]):
        if shown.startswith("`"):
            assert yaml.safe_load(shown.strip("`")) == defaults[name], name
        else:
            assert not defaults[name], name


def test_it_names_every_key_of_a_suite() -> None:
    assert [name for name, _ in rows(TABLES[1])] == [field.name for field in fields(SuitePolicy)]


def test_its_policy_can_be_read(tmp_path: Path) -> None:
    (example,) = re.findall(r"```yaml\n(version: 1\n.*?)```", PAGE, re.DOTALL)
    (tmp_path / "policy.yaml").write_text(example, encoding="utf-8")
    policy = read_policy(tmp_path / "policy.yaml")
    assert policy.max_kl == 0.2 and policy.slice_guardrail(policy.suites["support"], "refund") == 0.1


def test_its_table_holds_the_figures_that_were_promised() -> None:
    """As measured by the benchmark; a row that misses its target must not stand there unnoticed."""
    table = {
        cells[0]: cells[1:]
        for line in PAGE.splitlines()
        if len(cells := [cell.strip() for cell in line.strip("|").split("|")]) == 10
    }
    unchanged, at_margin = table["no change"], table["every suite loses the margin, 2 points"]
    assert float(unchanged[0]) >= 85 and float(unchanged[1]) <= 5 and float(at_margin[0]) <= 5
    assert float(table["no change, clusters of 5"][1]) <= 5
    for name in ("every suite loses 4 points", "one suite loses 20 points"):
        assert float(table[name][1]) >= 99
    assert int(table["every suite loses 4 points"][3].replace(",", "")) <= 1300
    assert int(table["every suite loses 4 points, no loss allowed"][3].replace(",", "")) <= 300
