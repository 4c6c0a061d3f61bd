"""Write values as SDMX-CSV 2.0 and 1.0, and as SDMX-JSON in the shape that readers of 1.0 drafts know."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import UTC
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from beijiang.assess.models.opening import STATUSES, time_of
from beijiang.assess.sdmx.structures import AGENCY, names_of

if TYPE_CHECKING:
    from beijiang.assess.models import Value
    from beijiang.assess.sdmx.asking import Selection
    from beijiang.kit import Language

__all__ = ["as_csv", "as_json"]


def as_csv(found: Selection, *, first_edition: bool = False) -> bytes:
    """Return SDMX-CSV 2.0, or 1.0; UTF-8 without a mark of the byte order, which clients trip over."""
    flow = found.flow
    name = f"{AGENCY}:{flow.flow}({flow.version})"
    head, begin = (
        (["DATAFLOW"], [name]) if first_edition else (["STRUCTURE", "STRUCTURE_ID", "ACTION"], ["dataflow", name, "I"])
    )
    extra = ["OBS_STATUS", "UNIT_MEASURE"] if found.with_attributes else []
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([*head, *flow.dimensions, "TIME_PERIOD", "OBS_VALUE", *extra])
    for key, values in found.series.items():
        for value in values:
            attributes = [STATUSES[value.stage], flow.figure.unit_zh] if found.with_attributes else []
            writer.writerow([*begin, *key, time_of(value.period), value.value, *attributes])
    return text.getvalue().encode()


def as_json(found: Selection, language: Language, areas: dict[str, str]) -> dict[str, Any]:
    """Return SDMX-JSON (``version=1.0.0-wd``), series by series."""
    flow = found.flow
    times = sorted(
        {value.period for values in found.series.values() for value in values}, key=lambda p: (p.first, p.kind)
    )
    keys = list(found.series)
    used = [sorted({key[place] for key in keys}) for place in range(len(flow.dimensions))]
    statuses = sorted({STATUSES[value.stage] for values in found.series.values() for value in values})
    names = names_of(flow, areas)

    def described(name: str, values: list[dict[str, str]], place: int) -> dict[str, Any]:
        return {"id": name, "name": name, "keyPosition": place, "values": values}

    def coded(name: str, codes: list[str]) -> list[dict[str, str]]:
        return [{"id": code, "name": names[name][code].in_language(language)} for code in codes]

    dimensions = [
        described(name, coded(name, codes), place)
        for place, (name, codes) in enumerate(zip(flow.dimensions, used, strict=True))
    ]
    spans = [{"id": time_of(one), "name": one.text.in_language(language)} for one in times]
    unit = [{"name": flow.figure.unit.in_language(language)}]
    attributes: dict[str, list[dict[str, Any]]] = {"dataSet": [], "series": [], "observation": []}
    if found.with_attributes:
        attributes["series"] = [{"id": "UNIT_MEASURE", "name": "UNIT_MEASURE", "values": unit}]
        attributes["observation"] = [
            {"id": "OBS_STATUS", "name": "OBS_STATUS", "values": coded("OBS_STATUS", statuses)}
        ]

    def observations(values: Iterator[Value]) -> dict[str, list[Any]]:
        place = {one: str(at) for at, one in enumerate(times)}
        return {
            place[value.period]: [
                _number(value.number),
                *([statuses.index(STATUSES[value.stage])] if found.with_attributes else []),
            ]
            for value in values
        }

    series = {
        ":".join(str(used[place].index(part)) for place, part in enumerate(key)): {
            "attributes": [0] if found.with_attributes else [],
            "observations": observations(iter(values)),
        }
        for key, values in found.series.items()
    }
    return {
        "header": {
            "id": f"{flow.flow}-{flow.version}",
            "prepared": flow.changed.astimezone(UTC).isoformat(timespec="seconds"),
            "sender": {"id": AGENCY},
        },
        "structure": {
            "name": flow.figure.name.in_language(language),
            "dimensions": {
                "dataSet": [],
                "series": dimensions,
                "observation": [described("TIME_PERIOD", spans, len(flow.dimensions))],
            },
            "attributes": attributes,
        },
        "dataSets": [{"action": "Information", "series": series}],
    }


def _number(value: Decimal) -> float | int | str:
    """Return a number where none of its digits is lost, otherwise text."""
    if value == value.to_integral_value() and abs(value) < 1 << 53:
        return int(value)
    number = float(value)
    return number if Decimal(repr(number)) == value else str(value)
