"""Data of a chart or map for the page's drawing script: numbers and names only; colours and code come from the page."""

from __future__ import annotations

import re
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

from beijiang.apps.models.words import BlockKind
from beijiang.kit import Language, Text
from beijiang.standards import seat_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from beijiang.apps.models.cards import Card
    from beijiang.kit.errors import JsonValue

__all__ = ["drawing", "places", "shown"]

POINTS_MOST: Final = 1000
EAST, NORTH = 180, 90
TEN_THOUSAND: Final = 10_000
GROUPS_MOST: Final = {"bar": 60, "line": 1000, "area": 1000, "pie": 12}
REGION_BARS: Final = 40
_YEAR: Final = re.compile(r"(19|20)\d\d(?!\d)")
EMPTY: Final = Text("（空）", "(empty)")


def drawing(card: Card, word: Callable[[str], Text], language: Language) -> dict[str, JsonValue]:
    """Return what the drawing script draws; ``word`` gives a name of the application in both languages."""
    facts = card.block.facts
    if card.block.kind is BlockKind.MAP:
        return _map(card, word, language)
    form = str(facts.get("form", "bar"))
    rows = (card.data.rows if card.data else ())[: GROUPS_MOST[form]]
    tones = facts.get("tones", {})
    series: list[JsonValue] = [
        {
            "name": word(name).in_language(language),
            "values": [_number(row[name]) for row in rows],
            "tone": tones.get(name, ""),
        }
        for name in facts["y"]
    ]
    made: dict[str, JsonValue] = {
        "type": form,
        "x": [_named(row[facts["x"]], word, language) for row in rows],
        "x_name": "",
        "series": series,
        "unit": word(str(facts.get("unit", ""))).in_language(language) if "unit" in facts else "",
    }
    if tones:
        made["tones"] = [tones.get(str(row[facts["x"]]), "") for row in rows]
    if facts.get("stacked"):
        made["stacked"] = True
    if rows and all(_is_time(row[facts["x"]]) for row in rows):
        made["along"] = True
    return made


def _is_time(value: Any) -> bool:
    """Tell whether a value is a day, or begins as a year does: bars along time stand."""
    return isinstance(value, date) or bool(_YEAR.match(str(value)))


def _named(value: Any, word: Callable[[str], Text], language: Language) -> str:
    """Return a value as it is shown, in the reader's language where the application says it in both."""
    return word(value).in_language(language) if isinstance(value, str) and value else shown(value, language)


def _map(card: Card, word: Callable[[str], Text], language: Language) -> dict[str, JsonValue]:
    facts, rows = card.block.facts, card.data.rows if card.data else ()
    if not places(card):
        drawn = rows[:REGION_BARS]
        values: JsonValue = [_number(row[facts["value"]]) for row in drawn]
        name = word(str(facts["value"])).in_language(language)
        names: list[JsonValue] = [_named(row[facts["region"]], word, language) for row in drawn]
        unit = word(str(facts["unit"])).in_language(language) if "unit" in facts else ""
        return {"type": "bar", "x": names, "x_name": "", "series": [{"name": name, "values": values}], "unit": unit}
    points: list[JsonValue] = []
    for row in rows[:POINTS_MOST]:
        longitude, latitude = _where(row, facts)
        if (
            isinstance(longitude, float)
            and isinstance(latitude, float)
            and abs(longitude) <= EAST
            and abs(latitude) <= NORTH
        ):
            value = row[facts["value"]]
            called = facts.get("name", facts.get("region"))
            name = _named(row[called], word, language) if called else f"{longitude:g}, {latitude:g}"
            points.append(
                {
                    "name": f"{name} · {_named(value, word, language)}",
                    "lon": longitude,
                    "lat": latitude,
                    "value": _number(value),
                }
            )
    return {"points": points, "boundary": None}


def places(card: Card) -> bool:
    """Tell whether a card is a map of points, of banners at their seats too, and not one of regions as tiles or bars."""
    facts, rows = card.block.facts, card.data.rows if card.data else ()
    if card.block.kind is not BlockKind.MAP or "region" not in facts:
        return card.block.kind is BlockKind.MAP
    seated = sum(1 for row in rows if seat_of(str(row[facts["region"]])) is not None)
    return bool(rows) and 2 * seated >= len(rows)


def _where(row: Mapping[str, Any], facts: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """Return longitude and latitude of a row: its own, or those of the seat of the banner that it names."""
    if "region" in facts:
        return seat_of(str(row[facts["region"]])) or (None, None)
    return _number(row[facts["longitude"]]), _number(row[facts["latitude"]])


def _number(value: Any) -> float | None:
    """Return a value as a number, None for what is none or not finite."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    number = float(value)
    return number if abs(number) < float("inf") else None


def shown(value: Any, language: Language) -> str:
    """Return a value as a reader sees it in a table or on an axis."""
    if value is None or value == "":
        return EMPTY.in_language(language)
    if isinstance(value, bool):
        return Text("是" if value else "否", "yes" if value else "no").in_language(language)
    if isinstance(value, date):
        return value.isoformat(sep=" ", timespec="minutes") if isinstance(value, datetime) else value.isoformat()
    if isinstance(value, int | float | Decimal):
        return _figure(value)
    return str(value)


def _figure(value: float | Decimal) -> str:
    """Return a number with its thousands parted; a short whole one may be a year and stays as it is."""
    if isinstance(value, int):
        return f"{value:,}" if abs(value) >= TEN_THOUSAND else str(value)
    return f"{value:,.2f}".rstrip("0").rstrip(".")
