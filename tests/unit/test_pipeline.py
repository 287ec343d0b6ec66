import shutil

import numpy as np
import pytest
import soundfile
from fake_model import fake_model
from hypothesis import given, settings
from hypothesis import strategies as st
from soliloquy.inference.channels import ARKIT_52
from soliloquy.inference.curves import MotionControls
from soliloquy.inference.errors import AudioError, Cancelled, UsageError
from soliloquy.inference.pipeline import AnimateSettings, animate_file, collect

RATE_HZ = 16_000


def voice(duration_s, seed=0):
    """Noise in syllables: loud and quiet four times a second."""
    times_s = np.arange(int(duration_s * RATE_HZ)) / RATE_HZ
    noise = np.random.default_rng(seed).normal(0.0, 0.1, len(times_s))
    return (noise * np.square(np.sin(np.pi * 4.0 * times_s))).astype(np.float32)


@pytest.fixture(scope="module")
def wav(tmp_path_factory):
    path = tmp_path_factory.mktemp("sound") / "vöice.wav"
    soundfile.write(path, voice(47.3), RATE_HZ, subtype="PCM_16")
    return path


def animated(path, settings=None, **options):
    return collect(animate_file(path, fake_model(), settings, **options))


def test_motion_covers_the_sound_at_the_models_rate(wav):
    motion = animated(wav)
    assert motion.channels == ARKIT_52
    assert motion.rate_hz == 50.0
    assert motion.start_s == 0.0
    assert len(motion.values) == 47.3 * 50 + 1
    assert motion.channel("jawOpen").std() > 0.01
    assert (motion.values >= 0.0).all()
    assert (motion.values <= 1.0).all()


@pytest.mark.parametrize("rate_hz", [24 / 1.001, 25.0, 30.0, 60.0])
def test_another_rate_covers_the_same_time(wav, rate_hz):
    motion = animated(wav, AnimateSettings(rate_hz=rate_hz, blinks=False))
    assert motion.rate_hz == rate_hz
    assert len(motion.values) == int(47.3 * rate_hz + 1e-6) + 1
    own = animated(wav, AnimateSettings(blinks=False))
    expected = np.interp(motion.times_s, own.times_s, own.channel("jawOpen"))
    np.testing.assert_allclose(motion.channel("jawOpen"), expected, atol=1e-5)


def test_pieces_follow_each_other_without_gap_or_overlap(wav):
    rows = 0
    for piece in animate_file(wav, fake_model(), AnimateSettings(rate_hz=24.0)):
        assert piece.start_s == pytest.approx(rows / 24.0, abs=1e-9)
        assert len(piece.values) > 0
        rows += len(piece.values)


@settings(deadline=None, max_examples=8)
@given(delay_s=st.sampled_from([-0.2, -0.02, 0.1, 0.33]), rate_hz=st.sampled_from([None, 25.0, 60.0]))
def test_a_delay_moves_motion_under_rows_that_still_cover_the_sound(wav, delay_s, rate_hz):
    plain = animated(wav, AnimateSettings(rate_hz=rate_hz, blinks=False))
    late = animated(
        wav, AnimateSettings(MotionControls(prediction_delay_s=delay_s), blinks=False, rate_hz=rate_hz)
    )
    np.testing.assert_allclose(late.times_s, plain.times_s)
    own = animated(wav, AnimateSettings(blinks=False))
    expected = np.interp(late.times_s - delay_s, own.times_s, own.channel("jawOpen"))
    np.testing.assert_allclose(late.channel("jawOpen"), expected, atol=1e-5)


def test_blinks_are_seeded_and_can_be_left_out(wav):
    def lids(**options):
        return animated(wav, AnimateSettings(**options)).channel("eyeBlinkLeft")

    np.testing.assert_array_equal(lids(seed=7), lids(seed=7))
    assert np.abs(lids(seed=7) - lids(seed=8)).max() > 0.5
    assert lids(seed=7).max() > 0.95
    assert lids(blinks=False).max() < 0.95


def test_lines_of_a_batch_do_not_blink_together(wav, tmp_path):
    shutil.copy(wav, tmp_path / "other.wav")
    (tmp_path / "sub").mkdir()
    shutil.copy(wav, tmp_path / "sub" / wav.name)
    lids = animated(wav).channel("eyeBlinkLeft")
    assert np.abs(animated(tmp_path / "other.wav").channel("eyeBlinkLeft") - lids).max() > 0.5
    np.testing.assert_array_equal(animated(tmp_path / "sub" / wav.name).channel("eyeBlinkLeft"), lids)


def test_channels_that_a_model_does_not_know_stay_still(wav):
    motion = collect(animate_file(wav, fake_model(ARKIT_52[:20]), AnimateSettings(blinks=False)))
    assert motion.channels == ARKIT_52
    assert motion.channel("jawOpen").std() > 0.01
    assert not motion.channel("tongueOut").any()


def test_silence_gives_a_neutral_face_that_blinks_and_says_so(tmp_path):
    soundfile.write(tmp_path / "silence.wav", np.zeros(RATE_HZ * 30), RATE_HZ)
    said = []
    motion = animated(tmp_path / "silence.wav", notify=said.append)
    assert any("silent" in sentence for sentence in said)
    assert motion.channel("eyeBlinkLeft").max() > 0.9
    assert not motion.channel("jawOpen").any()


def test_the_shortest_sound_gives_at_least_one_row(tmp_path):
    soundfile.write(tmp_path / "one.wav", np.array([0.5]), RATE_HZ)
    for rate_hz in (None, 24.0, 60.0):
        settings_ = AnimateSettings(MotionControls(smoothing_s=0.1), rate_hz=rate_hz)
        assert len(animated(tmp_path / "one.wav", settings_).values) >= 1


def test_progress_rises_to_one(wav):
    shares = []
    animated(wav, progress=shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert len(shares) >= 3
    assert shares[0] < 0.9


def test_it_can_be_stopped_before_and_in_between(wav):
    with pytest.raises(Cancelled):
        animated(wav, cancelled=lambda: True)
    asked = []

    def at_the_second_block():
        asked.append(True)
        return len(asked) > 1

    with pytest.raises(Cancelled):
        animated(wav, cancelled=at_the_second_block)
    assert len(asked) == 2


def test_what_cannot_be_read_is_an_error_of_the_sound(tmp_path):
    with pytest.raises(AudioError, match=r"none\.wav"):
        animated(tmp_path / "none.wav")


def test_an_impossible_rate_is_refused_when_it_is_set():
    with pytest.raises(UsageError):
        AnimateSettings(rate_hz=0.0)


def test_joining_nothing_is_a_mistake_of_the_caller():
    with pytest.raises(ValueError, match="at least one"):
        collect([])
