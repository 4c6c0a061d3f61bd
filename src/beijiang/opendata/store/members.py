"""SQL on registrations of the public."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, select, update

from beijiang.opendata.members import Registration, RegistrationState, Standing
from beijiang.opendata.store.schema import portal_registration
from beijiang.standards import Case

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

__all__ = ["RegistrationStore"]

_R = portal_registration.c
_SAME = (
    "id", "login", "name", "words", "contact", "digest", "person_id", "reason", "decided_by", "urged", "created_at",
    "credit_code",    "decided_at",
)  # fmt: skip
SHOWN = 200


class RegistrationStore:
    """Read and write registrations on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, made: Registration) -> None:
        """Add a registration."""
        self._connection.execute(insert(portal_registration).values(**_values(made)))

    def get(self, registration_id: str) -> Registration | None:
        """Return one registration."""
        row = self._connection.execute(select(portal_registration).where(_R.id == registration_id)).one_or_none()
        return None if row is None else _registration(row)

    def by_login(self, login: str) -> Registration | None:
        """Return the registration of a login."""
        row = self._connection.execute(select(portal_registration).where(_R.login == login)).one_or_none()
        return None if row is None else _registration(row)

    def admitted(self, person_id: str) -> Registration | None:
        """Return the registration that an account was made for."""
        found = select(portal_registration).where(
            _R.person_id == person_id, _R.state == RegistrationState.ADMITTED.value
        )
        row = self._connection.execute(found).first()
        return None if row is None else _registration(row)

    def decide(self, decided: Registration) -> bool:
        """Write what became of a waiting registration; False where somebody was faster."""
        waiting = (_R.id == decided.id, _R.state == RegistrationState.WAITING.value)
        done = self._connection.execute(update(portal_registration).where(*waiting).values(**_values(decided)))
        return done.rowcount == 1

    def find(self, state: RegistrationState | None) -> tuple[list[Registration], int]:
        """Return registrations, the oldest that wait first, else the newest first; and how many there are."""
        wanted = select(portal_registration)
        if state is not None:
            wanted = wanted.where(_R.state == state.value)
        count = self._connection.execute(select(func.count()).select_from(wanted.subquery())).scalar_one()
        order = _R.created_at if state is RegistrationState.WAITING else _R.created_at.desc()
        rows = self._connection.execute(wanted.order_by(order, _R.id).limit(SHOWN))
        return [_registration(row) for row in rows], count

    def contacts(self) -> list[tuple[str, str]]:
        """Return every sealed contact with the id that it is bound to."""
        rows = select(_R.id, _R.contact).where(_R.contact != "")
        return [(row.id, row.contact) for row in self._connection.execute(rows)]

    def put_contact(self, registration_id: str, sealed: str) -> None:
        """Replace a sealed contact."""
        self._connection.execute(update(portal_registration).where(_R.id == registration_id).values(contact=sealed))


def _values(one: Registration) -> dict[str, Any]:
    return {
        **{name: getattr(one, name) for name in _SAME},
        "standing": one.standing.value,
        "state": one.state.value,
        "clock": None if one.case is None else one.case.to_json(),
    }


def _registration(row: Row[Any]) -> Registration:
    return Registration(
        **{name: getattr(row, name) for name in _SAME},
        standing=Standing(row.standing),
        state=RegistrationState(row.state),
        case=None if row.clock is None else Case.from_json(row.clock),
    )
