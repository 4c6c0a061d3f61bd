"""Looking into a library, through the gate: subjects with their history, the records that they are made of, pairs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from beijiang.access import Permission
from beijiang.fusion.errors import no_pair, no_subject
from beijiang.fusion.models import Library, Link, Pair, PairState, gathering, trees
from beijiang.fusion.models.libraries import GOLDEN
from beijiang.fusion.service.running import Running
from beijiang.fusion.store import DecisionStore, LibraryStore
from beijiang.kit import Invalid, NotFound, Shown, Text
from beijiang.tables import Exit, Filter, FilterOp

if TYPE_CHECKING:
    import pyarrow as pa

    from beijiang.engine.linking import Bar
    from beijiang.kit import Actor
    from beijiang.tables import GovernedTable

__all__ = ["MERGED_MOST", "Compared", "Looking", "Member", "Subject", "Subjects", "Together"]

RECORDS_SHOWN: Final = 20
STATES_SHOWN: Final = 200
MEMBERS_MOST: Final = 500
PAGE: Final = 50
MERGED_MOST: Final = 20
"""Subjects that somebody can look at side by side before putting them together."""
_PURPOSE: Final = "fusion:subject"


@dataclass(frozen=True, slots=True)
class Subjects:
    """A page of golden records as a reader may see them."""

    library: Library
    governed: GovernedTable
    rows: pa.Table
    next: str | None


@dataclass(frozen=True, slots=True)
class Member:
    """One record that a subject is made of, as far as its own table may be seen by this reader."""

    record: str
    table: str
    how: str
    row: Mapping[str, Any] | None
    """None where the reader may not see the source's rows, or the record is no longer there."""
    masked: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Subject:
    """A golden record: as it is now, from where each value is, and how it was before."""

    library: Library
    id: str
    now: Mapping[str, Any] | None
    """None where it is no longer there: its records belong to others now, or their sources have ended."""
    states: Sequence[Mapping[str, Any]]
    """All that it has been, newest first."""
    members: Sequence[Member]
    records: int
    masked: frozenset[str]
    went_to: Sequence[str] = ()
    """Where its records are now, if it is no longer there."""

    @property
    def shown(self) -> Shown:
        """Return what somebody takes records out of: its values and its records, as this reader sees them."""
        records = [
            (one.record, one.table, one.how, None if one.row is None else _told(one.row)) for one in self.members
        ]
        now = None if self.now is None else _told(self.now)
        return Shown({_VALUES: now, _RECORDS: {"records": self.records, "shown": records}})

    def source_of(self, element: str) -> Member | None:
        """Return the record that a field's value is from."""
        said = (self.now or {}).get(trees.PROVENANCE)
        try:
            name = json.loads(str(said)).get(element) if said else None
        except ValueError:
            return None
        return next((one for one in self.members if one.record == name), None)


@dataclass(frozen=True, slots=True)
class Together:
    """Subjects side by side before they are put together."""

    library: Library
    subjects: Sequence[Subject]

    @property
    def shown(self) -> Shown:
        """Return what somebody puts together: all of them as this reader sees them."""
        return Shown({Text(f"主体 {one.id}", f"subject {one.id}"): one.shown.token for one in self.subjects})


_VALUES: Final = Text("主体的取值", "the subject's values")
_RECORDS: Final = Text("主体的来源记录", "the records that it is made of")
_LEFT: Final = Text("一边的主体", "the subject on one side")
_RIGHT: Final = Text("另一边的主体", "the subject on the other side")
_ALIKE: Final = Text("相似程度", "how alike they are")


@dataclass(frozen=True, slots=True)
class Compared:
    """Two records that may be the same: their subjects side by side, and what speaks for it and against it."""

    pair: Pair
    left: Subject | None
    right: Subject | None
    bars: Sequence[Bar]

    @property
    def shown(self) -> Shown:
        """Return what somebody decides on: both sides as this reader sees them, and how alike they are."""
        pair = self.pair
        sides = {_LEFT: self.left, _RIGHT: self.right}
        told: dict[Text, object] = {
            name: None if side is None else _told(side.now or {}) for name, side in sides.items()
        }
        return Shown({**told, _ALIKE: (round(pair.probability, 6), dict(pair.levels), pair.against)})


class Looking(Running):
    """What is in a library."""

    def subjects(
        self, actor: Actor, library_id: str, filters: Sequence[Filter] = (), after: str | None = None, limit: int = PAGE
    ) -> Subjects:
        """Return golden records that hold now.

        Raises:
            NotFound: no such library, no run yet, or its table is hidden from the actor.

        """
        library = self._seen(actor, library_id)
        governed = self.tables.open(actor, library.target, _PURPOSE, Exit.PAGE)
        now = Filter("valid_to", FilterOp.ISNULL)
        page = governed.page(filters=[*filters, now], after=after, limit=min(limit, 500))
        return Subjects(library, governed, page.rows, page.next)

    def subject(self, actor: Actor, library_id: str, golden: str) -> Subject:
        """Return a golden record with its history and the records that it is made of.

        Raises:
            NotFound: there never was one of this name, or the library's rows are hidden from the actor.

        """
        library = self._seen(actor, library_id)
        return self._subject(actor, library, golden)

    def together(self, actor: Actor, library_id: str, names: Sequence[str]) -> Together:
        """Return subjects side by side, to be put together.

        Raises:
            Invalid: fewer than two, or more than somebody can look at.
            NotFound: one of them never was, or the library's rows are hidden from the actor.

        """
        library = self._seen(actor, library_id)
        wanted = sorted(set(names))
        if not 2 <= len(wanted) <= MERGED_MOST:  # noqa: PLR2004 - a merge takes two
            raise Invalid(
                f"请选择 2 到 {MERGED_MOST} 个主体，并排看过后再归并。",
                f"Choose 2 to {MERGED_MOST} subjects, to be looked at side by side and put together.",
                code="two_subjects_needed",
            )
        return Together(library, [self._subject(actor, library, name) for name in wanted])

    def queue(self, actor: Actor, library_id: str, offset: int = 0, limit: int = PAGE) -> tuple[Sequence[Pair], int]:
        """Return pairs that wait for a person, the surest first, and how many there are."""
        library = self._seen(actor, library_id)
        with self.db.read() as connection:
            store = DecisionStore(connection)
            return store.pairs(library.id, PairState.WAITING, limit, offset), store.waiting(library.id)

    def compare(self, actor: Actor, pair_id: str) -> Compared:
        """Return the two sides of a pair as the actor may see them, and the weights that speak for and against.

        Raises:
            NotFound: no such pair, or the library's rows are hidden from the actor.

        """
        self.access.require(actor, Permission.FUSION_LIBRARY_READ)
        with self.db.read() as connection:
            pair = DecisionStore(connection).pair(pair_id)
            library = None if pair is None else LibraryStore(connection).get(pair.library_id)
            last = None if pair is None else LibraryStore(connection).last_written(pair.library_id)
        if pair is None or library is None or library.retired:
            raise no_pair()
        belongs = self._belongs(actor, library, [pair.left, pair.right])
        sides = [
            self._subject(actor, library, belongs[name]) if name in belongs else None
            for name in (pair.left, pair.right)
        ]
        return Compared(pair, sides[0], sides[1], _bars(pair, {} if last is None else last.matching))

    # Inside

    def _belongs(self, actor: Actor, library: Library, records: Sequence[str]) -> dict[str, str]:
        """Return the golden record of each record, as it is now."""
        governed = self.tables.open(actor, library.crosswalk, _PURPOSE, Exit.PAGE)
        filters = [Filter(trees.RECORD, FilterOp.IN_, list(records)), Filter("valid_to", FilterOp.ISNULL)]
        rows = governed.page(filters=filters, limit=MEMBERS_MOST).rows
        return {row[trees.RECORD]: row[GOLDEN] for row in rows.to_pylist()}

    def _subject(self, actor: Actor, library: Library, golden: str) -> Subject:
        governed = self.tables.open(actor, library.target, _PURPOSE, Exit.PAGE)
        page = governed.page(filters=[Filter(GOLDEN, FilterOp.EQ, golden)], limit=STATES_SHOWN)
        states = sorted(page.rows.to_pylist(), key=lambda row: row["valid_from"], reverse=True)
        if not states:
            raise no_subject(golden)
        now = next((row for row in states if row["valid_to"] is None), None)
        known = self._records_of(actor, library, golden)
        members = self._rows_of(actor, library, known[:RECORDS_SHOWN])
        masked = frozenset(column.name for column in governed.columns if column.masked)
        gone = [] if now is not None else self._went_to(actor, library, golden)
        return Subject(library, golden, now, states, members, len(known), masked, gone)

    def _records_of(self, actor: Actor, library: Library, golden: str) -> list[Mapping[str, Any]]:
        governed = self.tables.open(actor, library.crosswalk, _PURPOSE, Exit.PAGE)
        filters = [Filter(GOLDEN, FilterOp.EQ, golden), Filter("valid_to", FilterOp.ISNULL)]
        rows = governed.page(filters=filters, limit=MEMBERS_MOST).rows.to_pylist()
        return sorted(rows, key=lambda row: (row["来源表"], row[trees.RECORD]))

    def _went_to(self, actor: Actor, library: Library, golden: str) -> list[str]:
        """Return the golden records that the records of a former one belong to now."""
        governed = self.tables.open(actor, library.crosswalk, _PURPOSE, Exit.PAGE)
        rows = governed.page(filters=[Filter(GOLDEN, FilterOp.EQ, golden)], limit=MEMBERS_MOST).rows.to_pylist()
        former = list(dict.fromkeys(row[trees.RECORD] for row in rows))
        return sorted(set(self._belongs(actor, library, former).values())) if former else []

    def _rows_of(self, actor: Actor, library: Library, known: Sequence[Mapping[str, Any]]) -> list[Member]:
        """Return records with their rows, where the gate shows the source's rows to this reader."""
        with self.db.read() as connection:
            links = {link.table: link for link in LibraryStore(connection).links(library.id) if link.works}
            last = LibraryStore(connection).last_written(library.id)
        read = {one.table: one.version for one in last.sources} if last is not None else {}
        shown: dict[str, tuple[Mapping[str, Any], frozenset[str]]] = {}
        for table in dict.fromkeys(row["来源表"] for row in known):
            names = [row[trees.RECORD] for row in known if row["来源表"] == table]
            if table in links and table in read:
                shown |= self._shown(actor, library, links[table], read[table], names)
        return [
            Member(
                row[trees.RECORD], row["来源表"], row["归并依据"], *shown.get(row[trees.RECORD], (None, frozenset()))
            )
            for row in known
        ]

    def _shown(
        self, actor: Actor, library: Library, link: Link, version: int, names: Sequence[str]
    ) -> dict[str, tuple[Mapping[str, Any], frozenset[str]]]:
        try:
            governed = self.tables.open(actor, link.table, _PURPOSE, Exit.PREVIEW, version)
        except NotFound:
            return {}
        key, _ = self._key_of(link)
        tree = gathering.places(self._secret(library.id), link, key, names)
        masked = frozenset(column.name for column in governed.columns if column.masked)
        found: dict[str, tuple[Mapping[str, Any], frozenset[str]]] = {}
        for n, places in self.measures.places_of(tree, {link.table: version}, "n").items():
            rows = governed.rows_at(places[:1]).to_pylist()
            if rows:
                row = {one: rows[0].get(column) for one, column in link.columns.items()}
                hidden = frozenset(
                    one for one, column in link.columns.items() if column in masked or column not in rows[0]
                )
                found[names[n]] = row, hidden
        return found


def _told(row: Mapping[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in row.items()}


def _bars(pair: Pair, matching: Mapping[str, Any]) -> Sequence[Bar]:
    """Return what speaks for a pair and against it, by the weights of the newest run."""
    from beijiang.engine.linking import Weights

    if "weights" not in matching:
        return ()
    return Weights.of_dict(matching["weights"]).waterfall(pair.levels, pair.probability)
