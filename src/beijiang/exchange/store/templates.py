"""Standard entries and their claims."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, insert, or_, select, update

from beijiang.catalog import Entry
from beijiang.exchange.models.templates import ClaimState, ClaimTask, Template
from beijiang.exchange.store.schema import exchange_claim, exchange_template
from beijiang.standards import Case

if TYPE_CHECKING:
    from sqlalchemy import Connection, Row

__all__ = ["TemplateStore"]

_T, _C = exchange_template.c, exchange_claim.c
_SAME = (
    "id", "org_id", "resource_id", "basis", "version", "retired", "revision", "by_name", "created_at", "changed_at",
)  # fmt: skip
_TASK = (
    "id", "template_id", "template_version", "name", "org_id", "resource_id", "named", "urged", "revision", "created_at",
    "changed_at",
)  # fmt: skip
_WAITING = tuple(state.value for state in ClaimState if state.waits_for_unit or state.waits_for_issuer)


class TemplateStore:
    """Read and write standard entries on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, template_id: str) -> Template | None:
        """Return one standard entry."""
        row = self._connection.execute(select(exchange_template).where(_T.id == template_id)).one_or_none()
        return None if row is None else _template(row)

    def of_resource(self, resource_id: str) -> Template | None:
        """Return the standard that was made of an entry."""
        row = self._connection.execute(select(exchange_template).where(_T.resource_id == resource_id)).one_or_none()
        return None if row is None else _template(row)

    def add(self, made: Template) -> None:
        """Add a standard entry."""
        self._connection.execute(insert(exchange_template).values(**_values(made)))

    def save(self, changed: Template) -> bool:
        """Write the next revision; False where somebody was faster."""
        unchanged = (_T.id == changed.id, _T.revision == changed.revision - 1)
        done = self._connection.execute(update(exchange_template).where(*unchanged).values(**_values(changed)))
        return done.rowcount == 1

    def templates(self, orgs: Collection[str]) -> list[Template]:
        """Return the standard entries that were issued by, or for, one of these, newest first."""
        sides = or_(_T.org_id.in_(orgs), _T.id.in_(select(_C.template_id).where(_C.org_id.in_(orgs))))
        rows = select(exchange_template).where(sides).order_by(_T.changed_at.desc(), _T.id)
        return [_template(row) for row in self._connection.execute(rows)]

    def task(self, task_id: str) -> ClaimTask | None:
        """Return one task."""
        row = self._connection.execute(select(exchange_claim).where(_C.id == task_id)).one_or_none()
        return None if row is None else _task(row)

    def add_task(self, made: ClaimTask) -> None:
        """Add a task."""
        self._connection.execute(insert(exchange_claim).values(**_task_values(made)))

    def save_task(self, changed: ClaimTask) -> bool:
        """Write the next revision of a task; False where somebody was faster."""
        unchanged = (_C.id == changed.id, _C.revision == changed.revision - 1)
        done = self._connection.execute(update(exchange_claim).where(*unchanged).values(**_task_values(changed)))
        return done.rowcount == 1

    def tasks(self, template_id: str = "", orgs: Collection[str] | None = None) -> list[ClaimTask]:
        """Return tasks, newest version first and by unit: of one standard or of all, of some units or of all."""
        wanted = select(exchange_claim)
        if template_id:
            wanted = wanted.where(_C.template_id == template_id)
        if orgs is not None:
            wanted = wanted.where(_C.org_id.in_(orgs))
        rows = wanted.order_by(_C.template_version.desc(), _C.created_at.desc(), _C.org_id)
        return [_task(row) for row in self._connection.execute(rows)]

    def counts(self) -> dict[str, dict[ClaimState, int]]:
        """Return per standard how many tasks of its newest version stand where."""
        newest = exchange_claim.join(exchange_template, (_T.id == _C.template_id) & (_T.version == _C.template_version))
        query = select(_C.template_id, _C.state, func.count()).select_from(newest).group_by(_C.template_id, _C.state)
        found: dict[str, dict[ClaimState, int]] = {}
        for template, state, count in self._connection.execute(query):
            found.setdefault(template, {})[ClaimState(state)] = count
        return found

    def waiting(self) -> list[tuple[ClaimTask, str]]:
        """Return every task that somebody has to move, the oldest first, and who issued its standard."""
        rows = select(exchange_claim, _T.org_id.label("issuer")).join(exchange_template, _T.id == _C.template_id)
        rows = rows.where(_C.state.in_(_WAITING)).order_by(_C.created_at, _C.id)
        return [(_task(row), row.issuer) for row in self._connection.execute(rows)]

    def count_waiting(self) -> list[tuple[ClaimState, str, str, int]]:
        """Return how many tasks somebody has to move: by where they stand, their unit, and who issued their standard."""
        who = (_C.state, _C.org_id, _T.org_id.label("issuer"))
        query = select(*who, func.count()).join(exchange_template, _T.id == _C.template_id)
        rows = self._connection.execute(query.where(_C.state.in_(_WAITING)).group_by(*who))
        return [(ClaimState(state), org, issuer, int(count)) for state, org, issuer, count in rows]

    def claimed_with(self, resource_id: str) -> ClaimTask | None:
        """Return the newest task that an entry belongs to."""
        rows = select(exchange_claim).where(_C.resource_id == resource_id)
        row = self._connection.execute(rows.order_by(_C.template_version.desc()).limit(1)).one_or_none()
        return None if row is None else _task(row)

    def units(self) -> set[str]:
        """Return the units that ever had a task, and who ever issued."""
        return set(self._connection.execute(select(_C.org_id).union(select(_T.org_id))).scalars())


def _values(one: Template) -> dict[str, Any]:
    return {**{name: getattr(one, name) for name in _SAME}, "entry": one.entry.to_json()}


def _template(row: Row[Any]) -> Template:
    return Template(**{name: getattr(row, name) for name in _SAME}, entry=Entry.from_json(row.entry))


def _task_values(one: ClaimTask) -> dict[str, Any]:
    return {
        **{name: getattr(one, name) for name in _TASK},
        "state": one.state.value,
        "clock": None if one.case is None else one.case.to_json(),
    }


def _task(row: Row[Any]) -> ClaimTask:
    return ClaimTask(
        **{name: getattr(row, name) for name in _TASK},
        state=ClaimState(row.state),
        case=None if row.clock is None else Case.from_json(row.clock),
    )
