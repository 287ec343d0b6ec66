"""What an actor looks like round the mouth: the colours of the skin, and which small pictures are a mouth.

Colours: every take is brought to the same ones (`colour.py`). Mouths: the principal components of the small
pictures of the mouth; what they cannot show, such as a hand or a microphone, is not the actor's mouth.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from . import colour
from .archive import load_arrays, save_arrays
from .folder import ActorError
from .observe import MOUTH_SIDE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ..types import FloatArray
    from .folder import Actor
    from .observe import Observed

VERSION: Final = 1
_KIND: Final = "description of an actor's looks"
_VALUES: Final = MOUTH_SIDE * MOUTH_SIDE * 3
_COMPONENTS: Final = 16
_CORE: Final = 0.6
"""Share of the frames, the most usual ones, that the first components are of."""
_ROUNDS: Final = 3
_STRANGE: Final = 2.2
"""Times the usual residual from which on a picture is no mouth of the actor's."""
_FLOOR: Final = 0.03
"""Residual that any clear picture may have, in natural logarithms of light."""
_MOST: Final = 4000
_DARK: Final = 8 / 255
"""Added to values before the logarithm: noise in the shadows must not count."""


@dataclass(frozen=True)
class Looks:
    """`skin` float32 [K, 3], see `colour.reference`; the mouths' `mean` float32 [D], `basis` float32 [P, D]
    and `usual` residual."""

    skin: FloatArray
    mean: FloatArray
    basis: FloatArray
    usual: float


def fit_looks(observed: Sequence[Observed]) -> Looks:
    """The looks of the actor who is seen in plates; frames that show something else may be among them."""
    skin = np.concatenate([one.skin[_clear(one)] for one in observed])
    pictures = np.concatenate([_pictures(one)[_clear(one)] for one in observed])
    pictures = pictures[:: max(1, -(-len(pictures) // _MOST))]
    mean, basis, usual = _fit_mouths(pictures)
    return Looks(colour.reference(skin), mean, basis, usual)


def strangeness(observed: Observed, looks: Looks) -> FloatArray:
    """How far each picture of the mouth is from the actor's, float32 [T] in usual residuals, 0 without."""
    left = _residual(_pictures(observed), looks.mean, looks.basis)
    return np.asarray(np.where(observed.seen, left / looks.usual, 0.0), np.float32)


def covered(observed: Observed, looks: Looks) -> NDArray[np.bool_]:
    """bool [T], where something else is seen in the place of the mouth."""
    return np.asarray(strangeness(observed, looks) > _STRANGE)


def _clear(observed: Observed) -> NDArray[np.bool_]:
    return np.asarray((observed.faces == 1) & ~observed.damaged)


def _pictures(observed: Observed) -> FloatArray:
    """float32 [T, D]: logarithms of light relative to the skin's, so that lamps and cameras do not count."""
    mouths = observed.mouths.reshape(len(observed), -1, 3).astype(np.float32) / 255.0
    known = np.isfinite(observed.skin).all(2)
    count = np.maximum(known.sum(1), 1)[:, None]
    level = np.where(known[..., None], observed.skin, 0.0).sum(1) / count
    values = np.log(mouths + _DARK) - np.log(level + _DARK)[:, None]
    return np.asarray(values.reshape(len(observed), -1), np.float32)


def _fit_mouths(pictures: FloatArray) -> tuple[FloatArray, FloatArray, float]:
    """Mean, components and usual residual: of the most usual pictures first, then of all that fit these."""
    distance = np.sqrt(np.square(pictures - np.median(pictures, axis=0)).mean(1))
    kept = distance <= np.quantile(distance, _CORE)
    for _ in range(_ROUNDS):
        mean = pictures[kept].mean(0)
        centred = (pictures[kept] - mean).astype(np.float64)
        vectors = np.linalg.eigh(centred.T @ centred)[1]
        count = min(_COMPONENTS, max(1, int(kept.sum()) // 8))
        basis = np.asarray(vectors[:, -1 : -1 - count : -1].T, np.float32)
        left = _residual(pictures, mean, basis)
        usual = max(float(np.median(left[kept])), _FLOOR)
        kept = left < _STRANGE * usual
    return np.asarray(mean, np.float32), basis, usual


def _residual(pictures: FloatArray, mean: FloatArray, basis: FloatArray) -> FloatArray:
    centred = pictures - mean
    return np.asarray(np.sqrt(np.square(centred - (centred @ basis.T) @ basis).mean(1)), np.float32)


def save_looks(actor: Actor, looks: Looks) -> None:
    """Write the actor's looks.

    Raises:
        OutputError: they cannot be written.
    """
    save_arrays(
        actor.folder / "looks.npz",
        _KIND,
        VERSION,
        skin=looks.skin,
        mean=looks.mean,
        basis=looks.basis,
        usual=np.float32(looks.usual),
    )


def load_looks(actor: Actor) -> Looks | None:
    """Read the actor's looks; None before the first take.

    Raises:
        ActorError: damaged or of another version.
    """
    source = actor.folder / "looks.npz"
    if not source.exists():
        return None
    kept = load_arrays(source, _KIND, VERSION)
    try:
        looks = Looks(kept["skin"], kept["mean"], kept["basis"], float(kept["usual"]))
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(actor, error) from error
    shapes = looks.skin.shape, looks.mean.shape, looks.basis.shape[1:]
    if shapes != ((len(colour.SITES), 3), (_VALUES,), (_VALUES,)) or not looks.usual > 0:
        raise _damaged(actor, ValueError("its arrays do not fit each other"))
    return looks


def _damaged(actor: Actor, error: Exception) -> ActorError:
    return ActorError(
        f"The {_KIND} of '{actor.folder}' is damaged ({error})", "Restore it from a backup, or capture again"
    )
