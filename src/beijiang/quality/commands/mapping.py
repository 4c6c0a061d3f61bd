"""``beijiang quality mapping``, ``map``, ``unmap`` and ``conformity``."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import typer

from beijiang.kit import SYSTEM, Actor, Invalid, Text
from beijiang.terminal import Column, language, show

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.quality.models.mapping import Conformity, Mapped
    from beijiang.quality.service import ColumnView, Mappings

__all__ = ["add_mapping"]

_AS = typer.Option("", "--as", help="Login of the person to act as; without it the operator acts as the platform.")
_TABLE = typer.Argument(help="Name of the table.")
_PAIRS = typer.Argument(help="COLUMN=ELEMENT, one or several.")
_WHY = typer.Option("", "--reason", help="Why; kept in the evidence.")

_COLUMNS = (
    Column("column", Text("列", "column"), whole=True),
    Column("type", Text("类型", "type"), spare=True),
    Column("element", Text("数据元", "element")),
    Column("state", Text("状态", "state")),
    Column("score", Text("可能性", "score"), right=True),
    Column("why", Text("依据", "why")),
    Column("x", Text("符合率", "X"), right=True),
)
_CONFORMITY = (
    Column("column", Text("列", "column"), whole=True),
    Column("element", Text("数据元", "element")),
    Column("a", Text("A", "A"), right=True),
    Column("b", Text("B", "B"), right=True),
    Column("x", Text("X", "X"), right=True),
    Column("version", Text("版本", "version"), right=True),
)


def add_mapping(group: typer.Typer, get: Callable[[], Mappings], access: Callable[[], Access]) -> None:
    """Add the commands to the group."""

    def who(login: str) -> Actor:
        return access().actor_for_person(login) if login else SYSTEM

    @group.command("mapping")
    def mapping(
        table: str = _TABLE,
        suggest: bool = typer.Option(False, "--suggest", help="Look at names and values and suggest elements."),
        person: str = _AS,
    ) -> None:
        """Show which data element each column holds, or might hold."""
        rows = [row for view in get().columns(who(person), table, suggest=suggest) for row in _view(view)]
        show(rows, _COLUMNS)

    @group.command("map")
    def confirm(
        table: str = _TABLE,
        pairs: list[str] = _PAIRS,
        rules: bool = typer.Option(True, help="Put the rule of each element in force."),
        reason: str = _WHY,
        person: str = _AS,
    ) -> None:
        """Say which element columns hold, for example: map 人口信息 性别=population.sex_code."""
        if any("=" not in pair for pair in pairs):
            raise Invalid("写成 列=数据元。", "Write COLUMN=ELEMENT.", code="bad_field")
        wanted = {column: element for column, _, element in (pair.rpartition("=") for pair in pairs)}
        show([_mapped(one) for one in get().confirm(who(person), table, wanted, reason, rules=rules)], _COLUMNS)

    @group.command("unmap")
    def refuse(
        table: str = _TABLE,
        column: str = typer.Argument(help="Name of the column."),
        element: str = typer.Argument(help="Id of the element that it does not hold."),
        reason: str = _WHY,
        person: str = _AS,
    ) -> None:
        """Say that a column does not hold an element; it is not suggested again."""
        show([_mapped(get().refuse(who(person), table, column, element, reason))], _COLUMNS)

    @group.command("conformity")
    def conformity(
        table: str = _TABLE,
        measure: bool = typer.Option(False, "--measure", help="Count the newest version now."),
        version: int | None = typer.Option(None, help="Version; the newest that was measured when left out."),
        person: str = _AS,
    ) -> None:
        """Show how far the mapped columns of a table conform: A of B values do."""
        actor = who(person)
        found = get().measure(actor, table) if measure else get().conformity(actor, table, version)
        show([_conformity(one) for one in found], _CONFORMITY)


def _view(one: ColumnView) -> list[dict[str, Any]]:
    head = {"column": one.column.name, "type": one.column.type}
    if one.mapped is not None:
        x = None if one.conformity is None or one.conformity.x is None else round(one.conformity.x, 4)
        return [{**head, **_mapped(one.mapped), "x": x}]
    found = [
        {
            **head,
            "element": c.element.id,
            "state": Text("推荐", "suggested").in_language(language()),
            "score": c.score,
            "why": "；".join(r.text.in_language(language()) for r in c.reasons),
        }
        for c in one.candidates
    ]
    return found or [head]


def _mapped(one: Mapped) -> dict[str, Any]:
    state = Text("已确认", "confirmed") if one.confirmed else Text("已否定", "refused")
    return {
        "column": one.column,
        "element": one.element,
        "state": state.in_language(language()),
        "score": one.score,
        "why": one.reason,
    }


def _conformity(one: Conformity) -> dict[str, Any]:
    return {
        "column": one.column,
        "element": one.element,
        "a": one.a,
        "b": one.b,
        "x": None if one.x is None else round(one.x, 4),
        "version": one.version,
    }
