"""Certificates and keys that sign what is painted; the only importer of `cryptography`.

A studio gives its own certificate chain and key (PEM). Without them every installation makes itself an
authority and a signing certificate once, in the user's data folder: such a signature shows that a file has
not changed since it was made by the holder of that key, and not who that is. Nothing is asked over a network,
so there is no time stamp of an authority either.
"""

from __future__ import annotations

import base64
import os
import sys
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ...errors import first_line
from ...files import atomic_write, make_folder
from ..folder import ActorError

if TYPE_CHECKING:
    from collections.abc import Mapping

CERTIFICATE_VARIABLE: Final = "SOLILOQUY_CERTIFICATE"
KEY_VARIABLE: Final = "SOLILOQUY_KEY"
DATA_VARIABLE: Final = "SOLILOQUY_DATA"
SELF_MADE: Final = "Soliloquy (self-signed)"
"""Organisation in the certificates that an installation makes itself."""
_CHAIN, _KEY = "certificate.pem", "key.pem"
_MOST_BYTES: Final = 2**16
_YEARS: Final = 10


class CredentialsError(ActorError):
    """A certificate or key that cannot be used."""


@dataclass(frozen=True)
class Credentials:
    """What signs: `chain` the certificates in PEM, the signer's first; `key` in PEM; `algorithm` as C2PA
    names it ("es256", "es384", "es512", "ps256", "ed25519")."""

    chain: bytes
    key: bytes
    algorithm: str


@dataclass(frozen=True)
class Signature:
    """Who signed, as far as the certificate says: `valid` whether the signature fits the bytes and the chain
    holds together, `subject` its name, `fingerprint` SHA-256 of the certificate, `self_made` whether an
    installation of Soliloquy made the certificate itself."""

    valid: bool
    subject: str
    fingerprint: str
    self_made: bool


def data_folder() -> Path:
    """Where this user's Soliloquy keeps what belongs to no project."""
    if given := os.environ.get(DATA_VARIABLE):
        return Path(given)
    home = Path.home()
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or home / "AppData" / "Local") / "Soliloquy"
    if sys.platform == "darwin":
        return home / "Library" / "Application Support" / "Soliloquy"
    return Path(os.environ.get("XDG_DATA_HOME") or home / ".local" / "share") / "soliloquy"


def find_credentials(certificate: Path | None = None, key: Path | None = None) -> Credentials:
    """The given certificate and key, those named by the environment, or those of this installation, which are
    made where there are none.

    Args:
        certificate: PEM file of the signer's certificate and the chain above it.
        key: PEM file of its private key, without a password.

    Raises:
        CredentialsError: one without the other, a file that holds no certificate or key, the two do not
            belong together, the kind of key is not known to C2PA, or the package is not installed.
        OutputError: the user's data folder cannot be written.
    """
    environment = os.environ
    certificate = certificate or _named(environment, CERTIFICATE_VARIABLE)
    key = key or _named(environment, KEY_VARIABLE)
    if (certificate is None) != (key is None):
        raise CredentialsError(
            "A certificate and its key are needed together", "Give both --certificate and --key"
        )
    if certificate is None or key is None:
        folder = data_folder() / "credentials"
        certificate, key = folder / _CHAIN, folder / _KEY
        if not (certificate.is_file() and key.is_file()):
            _make_own(certificate, key)
    return _checked(_read(certificate), _read(key), certificate)


def sign_bytes(credentials: Credentials, content: bytes) -> dict[str, str]:
    """A detached signature over `content`: algorithm, chain in PEM and the signature in base 64."""
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    private: Any = load_pem_private_key(credentials.key, password=None)
    signature = private.sign(content, *_how(credentials.algorithm))
    return {
        "algorithm": credentials.algorithm,
        "chain": credentials.chain.decode("ascii"),
        "signature": base64.b64encode(signature).decode("ascii"),
    }


def check_bytes(signed: Mapping[str, Any], content: bytes) -> Signature:
    """Check what `sign_bytes` made.

    Raises:
        CredentialsError: it is no signature at all, or the package is not installed.
    """
    x509 = _load_x509()
    from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

    try:
        chain = x509.load_pem_x509_certificates(str(signed["chain"]).encode("ascii"))
        signature = base64.b64decode(str(signed["signature"]), validate=True)
        how = _how(str(signed["algorithm"]))
        public: Any = chain[0].public_key()
        signer = _common_name(chain[0]), _fingerprint(chain[0]), is_self_made(chain[0])
    except (ValueError, LookupError, TypeError, UnsupportedAlgorithm) as error:
        raise CredentialsError(
            f"The signature is damaged ({first_line(error)})", "Restore it, or render the pass again"
        ) from error
    try:
        public.verify(signature, content, *how)
        for lower, upper in pairwise(chain):
            lower.verify_directly_issued_by(upper)
        valid = True
    except (InvalidSignature, UnsupportedAlgorithm, ValueError, TypeError, AttributeError):
        valid = False
    return Signature(valid, *signer)


def is_self_made(certificate: Any) -> bool:
    """Whether an installation of Soliloquy made this certificate (`cryptography.x509.Certificate`)."""
    from cryptography.x509.oid import NameOID

    names = certificate.issuer.get_attributes_for_oid(NameOID.ORGANIZATION_NAME)
    return any(name.value == SELF_MADE for name in names)


def _checked(chain: bytes, key: bytes, source: Path) -> Credentials:
    x509 = _load_x509()
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        PublicFormat,
        load_pem_private_key,
    )

    try:
        first = x509.load_pem_x509_certificates(chain)[0]
        private: Any = load_pem_private_key(key, password=None)
    except (ValueError, TypeError) as error:
        raise CredentialsError(
            f"'{source}' or its key cannot be read ({first_line(error)})",
            "Give a certificate and a key without password as PEM files",
        ) from error
    form = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    if first.public_key().public_bytes(*form) != private.public_key().public_bytes(*form):
        raise CredentialsError(
            f"The certificate '{source}' does not belong to the key", "Give the right pair"
        )
    return Credentials(chain, key, _algorithm(private, source))


def _algorithm(private: Any, source: Path) -> str:
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

    if isinstance(private, ed25519.Ed25519PrivateKey):
        return "ed25519"
    if isinstance(private, rsa.RSAPrivateKey):
        return "ps256"
    if isinstance(private, ec.EllipticCurvePrivateKey):
        curves = {"secp256r1": "es256", "secp384r1": "es384", "secp521r1": "es512"}
        if private.curve.name in curves:
            return curves[private.curve.name]
    raise CredentialsError(
        f"The key of '{source}' is of a kind that content credentials do not know",
        "Use a key on P-256, P-384, P-521, Ed25519 or RSA",
    )


def _how(algorithm: str) -> tuple[Any, ...]:
    """What `sign` and `verify` of a key of this algorithm take after signature and content."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec, padding

    match algorithm:
        case "es256":
            return (ec.ECDSA(hashes.SHA256()),)
        case "es384":
            return (ec.ECDSA(hashes.SHA384()),)
        case "es512":
            return (ec.ECDSA(hashes.SHA512()),)
        case "ps256":
            salted = padding.PSS(padding.MGF1(hashes.SHA256()), hashes.SHA256.digest_size)
            return (salted, hashes.SHA256())
        case "ed25519":
            return ()
        case _:
            raise ValueError(f"unknown algorithm {algorithm[:20]}")


def _make_own(certificate: Path, key: Path) -> None:
    """An authority that signs one certificate and is then forgotten: C2PA refuses a signer that is its own
    issuer."""
    x509 = _load_x509()
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import ExtendedKeyUsageOID

    make_folder(certificate.parent)
    above, own = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority = _builder(x509, "Authority of one installation", "Authority of one installation", above, above)
    authority = authority.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    authority = authority.add_extension(_usage(x509, key_cert_sign=True), critical=True)
    leaf = _builder(x509, "One installation", "Authority of one installation", own, above)
    leaf = leaf.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    leaf = leaf.add_extension(_usage(x509, digital_signature=True), critical=True)
    leaf = leaf.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False)
    chain = b"".join(
        built.sign(above, _sha256()).public_bytes(serialization.Encoding.PEM) for built in (leaf, authority)
    )
    private = own.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with atomic_write(key, "wb") as stream:
        if hasattr(os, "fchmod"):
            os.fchmod(stream.fileno(), 0o600)
        stream.write(private)
    with atomic_write(certificate, "wb") as stream:
        stream.write(chain)


def _builder(x509: Any, subject: str, issuer: str, own: Any, above: Any) -> Any:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(x509, subject))
        .issuer_name(_name(x509, issuer))
        .public_key(own.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=365 * _YEARS))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(own.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(above.public_key()), critical=False)
    )


def _name(x509: Any, common: str) -> Any:
    from cryptography.x509.oid import NameOID

    return x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, SELF_MADE),
            x509.NameAttribute(NameOID.COMMON_NAME, common),
        ]
    )


def _usage(x509: Any, **wanted: bool) -> Any:
    names = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
        "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    return x509.KeyUsage(**{name: wanted.get(name, False) for name in names})


def _sha256() -> Any:
    from cryptography.hazmat.primitives import hashes

    return hashes.SHA256()


def _common_name(certificate: Any) -> str:
    from cryptography.x509.oid import NameOID

    names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else "no name"


def _fingerprint(certificate: Any) -> str:
    return str(certificate.fingerprint(_sha256()).hex())


def _load_x509() -> Any:
    try:
        from cryptography import x509
    except ImportError as error:
        raise CredentialsError(
            f"Nothing can be signed because the Python package cryptography does not load ({error})",
            'Install it: python -m pip install "soliloquy[actor]"',
        ) from error
    return x509


def _named(environment: Mapping[str, str], variable: str) -> Path | None:
    text = environment.get(variable)
    return Path(text) if text else None


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(_MOST_BYTES)
    except OSError as error:
        raise CredentialsError(
            f"'{path}' cannot be read ({error.strerror})", "Check the path and its permissions"
        ) from error
