"""The block that draws relations: read with its faults, drawn with holders on the left, escaped, its rows beside it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree as ET

from beijiang.apps.graphs import picture, relations
from beijiang.apps.models import Card, CardState
from beijiang.apps.models.blocks import Block, read_block
from beijiang.apps.models.cards import CardData
from beijiang.apps.models.faults import Faults
from beijiang.apps.models.words import BlockKind
from beijiang.kit import Language
from beijiang.mining import NodeKind

FACTS = {"query": "chain", "title": "股权链", "from": "股东", "to": "企业", "value": "比例", "kind": "类别"}


def card(rows: Sequence[tuple[Any, ...]]) -> Card:
    columns = ("股东", "企业", "比例", "类别")
    data = CardData(
        columns=columns,
        rows=[dict(zip(columns, row, strict=True)) for row in rows],
        masked=(),
        grade="L2",
        as_of=None,
        made_at=None,
        receipt="",
        reading="",
        seconds=0.0,
        scanned=0,
        shared=1,
        cached=False,
        truncated=False,
    )
    return Card(number=0, block=Block(kind=BlockKind.GRAPH, facts=FACTS, line=1), state=CardState.READY, data=data)


CHAIN = (
    ("乙公司", "甲公司", 60, "企业"),
    ("张某", "甲公司", 40, "自然人"),
    ("丙公司", "乙公司", 51, "企业"),
    ("甲公司", "丙公司", 10, "企业"),
)


def test_steps_kinds_and_shares_are_those_of_the_rows() -> None:
    shown = relations(card(CHAIN), str)
    assert [(one.name, one.distance) for one in shown.parties] == [
        ("甲公司", 0),
        ("乙公司", 1),
        ("张某", 1),
        ("丙公司", 2),
    ], "a circle comes to an end"
    assert {one.name: one.kind for one in shown.parties}["张某"] is NodeKind.PERSON
    named = [(shown.parties[e.tail].name, shown.parties[e.head].name, e.share) for e in shown.edges]
    assert named[0] == ("乙公司", "甲公司", 0.6)
    assert len(named) == len(CHAIN)
    assert relations(card(()), str).parties == ()


def test_what_no_chain_reaches_and_what_has_no_name_is_drawn_too() -> None:
    shown = relations(
        card([*CHAIN, (None, "别处公司", None, "没有的类别")]), lambda value: "" if value is None else str(value)
    )
    assert {"别处公司", "—"} <= {one.name for one in shown.parties}
    assert shown.edges[-1].share is None


def test_the_picture_is_xml_and_names_are_escaped() -> None:
    drawn = picture(card([('<script>alert("1")</script>', "甲公司", 60, "企业")]), str, Language.EN)
    assert "<script" not in drawn
    assert "style=" not in drawn
    assert "60 %" in drawn
    assert ET.fromstring(drawn).tag.endswith("svg")  # noqa: S314 - drawn by us


def test_a_block_without_its_columns_says_what_is_missing() -> None:
    faults = Faults()
    text = 'query = "chain"\ntitle = "股权链"\nfrom = "股东"\nto = "企业"\n'
    found = read_block("pages/a.md", 1, "graph", text, faults)
    assert found is not None
    assert found.columns == ("股东", "企业")
    assert read_block("pages/a.md", 1, "graph", text.replace('to = "企业"\n', ""), faults) is None
    assert "graph" in str([fault.line_in(1) for fault in faults])
