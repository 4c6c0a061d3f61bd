"""Facts that exchange publishes."""

from __future__ import annotations

from dataclasses import dataclass

from beijiang.kit import Event

__all__ = ["DisputeWon", "GrantMoved", "PushMoved", "RequestMoved"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DisputeWon(Event):
    """A dispute about a correction ended for who raised it; the ticket has to be worked at again."""

    dispute_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestMoved(Event):
    """A request that came from another node moved, or what was granted on it; the other node should know."""

    request_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantMoved(Event):
    """A grant was made, changed or ended."""

    grant_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PushMoved(Event):
    """A push subscription was made, changed or ended, or, with the id of the delivery, brought rows to where they belong."""

    push_id: str
    delivery_id: str = ""
    rows: int = 0
