"""Tiles beside each other in one picture, with captions. Needs Pillow."""

from __future__ import annotations

from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

BACKGROUND, INK = (24, 24, 26), (235, 235, 235)
_CAPTION_SHARE = 0.62
"""Size of a letter as a share of the height of its caption."""


class ContactSheet:
    """A grid of square tiles, filled in reading order or by row and column.

    Args:
        tile_px: side of a tile.
        columns, rows: of tiles.
        left_px: width of the column for what a row is, before the first tile.
        caption_px: height of the line below each tile; 0 for none.
        top_px: height of the line above the first row; 0 for none.
    """

    def __init__(
        self,
        tile_px: int,
        columns: int,
        rows: int,
        *,
        left_px: int = 0,
        caption_px: int = 0,
        top_px: int = 0,
    ) -> None:
        self.tile_px, self.columns = tile_px, columns
        self._left_px, self._top_px, self._row_px = left_px, top_px, tile_px + caption_px
        self._font = ImageFont.load_default(max(11, round(caption_px * _CAPTION_SHARE)))
        self.image = Image.new("RGB", (left_px + columns * tile_px, top_px + rows * self._row_px), BACKGROUND)
        self.draw = ImageDraw.Draw(self.image)

    def corner(self, index: int) -> tuple[int, int]:
        """Left and top in pixels of a tile, counted in reading order from 0."""
        row, column = divmod(index, self.columns)
        return self._left_px + column * self.tile_px, self._top_px + row * self._row_px

    def put(self, index: int, picture: Image.Image, caption: str = "") -> None:
        """Fill a tile."""
        x, y = self.corner(index)
        self.image.paste(picture, (x, y))
        self.draw.text((x + 6, y + self.tile_px + 2), caption, fill=INK, font=self._font)

    def label(self, row: int, text: str, size_px: int = 16) -> None:
        """Say before its first tile what a row is; lines are broken by the caller."""
        place = (8, self._top_px + row * self._row_px + self.tile_px // 2)
        font = ImageFont.load_default(size_px)
        self.draw.multiline_text(place, text, fill=INK, font=font, spacing=5, anchor="lm")

    def title(self, text: str, size_px: int = 20) -> None:
        """Write above the first row."""
        self.draw.text((8, 5), text, fill=INK, font=ImageFont.load_default(size_px))

    def save(self, path: Path) -> None:
        """See `save`."""
        save(self.image, path)


def save(picture: Image.Image, path: Path) -> None:
    """Write a picture small enough for the repository: a .jpg, or a .png of 256 colours."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix == ".jpg":
        picture.save(path, quality=80, optimize=True)
    else:
        picture.quantize(256).save(path, optimize=True)
    print(f"wrote {path}", flush=True)
