"""The actor folder: who it is, with whose consent, and where everything of the actor lies.

    actor/
      actor.json       identifier, name, consent, crop size, takes; `format` is the version of all of it
      face.npz         ActorFace
      takes/NAME.npz   one Take per plate
      memory.npz       MemoryBank
      renderer.onnx    the trained renderer, its card in the metadata
      training/        checkpoints and previews (may be deleted)

The only writer of `actor.json`; every file appears complete or not at all.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from ..errors import UsageError
from ..files import atomic_write, make_folder
from ..safe_names import inside, safe_name

if TYPE_CHECKING:
    import os

FORMAT: Final = 1
_SHORTEST_CONSENT: Final = 12
"""Letters: what is shorter says neither who consents nor to what."""


class ActorError(UsageError):
    """An actor folder, or something in it, that cannot be used."""


@dataclass(frozen=True)
class Consent:
    """The statement under which a person's face is used, as it was given, and when (ISO 8601, UTC)."""

    statement: str
    recorded: str


@dataclass(frozen=True)
class Actor:
    """What `actor.json` holds."""

    folder: Path
    name: str
    consent: Consent
    crop_size: int
    """Side of the square round the mouth in pixels, a multiple of 16."""
    identifier: str = ""
    """Drawn when the folder is made: memory and renderer belong to it."""
    takes: tuple[str, ...] = field(default=())
    """Names of the takes in the order of capture."""
    plates: dict[str, str] = field(default_factory=dict)
    """Where the plate of a take lay when it was captured: a hint, as files are moved."""

    @property
    def face(self) -> Path:
        return self.folder / "face.npz"

    @property
    def memory(self) -> Path:
        return self.folder / "memory.npz"

    @property
    def renderer(self) -> Path:
        return self.folder / "renderer.onnx"

    @property
    def training(self) -> Path:
        return self.folder / "training"

    def take(self, name: str) -> Path:
        """Where the take of that name lies.

        Raises:
            UsageError: the name cannot be a file's, or a link leads its file out of the actor's folder.
        """
        return inside(self.folder, f"takes/{safe_name(name, 'A take')}.npz", "A take")


def check_consent(statement: str) -> str:
    """The statement without blanks round it.

    Raises:
        ActorError: there is none, or it is too short to say who consents and to what.
    """
    said = " ".join(statement.split())
    if len(said) < _SHORTEST_CONSENT:
        raise ActorError(
            "An actor's face is captured with a recorded consent only, and this statement is "
            + (f"too short ('{said}')" if said else "empty"),
            "Say who consents, when, and to what",
        )
    return said


def make_actor(folder: str | os.PathLike[str], name: str, consent: str, crop_size: int) -> Actor:
    """Make an empty actor folder.

    Raises:
        ActorError: no consent; there is an actor already.
        OutputError: the folder cannot be written.
    """
    place = Path(folder)
    said = check_consent(consent)
    if (place / "actor.json").exists():
        raise ActorError(f"'{place}' holds an actor already", "Capture into it, or choose another folder")
    make_folder(place / "takes")
    now = datetime.now(UTC).isoformat(timespec="seconds")
    actor = Actor(place, name, Consent(said, now), crop_size, identifier=uuid.uuid4().hex)
    write_actor(actor)
    return actor


def write_actor(actor: Actor) -> None:
    """Write `actor.json`."""
    kept: dict[str, Any] = {"format": FORMAT, **asdict(actor)}
    del kept["folder"]
    with atomic_write(actor.folder / "actor.json") as stream:
        json.dump(kept, stream, indent=2, ensure_ascii=False)
        stream.write("\n")


def with_take(actor: Actor, name: str, plate: str | os.PathLike[str] = "") -> Actor:
    """The actor with one more take, of the plate at that path, written."""
    known = replace(
        actor,
        takes=actor.takes if name in actor.takes else (*actor.takes, name),
        plates=actor.plates | ({name: str(Path(plate).resolve())} if plate else {}),
    )
    if known != actor:
        write_actor(known)
    return known


def open_actor(folder: str | os.PathLike[str]) -> Actor:
    """Read `actor.json`.

    Raises:
        ActorError: the folder is no actor, is damaged, has no consent, or is of a newer version.
    """
    place = Path(folder)
    source = place / "actor.json"
    try:
        with source.open(encoding="utf-8") as stream:
            kept = json.loads(stream.read(2**20))
        if kept["format"] > FORMAT:
            raise ActorError(f"'{place}' was made by a newer Soliloquy", "Update Soliloquy")
        consent = Consent(str(kept["consent"]["statement"]), str(kept["consent"]["recorded"]))
        actor = Actor(
            place,
            str(kept["name"]),
            consent,
            int(kept["crop_size"]),
            str(kept["identifier"]),
            tuple(str(name) for name in _list(kept["takes"])),
            {str(name): str(path) for name, path in kept.get("plates", {}).items()},
        )
    except FileNotFoundError:
        raise ActorError(
            f"'{place}' is no actor folder (it has no actor.json)", "Run `soliloquy capture`"
        ) from None
    except (
        OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError,
    ) as error:  # fmt: skip
        raise ActorError(
            f"'{source}' is damaged ({error})", "Restore it from a backup, or capture again"
        ) from error
    check_consent(actor.consent.statement)
    for name in actor.takes:
        try:
            safe_name(name, f"A take of '{source}'")
        except UsageError as error:
            raise ActorError(error.cause, "Capture again") from error
    if not 32 <= actor.crop_size <= 1024 or actor.crop_size % 16:
        raise ActorError(f"'{source}' has an impossible crop size ({actor.crop_size})", "Capture again")
    return actor


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise TypeError("its takes are no list")
    return value
