from pathlib import Path

import numpy as np
import pytest
from fake_model import CARD, fake_model
from hypothesis import given, settings
from hypothesis import strategies as st
from live_helpers import RATE_HZ, Clock, blocks_of, voice
from soliloquy.inference import session
from soliloquy.inference.audio import open_audio
from soliloquy.inference.errors import UsageError
from soliloquy.inference.live import LATE_S, LiveSettings, RunningLevel, latency_s, live_motion, paced
from soliloquy.inference.loudness import LevelMeter
from soliloquy.inference.pipeline import AnimateSettings, animate_file, blink_seed, collect

SAMPLE = Path(__file__).resolve().parents[2] / "blender_addon" / "assets" / "sample.flac"


@pytest.mark.skipif(not session.SPEECH_WEIGHTS.is_file(), reason="the shipped weights are not there")
def test_so_it_is_with_the_shipped_model():
    model = session.load_speech_model()
    expected = collect(animate_file(SAMPLE, model, AnimateSettings(seed=1, lips_meet=False)))
    with open_audio(SAMPLE) as reader:
        gain_db = 20.0 * np.log10(reader.gain)
        reader.gain = 1.0
        raw = [clip.samples for clip in reader.blocks(0.02)]
    live = collect(live_motion(raw, model, LiveSettings(gain_db, seed=blink_seed(SAMPLE, 1))))
    np.testing.assert_allclose(live.values, expected.values, atol=1e-4)
    own = collect(live_motion(raw, model, LiveSettings(seed=blink_seed(SAMPLE, 1))))
    assert np.abs(own.values - expected.values).mean() < 0.1 * expected.values.mean()


def test_a_frame_leaves_as_soon_as_the_model_has_heard_enough():
    heard = 0

    def source():
        nonlocal heard
        for block in blocks_of(voice(2.0)):
            heard += len(block)
            yield block

    model = fake_model()
    pieces = live_motion(source(), model, LiveSettings(blinks=False))
    ahead = latency_s(model, 0.02) * RATE_HZ
    delays = []
    for piece in pieces:
        delays.extend(heard - piece.times_s * RATE_HZ)
    live = delays[: -CARD.right_context // 320]  # the last ones leave with the end of the sound
    assert max(live) <= ahead + 1e-6
    assert min(live) >= CARD.right_context


def test_the_latency_counts_what_is_heard_ahead_the_block_and_the_resampling():
    assert latency_s(fake_model(), 0.02) == pytest.approx(0.03 + 0.02)
    assert latency_s(fake_model(), 0.02, 50.0) == pytest.approx(0.05)
    assert latency_s(fake_model(), 0.04, 60.0) == pytest.approx(0.03 + 0.04 + 0.02)


def test_settings_out_of_range_are_refused():
    for wrong in ({"gain_db": 100.0}, {"gain_db": float("nan")}, {"rate_hz": 0.0}):
        with pytest.raises(UsageError):
            LiveSettings(**wrong)


@settings(max_examples=20)
@given(
    level_db=st.floats(-70.0, 10.0),
    lengths=st.lists(st.integers(1, 5_000), min_size=1, max_size=6),
    offset=st.floats(-0.3, 0.3),
)
def test_the_gain_moves_slowly_and_not_by_blocks(level_db, lengths, offset):
    sound = voice(4.0, 10.0 ** (level_db / 20.0)) + np.float32(offset)
    whole = RunningLevel().apply(sound)
    level, parts, at = RunningLevel(), [], 0
    for i in range(len(sound)):
        length = lengths[i % len(lengths)]
        parts.append(level.apply(sound[at : at + length]))
        at += length
        if at >= len(sound):
            break
    np.testing.assert_array_equal(np.concatenate(parts), whole)
    used = np.abs(sound) > 1e-4
    gain_db = 20.0 * np.log10(whole[used] / sound[used])
    at_s = np.flatnonzero(used) / RATE_HZ
    if len(at_s):
        assert np.abs(gain_db[0]) < 0.01
        assert np.all(np.abs(np.diff(gain_db)) <= 3.0 * np.diff(at_s) + 2e-3)


@pytest.mark.parametrize("level", [0.003, 0.03, 0.3])
def test_speech_of_any_loudness_comes_to_the_level_of_the_file_commands(level):
    sound = voice(20.0, level)
    meter = LevelMeter()
    meter.add(sound)
    running = RunningLevel()
    running.apply(sound)
    assert running.gain_db == pytest.approx(20.0 * np.log10(meter.gain), abs=1.5)


@pytest.mark.parametrize("level", [0.0, 1e-5, 1e-3, 0.05])
def test_noise_and_silence_do_not_move_the_gain(level):
    running = RunningLevel()
    sound = np.random.default_rng(0).normal(0.0, level, 15 * RATE_HZ).astype(np.float32)
    running.apply(np.concatenate([np.zeros(3 * RATE_HZ, np.float32), sound]))
    assert running.gain_db == 0.0


def test_a_pause_keeps_the_gain():
    running = RunningLevel()
    running.apply(voice(10.0, 0.02))
    spoken = running.gain_db
    room = np.random.default_rng(0).normal(0.0, 1e-4, 30 * RATE_HZ).astype(np.float32)
    running.apply(room)
    assert running.gain_db == pytest.approx(spoken, abs=0.5)


def test_blocks_come_when_a_microphone_would_hand_them_out():
    clock = Clock()
    times = [clock.now_s - 100.0 for _ in paced(blocks_of(voice(0.1)), clock, clock.sleep)]
    np.testing.assert_allclose(times, [0.02, 0.04, 0.06, 0.08, 0.1], atol=1e-9)


def test_a_short_delay_is_caught_up_and_a_long_one_is_told_once():
    clock, told, times = Clock(), [], []
    for i, _ in enumerate(paced(blocks_of(voice(4.0)), clock, clock.sleep, told.append)):
        times.append(clock.now_s - 100.0)
        if i == 10:
            clock.now_s += 0.05
        if i == 50:
            clock.now_s += 2.0
    assert times[20] == pytest.approx(0.02 * 21)
    assert times[-1] == pytest.approx(4.0)
    assert len(told) == 1
    assert told[0] > LATE_S
