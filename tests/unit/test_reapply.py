"""From kept lines to keys: shaped, placed, guaranteed, thinned, and a person's keys left alone."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from soliloquy.inference import reapply
from soliloquy.inference.bezier import through
from soliloquy.inference.channels import ARKIT_52, HEAD
from soliloquy.inference.curves import MotionControls
from soliloquy.inference.errors import UsageError
from soliloquy.inference.instruction.values import Instruction, InstructionTrack
from soliloquy.inference.lip_basis import lip_curves
from soliloquy.inference.motion import Spoken
from soliloquy.inference.motion_pack import pack
from soliloquy.inference.performance.direction import Direction, Draw
from soliloquy.inference.pipeline import AnimateSettings
from soliloquy.inference.retarget import map_by_name
from soliloquy.inference.types import FaceMotion, FrameRate
from soliloquy.inference.visemes import VISEMES, Segment

RATES = (
    FrameRate(24, 1.001),
    FrameRate(24),
    FrameRate(25),
    FrameRate(30, 1.001),
    FrameRate(30),
    FrameRate(60),
)
PLAIN = AnimateSettings(blinks=False, lips_meet=False)
JAW = ("KEY", "Face", 'key_blocks["jawOpen"].value', 0)


def _line(seconds=4.0, start_frame=1.0, segments=None, peak=0.5, **place):
    """Two syllables a second on all mouth channels, at 50 Hz."""
    times_s = np.arange(round(seconds * 50)) / 50
    values = np.zeros((len(times_s), 52), np.float32)
    wave = peak * np.sin(2 * np.pi * times_s) ** 2
    for channel in ("jawOpen", "mouthFunnel", "mouthUpperUpLeft"):
        values[:, ARKIT_52.index(channel)] = wave
    visemes = np.zeros((len(times_s), 15), np.float32)
    visemes[:, VISEMES.index("aa")] = 1.0
    motion = FaceMotion(values, ARKIT_52, 50.0)
    spoken = Spoken(motion, visemes, np.zeros((len(times_s), 0), np.float32))
    return reapply.Line(pack(spoken, segments), start_frame, **place)


def _plan(*lines, **changes):
    plan = reapply.Plan(lines, PLAIN, (map_by_name("Face", ARKIT_52),), FrameRate(24), tolerance=None)
    return replace(plan, **changes)


def _curve(plan, address=JAW):
    return next(made for made in reapply.build(plan) if made.address == address).curve


@settings(deadline=None, max_examples=30)
@given(st.sampled_from(RATES), st.floats(-100, 500))
def test_every_frame_shows_its_own_time(rate, start_frame):
    curve = _curve(_plan(_line(start_frame=start_frame), rate=rate))
    assert np.array_equal(curve.frames, np.round(curve.frames))
    times_s = (curve.frames.astype(float) - start_frame) / rate.hz
    inside = (times_s >= 0) & (times_s <= 3.98)
    at_50_hz = 0.5 * np.sin(2 * np.pi * np.arange(200) / 50) ** 2
    wanted = np.interp(times_s[inside], np.arange(200) / 50, at_50_hz)
    assert np.abs(curve.keys[inside, 1] - wanted).max() < 5e-4
    assert curve.keys[0, 1] == curve.keys[-1, 1] == 0.0


def test_the_audible_part_alone_is_keyed_and_an_empty_one_is_refused():
    curve = _curve(_plan(_line(audible=(40.0, 60.0))))
    moving = curve.frames[curve.keys[:, 1] > 1e-3]
    assert moving.min() >= 36
    assert moving.max() <= 63
    with pytest.raises(UsageError, match="Make the strip longer"):
        reapply.build(_plan(_line(audible=(40.2, 40.8))))


def test_no_line_no_curve():
    assert reapply.build(_plan()) == ()


def test_an_accent_plays_one_sentence_stronger_and_no_other():
    plain = _curve(_plan(_line())).keys[:, 1]
    loud = _curve(_plan(_line(accents=(reapply.Accent(1.0, 2.0, lower_face=1.6),))))
    times_s = (loud.frames - 1) / 24
    inside = (times_s >= 1.0) & (times_s <= 2.0)
    outside = (times_s < 1.0 - reapply.BLEND_S) | (times_s > 2.0 + reapply.BLEND_S)
    assert np.allclose(loud.keys[inside, 1], 1.6 * plain[inside], atol=1e-4)
    assert np.allclose(loud.keys[outside, 1], plain[outside], atol=1e-6)


def test_lips_that_meet_still_meet_when_thinned():
    pp = VISEMES.index("PP")
    contacts = [Segment(t, t + 0.06, pp) for t in np.arange(0.2, 3.8, 0.31)]
    settings = AnimateSettings(blinks=False, controls=MotionControls(jaw=0.9))
    plan = _plan(_line(segments=tuple(contacts)), settings=settings, tolerance=0.02)
    curves = {made.data_path.split('"')[1]: made.curve for made in reapply.build(plan)}
    frames = np.arange(1, 96)
    values = np.column_stack([_evaluated(curves[channel], frames) for channel in ARKIT_52])
    apart_mm, _ = lip_curves(values.astype(np.float32), ARKIT_52)
    for contact in contacts:
        times_s = (frames - 1) / 24
        near = (times_s > contact.start_s - 0.05) & (times_s < contact.end_s + 0.05)
        assert apart_mm[near].min() <= 1e-3, contact


def _evaluated(curve, frames):
    """Cubic between keys whose handles lie a third of the way to the next one."""
    x, y = curve.keys.astype(float).T
    if len(x) == 1:
        return np.full(len(frames), y[0])
    k = np.clip(np.searchsorted(x, frames, side="right") - 1, 0, len(x) - 2)
    t = (frames - x[k]) / (x[k + 1] - x[k])
    s = 1 - t
    return (
        y[k] * s**3
        + 3 * curve.right[k, 1] * s * s * t
        + 3 * curve.left[k + 1, 1] * s * t * t
        + y[k + 1] * t**3
    )


@settings(deadline=None, max_examples=30)
@given(st.floats(10, 80), st.floats(0, 20), st.sampled_from([None, 0.005]), st.floats(0, 1))
def test_kept_keys_stay_exactly_and_the_way_to_them_has_no_jump(first, length, tolerance, height):
    mine = through(np.arange(5.0, 95.0, 4.0), np.full(23, height), np.zeros(23))
    spans = ((first, first + length),)
    plan = _plan(_line(), tolerance=tolerance, kept={JAW: (reapply.Kept(mine, spans),)})
    made = next(made for made in reapply.build(plan) if made.address == JAW)
    ((begin, end),) = made.spans
    assert begin <= first <= first + length <= end
    inside = (made.curve.frames >= begin) & (made.curve.frames <= end)
    of_mine = (mine.frames >= begin) & (mine.frames <= end)
    assert np.array_equal(made.curve.keys[inside], mine.keys[of_mine])
    assert np.array_equal(made.curve.left[inside], mine.left[of_mine])
    around = np.arange(np.floor(begin) - 4, np.ceil(end) + 5)
    assert np.abs(np.diff(_evaluated(made.curve, around))).max() < 0.65 * max(height, 0.5)


def test_protected_frames_are_no_hand_edits_and_curves_that_nothing_drives_are_kept():
    mine = through(np.array([10.0, 20.0]), np.array([0.5, 0.6]))
    lost = ("KEY", "Face", 'key_blocks["gone"].value', 0)
    plan = _plan(
        _line(),
        kept={
            JAW: (reapply.Kept(mine, ((10.0, 20.0),), is_hand=False),),
            lost: (reapply.Kept(mine, ((10.0, 20.0),)),),
        },
    )
    made = {curve.address: curve for curve in reapply.build(plan)}
    assert made[JAW].spans == ()
    assert made[lost].curve.keys.tolist() == mine.keys.tolist()


def test_sentences_are_parted_by_silence():
    sil, aa = VISEMES.index("sil"), VISEMES.index("aa")
    segments = (
        (0.0, 0.4, sil),
        (0.4, 1.0, aa),
        (1.0, 1.1, sil),
        (1.1, 1.5, aa),
        (1.5, 2.0, sil),
        (2.0, 2.5, aa),
    )
    line = _line(segments=tuple(Segment(*s) for s in segments))
    assert reapply.sentences(line) == [(0.4, 1.5), (2.0, 2.5)]


def test_plans_are_compared_by_what_they_make():
    plan = _plan(_line())
    assert reapply.same(plan, _plan(_line()))
    assert not reapply.same(plan, replace(plan, seed=3))
    assert not reapply.same(plan, reapply.with_line(plan, replace(_line(), start_frame=9.0)))
    kept = {JAW: (reapply.Kept(through(np.array([1.0, 2.0]), np.zeros(2)), ((1.0, 2.0),)),)}
    assert not reapply.same(plan, replace(plan, kept=kept))
    assert len(reapply.with_line(plan, replace(_line(), line_id="b")).lines) == 2


def _directed(values=(), seed=0, **strengths):
    track = InstructionTrack.constant(Instruction.of(dict(values)))
    return Direction(track, Draw.of(seed), **strengths)


def _face(plan, channel):
    motion = reapply.face_motion(plan)
    return motion.times_s, motion.channel(channel)


def test_a_line_of_its_own_direction_is_performed_and_others_as_the_plan_says():
    happy, sad = _directed({"joy": 1.0}), _directed({"sadness": 1.0})
    lines = (_line(start_frame=1.0, direction=happy), _line(start_frame=241.0))
    times_s, smile = _face(_plan(*lines, direction=sad), "mouthSmileLeft")
    _, inner = _face(_plan(*lines, direction=sad), "browInnerUp")
    first, second = (times_s > 1.0) & (times_s < 3.0), (times_s > 11.0) & (times_s < 13.0)
    assert smile[first].mean() > smile[second].mean() + 0.2
    assert inner[second].mean() > inner[first].mean() + 0.1
    assert not smile[(times_s > 5.0) & (times_s < 9.0)].any(), "between lines the face is at rest"


def test_a_line_without_direction_beside_one_that_has_one_keeps_its_head_still():
    lines = (_line(start_frame=1.0, direction=_directed()), _line(start_frame=241.0))
    times_s, yaw = _face(_plan(*lines), "headYaw")
    assert np.abs(yaw[times_s < 4.0]).max() > 0.0
    assert not yaw[times_s > 8.0].any()
    motion = reapply.face_motion(_plan(*lines))
    assert motion.channels == (*ARKIT_52, *HEAD)


def test_head_and_expression_leave_a_line_slowly():
    lively = _directed({"joy": 1.0, "head_turn": 1.0})
    for channel, most in (("mouthSmileLeft", 0.18), ("headYaw", 0.05), ("cheekSquintLeft", 0.18)):
        _, values = _face(_plan(_line(direction=lively)), channel)
        assert values[0] == values[-1] == 0.0
        assert np.abs(np.diff(values)).max() < most, channel


def test_a_take_does_not_depend_on_where_its_line_is_placed():
    settings = AnimateSettings()
    motions = [
        reapply.face_motion(
            _plan(_line(20.0, start, direction=_directed(seed=5)), settings=settings, rate=FrameRate(25))
        )
        for start in (1.0, 251.0)
    ]
    np.testing.assert_allclose(motions[0].values, motions[1].values, atol=1e-6)
    assert motions[0].channel("eyeBlinkLeft").max() > 0.9


def test_strengths_act_on_a_performed_line_and_takes_differ():
    line = _line(20.0, direction=_directed(seed=1))
    half = replace(PLAIN, controls=MotionControls(head=0.5))
    _, yaw = _face(_plan(line), "headYaw")
    _, halved = _face(_plan(line, settings=half), "headYaw")
    np.testing.assert_allclose(halved, yaw / 2, atol=1e-6)
    _, other = _face(_plan(replace(line, direction=_directed(seed=2))), "headYaw")
    assert np.abs(other - yaw).max() > 0.01


def test_blinks_fill_the_gaps_between_directed_lines_and_the_lines():
    lines = tuple(_line(20.0, 1.0 + 24 * 40 * i, direction=_directed(seed=i)) for i in range(3))
    times_s, lids = _face(_plan(*lines, settings=AnimateSettings()), "eyeBlinkLeft")
    spoken = ((times_s - 1 / 24) % 40.0) < 20.0
    for rows in (spoken, ~spoken):
        shut = (lids > 0.9) & rows
        assert np.count_nonzero(np.diff(shut.astype(int)) == 1) >= 5
    assert np.abs(np.diff(lids)).max() < 0.8, "no blink is cut"
