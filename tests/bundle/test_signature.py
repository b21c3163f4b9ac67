from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

import homebody.bundle
from attacks.bundle import forge
from homebody import errors
from homebody.bundle import generate_key, load_private_key, load_public_key
from homebody.bundle.signature import read_signature, sign_manifest, verify_manifest
from tests.bundle.drafts import ENTRIES, draft, written


def test_a_signed_bundle_opens_with_its_key_and_no_other(tmp_path: Path) -> None:
    public = generate_key(tmp_path / "key.pem")
    other = generate_key(tmp_path / "other.pem")
    secret = load_private_key(tmp_path / "key.pem")
    path = tmp_path / "a.hb"
    homebody.bundle.write(path, draft(), ENTRIES, private_key=secret)
    with homebody.bundle.open(path, public_key=public) as bundle:
        assert bundle.verified
        assert bundle.signature is not None
        assert bundle.signature.public_key == public.hex()
    with homebody.bundle.open(path) as bundle:
        assert not bundle.verified
        assert bundle.signature is not None
    with pytest.raises(errors.WrongKeyError):
        homebody.bundle.open(path, public_key=other)


def test_the_signature_is_that_of_rfc_8032() -> None:
    """Test 2 of RFC 8032, section 7.1."""
    secret = "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb"
    entry = read_signature(sign_manifest(b"\x72", bytes.fromhex(secret)))
    assert entry.public_key == "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"
    assert entry.signature == (
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )
    verify_manifest(b"\x72", entry, bytes.fromhex(entry.public_key))
    with pytest.raises(errors.BadSignatureError):
        verify_manifest(b"\x73", entry, bytes.fromhex(entry.public_key))


def test_without_the_extra_a_pinned_key_accepts_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = forge.PUBLISHER.public_key().public_bytes_raw()
    for name in [name for name in sys.modules if name.split(".")[0] == "cryptography"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "cryptography", None)
    with pytest.raises(errors.MissingExtraError, match=r"homebody\[sign\]"):
        homebody.bundle.open(forge.signed(), public_key=key)
    with pytest.raises(errors.UnsignedBundleError):
        homebody.bundle.open(forge.good(), public_key=key)
    with pytest.raises(errors.MissingExtraError):
        homebody.bundle.write(tmp_path / "a.hb", draft(), ENTRIES, private_key=bytes(32))
    with pytest.raises(errors.MissingExtraError):
        generate_key(tmp_path / "key.pem")
    assert not list(tmp_path.iterdir())
    homebody.bundle.open(forge.signed()).close()


@pytest.mark.parametrize("key", [b"", bytes(31), bytes(33), "00" * 32, bytearray(32)])
def test_a_key_of_the_wrong_kind_is_refused_whatever_the_bundle(tmp_path: Path, key: bytes) -> None:
    for whole in (forge.good(), forge.signed()):
        with pytest.raises(errors.SigningKeyError):
            homebody.bundle.open(whole, public_key=key)
    with pytest.raises(errors.SigningKeyError):
        homebody.bundle.sign(written(tmp_path / "a.hb"), key)


def test_a_key_file_is_its_owner_s_alone_and_never_replaced(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    generate_key(path)
    if os.name == "posix":
        assert path.stat().st_mode & 0o777 == 0o600
    first = path.read_bytes()
    with pytest.raises(errors.SigningKeyError):
        generate_key(path)
    assert path.read_bytes() == first
    with pytest.raises(errors.SigningKeyError):
        generate_key(tmp_path / "absent" / "key.pem")


@pytest.mark.skipif(os.name != "posix", reason="no such permissions here")
def test_a_private_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    generate_key(path)
    path.chmod(0o640)
    with pytest.raises(errors.SigningKeyError, match="chmod 600"):
        load_private_key(path)


def test_keys_are_read_as_pem_and_as_hexadecimal(tmp_path: Path) -> None:
    public = generate_key(tmp_path / "key.pem")
    secret = load_private_key(tmp_path / "key.pem")
    key = ed25519.Ed25519PrivateKey.from_private_bytes(secret)
    assert key.public_key().public_bytes_raw() == public
    (tmp_path / "key.hex").write_text(secret.hex() + "\n")
    (tmp_path / "key.hex").chmod(0o600)
    assert load_private_key(tmp_path / "key.hex") == secret
    pem = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    (tmp_path / "public.pem").write_bytes(pem)
    (tmp_path / "public.hex").write_text(public.hex())
    for source in (tmp_path / "public.pem", tmp_path / "public.hex", public.hex()):
        assert load_public_key(source) == public


def test_what_is_no_ed25519_key_is_refused(tmp_path: Path) -> None:
    other = ec.generate_private_key(ec.SECP256R1())
    private = other.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    public = other.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    for content in (private, public, b"", b"zz" * 32, b"\xff" * 64, b"0" * 62, b"0 " * 32):
        (tmp_path / "key").write_bytes(content)
        (tmp_path / "key").chmod(0o600)
        with pytest.raises(errors.SigningKeyError):
            load_private_key(tmp_path / "key")
        with pytest.raises(errors.SigningKeyError):
            load_public_key(tmp_path / "key")
    for path in (tmp_path / "absent", tmp_path, "a\0b"):
        with pytest.raises(errors.SigningKeyError):
            load_public_key(path)


def test_the_entry_is_plain_json() -> None:
    entry = json.loads(sign_manifest(b"{}", bytes(32)))
    assert sorted(entry) == ["algorithm", "public_key", "signature"]
    assert entry["algorithm"] == "ed25519"
