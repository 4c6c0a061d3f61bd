"""Versions on trial, and how versions answered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select, update

from beijiang.apps.models.canary import Answered, Canary, CanaryKind
from beijiang.apps.store.life_schema import hosted_answer, hosted_canary

if TYPE_CHECKING:
    from sqlalchemy import Connection

__all__ = ["AnswerStore", "CanaryStore"]

_C = hosted_canary.c
_A = hosted_answer.c


class CanaryStore:
    """Read and write on one connection; an application has one trial at most."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, app_id: str) -> Canary | None:
        """Return the trial of an application that goes on."""
        row = self._connection.execute(select(hosted_canary).where(_C.app_id == app_id)).one_or_none()
        if row is None:
            return None
        facts: dict[str, Any] = {**row._mapping}  # noqa: SLF001 - the documented name of a row as a mapping
        lists = {name: tuple(facts.pop(name)) for name in ("names", "people")}
        return Canary(**{**facts, **lists, "kind": CanaryKind(facts["kind"])})

    def add(self, one: Canary) -> None:
        """Begin a trial."""
        self._connection.execute(
            insert(hosted_canary).values(
                app_id=one.app_id,
                version=one.version,
                kind=one.kind.value,
                names=[*one.names],
                people=[*one.people],
                percent=one.percent,
                salt=one.salt,
                by_id=one.by_id,
                by=one.by[:200],
                at=one.at,
            )
        )

    def end(self, app_id: str) -> bool:
        """End a trial; False where there was none."""
        return self._connection.execute(delete(hosted_canary).where(_C.app_id == app_id)).rowcount == 1


class AnswerStore:
    """Read and write on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, one: Answered) -> None:
        """Add what was counted to what stands there."""
        key = {"app_id": one.app_id, "version": one.version, "hour": one.hour, "bound": one.bound}
        same = [_A[name] == value for name, value in key.items()]
        more = {"answers": _A.answers + one.answers, "errors": _A.errors + one.errors}
        if not self._connection.execute(update(hosted_answer).where(*same).values(**more)).rowcount:
            counts = {"answers": one.answers, "errors": one.errors}
            self._connection.execute(insert(hosted_answer).values(**key, **counts))

    def since(self, hour: str, app_id: str) -> Sequence[Answered]:
        """Return the counts of an application from an hour on."""
        query = select(hosted_answer).where(_A.app_id == app_id, _A.hour >= hour)
        return [Answered(**row._mapping) for row in self._connection.execute(query)]  # noqa: SLF001 - as above

    def forget(self, hour: str) -> None:
        """Remove what was counted before an hour."""
        self._connection.execute(delete(hosted_answer).where(_A.hour < hour))
