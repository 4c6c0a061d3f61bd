"""Read the log, for those who may; looking at it is itself recorded."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Protocol

from beijiang.evidence.models import CheckReport, EvidencePage, EvidenceQuery, EvidenceRecord, EvidenceRight
from beijiang.evidence.service.log import Evidence
from beijiang.kit import Actor, Invalid
from beijiang.kit.errors import JsonValue

PAGE_LIMIT = 1000


class AccessCheck(Protocol):
    """What evidence needs of access, which stands on a higher floor."""

    def require(self, actor: Actor, permission: str, org_id: str | None = None) -> None:
        """Raise unless the actor holds the permission."""

    def allows(self, actor: Actor, permission: str, org_id: str | None = None) -> bool:
        """Tell whether the actor holds the permission."""


class EvidenceReader:
    """Search, check and export the log."""

    def __init__(self, evidence: Evidence, access: AccessCheck) -> None:
        self._evidence = evidence
        self._access = access

    def search(self, actor: Actor, query: EvidenceQuery) -> EvidencePage:
        """Return matching records, newest first.

        Raises:
            Invalid: ``limit`` is not between 1 and 1000.

        """
        self._access.require(actor, EvidenceRight.READ)
        if not 1 <= query.limit <= PAGE_LIMIT:
            raise Invalid(
                f"每页条数须在 1 到 {PAGE_LIMIT} 之间。",
                f"limit must lie between 1 and {PAGE_LIMIT}.",
                code="limit_out_of_range",
                detail={"limit": query.limit},
            )
        self._evidence.flush()
        self._evidence.note(actor, "evidence.search", target="log", detail=_asked(query))
        return self._evidence.page(query)

    def export(self, actor: Actor, query: EvidenceQuery) -> Iterator[EvidenceRecord]:
        """Yield every matching record, newest first, in constant memory."""
        self._access.require(actor, EvidenceRight.EXPORT)
        self._evidence.flush()
        self._evidence.note(actor, "evidence.export", target="log", detail=_asked(query))
        return self._all(replace(query, limit=PAGE_LIMIT))

    def check(self, actor: Actor) -> CheckReport:
        """Re-hash the whole log and report every damaged place; the outcome is recorded."""
        self._access.require(actor, EvidenceRight.CHECK)
        report = self._evidence.check()
        detail: dict[str, JsonValue] = {
            "records": report.records,
            "head": report.head,
            "problems": len(report.problems),
        }
        self._evidence.note(actor, "evidence.check", target="log", detail=detail)
        return report

    def _all(self, query: EvidenceQuery) -> Iterator[EvidenceRecord]:
        page = self._evidence.page(query)
        yield from page.records
        while page.next is not None:
            page = self._evidence.page(replace(query, before=page.next))
            yield from page.records


def _asked(query: EvidenceQuery) -> dict[str, JsonValue]:
    fields = ("actor_id", "org_id", "action", "target", "decision", "since", "until", "before")
    given = {name: getattr(query, name) for name in fields}
    return {name: value if isinstance(value, int) else str(value) for name, value in given.items() if value is not None}
