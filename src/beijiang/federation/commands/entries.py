"""``beijiang federation catalog``: what is told of the catalog to nodes above, and what nodes below told."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import typer

from beijiang.kit import SYSTEM, Actor, Text
from beijiang.terminal import Column, language, say, show

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.federation.service import Cascade

__all__ = ["catalog_commands"]

_AS = typer.Option("", "--as", help="Login of the person to act as; without it the operator acts as the platform.")
_ENTRIES = (
    Column("id", Text("目录标识", "id"), whole=True),
    Column("name", Text("名称", "name")),
    Column("origin", Text("来源节点", "origin"), whole=True),
    Column("provider", Text("提供部门", "provider"), spare=True),
    Column("share_type", Text("共享类型", "sharing")),
    Column("level", Text("级别", "grade")),
    Column("items", Text("数据项", "items"), right=True),
    Column("url", Text("来源门户", "at its origin"), spare=True),
)
_CATALOGS = (
    Column("node_id", Text("节点", "node"), whole=True),
    Column("bearing", Text("上下级", "stands")),
    Column("on", Text("上报", "told")),
    Column("entries", Text("目录数", "entries"), right=True),
    Column("most", Text("最多", "at most"), right=True),
    Column("departments", Text("部门", "departments"), right=True),
    Column("compared_at", Text("最近比对", "compared")),
    Column("fresh", Text("缺", "lacking"), right=True),
    Column("changed", Text("有变", "changed"), right=True),
    Column("gone", Text("多余", "gone"), right=True),
)


def catalog_commands(get: Callable[[], Cascade], access: Callable[[], Access]) -> typer.Typer:
    """Return the command group."""
    group = typer.Typer(
        help="The catalog between nodes: what is told above, what nodes below told.", no_args_is_help=True
    )

    def who(login: str) -> Actor:
        return access().actor_for_person(login) if login else SYSTEM

    @group.command("report")
    def report(
        node: str = typer.Argument(help="Id of the node above."),
        on: bool | None = typer.Option(
            None, "--on/--off", help="Tell it, or take back what was told; unsaid: only show."
        ),
        division: list[str] = typer.Option([], help="Only entries whose category code begins so; again for more."),  # noqa: B008
        person: str = _AS,
    ) -> None:
        """Decide what is told to a node above, or show it and how much that does not know yet."""
        actor, cascade = who(person), get()
        if on is not None:
            cascade.set_rule(actor, node, on=on, divisions=division)
        rule, untold = cascade.rule(actor, node), cascade.untold(actor, node)
        known = {"fresh": untold.fresh, "changed": untold.changed, "gone": untold.gone}
        show({"node_id": node, "on": rule.on, "divisions": ", ".join(rule.divisions), **known})
        if on is not None:
            say(Text("服务进程一分钟内开始比对和上报。", "The server compares and tells it within a minute."))

    @group.command("show")
    def catalogs(person: str = _AS) -> None:
        """Show how the catalog of each linked node stands: how many entries, when compared, what differed."""
        show(
            [{**one.to_json(), "most": one.room.entries if one.room else ""} for one in get().standings(who(person))],
            _CATALOGS,
        )

    @group.command("entries")
    def entries(
        words: str = typer.Argument("", help="Words that it holds."),
        origin: str = typer.Option("", help="Only of this node."),
        person: str = _AS,
    ) -> None:
        """List entries of nodes below."""
        found, total = get().entries(who(person), words, origin)
        show([{**one.to_json(), "origin_name": one.node.in_language(language())} for one in found], _ENTRIES)
        if total > len(found):
            say(Text(f"共 {total} 条，显示前 {len(found)} 条。", f"{total} in all, the first {len(found)} are shown."))

    @group.command("entry")
    def entry(entry: str = typer.Argument(help="Id of the entry here."), person: str = _AS) -> None:
        """Show one entry of a node below, as it was told."""
        found = get().entry(who(person), entry)
        show({**found.to_json(), "entry": found.entry.to_json()})

    return group
