"""`assay adapters`: what was added under a name, what is in use, and what a hub is told of it."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from assay.console import STORE_OPTION, Options, common_options, on_one_line
from assay.errors import Exit, NotReleasedError

if TYPE_CHECKING:
    from assay.releases.versions import Releases, Version

LICENCE_OPTION = click.option("--license", "licence", metavar="ID", help="As the hub knows it, e.g. apache-2.0.")


@click.group(invoke_without_command=True)
@STORE_OPTION
@common_options
@click.pass_context
def adapters(context: click.Context, options: Options, store: Path) -> int:
    """Adapters by name and version: which is in use, and what let it out.

    add keeps a copy with its certificate; promote puts a version in use, rollback the one before it; path prints where
    the one in use is, for scripts; card and push write what a reader of a hub is told.
    """
    if context.invoked_subcommand is not None:
        return Exit.OK
    registry = _releases(store)
    found = []
    for name in registry.names():
        current = registry.in_use(name)
        versions = registry.versions(name)
        for version in versions:
            in_use = current == version.number
            found.append({**_said(version), "in_use": in_use})
            mark = "in use" if in_use else ""
            verdict = version.verdict or "no certificate"
            options.show(f"{version!s:24} {mark:7} {verdict:14} {version.added}  on {version.card.get('base', '?')}")
        if current is not None and all(version.number != current for version in versions):
            options.show(f"{f'{name}:{current}':24} in use  its files are gone; `assay adapters rollback {name}`")
    options.emit(found)
    if not registry.names():
        options.show(f"no adapter was added yet in {store}; `assay adapters add NAME FOLDER` makes the first")
    return Exit.OK


@adapters.command("add")
@click.argument("name")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--certificate", type=click.Path(path_type=Path), help="Of the gate: its file, or the folder it is in.")
@STORE_OPTION
@common_options
def add(options: Options, name: str, folder: Path, certificate: Path | None, store: Path) -> int:
    """Keep a copy of the adapter in FOLDER as the next version of NAME."""
    if certificate is not None and certificate.is_dir():
        certificate = certificate / "certificate.json"
    version = _releases(store).add(name, folder, certificate)
    options.emit(_said(version))
    options.show(f"{version}: {version.verdict or 'no certificate'}; `assay adapters promote {version}` puts it in use")
    return Exit.OK


@adapters.command("promote")
@click.argument("version")
@click.option("--reason", metavar="TEXT", help="Why it may go out without the verdict PASS; it is kept.")
@STORE_OPTION
@common_options
def promote(options: Options, version: str, reason: str | None, store: Path) -> int:
    """Put a version (NAME:NUMBER) in use, once its certificate was verified again.

    Exit code 3 when its certificate does not say PASS, or does not verify.
    """
    registry = _releases(store)
    found = registry.find(version)
    if not reason:
        _verify(found, options)
    else:
        registry.check_unchanged(found)
    registry.promote(found, reason)
    options.emit(_said(found))
    options.show(f"{found} is in use: {found.adapter}")
    return Exit.OK


@adapters.command("rollback")
@click.argument("name")
@STORE_OPTION
@common_options
def rollback(options: Options, name: str, store: Path) -> int:
    """Put the version that was in use before in use again."""
    left, now = _releases(store).roll_back(name)
    options.emit(_said(now))
    options.show(f"{now} is in use again, in place of {name}:{left}: {now.adapter}")
    return Exit.OK


@adapters.command("history")
@click.argument("name")
@STORE_OPTION
@common_options
def history(options: Options, name: str, store: Path) -> int:
    """What became of each version of NAME, the oldest first."""
    registry = _releases(store)
    registry.versions(name)
    events = registry.history(name)
    options.emit([dataclasses.asdict(event) for event in events])
    for event in events:
        line = f"{event.at}  {event.event:11}  {name}:{event.version}  {on_one_line(event.reason or '')}"
        options.show(line.rstrip())
    return Exit.OK


@adapters.command("path")
@click.argument("version")
@STORE_OPTION
@common_options
def path(options: Options, version: str, store: Path) -> int:
    """Where NAME:NUMBER is, or the version of NAME in use: `vllm ... --lora-modules a=$(assay adapters path a)`."""
    found = _found(version, store)
    options.emit(_said(found))
    options.show(str(found.adapter.resolve()))
    return Exit.OK


@adapters.command("card")
@click.argument("version")
@LICENCE_OPTION
@STORE_OPTION
@common_options
def card(options: Options, version: str, licence: str | None, store: Path) -> int:
    """Write the model card of a version: data, settings, scores with intervals, limits. To --output, or shown."""
    from assay.storage import write_text

    text = _card(_found(version, store), store, licence)
    options.emit({"card": text})
    if options.output is None:
        options.show(text)
    else:
        write_text(options.output, text)
        options.show(f"{options.output} written")
    return Exit.OK


@adapters.command("push")
@click.argument("version")
@click.argument("repository", metavar="OWNER/NAME")
@click.option("--public", is_flag=True, help="Make a new repository public [default: private].")
@click.option("--dry-run", is_flag=True, help="Say what would be sent, and send nothing.")
@LICENCE_OPTION
@STORE_OPTION
@common_options
def push(
    options: Options, version: str, repository: str, public: bool, dry_run: bool, licence: str | None, store: Path
) -> int:
    """Upload a version and its model card to the Hugging Face hub.

    The token is the one of `hf auth login`, or HF_TOKEN. Ids and hashes of the training records stay here.
    """
    from assay.releases.hub_upload import files_of, upload

    found = _found(version, store)
    text = _card(found, store, licence)
    names = [*files_of(found.adapter), "README.md"]
    base = str(found.card.get("base"))
    if Path(base).is_absolute():
        options.say(f"adapters: the adapter's own files name its base by a path of this machine, {base}")
    if dry_run or options.offline:
        options.emit({"repository": repository, "files": names, "uploaded": False})
        options.show(f"nothing was sent; to {repository} would go: {', '.join(names)}")
        return Exit.OK
    url = upload(found.adapter, text, repository, title=str(found), public=public)
    options.emit({"repository": repository, "files": names, "uploaded": True, "url": url})
    options.show(f"{found}: {len(names)} files are at {url}")
    return Exit.OK


def _releases(store: Path) -> Releases:
    from assay.releases.versions import Releases

    return Releases(store / "adapters")


def _found(text: str, store: Path) -> Version:
    """A version whose files are those that were added. Raises SettingsError, ModelError."""
    registry = _releases(store)
    version = registry.find(text)
    registry.check_unchanged(version)
    return version


def _said(version: Version) -> dict[str, Any]:
    said = dataclasses.asdict(version)
    return {**said, "folder": str(version.folder), "adapter": str(version.adapter)}


def _verify(version: Version, options: Options) -> None:
    """Raises NotReleasedError when a claim of the certificate differs from the files it names."""
    from assay import stages
    from assay.storage import sha256_file, sha256_folder

    if sha256_folder(version.adapter) != version.files:
        raise NotReleasedError(
            f"{version} is not put in use: its files are not those that were added", where=str(version.adapter)
        )
    if version.verdict != "PASS" or version.certificate is None:
        return  # `promote` says what lacks
    if sha256_file(version.folder / "certificate.json") != version.digest:
        raise NotReleasedError(
            f"{version} is not put in use: the copy of its certificate is not the one that was added",
            where=str(version.folder / "certificate.json"),
        )
    place = Path(version.certificate)
    if not place.is_file():
        options.say(f"adapters: the certificate's evidence is not at {place} any more; only its verdict is known")
        return
    if sha256_file(place) != version.digest:
        raise NotReleasedError(
            f"{version} is not put in use: its certificate is another one by now",
            where=str(place),
            fix="add the adapter again with the certificate of its gate, or say why it may go out: --reason TEXT",
        )
    wrong = [claim for claim in stages.verify(place, stages.rescore) if claim.ok is False]
    if wrong:
        raise NotReleasedError(
            f"{version} is not put in use: its certificate does not verify ({wrong[0].name}: {wrong[0].detail})",
            where=str(place),
            fix="`assay verify` shows all of it",
        )


def _card(version: Version, store: Path, licence: str | None) -> str:
    from assay.errors import AssayError
    from assay.lineage import lineage
    from assay.releases.model_card import Known, model_card
    from assay.runs import RunStore

    certificate = version.folder / "certificate.json"
    facts: dict[str, Any] = {}
    origins = None
    try:
        walked = lineage(version.adapter, RunStore(store))
        facts, origins = dict(walked.back[0].manifest.data["facts"]), walked.origins
    except AssayError:
        pass  # an adapter from elsewhere, or a store without its run: the card says what is not known
    known = Known(
        title=str(version).replace(":", " version "),
        config=json.loads((version.adapter / "adapter_config.json").read_text(encoding="utf-8")),
        card=version.card,
        certificate=json.loads(certificate.read_text(encoding="utf-8")) if certificate.is_file() else None,
        facts=facts,
        origins=origins,
        licence=licence,
    )
    return model_card(known)
