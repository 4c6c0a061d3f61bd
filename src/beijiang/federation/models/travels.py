"""What nodes say to each other about requests, checked before it is believed in form; and parcels of data that were granted."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from beijiang.exchange import (
    ASKER_MOVES,
    PEER_ORGANISATION,
    TRAVELLING_LONGEST,
    DisputeMove,
    GranteeKind,
    RequestDraft,
    Standing,
    Terms,
)
from beijiang.kit import BeijiangError, Invalid, Text, Word

__all__ = [
    "PARCEL_MOST",
    "PART_BYTES",
    "Collected",
    "Disputed",
    "Filing",
    "GivenBack",
    "Parcel",
    "ParcelForm",
    "ParcelNo",
    "ParcelPart",
    "ParcelState",
    "ParcelWish",
    "Supplying",
    "Told",
    "bad_letter",
    "organisation_of",
    "request_of",
]

PARCEL_MOST: Final = 8 << 20
"""Bytes of a file that crosses between nodes; what is larger is asked for by narrower rows."""
PART_BYTES: Final = 150_000
"""Sealed bytes in one letter: in base64 they stay within its size."""
PARTS_MOST: Final = PARCEL_MOST // PART_BYTES + 2
_Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,40}$")]


def _seen(text: str) -> str:
    """Return words of another node without signs that cannot be seen, which could make them look like other words."""
    return "".join(sign for sign in text if sign.isprintable() or sign == "\n").strip()


def _askers(move: DisputeMove) -> DisputeMove:
    """Return a move that is the asking side's to make."""
    if move not in ASKER_MOVES:
        msg = f"{move} is not for who asked"
        raise ValueError(msg)
    return move


_Name = Annotated[str, Field(max_length=100), AfterValidator(_seen)]
_Long = Annotated[str, Field(max_length=2000), AfterValidator(_seen)]
_Short = Annotated[str, Field(max_length=200), AfterValidator(_seen)]


class _Said(BaseModel):
    """A body of a letter."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def parsed(cls, body: Mapping[str, Any]) -> Self:
        """Read a body.

        Raises:
            Invalid: it has another form (``bad_letter``).

        """
        try:
            return cls.model_validate(body)
        except ValidationError as error:
            raise bad_letter() from error


class Asking(_Said):
    """What is asked for; the terms are checked as those of any request."""

    terms: dict[str, Any]
    purpose: str = Field(max_length=40)
    use: Annotated[str, Field(max_length=TRAVELLING_LONGEST["use"]), AfterValidator(_seen)]
    basis: Annotated[str, Field(max_length=TRAVELLING_LONGEST["basis"]), AfterValidator(_seen)]
    system: Annotated[str, Field(max_length=TRAVELLING_LONGEST["system"]), AfterValidator(_seen)]
    contact: Annotated[str, Field(max_length=TRAVELLING_LONGEST["contact"]), AfterValidator(_seen)]
    impact: Annotated[str, Field(max_length=TRAVELLING_LONGEST["impact"]), AfterValidator(_seen)]

    def draft(self, resource_id: str) -> RequestDraft:
        """Return it as exchange takes it.

        Raises:
            Invalid: the terms have another form (``bad_letter``).

        """
        try:
            terms = Terms.from_json(self.terms)
        except (KeyError, TypeError, ValueError, BeijiangError) as error:
            raise bad_letter() from error
        own = self.model_dump(exclude={"terms"})
        return RequestDraft(resource_id=resource_id, terms=terms, grantee_kind=GranteeKind.ORGANISATION, **own)

    @classmethod
    def from_draft(cls, draft: RequestDraft, terms: Terms) -> dict[str, Any]:
        """Return what is told of a draft that leaves on these terms."""
        names = ("purpose", "use", "basis", "system", "contact", "impact")
        return {"terms": terms.to_json(), **{name: getattr(draft, name) for name in names}}


class Department(_Said):
    """The department that asks, as its own node knows it."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9@_-]{1,60}$")]
    zh: _Name
    en: _Name


class Filing(_Said):
    """A request that comes to the node that holds the data."""

    request: _Id
    resource: _Id
    org: Department
    by: _Name
    asked_at: AwareDatetime
    asking: Asking
    words: _Long


class Supplying(_Said):
    """A request that was sent back, completed."""

    request: _Id
    resource: _Id
    org: Department
    by: _Name
    asking: Asking
    words: _Long


class GivenBack(_Said):
    """A request, or what was granted on it, is given back."""

    request: _Id
    org: Department
    by: _Name
    words: _Long


class Disputed(_Said):
    """What the department that asked does about a decision that it does not agree with."""

    request: _Id
    org: Department
    by: _Name
    move: Annotated[DisputeMove, AfterValidator(_askers)]
    words: _Long


class Told(_Said):
    """How a request stands, from the node that decides it."""

    request: _Id
    standing: dict[str, Any]

    def read(self) -> Standing:
        """Return the standing.

        Raises:
            Invalid: it has another form (``bad_letter``).

        """
        try:
            return Standing.from_json(self.standing)
        except (KeyError, TypeError, ValueError, AttributeError, BeijiangError) as error:
            raise bad_letter() from error


class ParcelForm(Word):
    """In which form the rows come."""

    CSV = "csv", "CSV", "CSV"
    XLSX = "xlsx", "Excel", "Excel"
    PARQUET = "parquet", "Parquet", "Parquet"


class ParcelWish(_Said):
    """The data of a grant are wanted, sealed for a key that opens this one parcel."""

    parcel: _Id
    request: _Id
    org: Department
    by: _Name
    form: ParcelForm
    key: str = Field(max_length=100)


class ParcelPart(_Said):
    """A part of a sealed parcel."""

    parcel: _Id
    number: int = Field(ge=1, le=PARTS_MOST)
    of: int = Field(ge=1, le=PARTS_MOST)
    sealed: str = Field(max_length=PART_BYTES * 2)
    file_name: _Short
    receipt: str = Field(max_length=60)
    grade: str = Field(max_length=4)


class ParcelNo(_Said):
    """Why no parcel comes: the gate of the node that holds the data refused."""

    parcel: _Id
    code: str = Field(max_length=100)
    zh: _Long
    en: _Long


class ParcelState(Word):
    """Where a parcel stands."""

    WANTED = "wanted", "已索取，等对方送来", "wanted, on its way"
    ARRIVED = "arrived", "已送达，待领取", "arrived, to be collected"
    COLLECTED = "collected", "已领取", "collected"
    SENT = "sent", "已送出", "sent"
    REFUSED = "refused", "对方不予提供", "refused"


@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """The data of one grant, once: wanted here, or by another node."""

    id: str
    node_id: str
    theirs: str
    """The other node's id of it; empty where it was wanted here."""
    request_id: str
    """The request here."""
    state: ParcelState
    form: ParcelForm
    key: str
    """Wanted here: the secret half, sealed, until it is collected. Wanted there: the public half to seal for."""
    by: str
    by_name: str
    file_name: str = ""
    receipt: str = ""
    """The receipt of the node that holds the data."""
    grade: str = ""
    digest: str = ""
    """SHA-256 of the sealed bytes, the same on both sides."""
    bytes: int = 0
    reason: Text | None = None
    at: datetime
    moved_at: datetime

    def to_json(self) -> dict[str, Any]:
        """Return it for an API answer or the terminal, without its key."""
        return {
            "id": self.id,
            "node_id": self.node_id,
            "request_id": self.request_id,
            "state": self.state.value,
            "form": self.form.value,
            "by": self.by_name,
            "file_name": self.file_name,
            "receipt": self.receipt,
            "grade": self.grade,
            "sha256": self.digest,
            "bytes": self.bytes,
            "reason": None if self.reason is None else {"zh": self.reason.zh, "en": self.reason.en},
            "at": self.at.isoformat(),
            "moved_at": self.moved_at.isoformat(),
        }


@dataclass(frozen=True, slots=True)
class Collected:
    """A parcel, opened; it can be collected no second time."""

    parcel: Parcel
    content: bytes


def bad_letter() -> Invalid:
    """Return the error for a letter that says something else than letters of its kind do."""
    return Invalid(
        "信件内容的格式不对，没有办理。请双方平台使用相近的版本。",
        "The letter does not say what letters of its kind do; nothing was done. Let both platforms be of a like version.",
        code="bad_letter",
    )


def organisation_of(node_id: str, org_id: str) -> str:
    """Return the id of the organisation that stands here for a department of another node."""
    return f"{PEER_ORGANISATION}{_short(node_id, org_id)}"


def request_of(node_id: str, request_id: str) -> str:
    """Return the id here of a request of another node: the same whenever it comes."""
    return f"req_{_short(node_id, request_id)}"


def _short(*words: str) -> str:
    return hashlib.sha256("\n".join(words).encode()).hexdigest()[:24]
