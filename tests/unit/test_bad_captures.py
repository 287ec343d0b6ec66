"""Capturing bad plates: a refusal that writes nothing, or a take whose gaps are marked."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("av")
pytest.importorskip("mediapipe")

from soliloquy.inference.actor.capture.capture import capture
from soliloquy.inference.actor.folder import ActorError
from soliloquy.inference.actor.landmarks import LIPS_OUTER
from soliloquy.inference.actor.take import load_take
from soliloquy.inference.actor.types import Gap
from soliloquy.inference.errors import Cancelled
from soliloquy.inference.types import FrameRate

sys.path.append(str(Path(__file__).resolve().parents[1]))  # the makers belong to no package
import plates

pytestmark = pytest.mark.slow

CONSENT = "GRID speaker 1, published under CC BY 4.0"
FIRST, STOP = 30, 42
"""Frames of a plate that are spoilt; row i shows frame i + 1."""


@pytest.fixture(scope="module")
def model(shared):
    return shared / "data" / "mediapipe" / "face_landmarker.task"


@pytest.fixture(scope="module")
def footage(shared):
    """uint8 [75, 288, 360, 3]: three seconds of a speaker."""
    return plates.read_frames(shared / "data" / "grid_s1" / "video" / "bbie9s.mpg", 0, 75)


@pytest.fixture
def captured(tmp_path, model):
    """Captures a plate into a new folder; gives the take and what was said."""

    def work(path, **options):
        said = []
        actor = capture(
            [path],
            tmp_path / "actor",
            consent=CONSENT,
            face_model=model,
            notify=lambda _, sentence: said.append(sentence),
            **options,
        )
        return load_take(actor, actor.takes[0]), " ".join(said)

    return work


def refused(captured, tmp_path, path, match, **options):
    with pytest.raises(ActorError, match=match) as error:
        captured(path, **options)
    assert error.value.remedy
    assert not (tmp_path / "actor").exists()


def rows(take, gap):
    return np.flatnonzero(take.gaps == gap).tolist()


def test_no_face(captured, tmp_path):
    path = plates.write_movie(tmp_path / "bars.mp4", plates.moving_bars(60))
    refused(captured, tmp_path, path, "no face is seen in frames 1 to 60")


def test_two_faces(captured, tmp_path, footage):
    path = plates.write_movie(tmp_path / "two.mp4", plates.two_faces(footage[:55]))
    refused(captured, tmp_path, path, "several faces")


def test_one_frame_is_too_short(captured, tmp_path, footage):
    path = plates.write_movie(tmp_path / "one.mp4", footage[:1])
    refused(captured, tmp_path, path, "too short")


def test_without_consent_nothing_is_tracked(tmp_path, footage, model):
    path = plates.write_movie(tmp_path / "good.mp4", footage[:5])
    with pytest.raises(ActorError, match="consent"):
        capture([path], tmp_path / "actor", consent=" ", face_model=model)
    assert not (tmp_path / "actor").exists()


def test_stopped_half_way(captured, tmp_path, footage):
    path = plates.write_movie(tmp_path / "good.mp4", footage[:20])
    asked = iter([False] * 5)
    with pytest.raises(Cancelled):
        captured(path, cancelled=lambda: next(asked, True))
    assert not (tmp_path / "actor").exists()


def test_a_cut_to_another_clip_of_the_actor(captured, tmp_path, footage, shared):
    other = plates.read_frames(shared / "data" / "grid_s1" / "video" / "pbbp2n.mpg", 10, 35)
    path = plates.write_movie(tmp_path / "cut.mp4", np.concatenate([footage[:40], other]))
    take, said = captured(path)
    assert take.cuts == (40,)
    assert "cuts at frame 41" in said
    # The two clips are lit differently: colours must not be smoothed over the cut.
    step = np.abs(np.diff(take.colour[:, :, 0], axis=0)).max(1)
    assert step[39] > 5 * np.delete(step, 39).max()


def test_a_cut_to_a_shot_without_a_person(captured, tmp_path, footage):
    path = plates.write_movie(tmp_path / "cut.mp4", np.concatenate([footage[:52], plates.moving_bars(23)]))
    take, said = captured(path)
    assert rows(take, Gap.NO_FACE) == list(range(52, 75))
    assert take.cuts == (52,)
    assert "no face is seen in frames 53 to 75" in said
    assert not take.confidence[52:].any()
    assert (take.confidence[:52] > 0.3).mean() > 0.9


def test_a_hand_over_the_mouth(captured, tmp_path, footage):
    spoilt = plates.hand_over_mouth(footage, (140, 190, 215, 260), FIRST, STOP)
    take, said = captured(plates.write_movie(tmp_path / "hand.mp4", spoilt))
    hidden = {*rows(take, Gap.COVERED_MOUTH), *rows(take, Gap.NO_FACE)}
    assert hidden >= set(range(FIRST, STOP))
    assert len(hidden) <= STOP - FIRST + 4
    assert "the mouth is covered" in said or "no face is seen" in said
    assert not take.confidence[FIRST:STOP].any()


def test_motion_blur(captured, tmp_path, footage):
    take, said = captured(plates.write_movie(tmp_path / "blur.mp4", plates.motion_blur(footage, FIRST, STOP)))
    spoilt = set(np.flatnonzero(take.gaps).tolist())
    assert spoilt >= set(range(FIRST, STOP))
    assert len(spoilt) <= STOP - FIRST + 4
    assert "blurred" in said or "no face" in said


def test_a_varying_rate(captured, tmp_path, footage):
    path = plates.write_movie(tmp_path / "phone.mp4", footage, times=plates.varying_times(75))
    take, said = captured(path)
    assert "frame rate of 'phone.mp4' varies" in said
    assert rows(take, Gap.DAMAGED)  # the pause
    assert (np.diff(take.numbers) == 1).all()


def test_no_sound(captured, tmp_path, footage):
    take, said = captured(plates.write_movie(tmp_path / "mute.mp4", footage[:55]))
    assert "no sound" in said
    assert take.sound_offset_s is None
    assert not take.gaps.any()


def test_a_phone_that_was_held_upright(captured, tmp_path, footage):
    lying = np.rot90(footage[:55], 1, axes=(1, 2))
    take, _ = captured(plates.turned(plates.write_movie(tmp_path / "phone.mp4", lying), 1))
    assert take.size == (360, 288)
    assert not take.gaps.any()
    eyes, lips = take.landmarks[0, [33, 263], 1].mean(), take.landmarks[0, list(LIPS_OUTER), 1].mean()
    assert lips > eyes


def test_bytes_broken_in_the_middle(captured, tmp_path, footage):
    good = plates.write_movie(tmp_path / "good.avi", footage)
    take, said = captured(plates.corrupted(good, tmp_path / "bad.avi", first=0.6, share=0.03))
    assert rows(take, Gap.DAMAGED)
    assert "damaged" in said
    assert not take.confidence[take.gaps == Gap.DAMAGED].any()


def test_a_film_that_is_cut_off(captured, tmp_path, shared):
    source = shared / "data" / "grid_s1" / "video" / "bbie9s.mpg"
    path = plates.truncated(source, tmp_path / "short.mpg", 0.9)
    take, _ = captured(path)
    assert 55 <= len(take) <= 75


def test_an_exr_sequence_with_a_hole(captured, tmp_path, footage):
    pytest.importorskip("OpenImageIO")
    made = plates.write_sequence(tmp_path / "plate", footage[:60], without=(1031,), ending="exr")
    take, said = captured(made.folder, rate=FrameRate(25))
    assert take.numbers[0] == 1001
    assert rows(take, Gap.DAMAGED) == [30]
    assert "lacks 1 of its 60 images" in said


def test_one_bad_plate_among_good_ones(tmp_path, footage, model):
    good = plates.write_movie(tmp_path / "good.mp4", footage[:55])
    bad = plates.write_movie(tmp_path / "bars.mp4", plates.moving_bars(55))
    failures = []
    actor = capture(
        [bad, good], tmp_path / "actor", consent=CONSENT, face_model=model,
        failed=lambda path, error: failures.append((path.name, str(error))),
    )  # fmt: skip
    assert actor.takes == ("good",)
    assert failures[0][0] == "bars.mp4"
    assert "no face" in failures[0][1]
