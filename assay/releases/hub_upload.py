"""An adapter on Hugging Face's hub, with the card that says what it is, in one commit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from assay.errors import AssayError, SettingsError, missing_extra
from assay.models.hub import first_line

KEPT_HERE = frozenset({"trained_records.parquet", "README.md"})
"""Hashes of prompts tell who guesses a prompt that it was trained on; the card takes the place of any other README."""


def files_of(adapter: Path) -> list[str]:
    """What would be sent, relative to the folder."""
    files = (item for item in adapter.rglob("*") if item.is_file() and not item.name.startswith("."))
    return sorted(str(item.relative_to(adapter)) for item in files if item.name not in KEPT_HERE)


def upload(adapter: Path, card: str, repository: str, *, title: str, public: bool) -> str:
    """The address of the repository. A new one is made where there is none, private unless `public`.

    Raises SettingsError when the hub refuses, AssayError when it cannot be reached, MissingExtraError.
    """
    try:
        from huggingface_hub import CommitOperationAdd, HfApi
    except ImportError as error:
        raise missing_extra("train", error) from error
    operations = [CommitOperationAdd(name, str(adapter / name)) for name in files_of(adapter)]
    operations.append(CommitOperationAdd("README.md", card.encode("utf-8")))
    with _errors(repository):
        hub = HfApi()
        url = hub.create_repo(repository, private=not public, exist_ok=True)
        hub.create_commit(url.repo_id, operations, commit_message=f"{title}, with its model card")
    return str(url)


@contextmanager
def _errors(repository: str) -> Iterator[None]:
    from huggingface_hub import errors

    try:
        yield
    except errors.HFValidationError as error:
        raise SettingsError(f"'{repository}' cannot name a repository", fix="OWNER/NAME") from error
    except (errors.LocalTokenNotFoundError, errors.HfHubHTTPError) as error:
        status = getattr(getattr(error, "response", None), "status_code", None)
        if status is not None and status not in (401, 403, 404):
            raise AssayError(
                f"the hub did not take {repository}: {first_line(error)}", fix="try again later"
            ) from error
        raise SettingsError(
            f"the hub does not let this account write to {repository}",
            fix="`hf auth login` with a token that may write, or HF_TOKEN; and check the owner's name",
        ) from error
    except errors.OfflineModeIsEnabled as error:
        raise SettingsError("HF_HUB_OFFLINE is set, so the hub is not asked", fix="unset it") from error
    except Exception as error:
        if not isinstance(error, OSError) and type(error).__module__.split(".")[0] not in {
            "httpx",
            "httpx2",
            "httpcore",
            "requests",
        }:
            raise
        raise AssayError(
            f"the hub cannot be reached for {repository}", fix="check the network, and try again"
        ) from error
