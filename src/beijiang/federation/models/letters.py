"""A letter from one node to another, and what became of it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from beijiang.kit import Actor, ActorKind, Text, Word
from beijiang.kit.errors import JsonValue

__all__ = ["LETTER_MOST", "Kept", "Letter", "LetterState", "Way", "canonical", "digest_of", "node_actor"]

LETTER_MOST: Final = 256 << 10
"""Bytes of the body of one letter."""


class Way(Word):
    """Whether a letter came or went."""

    IN = "in", "收到", "received"
    OUT = "out", "发出", "sent"


class LetterState(Word):
    """Where a letter stands."""

    WAITING = "waiting", "待送达", "waiting to be delivered"
    READ = "read", "已办理", "read"
    REFUSED = "refused", "被退回", "refused"
    WITHDRAWN = "withdrawn", "已撤回", "withdrawn"


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """One message; ``id`` is its writer's, so it is known by origin and id together."""

    id: str
    node_id: str
    """The other node: where it came from, or where it goes."""
    way: Way
    number: int
    """Counts the letters of its writer to this reader, from 1."""
    kind: str
    subject: str
    """What it is about: letters about one thing are read in the order in which they were written."""
    body: Mapping[str, JsonValue]
    digest: str
    """SHA-256 over what was written (``digest_of``); the evidence of both sides names it."""
    state: LetterState
    code: str
    reason: Text | None
    """Why it was refused, or why it still waits."""
    attempts: int
    written_at: datetime
    next_at: datetime
    answered_at: datetime | None
    cleared_at: datetime | None = None
    """When its words went because their time to be kept was over; what refuses it to come again stays."""

    def to_json(self) -> dict[str, Any]:
        """Return the letter for an API answer or the terminal, without its body."""
        return {
            "id": self.id,
            "node_id": self.node_id,
            "way": self.way.value,
            "number": self.number,
            "kind": self.kind,
            "subject": self.subject,
            "digest": self.digest,
            "state": self.state.value,
            "code": self.code,
            "reason": None if self.reason is None else {"zh": self.reason.zh, "en": self.reason.en},
            "attempts": self.attempts,
            "written_at": self.written_at.isoformat(),
            "answered_at": self.answered_at.isoformat() if self.answered_at else None,
            "cleared_at": self.cleared_at.isoformat() if self.cleared_at else None,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """How long letters of some kinds are kept, and what a legal hold keeps for longer."""

    text: Text
    rule: str
    limit: Text
    basis: str
    until: datetime
    """Settled letters older than this are cleared."""
    kinds: tuple[str, ...]
    """Beginnings of kinds; none means all but ``others``."""
    others: tuple[str, ...]
    held: frozenset[str] = frozenset()
    """Ids of letters that a hold names."""
    held_nodes: frozenset[str] = frozenset()
    held_subjects: frozenset[str] = frozenset()
    due: int = 0
    """How many are past it now."""

    def to_json(self) -> dict[str, Any]:
        """Return the clock for an API answer or the terminal."""
        return {
            "letters": {"zh": self.text.zh, "en": self.text.en},
            "rule": self.rule,
            "limit": {"zh": self.limit.zh, "en": self.limit.en},
            "basis": self.basis,
            "until": self.until.isoformat(),
            "due": self.due,
        }


def canonical(value: JsonValue | Mapping[str, JsonValue]) -> str:
    """Return JSON in the one form that is kept, sent and hashed."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


def digest_of(origin: str, letter_id: str, kind: str, subject: str, body: str) -> str:
    """Return SHA-256 in hex over origin, id, kind, subject and body, as one JSON list."""
    return hashlib.sha256(canonical([origin, letter_id, kind, subject, body]).encode()).hexdigest()


def node_actor(letter: Letter) -> Actor:
    """Return the node that wrote a letter as a subject: it holds no role and no right of this platform."""
    return Actor(
        id=f"node:{letter.node_id}",
        name=letter.node_id,
        kind=ActorKind.APPLICATION,
        roles=frozenset(),
        scopes=frozenset(),
    )
