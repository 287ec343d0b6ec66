"""Speech-like sound, streams of it, and a clock, for the tests of live speech."""

import io
import json
import struct

import numpy as np
import soundfile

RATE_HZ = 16_000


def voice(duration_s, level=0.1, seed=0):
    """Noise in syllables: loud and quiet four times a second."""
    times_s = np.arange(round(duration_s * RATE_HZ)) / RATE_HZ
    noise = np.random.default_rng(seed).normal(0.0, level, len(times_s))
    return (noise * np.square(np.sin(np.pi * 4.0 * times_s))).astype(np.float32)


def blocks_of(samples, length=320):
    return [samples[i : i + length] for i in range(0, len(samples), length)]


def lines_of(text):
    return [json.loads(line) for line in text.splitlines()]


def wav_stream(samples, rate_hz=RATE_HZ, channels=1, subtype="PCM_16"):
    file = io.BytesIO()
    soundfile.write(
        file, np.repeat(samples[:, None], channels, axis=1), rate_hz, subtype=subtype, format="WAV"
    )
    data = bytearray(file.getvalue())
    at = data.index(b"data") + 4
    data[4:8] = data[at : at + 4] = struct.pack(
        "<I", 0xFFFFFFFF
    )  # as programs write that cannot know the length
    return bytes(data)


class Clock:
    """Time that passes only where it is told to."""

    def __init__(self):
        self.now_s = 100.0

    def __call__(self):
        return self.now_s

    def sleep(self, seconds):
        assert seconds > 0.0
        self.now_s += seconds
