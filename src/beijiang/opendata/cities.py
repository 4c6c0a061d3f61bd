"""Portals of cities and counties (分门户): what one is called and shows, how it looks, and where it is found. They are data."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from beijiang.kit import Invalid, Text
from beijiang.opendata.members import clean_line, clean_words

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["LOGO_KINDS", "LOGO_MOST", "Portal", "PortalDraft", "checked_logo", "contrast"]

LOGO_MOST: Final = 256 * 1024
LOGO_KINDS: Final = {"png": "image/png", "jpg": "image/jpeg", "webp": "image/webp"}
CONTRAST_LEAST: Final = 4.5
"""Of words in the colour, and of white words on it (WCAG 2.2, 1.4.3)."""
_GROUNDS: Final = ("#ffffff", "#faf9f5", "#e9f1fa")
"""Cards, paper and wash of the light theme."""
THEMES_MOST: Final = 12
_CODE: Final = re.compile(r"[a-z][a-z0-9]{1,23}")
_COLOUR: Final = re.compile(r"#[0-9a-f]{6}")
_LABEL: Final = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST: Final = re.compile(rf"{_LABEL}(?:\.{_LABEL})+")


@dataclass(frozen=True, slots=True, kw_only=True)
class PortalDraft:
    """A portal as it is set."""

    code: str
    """Part of its address: ``/p/CODE``."""
    name_zh: str
    name_en: str
    region_code: str
    header_mn: str = ""
    """What its head says in traditional Mongolian."""
    colour: str = "#155e75"
    host: str = ""
    """The name of a machine that leads here, beside the path; configured here and nowhere else."""
    themes: tuple[str, ...] = ()
    """Themes that its first page shows before the others."""
    contact: str = ""

    def checked(self) -> PortalDraft:
        """Return it in normal form.

        Raises:
            Invalid: a field will not do; the error names it.

        """
        code, colour, host = (one.strip().lower() for one in (self.code, self.colour, self.host))
        if not _CODE.fullmatch(code):
            raise _bad(
                "code", "代码为 2 至 24 个小写字母或数字，字母开头。", "2 to 24 letters or digits, a letter first."
            )
        if not _COLOUR.fullmatch(colour):
            raise _bad("colour", "颜色写作 #155e75。", "A colour is written #155e75.")
        if contrast(colour) < CONTRAST_LEAST:
            raise Invalid(
                f"颜色 {colour} 与浅色底的对比度为 {contrast(colour):.2f}，至少要 {CONTRAST_LEAST}。请选深一些的颜色。",
                f"The contrast of {colour} with the light grounds is {contrast(colour):.2f}, {CONTRAST_LEAST} at least. Take a darker one.",
                code="low_contrast",
                detail={"field": "colour", "contrast": round(contrast(colour), 2)},
            )
        if host and not _HOST.fullmatch(host):
            raise _bad("host", "域名不对，如 data.baotou.gov.cn。", "That is no host name; one is data.baotou.gov.cn.")
        if len(self.themes) > THEMES_MOST:
            raise _bad("themes", f"最多 {THEMES_MOST} 个主题。", f"{THEMES_MOST} themes at most.")
        name_zh, name_en = clean_line(self.name_zh, 60), clean_line(self.name_en, 100)
        if not name_zh or not name_en:
            raise _bad("name_zh", "请填写中英文名称。", "Give a name in both languages.")
        return replace(
            self,
            code=code,
            colour=colour,
            host=host,
            name_zh=name_zh,
            name_en=name_en,
            header_mn=clean_line(self.header_mn, 60),
            contact=clean_words(self.contact, 500),
            themes=tuple(dict.fromkeys(self.themes)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Portal(PortalDraft):
    """A portal as it is kept. ``regions`` are its own region and all below."""

    regions: frozenset[str]
    revision: int
    at: datetime
    logo_kind: str = ""
    logo_digest: str = ""

    @property
    def name(self) -> Text:
        """Return what it is called."""
        return Text(self.name_zh, self.name_en)

    @property
    def path(self) -> str:
        """Return where it is on the site of the region, whatever its host."""
        return f"/p/{self.code}"

    @property
    def style(self) -> str:
        """Return the address of its stylesheet: another one for another colour."""
        return f"/static/portals/{self.code}-{self.colour[1:]}.css"

    @property
    def logo(self) -> str:
        """Return the address of its picture; empty where it has none."""
        return f"/static/portals/{self.code}-{self.logo_digest[:16]}.{self.logo_kind}" if self.logo_kind else ""

    @property
    def css(self) -> str:
        """Return the stylesheet: its one colour in the light theme; the dark theme keeps the tokens that were checked."""
        light = f"{{--sky:{self.colour};--sky-2:{self.colour}}}"
        return f'@media (prefers-color-scheme:light){{:root:not([data-theme]){light}}}:root[data-theme="light"]{light}'


def contrast(colour: str) -> float:
    """Return the least contrast of a colour with the light grounds that it stands on or under, 1 to 21 (WCAG 2.2)."""
    mine = _luminance(colour)
    return min((_luminance(ground) + 0.05) / (mine + 0.05) for ground in _GROUNDS)


def _luminance(colour: str) -> float:
    parts = (int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]  # noqa: PLR2004 - sRGB
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def checked_logo(content: bytes) -> str:
    """Return the kind of a picture by its own first bytes.

    Raises:
        Invalid: it is too large, or neither PNG, JPEG nor WebP; drawings (SVG) may hold scripts and are not taken.

    """
    kinds = {
        "png": content.startswith(b"\x89PNG\r\n\x1a\n"),
        "jpg": content.startswith(b"\xff\xd8\xff"),
        "webp": content.startswith(b"RIFF") and content[8:12] == b"WEBP",
    }
    found = next((kind for kind, fits in kinds.items() if fits), "")
    if not found or len(content) > LOGO_MOST:
        raise Invalid(
            f"标志须为 PNG、JPEG 或 WebP，最大 {LOGO_MOST >> 10} KB。",
            f"A logo is PNG, JPEG or WebP of {LOGO_MOST >> 10} KB at most.",
            code="bad_logo",
        )
    return found


def _bad(field: str, zh: str, en: str) -> Invalid:
    return Invalid(zh, en, code="bad_portal", detail={"field": field})
