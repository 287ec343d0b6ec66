"""A captured face on a 3D head: where it lands, what it shows, and where it is no longer trusted."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.append(str(Path(__file__).resolve().parents[1]))
pytest.importorskip("OpenImageIO")
pytest.importorskip("onnx")

import actor_helpers as tiny
from soliloquy.inference.actor.folder import ActorError
from soliloquy.inference.actor.media.images import read_channels, read_image
from soliloquy.inference.actor.painting import head_track, pass_jobs, raster, skin
from soliloquy.inference.actor.painting.render import Painter
from soliloquy.inference.types import FrameRate

SCALE = 0.1
"""Of the 3D head's own unit in centimetres: decimetres."""


@pytest.fixture(scope="module")
def actor(tmp_path_factory):
    return tiny.make_tiny_actor(tmp_path_factory.mktemp("skin"))


def own_space() -> np.ndarray:
    """[4, 4] from the actor's head space to that of a 3D head modelled elsewhere, lying on its side."""
    turn = np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]], float)
    out = np.eye(4)
    out[:3, :3], out[:3, 3] = turn * SCALE, (3, -2, 1)
    return out


def track_of(face, poses: np.ndarray, **changed) -> head_track.HeadTrack:
    """A 3D head with the actor's proportions, in poses [T, 4, 4] camera <- the actor's head space."""
    space = own_space()
    points = skin.reference_points(face) @ space[:3, :3].T + space[:3, 3]
    count = len(poses)
    track = head_track.HeadTrack(
        tiny.WIDTH,
        tiny.HEIGHT,
        FrameRate(24),
        points,
        np.arange(10, 10 + count, dtype=np.int32),
        poses.astype(np.float64) @ np.linalg.inv(space),
        np.full(count, tiny.FOCAL_PX),
        np.tile([tiny.WIDTH / 2, tiny.HEIGHT / 2], (count, 1)),
    )
    return replace(track, **changed)


def turned(pose: np.ndarray, degrees: float) -> np.ndarray:
    """A pose with its head turned on the spot."""
    yaw = np.radians(degrees)
    turn = np.eye(4)
    turn[0, 0] = turn[2, 2] = np.cos(yaw)
    turn[0, 2], turn[2, 0] = np.sin(yaw), -np.sin(yaw)
    return pose @ turn


def painted(actor, track, tmp_path, frames=4):
    head_track.write_track(tmp_path / "track.json", track)
    line = pass_jobs.Line("curves", actor.actor.face, tiny.tiny_motion(frames))
    told = []
    job = pass_jobs.SkinJob(actor.actor.folder, tmp_path / "track.json", line, tmp_path / "pass")
    pass_jobs.paint_skin(job, None, notify=told.append)
    return [read_channels(tmp_path / "pass" / f"pass.{n:04d}.exr")[0] for n in track.numbers], told


def test_seen_as_it_was_captured_the_skin_is_the_plate(actor, tmp_path):
    frames, told = painted(actor, track_of(actor.face, actor.take.head[:1]), tmp_path)
    source = next(sentence for sentence in told if sentence.startswith("The skin is that of frame"))
    number = int(source.split()[6])
    plate = read_image(actor.plate / f"plate.{number:04d}.png").astype(np.float32) / 255
    shown = np.stack([frames[0][name] for name in "RGB"], 2)
    linear = np.where(plate <= 0.04045, plate / 12.92, ((plate + 0.055) / 1.055) ** 2.4)
    above = np.arange(tiny.HEIGHT)[:, None] < actor.take.landmarks[0, 1, 1]  # the nose: nothing is painted
    there = (frames[0]["matte.V"] > 0.5) & above
    assert there.sum() > 100
    assert np.abs(shown - linear)[there].mean() < 0.01
    assert (frames[0]["matte.V"] == 0).any()
    assert frames[0]["confidence.V"].max() > 0.5


def test_the_head_may_have_any_unit_and_any_space(actor):
    painter = Painter(actor.actor)
    poses = actor.take.head[:2]
    plan = skin.plan_skin(painter, track_of(actor.face, poses), tiny.tiny_motion(4))
    assert np.allclose(plan.pose, poses, atol=1e-5)


def test_turned_further_than_captured_confidence_fades(actor, tmp_path):
    pose = actor.take.head[0]
    poses = np.stack([turned(pose, degrees) for degrees in (0, 12, 40)])
    frames, told = painted(actor, track_of(actor.face, poses), tmp_path)
    trust = [float(frame["confidence.V"].max()) for frame in frames]
    assert trust[0] > trust[1] > trust[2] == 0
    assert any("turned further" in sentence and sentence.endswith("12") for sentence in told)


def test_behind_the_camera_nothing_is_painted(actor, tmp_path):
    pose = actor.take.head[0].copy()
    pose[2, 3] = 30.0
    frames, _ = painted(actor, track_of(actor.face, pose[None]), tmp_path)
    assert all(float(np.abs(values).max()) == 0 for values in frames[0].values())


def test_frames_go_on_where_they_stopped(actor, tmp_path):
    poses = np.repeat(actor.take.head[:1], 3, 0)
    track = track_of(actor.face, poses)
    painted(actor, track, tmp_path)
    (tmp_path / "pass" / "pass.0011.exr").unlink()
    line = pass_jobs.Line("curves", actor.actor.face, tiny.tiny_motion(4))
    job = pass_jobs.SkinJob(actor.actor.folder, tmp_path / "track.json", line, tmp_path / "pass")
    assert pass_jobs.paint_skin(job, None)[:2] == (1, 3)


@given(
    st.lists(st.floats(-5, 5), min_size=3, max_size=3),
    st.floats(0.01, 50),
    st.lists(st.floats(-1, 1), min_size=3, max_size=3),
)
def test_similarity_is_found(shift, scale, axis):
    u = np.add(axis, [0, 0, 2])
    u /= np.linalg.norm(u)
    cross = np.array([[0, -u[2], u[1]], [u[2], 0, -u[0]], [-u[1], u[0], 0]])
    turn = np.eye(3) + np.sin(0.7) * cross + (1 - np.cos(0.7)) * cross @ cross
    points = np.random.default_rng(0).normal(size=(6, 3))
    found = skin.fit_similarity(points, scale * points @ turn.T + shift)
    assert np.allclose(found[:3, :3], scale * turn, atol=1e-6 * scale)
    assert np.allclose(found[:3, 3], shift, atol=1e-5 * scale + 1e-6)


def test_the_nearer_triangle_hides_the_other():
    corners = np.array([[0, 10], [10, 10], [0, 0]], np.float32)
    pixels, depths = np.concatenate([corners, corners]), np.array([5, 5, 5, 3, 3, 3], np.float32)
    for order in ([[0, 1, 2], [3, 4, 5]], [[3, 4, 5], [0, 1, 2]]):
        triangles = np.array(order, np.int32)
        drawn = raster.draw(pixels, depths, triangles, 10, 10)
        seen = drawn.triangle[drawn.triangle >= 0]
        assert len(seen) > 30
        assert (triangles[seen][:, 0] == 3).all()


def test_backs_are_not_drawn():
    corners = np.array([[0, 10], [0, 0], [10, 10]], np.float32)
    drawn = raster.draw(corners, np.ones(3, np.float32), np.array([[0, 1, 2]], np.int32), 10, 10)
    assert not (drawn.triangle >= 0).any()


def test_values_are_corrected_for_perspective():
    """Half-way in the picture from a corner 1 away to one 3 away lies a quarter of the way in space."""
    pixels = np.array([[0, 20], [20, 20], [0, -20]], np.float32)
    depths = np.array([1, 3, 1], np.float32)
    triangles = np.array([[0, 1, 2]], np.int32)
    drawn = raster.draw(pixels, depths, triangles, 20, 20)
    along = drawn.interpolate(triangles, np.array([[0], [1], [0]], np.float32))[19, 9, 0]
    middle = 9.5 / 20
    assert along == pytest.approx(middle / 3 / (middle / 3 + (1 - middle)), abs=0.02)


def test_holes_are_closed_but_not_the_outer_edge():
    """Two rings of eight vertices: a disc with a hole."""
    turn = np.linspace(0, 2 * np.pi, 8, endpoint=False)
    ring = np.stack([np.cos(turn), np.sin(turn)], 1)
    pixels = np.concatenate([ring * 40, ring * 20]) * [1, -1] + 50
    quads = [(i, (i + 1) % 8, 8 + i, 8 + (i + 1) % 8) for i in range(8)]
    triangles = np.array([t for a, b, c, d in quads for t in ((a, b, c), (b, d, c))], np.int32)
    closed = raster.close_holes(triangles, np.c_[pixels, np.zeros(16)].astype(np.float32))
    assert len(raster.boundary(triangles)) == 2
    assert len(raster.boundary(closed)) == 1
    drawn = raster.draw(pixels.astype(np.float32), np.ones(16, np.float32), closed, 100, 100)
    left, top = drawn.box[:2]
    assert drawn.triangle[50 - top, 50 - left] >= len(triangles)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"kind": "x"}, "no track"),
        ({"format": 2}, "another Soliloquy"),
        ({"frames": []}, "no frames"),
        ({"width": 0}, "0 x"),
        ({"reference": {}}, "KeyError"),
    ],
)
def test_damaged_tracks_are_refused_by_name(actor, tmp_path, change, said):
    path = tmp_path / "track.json"
    head_track.write_track(path, track_of(actor.face, actor.take.head[:1]))
    whole = json.loads(path.read_text())
    assert len(head_track.read_track(path)) == 1
    path.write_text(json.dumps(whole | change))
    with pytest.raises(ActorError, match=said) as refused:
        head_track.read_track(path)
    assert "track.json" in str(refused.value)


def test_tracks_with_impossible_frames_are_refused(actor, tmp_path):
    path = tmp_path / "track.json"
    head_track.write_track(path, track_of(actor.face, actor.take.head[:2]))
    whole = json.loads(path.read_text())
    for spoil in ({"frame": 99}, {"head": [[1]]}, {"focal_px": -1}, {"focal_px": float("nan")}):
        spoiled = json.loads(json.dumps(whole))
        spoiled["frames"][0] |= spoil
        path.write_text(json.dumps(spoiled))
        with pytest.raises(ActorError, match="damaged"):
            head_track.read_track(path)
    path.write_text("{")
    with pytest.raises(ActorError, match="damaged"):
        head_track.read_track(path)
    with pytest.raises(ActorError, match="does not exist"):
        head_track.read_track(tmp_path / "none.json")
