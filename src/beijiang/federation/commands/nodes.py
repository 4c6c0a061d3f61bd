"""``beijiang federation``: which node this is, links to others, and letters."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import typer

from beijiang.federation.models import Bearing, Letter, LetterState, Link, Way
from beijiang.kit import SYSTEM, Actor, Text
from beijiang.terminal import Column, asked_after, language, say, show

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.federation.models import Card
    from beijiang.federation.service import Letters, Nodes

__all__ = ["commands"]

_AS = typer.Option("", "--as", help="Login of the person to act as; without it the operator acts as the platform.")
_NODE = typer.Argument(help="Id of the node, such as NM-1502.")
_WORDS = typer.Option(..., help="Why; both logs keep it.")
_SEEN = typer.Option(None, help="The `seen` of what you were shown; without it you are shown and asked.")
_INVITATION = typer.Argument(help="The invitation, whole.")
_LINKS = (
    Column("node_id", Text("节点", "node"), whole=True),
    Column("name", Text("名称", "name")),
    Column("bearing", Text("上下级", "stands")),
    Column("state", Text("状态", "state")),
    Column("waiting", Text("待送达", "waiting"), right=True),
    Column("heard_at", Text("最近来信", "last heard"), spare=True),
    Column("fingerprint", Text("公钥指纹", "fingerprint"), spare=True),
    Column("trouble", Text("问题", "trouble")),
)
_LETTERS = (
    Column("id", Text("信件号", "id"), whole=True),
    Column("node_id", Text("节点", "node"), whole=True),
    Column("way", Text("方向", "way")),
    Column("kind", Text("种类", "kind")),
    Column("state", Text("状态", "state")),
    Column("attempts", Text("次数", "tries"), right=True),
    Column("written_at", Text("写信时间", "written")),
    Column("reason", Text("原因", "reason")),
    Column("cleared_at", Text("已清除", "cleared"), spare=True),
)


def commands(get: Callable[[], Nodes], post: Callable[[], Letters], access: Callable[[], Access]) -> typer.Typer:
    """Return the commands of linkage."""
    group = typer.Typer(
        help="Three-level linkage: which node this is, links to nodes above and below, letters.", no_args_is_help=True
    )

    def who(login: str) -> Actor:
        return access().actor_for_person(login) if login else SYSTEM

    _add_identity(group, get, who)
    _add_linking(group, get, who)
    _add_letters(group, get, post, who)
    return group


def _add_identity(group: typer.Typer, get: Callable[[], Nodes], who: Callable[[str], Actor]) -> None:
    @group.command("identity")
    def identity(
        node: str = typer.Option("", help="Id: as in jurisdictions.csv, or your own for a unit below."),
        name: str = typer.Option("", help="Name in Chinese; known for listed units."),
        name_en: str = typer.Option("", help="Name in English."),
        tier: int = typer.Option(0, help="1 region, 2 league or city, 3 banner or county."),
        region: str = typer.Option("", help="Region code, 6 to 12 digits."),
        url: str = typer.Option("", help="Where others reach it; default public_url."),
        person: str = _AS,
    ) -> None:
        """Show which node this is, or say it with --node."""
        from beijiang.federation.service import Identity

        if node:
            show(_card(get().set_identity(who(person), Identity(node, name, name_en, tier, region, url))))
            return
        found = get().identity(who(person))
        if found is None:
            say(Text("尚未填写。用 --node 填写。", "Not said yet. Say it with --node."), always=True)
        else:
            show(_card(found))

    @group.command("replace-key")
    def replace_key(person: str = _AS) -> None:
        """Sign with a new key; linked nodes are told by a letter that the old one signs."""
        show(_card(get().replace_key(who(person))))


def _add_linking(group: typer.Typer, get: Callable[[], Nodes], who: Callable[[str], Actor]) -> None:
    @group.command("invite")
    def invite(
        node: str = _NODE,
        bearing: Bearing = typer.Option(..., help="Where it stands, seen from here."),  # noqa: B008
        person: str = _AS,
    ) -> None:
        """Make an invitation for one node, good once and for seven days; hand it over by a way that you trust."""
        made = get().invite(who(person), node, bearing)
        typer.echo(str(made))
        say(
            Text(
                f"有效期至 {made.expires_at:%Y-%m-%d %H:%M} UTC。对方接受后，请核对指纹并确认。",
                f"Good until {made.expires_at:%Y-%m-%d %H:%M} UTC. When it was accepted, compare fingerprints and confirm.",
            )
        )

    @group.command("accept")
    def accept(invitation: str = _INVITATION, seen: str = _SEEN, person: str = _AS) -> None:
        """Accept an invitation. Without --seen the node that it leads to is shown first."""
        actor = who(person)
        if seen is None:
            found = get().look(actor, invitation)
            seen = asked_after(lambda: show(found.to_json()), found.shown.token)
        show(_link(get().accept(actor, invitation, seen), {}))

    @group.command("look")
    def look(invitation: str = _INVITATION, person: str = _AS) -> None:
        """Show the node that an invitation leads to, with the `seen` to accept it."""
        show(get().look(who(person), invitation).to_json())

    @group.command("confirm")
    def confirm(node: str = _NODE, seen: str = _SEEN, person: str = _AS) -> None:
        """Confirm a link whose fingerprint was compared. Without --seen it is shown first."""
        actor = who(person)
        if seen is None:
            found = get().link(actor, node)
            seen = asked_after(lambda: show(found.to_json()), found.shown.token)
        show(_link(get().confirm(actor, node, seen), {}))

    @group.command("suspend")
    def suspend(node: str = _NODE, words: str = _WORDS, person: str = _AS) -> None:
        """Suspend a link; letters wait on both sides."""
        show(_link(get().suspend(who(person), node, words), {}))

    @group.command("resume")
    def resume(node: str = _NODE, words: str = _WORDS, person: str = _AS) -> None:
        """Let a suspended link go on."""
        show(_link(get().resume(who(person), node, words), {}))

    @group.command("end")
    def end(node: str = _NODE, words: str = _WORDS, person: str = _AS) -> None:
        """End a link; what waits is taken back, and the other side is told."""
        show(_link(get().end(who(person), node, words), {}))


def _add_letters(
    group: typer.Typer, get: Callable[[], Nodes], post: Callable[[], Letters], who: Callable[[str], Actor]
) -> None:
    @group.command("links")
    def links(person: str = _AS) -> None:
        """List the links, their letters and troubles."""
        actor = who(person)
        counts = post().counts(actor)
        show([_link(one, counts.get(one.node_id, {})) for one in get().links(actor)], _LINKS)

    @group.command("show")
    def show_(node: str = _NODE, person: str = _AS) -> None:
        """Show one link, with the `seen` to confirm it."""
        show(get().link(who(person), node).to_json())

    @group.command("letters")
    def letters(
        node: str = typer.Option("", help="Only of this node."),
        way: Way | None = typer.Option(None, help="Only received or only sent ones."),  # noqa: B008
        state: LetterState | None = typer.Option(None, help="Only those that stand so."),  # noqa: B008
        person: str = _AS,
    ) -> None:
        """List letters that came and went, newest first."""
        ways = (way,) if way else tuple(Way)
        states = (state,) if state else tuple(LetterState)
        found, _ = post().page(who(person), node, ways, states)
        show([_letter(one) for one in found], _LETTERS)

    @group.command("resend")
    def resend(node: str = _NODE, letter: str = typer.Argument(help="Id of the letter."), person: str = _AS) -> None:
        """Post a letter that waits now, or one that was refused anew."""
        made = post().resend(who(person), node, letter)
        say(Text(f"已排队发出：{made.id}。", f"On its way: {made.id}."))

    @group.command("post")
    def post_() -> None:
        """Post what waits, now, in this process; the server does it by itself."""
        count = post().post_due()
        say(Text(f"{count} 封得到答复。", f"{count} letters were answered."))


def _card(card: Card) -> dict[str, Any]:
    return {**card.model_dump(), "fingerprint": card.fingerprint}


def _link(link: Link, counts: dict[str, int]) -> dict[str, Any]:
    told = link.to_json()
    words = link.trouble.in_language(language()) if link.trouble else ""
    return {
        **told,
        "name": link.card.name.in_language(language()),
        "waiting": counts.get("out.waiting", 0),
        "trouble": words,
    }


def _letter(letter: Letter) -> dict[str, Any]:
    return {**letter.to_json(), "reason": letter.reason.in_language(language()) if letter.reason else ""}
