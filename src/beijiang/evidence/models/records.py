"""What one record says, how records are chained, and what a check may find. No input or output."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Self

from beijiang.evidence.verifier import commitment_of
from beijiang.kit import Actor, Text, new_id
from beijiang.kit.errors import JsonValue

GENESIS = "0" * 64
"""The digest before the first record."""

TARGET_LIMIT = 400
"""Characters of a target that are kept; longer ones are cut."""

ADDING = frozenset({"read.close", "read.refused", "read.sent"})
"""Actions of records that add something to a receipt."""

_FORMAT = 1
_CANONICAL = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


class EvidenceRight(StrEnum):
    """The permissions that reading the log asks for; access grants them under the same names."""

    CHECK = "evidence:log:check"
    ERASE = "evidence:log:erase"
    EXPORT = "evidence:log:export"
    HOLD = "evidence:hold:set"
    PEERS = "evidence:peer:manage"
    RECEIPT = "evidence:receipt:read"
    READ = "evidence:log:read"
    TREE = "evidence:tree:read"


class Decision(StrEnum):
    """How a question was answered."""

    ALLOW = "allow"
    DENY = "deny"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One fact on its way into the log: who did what to what, and how it was decided."""

    actor: Actor
    action: str
    target: str
    at: datetime
    decision: str = Decision.ALLOW
    purpose: str = ""
    exit: str | None = None
    version: int | None = None
    policy: str | None = None
    columns: tuple[str, ...] | None = None
    rows: int | None = None
    bytes: int | None = None
    grade: str | None = None
    detail: Mapping[str, JsonValue] = field(default_factory=dict)
    id: str = field(default_factory=lambda: new_id("ev"))

    def __post_init__(self) -> None:
        if len(self.target) > TARGET_LIMIT:
            object.__setattr__(self, "target", self.target[: TARGET_LIMIT - 1] + "…")

    @property
    def about(self) -> str | None:
        """Return the receipt that this entry adds something to."""
        return about(self.action, self.detail)

    def body(self, sequence: int) -> str:
        """Return the canonical JSON of this entry at its place: sorted keys, no blanks, nothing that is None."""
        who = {
            "id": self.actor.id,
            "name": self.actor.name,
            "kind": str(self.actor.kind),
            "org": self.actor.org_id,
            "session": self.actor.session_id,
        }
        facts: dict[str, Any] = {
            "format": _FORMAT,
            "sequence": sequence,
            "id": self.id,
            "at": moment(self.at),
            "actor": {key: value for key, value in who.items() if value is not None},
            "action": self.action,
            "target": self.target,
            "decision": str(self.decision),
            "purpose": self.purpose or None,
            "exit": None if self.exit is None else str(self.exit),
            "version": self.version,
            "policy": self.policy,
            "columns": None if self.columns is None else list(self.columns),
            "rows": self.rows,
            "bytes": self.bytes,
            "grade": None if self.grade is None else str(self.grade),
            "detail": dict(self.detail) or None,
        }
        return canonical({key: value for key, value in facts.items() if value is not None})


@dataclass(frozen=True, slots=True)
class EvidenceRecord:
    """One record of the log as it is read back."""

    sequence: int
    id: str
    at: datetime
    actor_id: str
    actor_name: str
    actor_kind: str
    org_id: str | None
    session_id: str | None
    action: str
    target: str
    decision: str
    purpose: str
    exit: str | None
    version: int | None
    policy: str | None
    columns: tuple[str, ...] | None
    rows: int | None
    bytes: int | None
    grade: str | None
    detail: dict[str, JsonValue]
    digest: str

    @property
    def erased(self) -> bool:
        """Tell whether its text was erased, so that only its place, time and action are known."""
        return self.actor_id == ERASED

    @classmethod
    def without_text(cls, sequence: int, record_id: str, at: datetime, action: str, decision: str, digest: str) -> Self:
        """Return what is left of a record whose text was erased."""
        return cls(
            sequence=sequence,
            id=record_id,
            at=at,
            actor_id=ERASED,
            actor_name=ERASED,
            actor_kind="",
            org_id=None,
            session_id=None,
            action=action,
            target=ERASED,
            decision=decision,
            purpose="",
            exit=None,
            version=None,
            policy=None,
            columns=None,
            rows=None,
            bytes=None,
            grade=None,
            detail={},
            digest=digest,
        )

    @classmethod
    def from_body(cls, body: str, digest: str) -> Self:
        """Read a record from its stored JSON."""
        facts = json.loads(body)
        who = facts["actor"]
        columns = facts.get("columns")
        return cls(
            sequence=facts["sequence"],
            id=facts["id"],
            at=datetime.fromisoformat(facts["at"]),
            actor_id=who["id"],
            actor_name=who["name"],
            actor_kind=who["kind"],
            org_id=who.get("org"),
            session_id=who.get("session"),
            action=facts["action"],
            target=facts["target"],
            decision=facts["decision"],
            purpose=facts.get("purpose", ""),
            exit=facts.get("exit"),
            version=facts.get("version"),
            policy=facts.get("policy"),
            columns=None if columns is None else tuple(columns),
            rows=facts.get("rows"),
            bytes=facts.get("bytes"),
            grade=facts.get("grade"),
            detail=facts.get("detail", {}),
            digest=digest,
        )


ERASED = "—"
"""What stands for a person or thing in a record whose text was erased."""


@dataclass(frozen=True, slots=True)
class Stored:
    """One record as it lies in the table; body and salt are empty when its text was erased."""

    sequence: int
    body: str
    salt: str
    commitment: str

    @property
    def erased(self) -> bool:
        """Tell whether only the commitment is left."""
        return not self.body and not self.salt

    @property
    def proved(self) -> str:
        """Return the commitment that the text really has; of an erased one, the commitment that is stored."""
        return self.commitment if self.erased else commitment_of(self.salt, self.body)


@dataclass(frozen=True, slots=True)
class Head:
    """The end of the chain: how many records there are, and the digest of the last one."""

    sequence: int = 0
    digest: str = GENESIS


class ProblemKind(StrEnum):
    """What a check may find."""

    CHANGED = "changed"
    UNLINKED = "unlinked"
    REMOVED = "removed"
    INSERTED = "inserted"
    MOVED = "moved"
    ERASED = "erased"
    TRUNCATED = "truncated"
    HEAD_FILE = "head_file"
    TREE = "tree"
    FORKED = "forked"
    SIGNATURE = "signature"


@dataclass(frozen=True, slots=True)
class Problem:
    """One place where the log is not what was written."""

    sequence: int
    kind: ProblemKind
    what: Text


@dataclass(frozen=True, slots=True)
class CheckReport:
    """The outcome of a check: how many records were read, where the chain ends, and every damaged place found."""

    records: int
    head: str
    problems: tuple[Problem, ...] = ()

    @property
    def ok(self) -> bool:
        """Tell whether nothing was found."""
        return not self.problems


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceQuery:
    """What to look for; every field given must match. ``action`` also matches as a prefix that ends in a dot."""

    actor_id: str | None = None
    org_id: str | None = None
    action: str | None = None
    target: str | None = None
    decision: str | None = None
    grant: str | None = None
    """Only reads under this grant; give the target, its table, too."""
    since: datetime | None = None
    until: datetime | None = None
    before: int | None = None
    """Only records with a smaller sequence: the ``next`` of the page before."""
    limit: int = 100


@dataclass(frozen=True, slots=True)
class EvidencePage:
    """Records, newest first, and where the next page begins (None at the end)."""

    records: tuple[EvidenceRecord, ...]
    next: int | None


def canonical(value: Mapping[str, Any]) -> str:
    """Return the one JSON text of a value, so that equal values have equal digests."""
    return _CANONICAL.encode(value)


def about(action: str, detail: Mapping[str, JsonValue]) -> str | None:
    """Return the receipt that a record adds something to: how a read ended, what was sent."""
    told = detail.get("receipt")
    return told if action in ADDING and isinstance(told, str) else None


def moment(at: datetime) -> str:
    """Return a moment as text in UTC with microseconds."""
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def digest_of(previous: str, sequence: int, commitment: str) -> str:
    """Return SHA-256 over ``01 ‖ digest before ‖ sequence (8 bytes) ‖ commitment``."""
    link = b"\x01" + bytes.fromhex(previous) + sequence.to_bytes(8, "big") + bytes.fromhex(commitment)
    return hashlib.sha256(link).hexdigest()
