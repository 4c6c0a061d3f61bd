"""Documents for paper as PDF: a title, facts, and tables that run over pages; the same content gives the same bytes."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final
from xml.sax.saxutils import escape

from beijiang.kit import Language, Text, TooLarge

if TYPE_CHECKING:
    from reportlab.pdfgen.canvas import Canvas
    from reportlab.platypus import Flowable

__all__ = ["Paper", "PaperTable", "paper_file"]

_CHINESE: Final = "STSong-Light"
"""A font that every reader of PDF with Chinese knows by name; nothing is embedded."""
_MARGIN: Final = 48
_MANY: Final = 6
"""Columns from which a page lies on its side."""
_LATIN_END: Final = 0x2E7F
"""Letters beyond it are as wide as two."""
_NARROWEST: Final = 30.0
"""Points that every column has at least, before the rest is shared."""
_WIDEST: Final = 40
"""Letters of a cell that count when columns share the width."""
LINES_MOST: Final = 2_000
_CELL: Final = 10_000
"""Characters of a cell that are printed."""
_CUT: Final = "…"


@dataclass(frozen=True, slots=True)
class PaperTable:
    """A table under its heading; without a head its first column names what stands beside it."""

    heading: str
    head: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Paper:
    """What is printed."""

    title: str
    tables: Sequence[PaperTable]
    notes: Sequence[str] = ()
    """Sentences below the tables."""
    language: Language = Language.ZH

    @property
    def across(self) -> int:
        """Return how many columns the widest table has."""
        return max((len(line) for table in self.tables for line in (table.head, *table.rows)), default=0)

    @property
    def lies(self) -> bool:
        """Tell whether the page lies on its side."""
        return self.across >= _MANY


def paper_file(paper: Paper) -> bytes:
    """Return the document as PDF: A4, larger for very wide tables; every page with the title and its number out of all.

    Raises:
        TooLarge: more lines than anybody would print.

    """
    lines = sum(len(table.rows) for table in paper.tables)
    if lines > LINES_MOST:
        raise TooLarge(
            f"内容有 {lines} 行，PDF 最多 {LINES_MOST} 行。请缩小范围，或导出 Excel。",
            f"There are {lines} lines, and a PDF takes {LINES_MOST}. Ask for less, or take Excel.",
            code="too_long_for_paper",
            detail={"lines": lines, "most": LINES_MOST},
        )
    from reportlab.lib.pagesizes import A2, A3, A4, landscape
    from reportlab.platypus import SimpleDocTemplate

    out = io.BytesIO()
    fits = next((size for size in (A4, A3, A2) if landscape(size)[0] - 2 * _MARGIN >= paper.across * _NARROWEST), A2)
    size = landscape(fits) if paper.lies else A4
    document = SimpleDocTemplate(
        out,
        pagesize=size,
        leftMargin=_MARGIN,
        rightMargin=_MARGIN,
        topMargin=_MARGIN,
        bottomMargin=_MARGIN,
        title=paper.title,
        lang="zh-CN" if paper.language is Language.ZH else "en",
        invariant=1,
    )
    document.build(_story(paper, _styles(), size[0] - 2 * _MARGIN), canvasmaker=_numbering(paper))
    return out.getvalue()


def _numbering(paper: Paper) -> type[Canvas]:
    """Return a canvas that keeps its pages until it knows how many there are, and numbers them then."""
    from reportlab.pdfgen.canvas import Canvas

    class Numbered(Canvas):  # type: ignore[misc] # it comes without types
        def __init__(self, *args: Any, **settings: Any) -> None:
            super().__init__(*args, **settings)
            self._kept: list[dict[str, Any]] = []

        def showPage(self) -> None:  # noqa: N802 - the library's name
            self._kept.append(dict(self.__dict__))
            self._startPage()

        def save(self) -> None:
            for number, page in enumerate(self._kept, 1):
                self.__dict__.update(page)
                self._foot(number, len(self._kept))
                super().showPage()
            super().save()

        def _foot(self, number: int, count: int) -> None:
            told = Text(f"第 {number} 页，共 {count} 页", f"page {number} of {count}")
            self.setFont(_CHINESE, 8)
            self.drawString(_MARGIN, _MARGIN / 2, _cut(paper.title, 60))
            self.drawRightString(self._pagesize[0] - _MARGIN, _MARGIN / 2, told.in_language(paper.language))

    return Numbered


def _story(paper: Paper, styles: dict[str, Any], width: float) -> list[Flowable]:
    from reportlab.platypus import Paragraph, Spacer

    story: list[Flowable] = [Paragraph(_plain(paper.title), styles["title"])]
    for table in paper.tables:
        if table.heading:
            story.append(Paragraph(_plain(table.heading), styles["heading"]))
        if table.rows:
            story += [_table(table, styles, width), Spacer(1, 8)]
        else:
            nothing = Text("无", "none").in_language(paper.language)
            story.append(Paragraph(nothing, styles["cell"]))
    return [*story, *(Paragraph(_plain(note), styles["note"]) for note in paper.notes)]


def _table(table: PaperTable, styles: dict[str, Any], width: float) -> Flowable:
    from reportlab.lib import colors
    from reportlab.platypus import LongTable, Paragraph

    lines = [line for line in (table.head, *table.rows) if line]
    across = max(len(line) for line in lines)
    cells = [
        [
            Paragraph(
                _plain(line[at] if at < len(line) else ""), styles["head" if _is_head(table, row, at) else "cell"]
            )
            for at in range(across)
        ]
        for row, line in enumerate(lines)
    ]
    grid = [
        ("GRID", (0, 0), (-1, -1), 0.4, colors.HexColor("#9aa5b1")),
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        *([("BACKGROUND", (0, 0), (-1, 0), colors.HexColor("#eef2f6"))] if table.head else []),
    ]
    return LongTable(
        cells, colWidths=_widths(lines, across, width), repeatRows=1 if table.head else 0, style=grid, splitInRow=1
    )


def _is_head(table: PaperTable, row: int, at: int) -> bool:
    return row == 0 if table.head else at == 0


def _widths(lines: Sequence[Sequence[str]], across: int, width: float) -> list[float]:
    """Share the width by the longest cell of each column, so that a number does not get the room of a sentence."""
    least = min(_NARROWEST, width / across)
    longest = [
        max(
            4,
            *(min(_WIDEST, sum(2 if ord(c) > _LATIN_END else 1 for c in line[at])) for line in lines if at < len(line)),
        )
        for at in range(across)
    ]
    room = width - least * across
    return [least + room * one / sum(longest) for one in longest]


def _plain(words: str) -> str:
    return escape(_cut(words, _CELL)).replace("\n", "<br/>")


def _cut(words: str, most: int) -> str:
    return words if len(words) <= most else words[: most - 1] + _CUT


@lru_cache(maxsize=1)
def _styles() -> dict[str, Any]:
    from reportlab.lib.styles import ParagraphStyle
    from reportlab.pdfbase import pdfmetrics
    from reportlab.pdfbase.cidfonts import UnicodeCIDFont

    pdfmetrics.registerFont(UnicodeCIDFont(_CHINESE))
    plain = ParagraphStyle("cell", fontName=_CHINESE, fontSize=9, leading=13, wordWrap="CJK")
    return {
        "cell": plain,
        "head": ParagraphStyle("head", plain, textColor="#44546a"),
        "heading": ParagraphStyle("heading", plain, fontSize=12, leading=18, spaceBefore=8, spaceAfter=4),
        "note": ParagraphStyle("note", plain, fontSize=8, leading=12, spaceBefore=4, textColor="#44546a"),
        "title": ParagraphStyle("title", plain, fontSize=17, leading=24, alignment=1, spaceAfter=10),
    }
