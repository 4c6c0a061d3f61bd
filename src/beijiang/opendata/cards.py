"""The picture that a shared link shows: drawn here from public words, with a font that ships with the product."""

from __future__ import annotations

import io
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pathlib import Path

    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont

__all__ = ["HEIGHT", "WIDTH", "Card", "png"]

WIDTH: Final = 1200
HEIGHT: Final = 630
_EDGE: Final = 80
_LINES: Final = 3
_PAPER, _INK, _QUIET, _SKY, _STEPPE = "#faf9f5", "#14202c", "#43515f", "#0e5aa7", "#2a7148"


@dataclass(frozen=True, slots=True)
class Card:
    """What stands on it; every word is public."""

    brand: str
    title: str
    source: str
    facts: str


@lru_cache(maxsize=256)
def png(card: Card, font: Path) -> bytes:
    """Return the card as PNG; the same words are drawn once."""
    from PIL import Image, ImageDraw

    picture = Image.new("RGB", (WIDTH, HEIGHT), _PAPER)
    draw = ImageDraw.Draw(picture)
    draw.rectangle((0, HEIGHT - 44, WIDTH, HEIGHT), fill=_STEPPE)
    draw.rectangle((0, HEIGHT - 56, WIDTH, HEIGHT - 44), fill=_SKY)
    draw.text((_EDGE, 62), card.brand, font=_font(font, 34), fill=_SKY)
    lettering = _font(font, 72)
    lines = _broken(card.title, lettering, draw)
    for number, line in enumerate(lines):
        draw.text((_EDGE, 150 + 96 * number), line, font=lettering, fill=_INK)
    draw.text((_EDGE, HEIGHT - 182), _fitting(card.source, _font(font, 36), draw), font=_font(font, 36), fill=_INK)
    draw.text((_EDGE, HEIGHT - 126), _fitting(card.facts, _font(font, 30), draw), font=_font(font, 30), fill=_QUIET)
    target = io.BytesIO()
    picture.save(target, "PNG", optimize=True)
    return target.getvalue()


@lru_cache(maxsize=8)
def _font(path: Path, size: int) -> FreeTypeFont:
    from PIL import ImageFont

    return ImageFont.truetype(str(path), size)


def _broken(text: str, font: FreeTypeFont, draw: ImageDraw) -> list[str]:
    """Break between Chinese characters and at blanks; what does not fit three lines ends in dots."""
    lines: list[str] = []
    line = ""
    for piece in _pieces(text):
        if line and draw.textlength(line + piece, font=font) > WIDTH - 2 * _EDGE:
            lines.append(line.rstrip())
            line = piece.lstrip()
        else:
            line += piece
    lines.append(line.rstrip())
    if len(lines) > _LINES:
        lines = [*lines[: _LINES - 1], lines[_LINES - 1] + "…"]
    return [_fitting(one, font, draw) for one in lines]


def _pieces(text: str) -> list[str]:
    found: list[str] = []
    for character in text:
        joins = found and character.isascii() and character != " " and found[-1][-1].isascii()
        if joins:
            found[-1] += character
        else:
            found.append(character)
    return found


def _fitting(text: str, font: FreeTypeFont, draw: ImageDraw) -> str:
    if draw.textlength(text, font=font) <= WIDTH - 2 * _EDGE:
        return text
    while text and draw.textlength(text + "…", font=font) > WIDTH - 2 * _EDGE:
        text = text[:-1]
    return text + "…"
