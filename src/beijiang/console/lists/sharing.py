"""The lists of the catalog and of sharing: entries, requests, grants."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

from beijiang.access import Permission
from beijiang.catalog import OpenType, ShareType, State
from beijiang.console.listing import Bulk, Coded, Column, Kind, Table
from beijiang.console.lists.words import LATE, MINE, SOON, age, age_name, last_day, short
from beijiang.exchange import ENDS_SOON, GranteeKind, GrantState, RequestQuery, RequestState, purposes
from beijiang.kit import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from beijiang.build import Platform
    from beijiang.catalog import Resource, Task
    from beijiang.exchange import Grant, GrantQuery, Request
    from beijiang.kit import Actor
    from beijiang.standards import Deadline

__all__ = ["entry_table", "grant_table", "request_table"]

_TOGETHER: Final = Bulk("/console/sharing/approve", Text("一起同意…", "Approve together…"))
_ENTRIES: Final = Bulk("/console/catalog-decisions", Text("一起审核、发布…", "Decide together…"))
_STATES: Final = {"approved": "ok", "partly_approved": "ok", "refused": "bad", "withdrawn": "", "draft": ""}
_STANDINGS: Final = {"active": "ok", "revoked": "bad", "expired": "", "waiting": "info"}


def entry_table(platform: Platform, actor: Actor) -> Table[Resource]:
    """Return the list of the working entries that the actor may see; reviewers and publishers decide on several together."""
    allowed = platform.access.allows(actor, Permission.CATALOG_TASK_READ)

    @cache  # who only counts does not ask
    def tasks() -> Mapping[str, Task]:
        found = platform.catalog.tasks_for(actor) if allowed else ()
        return {task.resource_id: task for task in reversed(found)}  # the most urgent comes first

    now, said = platform.clock.now(), platform.catalog.open_threads(actor)

    def pace(row: Resource) -> Coded | None:
        task = tasks().get(row.id)
        if task is None:
            return None
        return LATE if task.days_left < 0 else SOON if task.days_left <= 2 else None  # noqa: PLR2004 - working days

    return Table(
        key="catalog",
        path="/console/catalog",
        title=Text("目录", "Catalog"),
        part=lambda wanted: platform.catalog.entry_part(actor, wanted),
        row_key=lambda r: r.id,
        bulk=_ENTRIES if platform.catalog.may_decide(actor) else None,
        columns=(
            Column(key="name", words=Text("名称", "Name"), of=lambda r: r.entry.name, link=lambda r: f"/console/catalog/{r.id}"),
            Column(key="provider", words=Text("提供方", "Provider"), of=lambda r: r.entry.provider_name, choice=True),
            Column(key="state", words=Text("状态", "State"), of=lambda r: r.state, kind=Kind.TAG, level=_entry_level, choice=True, named=lambda code: State(code).text),
            Column(key="turn", words=Text("待办", "To do"), of=lambda r: MINE if r.id in tasks() else None, kind=Kind.TAG, level=lambda _: "warn", choice=True, named=lambda _: MINE.text),
            Column(key="due", words=Text("办理期限", "Due"), of=lambda r: tasks()[r.id].due_on if r.id in tasks() else None, kind=Kind.DAY, shown=False),
            Column(key="pace", words=Text("期限状态", "Time"), of=pace, kind=Kind.TAG, level=lambda r: "bad" if pace(r) is LATE else "warn", choice=True, named=lambda code: (LATE if code == LATE.value else SOON).text, shown=False),
            Column(key="said", words=Text("未了结批注", "Open comments"), of=lambda r: said.get(r.id), kind=Kind.NUMBER, link=lambda r: f"/console/catalog/{r.id}/review" if r.id in said else "", shown=bool(said)),
            Column(key="code", words=Text("代码", "Code"), of=lambda r: str(r.codes[0]) if r.codes else None, kind=Kind.CODE),
            Column(key="grade", words=Text("分级", "Grade"), of=lambda r: r.entry.level.value if r.entry.level else None, kind=Kind.GRADE, choice=True),
            Column(key="share", words=Text("共享类型", "Sharing"), of=lambda r: r.entry.share_type, choice=True, named=lambda code: ShareType(code).text, shown=False),
            Column(key="open", words=Text("开放类型", "Opening"), of=lambda r: r.entry.open_type, choice=True, named=lambda code: OpenType(code).text, shown=False),
            Column(key="rows", words=Text("行", "Rows"), of=lambda r: r.facts.rows, kind=Kind.NUMBER),
            Column(key="table", words=Text("数据表", "Table"), of=lambda r: r.table, shown=False),
            Column(key="changed", words=Text("更新", "Changed"), of=lambda r: r.updated_at, kind=Kind.MOMENT),
            Column(key="published", words=Text("发布", "Published"), of=lambda r: r.published_at, kind=Kind.MOMENT, shown=False),
            Column(key="age", words=Text("发布时间段", "Published when"), of=lambda r: age(r.published_at, now), choice=True, named=age_name, shown=False),
        ),
    )  # fmt: skip


def _entry_level(row: Resource) -> str:
    return "ok" if row.state.value == "published" else "warn" if "pending" in row.state.value else ""


def request_table(
    platform: Platform,
    query: RequestQuery,
    names: Mapping[str, str],
    *,
    actor: Actor,
    bulk: bool = False,
) -> Table[Request]:
    """Return the list of those share requests that were asked for; with ``bulk`` its rows can be approved together."""
    words, now = purposes(), platform.clock.now()
    reads = bool(names) and platform.access.allows(actor, Permission.CATALOG_RESOURCE_READ)  # the home page only counts
    linked = reads and bool(platform.travels.neighbours(actor))

    def called(org_id: str) -> str:
        return names.get(org_id, org_id)

    def deadline(row: Request) -> Deadline | None:
        found = None if row.state.is_over else platform.exchange.due(row)
        return None if found is None or found.state.value == "answered" else found

    def pace(row: Request) -> Coded | None:
        found = deadline(row)
        return {"overdue": LATE, "warned": SOON}.get(found.state.value) if found else None

    def level(row: Request) -> str:
        found = pace(row)
        return "bad" if found is LATE else "warn" if found is SOON else ""

    return Table(
        key="requests",
        path="/console/sharing",
        title=Text("共享申请", "Share requests"),
        part=lambda wanted: platform.exchange.request_part(actor, query, wanted),
        row_key=lambda r: r.id,
        bulk=_TOGETHER if bulk else None,
        columns=(
            Column(key="due", words=Text("期限", "Due"), of=lambda r: last_day(deadline(r)), kind=Kind.DAY, level=level),
            Column(key="resource", words=Text("资源", "Resource"), of=lambda r: r.resource_name, link=lambda r: f"/console/sharing/requests/{r.id}", under=lambda r: short(r.draft.use)),
            Column(key="consumer", words=Text("使用部门", "Consumer"), of=lambda r: called(r.org_id), choice=True, named=called),
            Column(key="provider", words=Text("提供部门", "Provider"), of=lambda r: called(r.provider_id), choice=True, named=called),
            Column(key="node", words=Text("节点", "Node"), of=_node, sorts=False, shown=linked),
            Column(key="purpose", words=Text("用途", "Purpose"), of=lambda r: words.get(r.draft.purpose), choice=True, named=lambda code: words.get(code, code)),
            Column(key="items", words=Text("数据项", "Items"), of=lambda r: len(r.offered.columns), kind=Kind.NUMBER, sorts=False),
            Column(key="state", words=Text("状态", "State"), of=lambda r: r.state, kind=Kind.TAG, level=lambda r: _STATES.get(r.state.value, "warn"), choice=True, named=lambda code: RequestState(code).text),
            Column(key="pace", words=Text("期限状态", "Time"), of=pace, kind=Kind.TAG, level=level, choice=True, named=lambda code: (LATE if code == LATE.value else SOON).text, shown=False),
            Column(key="table", words=Text("数据表", "Table"), of=lambda r: r.table, shown=False),
            Column(key="by", words=Text("申请人", "Asked by"), of=lambda r: r.by_name, shown=False),
            Column(key="turn", words=Text("谁提的", "Whose"), of=lambda r: _OURS if r.by == actor.id else _OTHERS, choice=True, named=lambda code: (_OURS if code == _OURS.value else _OTHERS).text, shown=False),
            Column(key="submitted", words=Text("提交", "Handed in"), of=lambda r: r.submitted_at, kind=Kind.MOMENT),
            Column(key="decided", words=Text("办结", "Decided"), of=lambda r: r.decided_at, kind=Kind.MOMENT, shown=False),
            Column(key="age", words=Text("办结时间段", "Decided when"), of=lambda r: age(r.decided_at, now), choice=True, named=age_name, shown=False),
            Column(key="id", words=Text("申请号", "Id"), of=lambda r: r.id, kind=Kind.CODE, shown=False),
        ),
    )  # fmt: skip


_OURS: Final = Coded("mine", Text("我提的", "mine"))
_OTHERS: Final = Coded("others", Text("他人提的", "others'"))


def _node(row: Request) -> Text | None:
    """Return to which node a request goes, or from which it came; nothing for those of this one."""
    if row.afar is None:
        return None
    name = row.afar.node_name
    out = row.afar.outward
    return Text(f"{'送往' if out else '来自'}{name.zh}", f"{'to' if out else 'from'} {name.en}")


def grant_table(platform: Platform, actor: Actor, query: GrantQuery, names: Mapping[str, str]) -> Table[Grant]:
    """Return the list of those grants that were asked for and the actor may see."""

    def called(org_id: str) -> str:
        return names.get(org_id, org_id)

    today, words = platform.exchange.today, purposes()

    def ending(row: Grant) -> Coded | None:
        standing = row.standing(today)
        return SOON if standing.value == "active" and row.terms.until - today <= ENDS_SOON else None

    def ways(row: Grant) -> Text:
        names_of = [way.text for way in sorted(row.terms.ways)]
        return Text("、".join(one.zh for one in names_of), ", ".join(one.en for one in names_of))

    return Table(
        key="grants",
        path="/console/grants",
        title=Text("授权", "Grants"),
        part=lambda wanted: platform.exchange.grant_part(actor, query, wanted),
        row_key=lambda g: g.id,
        columns=(
            Column(key="resource", words=Text("资源", "Resource"), of=lambda g: g.resource_name, link=lambda g: f"/console/grants/{g.id}"),
            Column(key="consumer", words=Text("使用部门", "Consumer"), of=lambda g: called(g.org_id), choice=True, named=called),
            Column(key="table", words=Text("数据表", "Table"), of=lambda g: g.table, shown=False),
            Column(key="kind", words=Text("授予", "Granted to"), of=lambda g: g.grantee_kind, choice=True, named=lambda code: GranteeKind(code).text, shown=False),
            Column(key="provider", words=Text("提供部门", "Provider"), of=lambda g: called(g.provider_id), choice=True, named=called),
            Column(key="items", words=Text("数据项", "Items"), of=lambda g: len(g.terms.columns), kind=Kind.NUMBER, sorts=False),
            Column(key="ways", words=Text("方式", "Ways"), of=ways, sorts=False),
            Column(key="since", words=Text("起始", "Since"), of=lambda g: g.terms.since, kind=Kind.DAY, shown=False),
            Column(key="until", words=Text("截止", "Until"), of=lambda g: g.terms.until, kind=Kind.DAY, level=lambda g: "warn" if ending(g) else ""),
            Column(key="purpose", words=Text("用途", "Purpose"), of=lambda g: words.get(g.purpose), choice=True, named=lambda code: words.get(code, code)),
            Column(key="state", words=Text("状态", "State"), of=lambda g: g.standing(today), kind=Kind.TAG, level=lambda g: _STANDINGS.get(g.standing(today).value, "warn"), choice=True, named=lambda code: GrantState(code).text),
            Column(key="ending", words=Text("到期", "Ends"), of=ending, kind=Kind.TAG, level=lambda _: "warn", choice=True, named=lambda _: SOON.text, shown=False),
            Column(key="id", words=Text("授权号", "Id"), of=lambda g: g.id, kind=Kind.CODE, shown=False),
        ),
    )  # fmt: skip
