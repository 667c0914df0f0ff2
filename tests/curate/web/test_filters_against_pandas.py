"""Whatever filters and searches are combined, the list has the rows that pandas finds in the same files, in order."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlencode

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from assay.cli import main
from assay.curate.meaning.constants import STATIC
from assay.curate.meaning.encoder import why_missing
from assay.dataset import Dataset, messages_from_text
from assay.records import Message, Record, Source, record_id
from assay.text import conversation_text
from tests.curate.web.record_store import Store, chat, holder, write_rows

TOWNS = ("Oslo", "Bergen", "Tromsø")


def written() -> list[Any]:
    """Rows of many kinds: lengths, roles, columns, and what several checks say something of."""
    call = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": {"town": "Oslo"}}}
    tools = [
        {"role": "user", "content": "How is the weather?"},
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "content": "12 degrees", "tool_call_id": "c1"},
        {"role": "assistant", "content": "It is mild."},
    ]
    rows: list[Any] = []
    for number in range(40):
        town, kind = TOWNS[number % 3], ("rail", "road")[number % 2]
        asked = f"How do I get to {town} by {kind}, number {number}?"
        rows.append(
            chat(asked, f"Take the {kind} to {town}, {'and on ' * (number % 9)}then stop.", slice=kind, at=number)
        )
    rows += [chat(f"Again {n}?", f"Once {n}.", f"And again {n}?", f"Twice {n}.", slice="both") for n in range(6)]
    rows += [chat(f"Kindly {n}?", f"Of course {n}.", system="Be kind to Oslo.") for n in range(6)]
    rows += [
        {"messages": tools},
        chat("Empty?", ""),
        "{half",
        chat("Copy?", "Copied to Oslo."),
        chat("Copy?", "Copied to Oslo."),
    ]
    rows += [chat("How many days are left?", f"There are {days} days left.") for days in (3, 9)]
    return rows


def made() -> list[Record]:
    """What a model wrote, in a file that assay wrote."""
    out = []
    for number in range(12):
        turns = (
            Message("user", f"May I walk to {TOWNS[number % 3]}, {number}?"),
            Message("assistant", f"Yes, {number} miles."),
        )
        source = Source("more.parquet", None, number)
        out.append(Record(record_id(turns), f"{number:016x}", turns, source, origin="synthetic"))
    return out


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    folder = tmp_path_factory.mktemp("filters")
    write_rows(folder / "data.jsonl", written())
    Dataset.from_records(made()).write_parquet(folder / "more.parquet")
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as ended:
        patch.chdir(folder)
        main(
            [
                "curate",
                "data.jsonl",
                "more.parquet",
                "--workers",
                "1",
                "--quiet",
                "--set",
                "curate.split.validation=0.2",
            ]
        )
    assert not ended.value.code
    (run,) = (folder / ".assay" / "runs").iterdir()
    return Store(folder, run.name)


@pytest.fixture(scope="module")
def client(store: Store) -> Iterator[TestClient]:
    with holder(store.folder) as asking:
        yield asking


@pytest.fixture(scope="module")
def frame(store: Store) -> pd.DataFrame:
    """A row a row of the ledger, with what the other files say of it."""
    ledger = pd.read_parquet(store.path / "ledger.parquet")
    texts = pd.concat([pd.read_parquet(store.path / f"{name}.parquet") for name in ("data", "held", "dropped")])
    columns = ["row_id", "origin", "split", "messages", "meta"]
    joined = ledger.merge(texts[columns], on="row_id", how="left")
    readable = joined.messages.notna()
    joined["text"] = [conversation_text(messages_from_text(m)) if isinstance(m, str) else "" for m in joined.messages]
    joined["roles"] = [[t["role"] for t in json.loads(m)] if isinstance(m, str) else [] for m in joined.messages]
    joined["calls"] = [isinstance(m, str) and ('"tool_calls":' in m or '"tool"' in m) for m in joined.messages]
    joined["readable"], joined["characters"] = readable, joined.text.str.len()
    assert len(joined) == len(ledger) == 71 and (~readable).sum() == 1
    return joined.merge(pd.read_parquet(store.path / "overview.parquet"), on="row_id", how="left")


@pytest.fixture(scope="module")
def findings(store: Store) -> pd.DataFrame:
    return pd.read_parquet(store.path / "findings.parquet")


def expected(frame: pd.DataFrame, findings: pd.DataFrame, asked: dict[str, str]) -> list[str]:
    """Row ids by pandas alone, in the order of the list."""
    keep = pd.Series(True, frame.index)
    for name, column in (("fate", "fate"), ("source", "source_file"), ("origin", "origin"), ("split", "split")):
        if name in asked:
            same = frame[column] == asked[name]
            keep &= frame.fate.isin(["kept", "repaired"]) if asked[name] == "usable" else same
    if "check" in asked or "severity" in asked:
        said = findings
        for name in ("check", "severity"):
            said = said[said[name] == asked[name]] if name in asked else said
        keep &= frame.row_id.isin(said.row_id)
    if "min" in asked:
        keep &= frame.characters >= int(asked["min"])
    if "max" in asked:
        keep &= frame.characters <= int(asked["max"])
    if "where" in asked:
        key, _, value = asked["where"].partition("=")
        keep &= frame.meta.map(lambda text: isinstance(text, str) and str(json.loads(text).get(key, "")) == value)
    answers = frame.roles.map(lambda roles: roles.count("assistant"))
    turns: dict[str, Callable[[], pd.Series]] = {
        "one": lambda: answers == 1,
        "several": lambda: answers > 1,
        "system": lambda: frame.roles.map(lambda roles: "system" in roles),
        "tools": lambda: frame.calls,
    }
    if "turns" in asked:
        keep &= turns[asked["turns"]]()
    if "q" in asked:
        pattern = asked["q"] if asked.get("kind") == "regex" else re.escape(asked["q"])
        keep &= frame.readable & frame.text.str.contains(pattern, case=asked.get("kind") == "regex", regex=True)
    for name in ("language", "structure"):
        if name in asked:
            keep &= frame[name] == asked[name]
    for name in ("prompt", "answer"):
        if name in asked:
            least, most = map(int, asked[name].split("-"))
            keep &= frame[f"{name}_words"].between(least, most)
    found = frame[keep]
    if "order" in asked:
        found = found.sort_values("characters", ascending=asked["order"] == "shortest", kind="stable")
    return list(found.row_id)


def listed(client: TestClient, store: Store, asked: dict[str, str]) -> tuple[int, list[str]]:
    """What the pages of the list say and show: how many, and the row ids of all pages."""
    rows: list[str] = []
    for number in range(1, 9):
        while True:
            address = f"/data/{store.run}/records?{urlencode({**asked, 'page': str(number)})}"
            page = html.unescape(client.get(address).text)
            said = re.search(r'<span class="strong">(at least )?([\d,]+) records?</span>', page)
            if said and not said[1] and "data-reload" not in page:
                break
        found = re.findall(r'<tr data-row><td class="place"><a href="/data/[^/]+/record/([0-9a-f]{16})', page)
        rows += found
        if len(rows) >= int(said[2].replace(",", "")) or not found:
            break
    return int(said[2].replace(",", "")), rows


ASKED = {
    "fate": st.sampled_from(["kept", "held", "dropped", "repaired", "usable"]),
    "source": st.sampled_from(["data.jsonl", "more.parquet", "nowhere.jsonl"]),
    "origin": st.sampled_from(["human", "synthetic"]),
    "split": st.sampled_from(["train", "validation"]),
    "check": st.sampled_from(["contradiction", "exact_duplicate", "empty_turn", "no_answer", "conflicting_answers"]),
    "severity": st.sampled_from(["error", "warning", "info"]),
    "turns": st.sampled_from(["one", "several", "system", "tools"]),
    "where": st.sampled_from(["slice=rail", "slice=both", "at=7", "at=nothing", "nowhere=1"]),
    "min": st.integers(0, 90).map(str),
    "max": st.integers(10, 120).map(str),
    "order": st.sampled_from(["longest", "shortest"]),
    "language": st.sampled_from(["en", "unsure"]),
    "structure": st.sampled_from(["user, assistant", "system, user, assistant"]),
    "prompt": st.sampled_from(["0-3", "4-7", "8-15"]),
    "answer": st.sampled_from(["0-3", "4-7", "8-15"]),
}
SEARCHED = st.one_of(
    st.sampled_from(["oslo", "Tromsø", "number 1", "?", "and on and on", "assistant", "zzz"]).map(lambda q: {"q": q}),
    st.sampled_from([r"number \d\d\?", "(?i)OSLO|bergen", "^How", r"\bmiles\.", "a{3,}"]).map(
        lambda q: {"q": q, "kind": "regex"}
    ),
    st.just({}),
)
FEW = st.fixed_dictionaries({}, optional=ASKED).flatmap(
    lambda full: (
        st.lists(st.sampled_from(sorted(full)), max_size=3, unique=True).map(lambda names: {n: full[n] for n in names})
        if full
        else st.just({})
    )
)


@settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(filters=FEW, search=SEARCHED)
def test_any_filters_with_a_search(
    client: TestClient,
    store: Store,
    frame: pd.DataFrame,
    findings: pd.DataFrame,
    filters: dict[str, str],
    search: dict[str, str],
) -> None:
    asked = filters | search
    wanted = expected(frame, findings, asked)
    assert listed(client, store, asked) == (len(wanted), wanted)


@pytest.mark.parametrize("name", sorted(ASKED))
def test_each_filter_alone_finds_something_and_not_everything(
    client: TestClient, store: Store, frame: pd.DataFrame, findings: pd.DataFrame, name: str
) -> None:
    """So that the test above compares more than empty lists."""
    values = {
        "fate": "held", "source": "more.parquet", "origin": "synthetic", "split": "validation",
        "check": "contradiction", "severity": "error", "turns": "several", "where": "slice=rail", "min": "60",
        "max": "40", "order": "longest", "language": "en", "structure": "system, user, assistant",
        "prompt": "8-15", "answer": "4-7",
    }  # fmt: skip
    wanted = expected(frame, findings, {name: values[name]})
    assert 0 < len(wanted) < len(frame) or name == "order"
    assert listed(client, store, {name: values[name]}) == (len(wanted), wanted)


@pytest.mark.skipif(why_missing(STATIC) is not None, reason="needs the static encoder")
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    filters=st.fixed_dictionaries(
        {}, optional={k: ASKED[k] for k in ("fate", "source", "origin", "check", "min", "max")}
    )
)
def test_a_search_by_meaning_keeps_to_the_filters(
    client: TestClient, store: Store, frame: pd.DataFrame, findings: pd.DataFrame, filters: dict[str, str]
) -> None:
    """The nearest of all rows, of which the filters leave some, in the same order."""
    meant = {"q": "travelling by train", "kind": "meaning"}
    _, everything = listed(client, store, meant)
    left = set(expected(frame, findings, filters))
    wanted = [row for row in everything if row in left]
    assert 0 < len(everything) <= 500
    assert listed(client, store, {**filters, **meant}) == (len(wanted), wanted)


def test_the_export_has_the_rows_of_the_list(
    client: TestClient, store: Store, frame: pd.DataFrame, findings: pd.DataFrame
) -> None:
    import io

    asked = {"q": "oslo", "min": "40", "order": "longest"}
    answer = client.get(f"/data/{store.run}/records.csv?{urlencode(asked)}")
    rows = pd.read_csv(io.StringIO(answer.content.decode("utf-8-sig")), dtype=str)
    assert list(rows.row_id) == expected(frame, findings, asked)
