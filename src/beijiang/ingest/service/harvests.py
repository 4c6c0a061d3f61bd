"""The verbs of harvests: take over another catalog's records, and the data of chosen ones, again and again."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from beijiang.access import Permission
from beijiang.ingest.models import (
    HARVEST_JOB,
    HarvestFile,
    HarvestPlan,
    HarvestRecord,
    HarvestRun,
    HarvestSetup,
    HarvestState,
    MapKind,
    MapRule,
    Outcome,
    OutcomeKind,
    RecordState,
    Register,
    Source,
)
from beijiang.ingest.service.trusting import end_trust, set_trust
from beijiang.ingest.store.harvest import HarvestStore
from beijiang.ingest.store.sources import SourceStore
from beijiang.jobs import TERMINAL, JobState
from beijiang.kit import SYSTEM, ActorKind, Conflict, Invalid, NotFound, Refused, guard_formula, new_id

if TYPE_CHECKING:
    from beijiang.ingest.connectors.harvester import Harvester
    from beijiang.ingest.service.harvest_files import Followed
    from beijiang.ingest.service.harvest_terms import Terms
    from beijiang.ingest.service.ingest import Ingest
    from beijiang.ingest.service.sources import Sources
    from beijiang.jobs import JobRun
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue

__all__ = ["Harvests"]

_PAGE: Final = 1000
_LOOKED_AT: Final = 1000
_MOST_HARVESTS: Final = 100
_ANY_ORGANISATION: Final = "*"
"""No organisation has this id: who may see its runs may see everybody's."""


class Harvests:
    """Other catalogs, taken over record by record and kept up to date; whatever could not be taken says why."""

    def __init__(self, sources: Sources, ingest: Ingest, register: Register) -> None:
        self.sources = sources
        self.ingest = ingest
        self.register = register
        self.db = ingest.db
        self.access = ingest.access
        self.evidence = ingest.evidence

    # How a source is harvested

    def catalogs(self, actor: Actor) -> list[Source]:
        """Return the department's sources that are catalogs, by name; who sees every department's runs sees all."""
        self.access.require(actor, Permission.INGEST_RUN_READ, actor.org_id)
        with self.db.read() as connection:
            found = SourceStore(connection).sources(self._reach(actor))
        return [s for s in found if self._is_catalog(s)]

    def catalog(self, actor: Actor, words: str) -> Source:
        """Return one catalog by id or name."""
        return self._source(actor, words)

    def setup(self, actor: Actor, words: str) -> HarvestSetup:
        """Return how a source is harvested."""
        return self._setup_of(self._source(actor, words))

    def trust(self, actor: Actor, words: str, *, trusted: bool) -> HarvestSetup:
        """Vouch for a source: what it gives under an open licence is published under this person's name, or no more.

        Raises:
            Denied: the actor neither approves nor publishes entries.
            Refused: the platform itself vouches for nobody.

        """
        source = self._source(actor, words)
        self.access.require(actor, Permission.CATALOG_RESOURCE_APPROVE, source.org_id)
        self.access.require(actor, Permission.CATALOG_RESOURCE_PUBLISH, source.org_id)
        if trusted and actor.kind is not ActorKind.PERSON:
            raise Refused(
                "信任来源是一个人的决定，请用 --as 指明是哪位发布员。",
                "To trust a source is a person's decision: name the publisher with --as.",
                code="person_needed",
            )
        login = self.access.person(actor, actor.id).login if trusted else ""
        with self.db.begin() as tx:
            return set_trust(tx, self.evidence, actor, source, login)

    def withdraw_after(self, actor: Actor, words: str, harvests: int) -> HarvestSetup:
        """Say after how many harvests without it an entry is taken offline."""
        source = self._source(actor, words)
        self.access.require(actor, Permission.INGEST_SOURCE_MANAGE, source.org_id)
        if not 1 <= harvests <= _MOST_HARVESTS:
            raise Invalid(
                f"次数应为 1 至 {_MOST_HARVESTS}。", f"Give a number from 1 to {_MOST_HARVESTS}.", code="bad_number"
            )
        with self.db.begin() as tx:
            store = HarvestStore(tx.connection)
            setup = replace(store.setup(source.id), withdraw_after=harvests)
            store.keep_setup(source.id, setup)
            detail: dict[str, JsonValue] = {"withdraw_after": harvests}
            self.evidence.record(tx, actor, "ingest.harvest_setup", target=source.id, detail=detail)
        return setup

    def rules(self, actor: Actor, words: str) -> list[MapRule]:
        """Return how the source's words are put into our terms: decided by a steward, or guessed."""
        source = self._source(actor, words)
        with self.db.read() as connection:
            return HarvestStore(connection).rules(source.id)

    def decide(self, actor: Actor, words: str, rule: MapRule) -> MapRule:
        """Decide what a word of the source means here; the next harvest applies it to every record.

        A licence or a provider decides what is published and as whose: trust in the source ends, unless the actor could give it.

        Raises:
            Invalid, NotFound: there is no such division, licence, cycle or organisation.

        """
        from beijiang.ingest.service.harvest_terms import check_target

        source = self._source(actor, words)
        self.access.require(actor, Permission.INGEST_SOURCE_MANAGE, source.org_id)
        check_target(self.ingest.standards, rule, self.access.organisation)
        decided = replace(rule, decided_by=actor.name)
        with self.db.begin() as tx:
            HarvestStore(tx.connection).keep_rule(source.id, decided)
            if rule.kind in {MapKind.LICENCE, MapKind.PROVIDER}:
                end_trust(tx, self.access, self.evidence, actor=actor, source=source)
            self.evidence.record(tx, actor, "ingest.harvest_map", target=source.id, detail=decided.to_json())
        return decided

    # Harvests

    def plan(self, actor: Actor, words: str, *, most: int = _LOOKED_AT) -> HarvestPlan:
        """Look at the first records (``most``) and say what a harvest would do; nothing is kept or changed."""
        from beijiang.ingest.service.harvest_looking import planned

        source = self._source(actor, words)
        self.access.require(actor, Permission.INGEST_RUN_SUBMIT, source.org_id)
        return planned(self.db, source, self._harvester(source), self._terms(source), most)

    def run(self, actor: Actor, words: str, *, accept_vanished: bool = False, go_on: bool = False) -> str:
        """Queue a harvest and return its id; one that has not ended is returned instead of a second.

        Args:
            actor: who harvests; the entries are registered in this name.
            words: id or name of the source.
            accept_vanished: mark what did not come as vanished, however much it is.
            go_on: begin where the last harvest failed or was cancelled.

        """
        source = self._source(actor, words)
        self._harvester(source)
        self.access.require(actor, Permission.INGEST_RUN_SUBMIT, source.org_id)
        self.access.require(actor, Permission.CATALOG_RESOURCE_REGISTER, source.org_id)
        with self.db.begin() as tx:
            store = HarvestStore(tx.connection)
            key = f"{HARVEST_JOB}:{source.id}"
            arguments: dict[str, JsonValue] = {"source": source.id}
            job_id = self.ingest.jobs.submit(actor, HARVEST_JOB, arguments, key=key, org_id=source.org_id, tx=tx)
            known = store.run(job_id)
            if known is not None:
                return known.id
            last = next(iter(store.runs(source_id=source.id, org_id=None, limit=1)), None)
            begun = last if go_on and last is not None and last.position is not None else None
            run_id = new_id("hrv")
            store.add_run(
                {
                    "id": run_id,
                    "source_id": source.id,
                    "source_name": source.name,
                    "org_id": source.org_id,
                    "job_id": job_id,
                    "number": begun.number if begun else store.last_number(source.id) + 1,
                    "state": HarvestState.QUEUED.value,
                    "actor_name": actor.name,
                    "submitted_at": self.ingest.clock.now(),
                    "pages": begun.pages if begun else 0,
                    "position": dict(begun.position) if begun and begun.position else None,
                    "total": begun.total if begun else None,
                    "accept_vanished": accept_vanished,
                    "counts": dict(begun.counts) if begun else {},
                    "warnings": [],
                }
            )
            detail: dict[str, JsonValue] = {"run": run_id, "go_on": begun is not None}
            self.evidence.record(tx, actor, "ingest.harvest", target=source.id, detail=detail)
        self.ingest.jobs.nudge()
        return run_id

    def runs(self, actor: Actor, words: str | None = None, limit: int = 50) -> list[HarvestRun]:
        """Return harvests of a source, or of the department (the platform sees all), newest first."""
        source = None if words is None else self._source(actor, words)
        self.access.require(actor, Permission.INGEST_RUN_READ, actor.org_id)
        with self.db.read() as connection:
            store = HarvestStore(connection)
            found = store.runs(
                source_id=None if source is None else source.id, org_id=self._reach(actor), limit=min(limit, _PAGE)
            )
        return [self._with_job(run) for run in found]

    def harvest(self, actor: Actor, run_id: str) -> HarvestRun:
        """Return one harvest.

        Raises:
            NotFound: unknown or another department's, which look the same.

        """
        with self.db.read() as connection:
            found = HarvestStore(connection).run(run_id)
        if found is None or not self.access.allows(actor, Permission.INGEST_RUN_READ, found.org_id):
            self.access.require(actor, Permission.INGEST_RUN_READ)
            raise NotFound(f"没有采集“{run_id[:60]}”。", f'There is no harvest "{run_id[:60]}".', code="run_not_found")
        return self._with_job(found)

    def cancel(self, actor: Actor, run_id: str) -> HarvestRun:
        """Stop a harvest after the page that it is at; what it brought stays."""
        found = self.harvest(actor, run_id)
        self.access.require(actor, Permission.INGEST_RUN_CANCEL, found.org_id)
        self.ingest.jobs.cancel(actor, found.job_id)
        return self.harvest(actor, run_id)

    def wait(self, actor: Actor, run_id: str, on_progress: Any = None) -> HarvestRun:
        """Work off a harvest in this process, or wait for the one that serves this home; return it when it has ended."""
        found = self.harvest(actor, run_id)
        self.ingest.jobs.run_inline(found.job_id, on_progress)
        return self.harvest(actor, run_id)

    def outcomes(
        self,
        actor: Actor,
        run_id: str,
        *,
        kind: OutcomeKind | None = None,
        after: tuple[str, str] = ("", ""),
        limit: int = 100,
    ) -> list[Outcome]:
        """Return what a harvest did record by record, except for what stayed as it was."""
        found = self.harvest(actor, run_id)
        with self.db.read() as connection:
            return HarvestStore(connection).outcomes(found.id, kind, after, min(limit, _PAGE))

    def report(self, actor: Actor, run_id: str) -> Iterator[str]:
        """Yield the report of a harvest as CSV: one line for each record that was not simply unchanged."""
        found = self.harvest(actor, run_id)
        return self._lines(actor, found.id)

    def _lines(self, actor: Actor, run_id: str) -> Iterator[str]:
        yield "\ufeff" + _line("guid", "名称 title", "结果 outcome", "原因代码 code", "原因", "reason")
        after = ("", "")
        while some := self.outcomes(actor, run_id, after=after, limit=_PAGE):
            for o in some:
                reason = o.reason or {}
                words = (reason.get(name, "") for name in ("code", "zh", "en"))
                yield _line(o.guid, o.title, f"{o.kind.text.zh} {o.kind.value}", *(str(w) for w in words))
            after = (some[-1].guid, some[-1].kind.value)

    # Records

    def records(  # filters are named
        self,
        actor: Actor,
        words: str,
        *,
        state: RecordState | None = None,
        search: str = "",
        after: str = "",
        limit: int = 100,
    ) -> list[HarvestRecord]:
        """Return the records of a source, by guid."""
        source = self._source(actor, words)
        with self.db.read() as connection:
            store = HarvestStore(connection)
            return store.records(source.id, state=state, words=search, after=after, limit=min(limit, _PAGE))

    def record(self, actor: Actor, words: str, guid: str) -> HarvestRecord:
        """Return one record of a source."""
        source = self._source(actor, words)
        with self.db.read() as connection:
            found = HarvestStore(connection).known(source.id, [guid]).get(guid)
        if found is None:
            raise NotFound(f"没有记录“{guid[:60]}”。", f'There is no record "{guid[:60]}".', code="record_not_found")
        return found

    def original(self, actor: Actor, words: str, guid: str) -> bytes:
        """Return a record as the source gave it, out of the landed answer."""
        found = self.record(actor, words, guid)
        source = self._source(actor, words)
        path = self.ingest.landing.path(found.page)
        if not found.page or not path.is_file():
            raise NotFound("原始记录不在。", "The original record is not here.", code="original_not_found")
        return self._harvester(source).original(path, found.place)

    def counts(self, actor: Actor, words: str) -> dict[str, int]:
        """Return how many records of a source are in which state."""
        source = self._source(actor, words)
        with self.db.read() as connection:
            return HarvestStore(connection).counts(source.id)

    # Data of distributions

    def follow(self, actor: Actor, words: str, guid: str, url: str, table: str) -> HarvestFile:
        """Take the data of one distribution into a table, which becomes the table of the record's entry.

        Raises:
            Invalid: the record lists no such address. Conflict: the table is filled from somewhere already.

        """
        source = self._source(actor, words)
        self.access.require(actor, Permission.INGEST_SOURCE_MANAGE, source.org_id)
        return self._followed(source).add(actor, self.record(actor, source.id, guid), url, table)

    def unfollow(self, actor: Actor, words: str, file_id: str) -> None:
        """Take a distribution's data no longer; the table stays."""
        source = self._source(actor, words)
        self.access.require(actor, Permission.INGEST_SOURCE_MANAGE, source.org_id)
        self._followed(source).remove(actor, file_id)

    def files(self, actor: Actor, words: str, guid: str | None = None) -> list[HarvestFile]:
        """Return the distributions whose data are taken."""
        source = self._source(actor, words)
        with self.db.read() as connection:
            return HarvestStore(connection).files(source.id, guid)

    def fetch(self, actor: Actor, words: str) -> str:
        """Queue a job that fetches the followed distributions that changed, and return its id."""
        source = self._source(actor, words)
        self.access.require(actor, Permission.INGEST_RUN_SUBMIT, source.org_id)
        arguments: dict[str, JsonValue] = {"source": source.id, "only": "files"}
        key = f"{HARVEST_JOB}:{source.id}:files"
        return self.ingest.jobs.submit(actor, HARVEST_JOB, arguments, key=key, org_id=source.org_id)

    # Inside

    def work(self, job: JobRun, arguments: dict[str, JsonValue]) -> JsonValue:
        """Do the harvest that a job stands for; registered in build.py as the work of ``HARVEST_JOB``."""
        from beijiang.ingest.service.harvesting import HarvestWork

        if arguments.get("only") == "files":
            source = self.sources.source(SYSTEM, str(arguments["source"]))
            return {"fetched": len(self._followed(source).fetch(job.actor, None))}
        with self.db.read() as connection:
            run = HarvestStore(connection).run(job.id)
        if run is None:
            raise NotFound("没有这次采集。", "There is no such harvest.", code="run_not_found")
        if run.ended:
            return {"run": run.id}
        source = self.sources.source(SYSTEM, run.source_id)
        terms = self._terms(source)
        setup = self._setup_of(source)  # read last: a change that comes meanwhile has ended the trust, never outruns it
        work = HarvestWork(self.ingest.shop, job, run, source, self._harvester(source), self.register, terms, setup)
        work.do(lambda: self._truster(source))
        self._followed(source).fetch(job.actor, None)
        return {"run": run.id}

    def _reach(self, actor: Actor) -> str | None:
        """Return the one department whose harvests the actor may see, None for all."""
        return None if self.access.allows(actor, Permission.INGEST_RUN_READ, _ANY_ORGANISATION) else actor.org_id

    def _source(self, actor: Actor, words: str) -> Source:
        """Return a source to whoever may see it, or its runs: reviewers look at what they will have to review.

        Raises:
            NotFound: unknown or another department's, which look the same.

        """
        with self.db.read() as connection:
            store = SourceStore(connection)
            found = store.source(words, actor.org_id) or store.source(words)
        seen = (Permission.INGEST_SOURCE_READ, Permission.INGEST_RUN_READ)
        if found is None or not any(self.access.allows(actor, p, found.org_id) for p in seen):
            self.access.require(actor, Permission.INGEST_RUN_READ)
            raise NotFound(
                f"没有目录来源“{words[:60]}”。", f'There is no catalog "{words[:60]}".', code="source_not_found"
            )
        return found

    def _harvester(self, source: Source) -> Harvester:
        """Return the connector of a catalog.

        Raises:
            Conflict: the source is none.

        """
        from beijiang.ingest.connectors.harvester import Harvester

        made = self.sources.connect(source)
        if not isinstance(made, Harvester):
            raise Conflict(
                f"数据源“{source.name}”不是目录，不能采集。",
                f'The source "{source.name}" is no catalog and cannot be harvested.',
                code="no_catalog",
            )
        return made

    def _is_catalog(self, source: Source) -> bool:
        from beijiang.ingest.connectors import connector
        from beijiang.ingest.connectors.harvester import Harvester

        return issubclass(connector(source.kind), Harvester)

    def _terms(self, source: Source) -> Terms:
        from beijiang.ingest.service.harvest_terms import Terms

        with self.db.read() as connection:
            store = HarvestStore(connection)
            rules, setup = store.rules(source.id), store.setup(source.id)
        return Terms(self.ingest.standards, source.org_id, rules, trusted=bool(setup.trusted_by))

    def _setup_of(self, source: Source) -> HarvestSetup:
        with self.db.read() as connection:
            return HarvestStore(connection).setup(source.id)

    def _truster(self, source: Source) -> Actor | None:
        """Return who vouches for a source now; a trust that ended while it was harvested publishes nothing."""
        login = self._setup_of(source).trusted_by
        return self.access.actor_for_person(login) if login else None

    def _followed(self, source: Source) -> Followed:
        from beijiang.ingest.service.harvest_files import Followed

        return Followed(self.ingest, self.register, source, self._harvester(source))

    def _with_job(self, run: HarvestRun) -> HarvestRun:
        """Add the end of a harvest whose job never came to its report: cancelled, or broken off."""
        if run.ended:
            return run
        job = self.ingest.jobs.job(SYSTEM, run.job_id)
        if job.state not in TERMINAL:
            return run
        state = HarvestState.CANCELLED if job.state is JobState.CANCELLED else HarvestState.FAILED
        return replace(run, state=state, ended_at=job.ended_at, error=job.error)


def _line(*cells: str) -> str:
    """Return a line of CSV; a cell that a spreadsheet would run as a formula is made text."""
    text = io.StringIO()
    csv.writer(text).writerow([guard_formula(c) for c in cells])
    return text.getvalue()
