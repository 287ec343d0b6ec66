"""The embedded head as arrays: topology, symmetry, lids against eyeballs, lips."""

from __future__ import annotations

import ast
from pathlib import Path

import numpy as np
import pytest
from soliloquy.blender_addon.heads import correctives, lids, mouth
from soliloquy.blender_addon.heads.expressions import head_shapes
from soliloquy.blender_addon.heads.fields import face_fields
from soliloquy.blender_addon.heads.geometry import head_geometry
from soliloquy.blender_addon.heads.landmarks import landmarks
from soliloquy.blender_addon.heads.lip_section import lip_gaps
from soliloquy.inference.channels import ARKIT_52, mirror

HEADS = Path(__file__).resolve().parents[2] / "blender_addon" / "heads"
BPY_MODULES = {"build.py", "groups.py", "materials.py", "stage.py", "__init__.py", "neck.py", "shape_keys.py"}
BLINKS = (0.0, 0.25, 0.5, 0.75, 1.0)


def posed(**weights: float) -> np.ndarray:
    """The head's points [V, 3] mm with these shapes, correctives included."""
    return correctives.posed(weights)


def test_the_modules_of_the_geometry_import_no_bpy() -> None:
    for path in sorted(HEADS.glob("*.py")):
        if path.name in BPY_MODULES:
            continue
        imported = {
            name.split(".")[0]
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.Import | ast.ImportFrom)
            for name in (
                [node.module or ""]
                if isinstance(node, ast.ImportFrom) and not node.level
                else [a.name for a in node.names]
                if isinstance(node, ast.Import)
                else []
            )
        }
        assert not imported & {"bpy", "mathutils", "bmesh", "scipy"}, path.name


def test_the_mesh_is_mostly_quads_of_a_sane_number_and_every_vertex_is_used() -> None:
    head = head_geometry()
    assert 8_000 <= len(head.faces) <= 20_000
    assert np.mean(head.faces[:, 3] >= 0) > 0.9
    used = np.unique(head.faces)
    assert set(used[used >= 0]) == set(range(len(head.points)))
    assert np.isfinite(head.points).all()
    height = np.ptp(head.points[head.parts["skin"], 2][head.points[head.parts["skin"], 2] > 0])
    assert 220 < height < 250


def test_no_edge_of_the_skin_is_shared_by_more_than_two_faces_or_runs_the_same_way_twice() -> None:
    """Twice the same way would mean two neighbours of which one faces inwards."""
    faces = head_geometry().faces
    ring = [(f[:3] if f[3] < 0 else f) for f in faces.tolist()]
    directed = [(a, b) for f in ring for a, b in zip(f, [*f[1:], f[0]], strict=True)]
    assert len(directed) == len(set(directed))


def test_the_head_is_its_own_mirror_image() -> None:
    head = head_geometry()
    assert np.abs(head.points[head.mirror] * [-1, 1, 1] - head.points).max() < 1e-6
    assert (head.mirror[head.mirror] == np.arange(len(head.points))).all()


def test_all_52_shapes_are_there_in_order_and_each_moves_something() -> None:
    shapes = head_shapes()
    assert tuple(shapes) == ARKIT_52
    for name, delta in shapes.items():
        assert np.isfinite(delta).all(), name
        largest = np.linalg.norm(delta, axis=1).max()
        assert 1.5 < largest < 45, f"{name} moves {largest:.1f} mm"


@pytest.mark.parametrize("name", [n for n in ARKIT_52 if n not in ("jawRight", "mouthRight")])
def test_right_shapes_mirror_left_ones_and_middle_shapes_mirror_themselves(name: str) -> None:
    head, shapes = head_geometry(), head_shapes()
    expected = shapes[mirror(name)][head.mirror] * [-1, 1, 1]
    np.testing.assert_allclose(shapes[name], expected, atol=1e-5)


@pytest.mark.parametrize(
    "name", [n for n in ARKIT_52 if n.endswith("Left") and n not in ("jawLeft", "mouthLeft")]
)
def test_a_left_shape_moves_the_subjects_left_side(name: str) -> None:
    head, moved = head_geometry(), np.linalg.norm(head_shapes()[name], axis=1)
    assert head.points[np.argmax(moved), 0] > 0
    assert moved[head.points[:, 0] < -12].max(initial=0) < 0.05 * moved.max()


@pytest.mark.parametrize("name", ARKIT_52)
def test_a_shape_stays_where_its_muscles_are(name: str) -> None:
    """Skull, ears and the back of the neck stand still; brows leave the chin alone, lips the forehead."""
    head, delta, places = head_geometry(), head_shapes()[name], landmarks()
    skin = head.parts["skin"]
    moved = np.linalg.norm(delta[skin], axis=1)
    _, y, z = head.points[skin].T
    mouth_moves = name.startswith(("mouth", "cheekPuff", "jaw", "tongue"))
    still = (y > 45) | (z > places.brow_middle[1] + 55)
    still |= (z > places.brow_middle[1]) if mouth_moves else (z < places.corner[1] - 22)
    if not name.startswith(("jaw", "tongue")):
        still |= (y > 5) | (z < places.chin[1] - 45)
    assert moved[still].max() < 0.1


@pytest.mark.parametrize("amount", BLINKS)
@pytest.mark.parametrize(
    "other", [{}, {"eyeSquintLeft": 1.0}, {"eyeLookDownLeft": 1.0}, {"cheekSquintLeft": 1.0}]
)
def test_lids_stay_outside_the_eyeball(amount: float, other: dict[str, float]) -> None:
    head = head_geometry()
    points = posed(eyeBlinkLeft=amount, **other)
    lid = head.skin.eyes[0][1 : lids.RIM_LAYER + 2]
    distance = np.linalg.norm(points[lid] - lids.EYE_CENTRE, axis=-1)
    assert distance.min() > lids.EYE_RADIUS


def test_the_open_eye_shows_the_pupil_and_covers_the_top_of_the_iris() -> None:
    head = head_geometry()
    rim = head.points[head.skin.eyes[0][lids.RIM_LAYER + 1]] - lids.EYE_CENTRE
    middle = np.abs(rim[:, 0]) < 2
    top, bottom = rim[middle, 2].max(), rim[middle, 2].min()
    assert lids.PUPIL_RADIUS < top < lids.IRIS_RADIUS - 0.8
    assert -lids.IRIS_RADIUS - 0.5 < bottom < -lids.PUPIL_RADIUS


def test_a_blink_closes_the_eye() -> None:
    head, points = head_geometry(), posed(eyeBlinkLeft=1.0)
    rim = points[head.skin.eyes[0][lids.RIM_LAYER + 1]]
    half = len(rim) // 2
    upper = np.arange(1, half)
    gap = np.linalg.norm(rim[upper] - rim[len(rim) - upper], axis=1)
    assert gap.max() < 0.5


def test_a_lash_keeps_its_length_when_the_lid_turns() -> None:
    head, points = head_geometry(), posed(eyeBlinkLeft=1.0)
    strand = head.parts["lashesLeft"].reshape(-1, len(lids.LASH_X))
    before, after = (np.linalg.norm(p[strand[-1]] - p[strand[0]], axis=1) for p in (head.points, points))
    np.testing.assert_allclose(after, before, rtol=0.1)


def test_the_eyes_look_where_the_names_say() -> None:
    head, shapes = head_geometry(), head_shapes()
    ball = head.parts["eyeLeft"]
    pupil = ball[np.argmin(head.points[ball, 1])]
    assert shapes["eyeLookUpLeft"][pupil, 2] > 5
    assert shapes["eyeLookDownLeft"][pupil, 2] < -5
    assert shapes["eyeLookInLeft"][pupil, 0] < -5  # towards the nose
    assert shapes["eyeLookOutLeft"][pupil, 0] > 5


def test_lips_are_closed_at_rest_and_part_with_the_jaw() -> None:
    assert lip_gaps(head_geometry().points).max() < 0.3
    opened = lip_gaps(posed(jawOpen=1.0))
    assert opened.max() > 20
    assert (np.diff([lip_gaps(posed(jawOpen=w)).max() for w in (0, 0.1, 0.3, 0.6, 1.0)]) > 1.0).all()


@pytest.mark.parametrize("amount", [0.25, 0.5, 1.0])
def test_mouth_close_brings_the_lips_of_an_open_jaw_together(amount: float) -> None:
    assert lip_gaps(posed(jawOpen=amount, mouthClose=amount)).max() < 1.5


def test_shapes_that_do_not_part_the_lips_keep_them_closed() -> None:
    for pair in ("mouthSmile", "mouthFrown", "mouthPress", "mouthDimple", "mouthStretch"):
        assert lip_gaps(posed(**{f"{pair}Left": 1.0, f"{pair}Right": 1.0})).max() < 1.0, pair
    for name in ("mouthPucker", "mouthLeft", "cheekPuff"):
        assert lip_gaps(posed(**{name: 1.0})).max() < 1.0, name


def test_an_open_jaw_shows_the_teeth_and_takes_lower_teeth_and_tongue_along() -> None:
    head, points, shapes = head_geometry(), posed(jawOpen=1.0), head_shapes()
    contact = head.skin.mouth[mouth.OUTER_LAYERS + mouth.CONTACT_LAYER]
    upper_lip = points[contact[len(contact) // 4], 2]
    lower_lip = points[contact[3 * len(contact) // 4], 2]
    upper_teeth = points[head.parts["teethUpperLeft"], 2].min()
    lower_teeth = points[head.parts["teethLowerLeft"]]
    front = lower_teeth[lower_teeth[:, 0] < 8, 2].max()
    assert lower_lip < upper_teeth < upper_lip - 1.5
    assert lower_lip < front < upper_lip
    tip = head.parts["tongue"][np.argmin(head.points[head.parts["tongue"], 1])]
    assert shapes["jawOpen"][tip, 2] < -15
    assert np.abs(shapes["jawOpen"][head.parts["teethUpperLeft"]]).max() == 0


def test_teeth_stay_behind_the_closed_lips() -> None:
    head = head_geometry()
    inner = head.points[head.skin.mouth[mouth.LINING_START]]
    for part in ("teethUpperLeft", "teethLowerLeft"):
        tooth = head.points[head.parts[part]]
        tooth = tooth[tooth[:, 0] < 18]
        ahead = np.interp(tooth[:, 0], *_by_x(inner))
        assert (tooth[:, 1] > ahead).all(), part


def _by_x(ring: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    upper = ring[: len(ring) // 2 + 1][::-1]
    return upper[:, 0], upper[:, 1]


@pytest.mark.parametrize(
    "pose", [{}, {"jawOpen": 0.5}, {"tongueOut": 1.0}, {"mouthFunnel": 1.0}, {"mouthPucker": 1.0}]
)
def test_the_mouths_lining_stays_behind_the_skin(pose: dict[str, float]) -> None:
    rings = head_geometry().skin.mouth
    points = posed(**pose)
    for quarter, grid_rows in ((rings.shape[1] // 4, 1), (3 * rings.shape[1] // 4, -1)):
        skin = points[rings[: mouth.LINING_START - 1, quarter]]
        lining = points[rings[mouth.LINING_START : mouth.LINING_START + 3, quarter]]
        order = np.argsort(skin[:, 2])
        ahead = np.interp(lining[:, 2], skin[order, 2], skin[order, 1])
        assert (lining[:, 1] > ahead + 1.0).all(), f"side {grid_rows}"


@pytest.mark.parametrize("jaw", [0.0, 0.1])
def test_tongue_out_passes_between_the_lips_and_the_teeth(jaw: float) -> None:
    head, points = head_geometry(), posed(tongueOut=1.0, jawOpen=jaw)
    tongue = points[head.parts["tongue"]]
    contact = points[head.skin.mouth[mouth.OUTER_LAYERS + mouth.CONTACT_LAYER]]
    assert tongue[:, 1].min() < contact[:, 1].min() - 5
    at_lips = tongue[(np.abs(tongue[:, 0]) < 3) & (np.abs(tongue[:, 1] - contact[:, 1].min()) < 6)]
    assert at_lips[:, 2].max() < contact[len(contact) // 4, 2] + 1.0
    assert at_lips[:, 2].min() > contact[3 * len(contact) // 4, 2] - 1.0


def test_halves_of_a_paired_shape_add_up_over_the_middle() -> None:
    fields = face_fields()
    left = fields.left
    np.testing.assert_allclose(left + left[head_geometry().mirror], 1.0, atol=1e-9)
