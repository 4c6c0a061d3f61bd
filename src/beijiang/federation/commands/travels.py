"""``beijiang federation parcel``: the data that another node granted, and what was granted given back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from beijiang.exchange import DisputeMove
from beijiang.federation.models.travels import ParcelForm
from beijiang.kit import SYSTEM, Actor, Text
from beijiang.terminal import Column, say, show

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.exchange import Exchange
    from beijiang.federation.models.travels import Parcel
    from beijiang.federation.service import Travels

__all__ = ["parcel_commands"]

_AS = typer.Option("", "--as", help="Login of the person to act as; without it the operator acts as the platform.")
_REQUEST = typer.Argument(help="Id of the request.")
_FORM = typer.Option(ParcelForm.CSV, "--format", help="csv, xlsx or parquet.")
_PARCELS = (
    Column("id", Text("标识", "id"), whole=True),
    Column("state", Text("状态", "state")),
    Column("node", Text("节点", "node")),
    Column("file", Text("文件", "file")),
    Column("grade", Text("最高分级", "grade")),
    Column("receipt", Text("对方回执", "receipt there"), spare=True),
    Column("reason", Text("原因", "why"), spare=True),
)


def parcel_commands(
    get: Callable[[], Travels], exchange: Callable[[], Exchange], access: Callable[[], Access]
) -> typer.Typer:
    """Return the command group."""
    group = typer.Typer(help="Data that another node granted: ask for them, collect them once.", no_args_is_help=True)

    def who(login: str) -> Actor:
        return access().actor_for_person(login) if login else SYSTEM

    @group.command("place")
    def place(
        resource: str = typer.Argument(help="Id of the entry here."),
        node: str = typer.Argument(
            "", help="Id of the linked node that holds the data; empty: they are not another node's."
        ),
        entry: str = typer.Argument("", help="Id of the entry at that node."),
        person: str = _AS,
    ) -> None:
        """State at which linked node the data of an entry without a table are."""
        found = get().place(who(person), resource, node, entry)
        say(
            Text("已登记为非他节点的数据。", "Stated: the data are not another node's.")
            if found is None
            else Text(
                f"数据在 {found.node_name.zh}，可以申请。", f"The data are held by {found.node_name.en}; ask for them."
            )
        )

    @group.command("want")
    def want(request: str = _REQUEST, form: ParcelForm = _FORM, person: str = _AS) -> None:
        """Ask the node that granted a request for its data; they come sealed for this one parcel."""
        show([_row(get().want(who(person), request, form))], _PARCELS)

    @group.command("list")
    def listed(request: str = _REQUEST, person: str = _AS) -> None:
        """Show the parcels of a request between nodes."""
        show([_row(one) for one in get().parcels(who(person), request)], _PARCELS)

    @group.command("collect")
    def collect(
        parcel: str = typer.Argument(help="Id of the parcel."),
        out: Path = typer.Argument(help="File to write; it must not exist."),  # noqa: B008
        person: str = _AS,
    ) -> None:
        """Write a parcel that has come to a file; once, for its key is gone afterwards."""
        with out.open("xb") as file:  # before the parcel is opened: it cannot be opened again
            try:
                found = get().collect(who(person), parcel)
            except BaseException:
                out.unlink()
                raise
            file.write(found.content)
        say(
            Text(
                f"已写入 {out}，对方回执 {found.parcel.receipt}。", f"Written to {out}; receipt {found.parcel.receipt}."
            )
        )

    @group.command("dispute")
    def dispute(
        request: str = _REQUEST,
        words: str = typer.Option(..., "--words", help="The reason; kept in the evidence."),
        move: DisputeMove = typer.Option(DisputeMove.RAISE, "--move", help="raise, agree, reply, appeal or withdraw."),  # noqa: B008
        person: str = _AS,
    ) -> None:
        """Disagree with what the node that decides did, or go on with a dispute there."""
        exchange().dispute(who(person), request, move, words)
        say(Text("已告知对方节点。", "The other node is told."))

    @group.command("give-back")
    def give_back(
        request: str = _REQUEST,
        words: str = typer.Option(..., "--words", help="The reason; kept in the evidence."),
        person: str = _AS,
    ) -> None:
        """Give back what another node granted on a request."""
        exchange().give_back(who(person), request, words)
        say(Text("已告知对方节点。", "The other node is told."))

    return group


def _row(one: Parcel) -> dict[str, Any]:
    return {
        "id": one.id,
        "state": one.state.text,
        "node": one.node_id,
        "file": one.file_name,
        "grade": one.grade,
        "receipt": one.receipt,
        "reason": one.reason or "",
    }
