"""``beijiang alerts``: rules on the readings of streams, and the alerts that they raise."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from beijiang.kit import SYSTEM, Actor, Text
from beijiang.mining.errors import rule_unfit
from beijiang.mining.models import AlertQuery, AlertState, RuleDraft
from beijiang.terminal import Column, as_json, language, say, show

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.mining.models import ReadingAlert, StreamRule
    from beijiang.mining.service import StreamRules

__all__ = ["alerts"]

_AS = typer.Option("", "--as", help="Login of the person to act as; without it the operator acts as the platform.")
_ALERT = typer.Argument(help="Id of the alert.")
_RULE = typer.Argument(help="Id of the rule.")
_STREAM = typer.Argument(help="Stream: name, id or table.")
_SAYS = typer.Argument(help='What the rule says, as JSON: {"name": ..., "kind": "threshold", "key": ...}, or @FILE.')
_NOTE = typer.Option("", help="What is to be said about it.")
_ALERTS = (
    Column("id", Text("标识", "id"), whole=True),
    Column("severity", Text("级别", "severity")),
    Column("text", Text("内容", "alert"), whole=True),
    Column("raised_at", Text("触发", "raised")),
    Column("cleared_at", Text("恢复", "recovered")),
    Column("state", Text("状态", "state")),
    Column("assignee", Text("负责人", "assignee")),
)
_RULES = (
    Column("id", Text("标识", "id"), whole=True),
    Column("name", Text("规则", "rule")),
    Column("kind", Text("类型", "kind")),
    Column("table", Text("表", "table")),
    Column("active", Text("启用", "active")),
    Column("revision", Text("版次", "revision"), right=True),
    Column("late", Text("迟到", "late"), right=True),
)


def alerts(get: Callable[[], StreamRules], access: Callable[[], Access]) -> typer.Typer:
    """Return the command group."""
    group = typer.Typer(help="Alerts of readings, and the rules on streams that raise them.", no_args_is_help=True)

    def who(login: str) -> Actor:
        return access().actor_for_person(login) if login else SYSTEM

    @group.command("list")
    def list_(
        state: Annotated[AlertState | None, typer.Option(help="Only those in this state.")] = None,
        lasting: bool = typer.Option(False, "--lasting", help="Only those whose condition lasts."),
        limit: int = typer.Option(50, min=1, max=1000, help="How many."),
        person: str = _AS,
    ) -> None:
        """List alerts: those that last first, then the newest."""
        found = get().alerts(who(person), AlertQuery(state=state, lasting=lasting or None, limit=limit))
        show([_alert(one) for one in found], _ALERTS)

    @group.command("show")
    def show_(alert: str = _ALERT, person: str = _AS) -> None:
        """Show one alert with its history."""
        service, actor = get(), who(person)
        steps = [
            {"kind": s.kind.text.in_language(language()), "at": s.at, "by": s.by, "note": s.note, "to": s.to}
            for s in service.steps(actor, alert)
        ]
        found = service.alert(actor, alert).to_json()
        show(
            {**found, "text": found["text"][language().value], "history": steps}
            if not as_json()
            else {**found, "history": steps}
        )

    @group.command("acknowledge")
    def acknowledge(alert: str = _ALERT, note: str = _NOTE, person: str = _AS) -> None:
        """Say that one looks after an alert."""
        show([_alert(get().acknowledge(who(person), alert, note))], _ALERTS)

    @group.command("assign")
    def assign(
        alert: str = _ALERT,
        to: str = typer.Argument(help="Login of whoever is to handle it."),
        note: str = _NOTE,
        person: str = _AS,
    ) -> None:
        """Put an alert into somebody's hands, who is told of it."""
        show([_alert(get().assign(who(person), alert, to, note))], _ALERTS)

    @group.command("close")
    def close(alert: str = _ALERT, note: str = typer.Argument(help="What came of it."), person: str = _AS) -> None:
        """Say how an alert ended."""
        show([_alert(get().close(who(person), alert, note))], _ALERTS)

    @group.command("reopen")
    def reopen(alert: str = _ALERT, note: str = _NOTE, person: str = _AS) -> None:
        """Take a closed alert up again."""
        show([_alert(get().reopen(who(person), alert, note))], _ALERTS)

    @group.command("export")
    def export(output: Path = typer.Option(..., help="File to write."), person: str = _AS) -> None:  # noqa: B008
        """Write alerts to a CSV file."""
        output.write_bytes(get().export(who(person), AlertQuery()))
        say(Text(f"已写入 {output}。", f"Written to {output}."))

    _add_rules(group, get, who)
    return group


def _add_rules(group: typer.Typer, get: Callable[[], StreamRules], who: Callable[[str], Actor]) -> None:
    @group.command("rules")
    def rules(stream: str = typer.Option("", help="Only those on this stream."), person: str = _AS) -> None:
        """List the rules on streams."""
        show([_rule(one) for one in get().rules(who(person), stream)], _RULES)

    @group.command("revisions")
    def revisions(rule: str = _RULE, person: str = _AS) -> None:
        """Show all revisions of a rule, newest first."""
        show(get().revisions(who(person), rule))

    @group.command("declare")
    def declare(stream: str = _STREAM, says: str = _SAYS, person: str = _AS) -> None:
        """Have a stream's readings judged from now on."""
        show([_rule(get().declare(who(person), stream, _draft(says)))], _RULES)

    @group.command("change")
    def change(rule: str = _RULE, says: str = _SAYS, person: str = _AS) -> None:
        """Replace what a rule says; earlier revisions stay on record."""
        show([_rule(get().change(who(person), rule, _draft(says)))], _RULES)

    @group.command("stop")
    def stop(rule: str = _RULE, person: str = _AS) -> None:
        """Judge no more by a rule; its alerts stay."""
        show([_rule(get().stop_rule(who(person), rule))], _RULES)

    @group.command("record")
    def record(
        stream: str = _STREAM, table: str = typer.Argument(help="New table for the alerts."), person: str = _AS
    ) -> None:
        """Have the alerts of a stream written into a new table, kept up to date."""
        get().record_into(who(person), stream, table)
        say(Text(f"预警将写入表“{table}”。", f'The alerts will be written into table "{table}".'))

    @group.command("try")
    def try_(
        stream: str = _STREAM,
        says: str = _SAYS,
        days: float = typer.Option(7, min=0.01, max=92, help="How many days back."),
        person: str = _AS,
    ) -> None:
        """Say what a rule would have raised in the last days; nothing is raised."""
        found = get().try_out(who(person), stream, _draft(says), days)
        show([{"sensor": s, "from": a, "to": z, "worst": peak} for s, a, z, peak in found.alerts])
        say(
            Text(
                f"过去 {days:g} 天 {found.readings:,} 个读数、{found.sensors:,} 个传感器，会发出 {found.raised:,} 条预警。",
                f"Over {days:g} days, {found.readings:,} readings of {found.sensors:,} sensors would have raised {found.raised:,} alerts.",
            )
        )


def _draft(says: str) -> RuleDraft:
    text = Path(says[1:]).read_text("utf-8") if says.startswith("@") else says
    try:
        value = json.loads(text)
    except ValueError as error:
        raise rule_unfit("规则须是 JSON 对象。", "A rule is a JSON object.") from error
    if not isinstance(value, dict):
        raise rule_unfit("规则须是 JSON 对象。", "A rule is a JSON object.")
    return RuleDraft.from_json(value)


def _alert(one: ReadingAlert) -> dict[str, Any]:
    if as_json():
        return one.to_json()
    spoken = language()
    return {
        "id": one.id,
        "severity": one.severity.text.in_language(spoken),
        "text": one.text.in_language(spoken),
        "raised_at": one.raised_at,
        "cleared_at": one.cleared_at,
        "state": one.state.text.in_language(spoken),
        "assignee": one.assignee,
    }


def _rule(one: StreamRule) -> dict[str, Any]:
    said: dict[str, Any] = {"rule": one.draft.to_json()} if as_json() else {}
    return {
        "id": one.id,
        "name": one.draft.name,
        "kind": one.draft.kind.value if as_json() else one.draft.kind.text.in_language(language()),
        "table": one.table,
        "active": one.active,
        "revision": one.revision,
        "late": one.late,
        **said,
    }
