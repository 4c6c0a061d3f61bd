"""Codes through time: since when until when each one holds, and which hold today in its place."""

from __future__ import annotations

from datetime import date, timedelta

from beijiang.kit import Text
from beijiang.standards import CodeSet, CodeSpan, CodeValue, Edition, Standards, in_force, replacements, spans


def value(code: str, begins: date | None = None, ends: date | None = None, *after: str) -> CodeValue:
    return CodeValue(code, Text(code, code), None, begins, ends, after)


def version(number: int, begins: date | None, *values: CodeValue, ends: date | None = None) -> CodeSet:
    edition = Edition(version=number, valid_from=begins, valid_to=ends)
    return CodeSet(id="s", name=Text("集", "set"), values=values, edition=edition)


SPLIT, NEXT = date(2001, 2, 26), date(2010, 1, 1)
VERSIONS = (
    version(1, None, value("a"), value("b", None, SPLIT, "c", "d"), value("c", SPLIT), value("d", SPLIT), ends=NEXT),
    version(2, NEXT, value("a", None, NEXT, "e"), value("b", None, SPLIT, "c", "d"), value("c"), value("e")),
)


def test_spans_say_of_each_day_what_the_version_in_force_says() -> None:
    known = spans(VERSIONS)
    day = date(1999, 1, 1)
    while day < date(2012, 1, 1):
        told = {code for span in known if span.holds(day) for code in span.codes}
        assert told == {one.code for one in in_force(VERSIONS, day)[1].on(day).values}, day
        day += timedelta(days=13)
    assert CodeSpan(None, SPLIT, ("b",)) in known
    for edge in (SPLIT - timedelta(days=1), SPLIT, NEXT - timedelta(days=1), NEXT):
        told = {code for span in known if span.holds(edge) for code in span.codes}
        assert told == {one.code for one in in_force(VERSIONS, edge)[1].on(edge).values}, edge


def test_replacements_are_one_several_or_none() -> None:
    found = {code: tuple(one.code for one in now) for code, now in replacements(VERSIONS, date(2026, 3, 10)).items()}
    assert found == {"a": ("e",), "b": ("c",), "c": ("c",), "d": (), "e": ("e",)}
    found = {code: tuple(one.code for one in now) for code, now in replacements(VERSIONS[:1], SPLIT).items()}
    assert found == {"a": ("a",), "b": ("c", "d"), "c": ("c",), "d": ("d",)}


def test_packaged_region_codes_have_their_years() -> None:
    standards = Standards()
    then = {code for span in standards.code_spans("region") if span.holds(date(1999, 1, 1)) for code in span.codes}
    now = {code for span in standards.code_spans("region") if span.holds(date(2026, 1, 1)) for code in span.codes}
    assert "152701" in then - now
    assert now == {one.code for one in standards.code_set("region").values}
    assert [one.code for one in standards.code_replacements("region")["152701"]] == ["150602"]
