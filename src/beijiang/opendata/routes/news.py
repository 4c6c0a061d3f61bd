"""News: pages and a feed for everybody, and the API by which the data authority writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from beijiang.kit import ANONYMOUS, Text
from beijiang.opendata import feeds
from beijiang.opendata.markdown import plain, rendered
from beijiang.opendata.news import News, NewsDraft
from beijiang.opendata.routes.api import actor

if TYPE_CHECKING:
    from beijiang.opendata.announcing import Newsroom
    from beijiang.opendata.service import OpenData
    from beijiang.web import Pages

__all__ = ["api", "pages"]

_Find = Annotated[str, Query(max_length=100)]
_Seen = Annotated[
    str, Query(max_length=300, description="The `seen` of the news as you read it; without it nothing is published.")
]


class NewsOrder(BaseModel):
    """Titles and Markdown texts in both languages."""

    model_config = ConfigDict(extra="forbid")

    title_zh: str = Field(max_length=200)
    title_en: str = Field(max_length=200)
    body_zh: str = Field(max_length=20_000)
    body_en: str = Field(max_length=20_000)

    def draft(self) -> NewsDraft:
        """Return it as the service takes it."""
        return NewsDraft(title=Text(self.title_zh, self.title_en), body=Text(self.body_zh, self.body_en))


class WithdrawOrder(BaseModel):
    """Why it is withdrawn."""

    model_config = ConfigDict(extra="forbid")

    reason: str = Field(max_length=3000)


def api(newsroom: Newsroom) -> APIRouter:
    """Return the endpoints."""
    routes = APIRouter(prefix="/api/v1/portal/news", tags=["portal"])

    @routes.get("", summary="Published news, newest first")
    def published(request: Request, q: _Find = "") -> dict[str, Any]:
        return {"news": [_json(one) for one in newsroom.published(actor(request), q)]}

    @routes.get("/desk", summary="All news, for those who write them")
    def desk(request: Request) -> dict[str, Any]:
        return {
            "news": [
                {**_json(one), "reason": one.reason, "seen": one.shown.token} for one in newsroom.desk(actor(request))
            ]
        }

    @routes.get("/{news}", summary="One piece of published news")
    def read(request: Request, news: str) -> dict[str, Any]:
        return _json(newsroom.read(actor(request), news))

    @routes.post("", status_code=201, summary="Write a draft")
    def write(request: Request, order: NewsOrder) -> dict[str, Any]:
        return _json(newsroom.write(actor(request), order.draft()))

    @routes.put("/{news}", summary="Write another text for it")
    def rewrite(request: Request, news: str, order: NewsOrder) -> dict[str, Any]:
        return _json(newsroom.write(actor(request), order.draft(), news))

    @routes.post("/{news}/publish", summary="Publish it")
    def publish(request: Request, news: str, seen: _Seen = "") -> dict[str, Any]:
        return _json(newsroom.publish(actor(request), news, seen=seen))

    @routes.post("/{news}/withdraw", summary="Withdraw it, with a reason")
    def withdraw(request: Request, news: str, order: WithdrawOrder) -> dict[str, Any]:
        return _json(newsroom.withdraw(actor(request), news, order.reason))

    return routes


def pages(newsroom: Newsroom, opendata: OpenData, site: Pages) -> APIRouter:
    """Return the pages and the feed."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/news")
    def news(request: Request, q: _Find = "") -> Response:
        found = newsroom.published(actor(request), q)
        told = [(one, plain(one.body.in_language(request.state.language))) for one in found]
        return site.render(request, "opendata/news.html", news=told, q=q)

    @routes.get("/news.xml")
    def feed(request: Request) -> Response:
        words = request.state.language
        entries = [
            feeds.Entry(
                one.id,
                f"{opendata.base}/news/{one.id}",
                one.title.in_language(words),
                plain(one.body.in_language(words), 400),
                opendata.title,
                one.published_at or one.changed_at,
            )
            for one in newsroom.published(ANONYMOUS)[:50]
        ]
        content = feeds.atom(entries, base=opendata.base, title=opendata.title, path="/news.xml")
        return Response(content, media_type="application/atom+xml", headers={"Cache-Control": "public, max-age=60"})

    @routes.get("/news/{news_id}")
    def read(request: Request, news_id: str) -> Response:
        one = newsroom.read(actor(request), news_id)
        body = rendered(one.body.in_language(request.state.language))
        return site.render(request, "opendata/news_one.html", one=one, body=body)

    return routes


def _json(one: News) -> dict[str, Any]:
    return {
        "id": one.id,
        "title": {"zh": one.title.zh, "en": one.title.en},
        "body": {"zh": one.body.zh, "en": one.body.en},
        "state": one.state.value,
        "published_at": None if one.published_at is None else one.published_at.isoformat(),
        "changed_at": one.changed_at.isoformat(),
    }
