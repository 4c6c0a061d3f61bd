"""The graph as SVG: what something was made from on the left, what is made of it on the right; no script, no style sheet.

Boxes are links where ``link`` gives an address, so the drawing works with the keyboard and under the strictest policy.
Lines of values are drawn through, those that only decide (joins, filters, groups) are dashed.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from hashlib import sha256
from html import escape
from typing import Final

from beijiang.kit.text import Language
from beijiang.lineage.models.folding import in_order
from beijiang.lineage.models.graph import Edge, Graph, Kind, Node

__all__ = ["ON_PAPER", "ON_THE_PAGE", "anchor", "drawn", "marked"]

ON_THE_PAGE: Final[Mapping[str, str]] = {
    "ink": "var(--ink)",
    "soft": "var(--ink-3)",
    "card": "var(--card)",
    "head": "var(--sky-wash)",
    "line": "var(--line)",
    "on": "var(--sky)",
}
"""Colours that follow the theme of the page."""
ON_PAPER: Final[Mapping[str, str]] = {
    "ink": "#14202c",
    "soft": "#5f6d7a",
    "card": "#ffffff",
    "head": "#e9f1fa",
    "line": "#b8b4a8",
    "on": "#0e5aa7",
}
"""Colours of a file that stands alone."""

WIDTH: Final = 190
GAP: Final = 64
HEAD: Final = 30
ROW: Final = 22
SPACE: Final = 20
LONGEST: Final = 22
"""Half-widths of a name that is not cut."""
MOST_ROWS: Final = 40
_DIRECT: Final = frozenset({"identity", "transformation", "aggregation", "carries", "offers", ""})


@dataclass(frozen=True, slots=True)
class _Box:
    node: Node
    x: int
    y: int

    @property
    def rows(self) -> tuple[str, ...]:
        return self.node.columns[:MOST_ROWS]

    @property
    def height(self) -> int:
        return HEAD + ROW * (len(self.rows) + (len(self.node.columns) > MOST_ROWS)) + (6 if self.rows else 0)

    def level(self, column: str) -> int:
        """Return the height at which lines of a column meet the box."""
        if not column or not self.rows:
            return self.y + HEAD // 2
        place = self.rows.index(column) if column in self.rows else len(self.rows)
        return self.y + HEAD + ROW * place + ROW // 2


def marked(graph: Graph, node: str, column: str) -> frozenset[Edge]:
    """Return the edges of a graph by which a column comes about and by which it goes on."""
    found: set[Edge] = set()
    for up in (True, False):
        places = {(node, column)}
        seen = set(places)
        while places:
            met = {
                edge
                for edge in graph.edges
                if ((edge.target, edge.target_column) if up else (edge.source, edge.source_column)) in places
            }
            found |= met
            places = {(e.source, e.source_column) if up else (e.target, e.target_column) for e in met} - seen
            seen |= places
    return frozenset(found)


def drawn(
    graph: Graph,
    *,
    language: Language,
    colours: Mapping[str, str] = ON_PAPER,
    link: Callable[[Node, str], str] | None = None,
    mark: tuple[str, str] = ("", ""),
    found: Collection[str] = (),
) -> str:
    """Return the graph as one SVG element; ``found`` are nodes that somebody looked for, they are framed."""
    boxes, width, height = _placed(graph)
    on = marked(graph, *mark) if mark[0] else frozenset()
    lines = [_line(boxes[e.source], boxes[e.target], e, colours, on=e in on, dim=bool(on)) for e in _once(graph, on)]
    shapes = [_box(box, graph, language, colours, link, mark, framed=box.node.id in found) for box in boxes.values()]
    size = f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"'
    font = "PingFang SC, Noto Sans CJK SC, Microsoft YaHei, system-ui, sans-serif"
    name = {"zh-CN": "血缘图", "en": "lineage graph"}[language.value]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="group" aria-label="{name}" font-family="{font}" '
        f'font-size="13">{"".join(lines)}{"".join(shapes)}</svg>'
    )


def _placed(graph: Graph) -> tuple[dict[str, _Box], int, int]:
    """Put each node into the layer of its distance, one below the other."""
    layers = in_order(graph)
    boxes: dict[str, _Box] = {}
    tall = 0
    for place, layer in enumerate(layers):
        y = SPACE
        for node in layer:
            box = _Box(node, SPACE + place * (WIDTH + GAP), y)
            boxes[node.id] = box
            y += box.height + SPACE
        tall = max(tall, y)
    return boxes, SPACE * 2 + len(layers) * (WIDTH + GAP) - GAP, tall


def _once(graph: Graph, on: frozenset[Edge]) -> list[Edge]:
    """Return one edge for each pair of ends: the most direct; those that are marked last, so that they lie on top."""
    best: dict[tuple[str, str, str, str], Edge] = {}
    for edge in sorted(graph.edges, key=lambda e: (e.use not in _DIRECT, e)):
        best.setdefault((edge.source, edge.source_column, edge.target, edge.target_column), edge)
    return sorted(best.values(), key=lambda edge: edge in on)


def _line(source: _Box, target: _Box, edge: Edge, colours: Mapping[str, str], *, on: bool, dim: bool) -> str:
    x1, y1 = source.x + WIDTH, source.level(edge.source_column)
    x2, y2 = target.x, target.level(edge.target_column)
    bend = max(GAP // 2, abs(x2 - x1) // 2)
    dash = "" if edge.use in _DIRECT else ' stroke-dasharray="5 4"'
    colour, width = (colours["on"], "2") if on else (colours["soft"], "1.2")
    faint = ' opacity=".25"' if dim and not on else ""
    path = f"M{x1} {y1}C{x1 + bend} {y1} {x2 - bend} {y2} {x2} {y2}"
    return f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="{width}"{dash}{faint}/>'


def _box(
    box: _Box,
    graph: Graph,
    language: Language,
    colours: Mapping[str, str],
    link: Callable[[Node, str], str] | None,
    mark: tuple[str, str],
    *,
    framed: bool = False,
) -> str:
    node = box.node
    name = node.name or node.kind.text.in_language(language)
    start = node.id == graph.start
    stroke = colours["on"] if start or framed else colours["line"]
    frame = f'x="{box.x}" y="{box.y}" width="{WIDTH}" height="{box.height}" rx="8" fill="{colours["card"]}"'
    parts = [f'<rect {frame} stroke="{stroke}" stroke-width="{3 if framed else 2 if start else 1}"/>']
    weight = ' font-weight="600"' if node.kind is not Kind.HIDDEN else ' font-style="italic"'
    sign = _SIGNS[node.kind]
    head = (
        f'<text x="{box.x + 12}" y="{box.y + 20}" fill="{colours["ink"]}"{weight}>{sign} {escape(_cut(name))}'
        f"<title>{escape(node.kind.text.in_language(language))} {escape(name)}</title></text>"
    )
    parts.append(_linked(head, link(node, "") if link else ""))
    for place, column in enumerate(box.rows):
        y = box.y + HEAD + ROW * place
        chosen = mark == (node.id, column)
        back = f'<rect x="{box.x + 4}" y="{y}" width="{WIDTH - 8}" height="{ROW}" rx="4" fill="{colours["head"] if chosen else "transparent"}"/>'
        colour = colours["on"] if chosen else colours["ink"]
        text = f'<text x="{box.x + 12}" y="{y + 15}" fill="{colour}">{escape(_cut(column))}<title>{escape(column)}</title></text>'
        parts.append(_linked(back + text, link(node, column) if link else ""))
    if len(node.columns) > MOST_ROWS:
        more = len(node.columns) - MOST_ROWS
        words = {"zh-CN": f"另有 {more} 列", "en": f"{more} more columns"}[language.value]
        y = box.y + HEAD + ROW * len(box.rows) + 15
        parts.append(f'<text x="{box.x + 12}" y="{y}" fill="{colours["soft"]}">{words}</text>')
    return f'<g id="{anchor(node)}">{"".join(parts)}</g>'


def anchor(node: Node) -> str:
    """Return the name under which a link leads to a box of the drawing."""
    return f"node-{sha256(node.id.encode()).hexdigest()[:12]}"


_SIGNS: Final = {
    Kind.TABLE: "▦",
    Kind.MODEL: "◈",
    Kind.TRAINING_SET: "◫",
    Kind.INDICATOR: "∑",
    Kind.GRANT: "⇢",
    Kind.PUSH: "⇥",
    Kind.APPLICATION: "▣",
    Kind.FOREIGN: "◇",
    Kind.FILE: "▤",
    Kind.SOURCE: "◉",
    Kind.ENTRY: "★",
    Kind.HIDDEN: "□",
    Kind.GROUP: "⊞",
}


def _linked(inside: str, href: str) -> str:
    return f'<a href="{escape(href)}">{inside}</a>' if href else inside


def _cut(name: str) -> str:
    """Return as much of a name as fits into a box; characters of the East are two wide."""
    room = LONGEST
    for place, letter in enumerate(name):
        room -= 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        if room < 0:
            return name[:place] + "…"
    return name
