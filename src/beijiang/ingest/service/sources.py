"""The verbs of sources: where data come from, what is taken into which table, and whether all of it arrived."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from sqlalchemy.exc import IntegrityError

from beijiang.access import Permission
from beijiang.ingest.connectors import Connector, Feed, FileConnector, connector, usable_kinds
from beijiang.ingest.connectors.capture import capture_of
from beijiang.ingest.errors import bad_overlap
from beijiang.ingest.models import (
    AUTO,
    SEALED_FOR,
    SEALED_FOR_STREAMS,
    FeedPreview,
    FeedSuggestion,
    RunMode,
    Source,
    SourceDraft,
    Sync,
    SyncDraft,
    SyncMode,
)
from beijiang.ingest.service.filing import files_fit, rows_of
from beijiang.ingest.service.logs import log_of
from beijiang.ingest.service.proving import Proving
from beijiang.ingest.service.running import Running
from beijiang.ingest.service.sealing import Seals
from beijiang.ingest.service.targets import Targets
from beijiang.ingest.service.trusting import end_trust
from beijiang.ingest.store.captures import CaptureStore
from beijiang.ingest.store.sources import SourceStore
from beijiang.ingest.store.streams import StreamStore
from beijiang.kit import BeijiangError, Conflict, Invalid, NotFound, new_id
from beijiang.outbound import Outbound, Use
from beijiang.tables import kind_differs, require_no_state_columns

if TYPE_CHECKING:
    from collections.abc import Callable

    from beijiang.access import Access
    from beijiang.crypto import Vault
    from beijiang.db import Database, UnitOfWork
    from beijiang.evidence import Evidence
    from beijiang.ingest.service.ingest import Ingest
    from beijiang.kit import Actor, Clock
    from beijiang.kit.errors import JsonValue
    from beijiang.tables import Tables

__all__ = ["Sources"]

_NAME: Final = 100
_FEEDS: Final = 5_000
_EVERY: Final = 10_000
_NUMBER: Final = re.compile(r"[0-9]{1,15}(\.[0-9]{1,6})?")


class Sources(Targets, Running, Proving):
    """Departments' databases and services, read under their owners' accounts, each row accounted for."""

    def __init__(  # the parts it works with, wired on one page
        self,
        db: Database,
        ingest: Ingest,
        tables: Tables,
        vault: Vault,
        access: Access,
        evidence: Evidence,
        clock: Clock,
    ) -> None:
        self.db = db
        self.ingest = ingest
        self.tables = tables
        self.vault = vault
        self.access = access
        self.evidence = evidence
        self.clock = clock
        self.outbound = Outbound(self._allowed)
        self._seals = Seals(vault, SEALED_FOR)
        self.renewals: list[Callable[[UnitOfWork], int]] = []
        """What else is sealed under the root key and renewed with it; told by build.py."""

    # Sources

    def kinds(self, actor: Actor) -> list[dict[str, JsonValue]]:
        """Return every kind of source that is installed, with its options as a JSON schema."""
        self.access.require(actor, Permission.INGEST_SOURCE_READ, actor.org_id)
        found: list[dict[str, JsonValue]] = []
        for kind, made in usable_kinds().items():
            model = made.options_model
            secret: list[JsonValue] = [*sorted(model.secret_names())]
            text: dict[str, JsonValue] = {"zh": made.text.zh, "en": made.text.en}
            found.append({"kind": kind, "text": text, "options": model.model_json_schema(), "secrets": secret})
        return found

    def sources(self, actor: Actor) -> list[Source]:
        """Return the sources of the actor's department (the platform sees all), by name."""
        self.access.require(actor, Permission.INGEST_SOURCE_READ, actor.org_id)
        with self.db.read() as connection:
            return SourceStore(connection).sources(actor.org_id)

    def source(self, actor: Actor, words: str) -> Source:
        """Return one source by id or name.

        Raises:
            NotFound: unknown or another department's, which look the same.

        """
        with self.db.read() as connection:
            found = SourceStore(connection).source(words, actor.org_id)
        if found is None or not self.access.allows(actor, Permission.INGEST_SOURCE_READ, found.org_id):
            self.access.require(actor, Permission.INGEST_SOURCE_READ)
            raise _no_source(words)
        return found

    def add(self, actor: Actor, draft: SourceDraft) -> Source:
        """Register a source; its secrets are sealed before anything is stored.

        Raises:
            Invalid: unknown kind, or options that do not fit it.
            Conflict: the department has a source of this name.

        """
        self.access.require(actor, Permission.INGEST_SOURCE_MANAGE, draft.org_id)
        name = draft.name.strip()
        if not name or len(name) > _NAME or not name.isprintable():
            raise Invalid(
                f"数据源名称需为 1 至 {_NAME} 个字符。",
                f"A source's name has 1 to {_NAME} characters.",
                code="bad_name",
            )
        source_id = new_id("src")
        options, secrets = self._seals.first(source_id, connector(draft.kind).options_model, draft.options)
        source = Source(
            id=source_id,
            name=name,
            kind=draft.kind,
            org_id=draft.org_id,
            options=options,
            secrets=secrets,
            created_at=self.clock.now(),
            created_by=actor.name,
        )
        try:
            with self.db.begin() as tx:
                SourceStore(tx.connection).add_source(source)
                detail: dict[str, JsonValue] = {"name": name, "kind": draft.kind, "org": draft.org_id}
                self.evidence.record(tx, actor, "ingest.source_add", target=source_id, detail=detail)
        except IntegrityError as error:
            raise Conflict(
                f"本部门已有名为“{name}”的数据源。", f'The department has a source "{name}".', code="source_exists"
            ) from error
        return source

    def change(self, actor: Actor, words: str, options: Mapping[str, Any]) -> Source:
        """Change some options of a source; secrets that are not given stay as they are, unless it moves (``secrets_needed``).

        Trust in a catalog does not outlive the change, unless the actor could give it.
        """
        source = self.source(actor, words)
        self.access.require(actor, Permission.INGEST_SOURCE_MANAGE, source.org_id)
        model, before = connector(source.kind).options_model, (dict(source.options), dict(source.secrets))
        plain, secrets = self._seals.changed(source.id, model, before, options)
        with self.db.begin() as tx:
            SourceStore(tx.connection).change_source(source.id, plain, secrets)
            if (plain, secrets) != before:
                end_trust(tx, self.access, self.evidence, actor=actor, source=source)
            changed: list[JsonValue] = [*sorted(options)]
            self.evidence.record(tx, actor, "ingest.source_change", target=source.id, detail={"options": changed})
        return replace(source, options=plain, secrets=secrets)

    def remove(self, actor: Actor, words: str) -> None:
        """Forget a source, its secrets and what is taken from it; tables and certificates stay.

        Raises:
            Conflict: the log of the source is followed (``sync_captures``); end that first, so that nothing is left there.

        """
        source = self.source(actor, words)
        self.access.require(actor, Permission.INGEST_SOURCE_MANAGE, source.org_id)
        followed = [s.table for s in self.syncs(actor, source.id) if s.mode is SyncMode.CAPTURE]
        if followed:
            raise Conflict(
                f"该数据源的变更日志正被跟踪：{'、'.join(followed)}。请先停止这些取数（会删除源端的复制槽），再删除数据源。",
                f"The log of the source is followed for: {', '.join(followed)}. End these syncs first, which lets go of the log at the source; then remove it.",
                code="sync_captures",
            )
        with self.db.begin() as tx:
            SourceStore(tx.connection).forget_source(source.id)
            self.evidence.record(tx, actor, "ingest.source_remove", target=source.id, detail={"name": source.name})

    def rotate(self, actor: Actor) -> int:
        """Make a new root key and wrap every source's secrets under it; return how many."""
        self.access.require(actor, Permission.ACCESS_SECRET_ROTATE)
        version = self.vault.new_root_key()
        with self.db.begin() as tx:
            sources, streams = SourceStore(tx.connection), StreamStore(tx.connection)
            count = 0
            for source in sources.sources(None):
                renewed = self._seals.renewed(source.id, source.secrets)
                sources.change_source(source.id, source.options, renewed)
                count += len(renewed)
            of_streams = Seals(self.vault, SEALED_FOR_STREAMS)
            for stream in streams.streams():
                renewed = of_streams.renewed(stream.id, stream.secrets)
                streams.change(stream.id, secrets=renewed)
                count += len(renewed)
            count += sum(renew(tx) for renew in self.renewals)
            detail: dict[str, JsonValue] = {"version": version, "secrets": count}
            self.evidence.record(tx, actor, "ingest.secret_rotate", target="root-key", detail=detail)
        return count

    def locked_out(self) -> list[str]:
        """Return the names of sources whose secrets do not open; asked by the examination of the installation."""
        with self.db.read() as connection:
            every = SourceStore(connection).sources(None)
        lost = []
        for source in every:
            try:
                self._seals.opened(source.id, source.secrets)
            except BeijiangError:
                lost.append(source.name)
        return lost

    def feeds(self, actor: Actor, words: str) -> list[Feed]:
        """Ask a source what can be read; also the test of its options.

        Raises:
            Invalid: the source refuses; Unavailable: it does not answer; Refused: its address is not allowed.

        """
        source = self.source(actor, words)
        self.access.require(actor, Permission.INGEST_SOURCE_MANAGE, source.org_id)
        return self._connector(source).discover()[:_FEEDS]

    def feed(self, actor: Actor, words: str, name: str) -> Feed:
        """Describe one feed: columns with their types here and there, comments, key."""
        source = self.source(actor, words)
        self.access.require(actor, Permission.INGEST_SOURCE_MANAGE, source.org_id)
        return self._connector(source).describe(name)

    def preview(self, actor: Actor, words: str, name: str, *, limit: int = 20) -> FeedPreview:
        """Read the first rows of a feed as they are now, for the people who keep its source; nothing is stored.

        They are rows that nobody has graded yet, so it takes the right to see raw cells as well.

        Raises:
            Unavailable: it took too long (``preview_slow``), or the source does not answer.

        """
        from beijiang.ingest.service.previewing import head_of

        source = self.source(actor, words)
        self.access.require(actor, Permission.INGEST_SOURCE_MANAGE, source.org_id)
        self.access.require(actor, Permission.INGEST_CELL_READ, source.org_id)
        made = rows_of(self._connector(source))
        found = head_of(made, made.describe(name), limit)
        columns: list[JsonValue] = [*found.columns]
        detail: dict[str, JsonValue] = {"feed": found.feed, "rows": len(found.rows), "columns": columns}
        with self.db.begin() as tx:
            self.evidence.record(tx, actor, "ingest.source_preview", target=source.id, detail=detail)
        return found

    def suggest(self, actor: Actor, words: str, names: Sequence[str]) -> list[tuple[Feed, FeedSuggestion]]:
        """Describe some feeds, and say for each how it could be taken and why."""
        from beijiang.ingest.service.previewing import suggestion

        source = self.source(actor, words)
        self.access.require(actor, Permission.INGEST_SOURCE_MANAGE, source.org_id)
        made = self._connector(source)
        rows = {feed.name: feed.rows for feed in made.discover()}
        described = [made.describe(name) for name in names]
        counted = [f if f.rows is not None else replace(f, rows=rows.get(f.name)) for f in described]
        return [(feed, suggestion(feed)) for feed in counted]

    def holds_files(self, actor: Actor, words: str) -> bool:
        """Tell whether files arrive in a source, instead of rows standing in it."""
        return issubclass(connector(self.source(actor, words).kind), FileConnector)

    # What is taken from them

    def syncs(self, actor: Actor, words: str | None = None) -> list[Sync]:
        """Return what is taken from a source, or from all of the department's, by table."""
        self.access.require(actor, Permission.INGEST_SOURCE_READ, actor.org_id)
        source = None if words is None else self.source(actor, words)
        with self.db.read() as connection:
            return SourceStore(connection).syncs(source_id=None if source is None else source.id, org_id=actor.org_id)

    def sync(self, actor: Actor, words: str) -> Sync:
        """Return one sync by its id or its table; a source's name serves where only one feed is taken from it."""
        with self.db.read() as connection:
            store = SourceStore(connection)
            found = store.sync(words)
            if found is None:
                source = store.source(words, actor.org_id)
                of_source = [] if source is None else store.syncs(source_id=source.id)
                found = of_source[0] if len(of_source) == 1 else None
        if found is None or not self.access.allows(actor, Permission.INGEST_SOURCE_READ, found.org_id):
            self.access.require(actor, Permission.INGEST_SOURCE_READ)
            raise NotFound(
                f"没有取数任务“{words[:60]}”。请用其编号或目标表名；beijiang sources syncs 列出全部。",
                f'There is no sync "{words[:60]}". Give its id or its table; beijiang sources syncs lists them.',
                code="sync_not_found",
            )
        return found

    def take(self, actor: Actor, draft: SyncDraft) -> Sync:
        """Say that a feed is to be taken into a table; nothing is read yet but the feed's description.

        Raises:
            Invalid: a key, cursor or column is missing, or an incremental sync lacks one.
            Conflict: the table is filled from somewhere already, or is another department's.

        """
        source = self.source(actor, draft.source_id)
        self.access.require(actor, Permission.INGEST_SOURCE_MANAGE, source.org_id)
        made = self._connector(source)
        feed = made.describe(draft.feed)
        if draft.mode is SyncMode.CAPTURE:
            capture_of(rows_of(made), "-")
        key = draft.key or tuple(k for k in feed.key if not draft.columns or k in draft.columns)
        rules = files_fit(draft, made, key)
        if rules is None:
            _check_draft(draft, feed, key)
        keeps = draft.history or (rules is not None and rules.mode is RunMode.HISTORY)
        self._require_kind(actor, draft.table.strip(), keeps=keeps)
        owner = self.ingest.owner(actor, draft.table)
        if owner not in {None, source.org_id}:
            raise Conflict("目标表属于其他部门。", "The table is another department's.", code="other_organisation")
        self.ingest.require_free(actor, draft.table.strip(), source.org_id)
        sync_id = new_id("syn")
        told: dict[str, JsonValue] = {
            "id": sync_id,
            "source_id": source.id,
            "feed": feed.name,
            "table_name": draft.table.strip(),
            "mode": (draft.mode if rules is None else SyncMode.FILES).value,
            "key": list(key),
            "columns": list(draft.columns),
            "cursor": draft.cursor if draft.mode is SyncMode.INCREMENTAL else "",
            "overlap": draft.overlap,
            "deletes": draft.deletes,
            "files": None if rules is None else rules.to_json(),
            "deletes_every": draft.deletes_every,
            "history": keeps,
        }
        try:
            with self.db.begin() as tx:
                StreamStore(tx.connection).require_free(str(told["table_name"]))
                SourceStore(tx.connection).add_sync({**told, "created_at": self.clock.now()})
                self.evidence.record(tx, actor, "ingest.sync_add", target=sync_id, detail=told)
        except IntegrityError as error:
            raise Conflict(
                f"表“{draft.table}”已有数据来源（一数一源）。请换一张表，或先停止原来的取数任务。",
                f'Table "{draft.table}" is filled from a source already (one source per item). Choose another, or end that sync first.',
                code="table_has_source",
            ) from error
        return self.sync(actor, sync_id)

    def leave(self, actor: Actor, words: str, *, abandon: bool = False) -> None:
        """Stop taking a feed into a table; the table stays as it is.

        A log that was followed is let go of at the source first; ``abandon`` forgets the sync even where that fails.

        Raises:
            Unavailable: the source does not answer, so that its log would be kept for nobody.

        """
        sync = self.sync(actor, words)
        self.access.require(actor, Permission.INGEST_SOURCE_MANAGE, sync.org_id)
        if sync.mode is SyncMode.CAPTURE:
            self._let_go(sync, abandon=abandon)
        with self.db.begin() as tx:
            CaptureStore(tx.connection).forget(sync.id)
            SourceStore(tx.connection).forget_sync(sync.id)
            self.evidence.record(tx, actor, "ingest.sync_end", target=sync.id, detail={"table": sync.table})

    def _let_go(self, sync: Sync, *, abandon: bool) -> None:
        try:
            log_of(self.connector_of(sync), sync).end()
        except BeijiangError:
            if not abandon:
                raise

    # Inside

    def _require_kind(self, actor: Actor, table: str, *, keeps: bool) -> None:
        """Return if a table keeps its history or not as a sync wants it, or is not there yet."""
        try:
            held = self.tables.get(actor, table)
        except NotFound:
            return
        if held.history != keeps:
            raise kind_differs(table, keeps_history=held.history)

    def connect(self, source: Source) -> Connector:
        """Return the connector of a source with its secrets open; asked by harvests, which ask for access themselves."""
        return rows_of(self._connector(source))

    def connector_of(self, sync: Sync) -> Connector:
        """Return the way to a sync's source, its secrets open; for the platform's own parts."""
        return rows_of(self._connector(self._source_of(sync)))

    def _source_of(self, sync: Sync) -> Source:
        with self.db.read() as connection:
            found = SourceStore(connection).source(sync.source_id)
        if found is None:
            raise _no_source(sync.source_name)
        return found

    def _connector(self, source: Source) -> Connector | FileConnector:
        made = connector(source.kind)
        secrets = self._seals.opened(source.id, source.secrets)
        return made(
            made.options_model.model_validate({**source.options, **secrets}),
            self.outbound.bound(Use.READ, source.org_id),
        )


def _no_source(words: str) -> NotFound:
    return NotFound(
        f"没有数据源“{words[:60]}”。beijiang sources list 列出全部。",
        f'There is no source "{words[:60]}". beijiang sources list shows all.',
        code="source_not_found",
    )


def _check_draft(draft: SyncDraft, feed: Feed, key: Sequence[str]) -> None:
    names = [c.name for c in feed.columns]
    strange = [n for n in (*draft.columns, *key, *([draft.cursor] if draft.cursor else ())) if n not in names]
    if strange:
        raise Invalid(
            f"“{feed.name}”没有列：{'、'.join(strange)}。现有：{'、'.join(names)}。",
            f'"{feed.name}" has no column {", ".join(strange)}. It has: {", ".join(names)}.',
            code="unknown_column",
        )
    if draft.history:
        require_no_state_columns(draft.columns or names)
    if draft.mode is SyncMode.FULL and not draft.history:
        return
    if draft.overlap not in {"", AUTO} and not _NUMBER.fullmatch(draft.overlap):
        raise bad_overlap(draft.overlap)
    if not 1 <= draft.deletes_every <= _EVERY:
        raise Invalid(
            f"每隔几次取数比对一次主键，应为 1 至 {_EVERY}。",
            f"Keys are compared every 1 to {_EVERY} runs.",
            code="bad_interval",
        )
    if not key:
        raise Invalid(
            f"增量取数、日志捕获和保留历史需要主键，而“{feed.name}”没有声明。请用 --key 指定能唯一确定一行的列，或改用全量且不保留历史。",
            f'An incremental sync, one that follows the log, or one that keeps history needs a key, and "{feed.name}" declares none. Name one with --key, or take it in full without history.',
            code="key_required",
        )
    column = feed.column(draft.cursor)
    if draft.mode is SyncMode.INCREMENTAL and (column is None or not column.is_cursor):
        fit = "、".join(c.name for c in feed.columns if c.is_cursor) or "-"
        raise Invalid(
            f"增量取数需要游标列：每次新增或修改都会变大的时间、日期或数值列。可选：{fit}。",
            f"An incremental sync needs a cursor: a time, date or number that grows with every change. Fit: {fit}.",
            code="cursor_required",
        )
