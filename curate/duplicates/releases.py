"""What earlier releases of the data held, in a Redis server: new data is checked against them, and they are not read.

The bands are kept by datasketch's MinHashLSH over its Redis storage; a candidate is verified by the exact Jaccard
similarity of word 5-grams, whose hashes are kept beside them (about 1 KB a record). No text is stored, and nothing that
comes from the server is unpickled.

    assay curate v1.jsonl -o v1 --index redis://localhost:6379/0#support --release v1
    assay audit v2.jsonl --index redis://localhost:6379/0#support
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any
from urllib.parse import urldefrag

import numpy as np
import numpy.typing as npt

from assay.errors import SettingsError, StorageError, require
from assay.records import Record

from ..batch import Batch
from ..check import Earlier
from ..ngrams.kernels import common_share
from ..ngrams.sketches import BANDS, NEAR_WORDS, LeftOut, sketch
from ..ngrams.store import ngrams_of, shared_ngrams
from ..ngrams.texts import buffer
from .columns import SHARED_RECORDS, SHARED_SHARE, opening

if TYPE_CHECKING:
    import redis

BATCH = 1024

Hashes = npt.NDArray[np.uint64]


class Releases:
    """An index by the name after # in the URL, or "assay".

    Raises SettingsError for a URL that cannot be meant, StorageError when the server cannot be reached.
    """

    def __init__(self, url: str) -> None:
        require("index", "datasketch", "redis")
        import redis
        from datasketch import MinHashLSH
        from redis.connection import parse_url

        plain, name = urldefrag(url)
        self._prefix = f"assay:{name or 'default'}:"
        try:
            options = dict(parse_url(plain))
        except ValueError as error:
            raise SettingsError(
                "is not the URL of a Redis server", where="--index", fix="redis://HOST:6379/0"
            ) from error
        options.pop("connection_class", None)
        self._errors = redis.RedisError
        try:
            self._redis: redis.Redis = redis.from_url(plain)
            self._redis.ping()
            storage = {"type": "redis", "basename": f"{self._prefix}lsh".encode(), "redis": options}
            self._lsh = MinHashLSH(num_perm=BANDS, params=(BANDS, 1), storage_config=storage, prepickle=False)
        except redis.RedisError as error:
            raise self._lost(error) from error

    def names(self) -> dict[str, int]:
        """{release: records}, as the index has them."""
        try:
            held: dict[bytes, bytes] = self._redis.hgetall(self._prefix + "releases")
        except self._errors as error:
            raise self._lost(error) from error
        return {name.decode(): int(count) for name, count in sorted(held.items())}

    def add(self, records: Sequence[Record], release: str) -> int:
        """Adds the records of a release; those that it has already are passed over. Returns how many were new."""
        try:
            self._remember_instructions(records)
            added = sum(self._add(records[start : start + BATCH], release) for start in range(0, len(records), BATCH))
            self._redis.hincrby(self._prefix + "releases", release, added)
        except self._errors as error:
            raise self._lost(error) from error
        return added

    def look_up(self, records: Iterable[Record], threshold: float) -> Iterator[Earlier | None]:
        """For each record the most similar one of an earlier release, at or above the threshold."""
        try:
            batch: list[Record] = []
            for record in records:
                batch.append(record)
                if len(batch) == BATCH:
                    yield from self._look_up(batch, threshold)
                    batch = []
            yield from self._look_up(batch, threshold)
        except self._errors as error:
            raise self._lost(error) from error

    def _remember_instructions(self, records: Sequence[Record]) -> None:
        """n-grams of instructions are left out as the first release has them, or sketches could not be compared."""
        if self._redis.exists(self._prefix + "left_out"):
            return
        openings = [opening(record) for record in records]
        most = max(SHARED_RECORDS, round(SHARED_SHARE * len(openings)))
        self._redis.set(self._prefix + "left_out", shared_ngrams(openings, NEAR_WORDS, most).tobytes())

    def _left_out(self) -> Hashes:
        return np.frombuffer(self._redis.get(self._prefix + "left_out") or b"", np.uint64)

    def _sketches(self, records: Sequence[Record]) -> tuple[npt.NDArray[np.uint32], list[bytes]]:
        """Band keys [records, BANDS], and the sorted hashes of each record's n-grams as bytes."""
        left_out = self._left_out()
        texts = Batch(records).conversations
        bands = sketch(buffer(texts), LeftOut(left_out, np.zeros(0, np.uint64))).bands
        values, offsets = ngrams_of(texts, NEAR_WORDS, left_out)
        return bands, [values[a:b].tobytes() for a, b in pairwise(offsets)]

    def _add(self, records: Sequence[Record], release: str) -> int:
        keys = [f"{release}\0{record.row_id}".encode() for record in records]
        known = self._redis.hmget(self._prefix + "rows", keys)
        new = [position for position, held in enumerate(known) if held is None]
        if not new:
            return 0
        chosen = [records[position] for position in new]
        bands, grams = self._sketches(chosen)
        with self._lsh.insertion_session() as session, self._redis.pipeline() as pipe:
            for position, record, own, hashes in zip(new, chosen, bands, grams, strict=True):
                place = json.dumps({"release": release, "source": str(record.source), "row_id": record.row_id})
                pipe.hset(self._prefix + "rows", keys[position], place)
                pipe.hset(self._prefix + "grams", keys[position], hashes)
                pipe.hsetnx(self._prefix + "ids", record.id, keys[position])
                if own.any():
                    session.insert(keys[position], _minhash(own), check_duplication=False)
            pipe.execute()
        return len(new)

    def _look_up(self, records: Sequence[Record], threshold: float) -> Iterator[Earlier | None]:
        if not records:
            return
        bands, grams = self._sketches(records)
        same = self._redis.hmget(self._prefix + "ids", [record.id for record in records])
        for position, candidates in enumerate(self._candidates(bands)):
            if same[position] is not None:
                yield self._earlier(same[position], 1.0, identical=True)
            else:
                yield self._most_similar(grams[position], sorted(candidates), threshold)

    def _candidates(self, bands: npt.NDArray[np.uint32]) -> list[set[bytes]]:
        """Keys of records that share a band with each; one trip to the server for a band of all records."""
        found: list[set[bytes]] = [set() for _ in bands]
        for band, table in enumerate(self._lsh.hashtables):
            keys = [self._lsh._H(_minhash(own).hashvalues[band : band + 1]) for own in bands]
            for position, members in enumerate(table.getmany(*keys)):
                if bands[position].any():
                    found[position].update(members)
        return found

    def _most_similar(self, grams: bytes, candidates: Sequence[bytes], threshold: float) -> Earlier | None:
        if not candidates:
            return None
        held = self._redis.hmget(self._prefix + "grams", list(candidates))
        sets = [np.frombuffer(item, np.uint64) for item in (grams, *(item or b"" for item in held))]
        ends = np.cumsum([len(item) for item in sets])
        others = np.arange(1, len(sets))
        similarity = common_share(np.concatenate(sets), ends - [len(item) for item in sets], ends, others * 0, others)
        best = int(np.argmax(similarity))
        return (
            self._earlier(candidates[best], float(similarity[best]), identical=False)
            if similarity[best] >= threshold
            else None
        )

    def _earlier(self, key: bytes, similarity: float, *, identical: bool) -> Earlier:
        place = json.loads(self._redis.hget(self._prefix + "rows", key) or b"{}")
        row = str(place.get("row_id", ""))
        return Earlier(str(place.get("release", "?")), str(place.get("source", "?")), row, similarity, identical)

    def _lost(self, error: Exception) -> StorageError:
        return StorageError(
            f"the Redis server does not answer: {type(error).__name__}",
            where="--index",
            fix="start it, or leave the option out",
        )


def _minhash(bands: npt.NDArray[np.uint32]) -> Any:
    """The band keys as a MinHash of one row a band: datasketch files it under each of them."""
    from datasketch import MinHash

    return MinHash(num_perm=BANDS, hashvalues=bands.astype(np.uint64), scheme="legacy")
