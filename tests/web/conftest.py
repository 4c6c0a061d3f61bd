"""An application with the real door and a few endpoints of its own, and an identity provider that knows two people."""

from __future__ import annotations

import hashlib
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Annotated

import httpx
import pytest
import uvicorn
from fastapi import FastAPI, Form, Request, UploadFile
from fastapi.responses import HTMLResponse, PlainTextResponse
from jinja2 import ChoiceLoader, DictLoader
from pydantic import BaseModel, ConfigDict

from beijiang.kit import ANONYMOUS, Actor, ActorKind, Busy, Conflict, Denied, Throttled, Unauthenticated
from beijiang.settings import Settings
from beijiang.web import Addresses, Pages, new_app
from beijiang.web.security import SESSION_COOKIE

SECRET = "postgresql://keeper:hunter2@db/bj /srv/home/keys SELECT * FROM person"
ORIGIN = "https://data.example"


class Doorkeeper:
    """Implements the protocol the way ``access`` does: a live token is a person, a key is a program, the rest visitors."""

    people: Mapping[str, str] = {"tok-a": "p_a", "tok-b": "p_b"}

    def actor_for(self, cookies: Mapping[str, str], authorization: str | None = None) -> Actor:
        if authorization is not None:
            if authorization != "Bearer bj_good":
                raise Unauthenticated("密钥无效。", "The key is not good.")
            return Actor(id="app", name="程序", kind=ActorKind.APPLICATION, session_id="key")
        person = self.people.get(cookies.get(SESSION_COOKIE, ""))
        return ANONYMOUS if person is None else Actor(id=person, name="萨仁", kind=ActorKind.PERSON, session_id=person)

    def csrf(self, token: str) -> str:
        return hashlib.sha256(f"csrf:{token}".encode()).hexdigest()


class Order(BaseModel):
    model_config = ConfigDict(extra="forbid")
    rows: int


def add_routes(app: FastAPI, pages: Pages) -> None:
    @app.get("/api/v1/me")
    @app.post("/api/v1/me")
    @app.get("/me")
    def me(request: Request) -> dict[str, str]:
        return {"actor": request.state.actor.id, "language": request.state.language.value}

    @app.post("/api/v1/orders")
    def order(order: Order) -> dict[str, int]:
        return {"rows": order.rows}

    @app.post("/form")
    def form(name: Annotated[str, Form()]) -> PlainTextResponse:
        return PlainTextResponse(name)

    @app.post("/upload")
    async def upload(file: UploadFile) -> PlainTextResponse:
        return PlainTextResponse(hashlib.sha256(await file.read()).hexdigest())

    @app.get("/page")
    def page(request: Request) -> HTMLResponse:
        return pages.render(
            request, "error.html", status=404, error={"message": "<b>x</b>", "code": "c", "request_id": "r"}
        )

    @app.get("/shell/{name}")
    def shell(request: Request, name: str) -> HTMLResponse:
        return pages.render(request, f"pieces-{name}.html")

    @app.get("/api")
    def api_page(request: Request) -> HTMLResponse:
        return pages.render(request, "api.html")

    @app.get("/cached")
    def cached() -> PlainTextResponse:
        return PlainTextResponse("x", headers={"Cache-Control": "public, max-age=60"})

    @app.get("/fail/{kind}")
    @app.get("/api/v1/fail/{kind}")
    def fail(kind: str) -> None:
        raise {
            "busy": Busy("忙", "Busy"),
            "conflict": Conflict("冲突", "Conflict", code="taken", detail={"by": "p_b"}),
            "denied": Denied("不行", "No"),
            "signin": Unauthenticated("请登录", "Sign in"),
            "often": Throttled("太多", "Too many"),
        }.get(kind, RuntimeError(SECRET))


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    made = Settings.for_tests(tmp_path_factory.mktemp("home"))
    return made.model_copy(update={"public_url": ORIGIN, "upload_limit_bytes": 1 << 20})


PIECES = """
<h1>{{ t("企业登记信息", "Registered enterprises") }}</h1>
{{ ui.crumbs([("/", "a"), (none, "b")]) }}{{ ui.tabs([("k", "/k", "K"), ("l", "/l", "L")], "k") }}
<p class="row">{{ ui.tag("按时", "ok") }}{{ ui.tag("迟", "warn") }}{{ ui.tag("停", "bad") }}{{ ui.tag("每日", "info") }}
{% for g in ("L1", "L2", "L3", "L4") %}{{ ui.grade_badge(g) }}{% endfor %}</p>
<section class="card pad"><h2>{{ t("质量", "Quality") }}</h2>{{ ui.meter(0.92, "92") }}{{ ui.progress(0.4, "40 %") }}{{ ui.facts([("a", "b")]) }}</section>
{{ ui.notice("warn", "w") }}{{ ui.notice("bad", "b") }}
<div class="card table" tabindex="0" role="region" aria-label="rows"><table data-keys><thead><tr><th scope="col">n</th></tr></thead>
<tbody><tr><td><a href="/page?1">1</a></td></tr><tr><td class="mask">李**</td></tr><tr><td><a href="/page?3">3</a></td></tr></tbody></table></div>
<form class="card pad" method="post" action="/upload" data-upload>{{ csrf_field() }}{{ ui.field("n", "l", hint="h", error="e", required=True) }}
{{ ui.choose("c", "k", [("1", "one")], "1") }}<div class="drop"><label>{{ t("文件", "File") }} <input type="file" name="file"></label></div>
<button class="btn pri">{{ t("上传", "Upload") }}</button></form>
{{ ui.chart("c1", t("各盟市企业", "By league"), {"type": "bar", "x": ["赤峰", "通辽"], "series": [{"name": "企业", "values": [8, 5]}], "unit": "家"}) }}
"""
TEMPLATES = {
    f"pieces-{shell}.html": '{% extends "' + shell + '.html" %}{% block title %}x{% endblock %}'
    """{% block head %}<script type="module" src="{{ asset('charts.js') }}"></script>{% endblock %}"""
    '{% block navigation %}{{ ui.nav_link("/console", "a") }}{% endblock %}{% block content %}'
    + PIECES
    + "{% endblock %}"
    for shell in ("portal", "console")
}


@pytest.fixture(scope="session")
def pages(settings: Settings) -> Pages:
    made = Pages(settings)
    loader = made.environment.loader
    assert isinstance(loader, ChoiceLoader)
    loader.loaders = [*loader.loaders, DictLoader(TEMPLATES)]
    return made


@pytest.fixture(scope="session")
def address(settings: Settings, pages: Pages) -> Iterator[str]:
    """One real server for the whole folder: what one request leaves behind would show in the next."""
    app = new_app(settings, Doorkeeper(), pages, Addresses(uploads=frozenset({"/upload"})))
    add_routes(app, pages)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        server.should_exit = True
        thread.join(90)


@pytest.fixture
def client(address: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=address, headers={"User-Agent": "tests"}, timeout=300) as opened:
        yield opened
