"""Reading a table, in one of three layouts: look up, filter, count, add up, compare."""

# ruff: noqa: E501

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from random import Random
from typing import NamedTuple

from general_suites.item import THINK, Item, Tier

FIRST = (
    "Alder",
    "Bramble",
    "Cobalt",
    "Dune",
    "Ember",
    "Flint",
    "Gale",
    "Heath",
    "Iris",
    "Jasper",
    "Kestrel",
    "Linden",
    "Marlow",
    "Nettle",
    "Onyx",
    "Pike",
    "Quartz",
    "Rowan",
    "Sable",
    "Thorn",
    "Umber",
    "Vale",
    "Wren",
    "Yarrow",
)


class Sheet(NamedTuple):
    """name, group, two numbers, a flag: the columns that a question may be about."""

    columns: tuple[str, str, str, str, str]
    groups: tuple[str, ...]
    flags: tuple[str, str]


SHEETS = (
    Sheet(
        ("Boat", "Harbour", "Length in m", "Crew", "Sails"),
        ("North Cove", "Gull Bay", "Oldport", "Reed Inlet"),
        ("white", "red"),
    ),
    Sheet(
        ("Product", "Maker", "Price in euros", "Stock", "Origin"),
        ("Halden", "Brix", "Norma", "Tovo"),
        ("local", "imported"),
    ),
    Sheet(
        ("Town", "Region", "Altitude in m", "Schools", "Station"),
        ("Upper Vale", "Lowland", "Coast", "Marsh"),
        ("open", "closed"),
    ),
    Sheet(
        ("Course", "Faculty", "Hours", "Students", "Language"),
        ("Arts", "Law", "Physics", "Medicine"),
        ("English", "French"),
    ),
    Sheet(("Train", "Line", "Minutes", "Stops", "Type"), ("Green", "Silver", "Coastal", "Ring"), ("express", "local")),
    Sheet(("Player", "Team", "Points", "Games", "Foot"), ("Hawks", "Otters", "Comets", "Millers"), ("left", "right")),
    Sheet(
        ("Plant", "Bed", "Height in cm", "Blossoms", "Light"),
        ("East bed", "West bed", "Pond side", "Rockery"),
        ("sun", "shade"),
    ),
    Sheet(
        ("Film", "Genre", "Length in min", "Prizes", "Colour"),
        ("Drama", "Comedy", "Thriller", "Animation"),
        ("yes", "no"),
    ),
    Sheet(("Server", "Cluster", "Load in %", "Jobs", "Status"), ("alpha", "beta", "gamma", "delta"), ("up", "paused")),
    Sheet(("Book", "Shelf", "Pages", "Loans", "Cover"), ("Shelf A", "Shelf B", "Shelf C", "Shelf D"), ("hard", "soft")),
)
ROWS: dict[Tier, tuple[int, int]] = {"medium": (6, 9), "large": (13, 18)}
QUESTIONS: dict[Tier, tuple[str, ...]] = {
    "medium": ("cell", "count", "most", "sum", "above", "least flag"),
    "large": ("sum two", "second", "most group", "difference", "count two", "ratio"),
}
Row = tuple[str, str, int, int, str]


def make(random: Random, tier: Tier, number: int) -> Item:
    """A cluster is a table: two questions each."""
    own = Random(f"{tier} table {number // 2}")
    sheet = SHEETS[number // 2 % len(SHEETS)]
    rows = _rows(own, sheet, own.randint(*ROWS[tier]))
    kinds = QUESTIONS[tier]
    question, answer = _ask(random, kinds, number, sheet, rows)
    how = random.choice(THINK).format(form="VALUE")
    table = _layout(sheet, rows, number // 2 % 3)
    return Item(f"{table}\n\n{question}\n{how}", answer, f"table-{number // 2}")


def _rows(random: Random, sheet: Sheet, count: int) -> list[Row]:
    """No number of a column occurs twice, so that the largest is one."""
    first = random.sample(range(11, 98), count)
    second = random.sample(range(2, 60), count)
    return [
        (name, random.choice(sheet.groups), a, b, random.choice(sheet.flags))
        for name, a, b in zip(random.sample(FIRST, count), first, second, strict=True)
    ]


def _layout(sheet: Sheet, rows: Sequence[Row], layout: int) -> str:
    if layout == 0:
        lines = [f"| {' | '.join(map(str, row))} |" for row in (sheet.columns, ("---",) * 5, *rows)]
    elif layout == 1:
        lines = [";".join(map(str, row)) for row in (sheet.columns, *rows)]
    else:
        lines = ["; ".join(f"{name}: {cell}" for name, cell in zip(sheet.columns, row, strict=True)) for row in rows]
    return "\n".join(lines)


TRIES = 60


def _ask(random: Random, kinds: Sequence[str], first: int, sheet: Sheet, rows: Sequence[Row]) -> tuple[str, str]:
    """Asked again with other choices until the answer says something, and otherwise where this table has none."""
    for number in range(first, first + len(kinds)):
        for _ in range(TRIES):
            question, answer = _question(random, kinds[number % len(kinds)], sheet, rows)
            if answer not in ("", "0", "1"):
                return question, answer
    raise ValueError("nothing can be asked about this table")


def _question(random: Random, kind: str, sheet: Sheet, rows: Sequence[Row]) -> tuple[str, str]:
    name, group, first, second, flag = sheet.columns
    chosen, other = random.sample(sheet.groups, 2)
    which = random.choice(sheet.flags)
    column, index = random.choice(((first, 2), (second, 3)))
    of_group = [row for row in rows if row[1] == chosen]
    of_flag = [row for row in rows if row[4] == which]
    values = sorted(int(row[index]) for row in rows)
    bound = values[len(values) // 2]
    over = [row for row in rows if int(row[index]) > bound]
    if kind == "cell":
        row = random.choice(rows)
        return f"What is the {column!r} of the one whose {name!r} is {row[0]!r}?", str(row[index])
    if kind == "count":
        return f"How many entries have {chosen!r} as their {group!r}?", str(len(of_group))
    if kind == "most":
        return f"Which {name!r} has the highest {column!r}?", max(rows, key=lambda row: row[index])[0]
    if kind == "sum":
        return f"What is the total of {column!r} over all entries whose {group!r} is {chosen!r}?", _total(
            of_group, index
        )
    if kind == "above":
        return f"How many entries have a {column!r} above {bound}?", str(len(over))
    if kind == "least flag":
        return f"Of the entries whose {flag!r} is {which!r}, which {name!r} has the lowest {column!r}?", _least(
            of_flag, index
        )
    both = [row for row in of_group if row[4] == which]
    if kind == "sum two":
        return (
            f"What is the total of {column!r} over all entries whose {group!r} is {chosen!r} and whose {flag!r} is {which!r}?",
            _total(both, index),
        )
    if kind == "second":
        ranked = sorted(of_flag, key=lambda row: -int(row[index]))
        return (
            f"Of the entries whose {flag!r} is {which!r}, which {name!r} has the second highest {column!r}?",
            str(ranked[1][0]) if len(ranked) > 2 else "",
        )
    if kind == "most group":
        totals = {g: sum(int(row[index]) for row in rows if row[1] == g) for g in sheet.groups}
        best = sorted(totals, key=lambda g: -totals[g])
        return (
            f"Added up over its entries, which {group!r} has the highest total of {column!r}?",
            best[0] if totals[best[0]] > totals[best[1]] else "",
        )
    if kind == "difference":
        theirs = [row for row in rows if row[1] == other]
        gap = sum(int(row[index]) for row in of_group) - sum(int(row[index]) for row in theirs)
        return (
            f"By how much do the totals of {column!r} of {group!r} {chosen!r} and of {group!r} {other!r} differ?",
            str(abs(gap)) if of_group and theirs else "",
        )
    if kind == "count two":
        found = [row for row in over if row[4] == which and row[1] != chosen]
        return (
            f"How many entries have a {column!r} above {bound}, have {which!r} as their {flag!r}, and do not have {chosen!r} as "
            f"their {group!r}?",
            str(len(found)),
        )
    gaps = [abs(row[2] - row[3]) for row in rows]
    widest = max(range(len(rows)), key=gaps.__getitem__)
    return (
        f"For which {name!r} do {first!r} and {second!r} differ most?",
        rows[widest][0] if gaps.count(max(gaps)) == 1 else "",
    )


def _total(rows: Sequence[Row], index: int) -> str:
    return str(sum(int(row[index]) for row in rows)) if len(rows) > 1 else ""


def _least(rows: Sequence[Row], index: int) -> str:
    return str(min(rows, key=lambda row: row[index])[0]) if len(rows) > 1 else ""


def solve(prompt: str) -> str:
    """Parses the table and the question as a small query: which entries, which column, what of it."""
    table, _, rest = prompt.partition("\n\n")
    question = rest.split("\n")[0]
    rows = _parsed(table)
    quoted = re.findall(r"'([^']*)'", question)
    kept = rows
    for column, value in re.findall(r"whose '([^']*)' is '([^']*)'", question):
        kept = [row for row in kept if row[column] == value]
    for value, column in re.findall(r"(?<!not )have '([^']*)' as their '([^']*)'", question):
        kept = [row for row in kept if row[column] == value]
    for value, column in re.findall(r"not have '([^']*)' as their '([^']*)'", question):
        kept = [row for row in kept if row[column] != value]
    for column, bound in re.findall(r"a '([^']*)' above (\d+)", question):
        kept = [row for row in kept if int(row[column]) > int(bound)]
    if question.startswith("How many"):
        return str(len(kept))
    if question.startswith("What is the total"):
        return str(sum(int(row[quoted[0]]) for row in kept))
    if question.startswith("What is the"):
        return kept[0][quoted[0]]
    if "By how much" in question:
        sums = [sum(int(row[quoted[0]]) for row in rows if row[quoted[1]] == value) for value in (quoted[2], quoted[4])]
        return str(max(sums) - min(sums))
    if "Added up" in question:
        totals: dict[str, int] = defaultdict(int)
        for row in rows:
            totals[row[quoted[0]]] += int(row[quoted[1]])
        return max(totals, key=lambda name: totals[name])
    if "differ most" in question:
        return max(rows, key=lambda row: abs(int(row[quoted[1]]) - int(row[quoted[2]])))[quoted[0]]
    name, column = quoted[-2:]
    ranked = sorted(kept, key=lambda row: int(row[column]), reverse="lowest" not in question)
    return ranked[1 if "second" in question else 0][name]


def _parsed(table: str) -> list[dict[str, str]]:
    lines = table.split("\n")
    if ": " in lines[0]:
        return [dict(cell.split(": ", 1) for cell in line.split("; ")) for line in lines]
    split = [[cell.strip() for cell in re.split(r"[|;]", line.strip("|"))] for line in lines if "---" not in line]
    return [dict(zip(split[0], row, strict=True)) for row in split[1:]]
