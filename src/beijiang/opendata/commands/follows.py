"""``beijiang portal follows``: subscriptions to news of data."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import typer

from beijiang.kit import SYSTEM, Actor, Language, Text
from beijiang.opendata.follows import Follow, FollowDraft, FollowKind, FollowPace, FollowWay
from beijiang.terminal import Column, say, show

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.opendata.following import Follows

__all__ = ["follows"]

_AS = typer.Option(..., "--as", help="Login of the person whose subscriptions they are.")
_FOLLOW = typer.Argument(help="Id of the subscription.")
_COLUMNS = (
    Column("id", Text("编号", "id"), whole=True),
    Column("kind", Text("类别", "kind")),
    Column("name", Text("内容", "what")),
    Column("way", Text("方式", "way")),
    Column("pace", Text("频次", "pace")),
    Column("state", Text("状态", "state")),
    Column("error", Text("问题", "trouble")),
)
_COUNTS = (
    Column("kind", Text("类别", "kind")),
    Column("way", Text("方式", "way")),
    Column("state", Text("状态", "state")),
    Column("number", Text("数量", "number")),
)


def follows(get: Callable[[], Follows], access: Callable[[], Access]) -> typer.Typer:
    """Return the commands of subscriptions."""
    group = typer.Typer(help="Subscriptions to news of data: list, add, end, resume, count.", no_args_is_help=True)

    @group.command("list")
    def list_(person: str = _AS) -> None:
        """List what a person follows."""
        found = get().own(access().actor_for_person(person))
        show([_row(one, name) for one, name in found], _COLUMNS)

    @group.command("add")
    def add(
        kind: FollowKind = typer.Option(..., help="What is followed."),  # noqa: B008
        what: str = typer.Option(
            ..., help="Id of the data set or department, code of the topic, or a search: q=...&theme=..."
        ),
        way: FollowWay = typer.Option(FollowWay.NOTICE, help="How to be told."),  # noqa: B008
        pace: FollowPace = typer.Option(FollowPace.ONCE, help="How often at most."),  # noqa: B008
        to: str = typer.Option("", help="Mail address, or address of the receiver."),
        language: Language = typer.Option(Language.ZH, help="Language of mails."),  # noqa: B008
        person: str = _AS,
    ) -> None:
        """Follow something; the secret of a webhook is shown this once."""
        draft = FollowDraft(kind=kind, what=what, way=way, pace=pace, to=to, language=language)
        made = get().follow(access().actor_for_person(person), draft)
        show(
            [{**_row(made.follow, ""), "secret": made.secret}],
            (*_COLUMNS, Column("secret", Text("密钥", "secret"), whole=True)),
        )

    @group.command("end")
    def end(follow: str = _FOLLOW, person: str = _AS) -> None:
        """Follow it no more."""
        get().end(access().actor_for_person(person), follow)
        say(Text("已退订。", "Ended."))

    @group.command("resume")
    def resume(follow: str = _FOLLOW, person: str = _AS) -> None:
        """Begin again with one that was switched off."""
        show([_row(get().resume(access().actor_for_person(person), follow), "")], _COLUMNS)

    @group.command("count")
    def count(
        person: str = typer.Option(
            "", "--as", help="Login of the person to act as; without it the operator acts as the platform."
        ),
    ) -> None:
        """Count subscriptions by kind, way and state; nobody's address is shown."""
        who: Actor = access().actor_for_person(person) if person else SYSTEM
        words = ("kind", "way", "state", "number")
        show([dict(zip(words, one, strict=True)) for one in get().counts(who)], _COUNTS)

    return group


def _row(one: Follow, name: str) -> dict[str, Any]:
    return {**one.to_json(), "name": name or one.what}
