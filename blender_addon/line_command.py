"""One line as a command asks for it: from its options to keys on a character of the open scene."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from ..inference.commands import options
from . import directing, line, media

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    import bpy

    from .jobs import Result


def speak(
    scene: bpy.types.Scene,
    target: bpy.types.Object,
    source: media.SoundSource,
    arguments: argparse.Namespace,
    progress: Callable[[float], None] = lambda _share: None,
) -> tuple[line.Line, Result, tuple[str, ...]]:
    """Animate a sound on a character, directed and shaped by the options of a command.

    Args:
        arguments: with the options of `commands.options`; of `add_model` `model`, and `device` where it is
            not the preferences' to say.
        progress: called with the share of the sound that was heard, 0..1.

    Returns:
        The line, what became of it, and sentences worth knowing.

    Raises:
        SoliloquyError: with the reason.
    """
    notices: list[str] = []
    settings = options.animate_settings(arguments, options.said(arguments))
    asked = options.performed(arguments, settings, notices.append)
    directing.prepare(target, asked)
    described = line.describe(scene, target, source, settings, model=arguments.model)
    if hasattr(arguments, "device"):
        request = described.request
        request = replace(request, running=replace(request.running, device=arguments.device))
        described = replace(described, request=request)
    result, more = line.run_now(scene, described, progress)
    directing.follow(target, scene, asked, result.kept_line.line_id)
    return described, result, (*notices, *more)
