"""What verifying a certificate found, kept in the store and bound to the files by their hashes.

One file a certificate: `verified/<sha256 of the certificate>.json`. It is shown as it was found only while every file
that was read is still the same to the byte; else the page says which one changed.
"""

from __future__ import annotations

import stat
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from assay.errors import AssayError, StorageError
from assay.storage import sha256_file, write_json
from assay.version import __version__
from assay.web.site import Site, read_json

from ..release.verify import Claim, files_behind, verify

VERSION = 1
FOLDER = "verified"


@dataclass(frozen=True)
class Verified:
    """What verifying found.

    when     in UTC
    assay    the version that computed it
    files    {what it is: sha256} of what was read; None for a file that was not there
    problem  why there was nothing to verify
    changed  names of files that are others now than those that were read: then it says nothing of them
    """

    when: str
    assay: str
    files: Mapping[str, str | None]
    claims: tuple[Claim, ...] = ()
    problem: str = ""
    changed: tuple[str, ...] = ()

    @property
    def wrong(self) -> list[Claim]:
        return [claim for claim in self.claims if claim.ok is False]

    @property
    def right(self) -> list[Claim]:
        return [claim for claim in self.claims if claim.ok]

    @property
    def unknown(self) -> list[Claim]:
        return [claim for claim in self.claims if claim.ok is None]

    @property
    def read(self) -> list[tuple[str, str]]:
        """Names and hashes of the files that were there."""
        return [(name, digest) for name, digest in self.files.items() if digest is not None]


def verify_and_keep(site: Site, path: Path) -> Verified:
    """Recomputes the claims of a certificate and keeps what was found."""
    when = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
    files: Mapping[str, str | None] = {"certificate": _digest(path)}
    claims: tuple[Claim, ...] = ()
    problem = ""
    try:
        files = digests_of(path)
        claims = tuple(verify(path))
        if digests_of(path) != files:
            claims, problem = (), "a file changed while it was verified"
    except (AssayError, OSError) as error:
        problem = str(error)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        problem = f"the certificate is damaged: {type(error).__name__} ({error})"
    found = Verified(when, __version__, files, claims, problem)
    if files["certificate"] is not None:
        _keep(site, files["certificate"], _to_json(found))
    return found


_UNWRITTEN: dict[Path, dict[str, Any]] = {}
"""Of stores that cannot be written to: kept for as long as the server runs."""


def _keep(site: Site, certificate: str, document: dict[str, Any]) -> None:
    place = _place(site, certificate)
    try:
        write_json(place, document)
        _UNWRITTEN.pop(place, None)
    except StorageError:
        _UNWRITTEN[place] = document


def kept(site: Site, path: Path) -> Verified | None:
    """What was found of the certificate as it is now; None where nobody asked, or it cannot be read."""
    digest = _digest(path)
    place = _place(site, digest) if digest is not None else None
    data = (_UNWRITTEN.get(place) or read_json(place)) if place is not None else {}
    try:
        found = _from_json(data)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    try:
        now = digests_of(path)
    except AssayError:
        now = {"certificate": digest}
    changed = tuple(name for name in dict.fromkeys([*found.files, *now]) if found.files.get(name) != now.get(name))
    return Verified(found.when, found.assay, found.files, found.claims, found.problem, changed)


def digests_of(path: Path) -> dict[str, str | None]:
    """Of every file that verifying a certificate reads. Raises InputError when the file is no certificate."""
    return {name: _digest(file) for name, file in files_behind(path).items()}


def _digest(path: Path) -> str | None:
    """A file that was not touched since it was hashed in this process is not read again."""
    try:
        seen = path.stat()
        if not stat.S_ISREG(seen.st_mode):
            return None
        return _hashed(str(path), seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns, seen.st_ino)
    except OSError:
        return None


@lru_cache(maxsize=4096)
def _hashed(path: str, size: int, modified: int, changed: int, number: int) -> str:
    """size, modified, changed, number: so that a file that was written or replaced is read again."""
    return sha256_file(Path(path))


def _place(site: Site, digest: str) -> Path:
    return site.store.root / FOLDER / f"{digest}.json"


def _to_json(found: Verified) -> dict[str, Any]:
    return {
        "version": VERSION,
        "when": found.when,
        "assay": found.assay,
        "files": dict(found.files),
        "claims": [claim.to_json() for claim in found.claims],
        "problem": found.problem,
    }


def _from_json(data: Mapping[str, Any]) -> Verified:
    """Raises KeyError, TypeError or ValueError for what is no such document."""
    if data["version"] != VERSION:
        raise ValueError("of another version")
    claims: Sequence[Any] = data["claims"]
    return Verified(
        str(data["when"]),
        str(data["assay"]),
        {str(name): digest for name, digest in data["files"].items()},
        tuple(Claim(str(claim["claim"]), claim["ok"], str(claim["detail"])) for claim in claims),
        str(data["problem"]),
    )
