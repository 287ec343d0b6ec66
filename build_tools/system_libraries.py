"""What Blender and the set-up need of the system, what of it is missing, and the apt line that brings it."""

from __future__ import annotations

import ctypes
import importlib.util
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Final

BLENDER: Final = {
    "libX11.so.6": "libx11-6",
    "libXrender.so.1": "libxrender1",
    "libXfixes.so.3": "libxfixes3",
    "libXi.so.6": "libxi6",
    "libxkbcommon.so.0": "libxkbcommon0",
    "libXxf86vm.so.1": "libxxf86vm1",
    "libgomp.so.1": "libgomp1",
    "libSM.so.6": "libsm6",
    "libICE.so.6": "libice6",
    "libvulkan.so.1": "libvulkan1",
}
"""What `import bpy` loads: file name of the library -> Debian package."""

OPENGL: Final = {
    "libEGL.so.1": "libegl1",
    "libGL.so.1": "libgl1",
    "libGLESv2.so.2": "libgles2",
    "libgthread-2.0.so.0": "libglib2.0-0",
}
"""What EEVEE, Workbench and the face tracker (mediapipe with OpenCV) need besides; Cycles does without."""

MESA_DRIVER: Final = "libgl1-mesa-dri"
"""Debian package of the software driver that EEVEE and Workbench fall back to without a GPU."""


def missing(wanted: Iterable[str]) -> list[str]:
    """Those of the named libraries that the dynamic linker cannot load. Empty outside Linux."""
    if not sys.platform.startswith("linux"):
        return []
    return [name for name in wanted if not _loads(name)]


def missing_packages(opengl: bool) -> dict[str, str]:
    """What is missing -> Debian package: for Blender alone or for its OpenGL engines too, and for venv."""
    table = {**BLENDER, **OPENGL} if opengl else BLENDER
    absent = {name: table[name] for name in missing(table)}
    if sys.platform.startswith("linux") and importlib.util.find_spec("ensurepip") is None:
        absent["Python's venv module"] = "python{}.{}-venv".format(*sys.version_info)
    if opengl and sys.platform.startswith("linux") and not _has_mesa_driver():
        absent["the Mesa software driver"] = MESA_DRIVER
    return absent


def apt_line(packages: Iterable[str]) -> str:
    """The command that installs Debian packages."""
    return "sudo apt-get update && sudo apt-get install -y " + " ".join(sorted(set(packages)))


def library_in_error(text: str) -> str | None:
    """The library that a failed import complains about, from the dynamic linker's message."""
    found = re.search(r"(lib[\w.+-]+\.so[\w.]*): cannot open shared object file", text)
    return found.group(1) if found else None


def _loads(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def _has_mesa_driver() -> bool:
    patterns = ("lib*/dri/*_dri.so", "lib*/*/dri/*_dri.so", "lib*/*/libgallium*.so")
    return any(next(Path("/usr").glob(pattern), None) for pattern in patterns)
