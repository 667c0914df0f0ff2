"""Whether a certificate verifies: asked for by a button, and kept for as long as the server runs."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from assay.errors import AssayError
from assay.runs import Manifest
from assay.storage import sha256_file
from assay.web.rendering import site_of

from ..release.release import CERTIFICATE, DECISION
from ..release.verify import Claim, verify


@dataclass(frozen=True)
class Verified:
    """What verifying found. stamp: of the file it was asked of; problem: why there was nothing to verify"""

    when: str
    stamp: int
    claims: tuple[Claim, ...] = ()
    problem: str = ""

    @property
    def wrong(self) -> list[Claim]:
        return [claim for claim in self.claims if claim.ok is False]

    @property
    def right(self) -> list[Claim]:
        return [claim for claim in self.claims if claim.ok]

    @property
    def unknown(self) -> list[Claim]:
        return [claim for claim in self.claims if claim.ok is None]


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
    run = str(request.path_params["run"])
    path = site_of(request).folder(run) / CERTIFICATE
    when = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime())
    try:
        claims = tuple(verify(path))
        found = Verified(when, _stamp(path), claims)
    except (AssayError, OSError) as error:
        found = Verified(when, _stamp(path), problem=str(error))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        found = Verified(when, _stamp(path), problem=f"the certificate is damaged: {type(error).__name__} ({error})")
    _kept(request)[run] = found
    return RedirectResponse(f"/evaluation/{quote(run)}#certificate", status_code=303)


def certificate_of(request: Request, run: str, folder: Path, manifest: Manifest | None) -> Certificate | None:
    """None where the gate wrote none."""
    path = folder / CERTIFICATE
    if not path.is_file():
        return None
    kept = _kept(request).get(run)
    verified = kept if kept is not None and kept.stamp == _stamp(path) else None
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


def _stamp(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _kept(request: Request) -> MutableMapping[str, Verified]:
    state = request.app.state
    if not hasattr(state, "verified"):
        state.verified = {}
    found: MutableMapping[str, Verified] = state.verified
    return found
