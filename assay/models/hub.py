"""Hugging Face's hub: the commit that a name means, and its ways of saying no, each as one line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from assay.errors import ModelError, did_you_mean
from assay.models.embedded import DEFAULT_MODEL, EMBEDDED


def hub_revision(name: str, revision: str | None, offline: bool) -> str:
    """The commit that `revision` (or the default branch) means now; from the local cache when offline.

    config.json is fetched under the name of the branch, not of the commit: that is how the cache learns which
    commit the branch means, and can tell it offline.
    """
    from huggingface_hub import HfApi, constants, hf_hub_download

    cached = offline or constants.is_offline_mode()
    with hub_errors(name, revision):
        if not cached:
            HfApi().model_info(name, revision=revision, timeout=20)  # says best what is wrong
        config = hf_hub_download(name, "config.json", revision=revision, local_files_only=cached)
    return Path(config).parent.name


@contextmanager
def hub_errors(name: str, revision: str | None = None) -> Iterator[None]:
    """The hub's ways of saying no, each as one line."""
    from huggingface_hub import errors

    try:
        yield
    except errors.GatedRepoError as error:
        raise ModelError(
            f"the model '{name}' is gated",
            fix=f"accept its terms at https://huggingface.co/{name}, then run `hf auth login`",
        ) from error
    except errors.RevisionNotFoundError as error:
        raise ModelError(
            f"the model '{name}' has no revision '{revision}'", fix="name a branch, tag or commit"
        ) from error
    except errors.RepositoryNotFoundError as error:
        raise ModelError(
            f"there is no model '{name}' on the hub that this account may read",
            fix=_meant(name, "check the spelling; for a private one run `hf auth login`"),
        ) from error
    except errors.LocalEntryNotFoundError as error:
        raise ModelError(
            f"the model '{name}' is not in the local cache and the hub cannot be asked",
            fix=_meant(name, f"fetch it once with a network, name a folder, or use {DEFAULT_MODEL}"),
        ) from error
    except errors.RemoteEntryNotFoundError as error:
        raise ModelError(
            f"the repository '{name}' has no config.json, so it holds no model",
            fix="name the base model, or for an adapter the one that it was trained on",
        ) from error
    except errors.HFValidationError as error:
        raise ModelError(f"'{name}' is neither a folder nor a hub id", fix=did_you_mean(name, EMBEDDED)) from error
    except (errors.HfHubHTTPError, OSError) as error:
        if getattr(getattr(error, "response", None), "status_code", None) in (401, 403):
            fix = "run `hf auth login`, or unset HF_TOKEN if it is out of date"
            raise ModelError(f"the hub refuses this account's token for '{name}'", fix=fix) from error
        raise ModelError(
            f"the hub did not answer for '{name}': {first_line(error)}", fix="check the network"
        ) from error
    except Exception as error:
        if type(error).__module__.split(".")[0] not in {"httpx", "httpx2", "httpcore", "requests"}:
            raise
        raise ModelError(
            f"the hub cannot be reached for '{name}'", fix=_meant(name, "check the network, or name a folder")
        ) from error


def _meant(name: str, advice: str) -> str:
    """The advice, after the embedded model that a mistyped name was near to."""
    near = did_you_mean(name, EMBEDDED)
    return f"{near} Otherwise {advice}" if near.startswith("did you mean") else advice


def first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[0] if lines else type(error).__name__)[:240]
