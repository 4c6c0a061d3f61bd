"""Runs: the records of all sources, who is who, and the golden values; one version of the library's tables, or nothing."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from beijiang.access import Permission
from beijiang.fusion.models import (
    FieldReport,
    FusionRun,
    Library,
    Link,
    RunTrigger,
    SourceReport,
    gathering,
    naming,
    trees,
)
from beijiang.fusion.models.clustering import Joined
from beijiang.fusion.models.libraries import GOLDEN
from beijiang.fusion.service.matching import Matching, Shop, put
from beijiang.fusion.store import ClaimStore, DecisionStore, LibraryStore
from beijiang.kit import SYSTEM, BeijiangError, Conflict, NotFound, Text, new_id
from beijiang.tables import CommitRequest, Origin, Use, WriteMode

if TYPE_CHECKING:
    from pathlib import Path

    from beijiang.fusion.models import Pair
    from beijiang.jobs import Job, JobRun
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue
    from beijiang.tables import Derived, TableVersion, TableWritten

__all__ = ["FUSION_JOB", "Running"]

FUSION_JOB: Final = "fusion.run"
RUNS_SHOWN: Final = 50
_STEPS: Final = 6
_HOW: Final = {"key": "主键相同", "match": "相似匹配", "person": "人工判定", "alone": "唯一记录"}


class Running(Matching):
    """Makes the tables."""

    def on_table_written(self, event: TableWritten) -> None:
        """Have the libraries run that take rows of a written table; again is harmless."""
        with self.db.read() as connection:
            store = LibraryStore(connection)
            found = [store.get(link.library_id) for link in store.links_of_table(event.table)]
        for library in found:
            if library is not None and not library.retired:
                self._submit(library.owner, library, RunTrigger.WRITTEN, f"{event.table}:{event.version}")

    def run(self, actor: Actor, library_id: str) -> str:
        """Have a library run now as a job; return its id.

        Raises:
            Conflict: no source is in force yet.

        """
        found = self._seen(actor, library_id, Permission.FUSION_LIBRARY_MANAGE)
        with self.db.read() as connection:
            if not any(link.works for link in LibraryStore(connection).links(found.id)):
                raise _no_source()
        return self._submit(actor, found, RunTrigger.ASKED, new_id("ask"))

    def run_now(self, actor: Actor, library_id: str, on_progress: Callable[[Job], None] | None = None) -> FusionRun:
        """Run a library in this process; for the terminal."""
        job = self.jobs.run_inline(self.run(actor, library_id), on_progress)
        if not isinstance(job.result, dict):
            error = job.error or {}
            zh, en = str(error.get("zh") or "运行没有完成。"), str(error.get("en") or "The run did not end.")
            raise Conflict(zh, en, code=str(error.get("code") or "library_not_run"))
        return self.runs(actor, library_id)[0]

    def runs(self, actor: Actor, library_id: str) -> Sequence[FusionRun]:
        """Return the runs of a library, newest first."""
        found = self._seen(actor, library_id)
        with self.db.read() as connection:
            return LibraryStore(connection).runs(found.id, RUNS_SHOWN)

    def work(self, job: JobRun, arguments: dict[str, JsonValue]) -> JsonValue:
        """Run one library; registered in build.py as the work of ``FUSION_JOB``."""
        with self.db.read() as connection:
            found = LibraryStore(connection).get(str(arguments["library"]))
        if found is None or found.retired:
            return {"retired": True}
        trigger = RunTrigger(str(arguments["trigger"]))
        with self.turns[found.id]:
            return self._work(job, found, trigger)

    def _work(self, job: JobRun, library: Library, trigger: RunTrigger) -> JsonValue:
        if trigger is RunTrigger.WRITTEN and self._up_to_date(library):
            return {"nothing": True}
        folder = self.settings.home / "staging" / f"{library.id}-{job.id}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        started = time.monotonic()
        begun = FusionRun(
            id=f"fusion-{job.id}",
            library_id=library.id,
            revision=library.revision,
            at=self.clock.now(),
            trigger=trigger,
            by=job.actor.id,
            seconds=0.0,
        )
        try:
            run = replace(self._made(job, library, begun, folder), seconds=time.monotonic() - started)
        except BeijiangError as error:
            self._note(replace(begun, seconds=time.monotonic() - started, error=error.text))
            raise
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        self._note(run)
        return {"run": run.id, "version": run.version, "subjects": run.subjects}

    def _made(self, job: JobRun, library: Library, begun: FusionRun, folder: Path) -> FusionRun:
        """Return a run as it came out, its tables committed."""
        actor = self.access.current(job.actor)
        self.access.require(actor, Permission.FUSION_LIBRARY_MANAGE, library.org_id)
        shop = self._shop(actor, library, folder)
        job.progress(0, _STEPS, Text("正在汇集各来源的记录", "gathering the records"))
        records = self._write(
            shop, trees.RECORDS, gathering.records(library, shop.links, shop.secret), shop.versions
        ).rows
        job.progress(1, _STEPS, Text("正在按主键归并", "uniting by key"))
        self._write(shop, trees.NODES, naming.nodes(library, shop.secret, shop.alone))
        job.progress(2, _STEPS, Text("正在匹配没有共同主键的记录", "matching what has no key in common"))
        matched = self._match(shop, lambda _: job.check_cancelled(now=True))
        job.progress(3, _STEPS, Text("正在确定主体", "naming the subjects"))
        self._members(shop, matched.joined)
        job.progress(4, _STEPS, Text("正在择优取值", "choosing the values"))
        made = self._write(shop, "golden", gathering.golden(library, self._ranks(library, shop.links)))
        sources = self._differences(shop)
        job.progress(5, _STEPS, Text("正在写入", "writing"))
        self._commit_crosswalk(shop, job)
        version = self._commit(shop, job, made)
        self._keep(shop)
        waiting = self._queued(library, matched.waiting)
        job.progress(6, _STEPS, Text("库已更新", "the library is up to date"))
        return replace(
            begun,
            version=version.version,
            records=records,
            subjects=made.rows,
            matched=int(matched.report.get("joined", 0)),
            waiting=waiting,
            sources=sources,
            fields=self._fields(library, version.version),
            matching=matched.report,
        )

    def _queued(self, library: Library, found: Iterable[Pair]) -> int:
        """Let pairs wait for a person, and note where there are more than before, so that whoever decides is told."""
        with self.db.begin() as tx:
            store = DecisionStore(tx.connection)
            before, waiting = store.waiting(library.id), store.renew(library.id, found)
            if waiting > before:
                detail: dict[str, JsonValue] = {"org": library.org_id, "waiting": waiting, "more": waiting - before}
                self.evidence.record(tx, SYSTEM, "fusion.queue_grow", target=library.id, detail=detail)
            elif before and not waiting:
                self.evidence.record(
                    tx, SYSTEM, "fusion.queue_empty", target=library.id, detail={"org": library.org_id}
                )
        return waiting

    # The steps

    def _shop(self, actor: Actor, library: Library, folder: Path) -> Shop:
        """Look at every agreement again, and pin what is read."""
        with self.db.read() as connection:
            links = [link for link in LibraryStore(connection).links(library.id) if link.works]
            held = DecisionStore(connection).decisions(library.id, holding=True)
        if not links:
            raise _no_source()
        self._straight(library, [link.table for link in links])
        named = [(link, *self._key_of(link)) for link in links]
        versions = {link.table: self.measures.version(link.table).version for link in links}
        alone = sorted({one.left for one in held if one.taken_out})
        return Shop(library, actor, folder, self._secret(library.id), named, versions, alone)

    def _members(self, shop: Shop, came: Joined) -> None:
        import pyarrow as pa

        how = {root: "person" if root in came.by_person else "match" for root in came.roots.values()}
        rows = [{"node": node, "root": root, "how": how[root]} for node, root in sorted(came.roots.items())]
        schema = pa.schema([("node", pa.string()), ("root", pa.string()), ("how", pa.string())])
        target = shop.folder / "joins.parquet"
        put(pa.Table.from_pylist(rows, schema=schema), target)
        shop.staged[trees.JOINS] = target
        try:
            before = {shop.library.crosswalk: self.measures.version(shop.library.crosswalk).version}
        except NotFound:
            before = {}
        self._write(
            shop, trees.MEMBERS, naming.members(shop.library, shop.secret, shop.alone, first=not before), before
        )

    def _ranks(
        self, library: Library, links: Sequence[tuple[Link, Sequence[str], bool]]
    ) -> Mapping[str, Mapping[int, int]]:
        """Return the rank of each source by field: the declared source department first, then as agreed."""
        with self.db.read() as connection:
            declared = ClaimStore(connection).in_force(library.id)
        return {
            one.name: {
                link.number: 0 if one.name in declared and declared[one.name].org_id == link.org_id else link.priority
                for link, _, _ in links
            }
            for one in library.elements
        }

    def _differences(self, shop: Shop) -> Sequence[SourceReport]:
        made = self._write(shop, "differences", gathering.differences(shop.library, "golden"))
        by_number = {link.number: link for link, _, _ in shop.links}
        found = []
        for row in sorted(self._rows(made), key=lambda r: r["source"]):
            link = by_number[row["source"]]
            names = {one.name: n for n, one in enumerate(shop.library.elements) if one.name in link.columns}
            found.append(
                SourceReport(
                    link.id,
                    link.table,
                    shop.versions[link.table],
                    row["records"],
                    {name: int(row[f"f{n}"]) for name, n in names.items()},
                    {name: int(row[f"d{n}"] or 0) for name, n in names.items()},
                )
            )
        return tuple(found)

    def _commit_crosswalk(self, shop: Shop, job: JobRun) -> None:
        tables = {link.number: link.table for link, _, _ in shop.links}
        made = self._write(shop, "crosswalk", gathering.crosswalk(tables, _HOW))
        request = CommitRequest(
            table=shop.library.crosswalk,
            org_id=shop.library.org_id,
            staged=(made.file,),
            schema=made.schema,
            mode=WriteMode.HISTORY,
            key=(trees.RECORD,),
            run_id=f"fusion-{job.id}-crosswalk",
            reason=f"“{shop.library.name}”第 {shop.library.revision} 版：记录与主体的对应",
            complete=True,
        )
        self.tables.commit(shop.actor, request)

    def _commit(self, shop: Shop, job: JobRun, made: Derived) -> TableVersion:
        library = shop.library
        request = CommitRequest(
            table=library.target,
            org_id=library.org_id,
            staged=(made.file,),
            schema=made.schema,
            mode=WriteMode.HISTORY,
            key=(GOLDEN,),
            run_id=f"fusion-{job.id}",
            reason=f"“{library.name}”第 {library.revision} 版",
            comments={
                GOLDEN: "同一主体在本库中的标识，来源变化时保持不变",
                trees.PROVENANCE: "每个字段的值取自哪条记录",
            },
            derived=_origins(library, [link for link, _, _ in shop.links]),
            complete=True,
        )
        return self.tables.commit(shop.actor, replace(request, accept_plan=self.tables.plan(shop.actor, request).token))

    def _fields(self, library: Library, version: int) -> Sequence[FieldReport]:
        counted = self.measures.count(gathering.field_counts(library), {library.target: version})
        return tuple(
            FieldReport(one.name, counted.get(f"f{n}", 0), counted.get(f"c{n}", 0))
            for n, one in enumerate(library.elements)
        )

    # Inside

    def _up_to_date(self, library: Library) -> bool:
        """Tell whether the newest run had this revision, these sources and these versions."""
        with self.db.read() as connection:
            store = LibraryStore(connection)
            last, links = store.last_written(library.id), [one for one in store.links(library.id) if one.works]
        if last is None or last.revision != library.revision:
            return False
        read = {one.link_id: one.version for one in last.sources}
        return {link.id for link in links} == set(read) and all(
            read[link.id] == self.measures.version(link.table).version and link.at <= last.at for link in links
        )

    def _note(self, run: FusionRun) -> None:
        with self.db.begin() as tx:
            LibraryStore(tx.connection).add_run(run)

    def _submit(self, actor: Actor, library: Library, trigger: RunTrigger, what: str) -> str:
        arguments: dict[str, JsonValue] = {"library": library.id, "trigger": trigger.value}
        key = f"{FUSION_JOB}:{library.id}:{library.revision}:{what}"
        return self.jobs.submit(actor, FUSION_JOB, arguments, key=key, org_id=library.org_id)


def _origins(library: Library, links: Sequence[Link]) -> Mapping[str, tuple[Origin, ...]]:
    """Return what each golden column was made of: it is as sensitive as the strictest of those."""
    found: dict[str, tuple[Origin, ...]] = {}
    for one in library.elements:
        made_of = [
            Origin(link.table, link.columns[one.name], Use.TRANSFORMATION) for link in links if one.name in link.columns
        ]
        if made_of:
            found[one.name] = tuple(dict.fromkeys(made_of))
    return found


def _no_source() -> Conflict:
    return Conflict(
        "这个库还没有已接入的来源。请先在“来源”中接入一张表并由双方同意。",
        "No source of this library is in force yet. Propose a table under its sources and have both sides agree.",
        code="library_without_source",
    )
