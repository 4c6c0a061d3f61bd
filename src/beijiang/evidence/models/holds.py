"""Legal holds: what must be kept for a proceeding, whatever the clocks of retention say, until two persons lift it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from beijiang.kit import Invalid, Shown, Text, Word

if TYPE_CHECKING:
    from datetime import datetime

__all__ = ["Held", "Hold", "HoldDraft", "HoldKind", "HoldState", "Known"]

_WHAT: Final = Text("保全对象", "what is held")
_BASIS: Final = Text("保全依据", "basis of the hold")
_LIFT_BASIS: Final = Text("解除依据", "basis of its end")
_LIFT_BY: Final = Text("解除申请人", "who asked for its end")


class HoldKind(Word):
    """What a hold names."""

    PERSON = "person", "某人或密钥所做的操作", "what a person or key did"
    TARGET = "target", "对某对象的操作", "what was done to a thing"
    TABLE = "table", "某张表", "a table"


class HoldState(Word):
    """Where a hold stands; it keeps from the moment it is asked for until its end is confirmed."""

    ASKED = "asked", "待第二人确认", "asked for, to be confirmed"
    HOLDS = "holds", "保全中", "holds"
    LIFTING = "lifting", "待第二人确认解除", "its end is asked for"
    LIFTED = "lifted", "已解除", "lifted"
    DECLINED = "declined", "未获确认", "declined"


@dataclass(frozen=True, slots=True)
class HoldDraft:
    """What is to be kept, and on what basis."""

    kind: HoldKind
    name: str
    basis: str
    to_come: bool = False
    """Whether it is known that nothing of this name is there yet: what will come is kept."""

    def checked(self) -> HoldDraft:
        """Return it without blanks at its ends.

        Raises:
            Invalid: the name or the basis is missing or too long (``hold_incomplete``).

        """
        name, basis = self.name.strip(), self.basis.strip()
        if not name or not basis or len(name) > 200 or len(basis) > 1000:  # noqa: PLR2004
            raise Invalid(
                "请写明保全什么（最长 200 字）和依据（最长 1000 字）。",
                "Say what is to be kept (200 characters at most) and on what basis (1,000).",
                code="hold_incomplete",
            )
        return HoldDraft(self.kind, name, basis, self.to_come)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """One hold with the two persons of its beginning and of its end."""

    id: str
    kind: HoldKind
    name: str
    basis: str
    state: HoldState
    asked_by: str
    asked_at: datetime
    confirmed_by: str = ""
    lift_basis: str = ""
    lift_by: str = ""
    lifted_by: str = ""
    ended_at: datetime | None = None
    records: int = 0
    """How many records it keeps now; none tells of a wrong name."""

    @property
    def shown(self) -> Shown:
        """Return what somebody decides on who confirms its end."""
        parts: dict[Text, object] = {_WHAT: (self.kind.value, self.name), _BASIS: self.basis}
        return Shown({**parts, _LIFT_BASIS: self.lift_basis, _LIFT_BY: self.lift_by})

    def to_json(self) -> dict[str, Any]:
        """Return it for an API answer."""
        return {
            "id": self.id,
            "kind": self.kind.value,
            "name": self.name,
            "basis": self.basis,
            "state": self.state.value,
            "asked_by": self.asked_by,
            "asked_at": self.asked_at.isoformat(),
            "confirmed_by": self.confirmed_by or None,
            "lift_basis": self.lift_basis or None,
            "lift_by": self.lift_by or None,
            "lifted_by": self.lifted_by or None,
            "ended_at": None if self.ended_at is None else self.ended_at.isoformat(),
            "records": self.records,
            "seen": self.shown.token,
        }


@dataclass(frozen=True, slots=True)
class Known:
    """Something that a hold may name."""

    name: str
    """As the log has it."""
    called: tuple[str, ...] = ()
    """What people also call it; several may be called the same."""
    told: str = ""
    """What tells it from others that are called the same."""

    def __str__(self) -> str:
        return f"{self.name}（{self.told}）" if self.told else self.name


@dataclass(frozen=True, slots=True)
class Held:
    """Everything that holds name now."""

    people: frozenset[str] = frozenset()
    targets: frozenset[str] = frozenset()
    tables: frozenset[str] = frozenset()
