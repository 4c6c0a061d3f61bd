"""Requests that travel (三级联动): what another node has to do with a request, and how it stands there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

from beijiang.exchange.models.terms import Terms, Way
from beijiang.kit import Text

__all__ = [
    "PEER_ORGANISATION",
    "TRAVELLING_LONGEST",
    "TRAVELLING_WAYS",
    "Elsewhere",
    "EntryAfar",
    "GrantAfar",
    "Standing",
]

TRAVELLING_WAYS: Final = frozenset({Way.FILE})
"""How data of another node are had: as a file that is sealed for whoever asked; nothing else crosses between nodes."""

TRAVELLING_LONGEST: Final = {"use": 2000, "basis": 2000, "system": 200, "contact": 200, "impact": 200}
"""Signs of what is written in a request that a letter about it takes."""

PEER_ORGANISATION: Final = "peer-"
"""How the ids of organisations begin that stand for departments of other nodes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryAfar:
    """An entry here whose data another node holds."""

    node_id: str
    node_name: Text
    resource_id: str
    """Its id at the node that holds the data."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantAfar:
    """What the other node granted, as it said; the gate that asks stands there."""

    id: str
    state: str
    until: date
    reason: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"id": self.id, "state": self.state, "until": self.until.isoformat(), "reason": self.reason}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> GrantAfar:
        """Read it back."""
        return cls(**{**value, "until": date.fromisoformat(value["until"])})


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a request stands at the node that decides it, in plain values as they travel."""

    revision: int
    state: str
    stages: Sequence[Mapping[str, Any]]
    at_stage: int
    offered: Mapping[str, Any]
    steps: Sequence[Mapping[str, Any]]
    due: date | None = None
    rule: str = ""
    paused: bool = False
    arrived_at: datetime
    grant: GrantAfar | None = None
    dispute: Mapping[str, str] | None = None
    """The newest dispute about it there: id, state, and the outcome in words."""
    refused: Text | None = None
    """Why what was last sent could not be taken up there; where it was the request itself, nothing else is told."""

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "revision": self.revision,
            "state": self.state,
            "stages": [dict(one) for one in self.stages],
            "at_stage": self.at_stage,
            "offered": dict(self.offered),
            "steps": [dict(one) for one in self.steps],
            "due": None if self.due is None else self.due.isoformat(),
            "rule": self.rule,
            "paused": self.paused,
            "arrived_at": self.arrived_at.isoformat(),
            "grant": None if self.grant is None else self.grant.to_json(),
            "dispute": None if self.dispute is None else dict(self.dispute),
            "refused": None if self.refused is None else {"zh": self.refused.zh, "en": self.refused.en},
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Standing:
        """Read it back, or as it came by letter.

        Raises:
            KeyError, TypeError, ValueError: it has another shape.

        """
        said = value["refused"]
        return cls(
            revision=int(value["revision"]),
            state=str(value["state"]),
            stages=tuple(value["stages"]),
            at_stage=int(value["at_stage"]),
            offered=value["offered"],
            steps=tuple(value["steps"]),
            due=None if value["due"] is None else date.fromisoformat(value["due"]),
            rule=str(value["rule"]),
            paused=bool(value["paused"]),
            arrived_at=datetime.fromisoformat(value["arrived_at"]),
            grant=None if value["grant"] is None else GrantAfar.from_json(value["grant"]),
            dispute=value.get("dispute"),
            refused=None if said is None else Text(said["zh"], said["en"]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Elsewhere:
    """The other node of a request that travels, and what is known of it there."""

    node_id: str
    node_name: Text
    outward: bool
    """Whether the other node decides; False where it was asked from there."""
    resource_id: str = ""
    """Outward: the entry as the other node knows it."""
    request_id: str = ""
    """Inward: the request as the other node knows it."""
    asked_at: datetime | None = None
    """Inward: when it was handed in there."""
    left_at: datetime | None = None
    """Outward: when it was let out of this node; None while this node's own authority has it."""
    let_out: Terms | None = None
    """Outward: the terms on which it left; what the other node offers is never more."""
    standing: Standing | None = None
    """Outward: what the other node last said."""

    @property
    def crossed(self) -> bool:
        """Tell whether the request has gone from one node to the other, so that it stays with that one."""
        return not self.outward or self.left_at is not None

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {
            "node_id": self.node_id,
            "zh": self.node_name.zh,
            "en": self.node_name.en,
            "outward": self.outward,
            "resource_id": self.resource_id,
            "request_id": self.request_id,
            "asked_at": self.asked_at and self.asked_at.isoformat(),
            "left_at": self.left_at and self.left_at.isoformat(),
            "let_out": self.let_out and self.let_out.to_json(),
            "standing": None if self.standing is None else self.standing.to_json(),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Elsewhere:
        """Read it back."""
        asked, left, standing = value["asked_at"], value["left_at"], value["standing"]
        terms = value.get("let_out")
        return cls(
            node_id=value["node_id"],
            node_name=Text(value["zh"], value["en"]),
            outward=value["outward"],
            resource_id=value["resource_id"],
            request_id=value["request_id"],
            asked_at=asked and datetime.fromisoformat(asked),
            left_at=left and datetime.fromisoformat(left),
            let_out=terms and Terms.from_json(terms),
            standing=None if standing is None else Standing.from_json(standing),
        )
