"""The phones of a text, by espeak-ng where it is installed.

espeak-ng is a program of its own (a hundred languages, GPL): it is called, never linked or shipped. Without
it everything works but the text is left aside.
"""

from __future__ import annotations

import re
import subprocess
from typing import Final

from .errors import SoliloquyError, UsageError
from .visemes import UNKNOWN, VISEMES, viseme_of_ipa

LANGUAGE: Final = "en-us"
"""The language of a text unless the user names another."""
TEXT_MAX: Final = 100_000
"""Letters that a text may have: some two hours of speech."""
PROGRAM: Final = "espeak-ng"

_TIMEOUT_S = 120.0
_SHOWN = 8
_COMMON = ("en-us", "en-gb", "de", "fr-fr", "es", "it", "pt", "cmn", "ja")
_LANGUAGE_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_+-]{0,40}")
_SWITCH = re.compile(r"\([^)]*\)")
"""espeak-ng marks a word that it reads in another language: `(en) ... (de)`."""
_SEPARATORS = re.compile(r"[_\s]+")
_MISSING = "Install it (apt install espeak-ng, brew install espeak-ng, or espeak-ng's own installer)"


class PhonesUnavailable(SoliloquyError):  # noqa: N818 - not a fault
    """The text cannot be turned into phones on this machine; the line can be animated without it."""


def words_of(text: str, language: str = LANGUAGE) -> list[list[int]]:
    """The words of a text, each as the viseme classes of its phones.

    Args:
        text: what is said, in its usual spelling. Line breaks count as spaces between words.
        language: an espeak-ng voice (`en-us`, `de`, `fr`, `cmn`, ...).

    Returns:
        One list per word that has phones; /h/ and glottal stops are `visemes.UNKNOWN`.

    Raises:
        UsageError: the text is empty or too long, or espeak-ng does not know the language.
        PhonesUnavailable: espeak-ng is not installed, or fails.
    """
    text = " ".join(text.split())
    if not text:
        raise UsageError("The text is empty", "Give the words that are spoken, or leave the text out")
    if len(text) > TEXT_MAX:
        raise UsageError(f"The text has more than {TEXT_MAX} letters", "Split the sound and its text")
    if not _LANGUAGE_NAME.fullmatch(language):
        raise UsageError(f"'{language}' is not the name of a language", "Write it as in: en-us, de, fr")
    done = _espeak(["-q", "--ipa", "--sep=_", "-b", "1", "-v", language, "--stdin"], text)
    if done.returncode != 0:
        known = languages()
        if language not in known:
            raise UsageError(
                f"espeak-ng does not know the language '{language}'",
                f"Choose one of {_listed(language, known)}",
            )
        raise PhonesUnavailable("espeak-ng could not read the text", "Check its installation")
    words = [_classes(word) for word in done.stdout.split()]
    return [word for word in words if word]


def languages() -> list[str]:
    """The languages that the installed espeak-ng knows.

    Raises:
        PhonesUnavailable: it is not installed, or fails.
    """
    rows = _espeak(["--voices"], "").stdout.splitlines()[1:]
    return sorted({columns[1] for columns in map(str.split, rows) if len(columns) > 1})


def _espeak(arguments: list[str], text: str) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            [PROGRAM, *arguments],
            input=text.encode("utf-8", "replace").decode("utf-8").replace("\0", ""),
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            timeout=_TIMEOUT_S,
            check=False,
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),  # Windows would open a terminal
        )
    except FileNotFoundError as error:
        cause = "espeak-ng, which turns text into phones, is not installed"
        raise PhonesUnavailable(cause, _MISSING) from error
    except subprocess.TimeoutExpired as error:
        raise PhonesUnavailable("espeak-ng did not finish reading the text", "Split the text") from error
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise PhonesUnavailable(f"espeak-ng cannot be started ({reason})", _MISSING) from error


def _listed(language: str, known: list[str]) -> str:
    """Those of the same family first, then the well-known ones."""
    stem = language.split("-")[0].lower()
    near = [name for name in known if name.split("-")[0] == stem]
    common = [name for name in _COMMON if name in known]
    names = list(dict.fromkeys([*near, *common]))[:_SHOWN]
    return f"{', '.join(names)} (all {len(known)}: {PROGRAM} --voices)"


def _classes(word: str) -> list[int]:
    """Viseme classes of one word in espeak-ng's IPA, e.g. `h_ə_l_ˈoʊ`."""
    phones = [phone for phone in _SEPARATORS.split(_SWITCH.sub("", word)) if any(map(str.isalpha, phone))]
    classes = [viseme_of_ipa(phone) for phone in phones]
    return classes if any(label != UNKNOWN and label != VISEMES.index("sil") for label in classes) else []
