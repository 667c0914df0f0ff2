"""Adapters by name and version: what each was, what let it out, which one is in use.

`.assay/adapters/NAME/VERSION/` holds a copy of the adapter, of its certificate, and `version.json`;
`NAME/history.jsonl` one line an event, the newest last. A version is never written again. Which one is in use follows
from the history alone: `promote` puts a version on a stack, `roll_back` takes the topmost off.
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from assay.errors import (
    AssayError,
    ModelError,
    NotReleasedError,
    SettingsError,
    SourceError,
    did_you_mean,
    storage_error,
)
from assay.lineage import CARD
from assay.locks import held
from assay.storage import sha256_file, sha256_folder, write_json

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
HISTORY, ENTRY, ADAPTER, CERTIFICATE = "history.jsonl", "version.json", "adapter", "certificate.json"
WEIGHTS = "adapter_model.safetensors"


@dataclass(frozen=True)
class Version:
    """One adapter as it was added.

    files        {file of the adapter: sha256}
    card         its `assay.json`; {} of an adapter from elsewhere
    verdict      of its certificate; None without one
    certificate  where the certificate was when it was added: its paths hold from there
    digest       of the certificate's file
    """

    name: str
    number: int
    folder: Path
    added: str
    files: Mapping[str, str]
    card: Mapping[str, Any]
    verdict: str | None
    certificate: str | None
    digest: str | None

    @property
    def adapter(self) -> Path:
        return self.folder / ADAPTER

    def __str__(self) -> str:
        return f"{self.name}:{self.number}"


@dataclass(frozen=True)
class Event:
    """event: added | promoted | rolled back. reason: given where there was no certificate to stand on."""

    event: str
    version: int
    at: str
    reason: str | None = None


@dataclass(frozen=True)
class Releases:
    """The folder `adapters` of a store."""

    root: Path

    def names(self) -> list[str]:
        return sorted(path.name for path in self.root.glob("*") if (path / HISTORY).is_file())

    def versions(self, name: str) -> list[Version]:
        """The oldest first. Raises SettingsError for a name that is not there."""
        self._check_known(name)
        found = [_read(path, name) for path in (self.root / name).glob(f"*/{ENTRY}")]
        return sorted(found, key=lambda version: version.number)

    def history(self, name: str) -> list[Event]:
        """The oldest first. What a killed process left of a line did not happen. Raises SourceError."""
        path = self.root / name / HISTORY
        try:
            return [Event(**json.loads(line)) for line in _whole(path.read_text(encoding="utf-8")) if line]
        except (OSError, ValueError, TypeError) as error:
            raise SourceError(
                "cannot be read as the history of an adapter", where=str(path), fix="each line is one event, in JSON"
            ) from error

    def in_use(self, name: str) -> int | None:
        """The number of the version in use, whether its files are there or not."""
        stack = _stack(self.history(name))
        return stack[-1] if stack else None

    def current(self, name: str) -> Version | None:
        """The version in use. Raises SettingsError where its files are gone."""
        number = self.in_use(name)
        return self.version(name, number) if number is not None else None

    def version(self, name: str, number: int) -> Version:
        found = {version.number: version for version in self.versions(name)}
        if number not in found:
            known = ", ".join(map(str, found)) or "none"
            raise SettingsError(f"{name} has no version {number}", fix=f"versions: {known}")
        return found[number]

    def find(self, text: str) -> Version:
        """`support:3`, or `support` for the version in use. Raises SettingsError for what is not there."""
        name, colon, number = text.partition(":")
        self._check_known(name)
        if colon:
            if not (number.isascii() and number.isdigit()):
                raise SettingsError(f"'{text}' names no version", fix="NAME:NUMBER, or NAME for the one in use")
            return self.version(name, int(number))
        current = self.current(name)
        if current is None:
            raise SettingsError(
                f"no version of {name} is in use", fix=f"name one, as in {name}:1, or `assay adapters promote {name}:1`"
            )
        return current

    def add(self, name: str, adapter: Path, certificate: Path | None = None) -> Version:
        """A copy under the next number; a version itself whose files and certificate are the same, or whose files are
        and no certificate is given. A number is never given twice, whatever became of its files.

        Raises SettingsError for a name that cannot be a folder's, ModelError for what is no adapter, SourceError when
        the certificate is another adapter's.
        """
        if not NAME.fullmatch(name):
            raise SettingsError(
                f"'{name}' cannot name an adapter", fix="letters, digits, dot, dash, underscore; up to 64"
            )
        _check_adapter(adapter)
        files = sha256_folder(adapter)
        claimed = _claims(certificate, files) if certificate is not None else None
        digest = sha256_file(certificate) if certificate is not None else None
        with held(self.root / name, f"the versions of {name}"):
            is_known = name in self.names()
            known = self.versions(name) if is_known else []
            given = [event.version for event in self.history(name)] if is_known else []
            for version in reversed(known):
                if version.files == files and digest in (None, version.digest):
                    return version
            number = 1 + max((0, *given, *(version.number for version in known)))
            verdict = str(claimed["decision"]["verdict"]) if claimed is not None else None
            place = str(certificate.resolve()) if certificate is not None else None
            folder, card = self.root / name / str(number), _card(adapter)
            entry = Version(name, number, folder, _now(), files, card, verdict, place, digest)
            _write(entry, adapter, certificate)
            self._note(name, Event("added", number, entry.added))
        return entry

    def promote(self, version: Version, reason: str | None = None) -> None:
        """Puts it in use. reason: why it may go out without the verdict PASS.

        Raises NotReleasedError without that verdict and without a reason.
        """
        if version.verdict != "PASS" and not reason:
            said = f"its certificate says {version.verdict}" if version.verdict else "it has no certificate"
            raise NotReleasedError(
                f"{version} is not put in use: {said}",
                fix="`assay gate` it, and add it with its certificate; or say why it may go out: --reason TEXT",
            )
        with held(self.root / version.name, f"the versions of {version.name}"):
            self._note(version.name, Event("promoted", version.number, _now(), reason))

    def check_unchanged(self, version: Version) -> None:
        """Raises ModelError where the files are not those that were added."""
        if sha256_folder(version.adapter) != version.files:
            what = f"{version} is not what was added"
            raise ModelError(what, where=str(version.adapter), fix="add the adapter again")

    def roll_back(self, name: str) -> tuple[int, Version]:
        """(the number of the version that was in use, the version that was before it and is again).

        Raises SettingsError without one, or where its files are gone; ModelError where they were changed.
        """
        self._check_known(name)
        with held(self.root / name, f"the versions of {name}"):
            stack = _stack(self.history(name))
            if len(stack) < 2:
                raise SettingsError(
                    f"no version of {name} was in use before" if stack else f"no version of {name} is in use",
                    fix=f"`assay adapters history {name}` says what was",
                )
            before = self.version(name, stack[-2])
            self.check_unchanged(before)
            self._note(name, Event("rolled back", stack[-1], _now()))
        return stack[-1], before

    def _check_known(self, name: str) -> None:
        names = self.names()
        if name not in names:
            hint = did_you_mean(name, names) if names else "`assay adapters add NAME FOLDER` makes the first"
            raise SettingsError(f"no adapter is called '{name}' in {self.root}", fix=hint)

    def _note(self, name: str, event: Event) -> None:
        """One line, on disk before it counts, in place of what a killed process left of one. The caller holds the
        name."""
        import os

        path = self.root / name / HISTORY
        try:
            text = path.read_text(encoding="utf-8") if path.exists() else ""
            whole = "".join(f"{line}\n" for line in _whole(text))
            stays = text if whole.startswith(text) else whole
            with path.open("a", encoding="utf-8") as stream:
                stream.truncate(len(stays.encode()))
                stream.write(whole[len(stays) :] + json.dumps(asdict(event)) + "\n")
                stream.flush()
                os.fsync(stream.fileno())
        except OSError as error:
            raise storage_error(error, f"noting what became of {name}") from error


def _whole(text: str) -> list[str]:
    """The lines of a history; not what a killed process left of the last one."""
    *lines, last = text.split("\n")
    with contextlib.suppress(ValueError):
        json.loads(last)
        lines.append(last)
    return lines


def _stack(history: list[Event]) -> list[int]:
    """Versions put in use and not rolled back, the one in use last."""
    stack: list[int] = []
    for event in history:
        if event.event == "promoted" and stack[-1:] != [event.version]:
            stack.append(event.version)
        elif event.event == "rolled back" and stack:
            stack.pop()
    return stack


def _check_adapter(folder: Path) -> None:
    for needed in ("adapter_config.json", "adapter_model.safetensors"):
        if not (folder / needed).is_file():
            raise ModelError(f"is not an adapter folder: no {needed}", where=str(folder))


def _card(adapter: Path) -> dict[str, Any]:
    try:
        card = json.loads((adapter / CARD).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return card if isinstance(card, dict) else {}


def _claims(certificate: Path, files: Mapping[str, str]) -> dict[str, Any]:
    """The certificate, once it is known to be about these files."""
    try:
        found = json.loads(certificate.read_text(encoding="utf-8"))
        verdict, claimed = found["decision"]["verdict"], found["adapter"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SourceError(
            "cannot be read as a certificate", where=str(certificate), fix="`assay gate` writes it"
        ) from error
    other = _first_other(claimed if isinstance(claimed, dict) else {}, files)
    if other is not None:
        raise SourceError(
            f"the certificate ({verdict}) is about another adapter: {other}",
            where=str(certificate),
            fix="add the adapter that was gated, or gate this one",
        )
    return dict(found)


STAYS_BEHIND = "trained_records.parquet"
"""Where an adapter is handed on, as to a hub."""


def _first_other(claimed: Mapping[str, str], files: Mapping[str, str]) -> str | None:
    """What differs between the files that were gated and those here: the scale of an adapter and its template make
    it what it is as much as its weights do."""
    for name in (WEIGHTS, *sorted(claimed.keys() | files.keys())):
        if name == "README.md" or name.startswith(".") or (name == STAYS_BEHIND and name not in files):
            continue
        if claimed.get(name) != files.get(name):
            if name not in claimed:
                return f"{name} was not there when it was gated"
            return f"its {name} has another hash" if name in files else f"it has no {name}"
    return None


def _write(entry: Version, adapter: Path, certificate: Path | None) -> None:
    """Whole or not at all. A folder without `version.json` is what a killed process left."""
    try:
        shutil.rmtree(entry.folder, ignore_errors=True)
        shutil.copytree(adapter, entry.adapter)
        if certificate is not None:
            shutil.copyfile(certificate, entry.folder / CERTIFICATE)
    except OSError as error:
        shutil.rmtree(entry.folder, ignore_errors=True)
        raise storage_error(error, f"copying the adapter for {entry}") from error
    if sha256_folder(entry.adapter) != entry.files:
        raise AssayError(f"the adapter changed while it was copied for {entry}", where=str(adapter), fix="add it again")
    said = {key: value for key, value in asdict(entry).items() if key not in ("name", "folder")}
    write_json(entry.folder / ENTRY, said)


def _read(path: Path, name: str) -> Version:
    try:
        return Version(name=name, folder=path.parent, **json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise SourceError(
            "cannot be read as a version", where=str(path), fix="remove its folder, and add it again"
        ) from error


def _now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
