"""The 15 viseme classes (Oculus' set) and how the phone alphabets of the label sources map to them."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

VISEMES = ("sil", "PP", "FF", "TH", "DD", "kk", "CH", "SS", "nn", "RR", "aa", "E", "I", "O", "U")
UNKNOWN = -1
"""No class: /h/ takes the shape of the vowel after it, glottal stops have none."""


class Segment(NamedTuple):
    """One sound of speech: `start_s` to `end_s` seconds from the start of the recording, `viseme` its index
    in `VISEMES`, or `UNKNOWN`."""

    start_s: float
    end_s: float
    viseme: int


_IPA = {
    "PP": "pbmɓβɸ", "FF": "fvɱʋ", "TH": "θð", "DD": "tdʈɖɗɾ", "kk": "kɡgxɣqχɟcħʕçʝɢɠʟ",
    "CH": "ʃʒɕʑʂʐʧʤɧ", "SS": "szʦʣ", "nn": "nlŋɲɫʎɭɳɴɬɮ", "RR": "rɹʁʀɻɽɚɝ", "aa": "aɑɐʌæɶ",
    "E": "eɛəɜɘɤɞ", "I": "iɪjɨ", "O": "oɔɒøœɵ", "U": "uʊwyʏɯʉɥʍɰ",
}  # fmt: skip
_FROM_IPA = {symbol: name for name, symbols in _IPA.items() for symbol in symbols}
_CMU = {
    "PP": "P B M", "FF": "F V", "TH": "TH DH", "DD": "T D", "kk": "K G", "CH": "CH JH SH ZH", "SS": "S Z",
    "nn": "N L NG", "RR": "R ER", "aa": "AA AE AH AY AW", "E": "EH EY", "I": "IH IY Y",
    "O": "AO OW OY", "U": "UH UW W",
    "sil": "SIL +SPN+ +NSN+",
}  # fmt: skip
_FROM_CMU = {phone: name for name, phones in _CMU.items() for phone in phones.split()}
_ARPABET_MORE = {
    "AX": "E", "AXR": "RR", "IX": "I", "UX": "U", "DX": "DD", "EL": "nn", "EM": "PP", "EN": "nn", "ENG": "nn",
    "NX": "nn", "WH": "U", "BCL": "PP", "PCL": "PP", "DCL": "DD", "TCL": "DD", "GCL": "kk", "KCL": "kk",
}  # fmt: skip
"""TIMIT's finer ARPAbet."""
_ARPABET_SHAPELESS = frozenset(("HH", "HV", "Q"))
_SHAPELESS = frozenset("hɦʔʜʡ?")
_SILENCE = frozenset((
    "", "sil", "sp", "spn", "nsn", "silence", "pau", "pause", "rest", "breath", "br", "ap", "noise", "epi",
    "#", "h#", "_", "-", ".", "..", "...", "<p>", "<p:>", "<usb>", "<nib>", "<sil>", "<sp>", "<spn>", "<eps>",
    "[sil]", "+spn+", "+nsn+", "sil-", "viseme_sil",
))  # fmt: skip
_OCULUS = {name: name for name in VISEMES} | {"ih": "I", "oh": "O", "ou": "U"}
_RHUBARB = {"A": "PP", "B": "SS", "C": "E", "D": "aa", "E": "O", "F": "U", "G": "FF", "H": "nn", "X": "sil"}
"""Rhubarb Lip Sync's mouths; B (clenched teeth) also stands for its vowel /i/."""
_PRESTON_BLAIR = {
    "ai": "aa", "e": "E", "o": "O", "u": "U", "wq": "U", "l": "nn", "fv": "FF", "mbp": "PP", "etc": "SS",
    "rest": "sil",
}  # fmt: skip
"""Preston Blair's mouths, as Papagayo names them; "etc" (c d g k n r s th y z) has its teeth together."""
_XSAMPA = {
    "A": "ɑ", "B": "β", "C": "ç", "D": "ð", "E": "ɛ", "F": "ɱ", "G": "ɣ", "H": "ɥ", "I": "ɪ", "J": "ɲ",
    "K": "ɬ", "L": "ʎ", "M": "ɯ", "N": "ŋ", "O": "ɔ", "P": "ʋ", "Q": "ɒ", "R": "ʁ", "S": "ʃ", "T": "θ",
    "U": "ʊ", "V": "ʌ", "W": "ʍ", "X": "χ", "Y": "ʏ", "Z": "ʒ", "@": "ə", "{": "æ", "}": "ʉ", "1": "ɨ",
    "2": "ø", "3": "ɜ", "4": "ɾ", "5": "ɫ", "6": "ɐ", "7": "ɤ", "8": "ɵ", "9": "œ", "&": "ɶ",
}  # fmt: skip
_LONGEST_PHONE = 3
"""Letters of a triphthong; what is longer is a word."""


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


def viseme_of_label(label: str) -> int | None:
    """Class of one label: ARPAbet (stress digits ignored), IPA, X-SAMPA, a viseme of Oculus' set, a silence.

    Returns:
        An index into `VISEMES`; `UNKNOWN` for sounds without a shape of their own (/h/, glottal stops); None
        for a label that means nothing here. Capitals on their own are ARPAbet, also where X-SAMPA differs (S,
        T, V ...): `visemes_of_labels` judges a label by the company it keeps.
    """
    return _read(label.strip(), _alphabet({label.strip()}, rhubarb=False))


def visemes_of_labels(labels: Sequence[str]) -> list[int | None]:
    """`viseme_of_label` for all labels of one file, which show its alphabet together.

    Letters A to H and X alone are Rhubarb's mouths; MBP, AI, WQ ... are Preston Blair's. ARPAbet, in capitals
    or not, shows in its names of two letters; elsewhere capitals are X-SAMPA.
    """
    kinds = {label.strip() for label in labels}
    alphabet = _alphabet(kinds, rhubarb=True)
    meaning = {label: _read(label, alphabet) for label in kinds}
    return [meaning[label.strip()] for label in labels]


def _alphabet(labels: set[str], *, rhubarb: bool) -> str:
    spoken = {label for label in labels if label.casefold() not in _SILENCE}
    if rhubarb and spoken <= set(_RHUBARB) and spoken:
        return "rhubarb"
    if any(len(label) > 1 for label in spoken) and {label.casefold() for label in spoken} <= set(
        _PRESTON_BLAIR
    ):
        return "preston_blair"
    if any(len(label) > 1 for label in spoken) and all(_oculus(label) for label in spoken):
        return "oculus"
    if not all(label.isascii() for label in spoken):
        return "phonetic"
    names = {label.rstrip("012") for label in spoken if len(label.rstrip("012")) > 1}
    known = {name for name in names if _arpabet(name) is not None and (name.isupper() or name.islower())}
    if names:
        return "arpabet" if 2 * len(known) > len(names) else "phonetic"
    return "arpabet" if all(label.isupper() for label in spoken) else "phonetic"


def _read(label: str, alphabet: str) -> int | None:
    if label.casefold() in _SILENCE:
        return VISEMES.index("sil")
    if alphabet == "rhubarb":
        return VISEMES.index(_RHUBARB[label]) if label in _RHUBARB else VISEMES.index("sil")
    if alphabet == "preston_blair":
        return VISEMES.index(_PRESTON_BLAIR[label.casefold()])
    arpabet = _arpabet(label) if alphabet == "arpabet" else None
    if arpabet is not None:
        return arpabet
    name = _oculus(label)
    if name is not None and (alphabet == "oculus" or label not in ("ou", "kk", "nn")):
        return VISEMES.index(name)
    return None if alphabet == "arpabet" and len(label) > 1 else _phonetic(label)


def _oculus(label: str) -> str | None:
    return _OCULUS.get(label.removeprefix("viseme_"))


def _arpabet(label: str) -> int | None:
    phone = label.upper().rstrip("012")
    if phone in _ARPABET_SHAPELESS:
        return UNKNOWN
    name = _FROM_CMU.get(phone) or _ARPABET_MORE.get(phone)
    return VISEMES.index(name) if name else None


def _phonetic(label: str) -> int | None:
    """IPA or X-SAMPA: letters that carry a shape, without the marks around them."""
    bare = unicodedata.normalize("NFD", label.replace("s\\", "ɕ").replace("z\\", "ʑ"))
    bare = bare.replace("c\u0327", "ç")  # the one letter of IPA that comes apart
    letters = [_XSAMPA.get(c, c) for c in bare]
    if sum(unicodedata.category(c) in ("Ll", "Lu", "Lo") for c in letters) > _LONGEST_PHONE:
        return None
    viseme = viseme_of_ipa("".join(letters))
    if viseme == UNKNOWN and not _SHAPELESS.intersection(letters):
        return None
    return viseme


def frame_classes(segments: Iterable[Segment], frames: int, rate_hz: float) -> NDArray[np.int64]:
    """int64 [frames] classes from segments; silence where there is none."""
    classes = np.zeros(frames, np.int64)
    for start_s, end_s, label in segments:
        classes[max(0, round(start_s * rate_hz)) : max(0, round(end_s * rate_hz))] = label
    return classes
