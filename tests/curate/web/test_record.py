"""One record: what it says, what became of it and why, its groups, its lineage, how its model sees it."""

from __future__ import annotations

import html
import re
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from assay.curate.web.remembered import Remembered
from assay.curate.web.targets import Target, target_of
from assay.dataset import Dataset
from assay.records import Message, Record, Source, record_id, row_id
from assay.reviews.journal import append
from assay.reviews.review import Review, Subject, Verdict
from assay.runs import RunStore
from assay.web.site import Site
from tests.conftest import build_tiny_model
from tests.curate.web.record_store import Store, chat, curated, holder, loaded, write_rows

LONG = (
    "The thermostat in our hall came with the house, which is thirteen months old, and it served us well until last "
    "weekend, when a thin line ran down the middle of its screen and the next day there were four of them."
)


def rows() -> list[Any]:
    weather = {"type": "function", "function": {"name": "weather", "parameters": {"type": "object"}}}
    called = {"id": "c1", "type": "function", "function": {"name": "weather", "arguments": {"town": "Oslo"}}}
    told = [
        {"role": "user", "content": "How is it in Oslo?"},
        {"role": "assistant", "content": None, "tool_calls": [called]},
        {"role": "tool", "content": "12 degrees", "tool_call_id": "c1"},
        {"role": "assistant", "content": "It is mild."},
    ]
    return [
        chat("How many days do I have to return an item?", "You have 30 days to return an item."),
        chat("How many days do I have to return an item?", "You have 14 days to return an item."),
        chat(LONG + " Is that covered?", "Yes, for two years."),
        chat(LONG.replace("thin", "thick") + " Is that covered?", "Yes, for two years."),
        chat("What is the capital of France?", "Paris."),
        chat("What is the capital of France?", "Paris."),
        chat("Name the director.", "The director is [insert name here]."),
        {"messages": told, "tools": [weather], "channel": "mail", "scores": {"tone": 3}},
        chat("Say it.", "It is said.<|im_end|>"),
        {"messages": [{"role": "user", "content": "Is anybody there?"}]},
    ]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory, tiny_model: Path) -> Store:
    folder = tmp_path_factory.mktemp("store")
    write_rows(folder / "data.jsonl", rows())
    return curated(folder, "data.jsonl", "--model", str(tiny_model))


@pytest.fixture
def client(store: Store) -> Iterator[TestClient]:
    with holder(store.folder) as asking:
        yield asking


def text_of(page: str) -> str:
    """What a reader reads, in one line."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", page)).split())


def marks(page: str, kind: str) -> list[str]:
    return [html.unescape(found) for found in re.findall(rf'<mark class="{kind}">(.*?)</mark>', page, re.DOTALL)]


def test_of_two_contradicting_answers_both_are_shown_with_what_clashes(store: Store, client: TestClient) -> None:
    page = client.get(store.page(store.at(1))).text
    assert "Contradiction: 2 records" in page
    assert sorted(set(marks(page, "hit"))) == ["14 days", "30 days"]
    assert f'href="{store.page(store.at(2))}"' in page
    assert re.search(r"The check is \d+ % sure", text_of(page))


def test_of_many_answers_it_is_told_which_agree_and_which_dissent(tmp_path: Path) -> None:
    said = ("You have 30 days to return an item.", "An item can be returned for 30 days.", "Returns take 30 days.")
    texts = (*said, "You have 14 days to return an item.")
    asked = [chat("How many days do I have to return an item?", text) for text in texts]
    write_rows(tmp_path / "data.jsonl", asked)
    store = curated(tmp_path, "data.jsonl")
    with holder(tmp_path) as client:
        text = text_of(client.get(store.page(store.at(1))).text)
        assert text.count("says the same as this record") == 2
        assert re.search(r"data.jsonl:4 \w+ dissents from most records You have 14 days to", text)


def test_a_duplicate_is_shown_word_by_word_with_its_fate(store: Store, client: TestClient) -> None:
    page = client.get(store.page(store.at(3))).text
    assert [word.strip() for word in marks(page, "removed") if word.strip() != "Struck through"] == ["thin"]
    assert [word.strip() for word in marks(page, "added") if word.strip() != "added"] == ["thick"]
    assert "1 other turn is the same in both" in text_of(page)


def test_a_dropped_row_names_the_one_that_is_kept(store: Store, client: TestClient) -> None:
    dropped = next(row for row in store.rows() if row["kept_row_id"] == store.at(5))
    page = client.get(store.page(dropped["row_id"])).text
    assert "Dropped: it is not trained on. Why: exact duplicate." in text_of(page)
    assert f'href="{store.page(store.at(5))}"' in page
    assert "Paris." in page


def test_where_dropped_records_are_not_kept_their_source_is_named(store: Store, tmp_path: Path) -> None:
    shutil.copytree(store.folder, tmp_path / "old")
    (tmp_path / "old" / ".assay" / "runs" / store.run / "dropped.parquet").unlink()
    with holder(tmp_path / "old") as client:
        dropped = next(row for row in store.rows() if row["fate"] == "dropped")
        text = text_of(client.get(store.page(dropped["row_id"])).text)
        assert f"It is at its source: data.jsonl:{dropped['source_line']}" in text
        assert client.get(store.page(dropped["row_id"], "?view=tokens")).status_code == 200


def test_a_finding_marks_its_place_in_the_conversation(store: Store, client: TestClient) -> None:
    page = client.get(store.page(store.at(7))).text
    assert "[insert name here]" in marks(page, "hit")
    assert "Held back until a person decides. Why: unfilled placeholder." in text_of(page)


def test_calls_answers_tools_and_columns_are_readable(store: Store, client: TestClient) -> None:
    page = client.get(store.page(store.at(8))).text
    text = text_of(page)
    assert "calls weather id c1" in text
    assert '{ "town": "Oslo" }' in text
    assert "tool 2 answers call c1" in text
    assert "1 tool declared" in text
    assert "channel mail" in text
    assert '{ "tone": 3 }' in text


def test_a_repair_is_shown_and_places_of_before_are_not_marked(store: Store, client: TestClient) -> None:
    row = next(row for row in store.rows() if row["fate"] == "repaired")
    page = client.get(store.page(row["row_id"])).text
    text = text_of(page)
    assert "Repaired, then kept" in text
    assert row["record_id"] in text
    assert row["new_record_id"] in text
    assert any("<|im_end|>" in removed for removed in marks(page, "removed"))
    assert marks(page.partition("Found by checks")[0], "hit") == []


def test_a_record_without_an_answer_says_so(store: Store, client: TestClient) -> None:
    row = next(row["row_id"] for row in store.rows() if row["source_line"] == 10)
    assert "there is nothing to train on" in text_of(client.get(store.page(row)).text)
    for view in ("template", "tokens"):
        assert "Not trained on as it is: no_answer" in text_of(loaded(client, store.page(row, f"?view={view}")))


def test_tokens_are_those_that_training_takes(store: Store, client: TestClient, tiny_model: Path) -> None:
    from assay.chat import encode, load_target

    target = load_target(str(tiny_model), offline=True)
    record = next(item for item in Dataset.read_parquet(store.path / "data.parquet").records() if item.source.line == 5)
    encoded = encode(record, target)
    page = loaded(client, store.page(store.at(5), "?view=tokens"))
    assert f"{encoded.trained_tokens} of {len(encoded.input_ids)} tokens are trained" in page
    ids = [int(found) for found in re.findall(r'title="id (\d+), turn \d', page)]
    assert ids == encoded.input_ids
    trained = re.findall(r'class="token trained[^"]*" title="id (\d+)', page)
    assert len(trained) == encoded.trained_tokens
    assert re.search(r'class="token trained special" title="id \d+, turn 1 assistant, trained, stop token"', page)


def test_a_page_comes_before_the_model_that_it_shows_and_says_so(
    store: Store, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Loaded once, however often it is asked for meanwhile; a file waits for it; one that fails is tried again."""
    from assay.curate.web import targets

    loads, go_on, load = [], threading.Event(), targets._load

    def slow(name: str, revision: str | None) -> Any:
        loads.append(name)
        assert go_on.wait(60)
        return load(name, revision)

    monkeypatch.setattr(targets, "_LOADED", Remembered(4))
    monkeypatch.setattr(targets, "_load", slow)
    address = store.page(store.at(5), "?fate=kept&view=tokens")
    for _ in range(3):
        page = client.get(address)
        assert page.status_code == 200
        assert 'data-reload="1"' in page.text and "are being loaded" in page.text
        assert f'<a href="{address}">Look again</a>' in html.unescape(page.text)
    threading.Timer(0.5, go_on.set).start()
    assert "tokens are trained" in client.get(f"{address}&save=1").text
    page = client.get(address).text
    assert "tokens are trained" in page and "data-reload" not in page
    assert len(loads) == 1


def test_the_rendering_marks_what_is_trained(store: Store, client: TestClient) -> None:
    page = loaded(client, store.page(store.at(5), "?view=template"))
    assert "<|im_start|>user\nWhat is the capital of France?<|im_end|>" in html.unescape(page)
    assert "Paris.<|im_end|>" in marks(page, "trained")
    assert "training begins with exactly these" in text_of(page)


def test_a_model_that_is_not_at_hand_is_one_line(tmp_path: Path) -> None:
    build_tiny_model(tmp_path / "model")
    write_rows(tmp_path / "data.jsonl", rows()[4:6])
    store = curated(tmp_path, "data.jsonl", "--model", "model")
    shutil.rmtree(tmp_path / "model")
    with holder(tmp_path) as client:
        page = loaded(client, store.page(store.at(1), "?view=tokens"))
        assert "The model model is not at hand: " in text_of(page)
        assert "Paris." in client.get(store.page(store.at(1))).text


def test_a_model_that_was_named_from_the_project_is_found_from_elsewhere_and_by_an_opened_folder(
    tmp_path: Path,
) -> None:
    build_tiny_model(tmp_path / "model")
    write_rows(tmp_path / "data.jsonl", rows()[4:5])
    store = curated(tmp_path, "data.jsonl", "--model", "model", "-o", "out")
    site = Site(RunStore(tmp_path / ".assay"), tmp_path / "reviews.jsonl", tmp_path, {"out": tmp_path / "out"})
    for name in (store.run, "out"):
        target = target_of(site, name)
        assert isinstance(target, Target)
        assert not target.changed
    shutil.rmtree(tmp_path / ".assay" / "runs" / store.run)
    assert target_of(site, "out") == "No manifest says which model this data was curated for."


def test_data_that_was_curated_without_a_model_says_so(tmp_path: Path) -> None:
    write_rows(tmp_path / "data.jsonl", rows()[4:5])
    store = curated(tmp_path, "data.jsonl")
    with holder(tmp_path) as client:
        page = client.get(store.page(store.at(1), "?view=template")).text
        assert "This data was curated without a model" in page


def test_next_and_previous_follow_the_list(store: Store, client: TestClient) -> None:
    held = [row["row_id"] for row in store.rows() if row["fate"] == "held"]
    assert len(held) > 1
    page = client.get(store.page(held[0], "?fate=held&view=tokens")).text
    following = re.search(r'<a href="([^"]*)" data-key="n">', page)
    assert following is not None
    assert html.unescape(following.group(1)) == store.page(held[1], "?fate=held&view=tokens")
    assert f"1 of {len(held)}" in page
    last = client.get(store.page(held[-1], "?fate=held")).text
    assert 'data-key="n"' not in last
    assert f'href="{store.page(held[-2], "?fate=held")}" data-key="p"' in html.unescape(last)
    assert "Next" in client.get(store.page(held[0])).text


def test_earlier_decisions_are_told_with_who_and_when(store: Store, client: TestClient) -> None:
    journal = store.folder / "reviews.jsonl"
    row = next(row for row in store.rows() if row["source_line"] == 1)
    subject = Subject(row["record_id"], "contradiction", "0123456789abcdef", "fedcba9876543210")
    append(journal, [Review(subject, Verdict.DROP, "ben", "2026-11-01T10:00:00Z", "14 days is the rule")])
    append(journal, [Review(subject, Verdict.KEEP, "ana", "2026-11-02T10:00:00Z")])
    try:
        text = text_of(client.get(store.page(row["row_id"])).text)
        assert "keep contradiction ana 2026-11-02 10:00:00" in text
        assert "drop no longer holds contradiction ben 2026-11-01 10:00:00 14 days is the rule" in text
        journal.write_text("no decision\n", encoding="utf-8")
        assert "is not JSON" in text_of(client.get(store.page(row["row_id"])).text)
    finally:
        journal.unlink()
    assert f'href="/review/{store.run}?row={row["row_id"]}" data-key="r"' in client.get(store.page(row["row_id"])).text


def seeded(folder: Path) -> Record:
    """A human record, and one that a model made of it, as synth writes them."""
    turns = (Message("user", "When do you open?"), Message("assistant", "At nine."))
    seed = Record(record_id(turns), row_id("seed", 0), turns, Source("seeds.jsonl", 1, 0))
    made = (Message("user", "From what time are you open?"), Message("assistant", "At nine."))
    quoted = {"id": "hours.md", "location": "hours.md, page 2", "start": 10, "end": 30, "quote": "We open at nine."}
    written = {"method": "paraphrase", "provider": "local", "model": "tiny", "checks": ["scorer"], "sources": [quoted]}
    child = Record(
        record_id(made),
        row_id("child", 0),
        made,
        Source("synth:paraphrase", None, 0),
        origin="synthetic",
        parents=(seed.id, "0123456789abcdef"),
        meta={"synth": written},
    )
    Dataset.from_records([seed, child]).write_parquet(folder / "both.parquet")
    return child


def test_a_generated_record_tells_how_and_of_what_it_was_made_and_the_seed_names_it(tmp_path: Path) -> None:
    child = seeded(tmp_path)
    store = curated(tmp_path, "both.parquet")
    ids = {record.id: record.row_id for record in Dataset.read_parquet(store.path / "data.parquet").records()}
    with holder(tmp_path) as client:
        page = client.get(store.page(ids[child.id])).text
        text = text_of(page)
        assert "method paraphrase" in text
        assert "written by tiny of local" in text
        assert "checks passed scorer" in text
        assert "It quotes hours.md, page 2, characters 10 to 30: We open at nine." in text
        assert "When do you open?" in text
        assert "0123456789abcdef its text is in no run that this data came from" in text
        assert f'href="{store.page(ids[child.parents[0]])}"' in page
        seed = text_of(client.get(store.page(ids[child.parents[0]])).text)
        assert "Made of it" in seed
        assert "From what time are you open?" in seed


def test_a_row_that_the_run_never_read_is_not_there(store: Store, client: TestClient) -> None:
    for name in ("ffffffffffffffff", "..%2f..", "%00", "<script>"):
        assert client.get(store.page(name)).status_code == 404
    assert client.get("/data/nowhere/record/ffffffffffffffff").status_code == 404


def test_a_row_that_cannot_be_read_as_a_record_is_shown_as_it_stands(store: Store, tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    shutil.copytree(store.folder, tmp_path / "torn")
    path = tmp_path / "torn" / ".assay" / "runs" / store.run / "data.parquet"
    table = pq.read_table(path)
    torn = table.set_column(table.column_names.index("messages"), "messages", pa.array(["[{<b>"] * table.num_rows))
    pq.write_table(torn, path)
    with holder(tmp_path / "torn") as client:
        page = client.get(store.page(str(table.column("row_id")[0])))
        assert page.status_code == 200
        assert "cannot be read as a record" in page.text
        assert "messages: [{<b>" in html.unescape(page.text)
