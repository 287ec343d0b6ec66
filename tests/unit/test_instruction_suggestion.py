"""What a voice suggests: with the signs of the literature, never louder than its evidence."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from soliloquy.inference.audio import open_audio
from soliloquy.inference.instruction.suggestion import suggest, suggested_track, track_of, whole_of
from soliloquy.inference.instruction.values import ACTION_NAMES, EMOTIONS, NEUTRAL
from soliloquy.inference.instruction.voice import RATE_HZ, phrases
from soliloquy.inference.motion import join, stream_speech
from soliloquy.inference.session import load_speech_model
from soliloquy.inference.visemes import VISEMES

READ = {
    "lift_st": 3.4,
    "range_st": 7.8,
    "slope_st_s": -0.7,
    "level_db": -20.0,
    "level_sd_db": 9.2,
    "vowels_hz": 4.3,
}
"""As people read aloud (the typical values of `voice_rules.json`)."""


def voice(duration_s=5.0, *, seed=0, gap_s=0.5, **changed):
    """Prosody and visemes of a made voice: one phrase and the pause after it."""
    how = READ | changed
    draw = np.random.default_rng(seed)
    count, gap = int(duration_s * RATE_HZ), int(gap_s * RATE_HZ)
    times = np.arange(count) / RATE_HZ
    syllable = (times * how["vowels_hz"]) % 1.0
    vowel = syllable < 0.6
    swing = how["range_st"] / 2.56 * np.sin(2 * np.pi * 0.9 * times + 1.0) * 1.35
    semitones = how["lift_st"] + swing + how["slope_st_s"] * (times - duration_s / 2)
    pitch = np.where(vowel, np.log2(120.0) + (semitones + draw.normal(0, 0.3, count)) / 12.0, np.nan)
    level = how["level_db"] + np.where(vowel, 1.0, -1.4) * how["level_sd_db"] * 0.85
    prosody = np.stack([level, level - 15.0 + how.get("bright_db", 0.0), pitch], axis=1)
    visemes = np.full((count, len(VISEMES)), 0.01)
    visemes[vowel, VISEMES.index("aa")] = 0.9
    visemes[~vowel, VISEMES.index("DD")] = 0.9
    quiet = np.tile([-80.0, -90.0, np.nan], (gap, 1))
    silent = np.zeros((gap, len(VISEMES)))
    silent[:, 0] = 1.0
    return np.concatenate([prosody, quiet]).astype(np.float32), np.concatenate([visemes, silent]).astype(
        np.float32
    )


def said(*parts):
    """Several made voices after one another."""
    return tuple(np.concatenate(column) for column in zip(*parts, strict=True))


def emotions(suggestion):
    return dict(zip(EMOTIONS, suggestion.instruction.emotions, strict=True))


def actions(suggestion):
    return dict(zip(ACTION_NAMES, suggestion.instruction.actions, strict=True))


def after_reading(**changed):
    """Suggestions for a phrase said so, after four that were read aloud."""
    return suggest(*said(*(voice(seed=i) for i in range(4)), voice(seed=9, **changed)))[-1]


def test_read_speech_stays_nearly_neutral():
    for suggestion in suggest(*said(*(voice(seed=i) for i in range(4)))):
        assert max(suggestion.instruction.emotions) < 0.1
        assert max(map(abs, suggestion.instruction.actions)) < 0.2


def test_a_slow_low_quiet_flat_voice_suggests_sadness():
    heard = after_reading(
        lift_st=0.0, range_st=2.5, level_db=-27.0, level_sd_db=6.0, vowels_hz=2.8, bright_db=-5.0
    )
    assert max(emotions(heard), key=emotions(heard).get) == "sadness"
    assert emotions(heard)["sadness"] > 0.2
    assert actions(heard)["mouth_corners"] < 0
    assert actions(heard)["pace"] < 0


def test_a_fast_loud_bright_voice_suggests_anger():
    heard = after_reading(
        lift_st=6.0, range_st=11.0, level_db=-14.0, level_sd_db=11.0, vowels_hz=5.5, bright_db=6.0
    )
    assert max(emotions(heard), key=emotions(heard).get) == "anger"
    assert actions(heard)["head_motion"] > 0
    assert actions(heard)["pace"] > 0


def test_a_high_wide_rising_voice_suggests_joy_or_amazement():
    heard = after_reading(lift_st=8.0, range_st=13.0, slope_st_s=1.2, vowels_hz=5.0)
    assert max(emotions(heard), key=emotions(heard).get) in ("joy", "amazement")
    assert actions(heard)["brows"] > 0


@settings(max_examples=40)
@given(
    st.floats(-2, 12),
    st.floats(0, 20),
    st.floats(-3, 3),
    st.floats(-35, -8),
    st.floats(1, 16),
    st.floats(1.5, 8),
)
def test_no_value_is_beyond_the_confidence(lift, wide, slope, level, level_sd, rate):
    changed = {"lift_st": lift, "range_st": wide, "slope_st_s": slope}
    changed |= {"level_db": level, "level_sd_db": level_sd, "vowels_hz": rate}
    for suggestion in suggest(*said(voice(), voice(seed=1, **changed))):
        assert 0.0 <= suggestion.confidence <= 1.0
        values = suggestion.instruction.values().values()
        assert max((abs(value) for value in values), default=0.0) <= suggestion.confidence + 1e-9


@pytest.mark.parametrize("length", [0, 1, 30, 500])
def test_silence_suggests_nothing(length):
    prosody = np.tile(np.array([-90.0, -95.0, np.nan], np.float32), (length, 1))
    visemes = np.zeros((length, len(VISEMES)), np.float32)
    visemes[:, 0] = 1.0
    assert suggest(prosody, visemes) == ()
    assert suggested_track(prosody, visemes) == NEUTRAL
    assert not whole_of(()).values()


def test_noise_suggests_nothing():
    draw = np.random.default_rng(1)
    level = draw.normal(-20.0, 1.0, 500)
    prosody = np.stack([level, level - 3.0, np.full(500, np.nan)], axis=1).astype(np.float32)
    visemes = draw.dirichlet(np.ones(len(VISEMES)), 500).astype(np.float32)
    assert suggest(prosody, visemes) == ()


def test_one_word_suggests_nothing():
    assert suggest(*voice(0.8, lift_st=10.0, range_st=15.0)) == ()


def test_phrases_are_cut_in_pauses_and_never_too_long():
    found = phrases(*said(*(voice(3.0, seed=i, gap_s=0.8) for i in range(3)), voice(14.0)))
    assert len(found) >= 5
    assert all(phrase.end_s - phrase.start_s <= 6.1 for phrase in found)
    assert all(a.end_s <= b.start_s for a, b in pairwise(found))
    assert [phrase.start_s for phrase in found[:3]] == pytest.approx([0.0, 3.8, 7.6], abs=0.1)


def test_the_track_passes_from_phrase_to_phrase():
    found = suggest(*said(voice(), voice(seed=1, lift_st=8.0, range_st=14.0, slope_st_s=1.0)))
    track = track_of(found)
    assert track.times_s[0] == found[0].start_s
    sampled, _ = track.at(np.array([s.end_s - 0.5 for s in found]))
    assert sampled == pytest.approx(np.array([s.instruction.emotions for s in found]), abs=1e-6)


def test_real_read_speech_is_nearly_neutral(shared):
    model = load_speech_model(None)
    strongest = []
    for clip in sorted((shared / "data/speech/librispeech").glob("*.ogg"))[5:345:17]:
        with open_audio(clip) as reader:
            spoken = join(stream_speech(reader.blocks(), model))
        strongest += [max(s.instruction.emotions) for s in suggest(spoken.prosody, spoken.visemes)]
    assert len(strongest) >= 20
    assert np.mean(strongest) < 0.1
    assert np.percentile(strongest, 90) < 0.3
