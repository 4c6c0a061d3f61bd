"""What of a contract is counted in every version of its table, as rules of quality; and what is not, and why.

The shape (columns, types, required, unique, keys) is grave. A rule of quality is as grave as its ``severity`` says: error
or nothing holds a version back, warning and info do not. Levels of service never hold anything back: that would keep
readers on data that are older still.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final

from beijiang.contracts.models.promises import DERIVED_SHOWN, RELATION, Left, grave, of_options, unheld
from beijiang.contracts.models.terms import CheckType
from beijiang.kit import BeijiangError, Text
from beijiang.protection import read_query
from beijiang.quality import Kind, Limit, RuleDraft, Severity, asked_of

if TYPE_CHECKING:
    from beijiang.contracts.models.terms import Check, DataObject, Field, Service, Terms

__all__ = ["HOURS", "TYPES", "Enforced", "Left", "enforced"]

TYPES: Final = {
    "string": "text|geometry",
    "date": "date",
    "timestamp": "timestamp",
    "time": "text",
    "number": "decimal|double|integer",
    "integer": "integer",
    "boolean": "boolean",
    "object": "text|geometry",
    "array": "text",
    "map": "text",
    "vector": "text",
}
"""Types that a column of a logical type may have here."""
HOURS: Final = {
    "h": 1, "hr": 1, "hour": 1, "hours": 1, "d": 24, "day": 24, "days": 24, "w": 168, "week": 168, "weeks": 168,
    "m": 744, "mo": 744, "month": 744, "months": 744, "y": 8784, "yr": 8784, "year": 8784, "years": 8784,
}  # fmt: skip
"""Hours of a unit, by its longest month and year; minutes are counted as an hour at least."""
_SEVERITIES: Final = {
    "": Severity.CRITICAL,
    "error": Severity.CRITICAL,
    "warning": Severity.MAJOR,
    "info": Severity.MINOR,
}
_OPERATORS: Final = {
    "mustBe": "=",
    "mustNotBe": "!=",
    "mustBeGreaterThan": ">",
    "mustBeGreaterOrEqualTo": ">=",
    "mustBeLessThan": "<",
    "mustBeLessOrEqualTo": "<=",
    "mustBeBetween": "between",
    "mustNotBeBetween": "not between",
}
_COUNT: Final = re.compile(
    r"\s*SELECT\s+COUNT\s*\(\s*\*\s*\)\s+FROM\s+(?:\$?\{(?:object|table|model)\})(?:\s+WHERE\s+(?P<where>.+?))?\s*;?\s*",
    re.IGNORECASE | re.DOTALL,
)
_PLACE: Final = re.compile(r"\$?\{(property|column|field)\}")


@dataclass(slots=True)
class Enforced:
    """What is counted, and what is left."""

    drafts: list[RuleDraft] = field(default_factory=list)
    left: list[Left] = field(default_factory=list)


def enforced(terms: Terms, found: DataObject) -> Enforced:
    """Return the rules that an object of a contract brings for its table."""
    made = Enforced()
    owner = f"{terms.name or terms.id} {terms.version}"[:200]
    drafts: list[RuleDraft | None] = [*_shape(found)]
    for one in found.columns:
        drafts += of_options(one)
        made.left += unheld(found, one)
    made.left += [Left(f"{found.name} → {to}", RELATION) for to in found.relationships]
    made.left += [Left(f"{found.name}.{one.name}", DERIVED_SHOWN) for one in found.fields if one.derived]
    drafts += [_of_check(found, place, check, made.left) for place, check in _checks(found)]
    drafts += [_of_service(found, one, made.left, alone=len(terms.objects) == 1) for one in terms.services]
    made.drafts += [replace(draft, owner=owner) for draft in drafts if draft is not None]
    return made


def _shape(found: DataObject) -> Iterator[RuleDraft]:
    expected = {f.column: TYPES.get(f.logical_type, "") for f in found.columns}
    if expected:
        yield grave("契约：列与类型", Kind.COLUMNS, (), expected=json.dumps(expected, ensure_ascii=False))
    key = [f.column for f in found.key]
    for one in found.columns:
        if one.required or one.primary_key:
            yield grave(f"契约：{one.column} 必填", Kind.NOT_NULL, [one.column])
        if one.unique and key != [one.column]:
            yield grave(f"契约：{one.column} 唯一", Kind.UNIQUE, [one.column])
    if key:
        yield grave(f"契约：主键 {'、'.join(key)}", Kind.UNIQUE, key)


def _checks(found: DataObject) -> Iterator[tuple[Field | None, Check]]:
    for check in found.checks:
        yield None, check
    for one in found.columns:
        for check in one.checks:
            yield one, check


def _of_check(found: DataObject, place: Field | None, check: Check, left: list[Left]) -> RuleDraft | None:
    where = f"{found.name}.{place.name}" if place else found.name

    def leave(zh: str, en: str) -> None:
        left.append(Left(f"{where} {check.name or check.metric or check.type.value}".strip(), Text(zh, en)))

    if check.type is CheckType.TEXT:
        leave("文字说明，由人核对。", "It is words for people.")
    elif check.type is CheckType.CUSTOM:
        leave(f"由 {check.engine} 执行，平台不执行。", f"It is for {check.engine}; the platform does not run it.")
    elif not check.operator or not check.bounds:
        leave("没有可比较的数值。", "There is no number to compare with.")
    else:
        make = _BY_METRIC.get("sql" if check.type is CheckType.SQL else check.metric)
        made = None if make is None else make(found, place, check)
        if made is not None:
            name = f"契约：{check.name or check.description or where + ' ' + (check.metric or 'SQL')}"[:200]
            severity = _SEVERITIES.get(check.severity.lower(), Severity.CRITICAL)
            return replace(made, name=name, severity=severity)
        leave("平台无法按此写法计数。", "The platform cannot count it as it is written.")
    return None


def _limited(check: Check, kind: Kind, columns: Sequence[str], **words: str) -> RuleDraft:
    percent = check.unit.lower() in {"percent", "%"}
    limit = str(Limit(_OPERATORS[check.operator], check.bounds, percent))
    return RuleDraft(kind=kind, columns=tuple(columns), params=words, limit=limit)


def _nulls(_found: DataObject, place: Field | None, check: Check) -> RuleDraft | None:
    return None if place is None else _limited(check, Kind.MISSING, [place.column], values="[null]")


def _missing(_found: DataObject, place: Field | None, check: Check) -> RuleDraft | None:
    values = check.arguments.get("missingValues")
    if place is None:
        return None
    words = json.dumps(values if isinstance(values, list) and values else [None, ""], ensure_ascii=False)
    return _limited(check, Kind.MISSING, [place.column], values=words)


def _invalid(_found: DataObject, place: Field | None, check: Check) -> RuleDraft | None:
    values, pattern = check.arguments.get("validValues"), check.arguments.get("pattern")
    if place is None:
        return None
    if isinstance(values, list) and values:
        return _limited(check, Kind.VALUES, [place.column], values=json.dumps(values, ensure_ascii=False))
    if isinstance(pattern, str) and pattern:
        return _limited(check, Kind.FORMAT, [place.column], pattern=pattern)
    return None


def _duplicates(found: DataObject, place: Field | None, check: Check) -> RuleDraft | None:
    """Count cells, or rows, that share their value with another one."""
    if place is not None:
        return _limited(check, Kind.UNIQUE, [place.column])
    names = check.arguments.get("properties")
    fields = [found.field(str(name)) for name in names] if isinstance(names, list) else []
    if not fields or any(one is None for one in fields):
        return None
    return _limited(check, Kind.UNIQUE, [one.column for one in fields if one is not None])


def _rows(_found: DataObject, _place: Field | None, check: Check) -> RuleDraft | None:
    low, high = check.bounds[0], check.bounds[-1]
    span: dict[str, tuple[float, float | None]] = {
        "mustBe": (low, low),
        "mustBeGreaterThan": (math.floor(low) + 1, None),
        "mustBeGreaterOrEqualTo": (math.ceil(low), None),
        "mustBeLessThan": (0, math.ceil(high) - 1),
        "mustBeLessOrEqualTo": (0, math.floor(high)),
        "mustBeBetween": (math.ceil(low), math.floor(high)),
    }
    if check.operator not in span or check.unit.lower() in {"percent", "%"} or min(check.bounds) < 0:
        return None
    least, most = span[check.operator]
    params: dict[str, int] = {"least": int(least)} | ({} if most is None else {"most": int(most)})
    return RuleDraft(kind=Kind.VOLUME, params=params)


def _sql(_found: DataObject, place: Field | None, check: Check) -> RuleDraft | None:
    """Count rows that meet a condition, if that is all that the query does; the condition is read by the closed grammar."""
    read = _COUNT.fullmatch(check.query)
    if read is None:
        return _number(_found, place, check)
    if read["where"] is None:
        return _rows(_found, place, check)
    name = "" if place is None else '"' + place.column.replace('"', '""') + '"'
    where = _PLACE.sub(lambda _: name, read["where"])
    return None if "{" in where else _limited(check, Kind.EXPRESSION, (), expression=f"NOT ({where})")


def _number(found: DataObject, place: Field | None, check: Check) -> RuleDraft | None:
    """Hold the numbers of a query against a limit; None where it is not allowed, or reads other tables too."""
    columns = () if place is None else (place.column,)
    called = [name for name in dict.fromkeys((found.name, found.physical_name)) if name]
    params = {
        "query": check.query.strip().rstrip(";"),
        "must": str(Limit(_OPERATORS[check.operator], check.bounds)),
        "called": json.dumps(called, ensure_ascii=False),
    }
    rule = RuleDraft(kind=Kind.SQL, columns=columns, params=params)
    if check.unit.lower() in {"percent", "%"}:
        return None
    try:
        asked_of(rule, "", read_query)
    except BeijiangError:
        return None
    return rule


_BY_METRIC: Final[dict[str, Callable[[DataObject, Field | None, Check], RuleDraft | None]]] = {
    "nullValues": _nulls,
    "missingValues": _missing,
    "invalidValues": _invalid,
    "duplicateValues": _duplicates,
    "rowCount": _rows,
    "sql": _sql,
}


def _of_service(found: DataObject, service: Service, left: list[Left], *, alone: bool) -> RuleDraft | None:
    """Return the rule of freshness: ``frequency`` is about the last write, ``latency`` about the newest value of a column."""
    wanted = {
        "frequency": "frequency",
        "fy": "frequency",
        "latency": "latency",
        "ly": "latency",
        "freshness": "latency",
    }
    kind = wanted.get(service.property)
    name, _, column = service.element.partition(".")
    if kind is None:
        left.append(Left(f"SLA {service.property}", Text("平台不计数，仅供查阅。", "It is shown and not counted.")))
        return None
    if not (alone and not service.element) and name not in {found.name, found.physical_name}:
        return None
    hours = HOURS.get(service.unit.lower())
    value = service.value
    if hours is None or isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        why = Text("单位或数值无法识别（如 1 d）。", "Its unit or value cannot be read (write 1 d).")
        left.append(Left(f"SLA {service.property}", why))
        return None
    at = found.field(column) if column else None
    timed = at is not None and at.logical_type in {"date", "timestamp"} and kind == "latency"
    columns = (at.column,) if at is not None and timed else ()
    params = {"hours": math.ceil(value * hours)}
    words = f"契约：{service.property} {value:g} {service.unit}"
    return RuleDraft(kind=Kind.FRESHNESS, columns=columns, params=params, name=words[:200], severity=Severity.MAJOR)
