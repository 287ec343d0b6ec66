"""The embedded head as an asset: a .blend with its collection in a folder of assets, and its catalogue there.

Extensions cannot bring an asset library of their own into the Asset Browser; a file in one of the user's
library folders is what every Blender shows. Nothing of the open file changes.
"""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import TYPE_CHECKING

import bpy
import numpy as np

from ..inference.errors import OutputError
from ..inference.files import atomic_write, make_folder
from . import ready_head
from .outputs import written_beside

if TYPE_CHECKING:
    from collections.abc import Iterator

FILE = "soliloquy_head.blend"
PICTURE = Path(__file__).parent / "assets" / "head.jpg"
PICTURE_PX = 256
CATALOGUES = "blender_assets.cats.txt"
CATALOGUE = uuid.UUID("5b1f0f6c-5c0e-4d6c-9f2e-3a8a6f6f52a1")
"""Of "Soliloquy/Characters": the same in every library, so that files of several people come together."""
_PATH = "Soliloquy/Characters"
_HEADER = """# This is an Asset Catalog Definition file for Blender.
#
# Empty lines and lines starting with `#` will be ignored.
# The first non-ignored line should be the version indicator.
# Other lines are of the format "UUID:catalog/path/for/assets:simple catalog name"

VERSION 1
"""


def libraries() -> list[tuple[str, Path]]:
    """Name and folder of the user's asset libraries that are folders."""
    known = bpy.context.preferences.filepaths.asset_libraries
    return [(one.name, Path(bpy.path.abspath(one.path))) for one in known if one.path]


def write(folder: Path) -> Path:
    """Write the head and its catalogue into the folder of a library; an older head there is replaced.

    Returns:
        The .blend.

    Raises:
        OutputError: the folder or the disk refuses, or the folder's list of catalogues cannot be read.
    """
    make_folder(folder)
    target = folder / FILE
    with written_beside(target) as temporary:
        collection = _built()
        try:
            bpy.data.libraries.write(str(temporary), {collection}, fake_user=True, compress=True)
        finally:
            _remove(collection)
    _add_catalogue(folder / CATALOGUES)
    return target


def _built() -> bpy.types.Collection:
    """A collection with the head, marked as an asset; in no scene."""
    collection = bpy.data.collections.new("Soliloquy Head")
    scene = bpy.context.scene.collection
    scene.children.link(collection)  # bones are made in edit mode, which asks for a scene
    try:
        ready_head.add("Soliloquy Head", collection)
    finally:
        scene.children.unlink(collection)
    collection.asset_mark()
    about = collection.asset_data
    about.catalog_id = str(CATALOGUE)
    about.author, about.license = "Soliloquy", "CC0-1.0"
    about.copyright = "Public domain (CC0)"
    about.description = (
        "Head with the 52 ARKit shape keys, correctives, tongue shapes and bones of neck and eyes, "
        "mapped and ready to speak"
    )
    for tag in ("character", "head", "face", "ARKit", "Soliloquy"):
        about.tags.new(tag)
    _show(collection)
    return collection


def _show(collection: bpy.types.Collection) -> None:
    """Give the asset its picture: without a window Blender renders none, and 5.0 writes none."""
    image = bpy.data.images.load(str(PICTURE), check_existing=False)
    pixels = np.empty(PICTURE_PX**2 * 4, np.float32)
    image.pixels.foreach_get(pixels)
    bpy.data.images.remove(image)
    preview = collection.preview_ensure()
    preview.image_size = (PICTURE_PX, PICTURE_PX)
    preview.image_pixels_float.foreach_set(pixels)


def _remove(collection: bpy.types.Collection) -> None:
    objects = list(collection.objects)
    data = [made.data for made in objects]
    bpy.data.batch_remove([collection, *objects])
    bpy.data.batch_remove([one for one in data if one is not None and not one.users])


def _add_catalogue(path: Path) -> None:
    """Add our line to a library's list of catalogues, which may hold others."""
    try:
        text = path.read_text(encoding="utf-8") if path.exists() else _HEADER
    except (OSError, UnicodeDecodeError) as error:
        raise OutputError(
            f'The catalogues of the library in "{path}" cannot be read',
            "Choose another folder, or mend that file: the head itself is there already",
        ) from error
    if any(line.lower().startswith(f"{CATALOGUE}:") for line in _lines(text)):
        return
    ending = "" if text.endswith("\n") else "\n"
    with atomic_write(path) as file:
        file.write(f"{text}{ending}{CATALOGUE}:{_PATH}:Soliloquy-Characters\n")


def _lines(text: str) -> Iterator[str]:
    yield from (line.strip() for line in text.splitlines())
