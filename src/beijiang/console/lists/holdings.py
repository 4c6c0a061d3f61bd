"""The lists of what is held: tables, libraries, contracts, judgements on whole tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from beijiang.console.listing import Coded, Column, Kind, Table
from beijiang.console.lists.words import age, age_name
from beijiang.kit import Text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from beijiang.build import Platform
    from beijiang.contracts import Contract
    from beijiang.fusion import LibraryLine
    from beijiang.kit import Actor
    from beijiang.protection import Assessment
    from beijiang.tables import TableInfo

__all__ = ["assessment_table", "contract_table", "lake_table", "library_table"]

_KB: Final = 1024
_TIERS: Final = {"important": "warn", "core": "bad"}
_VERSIONS: Final = {"active": "ok", "proposed": "warn"}
_KEPT: Final = Coded("history", Text("保留历史状态", "keeps past states"))
_NEWEST: Final = Coded("newest", Text("只有现状", "only what is now"))


def lake_table(rows: Sequence[TableInfo], names: Mapping[str, str], now: datetime) -> Table[TableInfo]:
    """Return the list of the lake's tables."""
    return Table(
        key="tables",
        path="/console/tables",
        title=Text("数据表", "Tables"),
        rows=rows,
        row_key=lambda x: x.id,
        columns=(
            Column(key="name", words=Text("表", "Table"), of=lambda x: x.name, link=lambda x: f"/console/tables/{quote(x.name, safe='')}"),
            Column(key="org", words=Text("部门", "Department"), of=lambda x: Coded(x.org_id, _called(names, x.org_id)), choice=True),
            Column(key="rows", words=Text("行", "Rows"), of=lambda x: x.rows, kind=Kind.NUMBER),
            Column(key="columns", words=Text("列", "Columns"), of=lambda x: len(x.columns), kind=Kind.NUMBER),
            Column(key="size", words=Text("大小（KB）", "Size (KB)"), of=lambda x: -(-x.bytes // _KB), kind=Kind.NUMBER),
            Column(key="version", words=Text("版本", "Version"), of=lambda x: x.version, kind=Kind.NUMBER),
            Column(key="key", words=Text("主键", "Key"), of=lambda x: "、".join(x.key), shown=False),
            Column(key="history", words=Text("历史", "History"), of=lambda x: _KEPT if x.history else _NEWEST, choice=True, shown=False),
            Column(key="written", words=Text("写入", "Written"), of=lambda x: x.written_at, kind=Kind.MOMENT),
            Column(key="age", words=Text("写入时间段", "Written when"), of=lambda x: age(x.written_at, now), choice=True, shown=False),
            Column(key="made", words=Text("建立", "Made"), of=lambda x: x.created_at, kind=Kind.MOMENT, shown=False),
        ),
    )  # fmt: skip


def _called(names: Mapping[str, str], org_id: str) -> Text:
    name = names.get(org_id, org_id)
    return Text(name, name)


def contract_table(rows: Sequence[Contract], names: Mapping[str, str]) -> Table[Contract]:
    """Return the list of contracts."""
    return Table(
        key="contracts",
        path="/console/contracts",
        title=Text("数据契约", "Contracts"),
        rows=rows,
        row_key=lambda c: c.id,
        columns=(
            Column(key="name", words=Text("契约", "Contract"), of=lambda c: c.name, link=lambda c: f"/console/contracts/{c.id}"),
            Column(key="org", words=Text("部门", "Department"), of=lambda c: Coded(c.org_id, _called(names, c.org_id)), choice=True),
            Column(key="tables", words=Text("约束的数据表", "Tables"), of=lambda c: "、".join(one.table for one in c.bindings)),
            Column(key="force", words=Text("生效版本", "In force"), of=lambda c: c.active.version if c.active else None, kind=Kind.TAG, level=lambda _: "ok"),
            Column(key="newest", words=Text("最新版本", "Newest"), of=lambda c: c.newest.version),
            Column(key="state", words=Text("最新版本的状态", "State of the newest"), of=lambda c: c.newest.state, kind=Kind.TAG, level=lambda c: _VERSIONS.get(c.newest.state.value, ""), choice=True),
            Column(key="at", words=Text("建立", "Made"), of=lambda c: c.at, kind=Kind.MOMENT, shown=False),
            Column(key="odcs", words=Text("文件中的 id", "Id of the file"), of=lambda c: c.odcs_id, kind=Kind.CODE, shown=False),
        ),
    )  # fmt: skip


def assessment_table(rows: Sequence[Assessment], names: Mapping[str, str]) -> Table[Assessment]:
    """Return the list of the tables that were judged as a whole."""
    return Table(
        key="assessments",
        path="/console/grading",
        title=Text("已定级的表", "Assessed tables"),
        rows=rows,
        row_key=lambda a: a.id,
        columns=(
            Column(key="table", words=Text("表", "Table"), of=lambda a: a.table, link=lambda a: f"/console/tables/{quote(a.table, safe='')}/grading"),
            Column(key="org", words=Text("部门", "Department"), of=lambda a: Coded(a.org_id, _called(names, a.org_id)), choice=True),
            Column(key="tier", words=Text("数据级别", "Tier"), of=lambda a: a.tier, kind=Kind.TAG, level=lambda a: _TIERS.get(a.tier.value, ""), choice=True),
            Column(key="level", words=Text("最低等级", "Least grade"), of=lambda a: a.level.value, kind=Kind.GRADE, choice=True),
            Column(key="object", words=Text("影响对象", "Who is harmed"), of=lambda a: a.object, choice=True),
            Column(key="harm", words=Text("危害程度", "How much"), of=lambda a: a.harm, choice=True),
            Column(key="reason", words=Text("理由", "Reason"), of=lambda a: a.reason),
            Column(key="by", words=Text("定级人", "By"), of=lambda a: a.by_name),
            Column(key="at", words=Text("定级时间", "At"), of=lambda a: a.at, kind=Kind.MOMENT),
            Column(key="revision", words=Text("次数", "Revision"), of=lambda a: a.revision, kind=Kind.NUMBER, shown=False),
            Column(key="id", words=Text("定级号", "Id"), of=lambda a: a.id, kind=Kind.CODE, shown=False),
        ),
    )  # fmt: skip


def library_table(platform: Platform, actor: Actor, names: Mapping[str, str]) -> Table[LibraryLine]:
    """Return the list of the libraries in force."""
    now, kinds = platform.clock.now(), {model.kind: model.name for model in platform.fusion.models(actor)}

    def kind(code: str) -> Text:
        return kinds.get(code, Text(code, code))

    def keeper(org_id: str) -> str:
        return names.get(org_id, org_id)

    def here(one: LibraryLine) -> str:
        return f"/console/libraries/{one.library.id}"

    return Table(
        key="libraries",
        path="/console/libraries",
        title=Text("基础库与主题库", "Base and theme libraries"),
        part=lambda wanted: platform.fusion.library_part(actor, wanted),
        row_key=lambda one: one.library.id,
        columns=(
            Column(key="name", words=Text("库", "Library"), of=lambda one: one.library.name, link=here),
            Column(key="kind", words=Text("种类", "Kind"), of=lambda one: Coded(one.library.kind, kind(one.library.kind)), choice=True, named=kind, shown=False),
            Column(key="keeper", words=Text("主管部门", "Keeper"), of=lambda one: keeper(one.library.org_id), choice=True, named=keeper),
            Column(key="subjects", words=Text("主体", "Subjects"), of=lambda one: one.subjects, kind=Kind.NUMBER),
            Column(key="records", words=Text("来源记录", "Records"), of=lambda one: one.records, kind=Kind.NUMBER),
            Column(key="sources", words=Text("来源", "Sources"), of=lambda one: one.sources, kind=Kind.NUMBER),
            Column(key="offered", words=Text("待同意的来源", "Sources to agree"), of=lambda one: one.offered or None, kind=Kind.NUMBER, level=lambda one: "warn" if one.offered else "", link=here),
            Column(key="waiting", words=Text("待判定", "To decide"), of=lambda one: one.waiting or None, kind=Kind.NUMBER, link=lambda one: f"{here(one)}/pairs"),
            Column(key="ran", words=Text("最近归集", "Last run"), of=lambda one: one.ran_at, kind=Kind.MOMENT),
            Column(key="age", words=Text("归集时间段", "Run when"), of=lambda one: age(one.ran_at, now), choice=True, named=age_name, shown=False),
            Column(key="table", words=Text("库表", "Table"), of=lambda one: one.library.target, shown=False),
            Column(key="id", words=Text("库号", "Id"), of=lambda one: one.library.id, kind=Kind.CODE, shown=False),
        ),
    )  # fmt: skip
