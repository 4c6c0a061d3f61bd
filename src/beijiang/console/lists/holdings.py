"""The list of base and theme libraries."""

from __future__ import annotations

from typing import TYPE_CHECKING

from beijiang.console.listing import Coded, Column, Kind, Table
from beijiang.console.lists.words import age, age_name
from beijiang.kit import Text

if TYPE_CHECKING:
    from collections.abc import Mapping

    from beijiang.build import Platform
    from beijiang.fusion import LibraryLine
    from beijiang.kit import Actor

__all__ = ["library_table"]


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
