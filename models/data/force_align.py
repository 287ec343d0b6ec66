"""Phone times of real English speech from pocketsphinx: aligned to a known text, or to what it recognises."""

from __future__ import annotations

import numpy as np
from pocketsphinx import Decoder

from ...inference.visemes import Segment, viseme_of_cmu


class PhoneAligner:
    """Start seconds, end seconds and viseme class of every phone in a recording."""

    def __init__(self) -> None:
        self._decoder = Decoder(samprate=16_000, loglevel="FATAL")

    def align(self, samples: np.ndarray, text: str | None = None) -> list[Segment] | None:
        """Segments of float32 [N] at 16 kHz; None where the words cannot be found in the sound."""
        sound = (np.clip(samples, -1, 1) * 32767).astype(np.int16).tobytes()
        text = text or self._recognise(sound)
        known = " ".join(w for w in text.lower().split() if self._decoder.lookup_word(w) is not None)
        if not known:
            return None
        self._decoder.set_align_text(known)
        self._decode(sound)
        if self._decoder.hyp() is None:
            return None
        self._decoder.set_alignment()
        try:
            self._decode(sound)  # asking for a hypothesis after this pass would crash the library
        except RuntimeError:  # the words do not fit the sound
            return None
        return [
            Segment(phone.start / 100, (phone.start + phone.duration) / 100, viseme_of_cmu(phone.name))
            for word in self._decoder.get_alignment() or ()
            for phone in word
        ]

    def _recognise(self, sound: bytes) -> str:
        self._decoder.activate_search()
        self._decode(sound)
        hypothesis = self._decoder.hyp()
        return hypothesis.hypstr if hypothesis else ""

    def _decode(self, sound: bytes) -> None:
        self._decoder.start_utt()
        self._decoder.process_raw(sound, full_utt=True)
        self._decoder.end_utt()
