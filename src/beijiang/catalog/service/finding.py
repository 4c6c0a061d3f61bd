"""Looking things up: one entry, lists, versions, tasks, and the search."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from beijiang.access import Permission
from beijiang.catalog.models import (
    EXTENSION,
    Change,
    Comparison,
    ExtensionValue,
    Level,
    OpenType,
    Picked,
    PickPage,
    PickQuery,
    Promise,
    Resource,
    SearchHit,
    SearchPage,
    SearchQuery,
    State,
    Step,
    Task,
    TaskKind,
    Version,
)
from beijiang.catalog.models.terms import Phrase, Scope, any_of
from beijiang.catalog.search.finder import Found
from beijiang.catalog.search.marking import places_of, snippet, spans
from beijiang.catalog.search.shelf import Reader
from beijiang.catalog.search.sounds import sounding
from beijiang.catalog.service.base import Base
from beijiang.catalog.service.comparison import compare, compare_working, differences
from beijiang.catalog.service.promises import promise
from beijiang.catalog.store import ResourceStore, SearchStore, WordIndex, entry_part, link_term
from beijiang.kit import Actor, Invalid, NotFound, Part

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import date

    from sqlalchemy import Connection, Row

    from beijiang.kit import Wanted

_PAGE_LIMIT = 100
_TEXT_LIMIT = 200
_PICK_LIMIT = 1_000
_BARE_LIMIT = 1_000_000
_VALUES_LIMIT = 20_000
_FIELDS_SHOWN = 5
_REVIEWS = frozenset({TaskKind.REVIEW, TaskKind.PUBLISH})


@dataclass(frozen=True, slots=True)
class Published:
    """What everybody may see of a resource: its published version, and how it does since."""

    resource_id: str
    version: Version
    table: str | None
    table_version: int | None
    promise: Promise
    grades: dict[str, str]
    extensions: tuple[ExtensionValue, ...] = ()
    """Values of declared fields that everybody may see."""


class Finding(Base):
    """Reading the catalog; nobody's rows are here."""

    def get(self, actor: Actor, resource_id: str) -> Resource:
        """Return a resource with its working entry.

        Raises:
            NotFound: it does not exist, or the actor may not see unpublished entries of its provider.

        """
        found = self._peek(resource_id)
        if not self._access.allows(actor, Permission.CATALOG_RESOURCE_READ, found.provider_id):
            raise _hidden()
        return found

    def published(self, actor: Actor, resource_id: str) -> Published:
        """Return the published version of a resource, for anybody; not-open ones are entries without rows.

        Raises:
            NotFound: it does not exist, or is not published.

        """
        self._access.require(actor, Permission.CATALOG_RESOURCE_SEARCH)
        found, version = self._published.get(resource_id, lambda connection: _serving(connection, resource_id))
        if found is None or version is None:
            return self._told_elsewhere(actor, resource_id)
        grades = {column: str(grade.level) for column, grade in found.grades.items()}
        return Published(
            found.id,
            version,
            found.table,
            found.released_table_version,
            self._promise(found, version.entry.update_cycle),
            grades,
            self._public_values(version.entry),
        )

    def _told_elsewhere(self, actor: Actor, resource_id: str) -> Published:
        """Return an entry as another node told it; the public is not shown any.

        Raises:
            NotFound: there is none, or the actor does not work in government.

        """
        version = self.elsewhere(resource_id) if self._is_inside(actor) else None
        if version is None:
            raise _hidden()
        kept = promise(self._standards.update_cycle(version.entry.update_cycle), None, self._clock.now())
        return Published(resource_id, version, None, None, kept, {})

    def list(
        self,
        actor: Actor,
        *,
        states: Iterable[State] = (),
        org_id: str | None = None,
        words: str = "",
        limit: int = 500,
    ) -> tuple[Resource, ...]:
        """Return resources whose working entries the actor may see, latest change first; ``words`` stand in a name."""
        self._access.require(actor, Permission.CATALOG_RESOURCE_READ, org_id)
        reader = self._reader(actor)
        if not reader.everything and org_id not in {None, reader.org_id}:
            return ()
        if not reader.everything and reader.org_id is None:
            return ()
        wanted = org_id if reader.everything else reader.org_id
        with self._db.read() as connection:
            return tuple(ResourceStore(connection).all(org_id=wanted, states=states, words=words.strip(), limit=limit))

    def entry_part(self, actor: Actor, wanted: Wanted) -> Part[Resource]:
        """Return a part of the entries that ``list`` lists, narrowed, counted and sorted."""
        self._access.require(actor, Permission.CATALOG_RESOURCE_READ, None)
        reader = self._reader(actor)
        if not reader.everything and reader.org_id is None:
            return Part((), 0, {})
        tasks = self.tasks_for(actor) if self._access.allows(actor, Permission.CATALOG_TASK_READ) else ()
        org_id = None if reader.everything else reader.org_id
        with self._db.read() as connection:
            return entry_part(connection, wanted, org_id=org_id, tasks=tasks, now=self._clock.now())

    def versions(self, actor: Actor, resource_id: str) -> tuple[Version, ...]:
        """Return the published versions, newest first; a visitor sees them while the resource is published."""
        with self._db.read() as connection:
            store = ResourceStore(connection)
            found = store.get(resource_id)
            if found is None or not self._may_see(actor, found):
                raise _hidden()
            return tuple(store.versions(resource_id))

    def compare(self, actor: Actor, resource_id: str, before: int, after: int | None) -> Comparison:
        """Return what changed between two published versions, or from one to the working entry (None).

        Raises:
            NotFound: the resource is hidden, or has no such version, or its working entry is.

        """
        numbered = {version.number: version for version in self.versions(actor, resource_id)}
        if before not in numbered or (after is not None and after not in numbered):
            raise NotFound("没有这个版本。", "There is no such version.", code="unknown_version")
        if after is None:
            return compare_working(numbered[before], self.get(actor, resource_id))
        found = compare(numbered[before], numbered[after])
        hidden = {EXTENSION + key for key in self.hidden_fields(actor)}
        return replace(found, changes=tuple(one for one in found.changes if one.field not in hidden))

    def hidden_fields(self, actor: Actor) -> frozenset[str]:
        """Return the keys of declared fields whose values this reader may not see in published versions."""
        self._access.require(actor, Permission.CATALOG_RESOURCE_SEARCH)
        if self._is_inside(actor):
            return frozenset()
        return frozenset(one.key for one in self._fields() if not one.is_public)

    def changes(self, actor: Actor, resource_id: str) -> tuple[Change, ...]:
        """Return how the working entry differs from the version last published: what its reviewer has to look at."""
        resource = self.get(actor, resource_id)
        with self._db.read() as connection:
            published = ResourceStore(connection).versions(resource_id)
        return tuple(differences(published[0].entry, resource.entry)) if published else ()

    def steps(self, actor: Actor, resource_id: str) -> tuple[Step, ...]:
        """Return an entry's life so far, oldest first."""
        self._seen(actor, Permission.CATALOG_RESOURCE_READ, resource_id)
        with self._db.read() as connection:
            return tuple(ResourceStore(connection).steps(resource_id))

    def promise(self, actor: Actor, resource_id: str) -> Promise:
        """Return the update promise against the fact."""
        found = self._peek(resource_id)
        if not self._may_see(actor, found):
            raise _hidden()
        return self._promise(found, found.entry.update_cycle)

    def tasks_for(self, actor: Actor) -> tuple[Task, ...]:
        """Return what the actor is waited for, the most urgent first; nobody is asked to review the own submission."""
        self._access.require(actor, Permission.CATALOG_TASK_READ)
        with self._db.read() as connection:
            rows = ResourceStore(connection).open_tasks()
        names = {one.id: one.name_zh for one in self._access.organisations()} if rows else {}
        may: dict[tuple[Permission, str], bool] = {}
        left = self._days_left({due for *_, due in rows})
        tasks: list[Task] = []
        for row, name, provider, submitted_by, due in rows:
            kind = TaskKind(row.kind)
            question = (kind.permission, provider)
            if question not in may:
                may[question] = self._access.allows(actor, *question)
            if may[question] and not (kind in _REVIEWS and submitted_by == actor.id):
                tasks.append(_task(row, name, provider, names.get(provider, provider), left[due]))
        return tuple(tasks)

    def _days_left(self, days: Collection[date]) -> dict[date, int]:
        """Return how many working days there are to each of some days; many tasks are due on one."""
        today, between = self._today(), self._standards.calendar.working_days_between
        return {day: between(today, day) for day in days}

    def search(self, actor: Actor, query: SearchQuery) -> SearchPage:
        """Search the catalog: the public entries, and unpublished ones as far as the actor may see them.

        Raises:
            Invalid: page or size out of range, or a text that is too long.

        """
        self._access.require(actor, Permission.CATALOG_RESOURCE_SEARCH)
        _check(query)
        reader = self._reader(actor)
        with self._db.read() as connection:
            store = SearchStore(connection)
            result = self._finder.find(query, reader, store, WordIndex.of(connection))
            rows = store.rows(result.positions) if result.positions else {}
            head = store.head()
        shown = (rows[p] for p in result.positions if p in rows and _shows(rows[p], reader))
        return SearchPage(
            total=result.total,
            hits=tuple(_hit(row, result.found) for row in shown),
            facets=result.facets,
            kind=result.found.kind,
            suggestion=result.found.suggestion,
            page=query.page,
            size=query.size,
            indexed_up_to=head.at,
        )

    def pick(self, actor: Actor, query: PickQuery) -> PickPage:
        """Pick entries by a condition, for programs; the statements are as many on the thousandth page as on the first.

        Raises:
            Invalid: a page of more than 1,000 entries, or more than 20,000 values of a facet.

        """
        self._access.require(actor, Permission.CATALOG_RESOURCE_SEARCH)
        if (
            not 0 <= query.size <= (_BARE_LIMIT if query.bare else _PICK_LIMIT)
            or not 0 <= query.values <= _VALUES_LIMIT
            or query.start < 0
        ):
            raise Invalid(
                f"每页 0 至 {_PICK_LIMIT} 条，从 0 开始数。",
                f"A page has 0 to {_PICK_LIMIT} entries, counted from 0.",
                code="bad_page",
            )
        reader = self._reader(actor)
        with self._db.read() as connection:
            store = SearchStore(connection)
            result = self._finder.pick(query, reader, store, WordIndex.of(connection))
            positions = [] if query.bare else result.positions
            rows = store.rows(positions) if positions else {}
            shown = [rows[p] for p in positions if p in rows and _shows(rows[p], reader)]
            stored = ResourceStore(connection).of_page([row.resource_id for row in shown]) if shown else {}
            head = store.head()
        found = [_picked(row, *stored[row.resource_id]) for row in shown if row.resource_id in stored]
        declared = (
            [one for one in self._fields() if one.is_public] if any(one.entry.extensions for one in found) else []
        )
        entries = tuple(replace(one, extensions=self._values(one.entry, declared)) for one in found)
        return PickPage(
            total=result.total, entries=entries, ids=result.ids, counts=result.counts, indexed_up_to=head.at
        )

    def referring(self, actor: Actor, codes: Iterable[str]) -> tuple[str, ...]:
        """Return the ids of the entries that name one of these codes as related, as far as the actor may see them."""
        self._access.require(actor, Permission.CATALOG_RESOURCE_SEARCH)
        wanted = tuple(codes)
        if not wanted:
            return ()
        reader = self._reader(actor)
        rows = self._referring.get(wanted, lambda connection: _referring(connection, wanted))
        return tuple(row.resource_id for row in rows if _shows(row, reader))

    def reindex(self, actor: Actor) -> int:
        """Write every search row anew (after an upgrade of the index); return how many resources there are."""
        self._access.require(actor, Permission.CATALOG_RESOURCE_PUBLISH)
        with self._db.read() as connection:
            ids = ResourceStore(connection).ids()
        for resource_id in ids:
            with self._db.begin() as tx:
                found = ResourceStore(tx.connection).get(resource_id)
                if found is not None:
                    self._indexer.put(tx.connection, found, self._clock.now())
        return len(ids)

    def _promise(self, found: Resource, cycle: str) -> Promise:
        return promise(self._standards.update_cycle(cycle), found.facts.data_at, self._clock.now())

    def _may_see(self, actor: Actor, found: Resource) -> bool:
        if found.is_serving and self._access.allows(actor, Permission.CATALOG_RESOURCE_SEARCH):
            return True
        return self._access.allows(actor, Permission.CATALOG_RESOURCE_READ, found.provider_id)


def _task(row: Row[Any], name: str, provider: str, provider_name: str, days_left: int) -> Task:
    return Task(
        id=row.id,
        kind=TaskKind(row.kind),
        resource_id=row.resource_id,
        name=name,
        provider_id=provider,
        provider_name=provider_name,
        opened_at=row.opened_at,
        due_on=row.due_on,
        provisional=row.provisional,
        days_left=days_left,
        basis=row.basis,
        verified=row.verified,
    )


def _serving(connection: Connection, resource_id: str) -> tuple[Resource | None, Version | None]:
    """Return a resource with the version that serves, if there is one."""
    store = ResourceStore(connection)
    found = store.get(resource_id)
    return found, store.version(resource_id, found.version) if found and found.version else None


def _referring(connection: Connection, codes: tuple[str, ...]) -> tuple[Row[Any], ...]:
    """Return the search rows of the entries that name one of these codes as related."""
    terms = [Phrase((link_term(code),), scope=Scope.SOUND) for code in codes]
    joined = WordIndex.of(connection).match(any_of(terms))
    rows = SearchStore(connection).rows(sorted(map(int, filter(None, joined.split(","))))[:_PAGE_LIMIT])
    return tuple(row for _, row in sorted(rows.items()))


def _check(query: SearchQuery) -> None:
    if not 1 <= query.size <= _PAGE_LIMIT or not 1 <= query.page <= 10_000:  # noqa: PLR2004 - nobody turns so many pages
        raise Invalid(
            f"每页 1 至 {_PAGE_LIMIT} 条，页码从 1 开始。",
            f"A page has 1 to {_PAGE_LIMIT} entries, and pages count from 1.",
            code="bad_page",
        )
    if len(query.text) > _TEXT_LIMIT:
        raise Invalid(
            f"检索词最长 {_TEXT_LIMIT} 字。", f"A search has at most {_TEXT_LIMIT} characters.", code="text_too_long"
        )


def _shows(row: Row[Any], reader: Reader) -> bool:
    """Check a row again as it is in this snapshot."""
    if reader.everything:
        return bool(row.is_inner)
    return bool(row.is_inner if row.provider_id == reader.org_id else row.is_public)


def _hit(row: Row[Any], found: Found) -> SearchHit:
    marked = places_of(row.name, found.needles)
    for sound in found.sounds:
        if not marked and (place := sounding(row.sounds.replace("_", "").split(" "), sound)):
            marked = set(range(*place))
    facets = row.facets
    named = [(name, places_of(name, found.needles)) for name in row.fields]
    level, opening = facets.get("grade"), facets.get("open_type")
    return SearchHit(
        id=row.resource_id,
        name=spans(row.name, marked),
        summary=snippet(row.summary, found.needles),
        fields=tuple(spans(name, hits) for name, hits in named if hits)[:_FIELDS_SHOWN],
        provider_id=row.provider_id,
        provider_name=row.provider_name,
        themes=tuple(facets.get("theme", ())),
        formats=tuple(facets.get("format", ())),
        region=next(iter(facets.get("region", ())), None),
        open_type=OpenType(opening[0]) if opening else None,
        update_cycle=next(iter(facets.get("update_cycle", ())), ""),
        level=Level(level[0]) if level else None,
        state=State(row.state),
        is_public=row.is_public,
        rows=row.rows,
        columns=len(row.fields),
        published_at=row.published_at,
        data_at=row.data_at,
    )


def _picked(row: Row[Any], found: Resource, version: Version | None) -> Picked:
    """Return what a row stands for: the published version, or the working entry for who may see that."""
    public = version is not None and row.is_public
    return Picked(
        id=found.id,
        entry=version.entry if version is not None and public else found.entry,
        number=version.number if version is not None and public else 0,
        codes=version.codes if version is not None and public else tuple(map(str, found.codes)),
        state=State.PUBLISHED if public else found.state,
        is_public=public,
        created_at=row.first_at if public else found.created_at,
        modified_at=row.changed_at if public else found.updated_at,
        table=found.table,
        table_version=found.released_table_version if public else None,
        rows=row.rows,
    )


def _hidden() -> NotFound:
    return NotFound("没有这条目录。", "There is no such catalog entry.", code="unknown_resource")


__all__ = ["Finding", "Published"]
