"""From a question to noisy cells: what is counted, with which sensitivity, and how far off the answer may be."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import product
from math import prod
from typing import TYPE_CHECKING, Final

from beijiang.engine.port import QueryLimits
from beijiang.protection.models.bounding import bounded, centre, reach
from beijiang.protection.models.private import Cell, PrivateKind
from beijiang.protection.service.noise import add_noise, scale_of, within
from beijiang.protection.service.ruling import visible_types

if TYPE_CHECKING:
    from decimal import Decimal

    from beijiang.engine import Engine
    from beijiang.protection.models.private import Domain, PrivateOffer, PrivateQuestion
    from beijiang.tables import Filter, Lake, Snapshot

__all__ = ["answered", "cells_of", "expected", "reach_of"]

SECONDS: Final = 600.0
MISS: Final = 0.05
"""How often the true number may lie outside of an interval."""
USUAL: Final = 1000
"""Values in a cell, for which the accuracy of a mean is told beforehand."""


def cells_of(offer: PrivateOffer, question: PrivateQuestion) -> int:
    """Return how many numbers the answer has; one where nothing is grouped."""
    return prod(len(offer.domains[name].keys) for name in question.by)


def reach_of(offer: PrivateOffer, question: PrivateQuestion) -> int:
    """Return the most that one row can change a sum by, in steps; of counts 1."""
    return reach(question.kind, offer.domains[question.column]) if question.column else 1


def expected(offer: PrivateOffer, question: PrivateQuestion) -> float:
    """Return the size of the noise of one cell that is not exceeded in 95 of 100 answers."""
    per_person = offer.rows_per_person
    sensitivity = per_person * reach_of(offer, question)
    if question.column is None:
        return within(scale_of(per_person, question.micro), MISS)
    domain = offer.domains[question.column]
    if question.kind is PrivateKind.SUM:
        return float(within(scale_of(sensitivity, question.micro), MISS) * domain.step)
    some, many = _off(per_person, sensitivity, question.micro // 2)
    low, high = domain.lattice
    widest = (high - low) / 2
    return min(widest * 2, (some + many * widest) / max(USUAL - many, 1)) * float(domain.step)


def answered(
    lake: Lake,
    engine: Engine,
    offer: PrivateOffer,
    question: PrivateQuestion,
    snapshot: Snapshot,
    hidden: Sequence[Filter],
) -> tuple[Cell, ...]:
    """Count in every cell that the offer names, and add noise; no cell comes from the data."""
    query = bounded(offer, question, hidden, visible_types(snapshot))
    used = {offer.person, question.column, *question.by, *(f.column for f in (*hidden, *question.where))}
    scan = lake.scan(snapshot, [name for name in snapshot.schema.names if name in used])
    found = engine.fetch(query, {snapshot.table: scan}, QueryLimits(seconds=SECONDS)).to_pylist()
    rows = {tuple(row[f"k{i}"] for i in range(len(question.by))): row for row in found}
    keys = list(product(*(offer.domains[name].keys for name in question.by)))
    counts, sums = ([int(rows[key][name]) if key in rows else 0 for key in keys] for name in ("n", "s"))
    per_person = offer.rows_per_person
    sensitivity = per_person * reach_of(offer, question)
    if question.column is None:
        noisy, far = add_noise(counts, per_person, question.micro), within(scale_of(per_person, question.micro), MISS)
        return tuple(Cell(key, n, n - far, n + far) for key, n in zip(keys, noisy, strict=True))
    domain = offer.domains[question.column]
    if question.kind is PrivateKind.SUM:
        noisy, far = add_noise(sums, sensitivity, question.micro), within(scale_of(sensitivity, question.micro), MISS)
        ends = [[_value(n + off, domain.step) for off in (0, -far, far)] for n in noisy]
        return tuple(Cell(key, *end) for key, end in zip(keys, ends, strict=True))
    half = question.micro // 2
    totals, sizes = add_noise(sums, sensitivity, half), add_noise(counts, per_person, half)
    off = _off(per_person, sensitivity, half)
    return tuple(_mean(key, s, n, off, domain) for key, s, n in zip(keys, totals, sizes, strict=True))


def _off(per_person: int, sensitivity: int, half: int) -> tuple[int, int]:
    """Return how far the sum and the count of a mean may be off; both together in 95 of 100 answers."""
    return within(scale_of(sensitivity, half), MISS / 2), within(scale_of(per_person, half), MISS / 2)


def _mean(key: tuple[str, ...], total: int, count: int, off: tuple[int, int], domain: Domain) -> Cell:
    """Return the mean with the interval of all means that noisy sum and count allow; nothing where the count may be 0."""
    least, most = count - off[1], count + off[1]
    if least < 1:
        return Cell(key, None, None, None)
    middle, (low, high) = centre(PrivateKind.MEAN, domain), domain.lattice
    ends = [(total + side * off[0]) / n for side in (-1, 1) for n in (least, most)]
    shown = [min(max(middle + part, low), high) * float(domain.step) for part in (total / count, min(ends), max(ends))]
    spread = shown[2] - shown[1]
    digits = max(0, 2 - math.floor(math.log10(spread))) if spread > 0 else None
    return Cell(key, *(shown if digits is None else (round(end, digits) for end in shown)))


def _value(steps: int, step: Decimal) -> float | int:
    exact = steps * step
    return int(exact) if step == step.to_integral_value() else float(exact)
