"""Speed and memory, as one table: `python tests/bench/bench.py [--json FILE] [--minutes N]`.

Times are CPU seconds on one core. Machines differ, so the table also gives each of them as a multiple of a
yardstick measured in the same run: the log spectrum of the same sound in numpy (25 ms frames every 10 ms).
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy: it reads this once

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import soundfile
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

HERE = Path(__file__).resolve().parent
SAMPLE = HERE.parents[1] / "blender_addon" / "assets" / "sample.flac"
SCENE_FRAMES = 30_000
LIVE_S = 10.0
REPEATS = 3


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    what: str
    value: float
    unit: str
    yardsticks: float | None = None
    goal: str = ""


def syllables(duration_s: float, rate_hz: int, channels: int) -> np.ndarray:
    """float32 [N, channels]: noise that swells four times a second."""
    times_s = np.arange(int(duration_s * rate_hz)) / rate_hz
    noise = np.random.default_rng(0).normal(0.0, 0.08, len(times_s)) * np.square(
        np.sin(4.0 * np.pi * times_s)
    )
    return np.repeat(noise[:, None], channels, axis=1).astype(np.float32)


def write_sound(path: Path, duration_s: float, rate_hz: int = 16_000, channels: int = 1) -> Path:
    """A wav file of any length, written minute by minute."""
    minute = syllables(60.0, rate_hz, channels)
    with soundfile.SoundFile(path, "w", rate_hz, channels, "PCM_16") as stream:
        left = int(duration_s * rate_hz)
        while left > 0:
            stream.write(minute[:left])
            left -= len(minute)
    return path


def cpu_s(work: Callable[[], object]) -> float:
    """CPU seconds of one call: the least of several, after one that does not count."""
    work()
    taken = []
    for _ in range(REPEATS):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return min(taken)


def log_spectrum(samples: np.ndarray) -> np.ndarray:
    """The yardstick."""
    frames = np.lib.stride_tricks.sliding_window_view(samples, 400)[::160] * np.hanning(400).astype(
        np.float32
    )
    return np.log10(np.square(np.abs(np.fft.rfft(frames))) + 1e-10)


def stage_rows(folder: Path, duration_s: float) -> list[Row]:
    """CPU seconds per second of sound, stage by stage, with everything warm."""
    mono = write_sound(folder / "mono.wav", duration_s)
    stereo = write_sound(folder / "stereo.wav", duration_s, 44_100, 2)
    model = load_speech_model()

    def blocks(path: Path) -> list:
        with open_audio(path) as reader:
            return list(reader.blocks())

    clips = blocks(mono)
    motion = collect(stream_motion(clips, model))
    at_60 = resample(motion, 60.0)
    soft = MotionControls(smoothing_s=0.03)
    table = folder / "out.csv"
    whole = AnimateSettings(rate_hz=60.0)
    performed = AnimateSettings(rate_hz=60.0, direction=Direction())
    stages: list[tuple[str, Callable[[], object]]] = [
        ("yardstick: log spectrum in numpy", lambda: [log_spectrum(clip.samples) for clip in clips]),
        ("read 16 kHz mono wav", lambda: blocks(mono)),
        ("read 44.1 kHz stereo wav", lambda: blocks(stereo)),
        ("speech model", lambda: collect(stream_motion(clips, model))),
        ("strengths and smoothing (50 Hz)", lambda: apply_controls(motion, soft)),
        ("resample to 60 fps", lambda: resample(motion, 60.0)),
        ("blinks (60 fps)", lambda: add_blinks(at_60, 0)),
        ("write CSV (60 fps)", lambda: write_csv(table, [at_60])),
        ("all of it, lips only, mono wav to CSV", lambda: write_csv(table, animate_file(mono, model, whole))),
        ("all of it, mono wav to CSV", lambda: write_csv(table, animate_file(mono, model, performed))),
        ("all of it, 44.1 kHz stereo", lambda: write_csv(table, animate_file(stereo, model, performed))),
    ]
    taken = [(what, cpu_s(work) / duration_s) for what, work in stages]
    yardstick = taken[0][1]
    return [
        Row(what, per_s * 1e3, "ms / s", per_s / yardstick, "6" if what.startswith("all") else "")
        for what, per_s in taken
    ]


def performance_rows(folder: Path, yardstick_s: float) -> list[Row]:
    """What everything beyond lips and blinks costs, on real speech with an instruction."""
    sample, rate_hz = soundfile.read(SAMPLE, dtype="float32")
    minute = np.tile(sample, int(60.0 * rate_hz / len(sample)) + 1)[: 60 * rate_hz]
    path = folder / "speech.wav"
    soundfile.write(path, minute, rate_hz)
    model, models = load_speech_model(), load_performance_models()
    with open_audio(path) as reader:
        clips = list(reader.blocks())
    spoken = join(stream_speech(clips, model))
    track = InstructionTrack.constant(Instruction.of({"joy": 0.6, "nods": 0.5, "brows": 0.3}))

    def voice() -> None:
        stream = ProsodyStream(clips[0].rate_hz)
        for clip in clips:
            stream.feed(clip.samples)

    def play() -> None:
        perform_line(spoken, Direction(track, Draw.of(1)), models)

    voice_s, play_s = cpu_s(voice), cpu_s(play)
    beyond_s = (voice_s + play_s) / 60.0
    return [
        Row("measure the voice", voice_s / 60.0 * 1e3, "ms / s", voice_s / 60.0 / yardstick_s),
        Row("perform (head, eyes, expression)", play_s / 60.0 * 1e3, "ms / s", play_s / 60.0 / yardstick_s),
        Row("everything beyond lips", beyond_s * 1e3, "ms / s", beyond_s / yardstick_s, "4"),
        Row("another take of a minute", play_s, "s", goal="0.3"),
    ]


def child(arguments: list[str]) -> tuple[float, float, float]:
    """Run Python in a child: wall s, CPU s, peak MB. Posix only."""
    start = time.perf_counter()
    process = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        raise RuntimeError(f"{arguments} ended with {os.waitstatus_to_exitcode(status)}")
    return time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def command_rows(folder: Path, minutes: float) -> list[Row]:
    """The command as a user runs it, start-up included."""
    rows = []
    for name, duration_s in (("3 s", 3.0), ("10 s", 10.0), (f"{minutes:g} min", minutes * 60.0)):
        wav = write_sound(folder / "sound.wav", duration_s)
        out = str(folder / "sound.csv")
        wall, cpu, peak_mb = child(["-m", "soliloquy", "animate", str(wav), "--out", out, "--fps", "60"])
        if name == "3 s":
            rows.append(Row("command, 3 s clip: wall, start-up included", wall, "s"))
            rows.append(Row("command, 3 s clip: CPU, start-up included", cpu, "s"))
        else:
            rows.append(Row(f"command, {name}: CPU per second of sound", cpu / duration_s * 1e3, "ms / s"))
            rows.append(Row(f"command, {name}: peak memory", peak_mb, "MB", goal="300"))
        wav.unlink()
    return rows


def first_line_s(arguments: list[str]) -> float:
    """Wall seconds from the call to the first line on stdout: the least of several, after one that does not
    count."""
    taken = []
    for _ in range(REPEATS + 1):
        start = time.perf_counter()
        with subprocess.Popen(
            [sys.executable, *arguments], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        ) as process:
            if process.stdout is None or not process.stdout.readline():
                raise RuntimeError(f"{arguments} printed nothing")
            taken.append(time.perf_counter() - start)
            process.stdout.close()
    return min(taken[1:])


def live_rows(folder: Path, yardstick_s: float) -> list[Row]:
    """Live speech: how soon the first frame comes, and what the small blocks cost."""
    wav = str(write_sound(folder / "live.wav", LIVE_S))
    command = ["-m", "soliloquy", "live", wav]
    imports_s = first_line_s(["-c", "import numpy, onnxruntime; print()"])
    with open_audio(wav) as reader:
        blocks = [clip.samples for clip in reader.blocks(0.02)]
    model = load_speech_model()
    per_s = cpu_s(lambda: list(live_motion(blocks, model))) / LIVE_S
    what = "live, first line of a file (--fast)"
    fast_s = first_line_s([*command, "--fast"])
    return [
        Row("live, blocks of 20 ms", per_s * 1e3, "ms / s", per_s / yardstick_s),
        Row(
            "live, first line: wall, start-up and 0.2 s of sound included",
            first_line_s(command),
            "s",
            goal="1",
        ),
        Row(f"{what}: wall, start-up included", fast_s, "s"),
        Row(f"{what}: multiple of importing numpy and onnxruntime", fast_s / imports_s, "x", goal="3"),
    ]


def retarget_row() -> Row:
    """Motion to curves of a whole rig at scene frames, before Blender sees them."""
    values = np.random.default_rng(0).random((SCENE_FRAMES * 2 + 1, 52), dtype=np.float32)
    motion, rig = FaceMotion(values, ARKIT_52, 50.0), map_by_name("Head", ARKIT_52)
    taken = cpu_s(lambda: retarget(motion, rig, FrameRate(25), 1.0))
    return Row(f"retarget 52 channels x {SCENE_FRAMES} frames", taken, "s", goal="1")


def blender_rows() -> list[Row]:
    """What the add-on costs inside Blender; nothing when this Python has no bpy.

    Run twice: Blender compiles the modules at its first start and keeps them, as for any add-on.
    """
    with tempfile.TemporaryDirectory() as compiled:
        environment = os.environ | {"PYTHONPYCACHEPREFIX": compiled, "PYTHONDONTWRITEBYTECODE": ""}
        for _ in range(2):
            done = subprocess.run(
                [sys.executable, str(HERE / "in_blender.py"), str(SCENE_FRAMES)],
                capture_output=True,
                text=True,
                timeout=300,
                check=False,
                env=environment,
            )
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if not lines:
        print(
            f"not measured in Blender: {(done.stderr.strip() or 'no answer').splitlines()[-1]}",
            file=sys.stderr,
        )
        return []
    measured = json.loads(lines[-1])
    return [
        Row("Blender: import of bpy alone, CPU", measured["bpy_s"], "s"),
        Row("Blender: the add-on on top (import, register), CPU", measured["addon_s"], "s", goal="0.2"),
        Row(f"Blender: key 52 x {SCENE_FRAMES}, CPU", measured["keying_s"], "s", goal="1"),
        Row("Blender: a slider acts on a minute at 24 fps, CPU", measured["reapply_s"], "s", goal="0.15"),
    ]


def markdown(rows: list[Row]) -> str:
    """The table."""
    lines = ["| what | value | unit | x yardstick | at most |", "|---|---:|---|---:|---:|"]
    for row in rows:
        ratio = "" if row.yardsticks is None else f"{row.yardsticks:.2f}"
        lines.append(f"| {row.what} | {row.value:.3g} | {row.unit} | {ratio} | {row.goal} |")
    return "\n".join(lines)


def main() -> int:
    """Measure, print, and write JSON if asked to."""
    parser = argparse.ArgumentParser(description="Speed and memory of Soliloquy, as a table.")
    parser.add_argument("--json", type=Path, help="also write the rows to this file")
    parser.add_argument(
        "--minutes", type=float, default=20.0, help="length of the long sound (180: three hours)"
    )
    parser.add_argument("--seconds", type=float, default=120.0, help="length of the sound for the stages")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = stage_rows(folder, arguments.seconds)
        rows += performance_rows(folder, rows[0].value / 1e3)
        rows += live_rows(folder, rows[0].value / 1e3)
        rows += command_rows(folder, arguments.minutes)
    rows += [retarget_row(), *blender_rows()]
    print(markdown(rows))
    if arguments.json:
        arguments.json.write_text(
            json.dumps([asdict(row) for row in rows], indent=1) + "\n", encoding="utf-8"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
