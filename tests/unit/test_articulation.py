import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from soliloquy.inference import articulation
from soliloquy.inference.articulation import SHAPES, articulate, mouth, shipped_parameters, timeline
from soliloquy.inference.channels import ARKIT_52
from soliloquy.inference.errors import ModelError
from soliloquy.inference.lip_basis import lip_curves
from soliloquy.inference.prosody import measure
from soliloquy.inference.types import AudioClip
from soliloquy.inference.visemes import UNKNOWN, VISEMES, Segment

RATE_HZ = 16_000


def said(text, each_s=0.12, start_s=0.5):
    """Segments of viseme names, one after the other."""
    times = [start_s + i * each_s for i in range(len(text.split()) + 1)]
    classes = [UNKNOWN if name == "h" else VISEMES.index(name) for name in text.split()]
    return [Segment(a, b, v) for a, b, v in zip(times[:-1], times[1:], classes, strict=True)]


def line(text, **timing):
    segments = said(text, **timing)
    return articulate(segments, segments[-1].end_s + 1.0, 100.0)


def aperture(motion):
    return np.maximum(lip_curves(motion.values, motion.channels)[0], 0.0)


def within(motion, segment):
    return (motion.times_s >= segment.start_s) & (motion.times_s <= segment.end_s)


def shapes(segments, duration_s=3.0):
    made = timeline(segments, duration_s)
    return [SHAPES[shape] for shape in made.shape]


segment_lists = st.lists(
    st.builds(
        lambda start_s, length_s, viseme: Segment(start_s, start_s + length_s, viseme),
        st.floats(-1.0, 6.0),
        st.floats(0.0, 1.5),
        st.integers(UNKNOWN, len(VISEMES) - 1),
    ),
    max_size=25,
)


@settings(deadline=None, max_examples=80)
@given(segment_lists, st.floats(0.0, 5.0), st.sampled_from([24.0, 50.0, 60.0]))
def test_any_segments_make_a_possible_mouth(segments, duration_s, rate_hz):
    motion = articulate(segments, duration_s, rate_hz)
    assert motion.channels == ARKIT_52
    assert len(motion.values) == int(duration_s * rate_hz + 1e-6) + 1
    assert np.isfinite(motion.values).all()
    assert motion.values.min() >= 0.0
    assert motion.values.max() <= 1.0
    assert (motion.channel("mouthClose") <= motion.channel("jawOpen") + 1e-6).all()
    np.testing.assert_array_equal(motion.channel("mouthPressLeft"), motion.channel("mouthPressRight"))
    assert not motion.channel("eyeBlinkLeft").any()


@settings(deadline=None, max_examples=60)
@given(segment_lists, st.floats(0.0, 6.0))
def test_a_timeline_has_no_gaps_and_no_neighbours_of_one_shape(segments, duration_s):
    made = timeline(segments, duration_s)
    assert made.start_s[0] == 0.0
    assert made.end_s[-1] == pytest.approx(duration_s)
    np.testing.assert_array_equal(made.start_s[1:], made.end_s[:-1])
    assert (made.end_s >= made.start_s).all()
    assert (np.diff(made.shape) != 0).all()


def test_lips_meet_on_p_b_m_and_part_between_them():
    for rate_hz in (24.0, 50.0):
        segments = said("PP aa PP I PP O PP U PP", each_s=0.16)
        motion = articulate(segments, 3.0, rate_hz)
        apart_mm = aperture(motion)
        for i, segment in enumerate(segments):
            inside = apart_mm[within(motion, segment)]
            assert inside.min() == 0.0 if i % 2 == 0 else inside.max() > 2.0


def test_the_lower_lip_meets_the_teeth_on_f_and_v_and_the_lips_stay_apart():
    segments = said("aa FF aa", each_s=0.15)
    motion = articulate(segments, 2.0, 100.0)
    inside = within(motion, segments[1])
    assert 0.0 < aperture(motion)[inside].min() < 2.0
    assert motion.channel("jawOpen")[inside].min() < 0.1
    assert motion.channel("mouthRollLower")[inside].max() > 0.25


@pytest.mark.parametrize("sibilant", ["SS", "CH"])
def test_sibilants_narrow_the_jaw(sibilant):
    segments = said(f"aa {sibilant} aa", each_s=0.15)
    motion = articulate(segments, 2.0, 100.0)
    jaw = motion.channel("jawOpen")
    assert jaw[within(motion, segments[1])].min() < 0.19
    assert jaw[within(motion, segments[0])].max() > 0.3


def test_vowels_have_their_shapes():
    def peak(viseme, channel):
        segments = said(f"nn {viseme} nn", each_s=0.2)
        motion = articulate(segments, 2.0, 100.0)
        return motion.channel(channel)[within(motion, segments[1])].max()

    assert peak("U", "mouthPucker") > 0.4 > peak("I", "mouthPucker")
    assert peak("I", "mouthStretchLeft") > 0.15 > peak("O", "mouthStretchLeft")
    assert peak("aa", "jawOpen") > peak("I", "jawOpen") > peak("U", "jawOpen") + 0.02
    assert peak("TH", "tongueOut") > 0.25 > 0.1 > peak("aa", "tongueOut")


def test_sounds_of_the_tongue_leave_rounded_lips_alone():
    motion, segments = line("U nn U"), said("U nn U")
    pucker = motion.channel("mouthPucker")
    inside = within(motion, segments[1])
    assert pucker[inside].min() > 0.75 * pucker.max()


def test_rounding_comes_before_the_sound_and_outlasts_it():
    segments = said("kk U kk", each_s=0.15)
    motion = articulate(segments, 2.0, 100.0)
    pucker = motion.channel("mouthPucker")
    before, after = motion.times_s < segments[1].start_s, motion.times_s > segments[1].end_s
    assert pucker[before].max() > 0.4 * pucker.max()
    assert pucker[after].max() > 0.4 * pucker.max()


def test_neighbours_of_one_shape_merge_and_h_takes_the_shape_of_the_vowel():
    assert shapes(said("aa PP PP aa")) == ["rest", "aa", "PP", "aa", "rest"]
    assert shapes(said("h aa")) == ["rest", "aa", "rest"]
    assert shapes(said("aa sil aa")) == ["rest", "aa", "sil", "aa", "rest"]
    made = timeline(said("sil h aa"), 3.0)
    assert made.start_s[list(made.shape).index(VISEMES.index("aa"))] == pytest.approx(0.62)
    made = timeline(said("aa h sil"), 3.0)
    assert made.end_s[list(made.shape).index(VISEMES.index("aa"))] == pytest.approx(0.74)


def test_long_silence_is_rest_and_a_pause_leaves_the_mouth_ajar():
    segments = [*said("aa", start_s=0.5), *said("aa", start_s=1.0), *said("aa", start_s=4.0)]
    motion = articulate(segments, 5.0, 100.0)
    assert not motion.values[250:330].round(4).any()
    pause = (motion.times_s > 0.7) & (motion.times_s < 0.95)
    assert motion.channel("jawOpen")[pause].min() > 0.03


def test_a_very_short_obstruent_leaves_the_jaw_alone():
    def jaw_during(length_s):
        segments = [Segment(0.5, 0.7, 10), Segment(0.7, 0.7 + length_s, 4), Segment(0.7 + length_s, 1.1, 10)]
        motion = articulate(segments, 2.0, 100.0)
        inside = (motion.times_s > 0.65) & (motion.times_s < 0.85)
        return motion.channel("jawOpen")[inside].min()

    assert jaw_during(0.03) > jaw_during(0.1)


def test_motion_is_smooth():
    rng = np.random.default_rng(3)
    segments, at_s = [], 0.3
    for viseme in rng.integers(1, len(VISEMES), 60):
        length_s = float(rng.uniform(0.05, 0.2))
        segments.append(Segment(at_s, at_s + length_s, int(viseme)))
        at_s += length_s
    motion = articulate(segments, at_s + 1.0, 50.0)
    assert np.abs(np.diff(motion.values, axis=0)).max() < 0.35
    apart_mm = aperture(motion)
    turns = np.flatnonzero(np.diff(np.sign(np.diff(apart_mm))) != 0)
    assert len(turns) < 2.2 * len(segments), "chatter: more turns of the lips than sounds ask for"


def test_the_pieces_it_is_made_in_do_not_show(monkeypatch):
    segments = said("PP aa FF I SS U TH O CH E RR nn kk", each_s=0.1)
    whole = articulate(segments, 4.0)
    monkeypatch.setattr(articulation, "_BLOCK", 7)
    np.testing.assert_allclose(articulate(segments, 4.0).values, whole.values, atol=1e-6)


def test_another_rate_gives_the_same_mouth():
    made = timeline(said("aa FF I SS U"), 2.0)
    slow, fast = (mouth(np.arange(n) / rate, made, shipped_parameters()) for n, rate in ((50, 25), (100, 50)))
    np.testing.assert_allclose(fast[::2], slow)


def voiced(levels, each_s=0.2, start_s=0.5, hz=150.0):
    times = np.arange(int((start_s + each_s * len(levels) + 1.0) * RATE_HZ)) / RATE_HZ
    which = ((times - start_s) // each_s).astype(int)
    gain = np.where(
        (which >= 0) & (which < len(levels)), np.take(levels, which.clip(0, len(levels) - 1)), 0.0
    )
    wave = sum(np.sin(2 * np.pi * hz * k * times) / k for k in range(1, 8))
    return AudioClip((0.2 * gain * wave).astype(np.float32), RATE_HZ)


def test_the_jaw_follows_the_loudness_within_bounds():
    segments = said("aa nn aa nn aa", each_s=0.2)
    clip = voiced([0.1, 0.3, 0.4, 0.3, 1.0])
    plain = articulate(segments, clip.duration_s, 100.0)
    heard = articulate(segments, clip.duration_s, 100.0, clip)

    def jaw(motion, i):
        return motion.channel("jawOpen")[within(motion, segments[i])].max()

    assert 0.65 < jaw(heard, 0) / jaw(plain, 0) < 0.95
    assert jaw(heard, 2) == pytest.approx(jaw(plain, 2), rel=0.05)
    assert 1.05 < jaw(heard, 4) / jaw(plain, 4) < 1.35


def test_lips_still_meet_in_a_loud_line():
    segments = said("aa PP aa", each_s=0.2)
    clip = voiced([1.0, 0.05, 0.2])
    motion = articulate(segments, clip.duration_s, 50.0, clip)
    assert aperture(motion)[within(motion, segments[1])].min() == 0.0


def test_silence_and_an_empty_sound_change_nothing():
    segments = said("aa nn PP")
    plain = articulate(segments, 2.0)
    for samples in (np.zeros(2 * RATE_HZ, np.float32), np.zeros(0, np.float32)):
        np.testing.assert_allclose(
            articulate(segments, 2.0, clip=AudioClip(samples, RATE_HZ)).values, plain.values
        )
    np.testing.assert_array_equal(articulate(segments, 2.0, clip=iter(())).values, plain.values)


def test_prosody_measures_level_pitch_and_does_not_depend_on_blocks():
    clip = voiced([1.0] * 5, hz=200.0)
    whole = measure([clip])
    inside = slice(30, 70)
    rms_db = 10 * np.log10(np.square(clip.samples[int(0.6 * RATE_HZ) : int(1.4 * RATE_HZ)]).mean())
    assert np.median(whole.level_db[inside]) == pytest.approx(rms_db, abs=0.5)
    assert 2 ** np.median(whole.pitch_octaves[inside]) == pytest.approx(200.0, rel=0.02)
    assert np.isnan(whole.pitch_octaves[:20]).all()
    blocks = [AudioClip(part, RATE_HZ) for part in np.array_split(clip.samples, 13)]
    for field in ("level_db", "high_db", "pitch_octaves"):
        np.testing.assert_allclose(getattr(measure(blocks), field), getattr(whole, field), atol=1e-9)


def test_the_numbers_carry_their_card_and_damage_is_named(tmp_path, monkeypatch):
    card = json.loads(articulation.WEIGHTS.read_text(encoding="utf-8"))["card"]
    assert card["metrics"]["fitted"]["aperture_r"] > card["metrics"]["table"]["aperture_r"] + 0.1
    assert {"data", "licence", "judged_on"} <= set(card)
    monkeypatch.setattr(articulation, "WEIGHTS", tmp_path / "articulation.json")
    shipped_parameters.cache_clear()
    try:
        for text in (None, "{}", "[1]", "x"):
            if text is not None:
                articulation.WEIGHTS.write_text(text)
            with pytest.raises(ModelError, match="missing or damaged"):
                articulate(said("aa"), 1.0)
    finally:
        shipped_parameters.cache_clear()
