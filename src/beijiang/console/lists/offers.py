"""The lists of what departments run and answer for: services, systems, words of the public."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from beijiang.catalog import Network, SystemState
from beijiang.console.listing import Coded, Column, Kind, Table
from beijiang.console.lists.words import age, age_name, last_day, pace, short
from beijiang.exchange import ServiceState
from beijiang.kit import Text
from beijiang.opendata import Outcome, VoiceKind, VoiceState

if TYPE_CHECKING:
    from collections.abc import Mapping

    from beijiang.build import Platform
    from beijiang.catalog import GovernmentSystem, SystemQuery
    from beijiang.exchange import Service
    from beijiang.kit import Actor
    from beijiang.opendata import VoiceQuery, VoiceView
    from beijiang.standards import Deadline

__all__ = ["service_table", "system_table", "voice_table"]

_SERVICE: Final = {"offered": "ok", "paused": "warn"}
_BREAKER: Final = {
    "open": (Text("已熔断", "held back"), "bad"),
    "half_open": (Text("试探恢复", "trying"), "warn"),
}
_COVERED: Final = {
    "yes": Coded("yes", Text("已编目", "has an entry")),
    "no": Coded("no", Text("待编目", "none")),
}
_PUBLIC: Final = {
    "shown": Coded("shown", Text("未隐藏", "not hidden")),
    "hidden": Coded("hidden", Text("已隐藏", "hidden")),
}


def service_table(platform: Platform, actor: Actor, names: Mapping[str, str]) -> Table[Service]:
    """Return the list of the services that are offered, and those of the actor's departments in every state."""
    now, broken = platform.clock.now(), platform.offered.states(actor)

    def called(org_id: str) -> str:
        return names.get(org_id, org_id)

    def health(one: Service) -> tuple[Text | None, str]:
        return _BREAKER.get(broken.get(one.id, ""), (None, ""))

    return Table(
        key="services",
        path="/console/services",
        title=Text("服务接口", "Services"),
        part=lambda wanted: platform.offered.service_part(actor, wanted),
        row_key=lambda s: s.id,
        columns=(
            Column(key="name", words=Text("服务接口", "Service"), of=lambda s: s.name, link=lambda s: f"/console/services/{s.id}"),
            Column(key="resource", words=Text("目录", "Entry"), of=lambda s: s.resource_name, link=lambda s: f"/console/catalog/{s.resource_id}"),
            Column(key="provider", words=Text("提供部门", "Provider"), of=lambda s: called(s.provider_id), choice=True, named=called),
            Column(key="state", words=Text("状态", "State"), of=lambda s: s.state, kind=Kind.TAG, level=lambda s: _SERVICE.get(s.state.value, ""), choice=True, named=lambda code: ServiceState(code).text),
            Column(key="health", words=Text("熔断", "Breaker"), of=lambda s: health(s)[0], kind=Kind.TAG, level=lambda s: health(s)[1], sorts=False),
            Column(key="live", words=Text("生效版本", "In force"), of=lambda s: s.live, kind=Kind.NUMBER),
            Column(key="newest", words=Text("最新版本", "Newest"), of=lambda s: s.newest, kind=Kind.NUMBER, shown=False),
            Column(key="purpose", words=Text("用途", "What it is for"), of=lambda s: s.purpose, shown=False),
            Column(key="by", words=Text("登记人", "Declared by"), of=lambda s: s.by_name, shown=False),
            Column(key="at", words=Text("登记", "Declared"), of=lambda s: s.created_at, kind=Kind.MOMENT, shown=False),
            Column(key="changed", words=Text("最近变更", "Changed"), of=lambda s: s.changed_at, kind=Kind.MOMENT),
            Column(key="age", words=Text("变更时间段", "Changed when"), of=lambda s: age(s.changed_at, now), choice=True, named=age_name, shown=False),
            Column(key="id", words=Text("服务号", "Id"), of=lambda s: s.id, kind=Kind.CODE, shown=False),
        ),
    )  # fmt: skip


def system_table(
    platform: Platform, actor: Actor, query: SystemQuery, names: Mapping[str, str]
) -> Table[GovernmentSystem]:
    """Return the list of those systems that were asked for and the actor may see."""

    def called(org_id: str) -> str:
        return names.get(org_id, org_id)

    def covered(one: GovernmentSystem) -> Coded | None:
        return _COVERED["yes"] if one.entries else _COVERED["no"] if one.counts else None

    return Table(
        key="systems",
        path="/console/systems",
        title=Text("政务信息系统清单", "Inventory of government systems"),
        part=lambda wanted: platform.inventory.system_part(actor, query, wanted),
        row_key=lambda s: s.id,
        columns=(
            Column(key="name", words=Text("系统", "System"), of=lambda s: s.draft.name, link=lambda s: f"/console/systems/{s.id}", under=lambda s: short(s.draft.purpose)),
            Column(key="org", words=Text("部门", "Department"), of=lambda s: called(s.org_id), choice=True, named=called),
            Column(key="state", words=Text("状态", "State"), of=lambda s: s.draft.state, kind=Kind.TAG, level=lambda s: "ok" if s.counts else "", choice=True, named=lambda code: SystemState(code).text),
            Column(key="network", words=Text("网络", "Network"), of=lambda s: s.draft.network, choice=True, named=lambda code: Network(code).text),
            Column(key="since", words=Text("启用", "Since"), of=lambda s: s.draft.since, kind=Kind.DAY),
            Column(key="entries", words=Text("目录", "Entries"), of=lambda s: len(s.entries) or None, kind=Kind.NUMBER),
            Column(key="covered", words=Text("编目", "Covered"), of=covered, kind=Kind.TAG, level=lambda s: "" if s.entries else "warn", choice=True, named=lambda code: _COVERED[code].text),
            Column(key="database", words=Text("数据库", "Database"), of=lambda s: s.draft.database, shown=False),
            Column(key="contact", words=Text("联系人", "Contact"), of=lambda s: s.draft.contact, shown=False),
            Column(key="changed", words=Text("最近变更", "Changed"), of=lambda s: s.changed_at, kind=Kind.MOMENT, shown=False),
            Column(key="id", words=Text("系统号", "Id"), of=lambda s: s.id, kind=Kind.CODE, shown=False),
        ),
    )  # fmt: skip


def voice_table(platform: Platform, actor: Actor, query: VoiceQuery, names: Mapping[str, str]) -> Table[VoiceView]:
    """Return the list of those words of the public that were asked for and the actor deals with."""
    now = platform.clock.now()

    def called(org_id: str) -> str:
        return names.get(org_id, org_id)

    def due(view: VoiceView) -> Deadline | None:
        return None if view.voice.state.is_over else view.due

    return Table(
        key="voices",
        path="/console/voices",
        title=Text("公众来件", "Words of the public"),
        part=lambda wanted: platform.voices.voice_part(actor, query, wanted),
        row_key=lambda v: v.voice.id,
        columns=(
            Column(key="due", words=Text("期限", "Due"), of=lambda v: last_day(due(v)), kind=Kind.DAY, level=lambda v: pace(due(v)), sorts=False),
            Column(key="title", words=Text("来件", "What"), of=lambda v: v.voice.title, link=lambda v: f"/console/voices/{v.voice.id}", under=lambda v: v.voice.dataset_title if v.voice.dataset_title != v.voice.title else ""),
            Column(key="dataset", words=Text("数据集", "Data set"), of=lambda v: v.voice.dataset_title, shown=False),
            Column(key="kind", words=Text("类别", "Kind"), of=lambda v: v.voice.kind, choice=True, named=lambda code: VoiceKind(code).text),
            Column(key="org", words=Text("部门", "Department"), of=lambda v: called(v.voice.org_id), choice=True, named=called),
            Column(key="state", words=Text("状态", "State"), of=lambda v: v.voice.state, kind=Kind.TAG, level=lambda v: "ok" if v.voice.state.is_over else "warn", choice=True, named=lambda code: VoiceState(code).text),
            Column(key="outcome", words=Text("结果", "Outcome"), of=lambda v: v.voice.outcome, choice=True, named=lambda code: Outcome(code).text, shown=False),
            Column(key="public", words=Text("公开页面", "Public page"), of=lambda v: _PUBLIC["hidden" if v.voice.hidden else "shown"], kind=Kind.TAG, level=lambda v: "bad" if v.voice.hidden else "", choice=True, named=lambda code: _PUBLIC[code].text),
            Column(key="supporters", words=Text("附议", "Supporters"), of=lambda v: v.supporters or None, kind=Kind.NUMBER),
            Column(key="at", words=Text("提出", "Said"), of=lambda v: v.voice.created_at, kind=Kind.MOMENT),
            Column(key="ended", words=Text("办结", "Ended"), of=lambda v: v.voice.ended_at, kind=Kind.MOMENT, shown=False),
            Column(key="age", words=Text("提出时间段", "Said when"), of=lambda v: age(v.voice.created_at, now), choice=True, named=age_name, shown=False),
            Column(key="id", words=Text("来件号", "Id"), of=lambda v: v.voice.id, kind=Kind.CODE, shown=False),
        ),
    )  # fmt: skip
