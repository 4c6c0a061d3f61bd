"""``beijiang quality suggest`` and what becomes of a suggestion."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import typer

from beijiang.kit import Actor, Text
from beijiang.quality.commands.lines import RULES, parameters, rule_line
from beijiang.terminal import Column, language, say, show

if TYPE_CHECKING:
    from beijiang.quality.models import Declined
    from beijiang.quality.service import Quality, Suggestion

__all__ = ["add_suggestions"]

_AS = typer.Option("", "--as", help="Login of the person to act as; without it the operator acts as the platform.")
_TABLE = typer.Argument(help="Name of the table.")
_TAKE = typer.Option([], "--take", help="Put the one of this key in force; may be given several times.")
_KEYS = typer.Argument(help="Keys of suggestions, as `quality suggest` shows them.")

_SUGGESTED = (
    Column("key", Text("标识", "key"), whole=True),
    Column("kind", Text("类型", "kind")),
    Column("columns", Text("列", "columns")),
    Column("params", Text("参数", "parameters")),
    Column("b", Text("评估数", "assessed"), right=True),
    Column("failing", Text("不符合", "failing"), right=True),
    Column("share", Text("现有符合率", "met now"), right=True),
    Column("why", Text("依据", "why")),
)
_DECLINED = (
    Column("subject", Text("标识", "subject"), whole=True),
    Column("kind", Text("类型", "kind")),
    Column("columns", Text("列", "columns")),
    Column("reason", Text("理由", "reason")),
    Column("by", Text("谢绝人", "by"), spare=True),
    Column("at", Text("时间", "at"), spare=True),
)


def add_suggestions(group: typer.Typer, get: Callable[[], Quality], who: Callable[[str], Actor]) -> None:
    """Add the commands of suggestions to the group of quality."""

    @group.command("suggest")
    def suggest(
        table: str = _TABLE,
        accept: bool = typer.Option(False, "--accept", help="Put all of them in force."),
        take: list[str] = _TAKE,
        person: str = _AS,
    ) -> None:
        """Propose rules from names, standards and what stands in the columns, with how many rows meet each."""
        if accept or take:
            made = get().accept(who(person), table, None if accept else take)
            show([rule_line(rule) for rule in made], RULES)
        else:
            seen = get().suggestions(who(person), table)
            show([_suggested(one) for one in seen.found], _SUGGESTED)
            for note in seen.notes:
                say(note, always=True)

    @group.command("breaking")
    def breaking(
        table: str = _TABLE, key: str = typer.Argument(help="Key of the suggestion."), person: str = _AS
    ) -> None:
        """Show the rows that would break a suggested rule, masked as everywhere."""
        found = get().breaking(who(person), table, key)
        show(found.rows.to_pylist())
        say(Text(f"第 {found.version} 版。", f"Version {found.version}."))

    @group.command("decline")
    def decline(
        table: str = _TABLE,
        keys: list[str] = _KEYS,
        reason: str = typer.Option(..., help="Why; kept in the evidence."),
        person: str = _AS,
    ) -> None:
        """Say that suggestions are not meant; the same about these columns is not suggested again."""
        show([_declined(one) for one in get().decline(who(person), table, keys, reason)], _DECLINED)

    @group.command("declined")
    def declined(table: str = _TABLE, person: str = _AS) -> None:
        """Show the suggestions that were declined, with who said so and why."""
        show([_declined(one) for one in get().declined(who(person), table)], _DECLINED)

    @group.command("offer-again")
    def offer_again(
        table: str = _TABLE,
        subject: str = typer.Argument(help="Subject, as `quality declined` shows it."),
        person: str = _AS,
    ) -> None:
        """Let what was declined be suggested again."""
        show([_declined(get().offer_again(who(person), table, subject))], _DECLINED)


def _suggested(one: Suggestion) -> dict[str, Any]:
    return {
        "key": one.key,
        "kind": one.draft.kind.value,
        "columns": "、".join(one.draft.columns),
        "params": parameters(one.draft),
        "b": one.b,
        "failing": one.failing,
        "share": round(one.share, 4),
        "why": one.why.in_language(language()),
    }


def _declined(one: Declined) -> dict[str, Any]:
    return {
        "subject": one.subject,
        "kind": one.kind.value,
        "columns": "、".join(one.columns),
        "reason": one.reason,
        "by": one.by,
        "at": one.at.isoformat(),
    }
