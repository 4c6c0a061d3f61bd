"""``beijiang exchange extend`` and its neighbours: more time for a request, with consent; and time that stands still."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import typer

from beijiang.exchange.commands.matters import acting
from beijiang.exchange.commands.sharing import request_row
from beijiang.exchange.commands.told import REQUESTS
from beijiang.standards import PauseReason
from beijiang.terminal import show

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.exchange.service import Exchange

__all__ = ["add_times"]

_AS = typer.Option("", "--as", help="Login of the person to act as; without it the operator acts as the platform.")
_REQUEST = typer.Argument(help="Id of the request.")
_REASON = typer.Option(..., "--words", help="The reason; kept in the evidence.")


def add_times(group: typer.Typer, get: Callable[[], Exchange], access: Callable[[], Access]) -> None:
    """Add the commands to those of exchange."""
    who = acting(access)

    @group.command("extend")
    def extend(
        request: str = _REQUEST,
        days: int = typer.Option(..., help="By how many days of the rule.", min=1),
        words: str = _REASON,
        person: str = _AS,
    ) -> None:
        """Extend the time of the stage once, before it is due; or ask the data authority to."""
        show([request_row(get().extend(who(person), request, days, words))], REQUESTS)

    @group.command("consent")
    def consent(
        request: str = _REQUEST,
        words: str = _REASON,
        refuse: bool = typer.Option(False, "--refuse", help="Do not agree."),
        revision: int | None = typer.Option(None, help="The revision that was looked at; another one is refused."),
        person: str = _AS,
    ) -> None:
        """Consent to more time that was asked for, as the data authority, or not."""
        done = get().answer_extension(who(person), request, words, agree=not refuse, revision=revision)
        show([request_row(done)], REQUESTS)

    @group.command("pause-time")
    def pause(
        request: str = _REQUEST,
        reason: PauseReason = typer.Option(..., help="Why: third_party or force_majeure."),  # noqa: B008
        words: str = _REASON,
        person: str = _AS,
    ) -> None:
        """Let the time of the stage stand still, for a third party or force majeure."""
        show([request_row(get().pause(who(person), request, reason, words))], REQUESTS)

    @group.command("resume-time")
    def resume(request: str = _REQUEST, words: str = _REASON, person: str = _AS) -> None:
        """Let the time of the stage run on."""
        show([request_row(get().resume_time(who(person), request, words))], REQUESTS)
