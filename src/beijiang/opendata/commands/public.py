"""``beijiang portal``: what the public says, and who of the public wants an account."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import typer

from beijiang.kit import SYSTEM, Actor, Text
from beijiang.opendata.members import Registration, RegistrationState
from beijiang.opendata.voices import Outcome, Voice, VoiceAnswer, VoiceKind, VoiceQuery
from beijiang.opendata.works import Work, WorkState
from beijiang.terminal import Column, asked_after, say, show

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.opendata.hearing import Voices
    from beijiang.opendata.keeping import Keepings
    from beijiang.opendata.registering import Registrations

__all__ = ["members", "voices", "works"]

_SEEN = typer.Option(None, help="The `seen` of the work as you read it; without it you are shown and asked.")
_AS = typer.Option("", "--as", help="Login of the person to act as; without it the operator acts as the platform.")
_VOICE = typer.Argument(help="Number of the word of the public.")
_REGISTRATION = typer.Argument(help="Id of the registration.")

_MEMBERS = (
    Column("id", Text("编号", "id"), whole=True),
    Column("login", Text("登录名", "login"), whole=True),
    Column("name", Text("称呼", "name")),
    Column("standing", Text("身份", "standing")),
    Column("state", Text("状态", "state")),
    Column("at", Text("收到", "received")),
)
_VOICES = (
    Column("id", Text("编号", "id"), whole=True),
    Column("kind", Text("类别", "kind")),
    Column("state", Text("状态", "state")),
    Column("title", Text("事项", "about")),
    Column("org", Text("部门", "department")),
    Column("outcome", Text("结果", "outcome")),
    Column("due", Text("期限", "due")),
)


def members(get: Callable[[], Registrations], access: Callable[[], Access]) -> typer.Typer:
    """Return the commands of registrations."""
    group = typer.Typer(help="Registrations of the public: list, admit, refuse.", no_args_is_help=True)

    def who(login: str) -> Actor:
        return access().actor_for_person(login) if login else SYSTEM

    @group.command("list")
    def list_(
        state: RegistrationState = typer.Option(RegistrationState.WAITING, help="How they stand."),  # noqa: B008
        person: str = _AS,
    ) -> None:
        """List registrations."""
        found, _ = get().registrations(who(person), state)
        show([_member(one) for one in found], _MEMBERS)

    @group.command("contact")
    def contact(registration: str = _REGISTRATION, person: str = _AS) -> None:
        """Show how to reach who registered; goes on record."""
        reached = get().contact(who(person), registration)
        show({"contact": reached})

    @group.command("admit")
    def admit(registration: str = _REGISTRATION, person: str = _AS) -> None:
        """Make the account; its owner opens it with the code from the registration."""
        show([_member(get().admit(who(person), registration))], _MEMBERS)

    @group.command("refuse")
    def refuse(
        registration: str = _REGISTRATION,
        reason: str = typer.Option(..., help="Why; the person reads it."),
        person: str = _AS,
    ) -> None:
        """Refuse a registration."""
        show([_member(get().refuse(who(person), registration, reason))], _MEMBERS)

    return group


def voices(get: Callable[[], Voices], access: Callable[[], Access]) -> typer.Typer:
    """Return the commands of what the public says."""
    group = typer.Typer(help="Words of the public: list, pass on, answer, hide.", no_args_is_help=True)

    def who(login: str) -> Actor:
        return access().actor_for_person(login) if login else SYSTEM

    @group.command("list")
    def list_(
        kind: VoiceKind | None = typer.Option(None, help="Only of this kind."),  # noqa: B008
        words: str = typer.Option("", "--find", help="Words of the title or the answer."),
        over: bool = typer.Option(False, "--all", help="Also what is over."),
        person: str = _AS,
    ) -> None:
        """List what the department has to answer."""
        found, _ = get().desk(who(person), VoiceQuery(kind=kind, words=words, open_only=not over, size=200))
        show([_row(get(), view.voice) for view in found], _VOICES)

    @group.command("show")
    def show_(voice: str = _VOICE, person: str = _AS) -> None:
        """Show one with its words and its answer."""
        found = get().view(who(person), voice).voice
        show(_row(get(), found) | {"words": found.words, "answer": found.answer, "basis": found.basis})

    @group.command("dispatch")
    def dispatch(
        voice: str = _VOICE, org: str = typer.Argument(help="Id of the department."), person: str = _AS
    ) -> None:
        """Pass it to the department that shall answer."""
        show([_row(get(), get().dispatch(who(person), voice, org))], _VOICES)

    @group.command("answer")
    def answer(
        voice: str = _VOICE,
        *,
        outcome: Outcome = typer.Option(..., help="What came of it."),  # noqa: B008
        words: str = typer.Option(..., help="The answer; everybody reads it."),
        basis: str = typer.Option("", help="Document and article; needed where it is a no."),
        result: str = typer.Option("", help="Id of the data set that it led to."),
        person: str = _AS,
    ) -> None:
        """Answer in public."""
        given = VoiceAnswer(outcome=outcome, words=words, basis=basis, result_id=result)
        show([_row(get(), get().answer(who(person), voice, given))], _VOICES)

    @group.command("decline")
    def decline(
        voice: str = _VOICE, reason: str = typer.Option(..., help="Why; who said it reads it."), person: str = _AS
    ) -> None:
        """Not take it up."""
        show([_row(get(), get().decline(who(person), voice, reason))], _VOICES)

    @group.command("ticket")
    def ticket(voice: str = _VOICE, person: str = _AS) -> None:
        """Make a ticket of quality of a correction."""
        made = get().open_ticket(who(person), voice)
        say(Text(f"校核工单 {made.ticket_id} 已开。", f"Ticket {made.ticket_id} is open."))

    @group.command("hide")
    def hide(
        voice: str = _VOICE, reason: str = typer.Option(..., help="Why; stays on record."), person: str = _AS
    ) -> None:
        """Take it from the public pages."""
        show([_row(get(), get().hide(who(person), voice, reason))], _VOICES)

    @group.command("unhide")
    def unhide(voice: str = _VOICE, person: str = _AS) -> None:
        """Give it back to the public pages."""
        show([_row(get(), get().show(who(person), voice))], _VOICES)

    return group


def works(get: Callable[[], Keepings], access: Callable[[], Access]) -> typer.Typer:
    """Return the commands of works."""
    group = typer.Typer(help="Works that the public made of the data: list, show, refuse.", no_args_is_help=True)
    columns = (
        Column("id", Text("编号", "id"), whole=True),
        Column("kind", Text("类别", "kind")),
        Column("title", Text("名称", "title")),
        Column("author", Text("作者", "author")),
        Column("state", Text("状态", "state")),
    )

    def who(login: str) -> Actor:
        return access().actor_for_person(login) if login else SYSTEM

    def row(one: Work) -> dict[str, Any]:
        return {
            "id": one.id,
            "kind": one.kind.value,
            "title": one.title,
            "author": one.author,
            "state": one.state.value,
            "seen": one.shown.token,
        }

    def asked(actor: Actor, work: str) -> str:
        found = next((w for state in WorkState for w in get().handed_in(actor, state) if w.id == work), None)
        if found is None:
            return ""
        told = {**row(found), "words": found.words, "link": found.link, "reason": found.reason}
        return asked_after(lambda: show(told, columns), found.shown.token)

    @group.command("list")
    def list_(
        state: WorkState = typer.Option(WorkState.WAITING, help="How they stand."),  # noqa: B008
        person: str = _AS,
    ) -> None:
        """List works."""
        show([row(one) for one in get().handed_in(who(person), state)], columns)

    @group.command("show")
    def show_(work: str = typer.Argument(help="Id of the work."), seen: str = _SEEN, person: str = _AS) -> None:
        """Show a work on the portal. Without --seen it is shown to you first."""
        actor = who(person)
        seen = asked(actor, work) if seen is None else seen
        show([row(get().decide(actor, work, shown=True, seen=seen))], columns)

    @group.command("refuse")
    def refuse(
        work: str = typer.Argument(help="Id of the work."),
        reason: str = typer.Option(..., help="Why; its maker reads it."),
        seen: str = _SEEN,
        person: str = _AS,
    ) -> None:
        """Not show a work, or show it no more. Without --seen it is shown to you first."""
        actor = who(person)
        seen = asked(actor, work) if seen is None else seen
        show([row(get().decide(actor, work, shown=False, reason=reason, seen=seen))], columns)

    return group


def _member(one: Registration) -> dict[str, Any]:
    return {
        "id": one.id,
        "login": one.login,
        "name": one.name,
        "standing": one.standing.value,
        "state": one.state.value,
        "at": one.created_at.isoformat(timespec="minutes"),
    }


def _row(service: Voices, one: Voice) -> dict[str, Any]:
    due = None if one.state.is_over else service.due(one)
    return {
        "id": one.id,
        "kind": one.kind.value,
        "state": one.state.value,
        "title": one.title,
        "org": one.org_id or "-",
        "outcome": "-" if one.outcome is None else one.outcome.value,
        "due": "-" if due is None else str(due.last_day),
    }
