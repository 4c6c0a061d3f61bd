"""What a private question counts, as a query tree: at most so many rows of each person, whole numbers within their bounds.

Which rows of a person count is decided by a digest of what they say: the same every time, on every engine, and of that person's rows
alone, so that taking one person out never changes what others contribute. Only nodes that sqlglot knows are used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from sqlglot import exp

from beijiang.engine.port import LAKE
from beijiang.protection.models.conditions import column_ref, condition
from beijiang.protection.models.private import Domain, PrivateKind, PrivateOffer, PrivateQuestion, keys_of
from beijiang.tables import Filter

__all__ = ["bounded", "centre", "reach"]

_PERSON, _ORDER, _VALUE, _ROW = "_bj_person", "_bj_order", "_bj_value", "_bj_row_of_person"
_MARK: Final = "\x1f"


def centre(kind: PrivateKind, domain: Domain) -> int:
    """Return what is taken from each value beforehand, in steps: of a mean the middle, which halves the noise."""
    low, high = domain.lattice
    return (low + high) // 2 if kind is PrivateKind.MEAN else 0


def reach(kind: PrivateKind, domain: Domain) -> int:
    """Return the most that one row can change a sum by, in steps."""
    low, high = domain.lattice
    middle = centre(kind, domain)
    return max(abs(low - middle), abs(high - middle), 1)


def bounded(
    offer: PrivateOffer, question: PrivateQuestion, hidden: Sequence[Filter], types: Mapping[str, str]
) -> exp.Select:
    """Return per cell its keys (``k0``, ...), the rows (``n``) and the sum in steps (``s``).

    Raises:
        Invalid: a condition names an unknown column, or its value does not fit.

    """
    person = exp.Upper(this=exp.Trim(this=_as_text(column_ref(offer.person))))
    keys = [exp.Trim(this=_as_text(column_ref(name))) for name in question.by]
    value = _value(question, offer.domains)
    said = [exp.Coalesce(this=_as_text(part.copy()), expressions=[exp.Literal.string("")]) for part in [*keys, value]]
    digest = exp.MD5(this=_joined([person, *said]))
    rows = exp.select(
        exp.alias_(person, _PERSON),
        *(exp.alias_(key, f"k{i}") for i, key in enumerate(keys)),
        exp.alias_(value, _VALUE),
        exp.alias_(digest, _ORDER),
    ).from_(exp.table_(exp.to_identifier(offer.table, quoted=True), db=LAKE))
    rows = rows.where(exp.NEQ(this=person.copy(), expression=exp.Literal.string("")))
    for name, key in zip(question.by, keys, strict=True):
        known = [exp.Literal.string(word) for word in offer.domains[name].keys]
        rows = rows.where(exp.In(this=key.copy(), expressions=known))
    if question.column is not None:
        rows = rows.where(exp.Not(this=exp.Is(this=column_ref(question.column), expression=exp.null())))
    for one in hidden:
        rows = rows.where(condition(one, types))
    for one in question.where:
        rows = rows.where(_kept(one, offer.domains[one.column], types))
    number = exp.Window(
        this=exp.RowNumber(),
        partition_by=[exp.column(_PERSON)],
        order=exp.Order(expressions=[exp.Ordered(this=exp.column(_ORDER), nulls_first=False)]),
    )
    names = [f"k{i}" for i in range(len(keys))]
    ranked = exp.select(*(exp.column(name) for name in [*names, _VALUE]), exp.alias_(number, _ROW))
    ranked = ranked.from_(rows.subquery("seen"))
    few = exp.LTE(this=exp.column(_ROW), expression=exp.Literal.number(offer.rows_per_person))
    total = exp.Coalesce(this=exp.Sum(this=exp.column(_VALUE)), expressions=[exp.Literal.number(0)])
    found = exp.select(
        *(exp.column(name) for name in names),
        exp.alias_(exp.Count(this=exp.Star()), "n"),
        exp.alias_(exp.cast(total, "DECIMAL(38, 0)"), "s"),
    ).from_(ranked.subquery("kept"))
    found = found.where(few)
    return found.group_by(*(exp.column(name) for name in names)) if names else found


def _value(question: PrivateQuestion, domains: Mapping[str, Domain]) -> exp.Expr:
    """Return a row's contribution in steps: within the bounds before it is rounded, and again after."""
    if question.column is None:
        return exp.cast(exp.Literal.number(0), "BIGINT")
    domain = domains[question.column]
    low, high = domain.lattice
    middle = centre(question.kind, domain)
    raw: exp.Expr = exp.cast(column_ref(question.column), "DOUBLE")
    inside = _between(raw, _number(str(domain.low), "DOUBLE"), _number(str(domain.high), "DOUBLE"))
    steps = exp.Div(this=inside, expression=_number(str(domain.step), "DOUBLE"), typed=False, safe=False)
    whole = exp.cast(exp.Round(this=steps), "BIGINT")
    kept = _between(whole, _number(str(low), "BIGINT"), _number(str(high), "BIGINT"))
    return exp.Sub(this=kept, expression=_number(str(middle), "BIGINT")) if middle else kept


def _kept(one: Filter, domain: Domain, types: Mapping[str, str]) -> exp.Expr:
    """Return a condition of the reader: keys are compared as they are grouped, numbers as they are stored."""
    if domain.numeric:
        return condition(one, types)
    known = [exp.Literal.string(word) for word in keys_of(one)]
    return exp.In(this=exp.Trim(this=_as_text(column_ref(one.column))), expressions=known)


def _number(words: str, kind: str) -> exp.Expr:
    return exp.cast(exp.Literal.string(words), kind)


def _between(value: exp.Expr, low: exp.Expr, high: exp.Expr) -> exp.Expr:
    return exp.Least(this=exp.Greatest(this=value, expressions=[low]), expressions=[high])


def _as_text(value: exp.Expr) -> exp.Expr:
    return exp.cast(value, "VARCHAR")


def _joined(parts: Sequence[exp.Expr]) -> exp.Expr:
    whole = parts[0].copy()
    for part in parts[1:]:
        marked = exp.DPipe(this=whole, expression=exp.Literal.string(_MARK), safe=True)
        whole = exp.DPipe(this=marked, expression=part.copy(), safe=True)
    return whole
