"""The JSON API of sources: where data come from, what is taken, and proof that it arrived."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from beijiang.ingest.connectors import Feed
from beijiang.ingest.models import CursorRange, FileOrder, FileRules, RunMode, SourceDraft, SyncDraft, SyncMode
from beijiang.ingest.routes.proving import add_proofs
from beijiang.ingest.service import Sources
from beijiang.kit import Actor
from beijiang.outbound import Target, Use

__all__ = ["sources_router"]

_Id = Annotated[str, Field(min_length=1, max_length=100)]


class _Order(BaseModel):
    """A body takes the fields that it names and no others."""

    model_config = ConfigDict(extra="forbid")


class SourceOrder(_Order):
    """A source to be registered; secrets are among its options and are never given back."""

    name: str = Field(min_length=1, max_length=100)
    kind: str = Field(min_length=1, max_length=40, description="See /api/v1/sources/kinds.")
    org_id: str = Field(min_length=1, max_length=60, description="The department that it belongs to.")
    options: dict[str, Any] = Field(description="As the kind describes them, secrets included.")


class OptionsOrder(_Order):
    """Options to change; secrets that are not named stay."""

    options: dict[str, Any]


class FilesOrder(_Order):
    """Which files of a folder are taken, when they count as whole, and how they are read."""

    patterns: list[str] = Field(default=["*"], min_length=1, max_length=50, description="*.csv, **/*.xlsx")
    members: list[str] = Field(default_factory=list, max_length=50, description="Members of archives; empty: all.")
    done: str = Field(default="", max_length=100, description="Marker: .done beside the file, or a name like _SUCCESS.")
    quiet: int = Field(default=5, ge=0, le=600, strict=True, description="Seconds for which a file stays as it is.")
    mode: RunMode = Field(default=RunMode.AUTO, description="auto, append, merge, history or replace.")
    newest: bool = Field(default=False, strict=True, description="Only the newest file makes the table (replace).")
    order: FileOrder = FileOrder.TIME
    limit: int = Field(default=10_000, ge=1, le=100_000, strict=True, description="Files that one run takes.")
    encoding: str = Field(default="auto", max_length=40)
    sheet: str = Field(default="", max_length=200)
    delimiter: str = Field(default="", max_length=1)
    title_rows: int | None = Field(default=None, ge=0, le=50)
    header_rows: int | None = Field(default=None, ge=0, le=50)
    checks: list[str] = Field(default_factory=list, max_length=200, description="COLUMN=CHECK")

    def rules(self) -> FileRules:
        """Return them as the service takes them."""
        lists = {n: tuple(getattr(self, n)) for n in ("patterns", "members", "checks")}
        return FileRules(**{**self.model_dump(), **lists})


class SyncOrder(_Order):
    """What is to be taken from a source into which table."""

    feed: str = Field(min_length=1, max_length=300, description="Table or view of the source.")
    table: str = Field(min_length=1, max_length=200)
    mode: SyncMode = SyncMode.FULL
    key: list[str] = Field(default_factory=list, max_length=20, description="Empty: the source's primary key.")
    columns: list[str] = Field(default_factory=list, max_length=5000, description="Empty: all.")
    cursor: str = Field(default="", max_length=200, description="Column that grows with every change (incremental).")
    overlap: str = Field(
        default="",
        max_length=40,
        description="Seconds, days or a number read again before the last position; auto learns it.",
    )
    deletes: bool = Field(default=False, strict=True, description="Compare all keys, so that deleted rows leave too.")
    files: FilesOrder | None = Field(default=None, description="For sources in which files arrive; feed is the folder.")
    deletes_every: int = Field(default=1, ge=1, le=10_000, strict=True, description="At every so many runs only.")
    history: bool = Field(
        default=False,
        strict=True,
        description="Keep every state that a row ever had: the table gets the columns valid_from and valid_to.",
    )


class RunOrder(_Order):
    """How to run a sync."""

    whole: bool = Field(default=False, strict=True, description="Read everything again, not only what is new.")
    reason: str = Field(default="", max_length=1000)
    since: str = Field(default="", max_length=40, description="Read a part again: from this value of the cursor.")
    until: str = Field(default="", max_length=40, description="Up to this value of the cursor.")


class TargetOrder(_Order):
    """A machine and port, or a folder, to be opened: for what (reading, unless said) and to which department (all)."""

    host: str = Field(default="", max_length=255)
    port: int = Field(default=0, ge=0, le=65535, strict=True)
    network: str = Field(default="", max_length=60)
    folder: str = Field(default="", max_length=1000)
    uses: frozenset[Use] = Field(default=frozenset({Use.READ}))
    org_id: str = Field(default="", max_length=60)
    plain_http: bool = Field(default=False, strict=True, description="Rows may be pushed there over http, unprotected.")
    reason: str = Field(min_length=1, max_length=1000)


def sources_router(sources: Sources) -> APIRouter:  # a list of small functions
    """Return the endpoints below ``/api/v1/sources``, ``/api/v1/syncs`` and ``/api/v1/targets``."""
    api = APIRouter(prefix="/api/v1", tags=["sources"])

    @api.get("/sources/kinds", summary="Kinds of source and their options")
    def kinds(request: Request) -> dict[str, Any]:
        return {"kinds": sources.kinds(_actor(request))}

    @api.get("/sources", summary="Sources of a department, by name")
    def list_(request: Request) -> dict[str, Any]:
        return {"sources": [s.to_json() for s in sources.sources(_actor(request))]}

    @api.post("/sources", status_code=201, summary="Register a source; its secrets are sealed")
    def add(request: Request, order: SourceOrder) -> dict[str, Any]:
        return sources.add(_actor(request), SourceDraft(**order.model_dump())).to_json()

    @api.get("/sources/{source}", summary="One source; of its secrets only that they are set")
    def show(request: Request, source: _Id) -> dict[str, Any]:
        return sources.source(_actor(request), source).to_json()

    @api.patch("/sources/{source}", summary="Change options or secrets of a source")
    def change(request: Request, source: _Id, order: OptionsOrder) -> dict[str, Any]:
        return sources.change(_actor(request), source, order.options).to_json()

    @api.delete("/sources/{source}", summary="Forget a source with its secrets; tables stay")
    def remove(request: Request, source: _Id) -> dict[str, Any]:
        sources.remove(_actor(request), source)
        return {"removed": source}

    @api.get("/sources/{source}/feeds", summary="What can be read from a source; also the test of it")
    def feeds(request: Request, source: _Id) -> dict[str, Any]:
        return {"feeds": [_feed(f) for f in sources.feeds(_actor(request), source)]}

    @api.get("/sources/{source}/feed", summary="Columns of one table or view of a source")
    def feed(
        request: Request, source: _Id, name: Annotated[str, Query(min_length=1, max_length=300)]
    ) -> dict[str, Any]:
        return _feed(sources.feed(_actor(request), source, name))

    @api.get("/sources/{source}/preview", summary="The first rows of a table or view, read live and kept nowhere")
    def preview(
        request: Request,
        source: _Id,
        name: Annotated[str, Query(min_length=1, max_length=300)],
        limit: Annotated[int, Query(ge=1, le=100)] = 20,
    ) -> dict[str, Any]:
        actor = _actor(request)
        ((_, advice),) = sources.suggest(actor, source, [name])
        return {**sources.preview(actor, source, name, limit=limit).to_json(), "suggestion": advice.to_json()}

    @api.post("/sources/{source}/syncs", status_code=201, summary="Take a table or view of a source into a table")
    def take(request: Request, source: _Id, order: SyncOrder) -> dict[str, Any]:
        given = {**order.model_dump(exclude={"files"}), "key": tuple(order.key), "columns": tuple(order.columns)}
        given["files"] = None if order.files is None else order.files.rules()
        return sources.take(_actor(request), SyncDraft(source_id=source, **given)).to_json()

    @api.get("/syncs", summary="What is taken into which table")
    def syncs(request: Request, source: str | None = None) -> dict[str, Any]:
        return {"syncs": [s.to_json() for s in sources.syncs(_actor(request), source)]}

    @api.get("/syncs/{sync}", summary="One sync, by its id or its table")
    def sync(request: Request, sync: _Id) -> dict[str, Any]:
        return sources.sync(_actor(request), sync).to_json()

    @api.delete("/syncs/{sync}", summary="Stop filling a table from its source; the table stays")
    def leave(request: Request, sync: _Id, abandon: bool = False) -> dict[str, Any]:
        sources.leave(_actor(request), sync, abandon=abandon)
        return {"ended": sync}

    @api.get("/syncs/{sync}/plan", summary="What a run would create, change and read")
    def plan(
        request: Request,
        sync: _Id,
        whole: bool = False,
        since: Annotated[str, Query(max_length=40)] = "",
        until: Annotated[str, Query(max_length=40)] = "",
    ) -> dict[str, Any]:
        return sources.plan(_actor(request), sync, whole=whole, part=CursorRange(since, until)).to_json()

    @api.post("/syncs/{sync}/runs", status_code=202, summary="Run a sync, as a job")
    def run(request: Request, sync: _Id, order: RunOrder) -> dict[str, Any]:
        actor = _actor(request)
        part = CursorRange(order.since, order.until)
        run_id = sources.run(actor, sync, whole=order.whole, reason=order.reason, part=part)
        return sources.ingest.run(actor, run_id).to_json()

    add_proofs(api, sources)

    @api.get("/targets", summary="Machines and folders that may be reached, for what and by whom")
    def targets(request: Request) -> dict[str, Any]:
        return {"targets": [t.to_json() for t in sources.targets(_actor(request))]}

    @api.post("/targets", status_code=201, summary="Open a machine and port, or a folder, for a use and a department")
    def allow(request: Request, order: TargetOrder) -> dict[str, Any]:
        target = Target(**order.model_dump(exclude={"reason"}))
        return sources.allow(_actor(request), target, order.reason).to_json()

    @api.delete("/targets/{target}", summary="Close a target again")
    def close(request: Request, target: _Id) -> dict[str, Any]:
        sources.close_target(_actor(request), target)
        return {"closed": target}

    return api


def _actor(request: Request) -> Actor:
    actor: Actor = request.state.actor
    return actor


def _feed(feed: Feed) -> dict[str, Any]:
    columns = [
        {
            "name": c.name,
            "native": c.native,
            "type": c.spec.type.value,
            "comment": c.comment,
            "may_be_cursor": c.is_cursor,
        }
        for c in feed.columns
    ]
    return {"name": feed.name, "comment": feed.comment, "key": list(feed.key), "rows": feed.rows, "columns": columns}
