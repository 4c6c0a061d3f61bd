"""``beijiang notices``: what concerns a person, and how the person wants to hear of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from beijiang.kit import SYSTEM, Actor, Text
from beijiang.notices.models import NoticeKind, NoticeQuery, Way
from beijiang.terminal import Column, as_json, language, say, show

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.notices.models import Shown
    from beijiang.notices.service import Mail, Notices

__all__ = ["commands"]

_AS = typer.Option("", "--as", help="Login of the person whose notices they are.")

_NOTICES = (
    Column("id", Text("通知号", "id"), whole=True),
    Column("at", Text("时间", "at")),
    Column("kind", Text("类别", "kind")),
    Column("read", Text("已读", "read")),
    Column("words", Text("内容", "what"), spare=True),
    Column("href", Text("地址", "where"), spare=True),
)
_CHOICES = (Column("kind", Text("类别", "kind")), Column("way", Text("方式", "how")))


def commands(get: Callable[[], Notices], get_mail: Callable[[], Mail], access: Callable[[], Access]) -> typer.Typer:
    """Return the command group."""
    group = typer.Typer(help="Notices: list, read, choose how to hear of each kind.", no_args_is_help=True)

    def acting(login: str) -> Actor:
        return access().actor_for_person(login) if login else SYSTEM

    @group.command("list")
    def list_notices(
        kind: Annotated[NoticeKind | None, typer.Option(help="Only of this kind.")] = None,
        unread: bool = typer.Option(False, "--unread", help="Only unread ones."),
        limit: int = typer.Option(50, min=1, max=100, help="How many to show, newest first."),
        person: str = _AS,
    ) -> None:
        """List somebody's notices, newest first."""
        query = NoticeQuery(kind=kind, unread_only=unread, limit=limit)
        show([_row(one) for one in get().notices(acting(person), query)], _NOTICES)

    @group.command("read")
    def read(
        notice_id: str = typer.Argument("", help="Id of the notice; none marks all."),
        person: str = _AS,
    ) -> None:
        """Mark one notice, or all, as read."""
        if notice_id:
            show(_row(get().open(acting(person), notice_id)), _NOTICES)
            return
        done = get().read_all(acting(person))
        say(Text(f"已将 {done} 条标为已读。", f"{done} marked as read."))

    @group.command("choices")
    def choices(person: str = _AS) -> None:
        """Show how somebody wants to hear of each kind."""
        _show_choices(get().choices(acting(person)))

    @group.command("choose")
    def choose(
        kind: Annotated[NoticeKind, typer.Argument(help="Which kind.")],
        way: Annotated[Way, typer.Argument(help="How to hear of it.")],
        person: str = _AS,
    ) -> None:
        """Say how to hear of a kind from now on."""
        _show_choices(get().choose(acting(person), {kind: way}))

    _add_mail(group, get_mail, acting)
    return group


def _add_mail(group: typer.Typer, get: Callable[[], Mail], acting: Callable[[str], Actor]) -> None:
    @group.command("address")
    def address(
        to: str = typer.Argument("", help="Where to send mail; none shows the address. A code is sent there."),
        code: str = typer.Option("", help="The code that was sent, which proves the address."),
        forget: bool = typer.Option(False, "--forget", help="Forget the address."),
        person: str = _AS,
    ) -> None:
        """Show, name, prove or forget somebody's mail address."""
        mail, who = get(), acting(person)
        if forget:
            mail.drop_address(who)
        elif to:
            mail.set_address(who, to, language())
        elif code:
            mail.prove_address(who, code)
        found = mail.address(who)
        proved = found is not None and found.verified_at is not None
        show({"address": "" if found is None else found.address, "proved": proved, "set_up": mail.is_set_up})

    @group.command("mail")
    def mail_standing(
        test: str = typer.Option("", help="Send a test to this address now."),
        person: str = _AS,
    ) -> None:
        """Show how mail is set up and what waits; send a test."""
        if test:
            get().try_out(acting(person), test)
            say(Text("试发成功。", "The test was taken by the mail server."))
        show(get().standing(acting(person)))

    @group.command("mail-password")
    def mail_password(
        password: str = typer.Option(
            ..., prompt=True, hide_input=True, help="Asked for where it is not given; empty forgets it."
        ),
        person: str = _AS,
    ) -> None:
        """Seal the password of the mail account; no log or page ever shows it."""
        get().set_password(acting(person), password)
        say(Text("已封存。", "It is sealed."))


def _show_choices(choices: dict[NoticeKind, Way]) -> None:
    show([{"kind": kind.value, "way": way.value} for kind, way in choices.items()], _CHOICES)


def _row(one: Shown) -> dict[str, Any]:
    if as_json():
        return one.to_json()
    return {
        "id": one.notice.id,
        "at": one.notice.at,
        "kind": one.notice.kind.text.in_language(language()),
        "read": one.notice.read_at is not None,
        "words": one.line(language()),
        "href": "" if one.seen is None else one.seen.href,
    }
