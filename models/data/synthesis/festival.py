"""festival: diphone, HTS and cluster-unit voices from recordings, in six languages.

Starting it costs more than a sentence, so one process speaks a whole batch of one voice.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import soundfile

from .utterance import Utterance, phone_set, segments_of_ends


@dataclass(frozen=True)
class FestivalVoice:
    """One voice: language (key of sentences.json), phone set, and the encoding that its rules read."""

    language: str
    phones: str
    encoding: str = "latin-1"


VOICES = {
    "cmu_us_slt_arctic_hts": FestivalVoice("en-us", "radio"),
    "kal_diphone": FestivalVoice("en-us", "radio"),
    "ked_diphone": FestivalVoice("en-us", "radio"),
    "lp_diphone": FestivalVoice("it", "italian"),
    "pc_diphone": FestivalVoice("it", "italian"),
    "czech_machac": FestivalVoice("cs", "czech", "iso8859-2"),
    "suo_fi_lj_diphone": FestivalVoice("fi", "finnish"),
    "hy_fi_mv_diphone": FestivalVoice("fi", "finnish"),
    "upc_ca_ona_hts": FestivalVoice("ca", "catalan"),
    "msu_ru_nsh_clunits": FestivalVoice("ru", "russian", "utf-8"),
}
"""Debian's voices that work (its Hindi and Telugu ones lack their phone sets without festival-hi, -te)."""

_SCRIPT = """
(voice_{voice})
(define (tell text wav)
  (let ((utt (SynthText text)))
    (utt.save.wave utt wav 'riff)
    (format t "@@ %s\\n" wav)
    (mapcar (lambda (s) (format t "@ %s %f\\n" (item.name s) (item.feat s 'end)))
            (utt.relation.items utt 'Segment))))
"""


@cache
def installed() -> tuple[str, ...]:
    """The voices of `VOICES` that this machine has."""
    if shutil.which("festival") is None:
        return ()
    told = subprocess.run(
        ["festival", "--pipe"], input="(print (voice.list))", capture_output=True, text=True, check=False
    ).stdout
    names = told.replace("(", " ").replace(")", " ").split()
    return tuple(v for v in VOICES if v in names)


def speak(text: str, voice: str, *, stretch: float = 1.0) -> Utterance:
    """Speak one text (see `speak_all`, which is much faster for many)."""
    return speak_all([(text, stretch)], voice)[0]


def speak_all(requests: list[tuple[str, float]], voice: str) -> list[Utterance]:
    """Speak (text, duration stretch) pairs with one voice; HTS voices ignore the stretch.

    Raises:
        RuntimeError: festival or the voice is missing, or it failed on a text.
    """
    if voice not in installed():
        raise RuntimeError(f"festival has no voice {voice}: apt install festival and its festvox package")
    kind = VOICES[voice]
    with tempfile.TemporaryDirectory() as folder:
        wavs = [Path(folder) / f"{i}.wav" for i in range(len(requests))]
        calls = [
            f"(Parameter.set 'Duration_Stretch {stretch:.3f})\n"
            f'(tell "{_plain(text, kind.encoding)}" "{wav}")\n'
            for (text, stretch), wav in zip(requests, wavs, strict=True)
        ]
        script = Path(folder) / "speak.scm"
        script.write_bytes((_SCRIPT.format(voice=voice) + "".join(calls)).encode(kind.encoding))
        done = subprocess.run(["festival", "-b", str(script)], capture_output=True, check=False)
        spoken = _told(done.stdout.decode(kind.encoding, "replace"), wavs, kind.phones)
    if len(spoken) != len(requests):
        why = done.stderr.decode(kind.encoding, "replace").strip().splitlines()[:1]
        raise RuntimeError(f"festival's {voice} failed on {requests[len(spoken)][0]!r}: {why}")
    return spoken


def _plain(text: str, encoding: str) -> str:
    """Without what the rules of a voice cannot read, and without quotes."""
    return text.encode(encoding, "ignore").decode(encoding).replace("\\", "").replace('"', "")


def _told(output: str, wavs: list[Path], phones: str) -> list[Utterance]:
    spoken = []
    for wav, block in zip(wavs, output.split("@@ ")[1:], strict=False):
        rows = [line.split() for line in block.splitlines()[1:] if line.startswith("@ ")]
        ends = [(name, float(end)) for _, name, end in rows]
        samples, rate_hz = soundfile.read(wav, dtype="float32")
        spoken.append(Utterance(samples, rate_hz, segments_of_ends(ends, phone_set(phones))))
    return spoken
