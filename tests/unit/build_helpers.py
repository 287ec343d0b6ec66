"""Small wheels, made as real ones are laid out."""

import hashlib
import zipfile
from pathlib import Path

from build_tools import wheels
from build_tools.wheels import Wheel


def fetched(platform: str | None = None) -> list[Wheel]:
    """The locked wheels that lie in `wheels/` (of a platform)."""
    return [
        wheel
        for wheel in wheels.read_lock()
        if wheel.path.is_file() and (platform is None or wheel.runs_on(platform))
    ]


def make_wheel(folder: Path, name: str, metadata: str, files: dict[str, bytes]) -> Wheel:
    """A wheel file `name-1.0-py3-none-any.whl` with these lines of METADATA and files."""
    path = folder / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(
            f"{name}-1.0.dist-info/METADATA", f"Metadata-Version: 2.4\nName: {name}\nVersion: 1.0\n{metadata}"
        )
        for entry, content in files.items():
            archive.writestr(entry, content)
    return Wheel(path.name, hashlib.sha256(path.read_bytes()).hexdigest())
