"""The sandbox: for what a developer may not read yet, answers of the same shape that stand for nobody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from beijiang.access import Permission
from beijiang.apps.errors import no_page
from beijiang.apps.models import values_of
from beijiang.apps.models.sandbox import SANDBOX_ROWS, ShapedItem, Try, TryParameter, kind_of, synthetic_rows
from beijiang.apps.service.running import DENIED
from beijiang.apps.store import AppStore
from beijiang.kit import ANONYMOUS, SYSTEM, BeijiangError, Conflict, Denied, Invalid, NotFound

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from beijiang.access import Access
    from beijiang.apps.models import App, Bundle
    from beijiang.apps.service.cycle import Apps
    from beijiang.catalog import Catalog, Item
    from beijiang.exchange import Services
    from beijiang.kit import Actor
    from beijiang.protection import AnswerColumn, Described
    from beijiang.standards import Standards

__all__ = ["SAID", "Sandbox", "SandboxPage"]

SAID: Final = {
    "zh": "合成数据：只按公开的声明和标准生成，不来自任何真实记录。",
    "en": "Synthetic: made from what is declared and from the standards alone; no row comes from a record.",
}
_SIZE_MOST: Final = 1000
_FEW: Final = 20
"""So many rows does an end-point or a service answer here."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SandboxPage:
    """One page of synthetic rows."""

    resource_id: str
    version: int
    items: Sequence[ShapedItem]
    rows: Sequence[Mapping[str, Any]]
    next: str | None


class Sandbox:
    """Makes answers from what is published and declared and from the standards; it reads no row and asks no service."""

    def __init__(self, catalog: Catalog, standards: Standards, access: Access, services: Services, apps: Apps) -> None:
        self._catalog = catalog
        self._standards = standards
        self._access = access
        self._services = services
        self._apps = apps

    def rows(self, actor: Actor, resource_id: str, size: int = 100, after: str = "") -> SandboxPage:
        """Return a page of synthetic rows of a published entry, open or not.

        Raises:
            NotFound: it does not exist, or is not published.
            Invalid: size or place will not do (``sandbox_page``).

        """
        self._access.require(actor, Permission.CATALOG_RESOURCE_SEARCH)
        if not 1 <= size <= _SIZE_MOST or (after and not after.isdecimal()):
            raise Invalid(
                f"每页 1 至 {_SIZE_MOST} 行；下一页用返回的 next。",
                f"A page has 1 to {_SIZE_MOST} rows; the next one begins at the answer's `next`.",
                code="sandbox_page",
            )
        found = self._catalog.published(actor, resource_id)
        types = {kind.code: kind.column_type for kind in self._standards.item_types()}
        items = [
            self._shaped(item, types.get(item.type, "text"), found.grades.get(item.column, ""))
            for item in found.version.entry.items
        ]
        start = int(after[:9] or 0)
        rows = synthetic_rows(found.resource_id, items, start, size)
        onward = start + size
        return SandboxPage(
            resource_id=found.resource_id,
            version=found.version.number,
            items=items,
            rows=rows,
            next=str(onward) if onward < SANDBOX_ROWS else None,
        )

    def answer(self, actor: Actor, api: str, given: Mapping[str, Any]) -> Try:
        """Return what an API would answer, in its shape and with synthetic values; parameters are held against what is declared.

        ``api`` is written as in a subscription: ``rows:``, ``table:``, ``service:``, ``app:``, or ``sandbox:`` before any of
        these or before an entry.

        Raises:
            NotFound: it is not there, or not the actor's to see.
            Invalid: it has no sandbox (``sandbox_none``), or a parameter does not fit.
            Conflict: an application's query cannot be described any more (``sandbox_shape``).

        """
        kind, _, rest = api.removeprefix("sandbox:").partition(":")
        app_id, mark, end = rest.partition("/")
        if kind == "service" and rest:
            return self._service(actor, rest, given)
        if kind == "app" and mark:
            return self._app(actor, app_id, end, given)
        if kind == "table" and rest:
            found = self._catalog.resource_for_table(rest)
            return self._entry(actor, "" if found is None else found.id, given)
        if (kind == "rows" and rest) or (api.startswith("sandbox:") and kind and not rest):
            return self._entry(actor, rest or kind, given)
        raise Invalid(
            f"“{api[:60]}”没有沙箱。有沙箱的是 rows:数据集、table:数据表、service:服务、app:应用/接口；协议（face:…）和代理（relay）请用试用套餐直接调用。",
            f'"{api[:60]}" has no sandbox. There is one for rows:DATASET, table:TABLE, service:SERVICE and app:APPLICATION/END-POINT; protocols (face:…) and the relay are tried on a trial plan.',
            code="sandbox_none",
        )

    def choices(self, actor: Actor) -> Sequence[tuple[str, str]]:
        """Return the services and end-points that the actor can try here, each as API and name; entries are found by search."""
        found: list[tuple[str, str]] = []
        if self._access.allows(actor, Permission.EXCHANGE_SERVICE_READ):
            found += [(f"service:{one.id}", one.name) for one in self._services.services(actor)[0]]
        if self._access.allows(actor, Permission.APPS_APP_OPEN):
            for app, bundle in self._apps.store(actor):
                found += [
                    (f"app:{app.id}/{name}", f"{app.name.zh}：{end.summary.zh}") for name, end in bundle.api.items()
                ]
        return found

    # Each sort of API

    def _entry(self, actor: Actor, resource_id: str, given: Mapping[str, Any]) -> Try:
        size, after = str(given.get("_size") or _FEW), str(given.get("_next") or "")
        page = self.rows(actor, resource_id, int(size[:9]) if size.isdecimal() else 0, after)
        body = {
            "dataset": page.resource_id,
            "version": page.version,
            "columns": _columns(page.items),
            "rows": list(page.rows),
            "count": None,
            "next": page.next,
            "next_url": None,
            "synthetic": SAID,
        }
        return Try(
            api=f"rows:{page.resource_id}",
            name=self._catalog.published(actor, page.resource_id).version.entry.name,
            method="GET",
            path=f"/api/v1/sandbox/{quote(page.resource_id, safe='')}/rows",
            real=f"/api/v1/datasets/{quote(page.resource_id, safe='')}/rows",
            parameters=(TryParameter(name="_size", given=size), TryParameter(name="_next", given=after)),
            body=body,
        )

    def _service(self, actor: Actor, service_id: str, given: Mapping[str, Any]) -> Try:
        asked = {name: value for name, value in given.items() if value not in {"", None}}
        known = self._services.view(actor, service_id).version.spec
        view, stand = self._services.sketch(actor, service_id, asked or dict(known.sample))
        items = [
            ShapedItem(
                column=one.column,
                type=one.type.value,
                length=min(one.longest, 30),
                codes=one.choices,
                check=one.kind,
                grade=one.level,
                required=one.required,
            )
            for one in view.version.spec.fields
        ]
        count = min(_FEW, view.version.spec.max_rows)
        rows = [{**row, **_standing(stand, items)} for row in synthetic_rows(service_id, items, 0, count)]
        body = {
            "service": view.service.id,
            "version": view.version.number,
            "columns": [{**one, "mask": None} for one in _columns(items)],
            "rows": rows,
            "left_out": 0,
            "more": False,
            "in_doubt": [],
            **dict.fromkeys(("receipt", "grant", "salt", "request_sm3", "response_sm3"), ""),
            "synthetic": SAID,
        }
        return Try(
            api=f"service:{view.service.id}",
            name=view.service.name,
            method="POST",
            path=f"/api/v1/sandbox/services/{quote(service_id, safe='')}/call",
            real=f"/api/v1/exchange/services/{quote(service_id, safe='')}/call",
            parameters=tuple(
                TryParameter(
                    name=one.name,
                    given=str((asked or known.sample).get(one.name, "")),
                    choices=one.choices,
                    required=one.required,
                    words=one.comment,
                )
                for one in view.version.spec.parameters
            ),
            body=body,
        )

    def _app(self, actor: Actor, app_id: str, end: str, given: Mapping[str, Any]) -> Try:
        app, bundle = self._apps.open(actor, app_id)
        if end not in bundle.api:
            raise no_page()
        asked = {name: str(value) for name, value in given.items() if value not in {"", None}}
        values_of(bundle.manifest.parameters, asked)  # refused here as it would be there
        columns, grade = self._described(actor, app, bundle, end)
        items = [ShapedItem(column=one.name, type=kind_of(one.type), grade=one.grade) for one in columns]
        words = bundle.api[end].summary
        body = {
            "app": app.id,
            "summary": {"zh": words.zh, "en": words.en},
            "columns": [one.column for one in items],
            "rows": synthetic_rows(f"{app.id}/{end}", items, 0, _FEW),
            "truncated": False,
            "masked": [],
            "in_doubt": [],
            "grade": grade,
            "as_of": None,
            "receipt": "",
            "synthetic": SAID,
        }
        place = f"{quote(app_id, safe='')}/data/{quote(end, safe='')}"
        takes = bundle.queries[bundle.api[end].query].parameters
        return Try(
            api=f"app:{app.id}/{end}",
            name=f"{app.name.zh}：{words.zh}",
            method="GET",
            path=f"/api/v1/sandbox/apps/{place}",
            real=f"/api/v1/apps/{place}",
            parameters=tuple(
                TryParameter(
                    name=one.name, given=asked.get(one.name, one.default), choices=one.choices, words=one.label.zh
                )
                for one in bundle.manifest.parameters
                if one.name in takes
            ),
            body=body,
        )

    def _described(self, actor: Actor, app: App, bundle: Bundle, end: str) -> tuple[Sequence[AnswerColumn], str]:
        """Plan the query as whoever handed the version in, so that the shape is the same for everybody; no row is read.

        What reads a table, or is made of a column, that is not in the published catalog tells its columns to those alone
        who may read it.
        """
        told = self._told(app, bundle, end, None)
        public = {seen.table: self._published_columns(seen.table) for seen in told.reads}
        if all(public.values()) and all(column in public.get(table, ()) for table, column in told.origins):
            return told.columns, told.grade
        try:
            own = self._told(app, bundle, end, actor)
        except Conflict:
            raise Denied(DENIED.zh, DENIED.en, code="app_data_denied") from None
        return own.columns, own.grade

    def _published_columns(self, table: str) -> frozenset[str]:
        found = self._catalog.resource_for_table(table)
        try:
            entry = None if found is None else self._catalog.published(ANONYMOUS, found.id).version.entry
        except NotFound:
            entry = None
        return frozenset() if entry is None else frozenset(item.column for item in entry.items)

    def _told(self, app: App, bundle: Bundle, end: str, actor: Actor | None) -> Described:
        """Return what a query gives, as somebody, or as whoever handed the version in."""
        query = bundle.queries[bundle.api[end].query]
        with self._apps.db.read() as connection:
            version = AppStore(connection).version(app.id, app.current or 0)
        try:
            if version is None:
                raise no_page()
            maker = actor or self._access.current(self._access.person(SYSTEM, version.by_id).as_actor(None))
            spoken = self._apps.spoken(query, values_of(bundle.manifest.parameters, {}))
            return self._apps.sql.describe(maker, query.text, spoken, self._apps.own_grants(bundle))
        except BeijiangError as error:
            if error.transient:
                raise
            raise Conflict(
                "这个接口的形状现在无法得知：应用的提交人已离开，或它读的表有变。请告知应用所属部门。",
                "The shape of this end-point cannot be told now: who handed the application in has left, or its tables changed. Tell the department of the application.",
                code="sandbox_shape",
            ) from None

    def _shaped(self, item: Item, kind: str, grade: str) -> ShapedItem:
        element = None
        if item.element_id:
            try:
                element = self._standards.element(item.element_id)
            except BeijiangError:  # of an older registry
                element = None
        set_id = item.code_set or (element.code_set if element is not None else "")
        return ShapedItem(
            column=item.column,
            type=kind,
            length=item.length,
            codes=self._codes(set_id) if set_id else (),
            check=element.check if element is not None else "",
            grade=grade,
        )

    def _codes(self, set_id: str) -> tuple[str, ...]:
        try:
            return tuple(value.code for value in self._standards.code_set(set_id).values)
        except BeijiangError:
            return ()


def _columns(items: Sequence[ShapedItem]) -> list[dict[str, Any]]:
    return [{"name": one.column, "type": one.type, "grade": one.grade, "masked": False} for one in items]


def _standing(values: Mapping[str, str], items: Sequence[ShapedItem]) -> Mapping[str, str]:
    """Return the values of a call that its answer repeats, as far as they are texts."""
    texts = {one.column for one in items if one.type == "text"}
    return {name: value for name, value in values.items() if name in texts}
