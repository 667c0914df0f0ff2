"""Small stores, made by the real `assay curate`, and a holder of the link who asks for their pages."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from starlette.testclient import TestClient

from assay.cli import main
from assay.runs import RunStore
from assay.web.app import application
from assay.web.site import Site


class Store(NamedTuple):
    """folder: the project; run: the name of its last run of curate."""

    folder: Path
    run: str

    @property
    def path(self) -> Path:
        return self.folder / ".assay" / "runs" / self.run

    def rows(self, file: str = "ledger.parquet") -> list[dict[str, Any]]:
        import pyarrow.parquet as pq

        found: list[dict[str, Any]] = pq.read_table(self.path / file).to_pylist()
        return found

    def at(self, line: int) -> str:
        """The row id of a line of the source."""
        return str(next(row["row_id"] for row in self.rows() if row["source_line"] == line))

    def page(self, row_id: str, query: str = "") -> str:
        return f"/data/{self.run}/record/{row_id}{query}"


def write_rows(path: Path, rows: Sequence[Any]) -> None:
    """One row a line; text stays as it is, for rows that are no JSON."""
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")


def chat(*turns: str, system: str | None = None, **columns: Any) -> dict[str, Any]:
    messages = [{"role": ("user", "assistant")[at % 2], "content": turn} for at, turn in enumerate(turns)]
    return {"messages": [{"role": "system", "content": system}, *messages] if system else messages, **columns}


def curated(folder: Path, *arguments: str) -> Store:
    """Runs `assay curate` in the folder."""
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as ended:
        patch.chdir(folder)
        main(["curate", *arguments, "--workers", "1", "--quiet"])
    assert not ended.value.code
    runs = sorted((folder / ".assay" / "runs").glob("curate-*"), key=lambda path: path.stat().st_mtime_ns)
    return Store(folder, runs[-1].name)


@contextmanager
def holder(folder: Path) -> Iterator[TestClient]:
    """Asks as somebody does who came by the link."""
    site = Site(RunStore(folder / ".assay"), folder / "reviews.jsonl", folder, who="ana")
    app, keys = application(site)
    with TestClient(app, base_url="http://127.0.0.1:8765", follow_redirects=False) as client:
        client.get("/", params={"token": keys.token()})
        yield client


def loaded(client: TestClient, path: str) -> str:
    """The page once the model that it shows is loaded."""
    until = time.monotonic() + 120
    while "are being loaded" in (page := client.get(path).text):
        assert time.monotonic() < until
        time.sleep(0.1)
    return page
