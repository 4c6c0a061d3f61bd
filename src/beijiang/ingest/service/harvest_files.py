"""The data behind harvested records: fetched again only when they changed, and taken in like any file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast
from urllib.parse import unquote, urlsplit

from sqlalchemy.exc import IntegrityError

from beijiang.ingest.models import HarvestFile, HarvestRecord, IngestRequest, Register, RunMode, RunState, Source
from beijiang.ingest.service.harvesting import told_error
from beijiang.ingest.store.harvest import HarvestStore
from beijiang.ingest.store.sources import SourceStore
from beijiang.ingest.store.streams import StreamStore
from beijiang.kit import BeijiangError, Conflict, Invalid, NotFound, Unavailable, new_id
from beijiang.outbound import Credentials, Http, HttpLimits, parsed, same_origin

if TYPE_CHECKING:
    from beijiang.ingest.connectors.harvester import Harvester
    from beijiang.ingest.service.ingest import Ingest
    from beijiang.kit import Actor
    from beijiang.outbound import HttpStream

__all__ = ["Followed"]

_OK: Final = 200
_SAME: Final = 304
_BUSY: Final = 500
_SECONDS: Final = 3600.0
_NAMED: Final = re.compile(r"filename\*?=(?:UTF-8''|\")?([^\";]+)", re.IGNORECASE)
_SUFFIX: Final = re.compile(r"\.[A-Za-z0-9]{1,8}")
_SUFFIXES: Final = {
    "text/csv": ".csv", "application/json": ".json", "application/geo+json": ".geojson", "application/zip": ".zip",
    "application/vnd.ms-excel": ".xls", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
}  # fmt: skip


class Followed:
    """The followed distributions of one source."""

    def __init__(self, ingest: Ingest, register: Register, source: Source, harvester: Harvester) -> None:
        self._ingest = ingest
        self._register = register
        self._source = source
        self._harvester = harvester

    def add(self, actor: Actor, record: HarvestRecord, url: str, table: str) -> HarvestFile:
        """Follow one distribution of a record."""
        name = table.strip()
        if record.resource_id is None or url not in {link["url"] for link in record.told.get("links", ())}:
            raise Invalid(
                "这条记录没有这个下载地址。", "The record lists no such address.", code="unknown_distribution"
            )
        if not name:
            raise Invalid("请指定目标表。", "Name a target table.", code="nothing_to_do")
        owner = self._ingest.owner(actor, name)
        with self._ingest.db.read() as connection:
            taken = SourceStore(connection).sync(name) is not None
        if taken or owner not in {None, self._source.org_id}:
            raise _table_taken(name)
        self._ingest.require_free(actor, name, self._source.org_id)
        file = HarvestFile(id=new_id("hvf"), source_id=self._source.id, guid=record.guid, url=url, table=name)
        try:
            with self._ingest.db.begin() as tx:
                StreamStore(tx.connection).require_free(name)
                HarvestStore(tx.connection).add_file(file)
                self._ingest.evidence.record(
                    tx, actor, "ingest.harvest_follow", target=self._source.id, detail=file.to_json()
                )
        except IntegrityError as error:
            raise _table_taken(name) from error
        self._register.bind(actor, record.resource_id, name)
        return file

    def remove(self, actor: Actor, file_id: str) -> None:
        """Follow a distribution no longer."""
        file = self._one(file_id)
        with self._ingest.db.begin() as tx:
            HarvestStore(tx.connection).forget_file(file.id)
            self._ingest.evidence.record(
                tx, actor, "ingest.harvest_unfollow", target=self._source.id, detail=file.to_json()
            )

    def fetch(self, actor: Actor, file_id: str | None) -> list[HarvestFile]:
        """Fetch one followed file, or all; each failure is kept with its reason."""
        with self._ingest.db.read() as connection:
            files = HarvestStore(connection).files(self._source.id)
        if file_id is not None:
            files = [self._one(file_id)]
        return [self._fetched(actor, file) for file in files]

    def _one(self, file_id: str) -> HarvestFile:
        with self._ingest.db.read() as connection:
            files = HarvestStore(connection).files(self._source.id)
        found = next((f for f in files if f.id == file_id), None)
        if found is None:
            raise NotFound("没有这个下载项。", "There is no such followed file.", code="file_not_found")
        return found

    def _fetched(self, actor: Actor, file: HarvestFile) -> HarvestFile:
        now = self._ingest.clock.now()
        try:
            found = replace(self._take(actor, file), checked_at=now, error=None)
        except BeijiangError as error:
            found = replace(file, checked_at=now, error=told_error(error))
        values: dict[str, Any] = {
            n: getattr(found, n) for n in ("etag", "modified", "sha256", "run_id", "checked_at", "error")
        }
        with self._ingest.db.begin() as tx:
            HarvestStore(tx.connection).change_file(file.id, **values)
        return found

    def _take(self, actor: Actor, file: HarvestFile) -> HarvestFile:
        committed = file.run_id is not None and self._ingest.run(actor, file.run_id).state is RunState.COMMITTED
        asked = {"If-None-Match": file.etag, "If-Modified-Since": file.modified} if committed else {}
        options = self._harvester.options
        limits = HttpLimits(body=self._ingest.settings.upload_limit_bytes, seconds=_SECONDS)
        with (
            Http(self._harvester.outbound, limits, options.authority) as http,
            http.open(
                "GET", file.url, headers={n: v for n, v in asked.items() if v}, credentials=self._shown(file.url)
            ) as answer,
        ):
            if answer.status == _SAME and committed:
                return file
            _refuse_pages(answer)
            stream = cast("BinaryIO", _Stream(answer.pieces()))  # only read() is asked of it
            self._ingest.require_free(actor, file.table, self._source.org_id)
            landed = self._ingest.land(actor, stream, _name(answer, file), self._source.org_id)
            etag, modified = (answer.headers.get(n, "") for n in ("etag", "last-modified"))
        known = replace(file, etag=etag[:500], modified=modified[:100], sha256=landed.sha256)
        if committed and landed.sha256 == file.sha256:
            return known
        request = IngestRequest(
            files=(landed.sha256,),
            into=file.table,
            org_id=self._source.org_id,
            mode=RunMode.REPLACE,
            reason=f"采集自“{self._source.name}” / harvested: {file.url}"[:1000],
        )
        return replace(known, run_id=self._ingest.submit(actor, request))

    def _shown(self, url: str) -> Credentials | None:
        """Return the source's key for its own host, and nothing for any other."""
        key = self._harvester.options.key.get_secret_value()
        own = same_origin(parsed(url), parsed(self._harvester.options.url))
        return Credentials({"Authorization": key}) if key and own else None


class _Stream:
    """Pieces as a file that can only be read on."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces

    def read(self, size: int = -1) -> bytes:
        del size
        return next((piece for piece in self._pieces if piece), b"")


def _refuse_pages(answer: HttpStream) -> None:
    """Refuse what is no file: an error, or the web page that some servers show instead."""
    if answer.status >= _BUSY:
        raise Unavailable(
            f"下载地址暂时无法应答（状态码 {answer.status}）。下次采集时重试。",
            f"The address cannot answer now (status {answer.status}). It is tried again with the next harvest.",
            code="distribution_unavailable",
        )
    if answer.status != _OK:
        raise Invalid(
            f"下载地址已失效（状态码 {answer.status}）。请告知来源方。",
            f"The address no longer works (status {answer.status}). Tell the source.",
            code="distribution_gone",
            detail={"status": answer.status},
        )
    if answer.headers.get("content-type", "").lower().startswith("text/html"):
        raise Invalid(
            "下载地址给出的是网页，不是数据文件（可能需要登录）。",
            "The address gives a web page and no file (it may want a sign-in).",
            code="distribution_is_a_page",
        )


def _name(answer: HttpStream, file: HarvestFile) -> str:
    named = _NAMED.search(answer.headers.get("content-disposition", ""))
    given = unquote(named[1]) if named else unquote(PurePosixPath(urlsplit(str(answer.url)).path).name)
    leaf = given.replace("\\", "/").rsplit("/", 1)[-1].strip() or file.table
    if _SUFFIX.fullmatch(PurePosixPath(leaf).suffix):
        return leaf
    kind = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    return leaf + _SUFFIXES.get(kind, "")


def _table_taken(name: str) -> Conflict:
    return Conflict(
        f"表“{name[:60]}”已有数据来源或属于其他部门（一数一源）。请换一个表名。",
        f'Table "{name[:60]}" is filled from a source already, or is another department\'s. Choose another.',
        code="table_has_source",
    )
