"""A job as people see it, and what it may be in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from beijiang.kit import Actor, ActorKind, Text
from beijiang.kit.errors import JsonValue

__all__ = [
    "TERMINAL",
    "AccessCheck",
    "Job",
    "JobProgress",
    "JobState",
    "actor_from_json",
    "actor_to_json",
]


class JobState(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


TERMINAL = frozenset({JobState.DONE, JobState.FAILED, JobState.CANCELLED})
"""The states that a job never leaves."""


class AccessCheck(Protocol):
    """Ask whether an actor may do something; implemented by ``access``, which stands on the same floor."""

    def require(self, actor: Actor, permission: Any, org_id: str | None = None) -> None:
        """Return if ``actor`` may, raise ``Denied`` or ``Unauthenticated`` if not."""
        ...

    def allows(self, actor: Actor, permission: Any, org_id: str | None = None) -> bool:
        """Tell whether ``actor`` may."""
        ...


@dataclass(frozen=True, slots=True)
class JobProgress:
    """How far a running job is, in units of its own (usually bytes or rows)."""

    done: int = 0
    total: int | None = None
    note: Text = field(default_factory=lambda: Text("", ""))

    @property
    def share(self) -> float | None:
        """Return the done part between 0 and 1, if the whole is known."""
        return min(1.0, self.done / self.total) if self.total else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One piece of durable work."""

    id: str
    name: str
    org_id: str | None
    actor: Actor
    arguments: dict[str, JsonValue]
    state: JobState
    progress: JobProgress
    attempts: int
    """How often it was begun: more than once after a crash."""
    cancel_requested: bool
    submitted_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    result: JsonValue
    error: dict[str, JsonValue] | None
    """``code``, ``zh``, ``en`` and ``detail`` of what went wrong."""

    @property
    def share(self) -> float | None:
        """Return the done part between 0 and 1: all of it once the job is done, whatever it noted last."""
        return 1.0 if self.state is JobState.DONE else self.progress.share

    @property
    def ended(self) -> bool:
        """Tell whether nothing will happen to it any more."""
        return self.state in TERMINAL

    def to_json(self) -> dict[str, JsonValue]:
        """Return the job for an API answer or the terminal."""
        return {
            "id": self.id,
            "name": self.name,
            "state": self.state.value,
            "org_id": self.org_id,
            "submitted_by": self.actor.name,
            "submitted_at": self.submitted_at.isoformat(),
            "started_at": self.started_at.isoformat() if self.started_at else None,
            "ended_at": self.ended_at.isoformat() if self.ended_at else None,
            "attempts": self.attempts,
            "cancel_requested": self.cancel_requested,
            "progress": {
                "done": self.progress.done,
                "total": self.progress.total,
                "note": {"zh": self.progress.note.zh, "en": self.progress.note.en},
            },
            "result": self.result,
            "error": self.error,
        }


def actor_to_json(actor: Actor) -> dict[str, JsonValue]:
    """Write down who submitted a job, so that it later runs under the same name and rights."""
    return {
        "id": actor.id,
        "name": actor.name,
        "kind": actor.kind.value,
        "org_id": actor.org_id,
        "roles": [*sorted(str(r) for r in actor.roles)],
        "session_id": actor.session_id,
        "scopes": None if actor.scopes is None else [*sorted(actor.scopes)],
    }


def actor_from_json(value: Mapping[str, Any]) -> Actor:
    """Rebuild the submitter; a key keeps its limits, and one whose limits were not written down may do nothing."""
    kind, scopes = ActorKind(value["kind"]), value.get("scopes")
    limited = scopes is not None or kind is ActorKind.APPLICATION
    return Actor(
        id=value["id"],
        name=value["name"],
        kind=kind,
        org_id=value["org_id"],
        roles=frozenset(value["roles"]),
        session_id=value["session_id"],
        scopes=frozenset(scopes or ()) if limited else None,
    )
