"""What a painted file says of itself, and whether it is true: the reading side of `provenance.py`."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ...errors import UsageError
from ...files import file_sha256
from ...safe_names import inside, safe_name
from ..folder import ActorError
from ..media.exr import Window
from ..media.images import ImageError, read_attributes, read_channels
from .credentials import CredentialsError, check_bytes
from .provenance import (
    PIXELS,
    PREFIX,
    SIDECAR,
    SIGNATURE,
    SIGNED_SUFFIXES,
    pixels_sha256,
    read_credentials,
    statement_in,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .credentials import Signature

_IMAGES: Final = frozenset((".exr", ".png", ".jpg", ".jpeg"))
_MOVIES: Final = frozenset((".mp4", ".mov", ".m4v", ".mkv", ".webm"))
MEDIA: Final = _IMAGES | _MOVIES
"""What is looked at in a folder without a sidecar."""
_MOST_BYTES: Final = 64 * 2**20
_MOST_NAMED: Final = 5


class State(IntEnum):
    """What was found; also the exit code of `soliloquy verify`."""

    INTACT = 0
    CHANGED = 1
    NONE = 2


@dataclass
class Verdict:
    """What is known of one file or sequence: `statement` as `Provenance.as_dict` (or what another tool's
    credentials say), `findings` sentences, the first bad one tells why the state is CHANGED."""

    path: Path
    state: State = State.NONE
    statement: dict[str, Any] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)

    def found(self, sentence: str) -> None:
        """Something that is as it should be."""
        self.findings.append(sentence)
        if self.state is State.NONE:
            self.state = State.INTACT

    def broken(self, sentence: str) -> None:
        """Something that is not."""
        self.findings.append(sentence)
        self.state = State.CHANGED


def verify(path: Path) -> list[Verdict]:
    """Judge a file, a pass (a folder with `provenance.json`), or every picture and movie of another folder.

    Raises:
        CredentialsError: it does not exist, or a package that is needed to judge is not installed.
    """
    if path.is_dir():
        if (path / SIDECAR).is_file():
            return [_of_sequence(path)]
        files = sorted(one for one in path.iterdir() if one.suffix.lower() in MEDIA and one.is_file())
        return [_of_file(one) for one in files] or [Verdict(path)]
    if not path.is_file():
        raise CredentialsError(f"'{path}' does not exist", "Check the path")
    if path.name in (SIDECAR, SIGNATURE):
        return [_of_sequence(path.parent)]
    return [_of_file(path)]


def _of_sequence(folder: Path) -> Verdict:
    verdict = Verdict(folder)
    files = _read_sidecar(folder, verdict)
    if files is None:
        return verdict
    missing = [name for name in files if not (folder / name).is_file()]
    changed = [
        name for name, digest in files.items() if name not in missing and file_sha256(folder / name) != digest
    ]
    listed = {*files, SIDECAR, SIGNATURE}
    added = sorted(
        one.name for one in folder.iterdir() if one.suffix.lower() == ".exr" and one.name not in listed
    )
    if missing:
        verdict.broken(f"{_names(missing)} missing")
    if changed:
        verdict.broken(f"{_names(changed)} changed since the pass was made")
    if added:
        verdict.broken(f"{_names(added)} not part of the pass as it was made")
    if not (missing or changed or added):
        verdict.found(f"All {len(files)} files are as they were made")
    return verdict


def _read_sidecar(folder: Path, verdict: Verdict) -> dict[str, str] | None:
    """The files that the sidecar lists; its statement and signature are told to the verdict."""
    try:
        content = _read(folder / SIDECAR)
        document = json.loads(content)
        files = {str(name): str(digest) for name, digest in document.pop("files").items()}
        for name in files:
            inside(folder, safe_name(name, "A file that it names"))
    except (
        ValueError, KeyError, AttributeError, TypeError, OSError, RecursionError, UsageError,
    ) as error:  # fmt: skip
        why = error.cause if isinstance(error, UsageError) else error
        verdict.broken(f"{SIDECAR} is damaged ({why})")
        return None
    verdict.statement = document
    if not (folder / SIGNATURE).is_file():
        verdict.found(f"{SIDECAR} is not signed: whoever changes a frame can change it too")
        return files
    try:
        signature = check_bytes(json.loads(_read(folder / SIGNATURE)), content)
    except (CredentialsError, ValueError, TypeError, OSError, RecursionError) as error:
        verdict.broken(str(error) if isinstance(error, CredentialsError) else f"{SIGNATURE} is damaged")
        return files
    if signature.valid:
        verdict.found(_who(signature))
    else:
        verdict.broken(f"{SIDECAR} was changed after it was signed: its signature is not valid")
    return files


def _who(signature: Signature) -> str:
    if signature.self_made:
        return (
            "The signature is valid; its certificate is self-signed, made by an installation of Soliloquy "
            f"({signature.fingerprint[:16]}): it shows that nothing changed since, not who signed"
        )
    return f"The signature is valid, by '{signature.subject}' ({signature.fingerprint[:16]}); {_UNTRUSTED}"


_UNTRUSTED: Final = "whether its issuer can be trusted is not checked"


def _of_file(path: Path) -> Verdict:
    verdict = Verdict(path)
    suffix = path.suffix.lower()
    texts = _texts(path, suffix, verdict)
    if texts:
        verdict.statement = _from_texts(texts)
        verdict.found("The file's header says that it is synthetic")
    if suffix in SIGNED_SUFFIXES:
        _judge_credentials(path, verdict)
    elif suffix == ".exr" and texts:
        _judge_pixels(path, texts, verdict)
        _judge_listed(path, verdict)
    return verdict


def _texts(path: Path, suffix: str, verdict: Verdict) -> dict[str, str]:
    """Our texts in the header, without their prefix."""
    try:
        if suffix in _IMAGES:
            texts = read_attributes(path)
        elif suffix in _MOVIES:
            from ..media.movie_writer import read_tags

            texts = read_tags(path)
        else:
            return {}
    except ActorError as error:
        verdict.findings.append(str(error))
        return {}
    ours = {name.removeprefix(PREFIX): text for name, text in texts.items() if name.startswith(PREFIX)}
    return ours if ours.get("synthetic") == "true" else {}


def _from_texts(texts: Mapping[str, str]) -> dict[str, Any]:
    """The statement that header texts hold, in the form of `Provenance.as_dict`."""
    tool, _, made_by = texts.get("tool", "").rpartition(" ")
    pairs = (pair.partition("=sha256:") for pair in texts.get("sources", "").split())
    return {
        "synthetic": True,
        "digitalSourceType": texts.get("digitalSourceType", ""),
        "tool": tool,
        "version": made_by,
        "kind": texts.get("kind", ""),
        "actor": {"name": texts.get("actor", ""), "identifier": texts.get("actor_identifier", "")},
        "consent": {"statement": texts.get("consent", "")},
        "sources": {name: value for name, _, value in pairs},
        "created": texts.get("created", ""),
    }


def _judge_credentials(path: Path, verdict: Verdict) -> None:
    try:
        report = read_credentials(path)
    except CredentialsError as error:
        if "does not load" in error.cause:
            verdict.findings.append(str(error))
        else:
            verdict.broken(str(error))
        return
    if report is None:
        if verdict.state is State.INTACT:
            verdict.found("It has no content credentials (or lost them): the header alone can be forged")
        return
    verdict.statement = statement_in(report) or verdict.statement or _foreign(report)
    failures = [one["code"] for one in report.get("validation_status", ())]
    wrong = [code for code in failures if code != "signingCredential.untrusted"]
    if report.get("validation_state") not in ("Valid", "Trusted") or wrong:
        verdict.broken(f"The content credentials do not fit the file: {', '.join(wrong) or 'not valid'}")
        return
    signer = report["manifests"][report["active_manifest"]].get("signature_info", {})
    issuer = str(signer.get("issuer", "someone unnamed"))
    if issuer.startswith("Soliloquy (self-signed)"):
        verdict.found(
            "The content credentials are intact; their certificate is self-signed, made by an installation "
            "of Soliloquy: they show that nothing changed since, not who signed"
        )
    else:
        verdict.found(f"The content credentials are intact, signed by '{issuer}'; {_UNTRUSTED}")


def _foreign(report: Mapping[str, Any]) -> dict[str, Any]:
    manifest = report.get("manifests", {}).get(report.get("active_manifest"), {})
    info = (manifest.get("claim_generator_info") or [{}])[0]
    return {"tool": info.get("name", "another tool"), "version": info.get("version", "")}


def _judge_pixels(path: Path, texts: Mapping[str, str], verdict: Verdict) -> None:
    """The hash in the header is not signed: it finds accidents and careless edits."""
    wanted = texts.get(PIXELS.removeprefix(PREFIX))
    if wanted is None:
        verdict.broken("The hash of the pixels is missing from the header")
        return
    try:
        channels, header = read_channels(path)
    except ImageError as error:
        verdict.broken(str(error))
        return
    order = header.get(f"{PREFIX}channels", "").split()
    if sorted(order) != sorted(channels):
        verdict.broken("The channels are not those that were written")
        return
    pixels = np.stack([channels[name] for name in order], 2).astype(np.float16)
    if pixels_sha256(Window(pixels, 0, 0, pixels.shape[1], pixels.shape[0])) == wanted:
        verdict.found("The pixels are as they were made")
    else:
        verdict.broken("The pixels were changed since the frame was made")


def _judge_listed(path: Path, verdict: Verdict) -> None:
    """A frame of a pass is judged by the signed list beside it, too."""
    if not (path.parent / SIDECAR).is_file():
        verdict.findings.append(f"There is no {SIDECAR} beside it: nothing is signed")
        return
    files = _read_sidecar(path.parent, verdict)
    if files is None:
        return
    if path.name not in files:
        verdict.broken(f"{SIDECAR} beside it does not list this frame")
    elif file_sha256(path) != files[path.name]:
        verdict.broken("The file was changed since the pass was made")


def _names(names: list[str]) -> str:
    """ "a, b, c and 4 more are"."""
    shown = ", ".join(names[:_MOST_NAMED])
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return f"{shown}{more} {'is' if len(names) == 1 else 'are'}"


def _read(path: Path) -> bytes:
    if path.stat().st_size > _MOST_BYTES:
        raise ValueError("it is too large")
    return path.read_bytes()
