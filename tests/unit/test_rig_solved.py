"""Visemes and 3DMM coefficients: the solved keys move the face as the ARKit channels would."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import rig_helpers as faces
from soliloquy.inference.channels import ARKIT_52
from soliloquy.inference.errors import RigError
from soliloquy.inference.lip_basis import REST_MM, lip_curves
from soliloquy.inference.names import match_channels
from soliloquy.inference.rig_basis import Basis, read_basis
from soliloquy.inference.rig_match import map_rig
from soliloquy.inference.rig_names import presets
from soliloquy.inference.rig_shapes import LOWER_FACE, direct_share, speech_poses
from soliloquy.inference.rig_solve import solve_keys
from soliloquy.inference.rig_source import RigSource

SOUNDS = ["sil", "PP", "FF", "TH", "DD", "kk", "CH", "SS", "nn", "RR", "aa", "E", "I", "O", "U"]


def recipes(title):
    preset = next(preset for preset in presets() if preset.title.startswith(title))
    return preset.visemes


def viseme_face(title, names, scale=1.0):
    """The built-in head with keys for sounds, made of its ARKit shapes; and its two blinks."""
    head = faces.built_in_head()
    shapes = faces.dense(head)
    made = {}
    for name, sound in names.items():
        recipe = recipes(title)[sound.lower()]
        made[name] = sum((w * scale * shapes[c] for c, w in recipe.items()), np.zeros_like(head.points))
    made |= {name: shapes[name] for name in ("eyeBlinkLeft", "eyeBlinkRight")}
    return faces.key_set("Face", head.points, made)


def spoken(rows=400, seed=2):
    """float32 [T, C], mouths between the sounds of speech, smooth in time; every tenth one is closed."""
    generator = np.random.default_rng(seed)
    poses = speech_poses()
    steps = generator.integers(0, len(poses), rows // 8 + 2)
    at = np.linspace(0, len(steps) - 1.001, rows)
    share = (at % 1)[:, None]
    values = poses[steps[at.astype(int)]] * (1 - share) + poses[steps[at.astype(int) + 1]] * share
    return (0.8 * values).astype(np.float32)


def lips(weights, names, title):
    mix = np.array([[recipes(title)[s.lower()].get(c, 0.0) for c in LOWER_FACE] for s in names], np.float32)
    return lip_curves(weights @ mix, LOWER_FACE)


@pytest.mark.parametrize(
    ("title", "sounds"),
    [
        ("Oculus", SOUNDS),
        ("Rhubarb", list("ABCDEFGHX")),
        ("Preston", ["AI", "E", "O", "U", "L", "WQ", "MBP", "FV", "etc", "rest"]),
        ("VRM", list("AIUEO")),
        ("Microsoft", [str(i) for i in range(22)]),
    ],
)
def test_named_sounds_open_and_widen_the_lips_as_the_channels_do(title, sounds):
    keys = viseme_face(title, {f"viseme_{sound}": sound for sound in sounds})
    rig_map = map_rig(RigSource((keys,)))
    (solved,) = rig_map.solved
    assert len(solved.data_paths) == len(sounds)
    assert {t.channel for t in rig_map.targets} == {"eyeBlinkLeft", "eyeBlinkRight"}
    values = spoken()
    weights = solve_keys(solved, values[:, [LOWER_FACE.index(c) for c in solved.channels]])
    assert weights.min() >= 0.0
    assert weights.max() <= 1.0
    aperture_mm, width_mm = lip_curves(values, LOWER_FACE)
    shown_mm, shown_width_mm = lips(weights, sounds, title)
    assert np.corrcoef(aperture_mm, shown_mm)[0, 1] > 0.95
    assert np.corrcoef(width_mm, shown_width_mm)[0, 1] > 0.75
    assert np.abs(aperture_mm - shown_mm).mean() < 1.5
    closed = aperture_mm < REST_MM[0]
    assert closed.any()
    assert shown_mm[closed].max() < REST_MM[0] + 0.1  # lips meet on p, b and m


def test_a_single_sound_is_shown_by_its_own_key():
    keys = viseme_face("Oculus", {f"viseme_{sound}": sound for sound in SOUNDS})
    (solved,) = map_rig(RigSource((keys,))).solved
    weights = solve_keys(solved, speech_poses()[:, [LOWER_FACE.index(c) for c in solved.channels]])
    own = {sound: weights[i - 1, i] for i, sound in enumerate(SOUNDS) if sound != "sil"}
    for sound in ("PP", "TH", "I", "U"):  # others are nearly mixtures: d of t and n, e of a and i
        assert own[sound] > 0.7, sound
        assert own[sound] == weights[SOUNDS.index(sound) - 1].max(), sound
    assert not weights[:, 0].any()  # silence moves nothing


def test_sounds_are_left_alone_where_arkit_keys_are():
    head = faces.built_in_head()
    shapes = faces.dense(head) | faces.dense(viseme_face("Oculus", {f"viseme_{s}": s for s in SOUNDS}))
    rig_map = map_rig(RigSource((faces.key_set("Face", head.points, shapes),)))
    assert rig_map.solved == ()
    assert rig_map.unmatched == ()
    assert not any("viseme" in t.data_path for t in rig_map.targets)


def test_sounds_with_foreign_names_are_solved_by_what_they_move():
    names = {f"morlu {'abcdefghijklmno'[i]}x": sound for i, sound in enumerate(SOUNDS) if sound != "sil"}
    keys = viseme_face("Oculus", names)
    rig_map = map_rig(RigSource((keys,)))
    (solved,) = rig_map.solved
    assert {"eyeBlinkLeft", "eyeBlinkRight"} <= {t.channel for t in rig_map.targets}
    values = spoken()
    weights = solve_keys(solved, values[:, [LOWER_FACE.index(c) for c in solved.channels]])
    order = [names[path.removeprefix('key_blocks["').removesuffix('"].value')] for path in solved.data_paths]
    shown_mm, _ = lips(weights, order, "Oculus")
    assert np.corrcoef(lip_curves(values, LOWER_FACE)[0], shown_mm)[0, 1] > 0.9


def test_teeth_with_the_same_sounds_follow():
    keys = viseme_face("Oculus", {f"viseme_{sound}": sound for sound in SOUNDS})
    shapes = faces.dense(keys)
    teeth = faces.key_set("Teeth", keys.points, {"viseme_aa": shapes["viseme_aa"]})
    (solved,) = map_rig(RigSource((keys, teeth))).solved
    assert solved.object == "Face"
    assert solved.copies == (("Teeth", 'key_blocks["viseme_aa"].value', SOUNDS.index("aa")),)


def test_all_channels_of_the_lower_face_show_all_of_speech():
    assert direct_share(frozenset(LOWER_FACE)) == 1.0
    assert 0.2 < direct_share(frozenset({"jawOpen"})) < 0.9
    assert direct_share(frozenset()) == 0.0


# --- 3DMM


@cache
def coefficients_face(face, count, seed=0):
    """The same mesh with `count` numbered principal directions of its own expressions."""
    keys = face()
    shapes = np.stack(list(faces.dense(keys).values()))
    generator = np.random.default_rng(seed)
    samples = generator.random((200, len(shapes))) * (generator.random((200, len(shapes))) < 0.2)
    samples -= samples.mean(axis=0)
    flat = shapes.reshape(len(shapes), -1)
    _, directions = np.linalg.eigh(samples @ (flat @ flat.T) @ samples.T)
    mix = directions[:, ::-1][:, :count].T @ samples / np.sqrt(200)
    moved = np.tensordot(mix, shapes, 1)
    named = {f"Exp{i:03d}": delta for i, delta in enumerate(moved)}
    ranges = dict.fromkeys(named, (-5.0, 5.0))
    return replace(faces.key_set("Model", keys.points, named), ranges=ranges)


def test_a_3dmm_with_its_basis_file_moves_as_the_arkit_face():
    keys = faces.ict_face()
    model = coefficients_face(faces.ict_face, 40)
    rig_map = map_rig(RigSource((model,)), read_basis(faces.ICT))
    (solved,) = rig_map.solved
    assert rig_map.unmatched == ("tongueOut",)
    assert (solved.minimum, solved.maximum) == (-5.0, 5.0)
    shapes = faces.dense(keys)
    effects = np.stack([sum(shapes[n] for n in match_channels(keys.names)[c]) for c in solved.channels])
    values = np.zeros((len(spoken(60)), len(solved.channels)), np.float32)
    for i, channel in enumerate(LOWER_FACE):
        if channel in solved.channels:
            values[:, solved.channels.index(channel)] = spoken(60)[:, i]
    wanted_cm = np.tensordot(values, effects, 1)
    shown_cm = np.tensordot(solve_keys(solved, values), np.stack(list(faces.dense(model).values())), 1)
    lips_at = np.load(faces.ICT)["landmarks68"][48:]
    off_mm = 10 * np.linalg.norm((shown_cm - wanted_cm)[:, lips_at], axis=2)
    assert off_mm.mean() < 0.2
    assert off_mm.max() < 1.0


def test_a_3dmm_without_a_basis_file_is_measured():
    model = coefficients_face(faces.ict_face, 40)
    rig_map = map_rig(RigSource((model,)))
    (solved,) = rig_map.solved
    assert len(solved.data_paths) == 40
    assert solved.channels == ARKIT_52
    values = np.zeros((101, 52), np.float32)
    values[:, ARKIT_52.index("jawOpen")] = np.linspace(0, 1, 101)
    shown = np.tensordot(solve_keys(solved, values), np.stack(list(faces.dense(model).values())), 1)
    inner = np.load(faces.ICT)["landmarks68"][[62, 66]]
    aperture_cm = shown[:, inner[0], 2] - shown[:, inner[1], 2]
    assert np.corrcoef(aperture_cm, values[:, ARKIT_52.index("jawOpen")])[0, 1] > 0.99
    assert aperture_cm[-1] > 1.0


def test_published_coefficients_are_taken_as_they_are(tmp_path):
    path = tmp_path / "flame.npz"
    table = np.random.default_rng(1).normal(size=(3, 12)).astype(np.float32) * 0.3
    np.savez(path, channels=["jawOpen", "mouth_smile_L", "mouthPucker"], coefficients=table)
    model = coefficients_face(faces.ict_face, 12)
    (solved,) = map_rig(RigSource((model,)), read_basis(path)).solved
    assert solved.channels == ("jawOpen", "mouthPucker", "mouthSmileLeft")
    values = np.eye(3, dtype=np.float32)
    np.testing.assert_allclose(solve_keys(solved, values), table[[0, 2, 1]], atol=1e-3)


@pytest.mark.parametrize("spelling", ["Exp{:03d}", "exp_{}", "expression_{:02d}", "FLAME.exp.{}", "psi{}"])
def test_a_flame_like_head_is_known_in_every_spelling(spelling):
    """Identity (Shape000) and pose correctives (Pose000) stay as the artist has them; the jaw is a bone."""
    model = coefficients_face(faces.ict_face, 40)
    spelt = {spelling.format(i): delta for i, delta in enumerate(faces.dense(model).values())}
    generator = np.random.default_rng(3)
    rough = [generator.normal(scale=0.1, size=model.points.shape).astype(np.float32) for _ in range(12)]
    whose = {f"Shape{i:03d}": delta for i, delta in enumerate(rough)}
    poses = {f"Pose{i:03d}": delta for i, delta in enumerate(rough)}
    keys = faces.key_set("Model", model.points, whose | spelt | poses)
    table = np.random.default_rng(1).normal(size=(3, 40)).astype(np.float32) * 0.2
    table[0] = 0.0  # its expressions do not open the jaw
    basis = Basis(("jawOpen", "mouthPucker", "mouthSmileLeft"), coefficients=table)
    jaw = faces.bone("jaw", (0.0, 0.0, 0.0))
    rig_map = map_rig(RigSource((keys,), (jaw,)), basis)
    (solved,) = rig_map.solved
    assert [path.split('"')[1] for path in solved.data_paths] == list(spelt)
    assert {t.channel: t.kind for t in rig_map.targets}["jawOpen"] == "BONE"
    assert "jawOpen" not in rig_map.unmatched
    wide = replace(solved, minimum=-5.0, maximum=5.0)
    np.testing.assert_allclose(solve_keys(wide, np.eye(3, dtype=np.float32)[1:]), table[1:], atol=1e-3)


def test_a_jaw_key_beside_the_coefficients_opens_the_jaw():
    model = coefficients_face(faces.ict_face, 40)
    shapes = faces.dense(faces.ict_face())
    keys = faces.key_set("Model", model.points, faces.dense(model) | {"jaw_open": shapes["jawOpen"]})
    basis = Basis(("mouthPucker",), coefficients=np.ones((1, 40), np.float32))
    found = map_rig(RigSource((keys,)), basis)
    assert {t.channel: t.data_path for t in found.targets}["jawOpen"] == 'key_blocks["jaw_open"].value'
    assert "mouthPucker" not in found.unmatched


@pytest.mark.parametrize(
    "arrays",
    [
        {},
        {"channels": ["jawOpen"], "coefficients": np.zeros((2, 5))},
        {"channels": ["nonsense"], "coefficients": np.zeros((1, 5))},
        {"channels": ["jawOpen"], "coefficients": np.full((1, 5), np.nan)},
        {
            "neutral": np.zeros((4, 3)),
            "expression_names": ["jawOpen"],
            "expression_deltas": np.zeros((1, 5, 3)),
        },
    ],
)
def test_what_is_no_basis_is_refused(tmp_path, arrays):
    path = tmp_path / "basis.npz"
    np.savez(path, **arrays)
    with pytest.raises(RigError, match="is no basis of a face model"):
        read_basis(path)


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04 damaged", b"text"])
def test_a_damaged_basis_is_refused(tmp_path, data):
    path = tmp_path / "basis.npz"
    path.write_bytes(data)
    with pytest.raises(RigError):
        read_basis(path)


def test_a_basis_of_another_mesh_is_refused():
    model = coefficients_face(faces.built_in_head, 10)
    few = Basis(("jawOpen",), np.zeros((5, 3), np.float32), np.zeros((1, 5, 3), np.float32))
    with pytest.raises(RigError, match="vertices"):
        map_rig(RigSource((model,)), few)
    generator = np.random.default_rng(0)
    scattered = generator.normal(size=model.points.shape).astype(np.float32)
    with pytest.raises(RigError, match="do not lie"):
        map_rig(RigSource((model,)), Basis(("jawOpen",), scattered, scattered[None]))
    with pytest.raises(RigError, match="coefficients"):
        map_rig(RigSource((model,)), Basis(("jawOpen",), coefficients=np.zeros((1, 3), np.float32)))
