"""Image files in and out: the only importer of OpenImageIO.

Still images and frames of sequences are read as 8 bit sRGB, whatever they hold; sheets and previews are
written as PNG (the frames of a pass by `exr`). Files appear complete or not at all.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from ...errors import OutputError
from ...files import atomic_path
from ..folder import ActorError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from ...types import FloatArray

IMAGE_SUFFIXES: Final = frozenset(
    (
        ".bmp",
        ".dpx",
        ".exr",
        ".hdr",
        ".jp2",
        ".jpeg",
        ".jpg",
        ".png",
        ".ppm",
        ".tga",
        ".tif",
        ".tiff",
        ".webp",
    )
)
"""What counts as an image by its name."""
_LARGEST_SIDE: Final = 16384
_LONGEST_ATTRIBUTE: Final = 65536
_PACKAGE: Final = "OpenImageIO"


class ImageError(ActorError):
    """An image file that cannot be found, read or understood."""


def read_image(path: str | os.PathLike[str]) -> NDArray[np.uint8]:
    """One image as uint8 [H, W, 3], encoded as sRGB and turned upright.

    Floating point images without a colour space of their own count as scene linear with the primaries of
    Rec. 709, as Blender saves them; values beyond 0..1 are clipped. Alpha is left out, grey is repeated.
    Pixels outside an EXR's data window are black.

    Raises:
        ImageError: missing, no image, damaged, larger than 16384 pixels, or the package is not installed.
    """
    oiio = _load_package()
    shown = Path(path)
    if not shown.is_file():
        raise ImageError(f"The image '{shown}' does not exist", "Check the path")
    with _opened(oiio, shown) as source:
        spec = source.spec()
        linear = _is_linear(oiio, spec)
        pixels = _pixels(source, shown, oiio.FLOAT if linear else oiio.UINT8)
    colours = _three(pixels)
    if linear:
        colours = encoded(colours)
    colours = _in_display_window(colours, spec)
    return _upright(colours, spec.getattribute("Orientation") or 1)


def write_png(
    path: str | os.PathLike[str], pixels: NDArray[np.uint8], attributes: Mapping[str, str] | None = None
) -> None:
    """Write uint8 [H, W, 3] (sRGB), [H, W, 4] (alpha not multiplied) or [H, W] as PNG.

    Raises:
        OutputError: the file cannot be written.
        ImageError: the package is not installed.
    """
    if pixels.dtype != np.uint8 or not (pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] in (3, 4))):
        raise ValueError(f"pixels must be uint8 [H, W], [H, W, 3] or [H, W, 4], got {pixels.shape}")
    oiio = _load_package()
    deep = pixels if pixels.ndim == 3 else pixels[:, :, None]
    spec = oiio.ImageSpec(deep.shape[1], deep.shape[0], deep.shape[2], oiio.UINT8)
    if deep.shape[2] == 4:
        spec.attribute("oiio:UnassociatedAlpha", 1)
    _write(oiio, path, spec, deep, attributes)


def read_channels(path: str | os.PathLike[str]) -> tuple[dict[str, FloatArray], dict[str, str]]:
    """The channels of an image as they are stored, float32 [H, W] by name, and the texts of its header.

    Raises:
        ImageError: as `read_image`.
    """
    oiio = _load_package()
    with _opened(oiio, Path(path)) as source:
        spec = source.spec()
        pixels = _pixels(source, Path(path), oiio.FLOAT)
        return {name: pixels[:, :, i] for i, name in enumerate(spec.channelnames)}, _texts(spec)


def read_attributes(path: str | os.PathLike[str]) -> dict[str, str]:
    """The texts of an image's header; the pixels are not read.

    Raises:
        ImageError: as `read_image`.
    """
    oiio = _load_package()
    with _opened(oiio, Path(path)) as source:
        return _texts(source.spec())


@contextmanager
def _opened(oiio: Any, path: Path) -> Iterator[Any]:
    source = oiio.ImageInput.open(str(path))
    if source is None:
        raise ImageError(f"'{path}' is no image that can be read ({_reason(oiio)})", _CONVERT)
    try:
        yield source
    except UnicodeDecodeError as error:  # names and texts of a header are decoded as they are asked for
        raise ImageError(f"The header of the image '{path}' is damaged", "Copy it again") from error
    finally:
        source.close()


def _pixels(source: Any, path: Path, kind: Any) -> Any:
    _check_size(path, source.spec())
    pixels = source.read_image(kind)
    if pixels is None:
        raise ImageError(f"The image '{path}' is damaged ({_first_line(source.geterror())})", "Copy it again")
    return pixels


def _texts(spec: Any) -> dict[str, str]:
    return {one.name: one.value for one in spec.extra_attribs if isinstance(one.value, str)}


def encoded(linear: FloatArray) -> NDArray[np.uint8]:
    """uint8 of linear light 0..1 in the encoding of sRGB (IEC 61966-2-1); what is no number is black."""
    light = np.clip(np.nan_to_num(linear, nan=0.0, posinf=1.0, neginf=0.0), 0.0, 1.0)
    code = np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1.0 / 2.4) - 0.055)
    return np.asarray(np.rint(code * 255.0), np.uint8)


_CONVERT: Final = "Give a PNG, JPEG, TIFF or OpenEXR image"


def _load_package() -> Any:
    try:
        import OpenImageIO
    except (ImportError, OSError) as error:
        raise ImageError(
            f"Images cannot be read or written because the Python package {_PACKAGE} does not load ({error})",
            'Install it: python -m pip install "soliloquy[actor]"',
        ) from error
    return OpenImageIO


def _write(
    oiio: Any,
    path: str | os.PathLike[str],
    spec: Any,
    pixels: NDArray[Any],
    attributes: Mapping[str, str] | None,
) -> None:
    for name, text in (attributes or {}).items():
        spec.attribute(name, text[:_LONGEST_ATTRIBUTE])
    with atomic_path(path) as temporary:
        out = oiio.ImageOutput.create(str(temporary))
        if out is None:
            oiio.geterror()  # taken, or it is printed when the program ends
            raise OutputError(f"'{path}' is no kind of image that can be written", "Name it with .png")
        done = out.open(str(temporary), spec) and out.write_image(np.ascontiguousarray(pixels))
        if not (out.close() and done):
            reason = _first_line(out.geterror()) or "no reason given"
            raise OutputError(f"'{path}' cannot be written ({reason})", "Check the disk and the folder")


def _check_size(path: Path, spec: Any) -> None:
    sides = (spec.width, spec.height, spec.full_width, spec.full_height)
    if min(sides) < 1 or max(sides) > _LARGEST_SIDE or spec.depth > 1:
        raise ImageError(
            f"The image '{path}' has an impossible size ({spec.width} x {spec.height})",
            f"Give images of up to {_LARGEST_SIDE} pixels a side",
        )


def _is_linear(oiio: Any, spec: Any) -> bool:
    if str(spec.format) not in ("half", "float", "double"):
        return False
    space = str(spec.getattribute("oiio:ColorSpace") or "").lower()
    return not space.startswith(("srgb", "rec709", "g22_rec709"))


def _three(pixels: NDArray[Any]) -> NDArray[Any]:
    """[H, W, 3] of an image with any number of channels."""
    deep = pixels if pixels.ndim == 3 else pixels[:, :, None]
    return deep[:, :, :3] if deep.shape[2] >= 3 else np.repeat(deep[:, :, :1], 3, axis=2)


def _in_display_window(colours: NDArray[np.uint8], spec: Any) -> NDArray[np.uint8]:
    """An EXR stores a window of its own on the picture: it may be smaller, larger or beside it."""
    if (spec.full_width, spec.full_height) == (spec.width, spec.height) and (spec.x, spec.y) == (
        spec.full_x,
        spec.full_y,
    ):
        return colours
    full = np.zeros((spec.full_height, spec.full_width, 3), np.uint8)
    left, top = spec.x - spec.full_x, spec.y - spec.full_y
    x0, y0 = max(left, 0), max(top, 0)
    x1, y1 = min(left + spec.width, spec.full_width), min(top + spec.height, spec.full_height)
    if x1 > x0 and y1 > y0:
        full[y0:y1, x0:x1] = colours[y0 - top : y1 - top, x0 - left : x1 - left]
    return full


def _upright(colours: NDArray[np.uint8], orientation: int) -> NDArray[np.uint8]:
    """The eight orientations of TIFF and EXIF."""
    if orientation in (5, 6, 7, 8):
        colours = colours.transpose(1, 0, 2)
    # After the exchange of the axes: whether rows, whether columns run backwards.
    flips = {2: (1, -1), 3: (-1, -1), 4: (-1, 1), 6: (1, -1), 7: (-1, -1), 8: (-1, 1)}
    rows, columns = flips.get(orientation, (1, 1))
    return np.ascontiguousarray(colours[::rows, ::columns])


def _reason(oiio: Any) -> str:
    return _first_line(oiio.geterror()) or "unknown kind of file"


def _first_line(text: str) -> str:
    return (text.strip() or "").splitlines()[0][:200] if text.strip() else ""
