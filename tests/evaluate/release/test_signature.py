"""A certificate is signed by a key, and whatever is changed afterwards, or signed by another, is found."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as elliptic
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from assay.errors import SettingsError
from assay.evaluate.release.signature import (
    PASSWORD,
    fingerprint,
    is_signed_by_its_key,
    key_fingerprint,
    names_key,
    read_public_key,
    read_signing_key,
    sign,
)

CERTIFICATE: dict[str, Any] = {"version": 1, "decision": {"verdict": "PASS", "p": 0.012}, "signature": None}


def private_file(
    path: Path,
    key: Any,
    form: PrivateFormat = PrivateFormat.PKCS8,
    lock: KeySerializationEncryption | None = None,
) -> str:
    path.write_bytes(key.private_bytes(Encoding.PEM, form, lock or NoEncryption()))
    return str(path)


def public_file(path: Path, key: Any, *, ssh: bool = False) -> Path:
    encoding, form = (
        (Encoding.OpenSSH, PublicFormat.OpenSSH) if ssh else (Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
    path.write_bytes(key.public_key().public_bytes(encoding, form))
    return path


@pytest.mark.parametrize("form", [PrivateFormat.PKCS8, PrivateFormat.OpenSSH])
def test_a_signature_is_that_of_the_key_whatever_the_order_of_the_fields(tmp_path: Path, form: PrivateFormat) -> None:
    key = Ed25519PrivateKey.generate()
    signed = sign(CERTIFICATE, read_signing_key(private_file(tmp_path / "key", key, form)))
    again = json.loads(json.dumps(dict(reversed(signed.items())), indent=4))
    assert is_signed_by_its_key(again)
    for ssh in (False, True):
        assert names_key(again, read_public_key(public_file(tmp_path / f"public{ssh}", key, ssh=ssh)))
    assert not names_key(again, Ed25519PrivateKey.generate().public_key())
    assert fingerprint(again) == key_fingerprint(key)


def test_a_change_anywhere_breaks_the_signature() -> None:
    signed = sign(CERTIFICATE, Ed25519PrivateKey.generate())
    assert not is_signed_by_its_key({**signed, "decision": {"verdict": "BLOCK", "p": 0.012}})
    assert not is_signed_by_its_key({**signed, "added": 1})
    for name, value in (("value", "AAAA"), ("public_key", "no base64!"), ("algorithm", "none")):
        assert not is_signed_by_its_key({**signed, "signature": {**signed["signature"], name: value}})
    assert not is_signed_by_its_key(CERTIFICATE)


def test_another_key_put_under_the_same_signature_is_no_signature() -> None:
    signed = sign(CERTIFICATE, Ed25519PrivateKey.generate())
    other = sign(CERTIFICATE, Ed25519PrivateKey.generate())
    swapped = {**signed["signature"], "public_key": other["signature"]["public_key"]}
    assert not is_signed_by_its_key({**signed, "signature": swapped})


def test_a_key_may_stand_in_the_environment_and_be_encrypted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = private_file(tmp_path / "key", Ed25519PrivateKey.generate(), lock=BestAvailableEncryption(b"open sesame"))
    monkeypatch.setenv("RELEASE_KEY", Path(file).read_text(encoding="ascii"))
    monkeypatch.setenv(PASSWORD, "open sesame")
    assert is_signed_by_its_key(sign(CERTIFICATE, read_signing_key("env:RELEASE_KEY")))
    monkeypatch.setenv(PASSWORD, "wrong")
    with pytest.raises(SettingsError, match="password is wrong"):
        read_signing_key(file)
    monkeypatch.delenv(PASSWORD)
    with pytest.raises(SettingsError, match="the signing key is encrypted") as refused:
        read_signing_key(file)
    assert PASSWORD in str(refused.value.fix)


def test_what_is_no_key_is_one_line_that_quotes_nothing_of_it(tmp_path: Path) -> None:
    secret = tmp_path / "secret.pem"
    secret.write_text("-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n", encoding="ascii")
    with pytest.raises(SettingsError, match="no private key") as refused:
        read_signing_key(str(secret))
    assert "c2VjcmV0" not in str(refused.value)
    with pytest.raises(SettingsError, match="another kind than Ed25519"):
        read_signing_key(private_file(tmp_path / "ec", elliptic(SECP256R1())))
    with pytest.raises(SettingsError, match="cannot be read"):
        read_signing_key(str(tmp_path / "absent"))
    with pytest.raises(SettingsError, match="the environment has no ABSENT_KEY"):
        read_signing_key("env:ABSENT_KEY")
    with pytest.raises(SettingsError, match="no public key"):
        read_public_key(secret)
