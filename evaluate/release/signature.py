"""Who let this out: a signature over the certificate, by an Ed25519 key (RFC 8032) of whoever releases.

Signed is the certificate with `signature: null`, in canonical JSON (RFC 8785), so that white space and the order of
keys do not matter. The public key travels with the signature and proves nothing by itself: `assay verify --public-key`
says whose it must be.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from assay.errors import SettingsError, require

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

ALGORITHM = "ed25519"
PASSWORD = "ASSAY_SIGNING_PASSWORD"
"""Environment variable with the password of an encrypted key."""

_MAKE = "`openssl genpkey -algorithm ed25519 -out key.pem` makes one"


def read_signing_key(name: str) -> Ed25519PrivateKey:
    """A private key in PEM or OpenSSH's format, from a file, or from the environment as `env:NAME`.

    The key is held in memory only. Raises SettingsError, MissingExtraError.
    """
    require("sign", "cryptography")
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_ssh_private_key

    data, password = _text_of(name), os.environ.get(PASSWORD, "").encode() or None
    load = load_ssh_private_key if b"OPENSSH PRIVATE KEY" in data else load_pem_private_key
    try:
        key = load(data, password)
    except TypeError as error:
        fix = f"its password goes into {PASSWORD}" if password is None else f"unset {PASSWORD}"
        encrypted = "is encrypted" if password is None else "is not encrypted"
        raise SettingsError(f"the signing key {encrypted}", where=name, fix=fix) from error
    except (ValueError, binascii.Error) as error:
        wrong = "is no private key, or its password is wrong" if password else "is no private key"
        raise SettingsError(wrong, where=name, fix=_MAKE) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise SettingsError("is a key of another kind than Ed25519", where=name, fix=_MAKE)
    return key


def read_public_key(path: Path) -> Ed25519PublicKey:
    """In PEM, or as a line of OpenSSH (`ssh-ed25519 AAAA...`). Raises SettingsError, MissingExtraError."""
    require("sign", "cryptography")
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key, load_ssh_public_key

    data = _text_of(str(path))
    fix = "`openssl pkey -in key.pem -pubout -out public.pem` writes it"
    try:
        key = load_ssh_public_key(data) if data.startswith(b"ssh-") else load_pem_public_key(data)
    except (ValueError, binascii.Error) as error:
        raise SettingsError("is no public key", where=str(path), fix=fix) from error
    if not isinstance(key, Ed25519PublicKey):
        raise SettingsError("is a key of another kind than Ed25519", where=str(path), fix=fix)
    return key


def sign(certificate: Mapping[str, Any], key: Ed25519PrivateKey) -> dict[str, Any]:
    """The certificate with its `signature`: {algorithm, public_key, value}, both in base64."""
    value = key.sign(_signed_bytes(certificate))
    return {
        **certificate,
        "signature": {
            "algorithm": ALGORITHM,
            "public_key": base64.b64encode(_raw(key.public_key())).decode("ascii"),
            "value": base64.b64encode(value).decode("ascii"),
        },
    }


def is_signed_by_its_key(certificate: Mapping[str, Any]) -> bool:
    """Whether the signature is that of the key it names, over all else in the certificate."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    signature = certificate.get("signature")
    if not isinstance(signature, Mapping) or signature.get("algorithm") != ALGORITHM:
        return False
    try:
        raw = base64.b64decode(str(signature.get("public_key")), validate=True)
        value = base64.b64decode(str(signature.get("value")), validate=True)
        Ed25519PublicKey.from_public_bytes(raw).verify(value, _signed_bytes(certificate))
    except (ValueError, InvalidSignature):
        return False
    return True


def names_key(certificate: Mapping[str, Any], key: Ed25519PublicKey) -> bool:
    signature = certificate.get("signature")
    named = signature.get("public_key") if isinstance(signature, Mapping) else None
    return named == base64.b64encode(_raw(key)).decode("ascii")


def fingerprint(certificate: Mapping[str, Any]) -> str:
    """Of the key that the signature names, for people to compare."""
    signature = certificate.get("signature")
    named = str(signature.get("public_key")) if isinstance(signature, Mapping) else ""
    return hashlib.sha256(named.encode("ascii", "replace")).hexdigest()[:16]


def key_fingerprint(key: Ed25519PrivateKey) -> str:
    return fingerprint({"signature": {"public_key": base64.b64encode(_raw(key.public_key())).decode("ascii")}})


def _signed_bytes(certificate: Mapping[str, Any]) -> bytes:
    """Raises ValueError for what canonical JSON cannot hold."""
    import rfc8785

    return rfc8785.dumps({**certificate, "signature": None})


def _raw(key: Ed25519PublicKey) -> bytes:
    return key.public_bytes_raw()


def _text_of(name: str) -> bytes:
    """Nothing of a key is ever part of a message."""
    if name.startswith("env:"):
        variable = name.removeprefix("env:")
        found = os.environ.get(variable)
        if not found:
            raise SettingsError(f"the environment has no {variable}, or it is empty", where=name)
        return found.encode()
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise SettingsError(f"the key cannot be read ({error.strerror})", where=name, fix=_MAKE) from error
