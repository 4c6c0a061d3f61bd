"""Applications and their versions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from sqlalchemy import func, insert, select, update

from beijiang.apps.models import App, AppVersion, Check, Release, VersionState
from beijiang.apps.store.schema import hosted_app, hosted_version
from beijiang.kit import Text

if TYPE_CHECKING:
    from typing import Any

    from sqlalchemy import Connection, Row

__all__ = ["AppStore", "VersionMark"]

_A = hosted_app.c
_V = hosted_version.c


class VersionMark(NamedTuple):
    """By what a version is known."""

    app_id: str
    number: int
    digest: str


class AppStore:
    """Read and write on one connection. The files of a version are written once and never again."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def all(self) -> Sequence[App]:
        """Return all applications by their ids."""
        return [_app(row) for row in self._connection.execute(select(hosted_app).order_by(_A.id))]

    def get(self, app_id: str) -> App | None:
        """Return one application."""
        row = self._connection.execute(select(hosted_app).where(_A.id == app_id)).one_or_none()
        return None if row is None else _app(row)

    def add(self, app: App) -> None:
        """Add an application."""
        self._connection.execute(insert(hosted_app).values(id=app.id, **_facts(app)))

    def set(self, app: App) -> None:
        """Write what an application is now."""
        self._connection.execute(update(hosted_app).where(_A.id == app.id).values(**_facts(app)))

    def versions(self, app_id: str) -> Sequence[AppVersion]:
        """Return the versions of an application, newest first."""
        query = select(hosted_version).where(_V.app_id == app_id).order_by(_V.number.desc())
        return [_version(row) for row in self._connection.execute(query)]

    def version(self, app_id: str, number: int) -> AppVersion | None:
        """Return one version."""
        query = select(hosted_version).where(_V.app_id == app_id, _V.number == number)
        row = self._connection.execute(query).one_or_none()
        return None if row is None else _version(row)

    def mark(self, app_id: str, number: int) -> VersionMark | None:
        """Return by what one version is known, without its files."""
        query = select(_V.digest).where(_V.app_id == app_id, _V.number == number)
        digest = self._connection.execute(query).scalar_one_or_none()
        return None if digest is None else VersionMark(app_id, number, digest)

    def approved(self, app_id: str) -> Sequence[VersionMark]:
        """Return by what the versions of an application are known that readers have, had or may get, newest first."""
        states = [VersionState.APPROVED.value, VersionState.RELEASED.value]
        query = select(_V.number, _V.digest).where(_V.app_id == app_id, _V.state.in_(states)).order_by(_V.number.desc())
        return [VersionMark(app_id, row.number, row.digest) for row in self._connection.execute(query)]

    def next_number(self, app_id: str) -> int:
        """Return the number of the next version."""
        last = self._connection.execute(select(func.max(_V.number)).where(_V.app_id == app_id)).scalar_one()
        return (last or 0) + 1

    def add_version(self, new: AppVersion) -> None:
        """Add a version."""
        self._connection.execute(
            insert(hosted_version).values(
                app_id=new.app_id,
                number=new.number,
                label=new.label,
                digest=new.digest,
                files=dict(new.files),
                checks=[one.to_json() for one in new.checks],
                by_id=new.by_id,
                by=new.by[:200],
                at=new.at,
                **_decided(new),
            )
        )

    def decide(self, version: AppVersion) -> None:
        """Write what was decided on a version."""
        where = (_V.app_id == version.app_id, _V.number == version.number)
        self._connection.execute(update(hosted_version).where(*where).values(**_decided(version)))


def _facts(app: App) -> dict[str, Any]:
    return {
        "org_id": app.org_id,
        "name": {"zh": app.name.zh, "en": app.name.en},
        "purpose": {"zh": app.purpose.zh, "en": app.purpose.en},
        "current": app.current,
        "release": None if app.release is None else app.release.to_json(),
        "off": app.off,
        "off_reason": app.off_reason,
        "set_at": app.at,
    }


def _decided(version: AppVersion) -> dict[str, Any]:
    return {
        "state": version.state.value,
        "decided_by_id": version.decided_by_id,
        "decided_by": version.decided_by[:200],
        "note": version.note,
        "released_by": version.released_by[:200],
        "released_at": version.released_at,
    }


def _app(row: Row[Any]) -> App:
    return App(
        id=row.id,
        org_id=row.org_id,
        name=Text(**row.name),
        purpose=Text(**row.purpose),
        current=row.current,
        release=Release.from_json(row.release),
        off=row.off,
        off_reason=row.off_reason,
        at=row.set_at,
    )


def _version(row: Row[Any]) -> AppVersion:
    return AppVersion(
        app_id=row.app_id,
        number=row.number,
        label=row.label,
        digest=row.digest,
        files=dict(row.files),
        state=VersionState(row.state),
        checks=tuple(Check.from_json(one) for one in row.checks),
        by_id=row.by_id,
        by=row.by,
        at=row.at,
        decided_by_id=row.decided_by_id,
        decided_by=row.decided_by,
        note=row.note,
        released_by=row.released_by,
        released_at=row.released_at,
    )
