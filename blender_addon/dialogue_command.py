"""`blender -b scene.blend --command soliloquy dialogue`: every line in the sequencer, of every character."""

from __future__ import annotations

import argparse
import fnmatch
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bpy

from ..inference.console import OK, SOME_FAILED
from ..inference.errors import UsageError
from . import command_outputs, dialogue, dialogue_job, dialogue_strips, media
from .rig_map import refusal

if TYPE_CHECKING:
    from collections.abc import Iterable

_ABOUT = """Animate the sound strips of the open scene that have a character; those whose sound and words did
not change since last time are kept. One line that fails does not stop the others."""
_SAID = {
    dialogue_strips.NEW: "new",
    dialogue_strips.CHANGED: "changed",
    dialogue_strips.MOVED: "moved",
    dialogue_strips.DONE: "animated before",
    dialogue_strips.PROBLEM: "failed before",
    dialogue_strips.MUTED: "muted",
}


def add(commands: Any) -> argparse.ArgumentParser:
    """Declare the command."""
    command = commands.add_parser("dialogue", help="key every line in the sequencer", description=_ABOUT)
    command_outputs.add_options(command, "the scene's frame range")
    command.add_argument(
        "--assign",
        action="append",
        default=[],
        metavar="STRIPS=OBJECT",
        help="make strips lines of a mesh; STRIPS is a name with * and ?; may be given several times",
    )
    command.add_argument(
        "--again", action="store_true", help="listen to lines again that did not change, too"
    )
    command.add_argument("--list", action="store_true", help="only list the lines; nothing is changed")
    command.add_argument("--json", action="store_true", help="one JSON object per line on stdout")
    command.add_argument("--model", type=Path, metavar="FILE", help="another weight file")
    command.add_argument("--debug", action="store_true", help="show the traceback of an unexpected problem")
    return command


def run(arguments: argparse.Namespace) -> int:
    """Animate the lines, save and render; returns the exit code.

    Raises:
        SoliloquyError: nothing can be done; no output file was made.
    """
    scene = bpy.context.scene
    outputs = None if arguments.list else command_outputs.asked_for(arguments, scene)
    _assign(scene, arguments.assign)
    strips = dialogue_strips.lines(scene)
    if not strips:
        raise UsageError(
            f'No sound strip of the scene "{scene.name}" has a character',
            'Assign strips in Blender, or with --assign "STRIPS=OBJECT"',
        )
    if arguments.list or outputs is None:
        for strip in strips:
            _tell(arguments, scene, strip, _SAID[dialogue_strips.state(strip, scene)])
        return OK
    asked, refused = dialogue.request(scene, strips, again=arguments.again, model=arguments.model)
    result = dialogue_job.compute(asked, _show_progress, lambda: False)
    report = dialogue.apply(scene, asked, result, refused)
    _tell_report(arguments, scene, strips, report)
    outputs.write(scene, scene.frame_start, scene.frame_end)
    return SOME_FAILED if report.failed else OK


def _assign(scene: bpy.types.Scene, given: Iterable[str]) -> None:
    for pair in given:
        pattern, _, name = pair.rpartition("=")
        character = scene.objects.get(name)
        strips = [s for s in dialogue_strips.sound_strips(scene) if fnmatch.fnmatchcase(s.name, pattern)]
        if not strips:
            names = ", ".join(strip.name for strip in dialogue_strips.sound_strips(scene)[:8]) or "none"
            raise UsageError(f"--assign {pair}: no sound strip is called so", f"Sound strips: {names}")
        if character is None:
            raise UsageError(f"--assign {pair}: the scene has no object '{name}'", "Name a mesh of the scene")
        error = refusal(character)
        if error is not None:
            raise error
        for strip in strips:
            strip.soliloquy_line.character = character


def _show_progress(share: float) -> None:
    if sys.stderr.isatty():
        print(f"\r{share:4.0%} ", end="" if share < 1.0 else "\n", file=sys.stderr, flush=True)


def _tell_report(
    arguments: argparse.Namespace,
    scene: bpy.types.Scene,
    strips: Iterable[bpy.types.SoundStrip],
    report: dialogue.Report,
) -> None:
    failed = dict(report.failed)
    became = {**dict.fromkeys(report.animated, "animated"), **dict.fromkeys(report.unchanged, "unchanged")}
    for strip in strips:
        state = "failed" if strip.name in failed else became.get(strip.name, "muted")
        _tell(arguments, scene, strip, state, failed.get(strip.name, ""))
    for notice in report.notices:
        print(f"soliloquy: {notice}", file=sys.stderr)
    if not arguments.json:
        print(f"{report.summary}.", flush=True)


def _tell(
    arguments: argparse.Namespace,
    scene: bpy.types.Scene,
    strip: bpy.types.SoundStrip,
    state: str,
    problem: str = "",
) -> None:
    """One line of output about a strip."""
    first = media.strip_place(strip, media.frame_rate(scene))[1][0]
    name = strip.soliloquy_line.character.name
    if arguments.json:
        told = {"strip": strip.name, "character": name, "frame": first, "state": state, "problem": problem}
        print(json.dumps(told, ensure_ascii=False), flush=True)
    else:
        print(f"{strip.name}\t{name}\tframe {first:g}\t{state}", flush=True)
