"""From counts and column names to kinds: the rules that weigh what the detectors saw."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from beijiang.kit import half_width
from beijiang.protection.models.detectors import Counts
from beijiang.protection.models.grades import Findings
from beijiang.protection.models.reference import context, kinds, name_patterns

__all__ = ["NAMES_DISTINCT", "NAMES_SHARE", "ColumnFacts", "about_persons", "classify", "named_kind"]

_MOST: Final = 0.5
_SOME: Final = 0.3
_FEW: Final = 0.05
_TENTH: Final = 0.1
_TRACE: Final = 0.01
_NEARLY: Final = 0.8
_ALL: Final = 0.95
_OFFICIALS: Final = 5
"""Different names in a column that holds nothing else: the few people of an office, who stand in many rows."""
_QUARTER: Final = 0.25
NAMES_DISTINCT: Final = 20
NAMES_SHARE: Final = 0.6
_CARDS_VALID: Final = 0.8
_PERSON_KINDS: Final = frozenset(
    {"citizen_id", "passport", "person_name", "birth_date", "home_address", "household_number"}
)
_ENTITY_KINDS: Final = frozenset({"uscc", "uscc_sole_trader", "organisation_name"})
_NAMED_PERSONS: Final = frozenset({"person_name", "legal_representative"})
_COUNTED: Final = frozenset({"integer", "double", "decimal", "boolean", "date", "timestamp"})
"""Types that hold no name."""
_EMPTY: Final = Counts(0, 0, 0, {})
_METRIC_OF: Final = {
    "citizen_id": ("id", "id_valid"),
    "uscc": ("uscc", "uscc_valid"),
    "uscc_sole_trader": ("uscc", "uscc_valid"),
    "bank_card": ("card", "card_valid"),
    "mobile": ("mobile", "mobile"),
    "office_phone": ("landline", "landline"),
    "ip_address": ("ip", "ip"),
    "email": ("email", "email"),
    "plate": ("plate", "plate"),
    "passport": ("passport", "passport"),
    "person_name": ("name", "name"),
    "legal_representative": ("name", "name"),
    "home_address": ("address", "address"),
    "place_address": ("address", "address"),
    "embedded_identifier": ("embedded_id", "embedded_id"),
}


@dataclass(frozen=True, slots=True)
class ColumnFacts:
    """One column as the detectors saw it; columns of other types than text and whole numbers have no counts."""

    name: str
    type: str
    counts: Counts = _EMPTY
    comment: str = ""


def classify(columns: Sequence[ColumnFacts], rows: int, *, sampled: bool) -> dict[str, tuple[str, Findings]]:
    """Return kind and findings per column; what a name means depends on whether the table is about persons."""
    first = {column.name: _by_itself(column) for column in columns}
    persons = about_persons({name: kind for name, (kind, _) in first.items()})
    first |= _positions(columns, first) | _births(columns, first, persons=persons)
    entities = any(kind in _ENTITY_KINDS for kind, _ in first.values())
    result: dict[str, tuple[str, Findings]] = {}
    for column in columns:
        kind, by_name = first[column.name]
        kind = _in_context(column, kind, persons=persons, entities=entities)
        result[column.name] = kind, _findings(column, kind, rows, by_name=by_name, sampled=sampled)
    return result


def _positions(columns: Sequence[ColumnFacts], first: Mapping[str, tuple[str, bool]]) -> dict[str, tuple[str, bool]]:
    """Return the columns without a telling name that are positions: one to the east and one to the north, in one table."""
    free = [column for column in columns if first[column.name][0] == "plain"]
    east = [c.name for c in free if c.counts.share("east") >= _NEARLY]
    north = [c.name for c in free if c.counts.share("north") >= _NEARLY]
    return dict.fromkeys([*east, *north], ("coordinates", False)) if east and north else {}


def _births(
    columns: Sequence[ColumnFacts], first: Mapping[str, tuple[str, bool]], *, persons: bool
) -> dict[str, tuple[str, bool]]:
    """Return the days without a telling name in a table about persons that go back as far as births do."""
    if not persons:
        return {}
    found = [
        column.name
        for column in columns
        if first[column.name] == ("plain", False)
        and column.counts.share("date") >= _NEARLY
        and column.counts.ratio("date_old", "date") >= _QUARTER
    ]
    return dict.fromkeys(found, ("birth_date", False))


def about_persons(kinds_of: Mapping[str, str]) -> bool:
    """Tell from the kinds of its columns whether a table is about persons; persons to speak to do not make it so.

    What else is known of such a person (a number, a birth date) tells nothing only beside the body that the person stands for:
    登记人 may be the one who enters the data, or the one who is entered.
    """
    bodies = any(kind in _ENTITY_KINDS for kind in kinds_of.values())
    contact = re.compile(context()["contact"])

    def acts(name: str, kind: str) -> bool:
        if kind in _NAMED_PERSONS:
            return bool(contact.search(name) or _acting(name))
        return bodies and bool(contact.search(name))

    return any(kind in _PERSON_KINDS and not acts(name, kind) for name, kind in kinds_of.items())


def _findings(column: ColumnFacts, kind: str, rows: int, *, by_name: bool, sampled: bool) -> Findings:
    metric, valid = _METRIC_OF.get(kind, ("", ""))
    hits = column.counts.hits
    extra = hits.get("embedded_mobile", 0) + hits.get("id_valid", 0) if kind == "embedded_identifier" else 0
    return Findings(
        rows=column.counts.rows or rows,
        sampled=sampled,
        values=column.counts.values,
        hits=hits.get(metric, 0) + extra,
        valid=hits.get(valid, 0) + extra,
        by_name=by_name and kind != "plain",
        detector=kind,
    )


def named_kind(name: str, kind: str) -> str:
    """Return the kind that a column's name speaks for, in doubt that of a table about persons; ``plain`` for none."""
    found = _by_name(ColumnFacts(name, kind))
    return "plain" if found is None else _in_context(ColumnFacts(name, kind), found, persons=True, entities=False)


def _by_itself(column: ColumnFacts) -> tuple[str, bool]:
    """Return the kind that values and name give alone, and whether the name spoke for it."""
    named = _by_name(column)
    if (
        named in _NAMED_PERSONS
        and _acting(column.name)
        and column.counts.values
        and column.counts.share("name") < _SOME
    ):
        named = None  # 责任人: often the body in charge
    seen = _by_values(column.counts, named)
    if seen is None:
        return (named or "plain"), named is not None
    return seen, named is not None and (seen == named or kinds()[seen].mask == kinds()[named].mask)


def _by_values(counts: Counts, named: str | None) -> str | None:
    if not counts.values:
        return None
    return _as_person(counts, named) or _as_reached(counts, named) or _by_words(counts, named)


def _as_person(counts: Counts, named: str | None) -> str | None:
    """Return the kind of numbers that stand for a person, a firm or an account."""
    ids = counts.hits["id_valid"] > 0 and counts.ratio("id_valid", "id") >= _SOME
    old = counts.ratio("old_id_born", "old_id") >= _CARDS_VALID
    if counts.share("uscc") >= _MOST and counts.ratio("uscc_valid", "uscc") >= _SOME:
        return "uscc_sole_trader" if ids or counts.hits["uscc_sole"] else "uscc"
    if ids and (counts.share("id") >= _TRACE or named == "citizen_id"):
        return "citizen_id"
    if old and counts.share("old_id") >= (_TRACE if named == "citizen_id" else _MOST):
        return "citizen_id"
    if ids or counts.hits["embedded_id"]:
        return "embedded_identifier"
    if counts.share("card") >= _SOME and counts.ratio("card_valid", "card") >= _CARDS_VALID:
        return "bank_card"
    return None


def _as_reached(counts: Counts, named: str | None) -> str | None:  # noqa: PLR0911 - one way out per rule, in order
    """Return the kind of what somebody is reached at, or known by abroad."""
    if counts.share("mobile") >= (_FEW if named == "mobile" else _SOME) and (named == "mobile" or _rings(counts)):
        return "mobile"
    if counts.share("landline") >= _SOME:
        return "office_phone"
    if counts.share("embedded_mobile") >= _TRACE and counts.share("mobile") < _SOME:
        return "embedded_identifier"
    for metric, kind in (("email", "email"), ("plate", "plate")):
        if counts.share(metric) >= _SOME:
            return kind
    if counts.share("ip") >= _MOST and counts.ratio("ip_wide", "ip") >= _MOST:
        return "ip_address"
    issued = counts.ratio("passport_dated", "passport") < _SOME and counts.ratio("passport_counted", "passport") < _SOME
    if counts.share("passport") >= (_SOME if named == "passport" else _CARDS_VALID) and (named or issued):
        return "passport"
    return "office_phone" if named == "mobile" else None


def _rings(counts: Counts) -> bool:
    """Tell whether what looks like mobile numbers is not amounts, nor codes of places, without a name that says so.

    A fifth of numbers drawn at random begin as no operator's do: less than a tenth of them are wrong numbers in a real column.
    """
    round_, odd, coded = (counts.ratio(f"mobile_{what}", "mobile") for what in ("round", "odd", "coded"))
    return round_ < _SOME and odd < _TENTH and coded < _CARDS_VALID


def _by_words(counts: Counts, named: str | None) -> str | None:
    share = counts.share("name")
    many = share >= NAMES_SHARE and counts.distinct >= NAMES_DISTINCT
    if named is None and (many or (share >= _ALL and counts.distinct >= _OFFICIALS)):
        return "person_name"
    if named is None and counts.share("address") >= _MOST:
        return "place_address"
    return None


def _acting(name: str) -> bool:
    """Tell whether a column's name alone may as well speak of bodies or of what was done."""
    return bool(re.search(context()["officer"], name))


def _by_name(column: ColumnFacts) -> str | None:
    name = half_width(column.name).strip().lower()
    measured = column.type in {"double", "decimal"}
    for kind, pattern in name_patterns():
        if not re.search(pattern, name):
            continue
        if kind in _NAMED_PERSONS and (column.type in _COUNTED or re.search(context()["exclude_name"], name)):
            continue  # 检查人员 in whole numbers counts heads
        if kind in _METRIC_OF and kind != "coordinates" and re.search(context()["not_item"], name):
            continue  # 身份证类型, 手机型号: about such items, none itself; the values decide
        if measured and kind not in {"coordinates", "income", "assistance"}:
            continue  # a measured amount is no number of a person
        if kind == "coordinates" and column.type not in {"double", "decimal", "text"}:
            continue
        return kind
    return None


def _in_context(column: ColumnFacts, kind: str, *, persons: bool, entities: bool) -> str:
    place = bool(re.search(context()["place"], column.name))
    if kinds()[kind].person_tables_only and not persons:
        return "plain"
    if kind == "place_address" and persons and not place:
        return "home_address"
    if kind == "coordinates":
        if re.search(context()["protected"], column.name):
            return "protected_coordinates"
        if persons and not entities and not place:
            return "person_coordinates"
    return kind
