"""The lists of what stands outside and what calls for a look: sources, targets that may be reached, alerts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from beijiang.console.listing import Coded, Column, Kind, Table
from beijiang.console.lists.words import age, age_name
from beijiang.ingest import AlertKind
from beijiang.kit import Text
from beijiang.outbound import Use

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from beijiang.build import Platform
    from beijiang.ingest import Alert, AllowedTarget, Source, Sync
    from beijiang.kit import Actor

__all__ = ["alert_table", "source_table", "target_table"]

_ALERT: Final = {
    "open": Coded("open", Text("未确认", "nobody looks after it")),
    "attended": Coded("attended", Text("已确认", "acknowledged")),
    "closed": Coded("closed", Text("已解除", "closed")),
}
_LEVEL: Final = {"open": "bad", "attended": "warn", "closed": ""}
_PLAIN: Final = Text("明文 http", "plain http")
_EVERYBODY: Final = Coded("", Text("全部", "all"))


def alert_table(platform: Platform, actor: Actor, names: Mapping[str, str], *, closed: bool) -> Table[Alert]:
    """Return the list of the open alerts that the actor may see; with ``closed`` of those whose reason is gone too."""
    now = platform.clock.now()

    def called(org_id: str) -> str:
        return names.get(org_id, org_id)

    def state(one: Alert) -> Coded:
        return _ALERT["closed" if one.closed_at else "attended" if one.acknowledged_at else "open"]

    return Table(
        key="alerts",
        path="/console/alerts",
        title=Text("告警", "Alerts"),
        part=lambda wanted: platform.alerts.alert_part(actor, wanted, closed=closed),
        row_key=lambda a: a.id,
        columns=(
            Column(key="kind", words=Text("类别", "Kind"), of=lambda a: Coded(a.kind.value, a.kind.text), kind=Kind.TAG, level=lambda a: "" if a.closed_at else "bad" if a.kind.is_grave else "warn", choice=True, named=lambda code: AlertKind(code).text),
            Column(key="text", words=Text("告警", "Alert"), of=lambda a: a.text, sorts=False),
            Column(key="org", words=Text("部门", "Department"), of=lambda a: called(a.org_id), choice=True, named=called),
            Column(key="state", words=Text("状态", "State"), of=state, kind=Kind.TAG, level=lambda a: _LEVEL[state(a).value], choice=True, named=lambda code: _ALERT[code].text),
            Column(key="at", words=Text("发生", "Since"), of=lambda a: a.opened_at, kind=Kind.MOMENT),
            Column(key="by", words=Text("确认人", "Acknowledged by"), of=lambda a: a.acknowledged_by),
            Column(key="answer", words=Text("处理情况", "What is done"), of=lambda a: a.answer),
            Column(key="closed", words=Text("解除", "Closed"), of=lambda a: a.closed_at, kind=Kind.MOMENT, shown=closed),
            Column(key="age", words=Text("时间段", "When"), of=lambda a: age(a.opened_at, now), choice=True, named=age_name, shown=False),
            Column(key="id", words=Text("告警号", "Id"), of=lambda a: a.id, kind=Kind.CODE, shown=False),
        ),
    )  # fmt: skip


def source_table(
    rows: Sequence[Source], syncs: Sequence[Sync], names: Mapping[str, str], kinds: Mapping[str, Text]
) -> Table[Source]:
    """Return the list of sources, each with the tables that are filled from it."""
    filled: dict[str, list[Sync]] = {}
    for sync in syncs:
        filled.setdefault(sync.source_id, []).append(sync)

    def tables(one: Source) -> str:
        return "、".join(sync.table for sync in filled.get(one.id, ()))

    def sync_of(one: Source) -> str:
        found = filled.get(one.id, ())
        return f"/console/syncs/{found[0].id}" if len(found) == 1 else f"/console/sources/{one.id}"

    return Table(
        key="sources",
        path="/console/sources",
        title=Text("数据源", "Sources"),
        rows=rows,
        row_key=lambda s: s.id,
        columns=(
            Column(key="name", words=Text("数据源", "Source"), of=lambda s: s.name, link=lambda s: f"/console/sources/{s.id}"),
            Column(key="kind", words=Text("种类", "Kind"), of=lambda s: Coded(s.kind, kinds.get(s.kind, Text(s.kind, s.kind))), choice=True),
            Column(key="org", words=Text("部门", "Department"), of=lambda s: names.get(s.org_id, s.org_id), choice=True, shown=False),
            Column(key="tables", words=Text("填充的表", "Fills"), of=tables, link=sync_of),
            Column(key="count", words=Text("表数", "Tables"), of=lambda s: len(filled.get(s.id, ())), kind=Kind.NUMBER, shown=False),
            Column(key="by", words=Text("登记人", "By"), of=lambda s: s.created_by, choice=True),
            Column(key="at", words=Text("登记时间", "At"), of=lambda s: s.created_at, kind=Kind.MOMENT),
            Column(key="id", words=Text("数据源号", "Id"), of=lambda s: s.id, kind=Kind.CODE, shown=False),
        ),
    )  # fmt: skip


def target_table(rows: Sequence[AllowedTarget], names: Mapping[str, str]) -> Table[AllowedTarget]:
    """Return the list of the machines and folders that may be reached."""

    def uses(one: AllowedTarget) -> Text:
        told = [Use(use).text for use in one.uses]
        return Text("、".join(word.zh for word in told), ", ".join(word.en for word in told))

    def department(one: AllowedTarget) -> Coded:
        name = names.get(one.org_id, one.org_id)
        return Coded(one.org_id, Text(name, name)) if one.org_id else _EVERYBODY

    return Table(
        key="targets",
        path="/console/targets",
        title=Text("访问目标", "Targets"),
        rows=rows,
        row_key=lambda x: x.id,
        columns=(
            Column(key="target", words=Text("目标", "Target"), of=lambda x: x.folder or f"{x.host}:{x.port}", kind=Kind.CODE),
            Column(key="network", words=Text("网段", "Network"), of=lambda x: x.network, kind=Kind.CODE),
            Column(key="uses", words=Text("用途", "For"), of=uses, choice=True),
            Column(key="plain", words=Text("明文", "Unsealed"), of=lambda x: _PLAIN if x.plain_http else None, kind=Kind.TAG, level=lambda _: "warn"),
            Column(key="org", words=Text("部门", "Department"), of=department, choice=True),
            Column(key="reason", words=Text("理由", "Reason"), of=lambda x: x.reason),
            Column(key="by", words=Text("放行人", "By"), of=lambda x: x.added_by),
            Column(key="at", words=Text("时间", "At"), of=lambda x: x.added_at, kind=Kind.MOMENT),
            Column(key="id", words=Text("编号", "Id"), of=lambda x: x.id, kind=Kind.CODE, shown=False),
        ),
    )  # fmt: skip
