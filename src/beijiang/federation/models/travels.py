"""What nodes say to each other about requests, checked before it is believed in form; and parcels of data that were granted."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final

from pydantic import AfterValidator, AwareDatetime, Field

from beijiang.access import OrganisationDraft, OrganisationKind
from beijiang.exchange import (
    ASKER_MOVES,
    PEER_ORGANISATION,
    TRAVELLING_LONGEST,
    DisputeMove,
    GranteeKind,
    RequestDraft,
    Terms,
)
from beijiang.federation.models.nodes import Card
from beijiang.federation.models.said import Id, Said, StandingSaid, TermsSaid, seen
from beijiang.kit import Text, Word

__all__ = [
    "PARCEL_MOST",
    "PART_BYTES",
    "Collected",
    "Department",
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
    "organisation_of",
    "request_of",
    "short_of",
]

PARCEL_MOST: Final = 8 << 20
"""Bytes of a file that crosses between nodes; what is larger is asked for by narrower rows."""
PART_BYTES: Final = 150_000
"""Sealed bytes in one letter: in base64 they stay within its size."""
PARTS_MOST: Final = PARCEL_MOST // PART_BYTES + 2


def _askers(move: DisputeMove) -> DisputeMove:
    """Return a move that is the asking side's to make."""
    if move not in ASKER_MOVES:
        msg = f"{move} is not for who asked"
        raise ValueError(msg)
    return move


_Name = Annotated[str, Field(max_length=100), AfterValidator(seen)]
_Long = Annotated[str, Field(max_length=2000), AfterValidator(seen)]
_Short = Annotated[str, Field(max_length=200), AfterValidator(seen)]


class Asking(Said):
    """What is asked for; the terms are checked as those of any request."""

    terms: TermsSaid
    purpose: str = Field(max_length=40)
    use: Annotated[str, Field(max_length=TRAVELLING_LONGEST["use"]), AfterValidator(seen)]
    basis: Annotated[str, Field(max_length=TRAVELLING_LONGEST["basis"]), AfterValidator(seen)]
    system: Annotated[str, Field(max_length=TRAVELLING_LONGEST["system"]), AfterValidator(seen)]
    contact: Annotated[str, Field(max_length=TRAVELLING_LONGEST["contact"]), AfterValidator(seen)]
    impact: Annotated[str, Field(max_length=TRAVELLING_LONGEST["impact"]), AfterValidator(seen)]

    def draft(self, resource_id: str) -> RequestDraft:
        """Return it as exchange takes it.

        Raises:
            Invalid: the terms have another form (``bad_letter``).

        """
        terms, own = self.terms.read(), self.model_dump(exclude={"terms"})
        return RequestDraft(resource_id=resource_id, terms=terms, grantee_kind=GranteeKind.ORGANISATION, **own)

    @classmethod
    def from_draft(cls, draft: RequestDraft, terms: Terms) -> dict[str, Any]:
        """Return what is told of a draft that leaves on these terms."""
        names = ("purpose", "use", "basis", "system", "contact", "impact")
        return {"terms": terms.to_json(), **{name: getattr(draft, name) for name in names}}


class Department(Said):
    """A department of another node, as that node knows it."""

    id: Annotated[str, Field(pattern=r"^[A-Za-z0-9@_-]{1,60}$")]
    zh: _Name
    en: _Name

    def organisation(self, node: Card) -> OrganisationDraft:
        """Return the organisation that stands here for it."""
        return OrganisationDraft(
            id=organisation_of(node.node_id, self.id),
            name_zh=f"{self.zh or self.id}（{node.name_zh}）",
            name_en=f"{self.en or self.id} ({node.name_en})",
            kind=OrganisationKind.OTHER,
            admin_tier=min(max(node.tier, 1), 3),
        )


class Filing(Said):
    """A request that comes to the node that holds the data."""

    request: Id
    resource: Id
    org: Department
    by: _Name
    asked_at: AwareDatetime
    asking: Asking
    words: _Long


class Supplying(Said):
    """A request that was sent back, completed."""

    request: Id
    resource: Id
    org: Department
    by: _Name
    asking: Asking
    words: _Long


class GivenBack(Said):
    """A request, or what was granted on it, is given back."""

    request: Id
    org: Department
    by: _Name
    words: _Long


class Disputed(Said):
    """What the department that asked does about a decision that it does not agree with."""

    request: Id
    org: Department
    by: _Name
    move: Annotated[DisputeMove, AfterValidator(_askers)]
    words: _Long


class Told(Said):
    """How a request stands, from the node that decides it."""

    request: Id
    standing: StandingSaid


class ParcelForm(Word):
    """In which form the rows come."""

    CSV = "csv", "CSV", "CSV"
    XLSX = "xlsx", "Excel", "Excel"
    PARQUET = "parquet", "Parquet", "Parquet"


class ParcelWish(Said):
    """The data of a grant are wanted, sealed for a key that opens this one parcel."""

    parcel: Id
    request: Id
    org: Department
    by: _Name
    form: ParcelForm
    key: str = Field(max_length=100)


class ParcelPart(Said):
    """A part of a sealed parcel."""

    parcel: Id
    number: int = Field(ge=1, le=PARTS_MOST)
    of: int = Field(ge=1, le=PARTS_MOST)
    sealed: str = Field(max_length=PART_BYTES * 2)
    file_name: _Short
    receipt: str = Field(max_length=60)
    grade: str = Field(max_length=4)


class ParcelNo(Said):
    """Why no parcel comes: the gate of the node that holds the data refused."""

    parcel: Id
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


def organisation_of(node_id: str, org_id: str) -> str:
    """Return the id of the organisation that stands here for a department of another node."""
    return f"{PEER_ORGANISATION}{short_of(node_id, org_id)}"


def request_of(node_id: str, request_id: str) -> str:
    """Return the id here of a request of another node: the same whenever it comes."""
    return f"req_{short_of(node_id, request_id)}"


def short_of(*words: str) -> str:
    """Return the end of an id here that stands for something of another node."""
    return hashlib.sha256("\n".join(words).encode()).hexdigest()[:24]
