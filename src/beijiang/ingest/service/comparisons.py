"""What comparisons of whole tables have in common, with whatever the table is held against."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from beijiang.access import Permission
from beijiang.ingest.models import STREAM_VERIFY_JOB, VERIFY_JOB, Certificate
from beijiang.ingest.store.sources import SourceStore
from beijiang.kit import SYSTEM, NotFound, new_id

if TYPE_CHECKING:
    from beijiang.access import Access
    from beijiang.db import Database, UnitOfWork
    from beijiang.evidence import Evidence
    from beijiang.ingest.models import Stream, Sync
    from beijiang.ingest.service.certifying import Finding
    from beijiang.ingest.service.ingest import Ingest
    from beijiang.jobs import Job
    from beijiang.kit import Actor, Clock
    from beijiang.kit.errors import JsonValue

__all__ = ["Comparisons"]

_JOBS: Final = frozenset({VERIFY_JOB, STREAM_VERIFY_JOB})


class Comparisons:
    """The jobs that compare, and the certificates that they end with."""

    db: Database
    ingest: Ingest
    access: Access
    evidence: Evidence
    clock: Clock

    def verification(self, actor: Actor, job_id: str) -> Job:
        """Return a comparison that was queued: its state, progress, and in the end its certificate's id.

        Raises:
            NotFound: unknown or another department's, which look the same.

        """
        found = self.ingest.jobs.job(SYSTEM, job_id)
        known = found.name in _JOBS and self.access.allows(actor, Permission.INGEST_RUN_READ, found.org_id)
        if not known:
            self.access.require(actor, Permission.INGEST_RUN_READ)
            raise NotFound("没有这次核对。", "There is no such verification.", code="verification_not_found")
        return found

    def cancel_verification(self, actor: Actor, job_id: str) -> Job:
        """Stop a comparison; it changes nothing, so nothing is half done."""
        found = self.verification(actor, job_id)
        self.access.require(actor, Permission.INGEST_RUN_CANCEL, found.org_id)
        return self.ingest.jobs.cancel(SYSTEM, job_id)

    def await_verification(self, actor: Actor, job_id: str, on_progress: Callable[[Job], None] | None = None) -> Job:
        """Work a comparison off in this process, or wait for the one that does."""
        self.verification(actor, job_id)
        return self.ingest.jobs.run_inline(job_id, on_progress)

    def certificate_of(self, actor: Actor, job: Job) -> Certificate:
        """Return the certificate that a comparison ended with."""
        result: Any = job.result
        with self.db.read() as connection:
            found = SourceStore(connection).certificate(result["certificate"])
        self.access.require(actor, Permission.INGEST_RUN_SUBMIT, job.org_id)
        assert found is not None  # noqa: S101 - written before the job ended
        return self._shown(actor, found, str(job.org_id))

    def _keep(self, tx: UnitOfWork, actor: Actor, held: Sync | Stream, version: int, found: Finding) -> Certificate:
        """Store what a comparison of a whole table found, as a certificate and as evidence."""
        certificate = Certificate(
            id=new_id("crt"),
            sync_id=held.id,
            run_id=None,
            table=held.table,
            version=version,
            at=self.clock.now(),
            verdict=found.verdict,
            body=found.body,
        )
        SourceStore(tx.connection).add_certificate(certificate)
        facts: dict[str, JsonValue] = {"certificate": certificate.id, "verdict": found.verdict.value}
        self.evidence.record(tx, actor, "ingest.verify", target=held.table, detail=facts)
        return certificate

    def _shown(self, actor: Actor, found: Certificate, org_id: str) -> Certificate:
        """Leave out the keys that differ, which are values of rows, for those who may see runs and no quarantined rows."""
        if self.access.allows(actor, Permission.INGEST_QUARANTINE_READ, org_id):
            return found
        return replace(found, body={**found.body, "differences": []})
