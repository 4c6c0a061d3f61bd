"""``beijiang evidence hold``: what must be kept for a proceeding."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import typer

from beijiang.evidence.models.holds import Hold, HoldDraft, HoldKind
from beijiang.kit import Actor, Text
from beijiang.terminal import Column, asked_after, show

if TYPE_CHECKING:
    from beijiang.evidence.service import Holds

__all__ = ["holds"]

_AS = typer.Option(..., "--as", help="Login of the administrator who does it.")
_HOLD = typer.Argument(help="Id of the hold.")
_AGREE = typer.Option(True, "--agree/--decline", help="Whether the second person agrees.")
_SEEN = typer.Option(None, help="The `seen` of the hold as you read it; without it you are shown and asked.")
_COLUMNS = (
    Column("id", Text("编号", "id"), whole=True),
    Column("kind", Text("种类", "kind")),
    Column("name", Text("对象", "what"), whole=True),
    Column("state", Text("状态", "state")),
    Column("records", Text("记录数", "records")),
    Column("basis", Text("依据", "basis"), spare=True),
)


def holds(get: Callable[[], Holds], who: Callable[[str], Actor]) -> typer.Typer:
    """Return the commands of legal holds; ``who`` finds a person by login."""
    group = typer.Typer(help="Legal holds: ask, confirm, lift, confirm the lifting.", no_args_is_help=True)

    def tell(*found: Hold) -> None:
        show([one.to_json() for one in found], _COLUMNS)

    @group.command("list")
    def list_(person: str = _AS) -> None:
        """List every hold there was."""
        tell(*get().all(who(person)))

    @group.command("ask")
    def ask(
        kind: HoldKind = typer.Argument(help="What is named."),  # noqa: B008
        name: str = typer.Argument(help="Id of the person or key, target as the log has it, or name of the table."),
        basis: str = typer.Option(..., help="On what basis."),
        to_come: bool = typer.Option(
            False, "--to-come", help="Nothing of this name is there yet: keep what will come."
        ),
        person: str = _AS,
    ) -> None:
        """Ask for a hold; it keeps at once, another person confirms."""
        tell(get().ask(who(person), HoldDraft(kind, name, basis, to_come)))

    @group.command("confirm")
    def confirm(hold: str = _HOLD, agree: bool = _AGREE, person: str = _AS) -> None:
        """Confirm or decline a hold as the second person."""
        tell(get().confirm(who(person), hold, agree=agree))

    @group.command("lift")
    def lift(hold: str = _HOLD, basis: str = typer.Option(..., help="On what basis."), person: str = _AS) -> None:
        """Ask for the end of a hold."""
        tell(get().ask_lift(who(person), hold, basis))

    @group.command("confirm-lift")
    def confirm_lift(hold: str = _HOLD, agree: bool = _AGREE, seen: str = _SEEN, person: str = _AS) -> None:
        """Confirm or decline the end of a hold as the second person. Without --seen it is shown first."""
        actor = who(person)
        if agree and seen is None:
            found = next((one for one in get().all(actor) if one.id == hold), None)
            seen = "" if found is None else asked_after(lambda: show(found.to_json()), found.shown.token)
        tell(get().confirm_lift(actor, hold, agree=agree, seen=seen))

    return group
