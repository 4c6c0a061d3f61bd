"""A graph of three hundred things stays readable: no two boxes overlap, few lines cross, departments fold, words are found."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from itertools import combinations
from xml.etree import ElementTree as ET

from beijiang.kit import Language
from beijiang.lineage import Edge, Graph, Kind, Node, anchor, drawn, folded, holding

LAYERS = range(-3, 3)


def graph(each: int = 50) -> Graph:
    """Six layers of fifty tables of ten departments; each feeds its neighbour and one farther off."""
    nodes = [
        Node(f"t{d}_{n}", Kind.TABLE, f"表{d}之{n}", ("编号", f"值{n % 4}"), d, f"org{n % 10}")
        for d in LAYERS
        for n in range(each)
    ]
    edges = [
        Edge(f"t{d}_{n}", "编号", f"t{d + 1}_{(n * k) % each}", "编号", "identity")
        for d in LAYERS[:-1]
        for n in range(each)
        for k in (1, 7)
    ]
    at = datetime(2026, 11, 27, tzinfo=UTC)
    return Graph(start="t0_0", column="", at=at, nodes=tuple(nodes), edges=tuple(edges))


def frames(svg: str) -> list[tuple[int, int, int, int]]:
    """Return left, top, right and bottom of every box."""
    found = re.findall(r'<rect x="(\d+)" y="(\d+)" width="(\d+)" height="(\d+)" rx="8"', svg)
    return [(int(x), int(y), int(x) + int(w), int(y) + int(h)) for x, y, w, h in found]


def crossings(svg: str) -> int:
    """Count pairs of lines between the same two layers that cross."""
    ends = [tuple(map(int, one)) for one in re.findall(r'd="M(\d+) (\d+)C\d+ \d+ \d+ \d+ (\d+) (\d+)"', svg)]
    return sum(a[0] == b[0] and a[2] == b[2] and (a[1] - b[1]) * (a[3] - b[3]) < 0 for a, b in combinations(ends, 2))


def test_no_two_of_three_hundred_boxes_overlap_and_all_lie_in_the_picture() -> None:
    svg = drawn(graph(), language=Language.ZH)
    ET.fromstring(svg)  # noqa: S314 - our own
    boxes = frames(svg)
    assert len(boxes) == 300
    for one, other in combinations(boxes, 2):
        apart = one[2] <= other[0] or other[2] <= one[0] or one[3] <= other[1] or other[3] <= one[1]
        assert apart, (one, other)
    width, height = map(int, re.search(r'viewBox="0 0 (\d+) (\d+)"', svg).groups())  # type: ignore[union-attr]
    assert all(x2 <= width and y2 <= height for _, _, x2, y2 in boxes)
    assert len(re.findall(r'<g id="node-', svg)) == 300
    assert len(set(re.findall(r'<g id="(node-[0-9a-f]+)"', svg))) == 300


def test_boxes_stand_where_fewer_lines_cross() -> None:
    tangled = graph(20)
    turned = Graph(
        start=tangled.start, column="", at=tangled.at, edges=tuple(e for e in tangled.edges if e.use == "identity"),
        nodes=tuple(sorted(tangled.nodes, key=lambda n: (n.distance, n.name[::-1]))),
    )  # fmt: skip
    plain = [n.id for n in turned.nodes]
    by_place = {one: plain.index(one) for one in plain}
    before = sum(
        a.source[:3] == b.source[:3]
        and a.target[:3] == b.target[:3]
        and (by_place[a.source] - by_place[b.source]) * (by_place[a.target] - by_place[b.target]) < 0
        for a, b in combinations(turned.edges, 2)
    )
    assert crossings(drawn(turned, language=Language.EN)) < before


def test_departments_fold_with_counts_and_one_of_them_opens() -> None:
    whole = graph()
    small = folded(whole, lambda org: f"部门{org[3:]}")
    assert len(small.nodes) == 61, "ten departments in six layers, and the start"
    assert "部门3 · 5" in {node.name for node in small.nodes}
    assert {edge.source for edge in small.edges} | {edge.target for edge in small.edges} <= {n.id for n in small.nodes}
    assert any(node.id == whole.start and node.kind is Kind.TABLE for node in small.nodes)
    opened = folded(whole, str, ("org3",))
    assert sum(node.org_id == "org3" and node.kind is Kind.TABLE for node in opened.nodes) == 30
    assert len(opened.nodes) == 61 - 6 + 30
    assert len(frames(drawn(opened, language=Language.EN))) == 85


def test_words_are_found_in_names_and_columns_and_framed() -> None:
    whole = graph()
    hits = holding(whole, "表2 值3")
    assert {node.distance for node in hits} == {2}
    assert all("值3" in node.columns for node in hits)
    assert holding(whole, "  ") == ()
    svg = drawn(whole, language=Language.ZH, found=[hits[0].id])
    framed = re.search(rf'<g id="{anchor(hits[0])}"><rect [^>]*stroke-width="(\d)"', svg)
    assert framed is not None
    assert framed[1] == "3"
