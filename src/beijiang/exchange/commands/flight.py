"""``beijiang exchange flight``: where Flight SQL is served, and what one may read by it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import typer

from beijiang.kit import SYSTEM, Text
from beijiang.terminal import Column, say, show

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.exchange.service import FlightSql

__all__ = ["add_flight"]

_AS = typer.Option("", "--as", help="Login of the person to act as; without it the operator acts as the platform.")
_TABLES = (
    Column("department", Text("部门", "department")),
    Column("table", Text("表", "table"), whole=True),
)


def add_flight(group: typer.Typer, service: Callable[[], FlightSql], access: Callable[[], Access]) -> None:
    """Add the command."""

    @group.command("flight")
    def flight(as_: str = _AS) -> None:
        """Say where Flight SQL is served and which tables can be read by it."""
        state, tables = service().offer(access().actor_for_person(as_) if as_ else SYSTEM)
        if state.address:
            say(Text(f"地址 {state.address}", f"at {state.address}"))
        else:
            say(Text("没有启用，请用 beijiang serve --flight。", "Not served; start it with beijiang serve --flight."))
        show([{"department": one.schema, "table": one.name} for one in tables], _TABLES)
