"""Which runs of the store wrote the data that is to be trained on."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from assay.runs import RunStore
from assay.storage import sha256_file

CURATED = "data.parquet"


def curate_runs(sources: Iterable[str], store: RunStore) -> tuple[str, ...]:
    """The curate runs of the store that wrote the files which `sources` name: the parents of this run."""
    paths = [Path(source) / CURATED if Path(source).is_dir() else Path(source) for source in sources]
    digests = {sha256_file(path) for path in paths if path.is_file() and path.suffix == ".parquet"}
    if not digests:
        return ()
    return tuple(run.run for run in store.manifests() if run.data.get("outputs", {}).get(CURATED) in digests)
