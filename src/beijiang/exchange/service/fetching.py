"""Files of shares, and what changed from version to version. The link is the only credential, so everything is asked again at each request."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from beijiang.exchange.models.links import Link, opened, span_of
from beijiang.exchange.models.shares import Fetched, Place, Shared, SharedTable
from beijiang.exchange.service.sharing import VERSIONS_MOST, Sharing, asked_of, version_of
from beijiang.kit import Actor, ActorKind, BeijiangError, Denied, Invalid, NotFound, Unauthenticated
from beijiang.protection import Asked, Recheck, access_ended
from beijiang.tables import Exit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from beijiang.exchange.service.base import SharingParts
    from beijiang.exchange.service.sharing import ShareParts
    from beijiang.kit.errors import JsonValue
    from beijiang.protection import Governed, Shelved, Standing

__all__ = ["Shares"]

CHUNK: Final = 1 << 20
FREE_READS: Final = 2
"""How often a file is read under one count of its rows: clients begin, give up and look at its end first."""
_REMEMBERED: Final = 10_000


@dataclass(frozen=True, slots=True)
class _Right:
    """Under what a file is fetched."""

    link: Link
    actor: Actor
    copy: Shelved
    asked: tuple[Asked, ...]
    """One for each version that the copy was made of, the one that it shows last."""


class Shares(Sharing):
    """Delta Sharing as a whole: lists, queries, changes, and the files."""

    def __init__(self, parts: SharingParts, shares: ShareParts) -> None:
        super().__init__(parts, shares)
        self._read: OrderedDict[Link, int] = OrderedDict()
        self._lock = threading.Lock()

    def changes(
        self, actor: Actor, place: Place, span: tuple[int | datetime, int | datetime | None]
    ) -> Sequence[Shared]:
        """Return what changed for the actor in the versions of a span, each against the one served before it.

        Raises:
            NotFound: no such table of the actor's.
            Invalid: the span holds no version, too many, one after a recalled one, or one with other columns.
            Throttled: calls or rows of the day are used up.

        """
        at = self._found(actor, place)
        served = self._versions(at)
        wanted = [v for v in served if self._within(actor, at, v, span)]
        self._check_span(at, wanted)
        pairs = []
        for version in wanted:
            earlier = max((v for v in served if v < version), default=None)
            now, before = self._shown(actor, at, version), None
            if earlier is not None:
                before = self._shown(actor, at, earlier)
            if before is not None and before.schema.names != now.schema.names:
                raise _other_columns(version)
            pairs.append((now, before))
        return self._changed(actor, at, pairs)

    def _changed(
        self, actor: Actor, at: SharedTable, pairs: Sequence[tuple[Standing, Standing | None]]
    ) -> Sequence[Shared]:
        gate, found = self.parts.gate, []
        detail = {"share": at.share, "asked": "changes"}
        for number, (now, before) in enumerate(pairs):
            asked = asked_of(at, now.version)
            if number:  # one call of the day, however many versions
                governed = gate.renew(actor, asked, now.obligations, detail)
            else:
                governed = gate.admit(actor, at.table, at.purpose, Exit.DELTA, now.version, detail, at.grant)

            def make(
                governed: Governed = governed, before: Standing | None = before
            ) -> tuple[Governed, Governed | None]:
                if before is None:
                    return governed, None
                return governed, gate.renew(actor, asked_of(at, before.version), before.obligations, detail)

            copy = self.shelf.changes(now, before, make)
            governed.take(sum(part.rows for part in copy.parts))
            files = self._files(actor, at, copy, range(len(copy.parts)))
            governed.done(0, 0)
            found.append(
                Shared(
                    version=version_of(at, now),
                    copy=copy,
                    files=files,
                    receipt=governed.receipt,
                    contract=governed.contract,
                    delivered=governed.delivered,
                )
            )
        return found

    def _within(
        self, actor: Actor, at: SharedTable, version: int, span: tuple[int | datetime, int | datetime | None]
    ) -> bool:
        first, last = span
        written = None
        if not isinstance(first, int) or not isinstance(last, int | None):
            standing = self._standing(actor, at, version)
            written = None if standing is None else standing.written_at

        def reached(bound: int | datetime) -> int:
            mine = version if isinstance(bound, int) else written
            return 0 if mine is None or mine == bound else (1 if mine > bound else -1)  # type: ignore[operator]

        return reached(first) >= 0 and (last is None or reached(last) <= 0)

    def _check_span(self, at: SharedTable, wanted: Sequence[int]) -> None:
        if not wanted:
            raise Invalid(
                f"这个区间没有可提供的版本。可用的版本：{self._told(at)}。",
                f"The span holds no version that is served. Served: {self._told(at)}.",
                code="share_version",
            )
        if len(wanted) > VERSIONS_MOST:
            raise Invalid(
                f"一次最多取 {VERSIONS_MOST} 个版本的变更，请缩短区间。",
                f"Changes of {VERSIONS_MOST} versions at most are told at once; ask for a shorter span.",
                code="share_span",
            )
        release = self.parts.catalog.released(at.table)
        had = [] if release is None else self.parts.catalog.releases(release.resource_id)
        last = max((version for version in had if version < wanted[0]), default=None)
        if last is not None and last not in self._versions(at):
            raise Invalid(
                f"第 {last} 版已被召回，不能以它为起点取变更。请重新取整张表。",
                f"Version {last} was recalled, so changes cannot be counted from it. Load the table as a whole.",
                code="share_recalled",
            )

    # Files

    def fetch(self, file: str, token: str, ranged: str, *, head: bool) -> Fetched:
        """Return a file, or a part of it, if everything that the link was given for still holds.

        Raises:
            Denied: the link is not good, or the right under it ended or changed.
            Throttled: the quota of the grant is used up.
            NotFound: the copy is gone; query again.

        """
        right = self._right(file, token)
        part = right.copy.parts[right.link.number]
        span = span_of(ranged, part.bytes)
        first, count = span or (0, part.bytes)
        if head or first >= part.bytes or not count:
            self._still(right)
            return Fetched(
                file=file,
                size=part.bytes,
                first=first,
                count=count if head else 0,
                whole=span is None,
                content=iter(()),
            )
        self._others_hold(right)
        detail = {"share": right.link.purpose, "file": file, "asked": "file", "bytes": f"{first}+{count}"}
        asked, source = right.asked[-1], right.copy.sources[-1]
        governed = self.parts.gate.renew(right.actor, asked, source.obligations, detail)
        self._count(right, governed, count)
        return Fetched(
            file=file,
            size=part.bytes,
            first=first,
            count=count,
            whole=span is None,
            content=self._sent(right, governed, (first, count)),
            receipt=governed.receipt,
        )

    def _right(self, file: str, token: str) -> _Right:
        try:
            link = opened(token, file, self.secret, int(self.clock.now().timestamp()))
        except Denied as error:
            # Any address may be asked for: what names no file of ours is recorded as one and the same.
            known = self.shelf.get(file.rpartition("-")[0]) is not None
            self.parts.evidence.note_stranger(
                "exchange.share_refused", target=file if known else "share", reason=error.reason
            )
            raise
        try:
            actor = self._now(link.key_id, link.person_id)
        except Unauthenticated as error:
            raise self._ended(link, error.reason) from error
        copy = self.shelf.get(link.copy)
        if copy is None or link.number >= len(copy.parts):
            raise NotFound("这个文件已不在，请重新查询。", "This file is gone; query again.", code="share_file_gone")
        return _Right(link, actor, copy, _asked(copy, link.purpose, link.grant))

    def _ended(self, link: Link, reason: str) -> Denied:
        """Record that the right behind a link ended, and return the refusal."""
        who = Actor(link.person_id, "", ActorKind.APPLICATION, session_id=link.key_id)
        detail: dict[str, JsonValue] = {"reason": reason, "grant": link.grant}
        self.parts.evidence.note(who, "exchange.share_refused", target=link.file, decision="deny", detail=detail)
        return access_ended()

    def _still(self, right: _Right) -> None:
        """Return if the key and every version of the copy may be had now."""
        try:
            self._now(right.link.key_id, right.link.person_id)
        except Unauthenticated as error:
            raise self._ended(right.link, error.reason) from error
        if not self._holds(right.actor, right.asked, right.copy):
            raise self._ended(right.link, "access_ended")

    def _others_hold(self, right: _Right) -> None:
        if not self._holds(right.actor, right.asked[:-1], right.copy):
            raise self._ended(right.link, "access_ended")

    def _holds(self, actor: Actor, asked: Sequence[Asked], copy: Shelved) -> bool:
        gate = self.parts.gate
        return all(gate.holds(actor, one, s.obligations) for one, s in zip(asked, copy.sources, strict=False))

    def _count(self, right: _Right, governed: Governed, count: int) -> None:
        """Count the rows of a file again when one link was used to read it over and over."""
        part = right.copy.parts[right.link.number]
        with self._lock:
            before = self._read.pop(right.link, 0)
            self._read[right.link] = after = before + count
            while len(self._read) > _REMEMBERED:
                self._read.popitem(last=False)
        free = FREE_READS * part.bytes
        times = (
            max(0, after - free + part.bytes - 1) // part.bytes - max(0, before - free + part.bytes - 1) // part.bytes
        )
        if times > 0:
            governed.take(times * part.rows)

    def _sent(self, right: _Right, governed: Governed, span: tuple[int, int]) -> Iterator[bytes]:
        """Yield the bytes; the file is opened with the first of them, for some clients leave before."""
        first, count = span
        sent, recheck, digest = 0, Recheck(), hashlib.sha256()
        part = right.copy.parts[right.link.number]
        try:
            with self.shelf.open(right.copy, right.link.number) as file:
                file.seek(first)
                while sent < count:
                    piece = file.read(min(CHUNK, count - sent))
                    recheck.before(len(piece), partial(self._still, right))
                    digest.update(piece)
                    yield piece
                    sent += len(piece)
            bounds = {} if count == part.bytes else {"range": f"{first}-{first + count - 1}"}
            governed.delivered({"response": digest.hexdigest(), **bounds}, sent)
        except Denied as ended:
            governed.refused(ended.reason)
            raise
        finally:
            governed.done(part.rows * sent // part.bytes, sent)

    # Housekeeping

    def watch(self) -> None:
        """Take away copies that nobody may have any more; called by the dispatcher every minute."""
        self.shelf.sweep(self._may)

    def _may(self, copy: Shelved, reader: Mapping[str, str]) -> bool:
        try:
            actor = self._now(reader["key"], reader["person"])
        except BeijiangError:
            return False
        return self._holds(actor, _asked(copy, reader["purpose"], reader["grant"]), copy)


def _asked(copy: Shelved, purpose: str, grant: str) -> tuple[Asked, ...]:
    return tuple(
        Asked(table=copy.table, exit=Exit.DELTA, purpose=purpose, grant=grant, version=source.version)
        for source in copy.sources
    )


def _other_columns(version: int) -> Invalid:
    return Invalid(
        f"第 {version} 版的数据项与前一版不同，不能以变更提供。请重新取整张表。",
        f"Version {version} has other columns than the one before, so its changes cannot be told. Load the table as a whole.",
        code="share_columns",
    )
