"""Declared roles of columns and reports of release checks, in and out of the metadata database."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, insert, select, update

from beijiang.protection.models.releases import ColumnRole, Finding, ReleaseReport
from beijiang.protection.store.schema import column_role, release_report

__all__ = ["ReleaseStore"]


class ReleaseStore:
    """Read and write roles and reports on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def roles(self, table: str) -> Row[Any] | None:
        """Return the declaration in force: ``roles``, ``reason``, ``set_by``, ``set_at``."""
        query = select(column_role).where(column_role.c.table_name == table, column_role.c.is_current.is_(True))
        return self._connection.execute(query).one_or_none()

    def declare(self, table: str, roles: Mapping[str, ColumnRole], reason: str, by: str, at: datetime) -> None:
        """Add a declaration and make it the one in force."""
        current = (column_role.c.table_name == table) & column_role.c.is_current.is_(True)
        self._connection.execute(update(column_role).where(current).values(is_current=False))
        values = {name: str(role) for name, role in roles.items()}
        self._connection.execute(
            insert(column_role).values(
                table_name=table, roles=values, is_current=True, reason=reason, set_by=by, set_at=at
            )
        )

    def add(self, report: ReleaseReport) -> None:
        """Keep a report."""
        body = {"rows": report.rows, "sealed": report.sealed, "findings": [one.to_json() for one in report.findings]}
        self._connection.execute(
            insert(release_report).values(
                id=report.id,
                table_name=report.table,
                org_id=report.org_id,
                version=report.version,
                audience=report.audience,
                subject=report.subject,
                passed=report.passed,
                body=body,
                by=report.by,
                at=report.at,
            )
        )

    def of_subject(self, table: str, audience: str, subject: str) -> ReleaseReport | None:
        """Return the newest report on exactly this."""
        query = select(release_report).where(
            release_report.c.table_name == table,
            release_report.c.audience == audience,
            release_report.c.subject == subject,
        )
        row = self._connection.execute(query.order_by(release_report.c.at.desc(), release_report.c.id.desc())).first()
        return None if row is None else _report(row)

    def get(self, report_id: str) -> ReleaseReport | None:
        """Return a report by id."""
        row = self._connection.execute(select(release_report).where(release_report.c.id == report_id)).one_or_none()
        return None if row is None else _report(row)

    def of_table(self, table: str, limit: int) -> list[ReleaseReport]:
        """Return the reports of a table, newest first."""
        query = select(release_report).where(release_report.c.table_name == table)
        query = query.order_by(release_report.c.at.desc(), release_report.c.id.desc()).limit(limit)
        return [_report(row) for row in self._connection.execute(query)]


def _report(row: Row[Any]) -> ReleaseReport:
    return ReleaseReport(
        id=row.id,
        table=row.table_name,
        org_id=row.org_id,
        version=row.version,
        audience=row.audience,
        subject=row.subject,
        rows=row.body["rows"],
        findings=tuple(Finding.from_json(one) for one in row.body["findings"]),
        by=row.by,
        at=row.at,
        sealed=row.body.get("sealed", ""),
    )
