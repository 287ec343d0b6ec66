from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from motion_helpers import cut, piece_lengths, random_motion, rates_hz
from soliloquy.inference.channels import ARKIT_52, JAW, LIPS
from soliloquy.inference.contacts import (
    RAMP_S,
    TEETH_GAP_MM,
    TEETH_JAW,
    TEETH_POSE,
    Guarantees,
    SegmentFeed,
    keep_guarantees,
)
from soliloquy.inference.lip_basis import lip_curves
from soliloquy.inference.pipeline import collect
from soliloquy.inference.types import FaceMotion
from soliloquy.inference.visemes import VISEMES, Segment

ALL = Guarantees(lips_meet=True, lip_to_teeth=True, still_in_silence=True)
LIPS_MEET = Guarantees(lips_meet=True)
SIL, PP, FF, AA = (VISEMES.index(name) for name in ("sil", "PP", "FF", "aa"))
MOUTH = [i for i, name in enumerate(ARKIT_52) if name in (*JAW, *LIPS)]
JAW_OPEN, CLOSE = ARKIT_52.index("jawOpen"), ARKIT_52.index("mouthClose")


def spoken(rows, rate_hz=50.0, seed=1, scale=1.0):
    """A random face whose lips do not cross: as a model makes it, but wilder."""
    motion = random_motion(rows, rate_hz, seed=seed)
    values = motion.values * np.float32(scale)
    values[:, CLOSE] *= values[:, JAW_OPEN]
    return replace(motion, values=values)


def kept(motion, segments, guarantees, shift_s=0.0):
    feed = SegmentFeed(shift_s)
    feed.add(segments, np.inf)
    return collect(keep_guarantees([motion], feed, guarantees))


def aperture_mm(motion):
    return lip_curves(motion.values, motion.channels)[0]


def rows_at(motion, segment):
    """The rows inside a sound, or the one nearest to its middle."""
    times_s = motion.times_s
    inside = np.flatnonzero((times_s >= segment.start_s - 1e-9) & (times_s <= segment.end_s + 1e-9))
    middle_s = (segment.start_s + segment.end_s) / 2
    return inside if len(inside) else np.array([np.argmin(np.abs(times_s - middle_s))])


@st.composite
def sounds(draw, classes=(SIL, PP, FF, AA), longest_s=0.9):
    """Segments without gaps from 0 s on."""
    edges_s = np.cumsum([0.0, *draw(st.lists(st.floats(0.02, longest_s), min_size=1, max_size=12))])
    labels = draw(st.lists(st.sampled_from(classes), min_size=len(edges_s) - 1, max_size=len(edges_s) - 1))
    return [Segment(float(s), float(e), v) for s, e, v in zip(edges_s, edges_s[1:], labels, strict=False)]


@given(sounds(), rates_hz, st.integers(0, 99), st.sampled_from([0.0, 0.2, 1.0]))
def test_the_lips_meet_on_every_p_b_m_whatever_the_motion(segments, rate_hz, seed, scale):
    motion = spoken(int((segments[-1].end_s + 0.2) * rate_hz) + 1, rate_hz, seed, scale)
    for guarantees in (LIPS_MEET, ALL):
        result = kept(motion, segments, guarantees)
        apart_mm = aperture_mm(result)
        for segment in segments:
            if segment.viseme == PP:
                assert apart_mm[rows_at(motion, segment)].min() <= 0.0


@given(sounds(), rates_hz, st.integers(0, 99))
def test_the_lip_reaches_the_teeth_on_every_f_v(segments, rate_hz, seed):
    motion = spoken(int((segments[-1].end_s + 0.2) * rate_hz) + 1, rate_hz, seed)
    result = kept(motion, segments, Guarantees(lip_to_teeth=True))
    good = (aperture_mm(result) <= TEETH_GAP_MM + 1e-3) & (result.channel("jawOpen") <= TEETH_JAW + 1e-5)
    for name in ("mouthRollLower", "mouthShrugLower"):
        good &= result.channel(name) >= TEETH_POSE[name] - 1e-5
    for segment in segments:
        if segment.viseme == FF:
            assert good[rows_at(motion, segment)].any()


@given(sounds(), rates_hz, st.integers(0, 99), st.sampled_from([0.1, 1.0]))
def test_values_stay_possible_and_only_the_mouth_moves(segments, rate_hz, seed, scale):
    motion = spoken(int(segments[-1].end_s * rate_hz) + 1, rate_hz, seed, scale)
    result = kept(motion, segments, ALL)
    assert (result.channels, result.rate_hz, result.start_s) == (ARKIT_52, rate_hz, 0.0)
    assert result.values.shape == motion.values.shape
    assert result.values.dtype == np.float32
    assert result.values.min() >= 0.0
    assert result.values.max() <= 1.0
    assert (result.values[:, CLOSE] <= result.values[:, JAW_OPEN] + 1e-6).all()
    rest = [i for i in range(len(ARKIT_52)) if i not in MOUTH]
    np.testing.assert_array_equal(result.values[:, rest], motion.values[:, rest])


@given(st.floats(0.5, 2.0), st.floats(0.02, 0.4), st.sampled_from([PP, FF]), st.integers(0, 99))
def test_nothing_changes_far_from_a_contact(start_s, length_s, viseme, seed):
    motion = spoken(151, seed=seed)
    result = kept(motion, [Segment(start_s, start_s + length_s, viseme)], ALL)
    reach_s = RAMP_S + 1.0 / motion.rate_hz
    far = (motion.times_s < start_s - reach_s) | (motion.times_s > start_s + length_s + reach_s)
    np.testing.assert_array_equal(result.values[far], motion.values[far])


def test_the_original_is_left_as_it_was():
    motion = spoken(100)
    before = motion.values.copy()
    kept(motion, [Segment(0.0, 0.5, SIL), Segment(0.5, 0.7, PP), Segment(0.9, 1.1, FF)], ALL)
    np.testing.assert_array_equal(motion.values, before)


def test_lips_that_meet_already_are_not_touched():
    motion = spoken(100, scale=0.0)
    values = motion.values.copy()
    values[:, ARKIT_52.index("mouthShrugLower")] = 0.2
    motion = replace(motion, values=values)
    assert aperture_mm(motion).max() < -0.1
    np.testing.assert_array_equal(kept(motion, [Segment(0.5, 0.7, PP)], LIPS_MEET).values, values)


@pytest.mark.parametrize("viseme", [PP, FF])
def test_a_contact_comes_and_goes_without_a_pop(viseme):
    values = np.zeros((241, len(ARKIT_52)), np.float32)
    values[:, JAW_OPEN] = 0.5
    motion = FaceMotion(values, ARKIT_52, 240.0)
    result = kept(motion, [Segment(0.45, 0.55, viseme)], ALL)
    apart_mm = aperture_mm(result)
    assert np.abs(np.diff(apart_mm)).max() < 1.3 * 1.5 * apart_mm[0] / (RAMP_S * 240.0)
    steps = np.abs(np.diff(result.values, axis=0)).max()
    assert steps < 0.15


@given(st.integers(0, 99), st.floats(0.3, 3.0), st.sampled_from([24.0, 50.0, 60.0]))
def test_the_mouth_is_still_in_silence_and_free_beside_it(seed, length_s, rate_hz):
    motion = spoken(int(5.0 * rate_hz), rate_hz, seed)
    result = kept(
        motion,
        [Segment(0.0, 1.0, AA), Segment(1.0, 1.0 + length_s, SIL), Segment(1.0 + length_s, 9.0, AA)],
        Guarantees(still_in_silence=True),
    )
    times_s = motion.times_s
    inside = (times_s >= 1.16) & (times_s <= 1.0 + length_s - 0.16)
    assert inside.sum() < 2 or np.ptp(result.values[inside][:, MOUTH], axis=0).max() < 1e-6
    outside = (times_s < 1.0) | (times_s > 1.0 + length_s)
    np.testing.assert_array_equal(result.values[outside], motion.values[outside])


def test_a_short_silence_is_left_alone():
    motion = spoken(100)
    result = kept(motion, [Segment(0.5, 0.75, SIL)], ALL)
    np.testing.assert_array_equal(result.values, motion.values)


def test_a_silence_in_parts_is_one_silence():
    motion = spoken(400)
    parts = [Segment(1.0, 1.2, SIL), Segment(1.2, 3.2, SIL), Segment(3.2, 5.0, SIL)]
    one = kept(motion, [Segment(1.0, 5.0, SIL)], ALL)
    np.testing.assert_array_equal(kept(motion, parts, ALL).values, one.values)


@given(sounds(longest_s=2.0), piece_lengths, st.lists(st.integers(0, 4), max_size=6), rates_hz, st.booleans())
def test_streamed_is_whole(segments, lengths, arrivals, rate_hz, late):
    motion = spoken(int(segments[-1].end_s * rate_hz) + 1, rate_hz)
    whole = kept(motion, segments, ALL)
    feed, waiting = SegmentFeed(), list(segments)

    def pieces():
        for i, piece in enumerate(cut(motion, [20 * n for n in lengths])):
            count = arrivals[i] if i < len(arrivals) else late
            new, waiting[:] = waiting[:count], waiting[count:]
            feed.add(new, waiting[0].start_s if waiting else segments[-1].end_s)
            yield piece
        feed.add(waiting, np.inf)

    made = list(keep_guarantees(pieces(), feed, ALL))
    for piece, rows in zip(made, np.cumsum([0, *(len(p.values) for p in made)]), strict=False):
        assert piece.start_s == pytest.approx(rows / rate_hz)
    np.testing.assert_allclose(collect(made).values, whole.values, atol=1e-6)


def test_rows_leave_soon_and_memory_stays_bounded():
    feed, out, most = SegmentFeed(), 0, 0
    rows = iter(range(0, 30_000, 50))

    def pieces():
        for row in rows:
            yield replace(spoken(50), start_s=row / 50.0)
            now_s = row / 50.0
            feed.add([Segment(now_s, now_s + 0.9, AA), Segment(now_s + 0.9, now_s + 1.0, PP)], now_s + 1.0)
        feed.add([], np.inf)

    given_rows = 0
    for piece in keep_guarantees(pieces(), feed, ALL):
        out += len(piece.values)
        given_rows = min(given_rows + 50, 30_000)
        most = max(most, given_rows - out)
    assert out == 30_000
    assert most <= 3 * 50
    assert len(feed.waiting) == 0


def test_a_delay_moves_the_contacts_with_the_motion():
    motion = spoken(150)
    moved = kept(motion, [Segment(1.0, 1.1, PP)], LIPS_MEET, shift_s=0.5)
    np.testing.assert_array_equal(moved.values, kept(motion, [Segment(1.5, 1.6, PP)], LIPS_MEET).values)


def test_a_sound_outside_the_motion_asks_for_nothing():
    motion = spoken(50)
    segments = [Segment(-3.0, -2.9, PP), Segment(20.0, 20.1, PP), Segment(30.0, 40.0, SIL)]
    np.testing.assert_array_equal(kept(motion, segments, ALL).values, motion.values)


def test_a_contact_can_be_held_for_frames_that_lie_between_rows():
    motion = spoken(100)
    apart_mm = aperture_mm(kept(motion, [Segment(1.0, 1.04, PP)], replace(LIPS_MEET, hold_s=1 / 24)))
    closed = motion.times_s[apart_mm <= 0.0]
    assert closed[-1] - closed[0] >= 1 / 24 - 1 / 50 - 1e-9
    for offset_s in np.linspace(0.0, 1 / 24, 9):
        frames_s = np.arange(0.5, 1.5, 1 / 24) + offset_s
        assert np.interp(frames_s, motion.times_s, apart_mm).min() <= 1e-3


def test_a_mouth_without_a_channel_is_a_mistake_of_the_caller():
    channels = tuple(name for name in ARKIT_52 if not name.startswith("mouthPress"))
    with pytest.raises(ValueError, match="mouthPress"):
        kept(random_motion(10, channels=channels), [], ALL)


def test_no_motion_at_all():
    assert list(keep_guarantees([], SegmentFeed(), ALL)) == []
    empty = FaceMotion(np.zeros((0, 52), np.float32), ARKIT_52, 50.0)
    assert len(collect(keep_guarantees([empty], SegmentFeed(), ALL)).values) == 0
