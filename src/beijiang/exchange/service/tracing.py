"""Tracing (溯源): from which hand-over a file that got out most likely came, by what it says and by the order of its rows."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from beijiang.access import Permission
from beijiang.exchange.models.handing import Mark, Suspect, Traced, TraceReport
from beijiang.exchange.service.base import Base
from beijiang.exchange.service.leaked import Leaked, plain, read_leaked
from beijiang.exchange.store import HandingStore
from beijiang.kit import SYSTEM, BeijiangError, Text
from beijiang.protection import marking
from beijiang.tables import Exit

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    import numpy.typing as npt

    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue

__all__ = ["Tracing"]

SURE: Final = 1e-4
"""The largest chance of an accident, over all marks compared, at which a hand-over is named."""
FOUND: Final = 0.6
"""Share of a column's values that have to stand in a column of the table for both to be taken as the same."""
_SAMPLE: Final = 2_000
_LAYERS: Final = 3
"""How often the same row may stand in a file; a mixture of several hand-overs has rows twice."""
_PURPOSE: Final = "水印溯源 watermark trace"


class Tracing(Base):
    """Says from which grant a file came, with how much confidence, or that it cannot be told. Reads tables; hands out no row."""

    def trace(self, actor: Actor, content: bytes) -> TraceReport:
        """Compare a file with every marked hand-over of the tables that the actor looks after.

        Raises:
            Invalid: no rows can be read from it.

        """
        self.access.require(actor, Permission.EXCHANGE_TRACE_RUN, actor.org_id)
        leaked = read_leaked(content)
        with self.db.read() as connection:
            marks = [mark for mark in HandingStore(connection).marks() if self._may(actor, mark)]
        named = [Suspect(mark=mark, how=Traced.NAMED, confidence=0.0) for mark in marks if mark.receipt in leaked.said]
        known, compared, agreed = self._by_order(leaked, marks)
        suspects = (*agreed, *(one for one in named if one.mark.receipt not in {a.mark.receipt for a in agreed}))
        report = TraceReport(
            rows=leaked.rows, known=known, compared=compared, suspects=suspects, words=_words(known, compared, suspects)
        )
        detail: dict[str, JsonValue] = {
            "rows": report.rows,
            "known": known,
            "compared": compared,
            "suspects": [[one.mark.receipt, one.how.value, round(one.confidence, 9)] for one in suspects],
        }
        with self.db.begin() as tx:
            self.parts.evidence.record(tx, actor, "exchange.trace", target="", detail=detail)
        return report

    def _may(self, actor: Actor, mark: Mark) -> bool:
        found = self.parts.catalog.resource_for_table(mark.table)
        provider = None if found is None else found.provider_id
        return self.access.allows(actor, Permission.EXCHANGE_TRACE_RUN, provider)

    def _by_order(self, leaked: Leaked, marks: Sequence[Mark]) -> tuple[int, int, list[Suspect]]:
        """Return how many rows were known again, how many comparisons were made, and the hand-overs that agree."""
        found: list[tuple[float, Suspect]] = []
        known = compared = 0
        versions: dict[tuple[str, int], list[Mark]] = {}
        for mark in marks:
            versions.setdefault((mark.table, mark.version), []).append(mark)
        for (table, version), theirs in versions.items():
            layers = self._places(leaked, table, version, sorted({name for mark in theirs for name in mark.columns}))
            known = max(known, sum(len(layer) for layer in layers))
            for mark in theirs if layers else ():
                seed = self.parts.gate.seed_of(mark.receipt)
                agreements = [marking.agreement(layer, seed) for layer in layers]
                compared += len(agreements)
                best = min(agreements, key=lambda one: one.chance)
                suspect = Suspect(mark=mark, how=Traced.ORDER, confidence=0.0, pairs=best.pairs, agreeing=best.agreeing)
                found.append((best.chance, suspect))
        sure = sorted(
            ((chance * compared, one) for chance, one in found if chance * compared <= SURE),
            key=lambda entry: (entry[0], -entry[1].agreeing / max(1, entry[1].pairs)),
        )
        return known, compared, [_with(one, 1 - chance) for chance, one in sure]

    def _places(
        self, leaked: Leaked, table: str, version: int, columns: Sequence[str]
    ) -> Sequence[npt.NDArray[np.int64]]:
        """Return the places of the file's rows in the table, in the file's order; rows that stand twice in further layers."""
        import numpy as np

        values, places = self._read(table, version, columns)
        pairs = _same_columns(leaked, values)
        if not pairs:
            return ()
        rows = list(zip(*(values[name] for name, _ in pairs), strict=True))
        once = {row for row, count in Counter(rows).items() if count == 1}
        at = {row: place for row, place in zip(rows, places, strict=True) if row in once}
        seen: Counter[int] = Counter()
        layers: list[list[int]] = [[] for _ in range(_LAYERS)]
        for row in zip(*(leaked.columns[i] for _, i in pairs), strict=True):
            place = at.get(row)
            if place is not None:
                if seen[place] < _LAYERS:
                    layers[seen[place]].append(place)
                seen[place] += 1
        return [np.asarray(layer, dtype=np.int64) for layer in layers if len(layer) > 1]

    def _read(self, table: str, version: int, columns: Sequence[str]) -> tuple[Mapping[str, list[Any]], list[int]]:
        """Return the stored values of a version as plain texts, and the places of its rows; for comparison only."""
        try:
            governed = self.parts.gate.open(SYSTEM, table, _PURPOSE, Exit.PAGE, version)
        except BeijiangError:
            return {}, []  # the version is gone
        wanted = [c.name for c in governed.columns if c.name in columns and not c.masked and c.type in _KNOWN_AGAIN]
        if not wanted:
            return {}, []
        values: dict[str, list[Any]] = {name: [] for name in wanted}
        places: list[int] = []
        for batch in governed.batches(columns=wanted, places=True):
            places += marking.places_of(batch).tolist()
            for name in wanted:
                values[name] += [plain(value) for value in batch.column(name).to_pylist()]
        return values, places


_KNOWN_AGAIN: Final = frozenset({"text", "integer", "decimal", "double", "boolean", "date"})
"""A moment is written in a zone, and differently in each form of file."""


def _same_columns(leaked: Leaked, values: Mapping[str, list[Any]]) -> list[tuple[str, int]]:
    """Pair columns of the table with columns of the file by their values, whatever these are called now."""
    scored = []
    known = {name: set(column) - {None} for name, column in values.items()}
    for i, column in enumerate(leaked.columns):
        step = max(1, len(column) // _SAMPLE)
        sample = [value for value in column[::step] if value is not None]
        for name, held in known.items():
            share = sum(value in held for value in sample) / len(sample) if sample else 0.0
            if share >= FOUND:
                same_name = leaked.names[i].strip() == name
                scored.append((same_name, share, len(held), name, i))
    pairs: list[tuple[str, int]] = []
    for _, _, _, name, i in sorted(scored, reverse=True):
        if name not in {n for n, _ in pairs} and i not in {j for _, j in pairs}:
            pairs.append((name, i))
    return pairs


def _with(one: Suspect, confidence: float) -> Suspect:
    return Suspect(mark=one.mark, how=one.how, confidence=confidence, pairs=one.pairs, agreeing=one.agreeing)


def _words(known: int, compared: int, suspects: Sequence[Suspect]) -> Text:
    by_order = [one for one in suspects if one.how is Traced.ORDER]
    if len(by_order) > 1:
        return Text(
            "行序同时符合多次提供：文件可能由它们混合而成。",
            "The order agrees with several hand-overs: the file may be a mixture of them.",
        )
    if by_order:
        return Text("行序与这次提供相符。", "The order of rows agrees with this hand-over.")
    if suspects:
        return Text(
            "只有文件自述的回执，行序不能印证；自述可以被改写。",
            "Only what the file says of itself names a receipt; the order of rows does not confirm it, and words can be changed.",
        )
    if not compared:
        return Text(
            "无法判定：没有在已标记的提供中认出这些行。",
            "It cannot be told: its rows were not found in anything that was handed over with a mark.",
        )
    return Text(
        f"无法判定：认出 {known} 行，但行序与任何一次提供都不够相符（可能重新排序过、行数太少，或不是从授权下载取得）。",
        f"It cannot be told: {known} rows were known again, but their order agrees with no hand-over well enough "
        "(sorted anew, too few rows, or not had by a download under a grant).",
    )
