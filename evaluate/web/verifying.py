"""Whether a certificate verifies: asked for by a button, and kept in the store."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from assay.runs import Manifest
from assay.storage import sha256_file
from assay.web.rendering import site_of
from assay.web.site import Site

from ..release.release import CERTIFICATE, DECISION
from .kept_verification import Verified, kept, verify_and_keep


@dataclass(frozen=True)
class Certificate:
    """What a certificate says of itself.

    problem   why it cannot be read
    signed    by which key, in words
    tampered  files of the run that are not what the run wrote
    verified  None until somebody asks
    """

    path: Path
    problem: str
    signed: str
    policy_sha256: str
    adapter: str
    assay: str
    tampered: tuple[str, ...]
    verified: Verified | None


def verify_now(request: Request, _: FormData) -> Response:
    """Recomputes the certificate's claims from the files it names; no model is loaded. Runs in a thread."""
    site, run = site_of(request), str(request.path_params["run"])
    verify_and_keep(site, site.folder(run) / CERTIFICATE)
    return RedirectResponse(f"/evaluation/{quote(run)}#certificate", status_code=303)


def certificate_of(site: Site, folder: Path, manifest: Manifest | None) -> Certificate | None:
    """None where the gate wrote none."""
    path = folder / CERTIFICATE
    if not path.is_file():
        return None
    verified = kept(site, path)
    tampered = _tampered(folder, manifest)
    try:
        data: Any = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(data, dict):
            raise ValueError("no JSON object")
    except (OSError, ValueError) as error:
        return Certificate(path, f"it cannot be read ({error})", "", "", "", "", tampered, verified)
    adapter = data.get("adapter")
    files = adapter if isinstance(adapter, Mapping) else {}
    versions = data.get("versions")
    return Certificate(
        path,
        "",
        _signed(data),
        str(data.get("policy_sha256") or ""),
        str(files.get("adapter_model.safetensors") or next(iter(files.values()), "")),
        str(versions.get("assay", "")) if isinstance(versions, Mapping) else "",
        tampered,
        verified,
    )


def _signed(data: Mapping[str, Any]) -> str:
    from ..release.signature import fingerprint

    if data.get("signature") is None:
        return "not signed"
    try:
        return f"signed by key {fingerprint(data)}"
    except (ValueError, KeyError, TypeError, AttributeError):
        return "signed, by a signature that cannot be read"


def _tampered(folder: Path, manifest: Manifest | None) -> tuple[str, ...]:
    """By the digests that the run noted of its own files: cheap, so that it is said before anybody asks."""
    outputs = manifest.data.get("outputs") if manifest is not None else None
    if not isinstance(outputs, Mapping):
        return ()
    return tuple(
        name
        for name in (CERTIFICATE, DECISION, "policy.yaml")
        if name in outputs and (folder / name).is_file() and sha256_file(folder / name) != outputs[name]
    )
