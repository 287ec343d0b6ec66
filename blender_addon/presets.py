"""Looks: presets of a character's sliders. Data, one JSON file each.

Four are shipped; a user's own ones lie in the folder that Blender gives to the extension and outlive its
updates. A look may name some of the settings only: the others then stay as they are.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import bpy

from ..inference.errors import UsageError
from ..inference.files import atomic_write, make_folder, output_error
from .preferences import IDENTIFIER

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SHIPPED = Path(__file__).parent / "looks"
_ENDING = ".json"
_FORBIDDEN = re.compile(r'[\x00-\x1f<>:"/\\|?*]|^\.|[. ]$')
"""What a file name cannot hold on Windows, Linux or macOS."""
_NAME_MAX = 60
_FILE_MAX_BYTES = 100_000
_SAME = 1e-4
"""Blender keeps 32 bits of a number that a file writes with 64."""


@dataclass(frozen=True)
class Look:
    """Values of settings under a name."""

    name: str
    description: str
    values: Mapping[str, float | bool]
    """By the name of the setting, in its unit."""
    path: Path

    @property
    def is_own(self) -> bool:
        """True for the user's own, which can be removed."""
        return self.path.parent != SHIPPED


def looks() -> tuple[list[Look], list[str]]:
    """The shipped looks and then the user's own.

    Returns:
        Looks in the order of the menu; and a sentence for each file that cannot be read.
    """
    found, problems = [], []
    for path in (*sorted(SHIPPED.glob("*" + _ENDING)), *sorted(own_folder().glob("*" + _ENDING))):
        try:
            found.append(read_look(path))
        except UsageError as error:
            problems.append(str(error))
    return found, problems


def find(name: str) -> Look:
    """The look of a name.

    Raises:
        UsageError: there is none.
    """
    known, _ = looks()
    for look in known:
        if look.name == name:
            return look
    names = ", ".join(look.name for look in known)
    raise UsageError(f'There is no look "{name}"', f"Choose one of these: {names}")


def read_look(path: Path) -> Look:
    """Read a look; a file that has not changed is read once.

    Raises:
        UsageError: the file cannot be read or is not a look.
    """
    return _read(path, path.stat().st_mtime_ns if path.is_file() else 0)


@lru_cache(maxsize=256)
def _read(path: Path, _modified_ns: int) -> Look:
    try:
        if path.stat().st_size > _FILE_MAX_BYTES:
            raise ValueError("too large")
        raw = json.loads(path.read_text("utf-8"))
        values = {str(name): value for name, value in raw["values"].items()}
        if not all(isinstance(value, (bool, int, float)) for value in values.values()):
            raise ValueError("a value is not a number")
        return Look(str(raw["name"]), str(raw.get("description", "")), values, path)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UsageError(
            f"The look {path} cannot be read ({error})", "Save it anew or delete the file"
        ) from error


def save_look(name: str, settings: bpy.types.PropertyGroup) -> Look:
    """Keep the present settings of the motion as a look of the user's own; one of the same name is replaced.

    Raises:
        UsageError: the name cannot be the name of a file, or is that of a shipped look.
        OutputError: the file cannot be written.
    """
    name = name.strip()
    if not name or len(name) > _NAME_MAX or _FORBIDDEN.search(name):
        raise UsageError(
            f'"{name}" cannot be the name of a look', f"Use up to {_NAME_MAX} letters and digits, no slashes"
        )
    if any(look.name == name for look in looks()[0] if not look.is_own):
        raise UsageError(f'The look "{name}" is part of Soliloquy', "Give yours another name")
    values = {setting: getattr(settings, setting) for setting in setting_names()}
    path = make_folder(own_folder()) / (name + _ENDING)
    with atomic_write(path) as file:
        json.dump({"name": name, "description": "", "values": values}, file, indent=2)
    return Look(name, "", values, path)


def apply(look: Look, settings: bpy.types.PropertyGroup) -> None:
    """Set what the look names and the settings have; ranges are Blender's."""
    known = settings.bl_rna.properties
    for name, value in look.values.items():
        if name in known:
            setattr(settings, name, value)


def in_use(known: Iterable[Look], settings: bpy.types.PropertyGroup) -> Look | None:
    """The look whose values the settings have, the user's own before a shipped one; None for no look's."""
    return next((look for look in reversed(list(known)) if _fits(look, settings)), None)


def _fits(look: Look, settings: bpy.types.PropertyGroup) -> bool:
    known = settings.bl_rna.properties
    return all(
        abs(float(getattr(settings, name)) - float(value)) < _SAME
        for name, value in look.values.items()
        if name in known
    )


def remove_look(name: str) -> None:
    """Delete one of the user's own looks.

    Raises:
        UsageError: there is no such look, or it is a shipped one.
        OutputError: the file cannot be deleted.
    """
    look = find(name)
    if not look.is_own:
        raise UsageError(f'The look "{name}" is part of Soliloquy', "Only looks of your own can be removed")
    try:
        look.path.unlink()
    except OSError as error:
        raise output_error(error, look.path) from error


def setting_names() -> tuple[str, ...]:
    """The settings that a look holds: those that the shipped ones name."""
    return tuple(read_look(min(SHIPPED.glob("*" + _ENDING))).values)


def own_folder() -> Path:
    """Where the user's own looks lie; it may not exist yet."""
    return Path(bpy.utils.extension_path_user(IDENTIFIER, path="looks"))
