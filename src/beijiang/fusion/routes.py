"""The JSON API of libraries: declare, sources, runs, subjects, pairs and decisions, one source for each field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from beijiang.fusion.models import Choosing, Element, LibraryDraft, LinkDraft, Verdict
from beijiang.kit import Actor, Text
from beijiang.tables import Filter, FilterOp
from beijiang.web.values import plain_value

if TYPE_CHECKING:
    from beijiang.fusion.models import Claim, Decision, Dispute, FusionRun, Library, Link, Pair
    from beijiang.fusion.service import Compared, Fusion, Subject, Subjects

__all__ = ["router"]

Reason = Annotated[str, Query(min_length=1, max_length=1000)]


class ElementOrder(BaseModel):
    """One field of a library."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=100)
    element: str = Field(default="", max_length=100)
    type: str = Field(default="C", max_length=1)
    length: str = Field(default="", max_length=10)
    check: str = Field(default="", max_length=20)
    choosing: Choosing = Choosing.SOURCE

    def made(self) -> Element:
        """Return the order as an element."""
        return Element(**self.model_dump())


class LibraryOrder(BaseModel):
    """A library; ``GET /api/v1/library-kinds/{kind}/draft`` gives one to begin with."""

    model_config = ConfigDict(extra="forbid")

    kind: str = Field(max_length=40)
    name: str = Field(default="", max_length=200)
    target: str = Field(default="", max_length=200)
    elements: list[ElementOrder] = Field(max_length=200)
    key: list[str] = Field(default=[], max_length=20)
    matching: str = Field(default="", max_length=40)
    certain: float = Field(default=0.99, gt=0, le=1)
    grey: float = Field(default=0.6, gt=0, le=1)
    reason: str = Field(default="", max_length=1000)

    def draft(self) -> LibraryDraft:
        """Return the order as a draft."""
        words = self.model_dump(exclude={"elements", "key", "reason"})
        return LibraryDraft(**words, elements=tuple(one.made() for one in self.elements), key=tuple(self.key))


class LinkOrder(BaseModel):
    """A table that is to serve a library."""

    model_config = ConfigDict(extra="forbid")

    table: str = Field(max_length=200)
    columns: dict[str, str] = Field(max_length=200)
    """Element to column."""
    priority: int = Field(default=5, ge=1, le=98)
    key: list[str] = Field(default=[], max_length=20)
    seen: str = Field(default="", max_length=200)
    reason: str = Field(default="", max_length=1000)

    def draft(self) -> LinkDraft:
        """Return the order as a draft."""
        return LinkDraft(
            table=self.table,
            columns=dict(self.columns),
            priority=self.priority,
            key=tuple(self.key),
            seen=self.seen,
        )


class VerdictOrder(BaseModel):
    """What is decided about a pair, and why."""

    model_config = ConfigDict(extra="forbid")

    verdict: Verdict
    reason: str = Field(min_length=1, max_length=1000)


class MergeOrder(BaseModel):
    """Subjects that are one."""

    model_config = ConfigDict(extra="forbid")

    subjects: list[str] = Field(min_length=2, max_length=200)
    reason: str = Field(min_length=1, max_length=1000)


class TakeOutOrder(BaseModel):
    """Records that do not belong to a subject."""

    model_config = ConfigDict(extra="forbid")

    records: list[str] = Field(min_length=1, max_length=200)
    reason: str = Field(min_length=1, max_length=1000)


class ClaimOrder(BaseModel):
    """A field of which the own department is the one source, and on what ground."""

    model_config = ConfigDict(extra="forbid")

    element: str = Field(min_length=1, max_length=100)
    basis: str = Field(min_length=1, max_length=1000)


class RulingOrder(BaseModel):
    """Yes or no, and why."""

    model_config = ConfigDict(extra="forbid")

    accept: bool
    why: str = Field(min_length=1, max_length=1000)


class ReasonOrder(BaseModel):
    """Why."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(min_length=1, max_length=1000)


def router(service: Fusion) -> APIRouter:
    """Return the endpoints under ``/api/v1``."""
    routes = APIRouter(prefix="/api/v1", tags=["libraries"])

    @routes.get("/library-kinds", summary="The kinds of libraries that the plan names")
    def kinds(request: Request) -> dict[str, Any]:
        found = service.models(_actor(request))
        return {"kinds": [{"kind": o.kind, "name": _words(o.name), "basis": o.basis} for o in found]}

    @routes.get("/library-kinds/{kind}/draft", summary="A library as the standards would have it")
    def draft(request: Request, kind: str) -> dict[str, Any]:
        return _draft(service.draft(_actor(request), kind))

    @routes.get("/libraries", summary="The libraries in force")
    def all_(request: Request) -> dict[str, Any]:
        return {"libraries": [_library(one) for one in service.libraries(_actor(request))]}

    @routes.post("/libraries", status_code=201, summary="Declare a library; it fills a table of its own")
    def declare(request: Request, order: LibraryOrder) -> dict[str, Any]:
        return _library(service.declare(_actor(request), order.draft(), order.reason))

    @routes.get("/libraries/{library}", summary="A library, by its id or the table that it fills")
    def one(request: Request, library: str) -> dict[str, Any]:
        return _library(service.library(_actor(request), library))

    @routes.put("/libraries/{library}", summary="Make a new revision of a library, with a reason")
    def change(request: Request, library: str, order: LibraryOrder) -> dict[str, Any]:
        return _library(service.change(_actor(request), library, order.draft(), order.reason))

    @routes.delete("/libraries/{library}", status_code=204, summary="Let a library run no more; its tables stay")
    def retire(request: Request, library: str, reason: Reason) -> None:
        service.retire(_actor(request), library, reason)

    @routes.get("/libraries/{library}/history", summary="All revisions of a library")
    def history(request: Request, library: str) -> dict[str, Any]:
        return {"history": [_library(one) for one in service.history(_actor(request), library)]}

    @routes.post("/libraries/{library}/run", status_code=202, summary="Have a library run now")
    def run(request: Request, library: str) -> dict[str, Any]:
        return {"job": service.run(_actor(request), library)}

    @routes.get("/libraries/{library}/runs", summary="The runs of a library, newest first")
    def runs(request: Request, library: str) -> dict[str, Any]:
        return {"runs": [_run(one) for one in service.runs(_actor(request), library)]}

    _add_sources(routes, service)
    _add_subjects(routes, service)
    _add_claims(routes, service)
    return routes


def _add_sources(routes: APIRouter, service: Fusion) -> None:
    @routes.get("/libraries/{library}/sources", summary="The sources of a library")
    def links(request: Request, library: str) -> dict[str, Any]:
        return {"sources": [_link(one) for one in service.links(_actor(request), library)]}

    @routes.get("/libraries/{library}/suggest", summary="Which column of a table seems to be which field")
    def suggest(request: Request, library: str, table: Annotated[str, Query(max_length=200)]) -> dict[str, Any]:
        return {"table": table, "columns": dict(service.suggest(_actor(request), library, table))}

    @routes.post("/libraries/{library}/sources", status_code=201, summary="Offer a table to a library")
    def propose(request: Request, library: str, order: LinkOrder) -> dict[str, Any]:
        return _link(service.propose(_actor(request), library, order.draft(), order.reason))

    @routes.post("/library-sources/{link}/agree", summary="Agree to what the other side proposed")
    def agree(request: Request, link: str) -> dict[str, Any]:
        return _link(service.agree(_actor(request), link))

    @routes.put("/library-sources/{link}", summary="Change what is taken of a source, with a reason")
    def remap(request: Request, link: str, order: LinkOrder) -> dict[str, Any]:
        return _link(service.remap(_actor(request), link, order.draft(), order.reason))

    @routes.delete("/library-sources/{link}", summary="End a source, as either side may")
    def end(request: Request, link: str, reason: Reason) -> dict[str, Any]:
        return _link(service.end(_actor(request), link, reason))


def _add_subjects(routes: APIRouter, service: Fusion) -> None:
    @routes.get("/libraries/{library}/subjects", summary="Golden records, through the gate")
    def subjects(
        request: Request,
        library: str,
        field: Annotated[str, Query(max_length=200)] = "",
        value: Annotated[str, Query(max_length=200)] = "",
        after: Annotated[str | None, Query(max_length=2000)] = None,
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
    ) -> dict[str, Any]:
        filters = [Filter(field, FilterOp.CONTAINS, value)] if field and value else []
        return _subjects(service.subjects(_actor(request), library, filters, after, limit))

    @routes.get("/libraries/{library}/subjects/{subject}", summary="A golden record: fields, history, records")
    def subject(request: Request, library: str, subject: str) -> dict[str, Any]:
        return _subject(service.subject(_actor(request), library, subject))

    @routes.post("/libraries/{library}/merge", summary="Put subjects together; effective with the next run")
    def merge(request: Request, library: str, order: MergeOrder) -> dict[str, Any]:
        made = service.merge(_actor(request), library, order.subjects, order.reason)
        return {"decisions": [_decision(one) for one in made]}

    @routes.post("/libraries/{library}/subjects/{subject}/take-out", summary="Take records out of a subject")
    def take_out(request: Request, library: str, subject: str, order: TakeOutOrder) -> dict[str, Any]:
        made = service.take_out(_actor(request), library, subject, order.records, order.reason)
        return {"decisions": [_decision(one) for one in made]}

    @routes.get("/libraries/{library}/pairs", summary="Pairs that wait for a person, the surest first")
    def pairs(
        request: Request,
        library: str,
        offset: Annotated[int, Query(ge=0)] = 0,
        limit: Annotated[int, Query(ge=1, le=500)] = 50,
    ) -> dict[str, Any]:
        found, waiting = service.queue(_actor(request), library, offset, limit)
        return {"waiting": waiting, "pairs": [_pair(one) for one in found]}

    @routes.get("/library-pairs/{pair}", summary="Both sides of a pair, and what speaks for it and against it")
    def compare(request: Request, pair: str) -> dict[str, Any]:
        return _compared(service.compare(_actor(request), pair))

    @routes.post("/library-pairs/{pair}", summary="Decide about a pair; effective with the next run")
    def decide(request: Request, pair: str, order: VerdictOrder) -> dict[str, Any]:
        return _decision(service.decide(_actor(request), pair, order.verdict, order.reason))

    @routes.get("/libraries/{library}/decisions", summary="What persons decided about records, newest first")
    def decisions(request: Request, library: str) -> dict[str, Any]:
        actor = _actor(request)
        return {
            "unapplied": service.unapplied(actor, library),
            "decisions": [_decision(one) for one in service.decisions(actor, library)],
        }

    @routes.delete("/library-decisions/{decision}", status_code=204, summary="Let a decision hold no longer")
    def revoke(request: Request, decision: str, reason: Reason) -> None:
        service.revoke(_actor(request), decision, reason)


def _add_claims(routes: APIRouter, service: Fusion) -> None:
    @routes.get("/libraries/{library}/claims", summary="Which department answers for which field, and objections")
    def claims(request: Request, library: str) -> dict[str, Any]:
        found, disputes = service.claims(_actor(request), library)
        return {"claims": [_claim(one) for one in found], "disputes": [_dispute(one) for one in disputes]}

    @routes.post("/libraries/{library}/claims", status_code=201, summary="Declare to be the one source of a field")
    def claim(request: Request, library: str, order: ClaimOrder) -> dict[str, Any]:
        return _claim(service.declare_source(_actor(request), library, order.element, order.basis))

    @routes.post("/library-claims/{claim}/decide", status_code=204, summary="Confirm a declaration, or refuse it")
    def confirm(request: Request, claim: str, order: RulingOrder) -> None:
        service.confirm_source(_actor(request), claim, order.why, accept=order.accept)

    @routes.post("/library-claims/{claim}/object", status_code=201, summary="Object to a declaration in force")
    def object_(request: Request, claim: str, order: ReasonOrder) -> dict[str, Any]:
        return _dispute(service.object_to(_actor(request), claim, order.reason))

    @routes.post("/library-disputes/{dispute}/rule", status_code=204, summary="Rule on an objection")
    def rule(request: Request, dispute: str, order: RulingOrder) -> None:
        service.rule(_actor(request), dispute, order.why, uphold=order.accept)

    @routes.post("/library-disputes/{dispute}/withdraw", status_code=204, summary="Withdraw an objection")
    def withdraw(request: Request, dispute: str) -> None:
        service.withdraw(_actor(request), dispute)


def _actor(request: Request) -> Actor:
    actor: Actor = request.state.actor
    return actor


def _words(text: Text) -> dict[str, str]:
    return {"zh": text.zh, "en": text.en}


def _draft(one: LibraryDraft) -> dict[str, Any]:
    return {
        "kind": one.kind,
        "name": one.name,
        "target": one.target,
        "elements": [element.to_json() for element in one.elements],
        "key": list(one.key),
        "matching": one.matching,
        "certain": one.certain,
        "grey": one.grey,
    }


def _library(one: Library) -> dict[str, Any]:
    return {
        **_draft(one),
        "id": one.id,
        "revision": one.revision,
        "org_id": one.org_id,
        "crosswalk": one.crosswalk,
        "retired": one.retired,
        "reason": one.reason,
        "by": one.owner.id,
        "at": one.at.isoformat(),
    }


def _link(one: Link) -> dict[str, Any]:
    return {
        "id": one.id,
        "table": one.table,
        "org_id": one.org_id,
        "columns": dict(one.columns),
        "priority": one.priority,
        "key": list(one.key),
        "seen": one.seen,
        "state": one.state.value,
        "reason": one.reason,
        "at": one.at.isoformat(),
    }


def _run(run: FusionRun) -> dict[str, Any]:
    return {
        "id": run.id,
        "revision": run.revision,
        "at": run.at.isoformat(),
        "trigger": run.trigger.value,
        "seconds": round(run.seconds, 3),
        "version": run.version,
        "records": run.records,
        "subjects": run.subjects,
        "matched": run.matched,
        "waiting": run.waiting,
        "fields": [{"name": f.name, "filled": f.filled, "conflicting": f.conflicting} for f in run.fields],
        "sources": [
            {
                "source": s.link_id,
                "table": s.table,
                "version": s.version,
                "records": s.records,
                "filled": dict(s.filled),
                "differing": dict(s.differing),
            }
            for s in run.sources
        ],
        "matching": dict(run.matching),
        "error": None if run.error is None else _words(run.error),
    }


def _plain(row: Any) -> dict[str, Any]:
    return {name: plain_value(value) for name, value in row.items()}


def _subjects(found: Subjects) -> dict[str, Any]:
    return {
        "version": found.governed.version,
        "masked": [c.name for c in found.governed.columns if c.masked],
        "withheld": list(found.governed.withheld),
        "rows": [_plain(row) for row in found.rows.to_pylist()],
        "next": found.next,
        "receipt": found.governed.receipt,
    }


def _subject(one: Subject) -> dict[str, Any]:
    return {
        "id": one.id,
        "now": None if one.now is None else _plain(one.now),
        "states": [_plain(row) for row in one.states],
        "records": one.records,
        "masked": sorted(one.masked),
        "went_to": list(one.went_to),
        "members": [
            {
                "record": member.record,
                "table": member.table,
                "how": member.how,
                "row": None if member.row is None else _plain(member.row),
                "masked": sorted(member.masked),
            }
            for member in one.members
        ],
    }


def _pair(one: Pair) -> dict[str, Any]:
    return {
        "id": one.id,
        "left": one.left,
        "right": one.right,
        "probability": one.probability,
        "levels": dict(one.levels),
        "against": one.against,
        "state": one.state.value,
        "found_at": one.found_at.isoformat(),
    }


def _compared(found: Compared) -> dict[str, Any]:
    return {
        **_pair(found.pair),
        "left_subject": None if found.left is None else _subject(found.left),
        "right_subject": None if found.right is None else _subject(found.right),
        "weights": [{"field": b.field, "level": b.level, "weight": round(b.weight, 3)} for b in found.bars],
    }


def _decision(one: Decision) -> dict[str, Any]:
    return {
        "id": one.id,
        "left": one.left,
        "right": one.right,
        "verdict": one.verdict.value,
        "taken_out": one.taken_out,
        "reason": one.reason,
        "by": one.by,
        "at": one.at.isoformat(),
        "revoked_at": None if one.revoked_at is None else one.revoked_at.isoformat(),
        "why_revoked": one.why_revoked,
    }


def _claim(one: Claim) -> dict[str, Any]:
    return {
        "id": one.id,
        "element": one.element,
        "org_id": one.org_id,
        "basis": one.basis,
        "state": one.state.value,
        "at": one.at.isoformat(),
        "why": one.why,
    }


def _dispute(one: Dispute) -> dict[str, Any]:
    return {
        "id": one.id,
        "claim": one.claim_id,
        "org_id": one.org_id,
        "reason": one.reason,
        "state": one.state.value,
        "at": one.at.isoformat(),
        "ruling": one.ruling,
    }
