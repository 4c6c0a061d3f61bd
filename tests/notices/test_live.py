"""An open page is told over one stream; the stream asks for the session at every beat and ends with it."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import pytest
import uvicorn
from exchange_bureau import Bureau

from beijiang.access import SESSION_COOKIE
from beijiang.app import create_app
from beijiang.kit import SYSTEM
from beijiang.notices.routes import live
from beijiang.notices.service.live import PERSON_MOST
from waiting import until

PASSWORD = "a long pass phrase 2026"
CAPITAL = "注册资本"


_reading: list[threading.Thread] = []


@dataclass
class Page:
    """An open page: the events that came, until it is closed or let go."""

    address: str
    token: str
    headers: dict[str, str] = field(default_factory=dict)
    events: list[dict[str, str]] = field(default_factory=list)
    beats: int = 0
    over: bool = False

    def open(self) -> Page:
        thread = threading.Thread(target=self._read, daemon=True)
        thread.start()
        _reading.append(thread)
        return self

    def _read(self) -> None:
        cookies = {SESSION_COOKIE: self.token}
        with (
            httpx.Client(timeout=60) as client,
            client.stream(
                "GET", f"{self.address}/api/v1/notices/live", cookies=cookies, headers=self.headers
            ) as answer,
        ):
            assert answer.headers["content-type"].startswith("text/event-stream")
            found: dict[str, str] = {}
            for line in answer.iter_lines():
                if not line and found.get("event"):
                    self.events.append(found)
                    found = {}
                elif line.startswith(": beat"):
                    self.beats += 1
                elif ": " in line:
                    name, _, value = line.partition(": ")
                    found[name] = value
        self.over = True

    def wait(self, fits: Any) -> None:
        """Wait until it fits; a stream that never says so is a failure."""
        until(lambda: fits(self))

    @property
    def unread(self) -> list[int]:
        return [json.loads(one["data"])["unread"] for one in self.events if one["event"] == "notices"]


@pytest.fixture
def served(bureau: Bureau, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(live, "BEAT_SECONDS", 0.3)
    bureau.platform.live.ending = False
    server = uvicorn.Server(uvicorn.Config(create_app(bureau.platform), port=0, log_level="warning", access_log=False))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    bureau.platform.live.end()
    server.should_exit = True
    thread.join(90)
    assert not thread.is_alive(), "open pages keep the server from stopping"
    while _reading:
        _reading.pop().join(90)


def signed_in(bureau: Bureau, login: str) -> Any:
    access = bureau.platform.access
    code = access.reset_person(SYSTEM, bureau[login].id).code
    return access.change_password(access.sign_in(login, code, "test").actor, code, PASSWORD)


def test_an_open_page_is_told_of_new_and_read_notices_and_takes_up_where_it_was(bureau: Bureau, served: str) -> None:
    token = signed_in(bureau, "reviewer").token
    page = Page(served, token).open()
    page.wait(lambda p: p.unread == [0])
    bureau.asked(CAPITAL)
    bureau.platform.notices.take()
    page.wait(lambda p: p.unread and p.unread[-1] == 1)
    last = page.events[-1]["id"]
    again = Page(served, token, {"Last-Event-ID": last}).open()
    again.wait(lambda p: p.beats >= 1)
    assert again.events == [], "nothing changed since that event"
    bureau.platform.notices.read_all(bureau["reviewer"])
    for one in (page, again):
        one.wait(lambda p: p.unread and p.unread[-1] == 0)


def test_a_stream_ends_with_its_session_and_keeps_none_alive(bureau: Bureau, served: str) -> None:
    access = bureau.platform.access
    fresh = signed_in(bureau, "reviewer")
    page = Page(served, fresh.token).open()
    page.wait(lambda p: p.events)
    seen_at = access.session(fresh.token).seen_at
    bureau.clock.at = seen_at + timedelta(seconds=120)
    page.wait(lambda p: p.beats >= 3)
    assert access.session(fresh.token).seen_at == seen_at
    access.sign_out(fresh.token)
    page.wait(lambda p: p.over)
    assert page.events[-1]["event"] == "end"


def test_somebody_who_lost_the_account_is_let_go(bureau: Bureau, served: str) -> None:
    page = Page(served, signed_in(bureau, "publisher").token).open()
    page.wait(lambda p: p.events)
    access = bureau.platform.access
    access.disable_person(SYSTEM, bureau["publisher"].id, "离职")
    page.wait(lambda p: p.over)
    access.enable_person(SYSTEM, bureau["publisher"].id)


def test_one_person_opens_no_more_than_the_limit_and_what_is_closed_counts_no_more(bureau: Bureau, served: str) -> None:
    token = signed_in(bureau, "lead").token
    pages = [Page(served, token).open() for _ in range(PERSON_MOST)]
    for page in pages:
        page.wait(lambda p: p.events)
    refused = httpx.get(f"{served}/api/v1/notices/live", cookies={SESSION_COOKIE: token}, timeout=60)
    assert (refused.status_code, refused.json()["error"]["code"]) == (429, "live_full")
    other = Page(served, signed_in(bureau, "steward").token).open()
    other.wait(lambda p: p.events)
    assert httpx.get(f"{served}/api/v1/notices/live", timeout=60).status_code == 401
    assert (
        httpx.head(
            f"{served}/api/v1/notices/live",
            cookies={SESSION_COOKIE: signed_in(bureau, "colleague").token},
            timeout=60,
        ).status_code
        == 200
    )


def test_more_streams_than_the_server_has_threads_leave_it_free(
    bureau: Bureau, served: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("beijiang.notices.service.live.PERSON_MOST", 60)
    token = signed_in(bureau, "reviewer").token
    pages = [Page(served, token).open() for _ in range(60)]
    for page in pages:
        page.wait(lambda p: p.events and p.beats >= 2)
    answer = httpx.get(f"{served}/api/v1/notices/count", cookies={SESSION_COOKIE: token}, timeout=60)
    assert answer.status_code == 200
    workers = [thread for thread in threading.enumerate() if thread.name == "AnyIO worker thread"]
    assert len(workers) < len(pages)


def test_what_a_page_shows_now_can_be_asked_once(bureau: Bureau, served: str) -> None:
    token = signed_in(bureau, "steward").token
    answer = httpx.get(f"{served}/api/v1/notices/live?once=true", cookies={SESSION_COOKIE: token}, timeout=60)
    assert 'event: notices\ndata: {"unread":' in answer.text
    assert "event: jobs\n" in answer.text
    reviewer = Page(served, signed_in(bureau, "deputy").token).open()
    reviewer.wait(lambda p: p.events)
    assert [one["event"] for one in reviewer.events] == ["notices"], "who may not see jobs hears nothing of them"
