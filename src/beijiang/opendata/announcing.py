"""The verbs on news: write, publish, withdraw; and read what is published."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from beijiang.access import Permission
from beijiang.kit import Conflict, Invalid, NotFound, new_id
from beijiang.opendata.members import clean_words
from beijiang.opendata.news import News, NewsDraft, NewsState
from beijiang.opendata.store.news import NewsStore

if TYPE_CHECKING:
    from collections.abc import Sequence

    from beijiang.db import UnitOfWork
    from beijiang.kit import Actor
    from beijiang.kit.errors import JsonValue
    from beijiang.opendata.registering import PublicParts

__all__ = ["Newsroom"]

WORDS_LONGEST = 100
ON_THE_HOME = 3


class Newsroom:
    """News of the portal."""

    def __init__(self, parts: PublicParts) -> None:
        self._parts = parts
        self._access = parts.access

    def published(self, actor: Actor, words: str = "") -> Sequence[News]:
        """Return the published news, newest first; ``words`` narrows them."""
        self._access.require(actor, Permission.OPENDATA_DATASET_READ)
        with self._parts.db.read() as connection:
            return NewsStore(connection).all(NewsState.PUBLISHED, words.strip()[:WORDS_LONGEST])

    def latest(self, actor: Actor) -> Sequence[News]:
        """Return the few news that the first page of the portal shows."""
        self._access.require(actor, Permission.OPENDATA_DATASET_READ)
        with self._parts.db.read() as connection:
            return NewsStore(connection).all(NewsState.PUBLISHED, most=ON_THE_HOME)

    def read(self, actor: Actor, news_id: str) -> News:
        """Return one published piece of news.

        Raises:
            NotFound: there is none, or it is a draft or withdrawn; all look the same.

        """
        self._access.require(actor, Permission.OPENDATA_DATASET_READ)
        with self._parts.db.read() as connection:
            found = NewsStore(connection).get(news_id)
        if found is None or found.state is not NewsState.PUBLISHED:
            raise _unknown()
        return found

    def desk(self, actor: Actor) -> Sequence[News]:
        """Return all news for those who write them."""
        self._access.require(actor, Permission.OPENDATA_PORTAL_MANAGE)
        with self._parts.db.read() as connection:
            return NewsStore(connection).all()

    def write(self, actor: Actor, draft: NewsDraft, news_id: str = "") -> News:
        """Write a new draft, or write another text for one; what is published is changed at once, on record.

        Raises:
            Invalid: a title or text is missing or too long.
            NotFound: no such news.
            Conflict: somebody else changed it meanwhile.

        """
        self._access.require(actor, Permission.OPENDATA_PORTAL_MANAGE)
        draft = draft.checked()
        now = self._parts.clock.now()
        with self._parts.db.begin() as tx:
            if not news_id:
                made = News(
                    id=new_id("news"),
                    title=draft.title,
                    body=draft.body,
                    state=NewsState.DRAFT,
                    by=actor.id,
                    reason="",
                    revision=1,
                    created_at=now,
                    changed_at=now,
                )
                NewsStore(tx.connection).add(made)
                self._record(tx, actor, made)
                return made
            return self._change(tx, actor, news_id, title=draft.title, body=draft.body)

    def publish(self, actor: Actor, news_id: str, *, seen: str | None = None) -> News:
        """Publish a draft, or publish again what was withdrawn; ``seen`` is the token of the text that was shown.

        Raises:
            NotFound: no such news.
            Conflict: somebody else changed it since it was shown (``changed_since_seen``), or meanwhile.

        """
        self._access.require(actor, Permission.OPENDATA_PORTAL_MANAGE)
        now = self._parts.clock.now()
        with self._parts.db.begin() as tx:
            return self._change(tx, actor, news_id, seen, state=NewsState.PUBLISHED, published_at=now, reason="")

    def withdraw(self, actor: Actor, news_id: str, reason: str) -> News:
        """Withdraw published news; its address then answers as if it had never been.

        Raises:
            Invalid: no reason.
            NotFound: no such news.
            Conflict: somebody else changed it meanwhile.

        """
        self._access.require(actor, Permission.OPENDATA_PORTAL_MANAGE)
        words = clean_words(reason)
        if not words:
            raise Invalid("请写明理由。", "Give the reason.", code="reason_needed")
        with self._parts.db.begin() as tx:
            return self._change(tx, actor, news_id, state=NewsState.WITHDRAWN, reason=words)

    def _change(self, tx: UnitOfWork, actor: Actor, news_id: str, seen: str | None = None, **changes: object) -> News:
        store = NewsStore(tx.connection)
        found = store.get(news_id)
        if found is None:
            raise _unknown()
        found.shown.check(seen)
        made: News = replace(
            found,
            **{"by": actor.id, "changed_at": self._parts.clock.now(), "revision": found.revision + 1, **changes},  # type: ignore[arg-type]
        )
        if not store.change(made, found.revision):
            raise Conflict(
                "这条动态刚被别人改过，请刷新后重试。",
                "Somebody else just changed this news; reload and try again.",
                code="news_changed",
            )
        self._record(tx, actor, made)
        return made

    def _record(self, tx: UnitOfWork, actor: Actor, one: News) -> None:
        detail: dict[str, JsonValue] = {"state": one.state.value, "revision": one.revision, "reason": one.reason}
        self._parts.evidence.record(tx, actor, "opendata.news", target=one.id, detail=detail)


def _unknown() -> NotFound:
    return NotFound("没有这条动态。", "There is no such news.", code="news_not_found")
