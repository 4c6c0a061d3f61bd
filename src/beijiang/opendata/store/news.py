"""SQL on news."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import Column, Integer, String, Table, insert, or_, select, update
from sqlalchemy import Text as LongText

from beijiang.db import UtcDateTime, metadata
from beijiang.kit import Text
from beijiang.opendata.news import News, NewsState

if TYPE_CHECKING:
    from typing import Any

    from sqlalchemy import Connection, Row

__all__ = ["NewsStore", "portal_news"]

portal_news = Table(
    "portal_news",
    metadata,
    Column("id", String(40), primary_key=True),
    Column("title_zh", String(200), nullable=False),
    Column("title_en", String(200), nullable=False),
    Column("body_zh", LongText, nullable=False),
    Column("body_en", LongText, nullable=False),
    Column("state", String(20), nullable=False, index=True),
    Column("by", String(100), nullable=False),
    Column("reason", LongText, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    Column("published_at", UtcDateTime),
)
_C = portal_news.c
MOST = 200


class NewsStore:
    """Read and write on one connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, one: News) -> None:
        """Add a piece of news."""
        self._connection.execute(insert(portal_news).values(id=one.id, created_at=one.created_at, **_values(one)))

    def change(self, one: News, revision: int) -> bool:
        """Write a piece of news if it is still at ``revision``; tell whether it was."""
        here = (_C.id == one.id, _C.revision == revision)
        return bool(self._connection.execute(update(portal_news).where(*here).values(**_values(one))).rowcount)

    def get(self, news_id: str) -> News | None:
        """Return one."""
        row = self._connection.execute(select(portal_news).where(_C.id == news_id)).one_or_none()
        return None if row is None else _news(row)

    def all(self, state: NewsState | None = None, words: str = "", most: int = MOST) -> list[News]:
        """Return the news of a state that have the words in a title or text, newest first."""
        query = select(portal_news)
        if state is not None:
            query = query.where(_C.state == state.value)
        if words:
            columns = (_C.title_zh, _C.title_en, _C.body_zh, _C.body_en)
            query = query.where(or_(*(c.icontains(words, autoescape=True) for c in columns)))
        newest = query.order_by(_C.published_at.desc(), _C.changed_at.desc(), _C.id).limit(most)
        return [_news(row) for row in self._connection.execute(newest)]


def _values(one: News) -> dict[str, Any]:
    return {
        "title_zh": one.title.zh,
        "title_en": one.title.en,
        "body_zh": one.body.zh,
        "body_en": one.body.en,
        "state": one.state.value,
        "by": one.by,
        "reason": one.reason,
        "revision": one.revision,
        "changed_at": one.changed_at,
        "published_at": one.published_at,
    }


def _news(row: Row[Any]) -> News:
    return News(
        id=row.id,
        title=Text(row.title_zh, row.title_en),
        body=Text(row.body_zh, row.body_en),
        state=NewsState(row.state),
        by=row.by,
        reason=row.reason,
        revision=row.revision,
        created_at=row.created_at,
        changed_at=row.changed_at,
        published_at=row.published_at,
    )
