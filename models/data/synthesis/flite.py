"""flite: English voices built from recordings (slt, rms, awb by clustergen, kal by diphones)."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import soundfile

from .utterance import Utterance, phone_set, segments_of_ends

VOICES = ("slt", "rms", "awb", "kal16")


def speak(text: str, voice: str, *, stretch: float = 1.0, pitch_hz: float | None = None) -> Utterance:
    """Speak English; `stretch` > 1 is slower, `pitch_hz` the mean pitch (None: the voice's own).

    Raises:
        RuntimeError: flite is not installed.
    """
    command = ["flite", "-voice", voice, "-psdur", "--setf", f"duration_stretch={stretch}"]
    if pitch_hz is not None:
        command += ["--setf", f"int_f0_target_mean={pitch_hz}"]
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder) / "spoken.wav"
        try:
            told = subprocess.run(
                [*command, "-t", text, "-o", str(wav)], capture_output=True, text=True, check=True
            )
        except FileNotFoundError:
            raise RuntimeError("flite is missing: apt install flite") from None
        samples, rate_hz = soundfile.read(wav, dtype="float32")
    rows = [entry.rsplit(":", 1) for entry in told.stdout.split()]
    ends = [(phone, float(end)) for phone, end in rows]
    return Utterance(samples, rate_hz, segments_of_ends(ends, phone_set("radio")))
