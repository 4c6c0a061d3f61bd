"""The verbs of ``beijiang ingest`` that prove: whole tables, keys, and the keys that left."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from beijiang.ingest.commands.files import AS, actor_of, follow, show_run, why
from beijiang.ingest.models import RunState, Verdict
from beijiang.jobs import JobState
from beijiang.kit import Invalid, Refused, Text
from beijiang.terminal import Column, as_json, language, progress, say, show

if TYPE_CHECKING:
    from beijiang.ingest.models import Certificate
    from beijiang.ingest.service import Sources
    from beijiang.jobs import Job
    from beijiang.kit import Actor

__all__ = ["add_proofs", "awaited", "end_with", "show_proof", "show_proofs"]

_SOURCE = typer.Argument(help="Table, sync, or a source of which one feed is taken.")
_PROOF = (
    Column("sync", Text("取数任务", "sync")),
    Column("table", Text("表", "table")),
    Column("version", Text("版本", "version")),
    Column("verdict", Text("结论", "verdict")),
    Column("source_rows", Text("源端行数", "rows at the source")),
    Column("held_rows", Text("表内行数", "rows in the table")),
    Column("set_aside", Text("隔离", "set aside")),
    Column("checksum", Text("校验和", "checksum")),
    Column("differences_found", Text("差异行", "rows that differ")),
)
_DIFFERENCES = (
    Column("kind", Text("差异", "difference")),
    Column("key", Text("主键", "key")),
    Column("columns", Text("不同的列", "columns")),
)
_GONE = (
    Column("key", Text("主键", "key")),
    Column("run", Text("任务", "run"), whole=True),
    Column("at", Text("离开时间", "left at")),
    Column("version", Text("版本", "version"), right=True),
)


def add_proofs(group: typer.Typer, get: Callable[[], Sources]) -> None:
    """Add the verbs to ``beijiang ingest``."""
    _add_certificates(group, get)
    _add_keys(group, get)


def _add_certificates(group: typer.Typer, get: Callable[[], Sources]) -> None:
    @group.command("verify")
    def verify(
        source: str = _SOURCE,
        repair: bool = typer.Option(False, "--repair", help="Read everything again where something differs."),
        person: str = AS,
    ) -> None:
        """Hold a whole table against its source as it is now. Exit status 1 where rows differ."""
        registry = get()
        actor = actor_of(registry.ingest, person)
        proof, run_id = _compared(registry, actor, source, repair=repair)
        if run_id:
            if not as_json():
                show_proof(proof)
            run = follow(registry.ingest, actor, run_id)
            if run.state is not RunState.COMMITTED:
                raise why(run)
            proof, _ = _compared(registry, actor, source, repair=False)
        end_with(
            proof,
            Text(
                "两边的数据不一致，差异已列出。下一次取数会带来源端的更新；加 --repair 立即全部重取。",
                "The two sides differ; see the list. The next run brings what changed at the source; --repair reads everything again now.",
            ),
        )

    @group.command("certificates")
    def certificates(
        source: str = typer.Argument("", help="Table, sync or source; all if empty."),
        limit: int = typer.Option(20, min=1, max=500, help="How many, newest first."),
        person: str = AS,
    ) -> None:
        """List certificates, newest first."""
        registry = get()
        show_proofs(registry.certificates(actor_of(registry.ingest, person), source or None, limit))


def _add_keys(group: typer.Typer, get: Callable[[], Sources]) -> None:
    @group.command("compare-keys")
    def compare_keys(
        source: str = _SOURCE,
        reason: str = typer.Option("", help="Why; kept in the table's history."),
        person: str = AS,
    ) -> None:
        """Compare all keys with the source now: what was deleted there leaves in one version, and its keys are kept."""
        registry = get()
        actor = actor_of(registry.ingest, person)
        run = follow(registry.ingest, actor, registry.compare_keys(actor, source, reason=reason))
        if run.state is not RunState.COMMITTED:
            raise why(run)
        made = registry.comparisons(actor, source, limit=1)[0]
        if as_json():
            show(made.to_json())
            return
        show_run(run)
        say(
            Text(
                f"已比对源端 {made.keys:,} 个主键，{made.gone:,} 行因源端已删除而离开。",
                f"{made.keys:,} keys of the source compared; {made.gone:,} rows left, since the source has them no more.",
            )
        )

    @group.command("tombstones")
    def tombstones(
        source: str = _SOURCE,
        key: Annotated[list[str] | None, typer.Option(help="Only this key; again for keys of more columns.")] = None,
        out: Annotated[Path | None, typer.Option(help="Write all of them as CSV.")] = None,
        limit: int = typer.Option(50, min=1, max=1000, help="How many, newest first."),
        person: str = AS,
    ) -> None:
        """List the keys that left a table because the source deleted them: when, and by which run."""
        registry = get()
        actor = actor_of(registry.ingest, person)
        if out is not None:
            path = registry.tombstone_file(actor, source)
            out.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(path, out)
            show({"out": str(out)})
            return
        found = registry.tombstones(actor, source, key=tuple(key or ()), limit=limit)
        rows: list[dict[str, Any]] = [t.to_json() for t in found]
        shown = [{**r, "key": " | ".join(v or "" for v in r["key"].values())} for r in rows]
        show(rows if as_json() else shown, _GONE)


def _compared(registry: Sources, actor: Actor, source: str, *, repair: bool) -> tuple[Certificate, str]:
    """Wait for a comparison with a bar; return its certificate, and the run that mends, if one was queued."""
    job_id = registry.verify_later(actor, source, repair=repair)
    job = awaited(job_id, lambda moved: registry.await_verification(actor, job_id, moved))
    result: Any = job.result
    return registry.certificate_of(actor, job), str(result.get("run", ""))


def awaited(job_id: str, wait: Callable[[Callable[[Job], None]], Job]) -> Job:
    """Wait for a comparison with a bar and return it when it is done.

    Raises:
        Invalid: it failed or was cancelled; the error is the comparison's own.

    """
    with progress(Text("核对两边的数据", "Comparing both sides")) as bar:

        def moved(job: Job) -> None:
            bar.update(job.progress.done, job.progress.total, job.progress.note.in_language(language()))

        job = wait(moved)
    if job.state is not JobState.DONE:
        error = job.error or {"code": job.state.value, "zh": "核对已取消。", "en": "The verification was cancelled."}
        raise Invalid(str(error["zh"]), str(error["en"]), code=str(error["code"]), detail={"job": job_id})
    return job


def end_with(proof: Certificate, advice: Text) -> None:
    """Print what a comparison found.

    Raises:
        Refused: rows differ; says what to do.

    """
    if as_json():
        show(proof.to_json())
    else:
        show_proof(proof)
    if proof.verdict is Verdict.DIFFERENT:
        raise Refused(advice.zh, advice.en, code="rows_differ", detail={"certificate": proof.id})


def show_proofs(proofs: Sequence[Certificate]) -> None:
    """Print certificates, one a line."""
    show([c.to_json() for c in proofs] if as_json() else [_proof(c) for c in proofs], _PROOF)


def _proof(proof: Certificate) -> dict[str, Any]:
    body: Any = proof.body
    return {
        "sync": proof.sync_id,
        "table": proof.table,
        "version": proof.version,
        "verdict": proof.verdict.text.in_language(language()),
        "source_rows": body["source"]["rows"],
        "held_rows": body["held"]["rows"],
        "set_aside": body["set_aside"],
        "checksum": body["held"]["checksum"][:16],
        "differences_found": body["differences_found"],
    }


def show_proof(proof: Certificate) -> None:
    """Print a certificate and the rows that differ, by key."""
    show(_proof(proof), _PROOF)
    found: Any = proof.body["differences"]
    if found:
        show(
            [{**d, "key": " | ".join(k or "" for k in d["key"]), "columns": ", ".join(d["columns"])} for d in found],
            _DIFFERENCES,
        )
