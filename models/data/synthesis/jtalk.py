"""open_jtalk: Japanese by HTS voices; Debian main has the program but no voice, so none may be found."""

from __future__ import annotations

import re
import subprocess
import tempfile
from functools import cache
from pathlib import Path

import soundfile

from .utterance import Utterance, phone_set, segments_of_ends

_FOLDERS = (Path("/usr/share/hts-voice"), Path("/usr/local/share/hts-voice"))
_DICTIONARY = Path("/var/lib/mecab/dic/open-jtalk/naist-jdic")
_TICKS_PER_S = 1e7
_LABEL = re.compile(r"^(\d+) (\d+) .*?-(\w+)\+", re.MULTILINE)


@cache
def installed() -> tuple[str, ...]:
    """Paths of the Japanese HTS voices on this machine."""
    return tuple(sorted(str(p) for folder in _FOLDERS for p in folder.rglob("*.htsvoice")))


def speak(text: str, voice: str, *, speed: float = 1.0, semitones: float = 0.0) -> Utterance:
    """Speak Japanese with the voice file `voice`.

    Raises:
        RuntimeError: open_jtalk or its dictionary is missing.
    """
    with tempfile.TemporaryDirectory() as folder:
        wav, trace = Path(folder) / "spoken.wav", Path(folder) / "trace.txt"
        command = ["open_jtalk", "-x", str(_DICTIONARY), "-m", voice, "-r", str(speed), "-fm", str(semitones)]
        try:
            subprocess.run(
                [*command, "-ow", str(wav), "-ot", str(trace)],
                input=text.encode(), capture_output=True, check=True,
            )  # fmt: skip
        except (FileNotFoundError, subprocess.CalledProcessError) as error:
            raise RuntimeError(
                f"open_jtalk does not run: apt install open-jtalk open-jtalk-mecab-naist-jdic ({error})"
            ) from None
        samples, rate_hz = soundfile.read(wav, dtype="float32")
        told = trace.read_text("utf-8")
    rows = _LABEL.findall(told[told.find("[Output label]") :])
    ends = [(phone, int(end) / _TICKS_PER_S) for _, end, phone in rows]
    return Utterance(samples, rate_hz, segments_of_ends(ends, phone_set("japanese")))
