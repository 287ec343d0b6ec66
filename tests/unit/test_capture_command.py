"""`soliloquy capture` on a real clip, and what it says about bad arguments."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from soliloquy.inference.actor.capture.face_fit import project
from soliloquy.inference.actor.capture.looks import load_looks
from soliloquy.inference.actor.capture.tracking import Tracker, TrackingError, face_model_path, load_mesh
from soliloquy.inference.actor.folder import open_actor
from soliloquy.inference.actor.landmarks import LIPS_INNER, LIPS_OUTER
from soliloquy.inference.actor.take import load_face, load_take
from soliloquy.inference.cli import main

sys.path.append(str(Path(__file__).resolve().parents[1]))  # the makers belong to no package
import plates

CONSENT = "GRID corpus, speaker 1: published for research under CC BY 4.0"


@pytest.fixture(scope="module")
def model(shared):
    return shared / "data" / "mediapipe" / "face_landmarker.task"


@pytest.fixture(scope="module")
def captured(shared, model, tmp_path_factory):
    """Folder of an actor with one take, its preview, and the events of the run."""
    pytest.importorskip("mediapipe")
    pytest.importorskip("av")
    place = tmp_path_factory.mktemp("captured")
    clip = shared / "data" / "grid_s1" / "video" / "bbaz7a.mpg"
    said = place / "events.jsonl"
    with pytest.MonkeyPatch.context() as patch, said.open("w") as stream:
        patch.setattr("sys.stdout", stream)
        code = main(
            ["capture", str(clip), "--out", str(place / "actor"), "--consent", CONSENT, "--name", "Speaker 1",
             "--face-model", str(model), "--preview", str(place / "fit.mp4"), "--json"]
        )  # fmt: skip
    assert code == 0
    events = [json.loads(line) for line in said.read_text().splitlines()]
    return place / "actor", place / "fit.mp4", events


@pytest.mark.slow
def test_a_clip_becomes_a_take(captured):
    folder, _, events = captured
    actor = open_actor(folder)
    assert (actor.name, actor.consent.statement, actor.takes) == ("Speaker 1", CONSENT, ("bbaz7a",))
    take, face = load_take(actor, "bbaz7a"), load_face(actor)
    assert len(take) == 75
    assert not take.gaps.any()
    assert take.confidence.mean() > 0.9
    assert face.triangles.shape == (898, 3)
    assert actor.crop_size == 112
    assert load_looks(actor) is not None
    shares = [event["progress"] for event in events if event["event"] == "progress"]
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert [event["frames"] for event in events if event["event"] == "done"] == [75]


@pytest.mark.slow
def test_the_fitted_face_lies_on_the_tracked_points(captured):
    actor = open_actor(captured[0])
    take, face = load_take(actor, "bbaz7a"), load_face(actor)
    fitted = project(face.vertices(take.expression), take.head, take.focal_px, take.size)
    off = np.linalg.norm(fitted - take.landmarks[..., :2], axis=-1)
    assert off.mean() < 0.5  # pixels; the lips are 38 wide
    assert off[:, [*LIPS_OUTER, *LIPS_INNER]].mean() < 0.5


@pytest.mark.slow
def test_closures_survive_the_smoothing(captured):
    actor = open_actor(captured[0])
    take, face = load_take(actor, "bbaz7a"), load_face(actor)
    fitted = project(face.vertices(take.expression), take.head, take.focal_px, take.size)
    raw, kept = (
        np.linalg.norm(points[:, 13, :2] - points[:, 14, :2], axis=1) for points in (take.landmarks, fitted)
    )
    shut = raw <= np.quantile(raw, 0.2)
    assert kept[shut].mean() < raw[shut].mean() + 0.03 * raw.max()
    assert kept.max() > 0.95 * raw.max()
    assert np.corrcoef(raw, kept)[0, 1] > 0.995


@pytest.mark.slow
def test_the_preview_shows_the_plate_with_lines(captured):
    import av

    with av.open(str(captured[1])) as movie:
        frames = [frame.to_ndarray(format="rgb24") for frame in movie.decode(video=0)]
        assert movie.streams.audio
    assert len(frames) == 75
    assert frames[0].shape == (2 * 288 + 28, 2 * 360, 3)
    bar = frames[10][-10:].mean((0, 1))
    assert bar[1] > bar[0]  # the confidence, green


@pytest.mark.slow
def test_a_plate_is_captured_once(captured, shared, model, capsys):
    clip = str(shared / "data" / "grid_s1" / "video" / "bbaz7a.mpg")
    before = (captured[0] / "takes" / "bbaz7a.npz").read_bytes()
    assert main(["capture", clip, "--out", str(captured[0]), "--face-model", str(model)]) == 0
    assert "captured already, as take 'bbaz7a'" in capsys.readouterr().err
    assert (captured[0] / "takes" / "bbaz7a.npz").read_bytes() == before


@pytest.mark.slow
@pytest.mark.parametrize("width", [3840, 1920, 180])
def test_points_scale_with_the_plate(shared, model, width):
    pytest.importorskip("mediapipe")
    pytest.importorskip("av")
    frame = plates.read_frames(shared / "data" / "grid_s1" / "video" / "bbaz7a.mpg", 20, 1)
    small = frame[:, ::2, ::2] if width < 360 else frame
    other = next(plates.enlarged(frame, width)) if width > 360 else small[0]
    with Tracker(model) as tracker:
        known, found = tracker.track(frame[0]), tracker.track(np.ascontiguousarray(other))
    assert known.faces == found.faces == 1
    off = np.linalg.norm(found.landmarks[:, :2] * 360 / width - known.landmarks[:, :2], axis=1)
    assert off.mean() < 1.5  # pixels of the small picture
    assert np.abs(found.channels - known.channels).mean() < 0.05


@pytest.mark.slow
def test_upright_plates_and_several_faces(shared, model):
    pytest.importorskip("mediapipe")
    pytest.importorskip("av")
    frame = plates.read_frames(shared / "data" / "grid_s1" / "video" / "bbaz7a.mpg", 20, 1)
    with Tracker(model) as tracker:
        upright = tracker.track(np.ascontiguousarray(frame[0, :, 70:250]))
        both = tracker.track(plates.two_faces(frame)[0])
        none = tracker.track(plates.moving_bars(1)[0])
    assert upright.faces == 1
    assert both.faces == 2
    assert none.faces == 0
    assert np.isnan(none.landmarks).all()
    assert np.isnan(none.channels).all()


def test_without_a_model_file_it_says_where_to_get_one(tmp_path, capsys, monkeypatch):
    monkeypatch.delenv("SOLILOQUY_FACE_MODEL", raising=False)
    arguments = ["capture", "plate.mp4", "--out", str(tmp_path / "actor"), "--consent", CONSENT]
    assert main(arguments) == 2
    assert "face_landmarker.task" in capsys.readouterr().err
    assert main([*arguments, "--face-model", str(tmp_path / "none.task")]) == 2
    assert "does not exist" in capsys.readouterr().err
    assert not (tmp_path / "actor").exists()


def test_without_consent_nothing_happens(tmp_path, capsys):
    assert main(["capture", "plate.mp4", "--out", str(tmp_path / "actor")]) == 2
    assert "consent" in capsys.readouterr().err
    assert not (tmp_path / "actor").exists()


def test_a_rate_and_a_preview_that_cannot_be(tmp_path, capsys):
    arguments = ["capture", "plate.mp4", "--out", str(tmp_path / "actor"), "--consent", CONSENT]
    assert main([*arguments, "--fps", "0"]) == 2
    assert main([*arguments, "--preview", "fit.txt"]) == 2
    assert "no movie" in capsys.readouterr().err


def test_the_model_file_comes_from_the_environment(tmp_path, monkeypatch):
    file = tmp_path / "face_landmarker.task"
    file.write_bytes(b"PK")
    monkeypatch.setenv("SOLILOQUY_FACE_MODEL", str(file))
    assert face_model_path(None) == file
    with pytest.raises(TrackingError, match="not MediaPipe's face landmarker"):
        load_mesh(file)


def test_the_mesh_of_the_model_file(model):
    mesh = load_mesh(model)
    assert mesh.vertices.shape == (468, 3)
    assert mesh.triangles.shape == (898, 3)
    a, b, c = (mesh.vertices[mesh.triangles[:, i]] for i in range(3))
    assert np.cross(b - a, c - a)[:, 2].mean() > 0  # the face looks along +z
    assert mesh.vertices[33, 0] < mesh.vertices[263, 0]  # the subject's right eye is on the viewer's left
    assert mesh.vertices[152, 1] < mesh.vertices[10, 1]  # the chin is below the forehead
