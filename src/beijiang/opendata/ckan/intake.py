"""The way in of all that a program hands over: its bytes are kept as they came, and a run takes them in."""

from __future__ import annotations

import io
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from beijiang.access import Permission
from beijiang.catalog import tidy_name
from beijiang.ingest import IngestRequest, RunMode, RunState
from beijiang.kit import BeijiangError, Conflict, Denied, NotFound, new_id
from beijiang.opendata.ckan.dicts import ROWS
from beijiang.opendata.ckan.reading import not_found

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from beijiang.access import Access
    from beijiang.catalog import Catalog, Resource
    from beijiang.ingest import Ingest, Run
    from beijiang.kit import Actor
    from beijiang.opendata.ckan.parameters import Parameters

__all__ = ["Accepted", "Handed", "Intake", "moved_on", "rows_told"]

PATIENCE: Final = 20.0
"""Seconds from the moment a call came until it is answered, whether its run has ended by then or not."""
_REASON_MOST: Final = 1000


@dataclass(frozen=True, slots=True)
class Accepted:
    """What was taken and is not done yet; the result tells what it waits for."""

    result: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Handed:
    """Bytes, or the SHA-256 of a file that was landed before, and how they change the table."""

    content: bytes | str
    key: tuple[str, ...]
    mode: RunMode
    name: str = ""
    """The file's name; rows are records of JSON, one a line."""
    upon: int | None = None
    """The version of the table that this was made for: where it has another by then, nothing is written."""


class Intake:
    """Lands and takes in for the entry that a call names; checks, quarantine and review are those of every other run."""

    def __init__(self, catalog: Catalog, ingest: Ingest, access: Access) -> None:
        self._catalog = catalog
        self._ingest = ingest
        self._access = access
        self.patience = PATIENCE

    def signed_in(self, actor: Actor) -> None:
        """Return if somebody with a key asks.

        Raises:
            Denied: nobody has signed in.

        """
        self._access.require(actor, Permission.OPENDATA_DATASET_READ)
        if actor.is_anonymous:
            raise Denied("请携带密钥。", "Send a key to write.", code="unauthenticated")

    def found(self, actor: Actor, resource_id: str) -> Resource:
        """Return the entry of a package's id, or of that of its rows.

        Raises:
            NotFound: there is none that this actor may see.

        """
        try:
            return self._catalog.get(actor, resource_id.removesuffix(f"-{ROWS}"))
        except NotFound:
            raise not_found("resource") from None

    def may_hand_in(self, actor: Actor, org_id: str) -> None:
        """Return if this actor hands in data for a department.

        Raises:
            Denied: they do not, or their key may not.

        """
        for right in (Permission.INGEST_FILE_LAND, Permission.INGEST_RUN_SUBMIT, Permission.JOBS_JOB_SUBMIT):
            self._access.require(actor, right, org_id)

    def first(self, actor: Actor, asked: Parameters, found: Resource, handed: Handed) -> Run:
        """Take in what an entry has first; it is bound to its table, unless nothing came of it.

        Raises:
            Denied: the actor may not hand in for the department.
            Conflict: the table is another entry's, or the run was stopped.

        """
        self.may_hand_in(actor, found.provider_id)
        table = found.table or tidy_name(found.entry.name)
        self._catalog.bind(actor, found.id, table)
        try:
            return self.take(actor, asked, found, handed, table)
        except BeijiangError:
            if found.table is None:
                self._catalog.unbind(actor, found.id, table)
            raise

    def take(self, actor: Actor, asked: Parameters, found: Resource, handed: Handed, table: str = "") -> Run:
        """Land what came and wait a while for the run that takes it in; its ``reason``, if one was said, is kept with the version.

        Equal rows that are added by two calls are two rows: the second call is neither refused nor taken for the first.

        Raises:
            Denied: the actor may not hand in for the department.
            Conflict: the run was stopped.

        """
        sha256 = handed.content
        if isinstance(sha256, bytes):
            name = handed.name or f"ckan-{found.id}.ndjson"
            sha256 = self._ingest.land(actor, io.BytesIO(sha256), name, found.provider_id).sha256
        adds = handed.mode is RunMode.APPEND
        reason = asked.text("reason").strip()[:_REASON_MOST] or "CKAN datastore"
        request = IngestRequest(
            files=(sha256,),
            into=table or found.table or "",
            org_id=found.provider_id,
            key=handed.key,
            mode=handed.mode,
            reason=f"{reason} {new_id('call')}" if adds else reason,
            again=adds,
            upon=handed.upon,
        )
        submitted = self._ingest.submit(actor, request)
        run = self._ingest.watch(actor, submitted, max(0.0, asked.came + self.patience - time.monotonic()))
        if run.ended and run.state is not RunState.COMMITTED:
            said = run.error or {}
            if said.get("code") == "table_moved_on":
                raise moved_on(run.id)
            raise Conflict(
                f"这批数据没有入库（批次 {run.id}）：{said.get('zh') or '未通过的行太多，已隔离'}。请到“批次”页查看并修正后重试。",
                f"The rows were not taken in (run {run.id}): {said.get('en') or 'too many did not pass and are in quarantine'}. "
                "Look at the run, mend them and send again.",
                code="run_stopped",
                detail={"field": "upload" if handed.name else "records", "run": run.id},
            )
        return run

    def told(self, found: Resource, run: Run, result: Mapping[str, Any]) -> dict[str, Any] | Accepted:
        """Return a result with what became of its run; one that has not ended is accepted, not done."""
        told = {
            **result,
            "package_id": found.id,
            "run": {"id": run.id, "state": run.state.value, "version": run.version, "report": dict(run.report)},
        }
        if run.ended:
            return told
        waits = (
            f"这批数据已收下，批次 {run.id} 还没有执行完。请勿重发，稍后查看 /api/v1/ingest/runs/{run.id}。",
            f"The rows were handed in; run {run.id} has not ended yet. Do not send them again, look at /api/v1/ingest/runs/{run.id} later.",
        )
        return Accepted({**told, "message": list(waits)})


def moved_on(run: str = "") -> Conflict:
    """Return the error for a table that others wrote to between a look at it and the write that followed from it."""
    which = (f"（批次 {run}）", f" (run {run})") if run else ("", "")
    return Conflict(
        f"数据表在此期间有了新版本，没有改动任何行{which[0]}。请重新查询，确认后再提交。",
        f"The table has got a newer version meanwhile; no row was changed{which[1]}. Search again and send it anew.",
        code="table_moved_on",
        detail={"run": run} if run else None,
    )


def rows_told(found: Resource, run: Run, columns: Sequence[str], method: str) -> dict[str, Any]:
    """Return what the datastore's actions repeat of a write."""
    return {
        "resource_id": f"{found.id}-{ROWS}",
        "method": method,
        "fields": [{"id": name} for name in columns],
        "primary_key": list(run.key),
    }
