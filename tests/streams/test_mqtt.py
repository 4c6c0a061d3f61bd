"""A subscription at a real Mosquitto: nothing lost, nothing twice, whatever goes away and comes back."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from beijiang.ingest import StreamKind
from beijiang.ingest.connectors.messages import Delivery, line_of
from beijiang.ingest.connectors.mqtt import last_marks, marks_in
from beijiang.kit import SYSTEM
from waiting import until

from .conftest import Broker, Site

TOPIC_COLUMNS = [
    {"name": "站点", "path": "$topic.2"},
    {"name": "序号", "path": "n", "type": "integer"},
    {"name": "温度", "path": "data.t", "type": "decimal", "precision": 8, "scale": 2},
]


def message(n: int) -> tuple[str, bytes]:
    return f"sensors/s{n % 7}/temp", json.dumps({"n": n, "data": {"t": n / 4}}).encode()


@pytest.mark.usefixtures("open_way")
def test_levels_of_the_topic_become_columns_and_bad_payloads_are_set_aside(site: Site, broker: Broker) -> None:
    stream = site.add("测温", StreamKind.MQTT, **broker.options("sensors/+/temp", columns=TOPIC_COLUMNS))
    until(lambda: site.live(stream).get("connected"))
    broker.publish([message(n) for n in range(300)])
    broker.publish([message(n) for n in range(300, 400)], qos=2)
    batch = json.dumps([{"n": 400, "data": {"t": 1}}, {"n": 401, "data": {"t": 2}}]).encode()
    broker.publish([("sensors/s1/temp", p) for p in (batch, b"\xff\x00", b"not json", b"7", b"", b'{"n": "x"}')])
    broker.publish([("sensors/s1/hum", b'{"n": 999}'), ("sensors/s1/temp", b"7" * (9 << 20))])  # the broker keeps back
    until(lambda: site.platform.ingest.quarantine(SYSTEM, table="测温").total == 5)
    until(lambda: site.count("测温") == 402)
    rows = site.rows("测温", "站点, 序号, 温度", "ORDER BY 序号")
    assert [r["序号"] for r in rows] == [*range(402)]
    assert (rows[30]["站点"], rows[30]["温度"]) == ("s2", Decimal("7.50"))
    reasons = site.platform.ingest.quarantine(SYSTEM, table="测温").by_reason
    assert reasons == {"not_an_object": 3, "undecodable": 1, "untypable": 1}
    assert until(lambda: site.live(stream)["received"] == 406)


@pytest.mark.usefixtures("open_way")
def test_what_is_published_while_nobody_listens_waits_at_the_broker(site: Site, broker: Broker) -> None:
    plain = [{"name": "值", "path": "$value", "type": "integer"}, {"name": "主题", "path": "$topic"}]
    stream = site.add(
        "离线",
        StreamKind.MQTT,
        **broker.options("plain/#", columns=plain, payload="text", protocol="3.1.1", time_zone="UTC"),
    )
    until(lambda: site.live(stream).get("connected"))
    broker.publish([("plain/a", b"7" * ((8 << 20) + 1)), ("plain/a", b"1")])
    until(lambda: site.count("离线") == 1)
    assert until(lambda: site.live(stream).get("trouble"))["code"] == "message_too_large"
    assert site.live(stream)["too_large"] == 1
    site.platform.streams.pause(SYSTEM, stream.id)
    until(lambda: "connected" not in site.live(stream))
    broker.publish([("plain/a", b"%d" % n) for n in range(2, 52)])
    assert site.count("离线") == 1
    broker.stop()
    broker.start()
    site.platform.streams.start(SYSTEM, stream.id)
    until(lambda: site.count("离线") == 51)
    broker.stop()
    until(lambda: (live := site.live(stream)).get("trouble") and live["connected"] is False)
    broker.start()
    until(lambda: site.live(stream).get("connected"))
    broker.publish([("plain/b", b"52")])
    until(lambda: site.count("离线") == 52)
    assert sorted(r["值"] for r in site.rows("离线", "值")) == [*range(1, 53)]
    until(lambda: site.platform.streams.stream(SYSTEM, "离线").trouble is None)


@pytest.mark.usefixtures("open_way")
def test_a_wrong_password_and_a_way_that_is_not_open_are_told(site: Site, broker: Broker) -> None:
    wrong = site.add("错口令", StreamKind.MQTT, **broker.options("x/y", password="guess"))
    closed = site.add("未放行", StreamKind.MQTT, **broker.options("x/y", host="localhost", port=broker.port))

    def code(stream: Any) -> str:
        told: Any = site.live(stream).get("trouble") or {}
        return str(told.get("code", ""))

    assert until(lambda: code(wrong)) == "broker_refused"
    assert until(lambda: code(closed)) == "target_not_allowed"
    assert "guess" not in json.dumps(site.platform.streams.stream(SYSTEM, wrong.id).to_json())
    site.platform.streams.change(SYSTEM, wrong.id, {"password": broker.password})
    until(lambda: site.live(wrong).get("connected"))
    site.platform.streams.pause(SYSTEM, wrong.id)
    site.platform.streams.pause(SYSTEM, closed.id)


def test_what_a_run_takes_in_while_a_receiver_begins_is_known_to_it(tmp_path: Path) -> None:
    """The spool is listed, then a run lands a file of it and removes it: its messages may still be repeated by the broker."""
    spool, landed = tmp_path / "000000000001.ndjson", tmp_path / "landed"
    now = datetime.now(UTC)
    lines = [Delivery(id=f"msg_{n}", at=now, body=b"%d" % n, topic="a/b", mid=n) for n in range(1, 40)]
    landed.write_bytes(b"".join(map(line_of, lines)))
    looks = iter([[spool], [landed]])
    assert last_marks(lambda: next(looks), 30) == list(marks_in(landed))[-30:]
    assert last_marks(lambda: [landed, spool], 30) == list(marks_in(landed))[-30:], "what is gone for good is left out"
