"""Messages posted to a stream: on disk before the answer, in the table once, and refused with a reason where they cannot be."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from beijiang.evidence import EvidenceQuery
from beijiang.ingest import StreamKind
from beijiang.ingest.service.signing import signature_of
from beijiang.kit import SYSTEM, Conflict
from nursery import run
from waiting import until

from .conftest import COLUMNS, Site

SIGNING_KEY = "k" * 32 + "-never-to-be-seen"


def reading(n: int, /, **changes: Any) -> dict[str, Any]:
    return {
        "sensor": f"S{n % 5}",
        "at": f"2026-11-25T08:{n // 60 % 60:02d}:{n % 60:02d}+08:00",
        "t": n / 4,
        "n": n,
        **changes,
    }


def test_every_form_of_body_becomes_rows_with_exact_values(site: Site) -> None:
    stream = site.add("气温", columns=[*COLUMNS, {"name": "收到", "path": "$received", "type": "timestamp"}])
    began = datetime.now(UTC).replace(microsecond=0)
    first = site.post(stream, reading(1, t=12.345678))
    assert first.status_code == 202
    assert (first.json()["messages"], first.json()["again"]) == (1, False)
    assert site.post(stream, [reading(2), reading(3)]).json()["messages"] == 2
    lines = "\n".join(json.dumps(reading(n)) for n in (4, 5, 6)).encode()
    assert site.post(stream, lines, **{"Content-Type": "application/x-ndjson"}).json()["messages"] == 3
    until(lambda: site.count("气温") == 5)
    rows = site.rows("气温", "序号, 温度, 时间, 收到", "ORDER BY 序号")
    assert [r["序号"] for r in rows] == [2, 3, 4, 5, 6]
    assert rows[0]["温度"] == Decimal("0.50")
    assert rows[0]["时间"] == datetime(2026, 11, 25, 0, 0, 2, tzinfo=UTC)
    assert began <= rows[0]["收到"] <= datetime.now(UTC)
    until(lambda: site.platform.ingest.quarantine(SYSTEM, table="气温").total == 1)
    page = site.platform.ingest.quarantine(SYSTEM, table="气温")
    assert page.by_reason == {"untypable": 1}, "12.345678 is not rounded to two places"
    assert page.rows[0].cells is not None
    assert page.rows[0].cells[2] == "12.345678"
    runs = until(lambda: (r := site.runs("气温")) and sum(one.report["read"] for one in r) == 6 and r)
    for one in (r.report for r in runs):
        assert one["read"] == one["good"] + one["bad"] + one["duplicates"]
    assert site.platform.tables.positions(SYSTEM, "气温")[stream.id] == runs[0].report["last_segment"]


def test_a_request_sent_again_under_its_key_counts_once_also_after_a_restart(site: Site) -> None:
    stream = site.add("幂等")
    first = site.post(stream, [reading(1), reading(2)], key="request-1").json()
    with ThreadPoolExecutor(8) as many:
        answers = list(
            many.map(lambda _: site.post(stream, [reading(1), reading(2)], key="request-1").json(), range(16))
        )
    assert {a["id"] for a in answers} == {first["id"]}
    assert all(a["again"] and a["messages"] == 2 for a in answers)
    until(lambda: site.count("幂等") == 2)
    site.platform.streams.stop()
    site.platform.streams.attend()
    until(lambda: site.post(stream, [reading(1), reading(2)], key="request-1").status_code == 202)
    assert site.post(stream, [reading(1)], key="request-1").json()["id"] == first["id"], "the database knows it now"
    site.post(stream, reading(3), key="request-2")
    until(lambda: site.count("幂等") == 3)


def test_what_cannot_be_taken_is_refused_whole_with_a_reason(site: Site) -> None:
    stream = site.add("拒收", max_kib=8)
    for body, status, code in (
        (b"{", 422, "bad_messages"),
        (b"", 422, "bad_messages"),
        (b"[]", 422, "bad_messages"),
        (b'[{"n": 1}, 7]', 422, "bad_messages"),
        (b'{"n": NaN}', 422, "bad_messages"),
        (b"\xff\xfe", 422, "bad_messages"),
        (b"[" * 100_000, 413, "body_too_large"),
        (b"[" * 5_000, 422, "bad_messages"),
        (b'{"a": "' + b"x" * 9000 + b'"}', 413, "body_too_large"),
    ):
        answer = site.post(stream, body)
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code), body[:20]
    assert site.post(stream, reading(1), who="").status_code == 401
    assert site.post(stream, reading(1), who="reader").status_code == 403
    foreign = site.post(stream, reading(1), who="other")
    unknown = site.http.post(
        "/api/v1/streams/stm_none/messages", content=b"{}", headers={"Authorization": f"Bearer {site.keys['other']}"}
    )
    assert foreign.status_code == unknown.status_code, "another department's stream looks like none"
    assert site.post(stream, reading(1), key="k" * 129).json()["error"]["code"] in {
        "bad_idempotency_key",
        "invalid_input",
    }
    site.platform.streams.change(SYSTEM, stream.id, {"per_second": 3})
    codes: list[int] = []

    def throttled() -> bool:
        with ThreadPoolExecutor(8) as many:
            codes.extend(many.map(lambda n: site.post(stream, reading(n)).status_code, range(100)))
        return 429 in codes

    until(throttled)
    assert set(codes) <= {202, 429, 503}, "while the change takes effect, nothing is received"
    taken = codes.count(202)
    until(lambda: site.count("拒收") == taken)
    site.platform.streams.pause(SYSTEM, stream.id)
    while (answer := site.post(stream, reading(1))).status_code != 409:
        taken += answer.status_code == 202
    assert answer.json()["error"]["code"] == "stream_paused"
    until(lambda: site.count("拒收") == taken)
    time.sleep(0.6)
    assert site.count("拒收") == taken, "nothing that was refused is in the table"

    def removed() -> bool:
        with contextlib.suppress(Conflict):  # the batch that took the last messages may not have ended yet
            site.platform.streams.remove(SYSTEM, stream.id)
            return True
        return False

    until(removed)
    assert site.count("拒收") == taken


def test_a_signature_stands_for_a_key_and_a_clock_that_is_off_is_told(site: Site) -> None:
    stream = site.add("签名", signing_key=SIGNING_KEY)

    def signed(body: dict[str, Any], *, at: float, key: str = "", secret: str = SIGNING_KEY) -> Any:
        sent, moment = json.dumps(body).encode(), f"{at:.3f}"
        told = {"X-Beijiang-Timestamp": moment, "X-Beijiang-Signature": signature_of(secret, moment, key, sent)}
        return site.post(stream, sent, key, who="", **told)

    now = time.time()
    first = signed(reading(1), at=now)
    assert first.status_code == 202
    replayed = signed(reading(1), at=now).json()
    assert (replayed["id"], replayed["again"]) == (first.json()["id"], True), "a replay counts once"
    late = signed(reading(2), at=now - 3600)
    assert (late.status_code, late.json()["error"]["code"]) == (401, "clock_differs")
    assert now - 3600 - time.time() - 2 < late.json()["error"]["detail"]["difference_seconds"] < -3598
    refusing = time.monotonic()
    assert signed(reading(2), at=now, secret="x" * 40).json()["error"]["code"] == "signature_wrong"
    whole = f"{now:.0f}"
    for moment, key, sent in (
        (f"{now}e0", "", b"{}"),
        (f"{whole}.", "", b"{}"),
        (whole, "a.b", b"{}"),
        (whole, "123", b"{}"),
    ):
        told = {"X-Beijiang-Timestamp": moment, "X-Beijiang-Signature": signature_of(SIGNING_KEY, moment, key, sent)}
        code = site.post(stream, sent, key, who="", **told).json()["error"]["code"]
        assert code in {"bad_timestamp", "bad_idempotency_key"}, "what is signed could be taken apart in two ways"
    assert signed(reading(2), at=now + 0.001, key="mine").status_code == 202
    until(lambda: site.count("签名") == 2)
    wrong = {"X-Beijiang-Timestamp": f"{now:.3f}", "X-Beijiang-Signature": "v1=0"}
    answers = [
        site.http.post(f"/api/v1/streams/{name}/messages", content=b"{}", headers=wrong).json()["error"]
        for name in (stream.id, "stm_none") * 3
    ]
    assert {a["code"] for a in answers} == {"signature_wrong"}, "whether there is such a stream is not to be learnt"
    site.platform.evidence.flush()
    noted = site.platform.evidence.page(EvidenceQuery(action="ingest.stream_refuse")).records
    assert {(r.decision, r.target) for r in noted} == {("deny", stream.id)}
    assert len(noted) <= 1 + (time.monotonic() - refusing) // 60, "once a minute, however many there are"
    assert SIGNING_KEY not in json.dumps(site.platform.streams.stream(SYSTEM, "签名").to_json())
    home = site.platform.settings.home
    # In a process of its own: to close a file of SQLite's in this one would take away its locks.
    leaks = subprocess.run(["grep", "-rlF", SIGNING_KEY, str(home)], capture_output=True, text=True, check=False)
    assert leaks.stdout == ""
    assert site.platform.sources.rotate(SYSTEM) >= 1
    assert site.platform.streams.locked_out() == []
    until(lambda: signed(reading(3), at=time.time()).status_code == 202)


def test_a_later_message_replaces_the_earlier_with_its_key(site: Site) -> None:
    stream = site.add("最新", key=("传感器",))
    for n in (1, 6, 11):
        assert site.post(stream, reading(n)).status_code == 202
    site.post(stream, [reading(2), reading(7), reading(2, n=None)])
    site.post(stream, {"n": 1})
    until(lambda: sum(r.report["read"] for r in site.runs("最新")) == 7)
    rows = {r["传感器"]: r["序号"] for r in site.rows("最新")}
    assert rows == {"S1": 11, "S2": None}
    assert site.platform.ingest.quarantine(SYSTEM, table="最新").by_reason == {"missing_key": 1}


def test_batches_of_nothing_but_bad_messages_do_not_stop_the_stream(site: Site) -> None:
    stream = site.add("坏批")
    assert site.post(stream, [{"n": "x"}] * 3).status_code == 202
    until(lambda: any(r.report["bad"] == 3 for r in site.runs("坏批")))
    assert site.post(stream, reading(1)).status_code == 202
    until(lambda: site.count("坏批") == 1)
    assert site.post(stream, [{"n": "y"}] * 2).status_code == 202
    until(lambda: site.platform.ingest.quarantine(SYSTEM, table="坏批").total == 5)
    assert site.count("坏批") == 1


def test_a_rollback_stops_the_stream_until_somebody_starts_it_and_loses_nothing(site: Site) -> None:
    stream = site.add("回滚")
    for n in range(3):
        site.post(stream, reading(n))
        until(lambda n=n: site.count("回滚") == n + 1)
    site.platform.tables.rollback(SYSTEM, "回滚", 1, "试")
    told = until(lambda: site.platform.streams.stream(SYSTEM, "回滚").trouble)
    assert told["code"] == "rolled_back"
    assert site.count("回滚") == 1
    site.platform.streams.start(SYSTEM, "回滚")
    until(lambda: site.count("回滚") == 3)
    assert sorted(r["序号"] for r in site.rows("回滚", "序号")) == [0, 1, 2]


def test_the_terminal_and_the_api_say_the_same(site: Site, tmp_path: Path) -> None:
    stream = site.add("终端")
    site.post(stream, reading(1))
    until(lambda: site.live(stream).get("received") == 1)
    home = str(site.platform.settings.home)

    def tell(*words: str) -> Any:
        done = run([sys.executable, "-m", "beijiang.cli", *words, "--home", home, "--json"], check=True)
        return json.loads(done.stdout)

    told = tell("streams", "show", "终端")
    asked = site.http.get(
        f"/api/v1/streams/{stream.id}", headers={"Authorization": f"Bearer {site.keys['reader']}"}
    ).json()
    assert (told["id"], told["live"]["received"]) == (asked["id"], asked["live"]["received"]) == (stream.id, 1)
    (tmp_path / "columns.json").write_text(json.dumps(COLUMNS))
    made = tell(
        "streams",
        "add",
        "命令行",
        "--kind",
        "webhook",
        "--into",
        "命令行",
        "--org",
        "education",
        "-o",
        f"columns=@{tmp_path / 'columns.json'}",
    )
    assert (made["state"], made["options"]["batch_seconds"]) == ("paused", 10)


def test_one_source_per_table(site: Site) -> None:
    import pytest

    from beijiang.kit import Conflict, Invalid

    site.add("独占")
    with pytest.raises(Conflict, match="one source per item"):
        site.add("另一个", table="独占")
    with pytest.raises(Invalid):
        site.add("没有列", columns=[])
    with pytest.raises(Invalid):
        site.add("主题", StreamKind.MQTT, host="x", topics=["a/#/b"])
