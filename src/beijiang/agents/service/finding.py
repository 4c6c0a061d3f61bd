"""Finding: data sets, their dictionary, indicators, lineage, interfaces. Names and numbers, no value of a row."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any, Final

from beijiang.agents.models import answers, clean, fit
from beijiang.agents.service.base import Base, unknown
from beijiang.assess import Period
from beijiang.catalog import Facet, FieldPlace, OpenType, SearchQuery, Sort
from beijiang.exchange import ServiceQuery
from beijiang.kit import Denied, Invalid, NotFound, Unauthenticated

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from beijiang.agents.models import arguments
    from beijiang.catalog import SearchHit, SearchPage
    from beijiang.kit import Actor
    from beijiang.opendata import Dataset

__all__ = ["Finding"]

PAGE: Final = 50
LOOKED_THROUGH: Final = 1000
DATASET_PATHS: Final = "/api/v1/datasets/{dataset_id}"
CALL_PATHS: Final = "/api/v1/exchange/services/{service_id}"


class Finding(Base):
    """What there is, and how it is had."""

    def search_datasets(self, actor: Actor, asked: arguments.SearchAsked) -> answers.Matches:
        """Find published data sets."""
        start = _offset(asked.cursor)
        query = _query(asked)
        first = self.opendata.search(actor, query)
        if asked.filters.updated_since:
            hits = self._since(actor, query, date.fromisoformat(_day(asked.filters.updated_since)))
            total, wanted = len(hits), hits[start : start + asked.limit]
        else:
            total, wanted = first.total, self._hits(actor, query, start, asked.limit)
        found = answers.Matches(
            total=total,
            indexed_up_to=None if first.indexed_up_to is None else first.indexed_up_to.isoformat(),
            suggestion=clean(first.suggestion),
            items=[],
        )
        items = [_match(hit) for hit in wanted]
        count = fit(found.model_dump(mode="json"), [item.model_dump(mode="json") for item in items])
        found.items, found.truncated = items[:count], count < len(items)
        found.next_cursor = str(start + count) if start + count < total and count else None
        if not total:
            found.reason = answers.Reason.NO_MATCH
            found.notes = ["Try fewer or other words, pinyin or initials; or leave the filters out."]
        return found

    def get_dataset(self, actor: Actor, asked: arguments.DatasetAsked) -> answers.DatasetTold:
        """Return all that is told of one data set."""
        dataset = self.opendata.dataset(actor, asked.id)
        versions = self.opendata.versions(actor, asked.id)
        is_open = dataset.open_type is OpenType.UNCONDITIONAL
        found = answers.DatasetTold(
            id=dataset.id,
            title=clean(dataset.title),
            summary=clean(dataset.summary),
            publisher=clean(dataset.provider.zh),
            licence=None if dataset.licence is None else dataset.licence.id,
            access=str(dataset.open_type),
            access_condition=clean(dataset.open_condition or dataset.share_condition),
            how_to_get_access=_how(dataset, is_open=is_open),
            update_cycle=clean(dataset.update_cycle.en),
            rows=dataset.rows if dataset.readable else None,
            table_id=dataset.id if dataset.readable else None,
            url=self.page_of(dataset.id),
            extensions=[],
            columns=[],
            versions=[
                answers.VersionTold(version=one.number, at=one.at.isoformat(), rows=one.rows) for one in versions[:10]
            ],
        )
        if not dataset.readable:
            found.reason = answers.Reason.NOT_LOADED
        declared = [
            answers.ExtensionTold(
                key=one.field.key, name=clean(one.field.name.zh), value=clean(one.value), text=clean(one.shown.zh)
            )
            for one in dataset.extensions
            if FieldPlace.API in one.field.places
        ]
        columns = [
            answers.FieldTold(
                name=clean(one.column),
                type=one.type,
                description=clean(one.description or one.name),
                level=one.level,
                state=str(one.state),
            )
            for one in dataset.items
        ]
        said = fit(found.model_dump(mode="json"), [one.model_dump(mode="json") for one in declared])
        found.extensions = declared[:said]
        count = fit(found.model_dump(mode="json"), [one.model_dump(mode="json") for one in columns])
        found.columns, found.truncated = columns[:count], count < len(columns) or said < len(declared)
        return found

    def get_indicator(self, actor: Actor, asked: arguments.IndicatorAsked) -> answers.Indicator:
        """Return indicators, or the released values of one."""
        figures = self.platform.figures
        if not asked.flow:
            rows = [row.figure for row in figures.figures(actor)]
            told = [_flow(figure) for figure in rows]
            found = answers.Indicator(indicators=[], observations=[])
            count = fit(found.model_dump(mode="json"), [one.model_dump(mode="json") for one in told])
            found.indicators, found.truncated = told[:count], count < len(told)
            return found
        view = figures.figure(actor, asked.flow)
        first, last = (
            None if not words else Period.parse(words.replace("-Q", "Q")) for words in (asked.start, asked.end)
        )
        observations = [
            answers.Observation(
                flow=one.code,
                region=one.region,
                period=str(one.period),
                dimension=clean(one.dimension),
                value=one.value,
                status=str(one.stage),
            )
            for one in view.values
            if (not asked.key or one.region == asked.key)
            and (first is None or one.period.first >= first.first)
            and (last is None or one.period.first <= last.first)
        ]
        found = answers.Indicator(indicators=[_flow(view.figure)], observations=[])
        count = fit(found.model_dump(mode="json"), [one.model_dump(mode="json") for one in observations])
        found.observations, found.truncated = observations[:count], count < len(observations)
        if not observations:
            found.reason = answers.Reason.FILTERED_TO_ZERO if view.values else answers.Reason.NOT_LOADED
        return found

    def get_lineage(self, actor: Actor, asked: arguments.LineageAsked) -> answers.Graph:
        """Return what lies around a table."""
        table = self.table_of(actor, asked.id)
        try:
            graph = self.platform.lineage.graph(actor, table, direction=asked.direction, depth=asked.depth)
        except NotFound:
            raise unknown() from None
        nodes = [clean(node.to_json()) for node in graph.nodes]
        edges = [clean(edge.to_json()) for edge in graph.edges]
        found = answers.Graph(start=graph.start, nodes=[], edges=[], truncated=graph.cut)
        shown = fit(found.model_dump(mode="json"), nodes)
        found.nodes = nodes[:shown]
        kept = fit(found.model_dump(mode="json"), edges)
        found.edges = edges[:kept]
        found.truncated = graph.cut or shown < len(nodes) or kept < len(edges)
        return found

    def list_apis(self, actor: Actor, asked: arguments.ApisAsked) -> answers.Apis:
        """Return the interfaces that programs may call."""
        opened = {Facet.OPEN_TYPE: frozenset({OpenType.UNCONDITIONAL.value})}
        hits = self._hits(actor, SearchQuery(text=asked.query.strip(), facets=opened, size=PAGE), 0, asked.limit)
        api = f"{self.base}/api/v1"
        items = [
            answers.Api(id=hit.id, kind="rows", title=clean(hit.title), url=f"{api}/datasets/{hit.id}/rows")
            for hit in hits
        ]
        items += [
            answers.Api(id=one.id, kind="service", title=clean(one.name), url=f"{api}/exchange/services/{one.id}/call")
            for one in self._services(actor, asked.query)
        ]
        found = answers.Apis(items=[])
        count = min(asked.limit, fit(found.model_dump(mode="json"), [one.model_dump(mode="json") for one in items]))
        found.items, found.truncated = items[:count], count < len(items)
        if not items:
            found.reason = answers.Reason.NO_MATCH
        return found

    def get_api(self, actor: Actor, asked: arguments.ApiAsked) -> answers.ApiDescription:
        """Return the OpenAPI description of one interface."""
        try:
            dataset = self.opendata.read(actor, asked.id).dataset
            title, name, paths = dataset.title, "dataset_id", DATASET_PATHS
        except NotFound:
            title, name, paths = self._service_name(actor, asked.id), "service_id", CALL_PATHS
        whole = self.openapi()
        described = {
            path.replace(f"{{{name}}}", asked.id): _without(item, name)
            for path, item in whole["paths"].items()
            if path == paths
            or path.startswith((f"{paths}/rows", f"{paths}/download", f"{paths}/chart", f"{paths}/call"))
        }
        openapi = {"openapi": whole["openapi"], "servers": [{"url": self.base}], "paths": described}
        return answers.ApiDescription(id=asked.id, title=clean(title), openapi=openapi)

    def _hits(self, actor: Actor, query: SearchQuery, start: int, limit: int) -> Sequence[SearchHit]:
        pages = self._pages(actor, query, start // PAGE + 1)
        hits = [*next(pages).hits]
        if start % PAGE + limit > PAGE:
            hits += next(pages).hits
        return hits[start % PAGE : start % PAGE + limit]

    def _since(self, actor: Actor, query: SearchQuery, day: date) -> Sequence[SearchHit]:
        found: list[SearchHit] = []
        for page in self._pages(actor, query, 1):
            young = [hit for hit in page.hits if (moment := hit.data_at or hit.published_at) and moment.date() >= day]
            found += young
            if len(young) < len(page.hits) or len(page.hits) < PAGE or len(found) >= LOOKED_THROUGH:
                break
        return found

    def _pages(self, actor: Actor, query: SearchQuery, number: int) -> Iterator[SearchPage]:
        while True:
            yield self.opendata.search(
                actor, SearchQuery(text=query.text, facets=query.facets, sort=query.sort, page=number, size=PAGE)
            )
            number += 1

    def _services(self, actor: Actor, words: str) -> Sequence[Any]:
        try:
            return self.platform.offered.services(actor, ServiceQuery(words=words))[0]
        except (Denied, Unauthenticated):
            return ()

    def _service_name(self, actor: Actor, service_id: str) -> str:
        try:
            return self.platform.offered.view(actor, service_id).service.name
        except (Denied, Unauthenticated, NotFound):
            raise unknown() from None


def _offset(cursor: str) -> int:
    if not cursor:
        return 0
    if not (cursor.isascii() and cursor.isdecimal() and int(cursor) <= LOOKED_THROUGH * PAGE):
        raise Invalid("cursor 不是上一次回答给出的。", "The cursor is not one that an answer gave.", code="bad_cursor")
    return int(cursor)


def _day(words: str) -> str:
    try:
        return date.fromisoformat(words).isoformat()
    except ValueError:
        raise Invalid("updated_since 不是日期。", "updated_since is no date.", code="bad_date") from None


def _query(asked: arguments.SearchAsked) -> SearchQuery:
    narrowed = {
        Facet.DEPARTMENT: asked.filters.organisation,
        Facet.THEME: asked.filters.theme,
        Facet.REGION: asked.filters.region,
        Facet.FORMAT: asked.filters.format,
        Facet.OPEN_TYPE: "" if asked.filters.access is None else asked.filters.access.value,
    }
    return SearchQuery(
        text=asked.query.strip(),
        facets={facet: frozenset({value}) for facet, value in narrowed.items() if value},
        sort=Sort.UPDATED if asked.filters.updated_since else Sort.RELEVANCE,
        size=PAGE,
    )


def _match(hit: SearchHit) -> answers.Match:
    updated = hit.data_at or hit.published_at
    return answers.Match(
        id=hit.id,
        title=clean(hit.title),
        summary=clean("".join(span.text for span in hit.summary))[:200],
        publisher=clean(hit.provider_name),
        updated=None if updated is None else updated.isoformat(),
        formats=clean(hit.formats),
        access=None if hit.open_type is None else hit.open_type.value,
        columns=hit.columns,
    )


def _how(dataset: Dataset, *, is_open: bool) -> str:
    if dataset.readable:
        return "Open to everybody: call describe_table, query_rows or aggregate."
    if is_open:
        return "Open, but no rows are released yet."
    return "Not open: a person of an organisation asks for it; draft_access_request prepares the request."


def _flow(figure: Any) -> answers.FlowTold:
    return answers.FlowTold(
        flow=figure.code, title=clean(figure.name.zh), unit=clean(figure.unit.zh), definition=clean(figure.definition)
    )


def _without(item: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the operations of a path without the parameter that its address holds by now, and without their errors."""
    return {
        method: {
            **{key: value for key, value in operation.items() if key in {"summary", "description", "requestBody"}},
            "parameters": [one for one in operation.get("parameters", ()) if one["name"] != name],
        }
        for method, operation in item.items()
    }
