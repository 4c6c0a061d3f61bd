"""The verbs of the portal: find, look, chart, map and take along. Rows come through the gate only."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from beijiang.access import Access, Permission
from beijiang.catalog import Catalog, Facet, OpenType, Published, SearchPage, SearchQuery, Sort
from beijiang.kit import ANONYMOUS, SYSTEM, Actor, Clock, NotFound, Text
from beijiang.opendata import charts, explorer, maps, views
from beijiang.opendata.absent import no_rows, unknown_department
from beijiang.opendata.feeds import Entry
from beijiang.opendata.glance.models import Glimpse
from beijiang.opendata.models import Dataset, DataVersion, Department, DepartmentPage, Home, Related, Theme
from beijiang.opendata.news import News
from beijiang.opendata.numbers import OPENED, Counter
from beijiang.opendata.portals import narrowed, seen_within
from beijiang.opendata.reading import Reading
from beijiang.opendata.usage import UseKind
from beijiang.opendata.works import Echo
from beijiang.protection import files
from beijiang.settings import Settings
from beijiang.standards import Licence, Standards
from beijiang.tables import Exit, Filter, GovernedTable, Tables

if TYPE_CHECKING:
    from beijiang.exchange import Conditions, Recall
    from beijiang.opendata.cities import Portal

__all__ = ["OpenData", "Reading"]

NEWEST = 8
FEED_ENTRIES = 50
SITEMAP_ENTRIES = 40_000
"""Of the 50,000 that a sitemap may have, so that the fixed pages fit in too."""
PAGE_SIZE = 100
RECENT = 20
ROW_COUNTS = 4096
"""Row versions looked through before the whole history is."""
PURPOSE = "open-data portal"
USES = {Exit.ROW_API: UseKind.CALL, Exit.DOWNLOAD: UseKind.DOWNLOAD}


class OpenData:
    """What the public may find, see and take along."""

    def __init__(
        self,
        catalog: Catalog,
        tables: Tables,
        standards: Standards,
        access: Access,
        clock: Clock,
        settings: Settings,
    ) -> None:
        self._catalog = catalog
        self._tables = tables
        self._standards = standards
        self._access = access
        self._clock = clock
        self._settings = settings
        self._row_counts: dict[tuple[str, str, int], int] = {}  # a version of a table never changes
        self.announced: Callable[[str], Sequence[Recall]] = lambda _entry: ()
        """The recalls of an entry; set in build.py."""
        self.echoed: Callable[[str], Echo] = lambda _entry: Echo()
        """What the public thinks of a data set and made of it; set in build.py."""
        self.portals_of: Callable[[Actor], Sequence[Portal]] = lambda _actor: ()
        """The portals of cities and counties; set in build.py."""
        self.conditions: Callable[[str], Conditions | None] = lambda _entry: None
        """On which conditions a set is open; set in build.py."""
        self.marking: Callable[[Actor, GovernedTable, files.DownloadOrder], files.DownloadOrder] = (
            lambda _actor, _governed, order: order
        )
        """What a file that was granted says of who takes it; set in build.py."""
        self.glimpsed: Callable[[Dataset], Glimpse] = lambda _dataset: Glimpse()
        """What stands on top of the page of a data set; set in build.py."""
        self.latest: Callable[[Actor], Sequence[News]] = lambda _actor: ()
        """The news that the first page shows; set in build.py."""
        self.counted: Callable[[str, UseKind], None] = lambda _dataset, _kind: None
        """Count one use; set in build.py."""
        self._counter = Counter(catalog, standards, clock, settings.time_zone)

    @property
    def base(self) -> str:
        """Return the address of the site, without a slash at its end."""
        return self._settings.public_url.rstrip("/")

    @property
    def title(self) -> str:
        """Return what the site is called in feeds."""
        return f"{self._settings.region_name} · 公共数据开放"

    @property
    def mail(self) -> str:
        """Return where readers of the catalog may write; without a setting the address that every domain has (RFC 2142)."""
        host = urlsplit(self._settings.public_url).hostname or "localhost"
        return self._settings.contact_mail or f"postmaster@{host}"

    @property
    def region(self) -> Text:
        """Return the region in both languages, as short as people say it."""
        name = self._settings.region_name
        found = self._standards.region_by_name(name)
        english = found.name_en if found else name
        return Text(name.removesuffix("自治区"), english.removesuffix(" Autonomous Region"))

    @property
    def zone(self) -> str:
        """Return the time zone in which moments are shown."""
        return self._settings.time_zone

    # Finding

    def home(self, actor: Actor, portal: Portal | None = None) -> Home:
        """Return the first page: the whole in numbers, themes, departments and what was updated last."""
        self._ask(actor)
        whole = self._public(narrowed(SearchQuery(size=1), portal))
        opened = {Facet.OPEN_TYPE: frozenset(kind.value for kind in OPENED)}
        newest = self._public(narrowed(SearchQuery(sort=Sort.UPDATED, size=NEWEST, facets=opened), portal)).hits
        now = self._clock.now()
        return Home(
            numbers=self._counter.numbers(whole) if portal is None else None,
            count=sum(c.count for c in whole.facets.get(Facet.OPEN_TYPE, ()) if c.value in OPENED),
            themes=_themes(whole, portal),
            departments=_departments(whole),
            newest=newest,
            promises={hit.id: self._counter.promise(hit, now) for hit in newest},
            news=tuple(self.latest(actor)) if portal is None else (),
        )

    def search(self, actor: Actor, query: SearchQuery, portal: Portal | None = None) -> SearchPage:
        """Search the published entries; drafts of the reader's own department are the console's business."""
        self._ask(actor)
        return seen_within(self._public(narrowed(query, portal)), query, portal)

    def departments(self, actor: Actor, portal: Portal | None = None) -> tuple[Department, ...]:
        """Return the departments that have published something, the most first."""
        self._ask(actor)
        return _departments(self._public(narrowed(SearchQuery(size=1), portal)))

    def department(self, actor: Actor, org_id: str, query: SearchQuery, portal: Portal | None = None) -> DepartmentPage:
        """Return one department with its published data sets.

        Raises:
            NotFound: there is no such department, or it has published nothing; both look the same.

        """
        self._ask(actor)
        listed = {d.id: d for d in _departments(self._public(narrowed(SearchQuery(size=1), portal)))}
        if org_id not in listed:
            raise unknown_department()
        own = replace(query, facets={**query.facets, Facet.DEPARTMENT: frozenset({org_id})})
        results = seen_within(self._public(narrowed(own, portal)), own, portal)
        name = self._provider(org_id, listed[org_id].name.zh)
        try:
            found = self._access.organisation(org_id)
        except NotFound:
            return DepartmentPage(id=org_id, name=name, code=None, parent=None, results=results)
        parent = self._provider(found.parent_id, found.parent_id) if found.parent_id else None
        return DepartmentPage(id=org_id, name=name, code=found.uscc, parent=parent, results=results)

    def names(self, actor: Actor) -> Mapping[str, Text]:
        """Return what organisations are called, by id."""
        self._ask(actor)
        found = self._access.organisations()
        return {one.id: Text(one.name_zh, one.name_en or one.name_zh) for one in found}

    # Looking

    def dataset(self, actor: Actor, dataset_id: str) -> Dataset:
        """Return one published entry with the facts of its release.

        Raises:
            NotFound: there is no such entry, or it is not published; both look the same.

        """
        self._ask(actor)
        return self._described(*self._found(actor, dataset_id))

    def entry(self, actor: Actor, dataset_id: str) -> Dataset:
        """Return one published entry without opening its rows or following its relations: whole catalogs are made of these.

        Raises:
            NotFound: there is no such entry, or it is not published.

        """
        self._ask(actor)
        found = self._catalog.published(ANONYMOUS, dataset_id)
        provider = self._provider(found.version.entry.provider_id, found.version.entry.provider_name)
        parts = views.Parts(published=found, provider=provider, related=(), rows=0, columns=None, rows_held=False)
        offered = found.version.entry.open_type is OpenType.UNCONDITIONAL and found.table is not None
        version = found.table_version if offered else None
        return replace(views.dataset(parts, self._standards), readable=version is not None, table_version=version)

    def look(self, actor: Actor, dataset_id: str, exit_: Exit) -> tuple[Reading | None, Dataset]:
        """Return a published entry, and its rows if this reader may have them at this exit.

        Raises:
            NotFound: there is no such entry, or it is not published.

        """
        self._ask(actor)
        found, governed = self._found(actor, dataset_id, exit_)
        dataset = self._described(found, governed)
        if exit_ is Exit.PAGE:
            self.counted(found.resource_id, UseKind.VIEW)
        if governed is None:
            return None, dataset
        return Reading(found, governed, self._settings.time_zone, lambda: dataset, self._region), dataset

    def read(self, actor: Actor, dataset_id: str, exit_: Exit = Exit.PAGE) -> Reading:
        """Open the released rows of one data set for this reader at this exit.

        Raises:
            NotFound: there is no such entry, or this reader may not have its rows.

        """
        self._ask(actor)
        found, governed = self._found(actor, dataset_id, exit_)
        if governed is None:
            raise no_rows()
        if exit_ in USES:
            self.counted(found.resource_id, USES[exit_])
        return Reading(found, governed, self.zone, lambda: self._described(found, governed), self._region)

    def governed(self, actor: Actor, dataset_id: str, exit_: Exit) -> GovernedTable:
        """Open the released rows of one data set for a door of its own kind (agents).

        Raises:
            NotFound: there is no such entry, or this reader may not have its rows.

        """
        self._ask(actor)
        _, governed = self._found(actor, dataset_id, exit_)
        if governed is None:
            raise no_rows()
        return governed

    def recalls(self, actor: Actor, dataset: Dataset) -> Sequence[Recall]:
        """Return the versions of an open data set that were withdrawn, for those who took a copy; newest first."""
        self._ask(actor)
        return self.announced(dataset.id) if dataset.open_type in OPENED else ()

    def portals(self, actor: Actor) -> Sequence[Portal]:
        """Return the portals of cities and counties."""
        self._ask(actor)
        return self.portals_of(actor)

    def held(self, actor: Actor, dataset: Dataset) -> Conditions | None:
        """Return the conditions on which a data set is open; None where it is open to all, or to nobody."""
        self._ask(actor)
        return self.conditions(dataset.id) if dataset.open_type is OpenType.CONDITIONAL else None

    def echo(self, actor: Actor, dataset: Dataset) -> Echo:
        """Return what the public thinks of a data set and made of it."""
        self._ask(actor)
        return self.echoed(dataset.id)

    def glimpse(self, actor: Actor, dataset: Dataset) -> Glimpse:
        """Return what stands on top of the page of a data set: quality, last change, and what is missing."""
        self._ask(actor)
        return self.glimpsed(dataset)

    def versions(self, actor: Actor, dataset_id: str) -> tuple[DataVersion, ...]:
        """Return the versions of the rows up to the released one, newest first; none where rows are kept back."""
        self._ask(actor)
        found, governed = self._found(actor, dataset_id)
        dataset = self._described(found, governed)
        if dataset.table is None or dataset.table_version is None or not dataset.readable:
            return ()
        if governed is None or governed.filtered:
            return ()  # the counts of whole versions would tell how many rows are kept back
        visible = frozenset(f.column for f in dataset.open_fields)
        return views.data_versions(self._tables.history(SYSTEM, dataset.table), dataset.table_version, visible)

    def chart(
        self, actor: Actor, dataset_id: str, words: Mapping[str, str], filters: tuple[Filter, ...] = ()
    ) -> tuple[Reading, charts.Chart]:
        """Compute a chart from a few words; what they leave out is proposed from the columns."""
        reading = self.read(actor, dataset_id, Exit.CHART)
        return reading, reading.aggregate(charts.parse(words, reading.columns, filters))

    def view(
        self, actor: Actor, dataset_id: str, view: explorer.View, exit_: Exit = Exit.CHART
    ) -> tuple[Reading, explorer.Answer]:
        """Compute a view of the explorer.

        Raises:
            NotFound: there is no such entry, or this reader may not have its rows.
            Invalid: the view does not fit the data set.

        """
        reading = self.read(actor, dataset_id, exit_)
        return reading, reading.view(view)

    def map(
        self, actor: Actor, dataset_id: str, filters: tuple[Filter, ...] = ()
    ) -> tuple[Reading, maps.MapView | None]:
        """Count rows per place; None when no column places a row."""
        reading = self.read(actor, dataset_id, Exit.CHART)
        plan = maps.plan(reading.columns)
        if plan is None:
            return reading, None
        summary = reading.summary(plan, filters)
        if plan.kind is maps.MapKind.POINTS:
            return reading, maps.points(plan, summary, reading.version)
        return reading, maps.regions(plan, summary, reading.version, self._region)

    def download(self, actor: Actor, dataset_id: str, order: files.DownloadOrder) -> files.Download:
        """Write the released rows as a file; the first piece is ready when this returns."""
        zoned = replace(order, zone=self._settings.time_zone)
        reading = self.read(actor, dataset_id, Exit.DOWNLOAD)
        return reading.file(self.marking(actor, reading.governed, zoned))

    def download_head(self, actor: Actor, dataset_id: str, order: files.DownloadOrder) -> files.Download:
        """Return name and type of the file without its bytes; the table is not opened, so no read is recorded.

        Raises:
            NotFound: no such data set, or its rows are not open.

        """
        self._ask(actor)
        found = self._catalog.published(ANONYMOUS, dataset_id)
        entry = found.version.entry
        if entry.open_type is not OpenType.UNCONDITIONAL or found.table is None or found.table_version is None:
            raise no_rows()
        name = files.file_name(entry.name, found.table_version, order)
        return files.Download(name, files.media_type(order), iter(()))

    def licences(self, actor: Actor) -> tuple[Licence, ...]:
        """Return the terms on which data may be offered."""
        self._ask(actor)
        return self._standards.licences()

    # For machines, always the anonymous view

    def feed(self, actor: Actor, query: SearchQuery | None = None, portal: Portal | None = None) -> tuple[Entry, ...]:
        """Return the entries of the Atom feed: the most recently updated, of all or of those that a search finds."""
        self._ask(actor)
        wanted = replace(query or SearchQuery(), sort=Sort.UPDATED, size=FEED_ENTRIES, page=1)
        return self._as_entries(self._public(narrowed(wanted, portal)))

    def feed_of(self, actor: Actor, dataset_id: str) -> tuple[str, tuple[Entry, ...]]:
        """Return the title of a data set and its versions as entries of a feed, newest first, to visitors' eyes.

        Raises:
            NotFound: no such published data set.

        """
        dataset = self.dataset(actor, dataset_id)
        address = f"{self.base}/datasets/{dataset.id}"
        return dataset.title, tuple(
            Entry(
                dataset.id,
                f"{address}/versions#v{version.number}",
                f"{dataset.title} · v{version.number}",
                f"+{version.rows_added} ~{version.rows_changed} -{version.rows_removed}",
                dataset.provider.zh,
                version.at,
            )
            for version in self.versions(actor, dataset_id)[:FEED_ENTRIES]
        )

    def sitemaps(self, actor: Actor, portal: Portal | None = None) -> int:
        """Return how many sitemaps the published entries fill; one at least."""
        self._ask(actor)
        return max(1, -(-self._public(narrowed(SearchQuery(size=1), portal)).total // SITEMAP_ENTRIES))

    def sitemap(self, actor: Actor, number: int, portal: Portal | None = None) -> tuple[Entry, ...]:
        """Return the published entries of one sitemap, counted from 1.

        Raises:
            NotFound: there are not so many.

        """
        if not 1 <= number <= self.sitemaps(actor, portal):
            raise NotFound("没有这份站点地图。", "There is no such sitemap.", code="no_such_sitemap")
        return self._entries((number - 1) * SITEMAP_ENTRIES // PAGE_SIZE, portal)

    # Inside

    def _ask(self, actor: Actor) -> None:
        self._access.require(actor, Permission.OPENDATA_DATASET_READ)

    def _public(self, query: SearchQuery) -> SearchPage:
        return self._catalog.search(ANONYMOUS, query)

    def _entries(self, pages_before: int, portal: Portal | None) -> tuple[Entry, ...]:
        found: list[Entry] = []
        for number in range(pages_before + 1, pages_before - (-SITEMAP_ENTRIES // PAGE_SIZE) + 1):
            page = self._public(narrowed(SearchQuery(sort=Sort.NEWEST, size=PAGE_SIZE, page=number), portal))
            found += self._as_entries(page)
            if number * PAGE_SIZE >= page.total:
                break
        return tuple(found[:SITEMAP_ENTRIES])

    def _as_entries(self, page: SearchPage) -> tuple[Entry, ...]:
        return tuple(
            Entry(
                hit.id,
                f"{self.base}/datasets/{hit.id}",
                hit.title,
                "".join(span.text for span in hit.summary),
                hit.provider_name,
                hit.data_at or hit.published_at or self._clock.now(),
            )
            for hit in page.hits
        )

    def _found(
        self, actor: Actor, dataset_id: str, exit_: Exit = Exit.PREVIEW
    ) -> tuple[Published, GovernedTable | None]:
        """Return the published entry and what the gate lets this reader have of its released version."""
        found = self._catalog.published(ANONYMOUS, dataset_id)
        return found, self._open(actor, found, exit_)

    def _described(self, found: Published, governed: GovernedTable | None) -> Dataset:
        """Join entry and rows to what is shown of a data set."""
        parts = views.Parts(
            published=found,
            provider=self._provider(found.version.entry.provider_id, found.version.entry.provider_name),
            related=self._related(found),
            rows=self._rows(found, governed) if governed else 0,
            columns=governed.columns if governed else None,
            rows_held=governed is not None and governed.filtered,
        )
        return views.dataset(parts, self._standards)

    def _open(self, actor: Actor, found: Published, exit_: Exit) -> GovernedTable | None:
        """Open the released version: the portal has rows of what is open to all, and of what was granted to its reader."""
        kind = found.version.entry.open_type
        granted = kind is OpenType.CONDITIONAL and not actor.is_anonymous
        if not (granted or kind is OpenType.UNCONDITIONAL) or found.table is None or found.table_version is None:
            return None
        reader, purpose = (_as_applicant(actor), "") if granted else (_as_public(actor), PURPOSE)
        try:
            return self._tables.open(reader, found.table, purpose, exit_, found.table_version)
        except NotFound:
            return None

    def _rows(self, found: Published, governed: GovernedTable) -> int:
        """Return how many rows this reader may have."""
        return governed.count() if governed.filtered else self._released_rows(found)

    def _released_rows(self, found: Published) -> int:
        """Return the row count of the released version from the lake's own records."""
        if found.table is None or found.table_version is None:
            return 0
        key = (found.resource_id, found.table, found.table_version)
        known = self._row_counts.get(key)
        if known is not None:
            return known
        for limit in (RECENT, None):
            for version in self._tables.history(SYSTEM, found.table, limit):
                if version.version == found.table_version:
                    if len(self._row_counts) >= ROW_COUNTS:
                        self._row_counts.clear()
                    self._row_counts[key] = version.rows
                    return version.rows
        return 0

    def _provider(self, org_id: str, name: str) -> Text:
        try:
            found = self._access.organisation(org_id)
        except NotFound:
            return Text(name, name)
        return Text(found.name_zh, found.name_en or found.name_zh)

    def _region(self, value: str) -> tuple[str, str, str] | None:
        try:
            found = self._standards.region(value) if value.isdecimal() else self._standards.region_by_name(value)
        except NotFound:
            return None
        return (found.code, found.name, found.name_en) if found else None

    def _related(self, found: Published) -> tuple[Related, ...]:
        """Return what the entry names as related, then what names it: a relation is shown from both ends."""
        named = tuple(self._by_code(code) for code in found.version.entry.related_codes)
        known = {found.resource_id, *(related.id for related in named)}
        backward = [
            self._catalog.published(ANONYMOUS, id_)
            for id_ in self._catalog.referring(ANONYMOUS, found.version.codes)
            if id_ not in known
        ]
        return (*named, *(Related(p.resource_id, p.version.codes[0], p.version.entry.name) for p in backward))

    def _by_code(self, code: str) -> Related:
        """Find the published entry that bears a code; an unknown one stays a bare code."""
        for hit in self._public(SearchQuery(text=code, size=5)).hits:
            if code in self._catalog.published(ANONYMOUS, hit.id).version.codes:
                return Related(hit.id, code, hit.title)
        return Related(None, code, code)


def _as_public(actor: Actor) -> Actor:
    """Return the reader without office: the portal shows an official what it shows everybody, under the official's name."""
    return replace(actor, roles=frozenset(), org_id=None)


def _as_applicant(actor: Actor) -> Actor:
    """Return the reader as a member of the public: no office opens what is open on conditions."""
    return replace(actor, roles=actor.roles & {"member"} if actor.org_id is None else frozenset(), org_id=None)


def _themes(whole: SearchPage, portal: Portal | None) -> tuple[Theme, ...]:
    """Return the themes; those that a portal features stand first, in its order."""
    found = [Theme(c.value, c.label, c.count) for c in whole.facets.get(Facet.THEME, ())]
    first = () if portal is None else portal.themes
    return tuple(sorted(found, key=lambda one: first.index(one.id) if one.id in first else len(first)))


def _departments(results: SearchPage) -> tuple[Department, ...]:
    return tuple(Department(c.value, c.label, c.count) for c in results.facets.get(Facet.DEPARTMENT, ()))
