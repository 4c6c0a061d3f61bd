"""Streams in the console: a steward sets one up, starts it, sees messages arrive and declares a window table."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from beijiang.app import create_app
from beijiang.kit import SYSTEM
from waiting import until

from .conftest import COLUMNS, Site

CSRF = re.compile(r'<meta name="csrf" content="([^"]+)">')


@pytest.fixture
def steward(site: Site) -> Iterator[TestClient]:
    with TestClient(create_app(site.platform), base_url="https://testserver", follow_redirects=False) as client:
        page = client.get("/console/sign-in", headers={"Accept": "text/html"}).text
        token = CSRF.search(page)
        form = {"login": "sender", "password": "Steppe-under-a-wide-sky-26", "_csrf": token[1] if token else ""}
        client.post("/console/sign-in", data=form, headers={"Origin": "https://testserver"})
        yield client


def test_from_a_form_to_windows(site: Site, steward: TestClient) -> None:
    def see(path: str) -> str:
        answer = steward.get(path, headers={"Accept": "text/html"})
        assert answer.status_code == 200, path
        return answer.text

    def send(path: str, form: dict[str, str]) -> str:
        token = CSRF.search(see("/console/streams"))
        assert token is not None
        answer = steward.post(
            path, data={**form, "_csrf": token[1]}, headers={"Origin": "https://testserver", "Accept": "text/html"}
        )
        assert answer.status_code == 303, answer.text[:500]
        return str(answer.headers["location"])

    assert "数据流" in see("/console")
    assert "还没有数据流" in see("/console/streams?kind=mqtt") or "登记数据流" in see("/console/streams?kind=mqtt")
    form = {
        "kind": "webhook",
        "name": "控制台气温",
        "table": "控制台气温",
        "option:columns": json.dumps(COLUMNS),
        "option:batch_seconds": "0.3",
        "option:signing_key": "never-to-be-seen-" * 3,
    }
    place = send("/console/streams", form)
    assert place.startswith("/console/streams/stm_")
    assert send("/console/streams", form).startswith("/console/streams?kind="), "the name is taken"
    send(f"{place}/start", {})
    stream = site.platform.streams.stream(SYSTEM, "控制台气温")
    until(lambda: site.post(stream, {"sensor": "a", "at": "2026-11-25 08:00:00", "t": 1, "n": 1}).status_code == 202)
    until(lambda: site.count("控制台气温") == 1)
    send(
        f"/console/stream-windows/{stream.id}",
        {"table": "控制台窗口", "time": "时间", "size": "600", "measures": "count，平均=mean:温度", "groups": "传感器"},
    )
    until(lambda: site.count("控制台窗口") == 1)
    page = until(lambda: (p := see(place)) and "已落盘的投递" in p and "控制台窗口" in p and p)
    assert "never-to-be-seen" not in page
    assert "signing_key" in page
    assert f"/api/v1/streams/{stream.id}/messages" in page
    assert "控制台气温" in see("/console/streams")
    send(f"{place}/pause", {})
    window = site.platform.windows.window(SYSTEM, "控制台窗口")
    send(f"/console/stream-windows/{stream.id}/{window.id}/remove", {})
    assert site.platform.windows.windows(SYSTEM, stream.id) == []
    until(lambda: send(f"{place}/remove", {}) == "/console/streams")
    assert site.count("控制台气温") == 1
