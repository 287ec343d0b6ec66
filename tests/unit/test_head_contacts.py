"""Nothing of the head goes through anything else when it moves, soft parts keep their volume, lips shut."""

from __future__ import annotations

import head_contacts
import pytest
from soliloquy.blender_addon.heads.geometry import head_geometry
from soliloquy.blender_addon.heads.lip_section import lip_gaps
from soliloquy.blender_addon.heads.style import VARIANTS

EXPLAINED = {"lip in lip": ("mouthClose 0.5", "mouthClose 1.0", "jawOpen 0.5 + mouthClose 1.0")}
"""mouthClose takes back what jawOpen does to the lips: with less jaw than that they cross."""


@pytest.mark.parametrize("measure", head_contacts.MEASURES)
def test_parts_stay_out_of_each_other(measure: str) -> None:
    row = head_contacts.table()[measure]
    left = {
        name: round(mm, 2)
        for name, mm in row.items()
        if mm > head_contacts.LIMIT_MM and name not in EXPLAINED.get(measure, ())
    }
    assert not left


@pytest.mark.parametrize("solid", ["upper lip", "lower lip", "tongue"])
def test_soft_parts_keep_their_volume(solid: str) -> None:
    least, most, where = head_contacts.volumes()[solid]
    assert least > 0.6, where
    assert most < 1.5, where


@pytest.mark.parametrize("pose", head_contacts.CLOSED)
def test_shut_mouths_let_no_light_through(pose: str) -> None:
    assert head_contacts.closed()[pose] <= head_contacts.CLOSED_MM


_ROLLED_IN = {"mouthRollLower 1.0", "mouthRollUpper 1.0", "both lips rolled"}
"""Lips fuller or thinner than those the shapes were made on leave a slit where they roll in wholly."""
_OF_EVERY_FACE = {
    **head_contacts.SPOKEN,
    **{name: weights for name, weights in head_contacts.CLOSED.items() if name not in _ROLLED_IN},
    **{
        f"{name} {w}": head_contacts.both_sides(**{name: w})
        for name in ("eyeBlink", "eyeSquint")
        for w in (0.5, 1.0)
    },
}


@pytest.mark.parametrize("style", list(VARIANTS)[1:])
def test_other_faces_blink_speak_and_shut_their_mouths_as_the_first_does(style: str) -> None:
    found = {}
    for name, weights in _OF_EVERY_FACE.items():
        points = head_contacts.moved(weights, VARIANTS[style])
        for title, measure in head_contacts.MEASURES.items():
            if (mm := measure(points)) > head_contacts.LIMIT_MM + 0.1:
                found[name, title] = round(mm, 2)
        if name in head_contacts.CLOSED and (mm := lip_gaps(points).max()) > head_contacts.CLOSED_MM + 0.1:
            found[name, "light"] = round(mm, 2)
    assert not found


def test_the_measures_find_what_is_pushed_together() -> None:
    points = head_geometry().points.copy()
    points[head_geometry().parts["tongue"], 1] -= 8.0
    assert head_contacts.MEASURES["tongue in teeth"](points) > 1.0
    points = head_geometry().points.copy()
    points[head_contacts.lip_solid(1).vertices, 2] -= 2.0
    assert head_contacts.MEASURES["lip in lip"](points) > 1.0
    points = head_geometry().points.copy()
    points[head_geometry().skin.eyes[0], 1] += 4.0
    assert head_contacts.MEASURES["lids in eyes"](points) > 1.0
