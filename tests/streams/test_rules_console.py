"""The board of alerts and the page of rules: a steward tries a rule, declares it, and handles what it raises."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from fastapi.testclient import TestClient

from beijiang.app import create_app
from beijiang.kit import SYSTEM
from waiting import until

from .conftest import Site

CSRF = re.compile(r'<meta name="csrf" content="([^"]+)">')


@pytest.fixture
def steward(site: Site) -> Iterator[TestClient]:
    with TestClient(create_app(site.platform), base_url="https://testserver", follow_redirects=False) as client:
        token = CSRF.search(client.get("/console/sign-in", headers={"Accept": "text/html"}).text)
        form = {"login": "sender", "password": "Steppe-under-a-wide-sky-26", "_csrf": token[1] if token else ""}
        client.post("/console/sign-in", data=form, headers={"Origin": "https://testserver"})
        yield client


def test_from_a_trial_to_a_closed_alert(site: Site, steward: TestClient) -> None:
    def see(path: str) -> str:
        answer = steward.get(path, headers={"Accept": "text/html"})
        assert answer.status_code == 200, (path, answer.text[:300])
        return answer.text

    def send(path: str, status: int = 303, **form: str) -> str:
        token = CSRF.search(see("/console/stream-rules"))
        headers = {"Origin": "https://testserver", "Accept": "text/html"}
        answer = steward.post(path, data={**form, "_csrf": token[1] if token else ""}, headers=headers)
        assert answer.status_code == status, answer.text[:500]
        return answer.text if status == 200 else str(answer.headers["location"])

    assert "还没有规则" in see("/console/stream-rules")
    assert "先为数据流设一条预警规则" in see("/console/reading-alerts")
    stream = site.add("台", table="台")
    now = datetime.now(UTC).isoformat()
    assert site.post(stream, {"sensor": "北山", "at": now, "t": 41, "n": 1}).status_code == 202
    until(lambda: site.count("台") == 1)
    site.rows("台")
    form = {
        "stream": stream.id, "kind": "threshold", "name": "高温", "key": "传感器", "time": "时间", "value": "温度",
        "side": "above", "level": "40", "clear": "35", "hold": "0", "severity": "critical", "zh": "{sensor} 热到 {value}",
    }  # fmt: skip
    assert "会发出 1 条预警" in send("/console/stream-rules", 200, step="try", **form)
    assert send("/console/stream-rules", step="save", **{**form, "clear": "50"}).startswith("/console/stream-rules?")
    assert send("/console/stream-rules", step="save", **form) == "/console/stream-rules"
    assert site.post(stream, {"sensor": "南山", "at": now, "t": 42, "n": 2}).status_code == 202
    board = until(lambda: (p := see("/console/reading-alerts")) and "南山 热到 42" in p and p)
    place = re.search(r"/console/reading-alerts/ral_\w+", board)
    assert place is not None
    until(lambda: site.count("台") == 2)
    site.rows("台")
    page = see(place[0])
    drawn = re.search(r'id="line-data">(.*?)</script>', page)
    assert drawn is not None
    series = json.loads(drawn[1])["series"]
    assert [(one["name"], one["values"]) for one in series] == [
        ("温度", [42.0]), ("高温 · 触发 40", [40.0]), ("高温 · 解除 35", [35.0]),
    ]  # fmt: skip
    send(f"{place[0]}/acknowledge", note="已派人")
    assert "已派人" in see(place[0])
    send(f"{place[0]}/assign", to=next(p.id for p in site.platform.access.people(SYSTEM) if p.login == "runner"))
    send(f"{place[0]}/close", note="野炊，已劝离")
    assert "野炊，已劝离" in see(place[0])
    assert "南山 热到 42" not in see("/console/reading-alerts?state=new")
    assert "南山" in see("/console/reading-alerts-file?lasting=yes")
    assert "reopen" in see(place[0])
    rule = next(r for r in site.platform.stream_rules.rules(SYSTEM) if r.table == "台")
    assert "修改规则" in see(f"/console/stream-rules?rule={rule.id}")
    send("/console/stream-rules", step="save", rule=rule.id, **{**form, "level": "45"})
    assert "第 2 版" in see("/console/stream-rules")
    send(f"/console/stream-rules/{rule.id}/stop")
    assert "停用" in see("/console/stream-rules?kind=trend")
    assert "Rules on streams" in see("/console/stream-rules?kind=missing&lang=en")
