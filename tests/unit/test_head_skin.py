"""The skin of the head keeps its volume and its faces the right way round, and the brows stay on it."""

from __future__ import annotations

import head_contacts
import head_skin
import numpy as np
import pytest
from soliloquy.blender_addon.heads.geometry import head_geometry
from soliloquy.inference.channels import ARKIT_52

LIMIT_CM3 = 7.0
"""What a side of the face may gain or lose: skin that gathers or is drawn flat over what lies below it."""
EXPLAINED_CM3 = {
    "jawOpen": (-120.0, -60.0),  # the mouth opens inside of the skin, the chin goes back
    "tongueOut": (-45.0, -10.0),  # with a jaw that is open
    "jawForward": (30.0, 80.0),  # the floor of the mouth goes along, the neck stays
    "jawLeft": (0.0, 20.0),  # the same
    "cheekPuff": (30.0, 70.0),  # air
    "mouthClose": (0.0, 25.0),  # takes back what jawOpen does to the lips
}
LIMIT_DEG = 92.0
"""A lid's fold and the corner of a smile turn so far; what turns further has gone through itself."""
LIMIT_BROW_MM = 0.5
MOUTH_CLOSE_ALONE = ("mouthClose 0.5", "mouthClose 1.0", "jawOpen 0.5 + mouthClose 1.0")
"""It is made for a jaw that is open as far: with less the lips cross, and turn over."""


@pytest.mark.parametrize("name", [n for n in ARKIT_52 if f"{n} 1.0" in head_contacts.shapes()])
def test_a_shape_gains_or_loses_no_volume_that_is_not_explained(name: str) -> None:
    gain = head_skin.table()[f"{name} 1.0"][0]
    least, most = EXPLAINED_CM3.get(name, (-LIMIT_CM3, LIMIT_CM3))
    assert least < gain < most


def test_pairs_gain_no_more_than_their_shapes() -> None:
    found = head_skin.table()
    alone = {name: abs(row[0]) for name, row in found.items() if " + " not in name}
    more = {
        name: row[0]
        for name, row in found.items()
        if " + " in name and abs(row[0]) > sum(alone[_both(part)] for part in name.split(" + ")) + 1.0
    }
    assert not more


def _both(part: str) -> str:
    """The pose of both sides of a part of a pair's name."""
    name, amount = part.split(" ")
    return f"{name.removesuffix('Left')} {amount}"


def test_no_face_of_the_skin_turns_over() -> None:
    turned = {
        name: round(row[1])
        for name, row in head_skin.table().items()
        if row[1] > LIMIT_DEG and name not in MOUTH_CLOSE_ALONE
    }
    assert not turned


def test_brows_neither_sink_into_the_skin_nor_float_off_it() -> None:
    left = {
        name: (round(sunk, 2), round(risen, 2))
        for name, (_, _, sunk, risen) in head_skin.table().items()
        if sunk < -LIMIT_BROW_MM or risen > LIMIT_BROW_MM
    }
    assert not left


def test_the_measures_find_what_is_broken() -> None:
    rest = head_geometry().points
    skin, brow = (head_geometry().parts[part] for part in ("skin", "browLeft"))
    cheek = skin[np.linalg.norm(rest[skin] - rest[skin][np.argmin(rest[skin, 1])], axis=1) < 40]
    swollen, torn, afloat = rest.copy(), rest.copy(), rest.copy()
    swollen[cheek, 1] -= 6.0
    assert head_skin.volume_cm3(swollen) - head_skin.volume_cm3(rest) > LIMIT_CM3
    torn[cheek[0]] += [0.0, 0.0, 12.0]
    assert head_skin.sharpest_turn_deg(torn) > LIMIT_DEG
    afloat[brow, 1] -= 2.0
    assert (head_skin.brow_heights(afloat) - head_skin.brow_heights(rest)).max() > LIMIT_BROW_MM
