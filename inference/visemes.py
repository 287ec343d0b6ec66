"""The 15 viseme classes (Oculus' set) and how the phone alphabets of the label sources map to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

VISEMES = ("sil", "PP", "FF", "TH", "DD", "kk", "CH", "SS", "nn", "RR", "aa", "E", "I", "O", "U")
UNKNOWN = -1
"""No class: /h/ takes the shape of the vowel after it, glottal stops have none."""


@dataclass(frozen=True)
class Segment:
    """One sound of speech: `start_s` to `end_s` seconds from the start of the recording, `viseme` its index in
    `VISEMES`, or `UNKNOWN`."""

    start_s: float
    end_s: float
    viseme: int


_IPA = {
    "PP": "pbmɓ", "FF": "fvɱʋ", "TH": "θð", "DD": "tdʈɖɗɾ", "kk": "kɡgxɣqχɟcħʕ", "CH": "ʃʒɕʑʂʐ", "SS": "szʦʣ",
    "nn": "nlŋɲɫʎɭɳɴɬ", "RR": "rɹʁʀɻɽ", "aa": "aɑɐʌæ", "E": "eɛəɜɘɚɝɤ", "I": "iɪjɨ",
    "O": "oɔɒøœɵ", "U": "uʊwyʏɯʉɥ",
}  # fmt: skip
_FROM_IPA = {symbol: name for name, symbols in _IPA.items() for symbol in symbols}
_CMU = {
    "PP": "P B M", "FF": "F V", "TH": "TH DH", "DD": "T D", "kk": "K G", "CH": "CH JH SH ZH", "SS": "S Z",
    "nn": "N L NG", "RR": "R ER", "aa": "AA AE AH AY AW", "E": "EH EY", "I": "IH IY Y",
    "O": "AO OW OY", "U": "UH UW W",
    "sil": "SIL +SPN+ +NSN+",
}  # fmt: skip
_FROM_CMU = {phone: name for name, phones in _CMU.items() for phone in phones.split()}


def viseme_of_ipa(phone: str) -> int:
    """Class of an IPA phone by its first letter (affricates by their fricative); UNKNOWN for others."""
    letters = [c for c in phone if c in _FROM_IPA]
    if not letters:
        return UNKNOWN
    affricate = len(letters) > 1 and _FROM_IPA[letters[0]] == "DD" and _FROM_IPA[letters[1]] in ("CH", "SS")
    return VISEMES.index(_FROM_IPA[letters[1 if affricate else 0]])


def viseme_of_cmu(phone: str) -> int:
    """Class of a CMU (ARPAbet) phone, stress digits ignored; UNKNOWN for HH and noises."""
    name = _FROM_CMU.get(phone.rstrip("012"))
    return VISEMES.index(name) if name else UNKNOWN


def frame_classes(
    segments: Iterable[Segment | tuple[float, float, int]], frames: int, rate_hz: float
) -> NDArray[np.int64]:
    """int64 [frames] classes from segments, or (start_s, end_s, class); silence where there is none."""
    classes = np.zeros(frames, np.int64)
    for segment in segments:
        if isinstance(segment, Segment):
            segment = (segment.start_s, segment.end_s, segment.viseme)
        start_s, end_s, label = segment
        classes[max(0, round(start_s * rate_hz)) : max(0, round(end_s * rate_hz))] = label
    return classes
