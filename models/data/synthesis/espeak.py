"""espeak-ng through its C API: formant synthesis in a hundred languages, phone times by its events.

Its acoustics are a trap: a net trained on it alone fails on people.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import unicodedata
from functools import cache

import numpy as np

from ....inference.visemes import UNKNOWN, VISEMES, Segment, viseme_of_ipa
from .utterance import Utterance

VARIANTS = (
    "", "+m1", "+m2", "+m3", "+m4", "+m5", "+m6", "+m7", "+m8", "+f1", "+f2", "+f3", "+f4", "+f5", "+anika",
    "+steph", "+Annie", "+Andy", "+adam", "+belinda", "+Alicia", "+Denis", "+Hugo", "+Michael", "+linda",
    "+zac", "+grandpa", "+grandma", "+victor", "+boris", "+klatt", "+klatt2", "+klatt4", "+whisper",
)  # fmt: skip
"""Voices of every language: appended to the language's name."""

_PHONEME_EVENTS, _PHONEME_IPA, _RETRIEVAL, _UTF8 = 0x1, 0x2, 1, 1
_EVENT_END, _EVENT_PHONEME = 0, 7
_RATE, _PITCH, _RANGE = 1, 3, 4
_LOOKALIKES = str.maketrans("εᵻA", "ɛɨa")  # letters beside IPA in espeak's names
_VOICELESS_STOPS = tuple("ptkcqʈ")
_BLOCK_S, _LONGEST_CLOSURE_S = 0.005, 0.08


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

    def phones(
        self, text: str, voice: str, words_per_minute: int, pitch: int, pitch_range: int
    ) -> tuple[np.ndarray, list[tuple[float, str]]]:
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


def speak(
    text: str, voice: str, *, words_per_minute: int = 170, pitch: int = 50, pitch_range: int = 50
) -> Utterance:
    """Speak with a voice such as `de+m3`; pitch and its range are 0..100. Raises RuntimeError without it."""
    samples, phones = espeak().phones(text, voice, words_per_minute, pitch, pitch_range)
    starts = _with_closures(samples, phones)
    ends = [*starts[1:], len(samples) / espeak().rate_hz]
    segments = [
        Segment(start, end, _class(phone))
        for start, end, (_, phone) in zip(starts, ends, phones, strict=True)
    ]
    return Utterance(samples, espeak().rate_hz, segments)


def _with_closures(samples: np.ndarray, phones: list[tuple[float, str]]) -> list[float]:
    """Start times, s, with voiceless stops moved to where their silence begins.

    espeak-ng reports such a stop at its burst, about 50 ms after lips or tongue have closed.
    """
    rate_hz = espeak().rate_hz
    block = int(_BLOCK_S * rate_hz)
    level = np.sqrt(np.mean(samples[: len(samples) // block * block].reshape(-1, block) ** 2, axis=1))
    silent = level < 0.003 * np.percentile(level, 95) + 1e-6
    starts = [start for start, _ in phones]
    for i, (start, phone) in enumerate(phones):
        if phone.lstrip("ˈˌ")[:1] not in _VOICELESS_STOPS or i == 0:
            continue
        earliest = int(max(starts[i - 1] + _BLOCK_S, start - _LONGEST_CLOSURE_S) / _BLOCK_S)
        place = int(start / _BLOCK_S) - 1
        while place > earliest and place < len(silent) and silent[place]:
            place -= 1
        starts[i] = min(start, (place + 1) * _BLOCK_S)
    return starts


def _class(phone: str) -> int:
    """Pauses come as underscores or empty names, changes of language in brackets."""
    if not phone.strip("_: ˈˌ,."):
        return VISEMES.index("sil")
    if phone.startswith("("):
        return UNKNOWN
    return viseme_of_ipa(unicodedata.normalize("NFD", phone).translate(_LOOKALIKES))
