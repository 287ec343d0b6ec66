"""Synthetic speech with exact phone times, made on demand by espeak-ng through its C API.

The sentences are ours (`sentences.json`, per language); their words are shuffled, so that hours of speech
never repeat. espeak's own acoustics are a trap (a net trained on it alone fails on people), so
these lines teach phones only and are always disturbed.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import json
from functools import cache
from pathlib import Path

import numpy as np
import soxr

from ...inference.loudness import level_gain
from ...inference.visemes import UNKNOWN, VISEMES, viseme_of_ipa
from .corpora import Line
from .labelled import phone_line

SENTENCES: dict[str, str] = json.loads(Path(__file__).with_name("sentences.json").read_text("utf-8"))
"""Words to shuffle, by espeak voice."""
_VARIANTS = (
    "",
    "+m1",
    "+m2",
    "+m3",
    "+m4",
    "+m7",
    "+f1",
    "+f2",
    "+f3",
    "+f4",
    "+f5",
    "+anika",
    "+steph",
    "+klatt4",
)
_PHONEME_EVENTS, _PHONEME_IPA, _RETRIEVAL, _UTF8 = 0x1, 0x2, 1, 1
_EVENT_END, _EVENT_PHONEME = 0, 7
_RATE, _PITCH, _RANGE = 1, 3, 4


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int), ("unique_identifier", ctypes.c_uint), ("text_position", ctypes.c_int),
        ("length", ctypes.c_int), ("audio_position_ms", ctypes.c_int), ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p), ("id", ctypes.c_char * 8),
    )  # fmt: skip


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


class Espeak:
    """The espeak-ng library (process-wide state: use one instance; `espeak()` gives it)."""

    def __init__(self) -> None:
        name = ctypes.util.find_library("espeak-ng")
        if name is None:
            raise RuntimeError("libespeak-ng is missing: apt install libespeak-ng1 espeak-ng-data")
        self._library = ctypes.CDLL(name)
        self.rate_hz = self._library.espeak_Initialize(_RETRIEVAL, 0, None, _PHONEME_EVENTS | _PHONEME_IPA)
        self._chunks: list[np.ndarray] = []
        self._phones: list[tuple[float, str]] = []
        self._callback = _Callback(self._receive)  # kept: ctypes does not
        self._library.espeak_SetSynthCallback(self._callback)

    def _receive(self, wav: object, count: int, events: object) -> int:
        if count and wav:
            self._chunks.append(np.ctypeslib.as_array(wav, shape=(count,)).copy())
        i = 0
        while events[i].type != _EVENT_END:
            if events[i].type == _EVENT_PHONEME:
                self._phones.append(
                    (events[i].audio_position_ms / 1000, events[i].id.decode("utf-8", "ignore"))
                )
            i += 1
        return 0

    def speak(self, text: str, voice: str, words_per_minute: int, pitch: int, pitch_range: int) -> tuple:
        """Sound float32 [N] at `rate_hz`, and (start_s, IPA phone) pairs in order."""
        self._chunks, self._phones = [], []
        if self._library.espeak_SetVoiceByName(voice.encode()) != 0:
            raise RuntimeError(f"espeak-ng has no voice {voice}: apt install espeak-ng-data")
        for parameter, value in ((_RATE, words_per_minute), (_PITCH, pitch), (_RANGE, pitch_range)):
            self._library.espeak_SetParameter(parameter, value, 0)
        data = text.encode() + b"\0"
        self._library.espeak_Synth(data, len(data), 0, 1, 0, _UTF8, None, None)
        self._library.espeak_Synchronize()
        return np.concatenate(self._chunks).astype(np.float32) / 32768, self._phones


@cache
def espeak() -> Espeak:
    """The one instance."""
    return Espeak()


def synthetic_lines(count: int, seed: int) -> list[Line]:
    """`count` lines of shuffled words in random languages, voices, tempi and pitches."""
    rng = np.random.default_rng(seed)
    languages = sorted(SENTENCES)
    lines = []
    for i in range(count):
        language = languages[rng.integers(len(languages))]
        words = SENTENCES[language].split()
        text = " ".join(rng.permutation(words)[: rng.integers(5, 12)])
        if rng.random() < 0.5:
            place = int(rng.integers(1, max(2, len(text) // 2)))
            text = text[:place] + text[place:].replace(" ", ", ", 1)  # a pause inside the line
        voice = language + _VARIANTS[rng.integers(len(_VARIANTS))]
        tempo, pitch, pitch_range = (int(rng.integers(a, b)) for a, b in ((120, 230), (20, 80), (20, 80)))
        sound, phones = espeak().speak(text, voice, tempo, pitch, pitch_range)
        samples = soxr.resample(sound, espeak().rate_hz, 16_000).astype(np.float32)
        ends = [start for start, _ in phones[1:]] + [len(samples) / 16_000]
        segments = [(start, end, _class(phone)) for (start, phone), end in zip(phones, ends, strict=True)]
        samples = samples * np.float32(level_gain(samples))
        lines.append(phone_line("synthetic", f"synthetic{i}", "synthetic", samples, segments))
    return lines


def _class(phone: str) -> int:
    """Pauses come as underscores or empty names, changes of language in brackets."""
    if not phone.strip("_: ˈˌ,."):
        return VISEMES.index("sil")
    return UNKNOWN if phone.startswith("(") else viseme_of_ipa(phone)
