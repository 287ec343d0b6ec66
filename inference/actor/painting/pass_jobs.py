"""Whole passes, from files to files: what the command line runs, and Blender through it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ...files import file_sha256
from ...types import FrameRate
from ..folder import ActorError, open_actor
from ..media.plate import open_plate
from ..take import load_take
from ..trust.credentials import CredentialsError
from ..trust.provenance import SIGNED_SUFFIXES, provenance_of, sign_media
from .dub_preview import write_preview
from .head_track import read_track
from .passes import PassFolder, digest_of, make_pass
from .render import Painter, paint_shot, shot_of
from .skin import paint_skin_frames, plan_skin

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from ...types import FaceMotion
    from ..folder import Actor
    from ..media.plate import Plate
    from ..trust.credentials import Credentials
    from ..types import PassFrame, Take
    from .fits import Fit
    from .render import Plan, Shot

PASS_VERSION: Final = 1
"""Of how passes are painted: with another one frames are painted again."""
_DUB, _SKIN = "a dubbed plate", "a captured face on a 3D head"


@dataclass(frozen=True)
class Line:
    """What is said: `kind` "sound" or "curves", the file that it came from, and the motion."""

    kind: str
    path: Path
    motion: FaceMotion


@dataclass(frozen=True)
class DubJob:
    """A line laid onto a plate: see `soliloquy actor render --help`. `line` None is what the plate says."""

    actor: Path
    plate: Path
    line: Line | None
    out: Path
    start_frame: int = 1
    rate_hz: float | None = None
    fit: Fit = "pingpong"
    face_model: Path | None = None
    preview: Path | None = None
    sound: Path | None = None
    threads: int = 2


def paint_dub(
    job: DubJob,
    credentials: Credentials | None,
    *,
    progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    notify: Callable[[str], None] | None = None,
) -> tuple[int, int, float]:
    """Paint a dub and its preview; what is there already from the same inputs is kept.

    Args:
        job: what is to be painted.
        credentials: what signs it; None for unsigned.
        progress: called with the share done, from several threads.
        cancelled: asked for every frame.
        notify: called with what a user should know, a sentence each.

    Returns:
        How many frames were painted, how many the pass has, frames per second.

    Raises:
        SoliloquyError: something is missing, damaged, does not belong together, or cannot be written.
        Cancelled: `cancelled` returned True; complete frames stay.
    """
    tell = notify or (lambda _: None)
    if job.preview is not None:
        _check_preview(job.preview)
    actor = open_actor(job.actor)
    painter = Painter(actor, job.threads)
    with open_plate(job.plate, _frame_rate(job.rate_hz)) as plate:
        for notice in plate.info.notices:
            tell(notice)
        actor, name, take = find_take(actor, plate, job.face_model, tell, cancelled)
        rate = _frame_rate(job.rate_hz) or plate.info.rate
        motion = job.line.motion if job.line else None
        shot = shot_of(painter.face, take, motion, rate.hz, job.start_frame, job.fit)
        plan = painter.plan(shot)
        for notice in (*take.notices, *shot.timeline.notices, *plan.notices(shot.timeline.numbers)):
            tell(notice)
        target = _dub_target(job, actor, name, take, shot)
        count = len(shot.timeline)
        share = 0.9 if job.preview else 1.0
        painted = make_pass(
            target,
            shot.timeline.numbers.tolist(),
            lambda missing: _dubbed(painter, shot, plan, plate, missing),
            credentials=credentials,
            progress=_part(progress, 0.0, share),
            cancelled=cancelled,
            notify=notify,
        )
        if job.preview is not None:
            write_preview(
                job.preview,
                target,
                shot.timeline.numbers,
                plate,
                take.numbers[shot.rows].tolist(),
                rate,
                sound=job.sound,
                tags=target.provenance.texts(),
                progress=_part(progress, share, 1.0),
                cancelled=cancelled,
            )
            _sign(job.preview, target, credentials, tell)
    return painted, count, rate.hz


@dataclass(frozen=True)
class SkinJob:
    """A face laid onto a 3D head: see `soliloquy actor skin --help`."""

    actor: Path
    track: Path
    line: Line
    out: Path
    plates: tuple[Path, ...] = ()
    threads: int = 2


def paint_skin(
    job: SkinJob,
    credentials: Credentials | None,
    *,
    progress: Callable[[float], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
    notify: Callable[[str], None] | None = None,
) -> tuple[int, int, float]:
    """Paint a face onto a 3D head; arguments, result and errors as of `paint_dub`."""
    actor = open_actor(job.actor)
    track = read_track(job.track)
    painter = Painter(actor, job.threads)
    skin = plan_skin(painter, track, job.line.motion, job.plates)
    for notice in skin.notices():
        (notify or (lambda _: None))(notice)
    sources = {
        **_sources(actor, skin.source.name, skin.source.take),
        "track": file_sha256(job.track),
        job.line.kind: file_sha256(job.line.path),
    }
    inputs = _inputs(actor, "skin", sources) | {
        "expression": _array_sha256(skin.shot.expression),
        "row": skin.source.row,
    }
    target = PassFolder(job.out, digest_of(inputs), provenance_of(actor, _SKIN, sources))
    numbers = track.numbers.tolist()
    place = {number: i for i, number in enumerate(numbers)}
    painted = make_pass(
        target,
        numbers,
        lambda missing: paint_skin_frames(painter, skin, [place[number] for number in missing]),
        credentials=credentials,
        progress=progress,
        cancelled=cancelled,
        notify=notify,
    )
    return painted, len(track), track.rate.hz


def find_take(
    actor: Actor,
    plate: Plate,
    face_model: Path | None,
    notify: Callable[[str], None],
    cancelled: Callable[[], bool] | None = None,
) -> tuple[Actor, str, Take]:
    """The take of a plate, by its content, with its name and the actor that lists it; a plate that is new is
    captured where a face model is known.

    Raises:
        ActorError: it is not captured, and cannot be.
    """
    found = _take_of(actor, plate)
    if found is not None:
        return actor, *found
    from ..capture.capture import capture  # only here: tracking is no part of a pass
    from ..capture.tracking import face_model_path

    try:
        model = face_model_path(face_model)
    except ActorError as error:
        raise ActorError(
            f"The plate '{plate.info.path}' is not captured for {actor.name} yet",
            f"Run: soliloquy capture {plate.info.path} --out {actor.folder}, or give MediaPipe's model file "
            "with --face-model",
        ) from error
    notify(f"'{plate.info.path.name}' is new for {actor.name}: it is captured first")
    captured = capture(
        [plate.info.path],
        actor.folder,
        face_model=model,
        rate=plate.info.rate,
        cancelled=cancelled or (lambda: False),
        notify=lambda _, sentence: notify(sentence),
    )
    found = _take_of(captured, plate)
    if found is None:
        raise ActorError(f"The plate '{plate.info.path}' changed while it was captured", "Try again")
    return captured, *found


def _take_of(actor: Actor, plate: Plate) -> tuple[str, Take] | None:
    for name in actor.takes:
        take = load_take(actor, name)
        if take.plate_sha256 == plate.info.sha256:
            return name, take
    return None


def _dub_target(job: DubJob, actor: Actor, name: str, take: Take, shot: Shot) -> PassFolder:
    """Where the pass goes, and all that its pixels depend on."""
    sources = _sources(actor, name, take)
    if job.line is not None:
        sources[job.line.kind] = file_sha256(job.line.path)
    inputs = _inputs(actor, "dub", sources) | {
        "expression": _array_sha256(shot.expression),
        "rows": _array_sha256(shot.rows),
        "start_frame": job.start_frame,
    }
    return PassFolder(job.out, digest_of(inputs), provenance_of(actor, _DUB, sources))


def _sources(actor: Actor, name: str, take: Take) -> dict[str, str]:
    return {
        "plate": take.plate_sha256,
        "take": file_sha256(actor.take(name)),
        "memory": file_sha256(actor.memory),
        "renderer": file_sha256(actor.renderer),
        "face": file_sha256(actor.face),
    }


def _inputs(actor: Actor, kind: str, sources: Mapping[str, str]) -> dict[str, Any]:
    """What pixels depend on, whatever the kind of pass. Of the line itself only its expressions count."""
    kept = {name: value for name, value in sources.items() if name not in ("sound", "curves")}
    about = {"version": PASS_VERSION, "kind": kind, "actor": actor.identifier}
    return {**about, "consent": actor.consent.statement, **kept}


def _dubbed(
    painter: Painter, shot: Shot, plan: Plan, plate: Plate, missing: list[int]
) -> Iterator[PassFrame]:
    first = int(shot.timeline.numbers[0])
    return paint_shot(painter, shot, plan, plate, [number - first for number in missing])


def _sign(
    path: Path, target: PassFolder, credentials: Credentials | None, notify: Callable[[str], None]
) -> None:
    if credentials is None or path.suffix.lower() not in SIGNED_SUFFIXES:
        return
    try:
        sign_media(path, target.provenance, credentials)
    except CredentialsError as error:
        notify(f"The preview is not signed: {error}")


def _check_preview(path: Path) -> None:
    if path.suffix.lower() not in (".mp4", ".mov", ".m4v", ".mkv"):
        raise ActorError(f"'{path}' is no name of a movie", "Name the preview with .mp4")


def _frame_rate(rate_hz: float | None) -> FrameRate | None:
    """Blender's pair of a rate: whole, or over 1.001, or as it is."""
    if rate_hz is None:
        return None
    whole = round(rate_hz)
    if abs(rate_hz - whole) < 1e-6:
        return FrameRate(whole)
    whole = round(rate_hz * 1.001)
    if abs(rate_hz * 1.001 - whole) < 1e-4 * whole:
        return FrameRate(whole, 1.001)
    pair = Fraction(rate_hz).limit_denominator(10000)
    return FrameRate(pair.numerator, float(pair.denominator))


def _part(
    progress: Callable[[float], None] | None, begin: float, end: float
) -> Callable[[float], None] | None:
    """The share of a part, told as the share of the whole."""
    if progress is None:
        return None
    return lambda share: progress(begin + share * (end - begin))


def _array_sha256(values: Any) -> str:
    return hashlib.sha256(np.ascontiguousarray(values).tobytes()).hexdigest()
