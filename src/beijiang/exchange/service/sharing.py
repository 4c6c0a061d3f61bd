"""Shares (数据共享协议 Delta Sharing): granted tables for the protocol's clients, in files that are served under a check at every request."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from beijiang.access import Permission
from beijiang.exchange.models import GranteeKind, GrantState, Way
from beijiang.exchange.models.hints import may_match
from beijiang.exchange.models.links import LINK_SECONDS, Link, signed
from beijiang.exchange.models.shares import (
    FOR_ALL,
    Place,
    Profile,
    Shared,
    SharedFile,
    SharedTable,
    SharedVersion,
    TableQuery,
    shared_name,
)
from beijiang.exchange.service.base import Base, SharingParts
from beijiang.exchange.store import GrantStore, ProfileStore
from beijiang.kit import (
    Actor,
    ActorKind,
    BeijiangError,
    Conflict,
    Denied,
    Invalid,
    NotFound,
    Unauthenticated,
    Unavailable,
)
from beijiang.protection import NO_GRANT, Asked
from beijiang.tables import Exit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from beijiang.exchange.models import Grant
    from beijiang.protection import Protection, Shelf, Shelved, Standing

__all__ = ["ShareParts", "Sharing"]

PREFIX: Final = "bjs_"
FILES_MOST: Final = 10_000
VERSIONS_MOST: Final = 100
"""Versions whose changes are told in one answer."""
_READS: Final = frozenset({str(Permission.PROTECTION_ROWS_READ_GRANTED), str(Permission.PROTECTION_ROWS_READ_SHARED)})


@dataclass(frozen=True, slots=True, kw_only=True)
class ShareParts:
    """What shares work with beside the parts of exchange."""

    shelf: Shelf
    protection: Protection
    left: Callable[[str, str], frozenset[int]]
    """The versions of a resource's table that readers may go back to."""
    endpoint: str
    """The address that stands in profiles and links."""


class Sharing(Base):
    """What a recipient may list and query."""

    def __init__(self, parts: SharingParts, shares: ShareParts) -> None:
        super().__init__(parts)
        self.shelf = shares.shelf
        self._protection = shares.protection
        self._left = shares.left
        self._endpoint = shares.endpoint

    # Profiles

    def issue_profile(self, actor: Actor, key_id: str) -> Profile:
        """Issue the profile of one's own API key; its token is shown this once and opens shares only.

        Raises:
            NotFound: no such key of the actor's, or it has ended.
            Invalid: the key may not read what is shared (``profile_scopes``).
            Conflict: the key has a profile (``profile_issued``).

        """
        self.access.require(actor, Permission.ACCESS_KEY_ISSUE)
        now = self.clock.now()
        keys = {one.id: one for one in self.access.keys(actor, actor.id)}
        key = keys.get(key_id)
        if key is None or key.revoked_at is not None or key.expires_at <= now:
            raise NotFound(
                "您没有这个有效的 API 密钥。请在“我的密钥”中签发一个。",
                "There is no such key of yours in force. Issue one under My keys.",
                code="key_unknown",
            )
        if not key.scopes & _READS:
            raise Invalid(
                f"这个密钥不能读取共享数据：须含权限 {'、'.join(sorted(_READS))} 之一。请另签发一个密钥。",
                f"This key may not read what is shared: it needs one of {', '.join(sorted(_READS))}. Issue another key.",
                code="profile_scopes",
            )
        token = f"{PREFIX}{secrets.token_hex(32)}"
        with self.db.begin() as tx:
            if not ProfileStore(tx.connection).add(key.id, actor.id, _digest(token), now):
                raise Conflict(
                    "这个密钥的连接文件已签发过，只显示一次。遗失时请吊销此密钥，另签发一个。",
                    "The profile of this key was issued before and is shown once. If it is lost, revoke the key and issue another.",
                    code="profile_issued",
                )
            self.parts.evidence.record(tx, actor, "exchange.profile_issue", target=key.id)
        return Profile(key_id=key.id, endpoint=self._endpoint, token=token, expires_at=key.expires_at)

    def profiles(self, actor: Actor) -> Mapping[str, tuple[str, bool]]:
        """Return the actor's keys that may have a profile, by id: name, and whether it was issued."""
        self.access.require(actor, Permission.ACCESS_KEY_ISSUE)
        now = self.clock.now()
        keys = [k for k in self.access.keys(actor, actor.id) if k.revoked_at is None and k.expires_at > now]
        keys = [key for key in keys if key.scopes & _READS]
        with self.db.read() as connection:
            issued = ProfileStore(connection).issued([key.id for key in keys])
        return {key.id: (key.name, key.id in issued) for key in keys}

    def actor_for(self, authorization: str) -> Actor:
        """Return who stands behind the token of a profile, with the rights that its key has now.

        Raises:
            Unauthenticated: no token, an unknown one, or its key has ended.

        """
        scheme, _, token = authorization.partition(" ")
        found = None
        if scheme.lower() == "bearer" and token.strip().startswith(PREFIX):
            with self.db.read() as connection:
                found = ProfileStore(connection).find(_digest(token.strip()))
        if found is None:
            self.parts.evidence.note_stranger("exchange.share_refused", target="profile", reason="profile_unknown")
            raise Unauthenticated(
                "连接文件无效。请用“beijiang exchange profile”或授权页面重新签发。",
                "The profile is not valid. Issue one by beijiang exchange profile, or on the page of a grant.",
                code="profile_unknown",
            )
        return self._now(*found)

    def _now(self, key_id: str, person_id: str) -> Actor:
        return self.access.current(Actor(person_id, "", ActorKind.APPLICATION, session_id=key_id))

    # Lists

    def tables(self, actor: Actor, share: str = "", schema: str = "") -> Sequence[SharedTable]:
        """Return what the actor has, in order: of one share and schema, or all.

        Raises:
            NotFound: no such share or schema of the actor's.

        """
        self._require(actor)
        found = [*self._granted(actor, share), *self._for_all(share)]
        found = [one for one in found if self.parts.gate.holds(actor, asked_of(one, None))]
        if share:
            found = [one for one in found if one.share.casefold() == share.casefold()]
        if schema:
            found = [one for one in found if one.schema.casefold() == schema.casefold()]
        if not found and (share or schema):
            raise _no_share()
        return sorted(found, key=lambda one: (one.share, one.schema, one.name))

    def _require(self, actor: Actor) -> None:
        if not self.access.allows(actor, Permission.PROTECTION_ROWS_READ_SHARED):
            self.access.require(actor, Permission.PROTECTION_ROWS_READ_GRANTED)

    def _granted(self, actor: Actor, share: str = "") -> Iterable[SharedTable]:
        """Return the tables of grants that open this way; of several for one purpose the one that shows most counts."""
        most: dict[tuple[str, str], tuple[int, SharedTable]] = {}
        for grant in self._held_by(actor, share):
            items, place = len(grant.terms.items), (grant.purpose, grant.table)
            if grant.standing(self.today) is GrantState.ACTIVE and (place not in most or most[place][0] < items):
                most[place] = items, _table(grant.purpose, grant.provider_id, grant.table, grant.id)
        return [table for _, table in most.values()]

    def _held_by(self, actor: Actor, share: str = "") -> Iterable[Grant]:
        """Yield the grants that the actor has, or had, in this way: of one share, or all."""
        holders = [(GranteeKind.PERSON, actor.id), (GranteeKind.APPLICATION, actor.session_id or "")]
        holders += [(GranteeKind.APPLICATION, actor.id)] if actor.scopes is not None else []
        holders += [(GranteeKind.ORGANISATION, actor.org_id)] if actor.org_id else []
        with self.db.read() as connection:
            grants = GrantStore(connection).held_by(holders)
        for grant in grants:
            if Way.DELTA in grant.terms.ways and share.casefold() in {"", grant.purpose.casefold()}:
                yield grant

    def _for_all(self, share: str = "") -> Iterable[SharedTable]:
        if share and share.casefold() != FOR_ALL:
            return []
        return [one for facts in self._protection.all_facts() for one in self._free(facts.name)]

    def _free(self, table: str) -> Iterable[SharedTable]:
        release = self.parts.catalog.released(table)
        if release is not None and release.shared_items:
            yield _table(FOR_ALL, release.provider_id, table, NO_GRANT)

    def _found(self, actor: Actor, place: Place) -> SharedTable:
        """Return the table of a place; unknown and not the actor's look the same."""
        self._require(actor)
        if place.share.casefold() == FOR_ALL:
            near = [*self._free(self.parts.gate.find(place.name))]
            found = near if near and place.is_of(near[0]) else self._for_all()
        else:
            found = self._granted(actor, place.share)
        one = next((one for one in found if place.is_of(one)), None)
        if one is None:
            raise self._none(actor, place)
        return one

    def _none(self, actor: Actor, place: Place) -> BeijiangError:
        """Return why a table cannot be had; that there was a grant is known to who held it."""
        for grant in self._held_by(actor, place.share):
            if place.is_of(_table(grant.purpose, grant.provider_id, grant.table, grant.id)):
                state = grant.standing(self.today)
                return Denied(
                    f"您对这张表的授权现为“{state.text.zh}”。请在“授权”中查看原因。",
                    f"Your grant on this table is {state.text.en}. See the reason under Grants.",
                    code="grant_state",
                    detail={"state": state.value},
                )
        return _no_table()

    # Versions

    def _standing(self, actor: Actor, at: SharedTable, version: int | None = None) -> Standing | None:
        return self.parts.gate.standing(actor, asked_of(at, version))

    def _shown(self, actor: Actor, at: SharedTable, version: int | None = None) -> Standing:
        found = self._standing(actor, at, version)
        if found is None and version is None:
            raise _no_table()
        if found is None:
            raise Invalid(
                f"第 {version} 版不提供：从未发布、已被召回或已清理。可用的版本：{self._told(at)}。",
                f"Version {version} is not served: it was never released, was recalled, or is gone. Served: {self._told(at)}.",
                code="share_version",
            )
        return found

    def _versions(self, at: SharedTable) -> list[int]:
        """Return the versions that readers may have, oldest first."""
        release = self.parts.catalog.released(at.table)
        if release is None:
            return []
        left = self._left(release.resource_id, at.table)
        return sorted({v for v in left if v < release.table_version} | {release.table_version})

    def _told(self, at: SharedTable) -> str:
        return ", ".join(map(str, self._versions(at)[-10:])) or "-"

    def _at(self, actor: Actor, at: SharedTable, query: TableQuery) -> Standing:
        """Return the version that a query is for: by number, as of a moment, or the one that is served now."""
        if query.timestamp is None or query.version is not None:
            return self._shown(actor, at, query.version)
        for version in reversed(self._versions(at)):
            found = self._standing(actor, at, version)
            if found is not None and found.written_at <= query.timestamp:
                return found
        raise _no_moment()

    def version(self, actor: Actor, place: Place, since: datetime | None = None) -> int:
        """Return the number of the version that is served now, or of the first one written since a moment.

        Raises:
            NotFound: no such table of the actor's.
            Invalid: nothing was written since (``share_moment``).

        """
        at = self._found(actor, place)
        if since is None:
            return self._shown(actor, at).version
        for version in self._versions(at):
            found = self._standing(actor, at, version)
            if found is not None and found.written_at >= since:
                return version
        raise _no_moment()

    def metadata(self, actor: Actor, place: Place, query: TableQuery) -> SharedVersion:
        """Return the columns of a version as the actor sees them.

        Raises:
            NotFound: no such table of the actor's.
            Invalid: the version is not served (``share_version``, ``share_moment``).

        """
        at = self._found(actor, place)
        return version_of(at, self._at(actor, at, query))

    # Rows

    def query(self, actor: Actor, place: Place, query: TableQuery) -> Shared:
        """Return the files of a version, made now if nobody has had them under the same obligations.

        Raises:
            NotFound: no such table of the actor's.
            Invalid: the version is not served.
            Throttled: calls or rows of the day are used up.
            Denied: the right ended while the files were made.

        """
        at = self._found(actor, place)
        standing = self._at(actor, at, query)
        detail = {"share": at.share, "asked": "query"}
        governed = self.parts.gate.admit(actor, at.table, at.purpose, Exit.DELTA, standing.version, detail, at.grant)
        if governed.obligations != standing.obligations:
            raise _changed()
        copy = self.shelf.whole(standing, lambda: governed)
        numbers = _chosen(copy, query)
        governed.take(sum(copy.parts[number].rows for number in numbers))
        files = self._files(actor, at, copy, numbers)
        governed.done(0, 0)  # rows are counted where they leave: with each file
        return Shared(
            version=version_of(at, standing),
            copy=copy,
            files=files,
            receipt=governed.receipt,
            contract=governed.contract,
            delivered=governed.delivered,
        )

    def _files(self, actor: Actor, at: SharedTable, copy: Shelved, numbers: Iterable[int]) -> tuple[SharedFile, ...]:
        self.shelf.note_reader(copy, reader_of(actor, at))
        now = int(self.clock.now().timestamp())
        secret = self._protection.page_secret()
        found = []
        for number in numbers:
            link = Link(
                copy.id, number, actor.session_id or "", actor.id, at.grant, at.purpose, now, now + LINK_SECONDS
            )
            found.append(
                SharedFile(
                    id=link.file,
                    url=f"{self._endpoint}/files/{link.file}?X-Amz-Signature={signed(link, secret)}",
                    part=copy.parts[number],
                    expires_at=datetime.fromtimestamp(link.expires, UTC),
                )
            )
        return tuple(found)

    @property
    def secret(self) -> bytes:
        """Return what links are signed with."""
        return self._protection.page_secret()


def asked_of(at: SharedTable, version: int | None) -> Asked:
    """Return the question that the gate is asked for a table of a share."""
    return Asked(table=at.table, exit=Exit.DELTA, purpose=at.purpose, grant=at.grant, version=version)


def reader_of(actor: Actor, at: SharedTable) -> dict[str, str]:
    """Return who reads a copy, and under what."""
    return {"key": actor.session_id or "", "person": actor.id, "grant": at.grant, "purpose": at.purpose}


def _table(share: str, schema: str, table: str, grant: str) -> SharedTable:
    return SharedTable(share=share, schema=shared_name(schema), name=shared_name(table), table=table, grant=grant)


def version_of(at: SharedTable, standing: Standing) -> SharedVersion:
    return SharedVersion(
        at=at,
        version=standing.version,
        columns=standing.columns,
        schema=standing.schema,
        written_at=standing.written_at,
    )


def _chosen(copy: Shelved, query: TableQuery) -> list[int]:
    """Return the files that may hold matching rows, no more of them than the limit needs."""
    found: list[int] = []
    rows = 0
    for number, part in enumerate(copy.parts):
        if query.limit is not None and rows >= query.limit:
            break
        if all(may_match(part, hint) for hint in query.hints):
            found.append(number)
            rows += part.rows
    if len(found) > FILES_MOST:
        raise Invalid("文件太多，请加条件。", "There are too many files; add conditions.", code="share_files")
    return found


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _no_share() -> NotFound:
    return NotFound(
        "没有这个共享，或者其中没有授权给您的数据。",
        "There is no such share, or nothing in it is granted to you.",
        code="share_not_found",
    )


def _no_table() -> NotFound:
    return NotFound(
        "这个共享里没有这张表，或者未授权给您。",
        "There is no such table in the share, or it is not granted to you.",
        code="share_table_not_found",
    )


def _no_moment() -> Invalid:
    return Invalid("这个时刻没有可提供的版本。", "No version that is served fits this moment.", code="share_moment")


def _changed() -> Unavailable:
    return Unavailable("授权刚刚变更，请重试。", "The grant has just changed; try again.", code="share_changed")
