import io

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from live_helpers import RATE_HZ, voice, wav_stream
from soliloquy.inference.audio_stream import OffsetFollower, StreamFormat, stream_blocks
from soliloquy.inference.errors import AudioError


def read(data, raw=None, block_s=0.02):
    return np.concatenate(list(stream_blocks(io.BytesIO(data), raw or StreamFormat(), block_s)))


@pytest.mark.parametrize("block_s", [0.001, 0.02, 3.0])
def test_raw_samples_of_both_kinds(block_s):
    sound = voice(1.0)
    sixteen = (sound * 32768).astype("<i2")
    got = read(sixteen.tobytes() + b"\x01", block_s=block_s)  # half a sample at the end
    np.testing.assert_array_equal(got, OffsetFollower().remove(sixteen.astype(np.float32) / 32768))
    np.testing.assert_allclose(got, sound, atol=2e-3)
    got = read(sound.astype("<f4").tobytes(), StreamFormat("f32le"), block_s)
    np.testing.assert_array_equal(got, OffsetFollower().remove(sound))


@pytest.mark.parametrize(("subtype", "channels"), [("PCM_16", 1), ("PCM_16", 2), ("FLOAT", 1), ("FLOAT", 6)])
def test_a_wav_stream_says_itself_what_it_is(subtype, channels):
    sound = voice(1.0)
    got = read(wav_stream(sound, RATE_HZ, channels, subtype))
    np.testing.assert_allclose(got, sound, atol=2e-3)


def test_another_rate_is_resampled():
    times_s = np.arange(48_000) / 48_000
    tone = (0.1 * np.sin(2 * np.pi * 440.0 * times_s)).astype(np.float32)
    for got in (read(wav_stream(tone, 48_000)), read(tone.tobytes(), StreamFormat("f32le", 48_000))):
        assert len(got) == RATE_HZ
        expected = 0.1 * np.sin(2 * np.pi * 440.0 * np.arange(RATE_HZ) / RATE_HZ)
        np.testing.assert_allclose(got[200:-200], expected[200:-200], atol=2e-3)


def test_an_offset_disappears():
    got = read((voice(4.0) + np.float32(0.2)).astype("<f4").tobytes(), StreamFormat("f32le"))
    assert abs(got[RATE_HZ:].mean()) < 2e-3


def test_what_is_no_number_is_silence():
    sound = voice(0.5)
    sound[100:200] = np.nan
    sound[300] = np.inf
    assert np.isfinite(read(sound.tobytes(), StreamFormat("f32le"))).all()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x01",
        b"RIFF\0\0\0\0WAVE",
        b"RIFF\0\0\0\0WAVEdata\0\0\0\0",
        b"RIFF\0\0\0\0WAVEfmt \x02\0\0\0\1\0",
        b"RIFF\0\0\0\0WAVELIST\xff\xff\xff\xff",
        wav_stream(voice(0.1), subtype="PCM_U8"),
        wav_stream(voice(0.1), subtype="PCM_24"),
        wav_stream(voice(0.1))[:44],
    ],
)
def test_streams_that_are_none_are_refused_in_one_sentence(data):
    with pytest.raises(AudioError, match="standard input"):
        read(data)


@given(st.binary(max_size=200))
def test_any_header_is_read_or_refused(data):
    try:
        read(b"RIFF\0\0\0\0WAVE" + data)
    except AudioError:
        return
