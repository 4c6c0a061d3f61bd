"""An answer as a picture (SVG), a sheet (CSV) and a graph for other programs (GraphML); no script, no style sheet.

Boxes are links where ``link`` gives an address, so the drawing works with the keyboard and under the strictest policy.
"""

from __future__ import annotations

import csv
import io
import math
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Final

from beijiang.kit import Language, guard_formula
from beijiang.mining.models.graphs import NodeKind, Party, Related, Relation, Shown, ShownEdge

__all__ = ["DRAWN", "ON_PAPER", "ON_THE_PAGE", "as_csv", "as_graphml", "drawn", "per_cent"]

DRAWN: Final = 60
"""Parties that are drawn at most; the others are counted."""
ON_THE_PAGE: Final[Mapping[str, str]] = {
    "ink": "var(--ink)",
    "soft": "var(--ink-3)",
    "card": "var(--card)",
    "line": "var(--line)",
    "on": "var(--sky)",
}
ON_PAPER: Final[Mapping[str, str]] = {
    "ink": "#14202c",
    "soft": "#5f6d7a",
    "card": "#ffffff",
    "line": "#b8b4a8",
    "on": "#0e5aa7",
}
WIDTH, HEIGHT, GAP, SPACE, FOOT = 196, 46, 88, 14, 26
LONGEST: Final = 24
"""Half-widths of a name that is not cut."""
_SIGNS: Final = {
    NodeKind.FIRM: "▦",
    NodeKind.OUTSIDE: "▢",
    NodeKind.PERSON: "●",
    NodeKind.HIDDEN: "○",
    NodeKind.ADDRESS: "⌂",
    NodeKind.PHONE: "☏",
}
_Places = list[tuple[int, int]]


def per_cent(share: float | None) -> str:
    """Return a fraction as people write it; a dash where there is none."""
    return "—" if share is None else f"{100 * share:.4f}".rstrip("0").rstrip(".") + " %"


def named(party: Party, language: Language) -> str:
    """Return the name of a party, or what it is where the reader may not see the name."""
    return party.name or party.kind.text.in_language(language)


def drawn(
    shown: Shown,
    *,
    language: Language,
    colours: Mapping[str, str] = ON_PAPER,
    link: Callable[[Party], str] | None = None,
    foot: str = "",
) -> str:
    """Return the picture as one SVG element: layers from the holders on the left to the held on the right, or a ring."""
    parties = shown.parties[:DRAWN]
    places, width, height = _ring(len(parties)) if shown.question == "circles" else _layers(shown, parties)
    edges = [one for one in shown.edges if max(one.tail, one.head) < len(parties)]
    ends = _ends(places, edges)
    lines = "".join(
        _line(*ends[at], edges[at], colours, language)
        for at in sorted(range(len(edges)), key=lambda at: edges[at].strong)
    )
    if any(start[0] == end[0] for start, end in ends):
        width += GAP
    boxes = "".join(
        _box(
            places[at], party, language, colours, (link(party) if link else "", at == 0 and shown.question != "circles")
        )
        for at, party in enumerate(parties)
    )
    left = max(0, shown.total + (shown.question not in {"path", "circles"}) - len(parties))
    more = {"zh-CN": f"另有 {left} 个未画出", "en": f"{left} more are not drawn"}[language.value] if left else ""
    words = " · ".join(one for one in (more, foot) if one)
    name = {"zh-CN": "关系图", "en": "graph of relations"}[language.value]
    size = f'width="{width}" height="{height + FOOT}" viewBox="0 0 {width} {height + FOOT}"'
    font = "PingFang SC, Noto Sans CJK SC, Microsoft YaHei, system-ui, sans-serif"
    note = f'<text x="{SPACE}" y="{height + 14}" fill="{colours["soft"]}" font-size="12">{escape(words)}</text>'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="group" aria-label="{name}" font-family="{font}" '
        f'font-size="13">{lines}{boxes}{note}</svg>'
    )


def _layers(shown: Shown, parties: Sequence[Party]) -> tuple[_Places, int, int]:
    turned = shown.question in {"chain-up", "controller"}
    layers = sorted({one.distance for one in parties}, reverse=turned)
    counts = dict.fromkeys(layers, 0)
    tall = max((sum(one.distance == layer for one in parties) for layer in layers), default=1)
    whole = {layer: sum(one.distance == layer for one in parties) for layer in layers}
    places: _Places = []
    for party in parties:
        row, counts[party.distance] = counts[party.distance], counts[party.distance] + 1
        above = (tall - whole[party.distance]) * (HEIGHT + SPACE) // 2
        places.append((SPACE + layers.index(party.distance) * (WIDTH + GAP), SPACE + above + row * (HEIGHT + SPACE)))
    return places, 2 * SPACE + len(layers) * (WIDTH + GAP) - GAP, SPACE + tall * (HEIGHT + SPACE)


def _ring(count: int) -> tuple[_Places, int, int]:
    radius = max(120, count * (HEIGHT + 2 * SPACE) // 5)
    places = [
        (
            int(SPACE + radius * 1.6 * (1 + math.sin(2 * math.pi * at / max(1, count)))),
            int(SPACE + radius * (1 - math.cos(2 * math.pi * at / max(1, count)))),
        )
        for at in range(count)
    ]
    return places, int(2 * SPACE + radius * 3.2 + WIDTH), 2 * SPACE + 2 * radius + HEIGHT


def _ends(places: _Places, edges: Sequence[ShownEdge]) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    """Return where each relation leaves and arrives; those that meet a box on one side are spread along that side."""
    met: dict[tuple[int, bool], list[tuple[int, int, int]]] = {}
    for at, edge in enumerate(edges):
        for which, (here, there) in enumerate(((edge.tail, edge.head), (edge.head, edge.tail))):
            right = places[there][0] > places[here][0] or (places[there][0] == places[here][0])
            met.setdefault((here, right), []).append((places[there][1], at, which))
    found = [[(0, 0), (0, 0)] for _ in edges]
    for (box, right), lines in met.items():
        x, y = places[box]
        for place, (_, at, which) in enumerate(sorted(lines), 1):
            found[at][which] = (x + WIDTH if right else x, y + HEIGHT * place // (len(lines) + 1))
    return [(start, end) for start, end in found]


def _line(
    start: tuple[int, int], end: tuple[int, int], edge: ShownEdge, colours: Mapping[str, str], language: Language
) -> str:
    (x1, y1), (x2, y2) = start, end
    forward = x1 < x2
    bend1 = -(GAP // 2) if x1 > x2 else GAP // 2
    bend2 = -(GAP // 2) if forward else GAP // 2
    colour, width = (colours["on"], "2") if edge.strong else (colours["soft"], "1.1")
    dash = "" if edge.relation is Relation.HOLDING else ' stroke-dasharray="5 4"'
    said = per_cent(edge.share) if edge.relation is Relation.HOLDING else edge.relation.text.in_language(language)
    head = f"M{x2} {y2}l{-7 if forward else 7} -4v8z"
    path = f"M{x1} {y1}C{x1 + bend1} {y1} {x2 + bend2} {y2} {x2} {y2}"
    at, anchor = (x2 - 10, "end") if forward else (x2 + 10, "start")
    label = f'<text x="{at}" y="{y2 - 4}" font-size="11" text-anchor="{anchor}" fill="{colours["soft"]}">{escape(said)}</text>'
    return f'<path d="{path}" fill="none" stroke="{colour}" stroke-width="{width}"{dash}/><path d="{head}" fill="{colour}"/>{label}'


def _box(
    place: tuple[int, int], party: Party, language: Language, colours: Mapping[str, str], words: tuple[str, bool]
) -> str:
    (x, y), (href, start) = place, words
    kind, name = party.kind.text.in_language(language), named(party, language)
    stroke = colours["on"] if start else colours["line"]
    second = per_cent(party.share) if party.share is not None else kind
    if party.reasons:
        second = "、".join(Related(one).text.in_language(language) for one in party.reasons)
    inside = (
        f'<rect x="{x}" y="{y}" width="{WIDTH}" height="{HEIGHT}" rx="8" fill="{colours["card"]}" stroke="{stroke}" '
        f'stroke-width="{2 if start else 1}"/><text x="{x + 10}" y="{y + 19}" fill="{colours["ink"]}" font-weight="600">'
        f"{_SIGNS[party.kind]} {escape(_cut(name))}<title>{escape(kind)} {escape(name)}</title></text>"
        f'<text x="{x + 10}" y="{y + 36}" font-size="12" fill="{colours["soft"]}">{escape(_cut(second))}</text>'
    )
    return f'<a href="{escape(href)}">{inside}</a>' if href else f"<g>{inside}</g>"


def _cut(name: str) -> str:
    """Return as much of a name as fits into a box; characters of the East are two wide."""
    room = LONGEST
    for place, letter in enumerate(name):
        room -= 2 if unicodedata.east_asian_width(letter) in "WF" else 1
        if room < 0:
            return name[:place] + "…"
    return name


def as_csv(shown: Shown, language: Language) -> str:
    """Return the parties as a sheet that spreadsheet programs open; nothing in it is taken for a formula."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    heads = {
        "zh-CN": ("编号", "名称", "类别", "比例（%）", "层级", "数量", "原因", "说明"),
        "en": ("ref", "name", "kind", "share (%)", "distance", "count", "reasons", "via"),
    }
    writer.writerow(heads[language.value])
    for one in shown.parties:
        reasons = "；".join(Related(word).text.in_language(language) for word in one.reasons)
        row = (one.ref, one.name, one.kind.text.in_language(language), per_cent(one.share).rstrip(" %").strip("—"))
        rest = (str(one.distance), str(one.count), reasons, "；".join(word for word in one.via if word))
        writer.writerow([guard_formula(word) for word in (*row, *rest)])
    return "\ufeff" + out.getvalue()


def as_graphml(shown: Shown, note: str = "") -> str:
    """Return parties and relations as GraphML."""
    keys = (
        ("name", "node", "string"),
        ("kind", "node", "string"),
        ("share", "node", "double"),
        ("relation", "edge", "string"),
        ("percent", "edge", "double"),
        ("since", "edge", "string"),
        ("until", "edge", "string"),
    )
    head = "".join(
        f'<key id="{whose}_{name}" for="{whose}" attr.name="{name}" attr.type="{kind}"/>' for name, whose, kind in keys
    )
    nodes = "".join(
        f'<node id="{escape(one.ref)}">{_data("node", name=one.name, kind=one.kind.value, share=one.share)}</node>'
        for one in shown.parties
    )
    edges = "".join(
        f'<edge source="{escape(shown.parties[one.tail].ref)}" target="{escape(shown.parties[one.head].ref)}">'
        + _data(
            "edge",
            relation=one.relation.value,
            percent=None if one.share is None else round(100 * one.share, 10),
            since=one.since,
            until=one.until,
        )
        + "</edge>"
        for one in shown.edges
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<graphml xmlns="http://graphml.graphdrawing.org/xmlns">'
        f'<desc>{escape(note)}</desc>{head}<graph id="g" edgedefault="directed">{nodes}{edges}</graph></graphml>\n'
    )


def _data(whose: str, **words: object) -> str:
    return "".join(
        f'<data key="{whose}_{name}">{escape("".join(c for c in str(word) if c.isprintable()))}</data>'
        for name, word in words.items()
        if word is not None
    )
