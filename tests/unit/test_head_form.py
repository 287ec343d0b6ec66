"""The form of the embedded head: its layout of quads, its UVs and colours, and what styles change."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from soliloquy.blender_addon.heads import age, dressing, hair, lids, mouth, nose, paint, sculpt, unwrap, warp
from soliloquy.blender_addon.heads.geometry import HeadGeometry, head_geometry
from soliloquy.blender_addon.heads.style import DEFAULT, VARIANTS


def _skin_faces(head: HeadGeometry) -> np.ndarray:
    skin = np.concatenate([head.parts[part] for part in ("skin", "earLeft", "earRight")])
    return head.faces[np.isin(head.faces[:, 0], skin)]


def _edges(faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Every edge [E, 2] once, and in how many faces it is."""
    quads = np.where(faces < 0, faces[:, [0]], faces)
    pairs = np.sort(np.stack([quads, np.roll(quads, -1, axis=1)], axis=-1).reshape(-1, 2), axis=1)
    return np.unique(pairs[pairs[:, 0] != pairs[:, 1]], axis=0, return_counts=True)


def test_the_skin_is_one_sheet_with_ears_nostrils_and_mouth_that_is_open_at_the_neck_and_the_lids_only() -> (
    None
):
    head = head_geometry()
    edges, count = _edges(_skin_faces(head))
    border = np.unique(edges[count == 1])
    neck, linings = head.skin.grid[0], [rings[-1] for rings in head.skin.eyes]
    assert set(border) == set(np.concatenate([neck, *linings]))
    assert count.max() == 2
    parent = np.arange(len(head.points))
    for _ in range(400):  # every vertex takes the least index of its neighbourhood until nothing changes
        before = parent.copy()
        np.minimum.at(parent, edges[:, 0], parent[edges[:, 1]])
        np.minimum.at(parent, edges[:, 1], parent[edges[:, 0]])
        parent = parent[parent]
        if (parent == before).all():
            break
    assert len(np.unique(parent[edges])) == 1


@pytest.mark.parametrize("feature", ["mouth", "left eye", "right eye", "nose", "left nostril", "left ear"])
def test_loops_run_round_every_feature(feature: str) -> None:
    head = head_geometry()
    skin = head.skin
    rings = {
        "mouth": skin.mouth, "left eye": skin.eyes[0], "right eye": skin.eyes[1], "nose": skin.nose,
        "left nostril": skin.nostrils[0], "left ear": skin.ears[0],
    }[feature]  # fmt: skip
    edges = {tuple(edge) for edge in _edges(head.faces)[0].tolist()}
    assert len(rings) >= 3
    for ring in rings:
        closed = zip(ring.tolist(), np.roll(ring, -1).tolist(), strict=True)
        assert all(tuple(sorted(pair)) in edges for pair in closed)
    for inner, outer in pairwise(rings.tolist()):
        assert all(tuple(sorted(pair)) in edges for pair in zip(inner, outer, strict=True))


def test_all_but_tips_of_the_skin_are_quads() -> None:
    faces = _skin_faces(head_geometry())
    assert np.mean(faces[:, 3] >= 0) > 0.97


def test_the_skin_lies_on_the_sculpt() -> None:
    head = head_geometry()
    grid = head.skin.grid[head.skin.grid >= 0]
    grid = np.setdiff1d(grid, head.skin.grid[0])
    assert np.abs(sculpt.distance(head.points[grid])).max() < 0.3


def test_the_nostrils_are_holes_that_lead_up_into_the_nose() -> None:
    head = head_geometry()
    rim, deepest = (head.points[head.skin.nostrils[0][k]] for k in (0, -1))
    assert deepest[:, 2].mean() > rim[:, 2].mean() + 5
    assert sculpt.distance(deepest).max() < -1.0
    assert (nose.NOSTRIL_ROWS[1] - nose.NOSTRIL_ROWS[0] + 3) * 2 == len(head.skin.nostrils[0][0])


def test_the_eye_has_a_bulging_cornea_before_a_hollow_iris_within_its_bound() -> None:
    head = head_geometry()
    cornea = head.points[head.parts["corneaLeft"]] - lids.EYE_CENTRE
    ball = head.points[head.parts["eyeLeft"]] - lids.EYE_CENTRE
    assert np.linalg.norm(cornea, axis=1).max() < lids.EYE_RADIUS
    assert np.linalg.norm(ball, axis=1).max() < lids.SCLERA_RADIUS + 0.01
    iris = np.hypot(ball[:, 0], ball[:, 2]) < lids.IRIS_RADIUS + 0.01
    iris &= ball[:, 1] < 0
    assert cornea[:, 1].min() < ball[iris, 1].min() - 2.5


def test_the_upper_lip_has_a_bow_with_its_dip_in_the_middle() -> None:
    height = mouth.lip_height(np.array([0.0, 0.27, 0.6, 1.0]) * mouth.HALF_WIDTH, np.True_)
    assert height[1] > height[0] + 1.0
    assert height[1] > height[2] > height[3]


def test_uvs_fill_the_square_and_islands_of_different_parts_do_not_overlap() -> None:
    head = head_geometry()
    uvs = unwrap.corner_uvs(head)
    used = uvs[head.faces >= 0]
    assert np.isfinite(used).all()
    assert used.min() >= -1e-6
    assert used.max() <= 1 + 1e-6
    owner: dict[tuple[int, int], str] = {}
    whole = ("earLeft", "earRight")
    for part, index in head.parts.items():
        name = "skin" if part in whole else part.removesuffix("Left").removesuffix("Right")
        centres = uvs[np.isin(head.faces[:, 0], index)].mean(axis=1)
        for cell in {tuple(c) for c in (centres * 400).astype(int).tolist()}:
            assert owner.setdefault(cell, name) == name, f"{name} lies on {owner[cell]}"


def test_the_skins_uvs_are_mirrored_about_the_middle() -> None:
    head = head_geometry()
    uvs = unwrap.corner_uvs(head)
    flat = np.full((len(head.points), 2), np.nan)
    flat[head.faces[head.faces >= 0]] = uvs[head.faces >= 0]
    front = head.parts["skin"][head.points[head.parts["skin"], 1] < -30]
    other = head.mirror[front]
    np.testing.assert_allclose(flat[front, 0] + flat[other, 0], 1.0, atol=0.02)
    np.testing.assert_allclose(flat[front, 1], flat[other, 1], atol=0.02)


@pytest.mark.parametrize("name", VARIANTS)
def test_every_style_has_the_same_layout_and_is_its_own_mirror_image(name: str) -> None:
    head, first = head_geometry(VARIANTS[name]), head_geometry()
    assert (head.faces == first.faces).all()
    assert (head.mirror == first.mirror).all()
    assert np.abs(head.points[head.mirror] * [-1, 1, 1] - head.points).max() < 1e-6
    tints = paint.tints(head, VARIANTS[name])
    assert tints.shape == (len(head.points), 4)
    assert tints.min() >= 0
    assert tints.max() <= 1


def test_styles_differ_from_each_other_by_millimetres_and_keep_lids_and_lips_where_keys_expect_them() -> None:
    heads = [warp.bend(head_geometry(style).points, style) for style in VARIANTS.values()]
    skin = head_geometry().parts["skin"]
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert np.linalg.norm(heads[one][skin] - heads[other][skin], axis=1).mean() > 1.5
    still = np.concatenate([rings[-8:].ravel() for rings in head_geometry().skin.eyes])
    contact = head_geometry().skin.mouth[mouth.OUTER_LAYERS + mouth.CONTACT_LAYER]
    for style in VARIANTS.values():
        moved = head_geometry(style).points - head_geometry().points
        assert np.abs(moved[still]).max() < 1e-9
        assert np.abs(moved[contact][:, 2]).max() < 1e-9


@pytest.mark.parametrize("name", VARIANTS)
def test_hair_stands_off_the_head_and_leaves_the_face_free(name: str) -> None:
    style = VARIANTS[name]
    points = hair.hair(style).points
    assert np.isfinite(points).all()
    distance = sculpt.distance(points, style)
    assert np.mean(distance > -0.5) > 0.75
    assert distance.max() < 40
    face = (np.abs(points[:, 0]) < 40) & (points[:, 1] < -50) & (points[:, 2] < 140)
    assert not face.any()


@pytest.mark.parametrize("name", VARIANTS)
def test_hair_is_light_covers_all_of_the_scalp_and_has_uvs_along_its_strands(name: str) -> None:
    style = VARIANTS[name]
    made = hair.hair(style)
    assert len(made.faces) < 9_000
    assert made.faces.max() == len(made.points) - 1
    assert made.tints.min() >= 0
    assert made.tints.max() <= 1
    root = made.uvs[:, 1] < 0.2
    tip = made.uvs[:, 1] > 0.8
    assert made.tints[tip, :3].mean() > 1.2 * made.tints[root, :3].mean()
    skin = head_geometry(style)
    scalp = skin.points[skin.parts["skin"]]
    scalp = scalp[hair.cover(scalp, style) > 0.9 * hair.cover(scalp, style).max()]
    nearest = [np.linalg.norm(made.points - point, axis=1).min() for point in scalp]
    assert max(nearest) < 25


def test_the_default_is_the_first_variant_and_names_are_apart() -> None:
    assert next(iter(VARIANTS.values())) == DEFAULT
    assert len({style.name for style in VARIANTS.values()}) == len(VARIANTS)


def test_age_lies_in_furrows_that_are_deeper_than_what_is_beside_them_and_leaves_the_young_alone() -> None:
    assert not age.share(DEFAULT)
    old = replace(DEFAULT, age=1.0)
    forehead = sculpt.front_point(np.zeros(3), np.array([153.0, 158.5, 164.0]), old)
    plain = sculpt.front_point(np.zeros(3), np.array([153.0, 158.5, 164.0]))
    sunk = forehead[:, 1] - plain[:, 1]
    assert sunk[1] > sunk[[0, 2]].max() + 1.0
    jowl = np.array([[70.0, -46.0, 20.0]])
    assert sculpt.cast(jowl, (-1, 0, 0), old)[0, 0] > sculpt.cast(jowl, (-1, 0, 0))[0, 0] + 1.5


def test_the_neck_leans_forwards_from_the_collar_to_the_head_and_is_narrower_than_the_jaw() -> None:
    def middle(z: float) -> float:
        front, back = (
            sculpt.cast(np.array([[0.0, y, z]]), (0, way, 0))[0, 1] for y, way in ((-90, 1), (140, -1))
        )
        return (front + back) / 2

    lean = np.degrees(np.arctan2(middle(-40.0) - middle(-15.0), 25.0))
    assert 10 < lean < 35

    def half_width(y: float, z: float) -> float:
        return float(sculpt.cast(np.array([[110.0, y, z]]), (-1, 0, 0))[0, 0])

    assert half_width(16.0, -4.0) < half_width(-4.0, 42.0)


def test_the_collar_runs_smoothly_round_the_neck() -> None:
    for style in VARIANTS.values():
        points, faces = dressing.shirt(style)
        edges, count = _edges(faces)
        border = points[np.unique(edges[count == 1])]
        rim = border[border[:, 2] > -100]
        way = np.roll(rim, -1, axis=0) - rim
        way /= np.linalg.norm(way, axis=1, keepdims=True)
        turns = np.degrees(np.arccos(np.clip(np.einsum("ni,ni->n", way, np.roll(way, 1, axis=0)), -1, 1)))
        assert turns.max() < 25
