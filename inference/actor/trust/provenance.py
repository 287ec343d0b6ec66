"""Where painted pixels come from: written with every file of a pass, read by `soliloquy verify`.

Three carriers, so that the word "synthetic" survives as much as a format allows: texts in the header of EXR,
PNG and mp4 (with a hash of an EXR's pixels), C2PA content credentials in PNG, JPEG and mp4, and beside an EXR
sequence, which C2PA does not know, `provenance.json` with the SHA-256 of every frame and its signature in
`provenance.json.sig`. The only importer of c2pa.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ...errors import first_line
from ...files import atomic_path, atomic_write
from ...version import version
from .credentials import CredentialsError, sign_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ..folder import Actor
    from ..media.exr import Window
    from .credentials import Credentials

SIDECAR: Final = "provenance.json"
SIGNATURE: Final = "provenance.json.sig"
FORMAT: Final = 1
PREFIX: Final = "soliloquy:"
"""Of the names of header texts."""
PIXELS: Final = "soliloquy:pixels_sha256"
COMPOSITE: Final = "http://cv.iptc.org/newscodes/digitalsourcetype/compositeWithTrainedAlgorithmicMedia"
"""IPTC's word for a recording in which a trained model has painted a part."""
SIGNED_SUFFIXES: Final = frozenset((".jpeg", ".jpg", ".m4v", ".mov", ".mp4", ".png"))
"""Files that can hold C2PA content credentials of ours."""
_LABEL: Final = "org.soliloquy.provenance"
_BLOCK: Final = 2**20


@dataclass(frozen=True)
class Provenance:
    """Who and what is in a painted file: `kind` what it is in words; `actor`, `identifier`, `consent` and
    `consent_recorded` of the actor folder; `sources` what it was made of, SHA-256 by name ("plate", "sound",
    "curves", "memory", "renderer", ...); `created` ISO 8601, UTC."""

    kind: str
    version: str
    actor: str
    identifier: str
    consent: str
    consent_recorded: str
    sources: Mapping[str, str]
    created: str

    def as_dict(self) -> dict[str, Any]:
        """What is kept as JSON."""
        return {
            "synthetic": True,
            "digitalSourceType": COMPOSITE,
            "tool": "Soliloquy",
            "version": self.version,
            "kind": self.kind,
            "actor": {"name": self.actor, "identifier": self.identifier},
            "consent": {"statement": self.consent, "recorded": self.consent_recorded},
            "sources": dict(self.sources),
            "created": self.created,
        }

    def texts(self) -> dict[str, str]:
        """The same for the header of an image or a movie."""
        flat = {
            "synthetic": "true",
            "digitalSourceType": COMPOSITE,
            "tool": f"Soliloquy {self.version}",
            "kind": self.kind,
            "actor": self.actor,
            "actor_identifier": self.identifier,
            "consent": f"{self.consent} (recorded {self.consent_recorded})",
            "sources": " ".join(f"{name}=sha256:{value}" for name, value in self.sources.items()),
            "created": self.created,
        }
        return {PREFIX + name: text for name, text in flat.items()}


def provenance_of(actor: Actor, kind: str, sources: Mapping[str, str]) -> Provenance:
    """What is to be said of a file that is made now; `sources` as in `Provenance`."""
    now = datetime.now(UTC).isoformat(timespec="seconds")
    consent = actor.consent
    return Provenance(
        kind, version(), actor.name, actor.identifier, consent.statement, consent.recorded, sources, now
    )


def pixels_sha256(window: Window) -> str:
    """SHA-256 of a frame's half floats, hexadecimal: of its size, the box of all that is not 0, and what is
    in the box; how much of the empty rest the window holds does not matter."""
    pixels = window.pixels
    lit = pixels.view(np.uint16).any(2)
    rows, columns = np.flatnonzero(lit.any(1)), np.flatnonzero(lit.any(0))
    box = (rows[0], rows[-1] + 1, columns[0], columns[-1] + 1) if len(rows) else (0, 0, 0, 0)
    inside = pixels[box[0] : box[1], box[2] : box[3]]
    shift = (window.top, window.top, window.left, window.left) if len(rows) else (0, 0, 0, 0)
    shape = np.array([window.height, window.width, pixels.shape[2], *np.add(box, shift)], "<i4")
    digest = hashlib.sha256(shape.tobytes())
    digest.update(np.ascontiguousarray(inside, "<f2").tobytes())
    return digest.hexdigest()


def write_sidecar(
    folder: Path, provenance: Provenance, files: Mapping[str, str], credentials: Credentials | None
) -> None:
    """Write `provenance.json` and, with credentials, its signature.

    Args:
        folder: where the sequence lies.
        files: SHA-256 of each file of it by name.

    Raises:
        OutputError: they cannot be written.
    """
    document = {"format": FORMAT, **provenance.as_dict(), "files": dict(files)}
    content = (json.dumps(document, indent=1, ensure_ascii=False) + "\n").encode()
    (folder / SIGNATURE).unlink(missing_ok=True)  # an old one would say that the new document was changed
    with atomic_write(folder / SIDECAR, "wb") as stream:
        stream.write(content)
    if credentials is not None:
        with atomic_write(folder / SIGNATURE) as stream:
            json.dump({"format": FORMAT, **sign_bytes(credentials, content)}, stream, indent=1)
            stream.write("\n")


def sign_media(path: Path, provenance: Provenance, credentials: Credentials) -> None:
    """Put C2PA content credentials into a PNG, JPEG or mp4 file.

    Raises:
        CredentialsError: the package is not installed, or it refuses the certificate or the file.
        OutputError: the file cannot be written.
    """
    c2pa = load_package()
    action = {"action": "c2pa.created", "digitalSourceType": COMPOSITE}
    manifest = {
        "claim_generator_info": [{"name": "Soliloquy", "version": provenance.version}],
        "title": path.name,
        "assertions": [
            {"label": "c2pa.actions.v2", "data": {"actions": [action]}},
            {"label": _LABEL, "data": provenance.as_dict()},
        ],
    }
    info = c2pa.C2paSignerInfo(credentials.algorithm, credentials.chain, credentials.key, None)
    try:
        with (
            c2pa.Signer.from_info(info) as signer,
            atomic_path(path) as temporary,
            c2pa.Builder(json.dumps(manifest), _context(c2pa)) as builder,
        ):
            builder.sign_file(path, temporary, signer)
    except c2pa.C2paError as error:
        raise CredentialsError(
            f"'{path}' could not be signed ({first_line(error)})",
            "Check the certificate: it must be made for signing documents or mail",
        ) from error


def read_credentials(path: Path) -> dict[str, Any] | None:
    """The C2PA content credentials of a file as c2pa reports them, or None where there are none.

    Raises:
        CredentialsError: the package is not installed, or what the file holds is not understood.
    """
    c2pa = load_package()
    try:
        with c2pa.Reader(str(path), context=_context(c2pa)) as reader:
            report: dict[str, Any] = json.loads(reader.json())
    except c2pa.C2paError as error:
        if "ManifestNotFound" in str(error):
            return None
        raise CredentialsError(
            f"The content credentials of '{path}' cannot be read ({first_line(error)})",
            "The file has been changed or cut off: get it again from its maker",
        ) from error
    return report


def statement_in(report: Mapping[str, Any]) -> dict[str, Any]:
    """Our own statement in a report of `read_credentials`; empty where another tool made the file."""
    manifest = report.get("manifests", {}).get(report.get("active_manifest"), {})
    for assertion in manifest.get("assertions", ()):
        if assertion.get("label") == _LABEL and isinstance(assertion.get("data"), dict):
            return dict(assertion["data"])
    return {}


def load_package() -> Any:
    """Import c2pa.

    Raises:
        CredentialsError: it is not installed.
    """
    try:
        import c2pa
    except (ImportError, OSError) as error:
        raise CredentialsError(
            f"Content credentials cannot be used because the Python package c2pa does not load ({error})",
            'Install it: python -m pip install "soliloquy[actor]"',
        ) from error
    return c2pa


def _context(c2pa: Any) -> Any:
    """No thumbnails, and nothing over the network."""
    return c2pa.Context.from_dict(
        {
            "builder": {"thumbnail": {"enabled": False}},
            "verify": {"ocsp_fetch": False, "remote_manifest_fetch": False},
        }
    )
