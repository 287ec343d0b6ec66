"""What an actor looks like round the mouth: the colours of the skin, and which small pictures are a mouth.

Colours: every take is brought to the same ones (`colour.py`). Mouths: the principal components of the small
pictures of the mouth; what they cannot show, such as a hand or a microphone, is not the actor's mouth.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from .. import colour
from ..archive import load_arrays, save_arrays
from ..crop import shots
from ..take import damaged
from .observe import MOUTH_SIDE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from ...types import FloatArray
    from ..folder import Actor
    from .observe import Observed

VERSION: Final = 1
_KIND: Final = "description of an actor's looks"
_VALUES: Final = MOUTH_SIDE * MOUTH_SIDE * 3
_COMPONENTS: Final = 32
_PICTURES_PER_COMPONENT: Final = 8
_SHORTEST: Final = 8
"""Frames of a shot that can tell what is usual in it."""
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
    every = max(1, -(-sum(len(one) for one in observed) // _MOST))
    mouths = _fit_mouths([_pictures(one)[_clear(one)][::every] for one in observed], _COMPONENTS)
    return Looks(colour.reference(skin), *mouths)


def covered(observed: Observed, looks: Looks, cuts: Sequence[int] = ()) -> NDArray[np.bool_]:
    """bool [T], where something else is seen in the place of the mouth.

    A plate is compared with itself, shot by shot, as beards grow and lamps move between takes: what is rare
    in it is no mouth. Only where the rest is still less the actor's, most of the plate is covered.
    """
    clear = _clear(observed)
    pictures = _pictures(observed)
    parts = [slice(*ends) for ends in shots(cuts, len(observed))]
    groups = [pictures[part][clear[part]] for part in parts]
    groups = [group for group in groups if len(group) >= _SHORTEST]
    if not groups:
        return np.zeros(len(observed), np.bool_)
    mean, basis, usual = _fit_mouths(groups, _COMPONENTS // 2)
    strange = (_residual(pictures, mean, basis) > _STRANGE * usual) & observed.seen
    usual_part = clear & ~strange
    if strange.any() and usual_part.any():
        unlike = _residual(pictures, looks.mean, looks.basis) / looks.usual
        middle = float(np.median(unlike[usual_part]))
        if middle > _STRANGE and np.median(unlike[strange]) < 0.5 * middle:
            return np.asarray(observed.seen & ~strange)
    return np.asarray(strange)


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


def _fit_mouths(groups: Sequence[FloatArray], most: int) -> tuple[FloatArray, FloatArray, float]:
    """Mean, components and usual residual: of the most usual pictures of each group first, then of all that
    fit these."""
    core = []
    for group in groups:
        distance = np.sqrt(np.square(group - np.median(group, axis=0)).mean(1))
        core.append(distance <= np.quantile(distance, _CORE))
    pictures, kept = np.concatenate(groups), np.concatenate(core)
    for _ in range(_ROUNDS):
        mean = pictures[kept].mean(0)
        centred = pictures[kept] - mean
        count = min(most, max(1, int(kept.sum()) // _PICTURES_PER_COMPONENT))
        basis = _components(centred, count)
        left = _residual(pictures, mean, basis)
        usual = max(float(np.median(left[kept])), _FLOOR)
        kept = left < _STRANGE * usual
    return np.asarray(mean, np.float32), basis, usual


def _components(centred: FloatArray, count: int) -> FloatArray:
    """The first principal components float32 [P, D] of rows [N, D], by whichever side is shorter."""
    if len(centred) < centred.shape[1]:
        vectors = np.linalg.eigh((centred @ centred.T).astype(np.float64))[1][:, -1 : -1 - count : -1]
        basis = vectors.T @ centred
        return np.asarray(basis / np.maximum(np.linalg.norm(basis, axis=1, keepdims=True), 1e-9), np.float32)
    vectors = np.linalg.eigh((centred.T @ centred).astype(np.float64))[1]
    return np.asarray(vectors[:, -1 : -1 - count : -1].T, np.float32)


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
        raise damaged(_KIND, actor.folder, error) from error
    shapes = looks.skin.shape, looks.mean.shape, looks.basis.shape[1:]
    if shapes != ((len(colour.SITES), 3), (_VALUES,), (_VALUES,)) or not looks.usual > 0:
        raise damaged(_KIND, actor.folder, ValueError("its arrays do not fit each other"))
    return looks
