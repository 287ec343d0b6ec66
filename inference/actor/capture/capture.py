"""Plates -> takes of an actor: track, fit, judge, and only then write."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import Cancelled, SoliloquyError, UsageError
from ...safe_names import safe_name
from ..folder import Actor, check_consent, make_actor, open_actor
from ..media.plate import open_plate
from ..speech_map import fit_speech_map, hear, learn_speech
from ..take import load_face, load_take, save_face, save_take
from . import faults
from .fit_take import Fitted, crop_size, find_focals, fit_plate, make_take, new_face, tracked_map
from .looks import fit_looks, load_looks, save_looks
from .observe import Observed, observe
from .overlay import write_overlay
from .tracking import Tracker, face_model_path, load_mesh

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Sequence

    from ...types import FrameRate
    from ..types import ActorFace, Take
    from .looks import Looks
    from .tracking import FaceMesh

_TRACKED, _HEARD = 0.8, 0.9
"""Shares of the work on a plate that are done when it is tracked, and when it is heard."""
_LONGEST_NAME = 60
"""Letters of a take's name that come from its plate."""


@dataclass(frozen=True)
class Told:
    """Who is told what while plates are captured."""

    progress: Callable[[Path, float], None] = lambda _, __: None
    """Called with a plate and a share 0..1."""
    cancelled: Callable[[], bool] = lambda: False
    """Asked before each frame and each block of sound."""
    notify: Callable[[Path, str], None] = lambda _, __: None
    """Called with a plate and a sentence about it."""
    failed: Callable[[Path, SoliloquyError], None] | None = None
    """Called with each plate that is refused while others go on; without it the first one raises."""
    done: Callable[[Path, str, Take], None] = lambda _, __, ___: None
    """Called with a plate, the name of its take, and the take, when it is written."""


def capture(
    plates: Sequence[str | os.PathLike[str]],
    folder: str | os.PathLike[str],
    *,
    name: str = "",
    consent: str = "",
    face_model: str | os.PathLike[str] | None = None,
    rate: FrameRate | None = None,
    again: bool = False,
    preview: str | os.PathLike[str] | None = None,
    progress: Callable[[Path, float], None] = lambda _, __: None,
    cancelled: Callable[[], bool] = lambda: False,
    notify: Callable[[Path, str], None] = lambda _, __: None,
    failed: Callable[[Path, SoliloquyError], None] | None = None,
    done: Callable[[Path, str, Take], None] = lambda _, __, ___: None,
) -> Actor:
    """Capture plates into an actor folder, which is made unless it is there.

    Nothing is written until every plate is tracked and fitted. A plate that is there already (same content)
    is passed over. The face of an actor is fitted once: further takes speak in its expressions.

    Args:
        plates: movies, folders of images, sequences; see `open_plate`.
        folder: of the actor.
        name: of the actor; the folder's name unless given. Only for a new actor.
        consent: who consents to what; needed for a new actor.
        face_model: MediaPipe's model file; see `tracking.face_model_path`.
        rate: of image sequences.
        again: capture plates again that are there already.
        preview: movie of the fit over the plate; of several plates one each, with the take's name added.
        progress, cancelled, notify, failed, done: see `Told`.

    Raises:
        ActorError: no consent, no model file, a plate that cannot be used (all of them, with `failed`).
        Cancelled: the user stopped; nothing was changed.
    """
    told = Told(progress, cancelled, notify, failed, done)
    place = Path(folder)
    actor = open_actor(place) if (place / "actor.json").exists() else None
    statement = check_consent(consent) if actor is None else actor.consent.statement
    model = face_model_path(face_model)
    mesh = load_mesh(model)
    seen = _track([Path(plate) for plate in plates], actor, model, rate, again, told)
    if not seen:
        return open_actor(place)
    work = _Work(actor, mesh, seen, told)
    fits = work.fit()
    if actor is None:
        actor = make_actor(place, name or place.resolve().name, statement, crop_size(list(seen.values())))
    save_looks(actor, work.looks)
    takes = {one: make_take(work.face, work.looks, fit, actor.crop_size) for one, fit in fits.items()}
    actor = _write(actor, work, takes)
    for one, take in takes.items():
        path = seen[one].info.path
        for notice in fits[one].notices:
            if notice not in seen[one].info.notices:
                notify(path, notice)
        if preview is not None:
            where = Path(preview)
            where = where if len(takes) == 1 else where.with_stem(f"{where.stem}_{one}")
            write_overlay(where, path, work.face, take, actor.crop_size, cancelled)
        progress(path, 1.0)
        done(path, one, take)
    return actor


def _track(
    plates: list[Path], actor: Actor | None, model: Path, rate: FrameRate | None, again: bool, told: Told
) -> dict[str, Observed]:
    """What is seen in the plates that can be used, by the names of their takes."""
    known = {} if actor is None else {load_take(actor, one).plate_sha256: one for one in actor.takes}
    seen: dict[str, Observed] = {}
    refusal: SoliloquyError | None = None
    with Tracker(model) as tracker:
        for path in plates:
            there = {one.info.sha256: name for name, one in seen.items()} | ({} if again else known)
            try:
                observed = _observed(path, rate, tracker, there, told)
            except Cancelled:
                raise
            except SoliloquyError as error:
                if told.failed is None:
                    raise
                told.failed(path, error)
                refusal = error
                continue
            if observed is not None:
                seen[_take_name(path, observed.info.sha256, known, seen)] = observed
    if not seen and actor is None and refusal is not None:
        raise refusal
    return seen


def _take_name(path: Path, sha256: str, known: dict[str, str], seen: dict[str, Observed]) -> str:
    """The plate's stem as a file name; of a plate that is there its take's name; numbered if it is taken."""
    if sha256 in known:
        return known[sha256]
    stem = (
        re.sub(r"[^\w\-. ]+", "_", path.stem if path.suffix else path.name)[:_LONGEST_NAME].strip(". ")
        or "take"
    )
    try:
        safe_name(stem, "A take")
    except UsageError:  # a device's name on Windows
        stem = f"take_{stem}"
    names = {*known.values(), *seen}
    return next(n for n in (stem, *(f"{stem}_{i}" for i in range(2, 10**6))) if n not in names)


def _observed(
    path: Path, rate: FrameRate | None, tracker: Tracker, there: dict[str, str], told: Told
) -> Observed | None:
    """Track one plate and refuse it where it shows too little; None for one that is there already."""
    with open_plate(path, rate) as plate:
        for notice in plate.info.notices:
            told.notify(path, notice)
        if plate.info.sha256 in there:
            told.notify(path, f"'{path.name}' is captured already, as take '{there[plate.info.sha256]}'")
            return None
        observed = observe(
            plate, tracker, lambda share: told.progress(path, _TRACKED * share), told.cancelled
        )
    faults.check_usable(observed, faults.find_gaps(observed))
    return observed


class _Work:
    """Plates on the way to takes: nothing is written yet."""

    def __init__(self, actor: Actor | None, mesh: FaceMesh, seen: dict[str, Observed], told: Told) -> None:
        self.actor, self.mesh, self.seen, self.told = actor, mesh, seen, told
        observed = list(seen.values())
        looks = load_looks(actor) if actor is not None else None
        self.looks: Looks = fit_looks(observed) if looks is None else looks
        face = load_face(actor) if actor is not None and actor.face.exists() else None
        earlier = [load_take(actor, one) for one in actor.takes] if actor is not None else []
        self.focals = find_focals(observed, mesh, self.looks, face, earlier)
        self.is_new = face is None
        self.face: ActorFace = new_face(observed, mesh, self.looks, self.focals) if face is None else face

    def fit(self) -> dict[str, Fitted]:
        """Every plate, judged again with what the fit tells.

        Raises:
            PlateRefused: too little is left of one, and nobody asked for the others.
        """
        fits: dict[str, Fitted] = {}
        refusal: SoliloquyError | None = None
        for name, observed in self.seen.items():
            fit = fit_plate(self.face, self.looks, observed, self.focals)
            try:
                faults.check_usable(observed, fit.gaps)
            except SoliloquyError as error:
                if self.told.failed is None:
                    raise
                self.told.failed(observed.info.path, error)
                refusal = error
                continue
            fits[name] = fit
        if not fits and refusal is not None:
            raise refusal
        return fits


def _write(actor: Actor, work: _Work, takes: dict[str, Take]) -> Actor:
    """Face and takes; then what the sound tells: how it drives the face, and when it comes."""
    face = work.face
    if work.is_new:
        face = replace(face, arkit=tracked_map(list(takes.values())))
        save_face(actor, face)
    for name, take in takes.items():
        actor = save_take(actor, name, take, work.seen[name].info.path)
    _listen(actor, face, work, takes)
    return actor


def _listen(actor: Actor, face: ActorFace, work: _Work, takes: dict[str, Take]) -> None:
    """A new actor's speech is learnt; of further takes only the sound's offset, so that the face stays."""
    from ...session import load_speech_model

    first = work.seen[next(iter(takes))].info.path
    try:
        if work.is_new:
            learn_speech(actor, cancelled=work.told.cancelled)
            return
        model = load_speech_model()
        names = list(takes)
        heard = []
        for name in names:
            info = work.seen[name].info
            heard.append(hear(info.path, model, work.told.cancelled) if info.has_sound else None)
        offsets = fit_speech_map(face, [takes[name] for name in names], heard).offsets_s
        for name, offset_s in zip(names, offsets, strict=True):
            save_take(actor, name, replace(takes[name], sound_offset_s=offset_s))
    except Cancelled:
        raise
    except SoliloquyError as error:
        work.told.notify(first, f"What the actor says was not learnt: {error}")
