"""``beijiang exchange push``: register a destination, follow its deliveries, replay or drop dead letters."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from beijiang.exchange.models.pushes import PushDraft, PushMode, PushQuery
from beijiang.ingest import Timing, TimingKind
from beijiang.kit import SYSTEM, Actor, Invalid, Text
from beijiang.protection import doubt_text
from beijiang.terminal import Column, language, say, show

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.exchange.models.pushes import Push, PushDelivery
    from beijiang.exchange.service import Pushes

__all__ = ["pushes"]

_AS = typer.Option("", "--as", help="Login of the person to act as; without it the operator acts as the platform.")
_PUSH = typer.Argument(help="Id of the push.")
_GRANT = typer.Argument(help="Id of the grant.")
_NAME = typer.Argument(help="What the push is called.")
_KIND = typer.Argument(help="postgresql, mysql, s3, sftp or webhook.")
_TARGET = typer.Option("", help="Table or folder at the far side.")
_WORDS = typer.Option("", help="What is said with it; kept in the evidence.")
_OPTION = typer.Option("--option", "-o", help="NAME=VALUE of the destination; again for more.")
_SECRET = typer.Option("--secret", help="Name of a secret; taken from BEIJIANG_SECRET_NAME, the terminal or standard input.")  # fmt: skip
_MODE = typer.Option(PushMode.CHANGES, help="What a delivery brings.")
_DAILY = typer.Option("--daily", help="Time of the day: 06:30; again for more.")
_WORKING = typer.Option("--working-days", help="Time of working days: 06:30; again for more.")
_CRON = typer.Option("", help="Five fields, in the installation's time.")
_LETTER = typer.Argument(help="Id of the delivery.")

_PUSHES = (
    Column("id", Text("推送号", "id"), whole=True),
    Column("name", Text("名称", "name")),
    Column("table", Text("表", "table")),
    Column("kind", Text("去处", "to")),
    Column("target", Text("目标", "target")),
    Column("state", Text("状态", "state")),
    Column("version", Text("已送版本", "version there")),
    Column("at", Text("送达时间", "delivered")),
    Column("why", Text("原因", "why")),
)
_DELIVERIES = (
    Column("id", Text("交付号", "id"), whole=True),
    Column("sequence", Text("序号", "no.")),
    Column("mode", Text("方式", "mode")),
    Column("version", Text("版本", "version")),
    Column("state", Text("状态", "state")),
    Column("attempts", Text("尝试", "tries")),
    Column("rows", Text("写入", "rows")),
    Column("gone", Text("删除", "gone")),
    Column("equal", Text("对账", "equal")),
    Column("next", Text("下次", "next")),
    Column("why", Text("原因", "why")),
)
_COLUMNS = (
    Column("name", Text("列", "column")),
    Column("type", Text("类型", "type")),
    Column("masked", Text("脱敏", "masked")),
)
_KINDS = (
    Column("kind", Text("种类", "kind"), whole=True),
    Column("text", Text("名称", "name")),
    Column("options", Text("选项（* 必填）", "options (* needed)")),
    Column("secrets", Text("密钥", "secrets")),
)


def pushes(get: Callable[[], Pushes], access: Callable[[], Access]) -> typer.Typer:
    """Return the commands of pushes."""
    group = typer.Typer(help="Pushes: what is granted, brought to your own system.", no_args_is_help=True)

    def who(login: str) -> Actor:
        return access().actor_for_person(login) if login else SYSTEM

    _add_new(group, get, who)
    _add_moves(group, get, who)
    _add_letters(group, get, who)
    return group


def _add_new(group: typer.Typer, get: Callable[[], Pushes], who: Callable[[str], Actor]) -> None:
    @group.command("kinds")
    def kinds(person: str = _AS) -> None:
        """Show the kinds of destinations and their options."""
        show([_kind(one) for one in get().kinds(who(person))], _KINDS)

    @group.command("plan")
    def plan(
        grant: str = _GRANT,
        name: str = _NAME,
        kind: str = _KIND,
        target: str = _TARGET,
        option: Annotated[list[str] | None, _OPTION] = None,
        secret: Annotated[list[str] | None, _SECRET] = None,
        mode: PushMode = _MODE,
        person: str = _AS,
    ) -> None:
        """Show what a push would do and meet at the far side; nothing is stored or sent."""
        options = {**_pairs(option or ()), **_secrets(secret or ())}
        draft = PushDraft(grant_id=grant, name=name, kind=kind, target=target, options=options, mode=mode)
        found = get().plan(who(person), draft)
        say(found.there)
        for warning in found.warnings:
            say(warning)
        say(
            Text(
                f"首次推送 {found.rows} 行；之后{found.mode.text.zh}。",
                f"{found.rows} rows first; then {found.mode.text.en}.",
            )
        )
        show([{"name": n, "type": t, "masked": n in found.masked} for n, t in found.columns], _COLUMNS)

    @group.command("add")
    def add(
        grant: str = _GRANT,
        name: str = _NAME,
        kind: str = _KIND,
        target: str = _TARGET,
        option: Annotated[list[str] | None, _OPTION] = None,
        secret: Annotated[list[str] | None, _SECRET] = None,
        mode: PushMode = _MODE,
        daily: Annotated[list[str] | None, _DAILY] = None,
        working_days: Annotated[list[str] | None, _WORKING] = None,
        cron: str = _CRON,
        person: str = _AS,
    ) -> None:
        """Register a destination; without a schedule every new version is pushed."""
        options = {**_pairs(option or ()), **_secrets(secret or ())}
        timing = _timing(daily, working_days, cron)
        draft = PushDraft(
            grant_id=grant, name=name, kind=kind, target=target, options=options, mode=mode, timing=timing
        )
        show([_push(get().add(who(person), draft))], _PUSHES)

    @group.command("list")
    def list_(
        words: str = typer.Option("", "--find", help="Words of the name or table, or an id."), person: str = _AS
    ) -> None:
        """Show the pushes of and from your organisation."""
        found, _ = get().pushes(who(person), PushQuery(words=words))
        show([_push(one) for one in found], _PUSHES)

    @group.command("show")
    def show_(push: str = _PUSH, person: str = _AS) -> None:
        """Show one push with its deliveries."""
        view = get().view(who(person), push)
        show([_push(view.push)], _PUSHES)
        show([_delivery(one) for one in view.deliveries], _DELIVERIES)
        if view.in_doubt:
            say(doubt_text(view.in_doubt))


def _add_moves(group: typer.Typer, get: Callable[[], Pushes], who: Callable[[str], Actor]) -> None:
    @group.command("change")
    def change(
        push: str = _PUSH,
        option: Annotated[list[str] | None, _OPTION] = None,
        secret: Annotated[list[str] | None, _SECRET] = None,
        daily: Annotated[list[str] | None, _DAILY] = None,
        working_days: Annotated[list[str] | None, _WORKING] = None,
        cron: str = _CRON,
        on_release: bool = typer.Option(False, "--on-release", help="Deliver at every new version from now on."),
        person: str = _AS,
    ) -> None:
        """Change options, secrets or the schedule; what is not named stays."""
        options = {**_pairs(option or ()), **_secrets(secret or ())}
        timing = _timing(daily, working_days, cron)
        changed = get().change(who(person), push, options=options, timing=timing, on_release=on_release)
        show([_push(changed)], _PUSHES)

    @group.command("pause")
    def pause(push: str = _PUSH, words: str = _WORDS, person: str = _AS) -> None:
        """Stop for now; the provider gives a reason."""
        show([_push(get().pause(who(person), push, words))], _PUSHES)

    @group.command("resume")
    def resume(push: str = _PUSH, person: str = _AS) -> None:
        """Go on; what was missed comes in one delivery."""
        show([_push(get().resume(who(person), push))], _PUSHES)

    @group.command("end")
    def end(push: str = _PUSH, words: str = _WORDS, person: str = _AS) -> None:
        """End it and forget its secrets; what is at the far side stays."""
        show([_push(get().end(who(person), push, words))], _PUSHES)

    @group.command("now")
    def now(
        push: str = _PUSH,
        whole: bool = typer.Option(False, "--whole", help="Bring everything anew."),
        person: str = _AS,
    ) -> None:
        """Deliver at the next look of the platform."""
        show([_push(get().now(who(person), push, whole=whole))], _PUSHES)

    @group.command("run")
    def run() -> None:
        """Deliver in this process all that is due; for an installation whose server does not run."""
        count = get().run_due()
        say(Text(f"已处理 {count} 个推送。", f"{count} pushes were looked after."))


def _add_letters(group: typer.Typer, get: Callable[[], Pushes], who: Callable[[str], Actor]) -> None:
    @group.command("dead")
    def dead(person: str = _AS) -> None:
        """Show the dead letters."""
        show([_delivery(one) for _, one in get().dead(who(person))], _DELIVERIES)

    @group.command("replay")
    def replay(delivery: str = _LETTER, person: str = _AS) -> None:
        """Try a dead letter again."""
        show([_delivery(get().replay(who(person), delivery))], _DELIVERIES)

    @group.command("drop")
    def drop(delivery: str = _LETTER, words: str = _WORDS, person: str = _AS) -> None:
        """Give a dead letter up, with a reason."""
        show([_delivery(get().drop(who(person), delivery, words))], _DELIVERIES)


def _timing(daily: Sequence[str] | None, working_days: Sequence[str] | None, cron: str) -> Timing | None:
    ways = [Timing(kind=TimingKind.DAILY, at=tuple(daily))] if daily else []
    ways += [Timing(kind=TimingKind.WORKING_DAYS, at=tuple(working_days))] if working_days else []
    ways += [Timing(kind=TimingKind.CRON, cron=cron)] if cron else []
    if len(ways) > 1:
        raise Invalid("只能选一种计划。", "Choose one schedule.", code="bad_timing")
    return ways[0] if ways else None


def _pairs(words: Sequence[str]) -> dict[str, Any]:
    parted = [word.partition("=") for word in words]
    wrong = [name for name, sign, _ in parted if not sign]
    if wrong:
        raise Invalid(
            f"选项“{wrong[0]}”应写作 名称=值。", f'Write the option "{wrong[0]}" as NAME=VALUE.', code="bad_options"
        )
    return {name: value for name, _, value in parted}


def _secrets(names: Sequence[str]) -> dict[str, str]:
    """Take secrets from the environment, the terminal or standard input; never from the command line."""
    found = {}
    for name in names:
        given = os.environ.get(f"BEIJIANG_SECRET_{name.upper()}")
        if given is None and sys.stdin.isatty():
            given = typer.prompt(name, hide_input=True)
        found[name] = sys.stdin.readline().rstrip("\n") if given is None else given
    return found


def _kind(kind: dict[str, Any]) -> dict[str, Any]:
    needed = set(kind["options"].get("required", ()))
    names = [n + ("*" if n in needed else "") for n in kind["options"]["properties"] if n not in kind["secrets"]]
    text = kind["text"][str(language())[:2]]
    return {**kind, "text": text, "options": ", ".join(names), "secrets": ", ".join(kind["secrets"])}


def _push(one: Push) -> dict[str, Any]:
    return {
        "id": one.id,
        "name": one.name,
        "table": one.table,
        "kind": one.kind,
        "target": one.target,
        "state": one.state.text,
        "version": one.version,
        "at": None if one.delivered_at is None else one.delivered_at.isoformat(timespec="seconds"),
        "why": one.why,
    }


def _delivery(one: PushDelivery) -> dict[str, Any]:
    return {
        "id": one.id,
        "sequence": one.sequence,
        "mode": one.mode.text,
        "version": one.version,
        "state": one.state.text,
        "attempts": one.attempts,
        "rows": one.rows,
        "gone": one.gone,
        "equal": None if one.proof is None else one.proof.get("equal"),
        "next": one.next_at.isoformat(timespec="seconds") if one.state.is_open else None,
        "why": one.why,
    }
