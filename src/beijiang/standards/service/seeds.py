"""The entries that the platform brings: version 1 of data elements and code sets, made of the packaged tables."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from functools import cache
from importlib.resources import files
from typing import Final, TypeAlias

from beijiang.kit import SYSTEM, Text
from beijiang.standards.models import (
    Book,
    CalendarYear,
    CodeSet,
    CodeValue,
    DataElement,
    Edition,
    Rule,
    day_from,
    year_from,
)

__all__ = ["Row", "as_packaged", "packaged", "rule_seeds", "seeds", "year_seeds"]

Row: TypeAlias = dict[str, str]

_FIRST: Final = Edition(version=1, by=SYSTEM.id, reason="平台内置")
_STANDARD: Final = re.compile(r"(?:GB/T|GB|GA/T) ?[0-9]+(?:\.[0-9]+)?(?:-[0-9]{4})?")
_PATTERN: Final = re.compile(r"regex (\S+)")
_CHECK: Final = re.compile(r"(?:^|; )check_(\w+)(?:;|$)")
_CHECKED_BY: Final = {"citizen_id": "GB 11643", "uscc": "GB 32100", "org_code": "GB 11714"}
_ORIGIN: Final = {"proposed": "本项目建议（基础库）", "from practice": "来自实践（双公示）"}


def packaged(name: str) -> list[Row]:
    """Return the raw rows of one packaged table."""
    text = files("beijiang").joinpath("standards", "reference", f"{name}.csv").read_text("utf-8")
    return list(csv.DictReader(text.splitlines()))


def as_packaged() -> tuple[Book, date]:
    """Return the registry of a platform where nobody changed anything; no database is asked."""
    return _book(), date.max


@cache
def _book() -> Book:
    elements, sets = seeds()
    rules, years = {r.id: [r] for r in rule_seeds()}, {y.id: [y] for y in year_seeds()}
    return Book({e.id: [e] for e in elements}, {s.id: [s] for s in sets}, rules, years)


@cache
def seeds() -> tuple[Sequence[DataElement], Sequence[CodeSet]]:
    """Return what is packaged, in its order."""
    sets = (_region_codes(), *(_code_set(row) for row in packaged("code_sets")))
    by_standard = {found.standard: found.id for found in sets} | {"id_type code set": "id_type"}
    return tuple(_element(row, by_standard) for row in packaged("data_elements")), sets


@cache
def rule_seeds() -> Sequence[Rule]:
    """Return the packaged rules of law: limits and clocks, then what catalog entries must say."""
    return tuple(_rule(row) for name in ("time_limits", "catalog_rules") for row in packaged(name))


@cache
def year_seeds() -> Sequence[CalendarYear]:
    """Return the packaged arrangements of years."""
    years: dict[str, list[Row]] = defaultdict(list)
    for row in packaged("calendar_days"):
        years[row["date"][:4]].append(row)
    return tuple(
        replace(year_from({**rows[0], "id": year}, [day_from(row) for row in rows]), edition=_FIRST)
        for year, rows in years.items()
    )


def _rule(row: Row) -> Rule:
    return Rule(
        id=row["rule_id"],
        kind=row["kind"],
        topic=Text(row["topic_zh"], row["topic_en"]),
        profile=row["profile"],
        actor=row["actor"],
        trigger=row["trigger"],
        value=row["value"],
        unit=row["unit"],
        extension_value=row["extension_value"],
        extension_unit=row["extension_unit"],
        extension_condition=row["extension_condition"],
        can_pause=row["can_pause"] == "true",
        on_overdue=row["on_overdue"],
        basis=row["basis"],
        effective_from=row["effective_from"],
        effective_to=row["effective_to"],
        verified=row["verified"] == "true",
        active=row["active_by_default"] == "true",
        note=row["note"],
        edition=_FIRST,
    )


def _element(row: Row, sets: dict[str, str]) -> DataElement:
    rule = row["rule_or_code_set"]
    standard = _STANDARD.search(rule)
    named = rule.split(";")[0].split(" (")[0]  # "GB/T 2260 current" is of the whole country, and not all of it is here
    check, pattern = _CHECK.search(rule), _PATTERN.search(rule)
    algorithm = check[1] if check else ""
    source = standard[0] if standard else _CHECKED_BY.get(algorithm, "")
    return DataElement(
        id=f"{row['library']}.{row['field']}",
        name=Text(row["name_zh"], row["name_en"]),
        type=row["type"],
        length="" if row["length"] == "-" else row["length"],
        unit="万元" if "unit 万元" in rule else "",
        code_set=sets.get(named, ""),
        pattern=pattern[1] if pattern else "",
        check=algorithm,
        level=row["level"],
        personal=row["personal_info"],
        source=source or _ORIGIN.get(row["status"], row["status"]),
        note=rule,
        edition=_FIRST,
    )


def _code_set(row: Row) -> CodeSet:
    values = tuple(
        CodeValue(r["code"], Text(r["name_zh"], r["name_en"]), r.get("parent") or None)
        for r in packaged(row["file"].removesuffix(".csv"))
    )
    return CodeSet(
        id=row["id"],
        name=Text(row["name_zh"], row["name_en"]),
        standard=row["standard"],
        column_words=tuple(word for word in row["column_words"].split(";") if word),
        values=values,
        edition=_FIRST,
    )


def _region_codes() -> CodeSet:
    """Return the region codes of GB/T 2260 with the former ones; statistical codes of functional zones are none of them."""
    return CodeSet(
        id="region",
        name=Text("行政区划代码（内蒙古）", "Region codes (Inner Mongolia)"),
        standard="GB/T 2260",
        column_words=("行政区划代码", "区划代码", "行政区划编码"),
        values=(*_regions(), *_former_regions()),
        edition=_FIRST,
    )


def _regions() -> Iterator[CodeValue]:
    """Return the codes of now; one that took the place of others begins on the day on which the first of them ended.

    That is so because all changes that are known made a league a city, and its codes new ones: no code was there before.
    """
    begun: dict[str, date] = {}
    for row in packaged("region_history"):
        ended = date.fromisoformat(row["valid_to"])
        for code in row["replaced_by"].split(";"):
            begun[code] = min(ended, begun.get(code, ended))
    for row in packaged("regions"):
        if row["is_functional_zone"] != "true":
            name = Text(row["name"], row["name_en"])
            yield CodeValue(row["code"], name, row["parent"] or None, begun.get(row["code"]))


def _former_regions() -> Iterator[CodeValue]:
    for row in packaged("region_history"):
        yield CodeValue(
            row["code"],
            Text(row["name"], row["name_en"]),
            row["parent"] or None,
            valid_to=date.fromisoformat(row["valid_to"]),
            replaced_by=tuple(row["replaced_by"].split(";")),
        )
