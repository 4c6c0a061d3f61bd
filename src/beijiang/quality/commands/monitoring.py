"""``beijiang quality monitor``: what is usual for a table, what was found, what was decided."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import typer

from beijiang.kit import SYSTEM, Actor, Invalid, Text
from beijiang.quality.models import Decision, Monitor
from beijiang.terminal import Column, asked_after, language, say, show

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.quality.models import Finding
    from beijiang.quality.service import Monitors

__all__ = ["add_monitors"]

_AS = typer.Option("", "--as", help="Login of the person to act as; without it the operator acts as the platform.")
_TABLE = typer.Argument(help="Name of the table.")
_REASON = typer.Option(..., help="Why; kept in the evidence.")
_LIMIT = typer.Option([], "--limit", help="Limit as NAME=NUMBER; may be given several times.")
_SEEN = typer.Option(None, help="The `seen` of the finding as you read it; without it you are shown and asked.")
_FINDINGS = (
    Column("id", Text("标识", "id"), whole=True),
    Column("table", Text("表", "table")),
    Column("monitor", Text("监测", "monitor")),
    Column("words", Text("发现", "finding")),
    Column("version", Text("版本", "version"), right=True),
    Column("state", Text("状态", "state")),
)


def add_monitors(group: typer.Typer, get: Callable[[], Monitors], access: Callable[[], Access]) -> None:
    """Add the commands of monitors to the group of quality."""
    monitor = typer.Typer(help="Monitors: what is out of a table's usual.", no_args_is_help=True)
    group.add_typer(monitor, name="monitor")

    def who(login: str) -> Actor:
        return access().actor_for_person(login) if login else SYSTEM

    @monitor.command("findings")
    def findings(person: str = _AS) -> None:
        """Show what monitors found in all tables, what goes on first."""
        show([_finding(f) for f in get().findings(who(person))], _FINDINGS)

    @monitor.command("show")
    def report(
        table: str = _TABLE,
        look: bool = typer.Option(False, "--look", help="Look into the newest version first."),
        person: str = _AS,
    ) -> None:
        """Show what is usual for a table, and what was found in it."""
        found = get().look(who(person), table) if look else get().report(who(person), table)
        if found.band is None:
            words = (
                f"还在学习：同类日子已有 {found.known} 版。",
                f"Still learning: {found.known} versions of such days.",
            )
        else:
            high = "…" if found.band.high == float("inf") else f"{found.band.high:,.0f}"
            words = (
                f"今天通常交付 {found.band.low:,.0f}–{high} 行（{found.band.of.zh}）。",
                f"Usual today: {found.band.low:,.0f}-{high} rows ({found.band.of.en}).",
            )
        say(Text(*words))
        show([_finding(f) for f in found.findings], _FINDINGS)

    @monitor.command("decide")
    def decide(
        finding: str = typer.Argument(help="Id of the finding."),
        decision: Decision = typer.Argument(help="expected, or snooze."),  # noqa: B008
        until: str = typer.Option("", help="Of a snooze: until which day, YYYY-MM-DD."),
        reason: str = _REASON,
        seen: str = _SEEN,
        person: str = _AS,
    ) -> None:
        """Say that a finding is as expected, so that it is learned from, or snooze it. Without --seen it is shown first."""
        try:
            day = date.fromisoformat(until) if until else None
        except ValueError:
            raise Invalid("日期写作 2026-03-31。", "A day is written 2026-03-31.", code="bad_option") from None
        actor = who(person)
        seen = _asked(get().findings(actor), finding) if seen is None else seen
        show([_finding(get().decide(actor, finding, decision, reason, day, seen=seen))], _FINDINGS)

    @monitor.command("set")
    def set_monitor(
        table: str = _TABLE,
        kind: Monitor = typer.Argument(help="volume, schema or distribution."),  # noqa: B008
        off: bool = typer.Option(False, "--off", help="Do not watch it."),
        limit: list[str] = _LIMIT,
        reason: str = _REASON,
        person: str = _AS,
    ) -> None:
        """Watch a table otherwise: with limits of its own, or not at all."""
        limits = {}
        for one in limit:
            name, _, value = one.partition("=")
            try:
                limits[name.strip()] = float(value)
            except ValueError:
                raise Invalid(
                    f"“{one}”应写成 名称=数值。", f'"{one}" is written NAME=NUMBER.', code="bad_option"
                ) from None
        made = get().set_monitor(who(person), table, kind, reason, is_on=not off, limits=limits)
        show([{"monitor": made.monitor.value, "on": made.is_on, "limits": dict(made.limits)}])


def _asked(findings: Sequence[Finding], finding_id: str) -> str:
    found = next((one for one in findings if one.id == finding_id), None)
    return "" if found is None else asked_after(lambda: show(_finding(found)), found.shown.token)


def _finding(f: Finding) -> dict[str, Any]:
    return {
        "id": f.id,
        "table": f.table,
        "monitor": f.call.monitor.text.in_language(language()),
        "words": f.call.words.in_language(language()),
        "version": f.version,
        "state": f.state.text.in_language(language()),
        "seen": f.shown.token,
    }
