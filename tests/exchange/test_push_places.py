"""Pushes to MariaDB, object stores, SFTP servers and webhooks, each a real server."""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import json
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
from exchange_bureau import OTHER, Bureau, firms
from push_bureau import KEY, MONEY, Far, S, end_all, expected, merge
from push_places import mariadb_server, s3, sshd  # noqa: F401 - fixtures

from beijiang.exchange import PushMode
from beijiang.ingest.connectors import s3_signing
from beijiang.kit import SYSTEM
from beijiang.outbound import Target, Use
from waiting import until

SECRET = "ein-geheimnis-4711"


def allow(bureau: Bureau, host: str, port: int) -> None:
    for network in ("127.0.0.0/8", "::1/128"):
        target = Target(host=host, port=port, network=network, uses=frozenset({Use.PUSH}), plain_http=True)
        bureau.platform.sources.allow(SYSTEM, target, "目标")


@pytest.fixture
def maria(bureau: Bureau, mariadb_server: tuple[Path, int]) -> Iterator[Far]:  # noqa: F811
    path, port = mariadb_server
    name = f"t_{uuid.uuid4().hex}"
    url = sa.URL.create("mysql+pymysql", "root", query={"unix_socket": str(path), "charset": "utf8mb4"})
    admin = sa.create_engine(url, poolclass=sa.NullPool)
    with admin.begin() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name} CHARACTER SET utf8mb4"))
        connection.execute(sa.text(f"CREATE OR REPLACE USER writer@'%' IDENTIFIED BY '{SECRET}'"))
        connection.execute(sa.text(f"GRANT ALL ON {name}.* TO writer@'%'"))
    allow(bureau, "localhost", port)
    reach = {"host": "localhost", "port": port, "database": name, "user": "writer", "password": SECRET, "tls": "off"}
    engine = sa.create_engine(url.set(database=name), poolclass=sa.NullPool)
    yield Far(bureau, engine, reach)
    end_all(bureau)
    engine.dispose()
    with admin.begin() as connection:
        connection.execute(sa.text(f"DROP DATABASE {name}"))
    admin.dispose()


def test_mariadb_gets_everything_then_what_changed_all_or_nothing(maria: Far) -> None:
    maria.publish(5)
    push = maria.add(kind="mysql")
    maria.pushes.run_due()
    first = maria.deliveries(push)[0]
    assert (first.state, first.why) == (S.DONE, None)
    found = maria.sql(f"SELECT `{KEY}`, `{MONEY}` FROM firms")
    assert {str(k): float(v) for k, v in found} == expected(5)
    assert first.proof is not None
    assert (first.proof["equal"], first.proof["checksum"]) == (True, first.proof["checksum_here"])
    merge(maria.bureau, maria.table, [{**firms(3)[2], MONEY: 9}, firms(7)[6]], ["内蒙古第0商贸有限公司"])
    maria.pushes.run_due()
    wanted = expected(5) | {"内蒙古第2商贸有限公司": 9.0, "内蒙古第6商贸有限公司": 6.5}
    del wanted["内蒙古第0商贸有限公司"]
    assert {str(k): float(v) for k, v in maria.sql(f"SELECT `{KEY}`, `{MONEY}` FROM firms")} == wanted
    second = maria.deliveries(push)[0]
    assert second.proof is not None
    assert (second.mode, second.rows, second.gone, second.proof["equal"]) == (PushMode.CHANGES, 2, 1, True)

    maria.sql(f"ALTER TABLE firms ADD CONSTRAINT small CHECK (`{MONEY}` < 100)")
    merge(maria.bureau, maria.table, [{**firms(5)[4], MONEY: 1}, {**firms(5)[3], MONEY: 1000}])
    maria.pushes.run_due()
    third = maria.deliveries(push)[0]
    assert (third.state, third.error and third.error["code"]) == (S.DEAD, "push_rejected")
    assert {str(k): float(v) for k, v in maria.sql(f"SELECT `{KEY}`, `{MONEY}` FROM firms")} == wanted
    listed = maria.sql("SELECT sequence, rows_written, rows_gone FROM beijiang_deliveries ORDER BY 1")
    assert listed == [(1, 5, 0), (2, 2, 1)]


def test_mariadb_tables_that_cannot_take_a_delivery_whole_are_refused(maria: Far) -> None:
    maria.publish(3)
    maria.sql(
        f"CREATE TABLE firms (`{KEY}` varchar(200), `盟市` text, `{MONEY}` decimal(14, 2)) ENGINE=MyISAM CHARSET utf8mb4"
    )
    push = maria.add(kind="mysql")
    maria.pushes.run_due()
    dead = maria.deliveries(push)[0]
    assert dead.error is not None
    assert (dead.state, dead.error["code"]) == (S.DEAD, "push_unfit")
    assert "MyISAM" in str(dead.error["zh"])


@pytest.fixture
def shop(bureau: Bureau) -> Iterator[Far]:
    yield Far(bureau, sa.create_engine("sqlite://"), {})
    end_all(bureau)


def test_an_object_store_gets_files_and_a_marker_with_digests(shop: Far, s3: Any) -> None:  # noqa: F811
    from urllib.parse import urlparse

    from beijiang.ingest.connectors.files_there import read_back
    from beijiang.ingest.connectors.s3_there import S3Destination, S3Options
    from beijiang.outbound import Credentials, Http

    place = urlparse(s3.url)
    allow(shop.bureau, str(place.hostname), int(place.port or 0))
    account = s3_signing.Account(s3.key, s3.secret, "us-east-1")
    from datetime import UTC, datetime

    outbound = shop.bureau.platform.sources.outbound.bound(Use.PUSH, OTHER)
    with Http(outbound) as http:
        shown = s3_signing.signed(account, "PUT", place.netloc, "/far", {}, at=datetime.now(UTC))
        assert http.fetch("PUT", f"{s3.url}/far", credentials=Credentials(shown), content=b"").status == 200
    options = {"endpoint": s3.url, "bucket": "far", "prefix": "收", "key": s3.key, "secret": s3.secret}
    shop.publish(5)
    push = shop.add(kind="s3", target="共享", options=options)
    shop.pushes.run_due()
    merge(shop.bureau, shop.table, [{**firms(3)[2], MONEY: 9}], ["内蒙古第0商贸有限公司"])
    shop.pushes.run_due()
    second, first = shop.deliveries(push)
    assert (first.state, first.why, second.state, second.why) == (S.DONE, None, S.DONE, None)
    for one in (first, second):
        assert one.proof is not None
        assert (one.proof["equal"], one.proof["different"]) == (True, [])
    there = S3Destination(S3Options.model_validate(options), outbound)
    with there.place() as bucket:
        for one, names in ((first, ["rows-00001.parquet"]), (second, ["rows-00001.parquet", "gone-00001.parquet"])):
            folder = f"共享/{shop.table}/{one.sequence:08d}-{one.id}"
            told = json.loads(read_back(bucket, f"{folder}/_DONE.json") or b"")
            assert [f["name"] for f in told["files"]] == names
            for f in told["files"]:
                body = read_back(bucket, f"{folder}/{f['name']}") or b""
                assert hashlib.sha256(body).hexdigest() == f["sha256"]
                rows = pq.read_table(io.BytesIO(body)).to_pylist()
                assert len(rows) == f["rows"]
        assert rows == [{KEY: "内蒙古第0商贸有限公司"}]
        assert (told["mode"], told["from_version"], told["to_version"]) == ("changes", first.version, second.version)
    wrong = shop.add(name="错钥", kind="s3", target="共享", options={**options, "secret": "falsch"})
    shop.pushes.run_due()
    letter = shop.deliveries(wrong)[0]
    assert (letter.state, letter.error and letter.error["code"]) == (S.DEAD, "source_login_failed")


def test_an_sftp_server_gets_files_under_their_names_only_when_whole(shop: Far, sshd: Any, tmp_path: Path) -> None:  # noqa: F811
    allow(shop.bureau, "127.0.0.1", sshd.port)
    options = {
        "host": "127.0.0.1",
        "port": sshd.port,
        "user": sshd.user,
        "private_key": sshd.private_key,
        "password": "sesam-4711",
        "host_key": sshd.fingerprint,
        "path": str(tmp_path),
    }
    shop.publish(5)
    push = shop.add(kind="sftp", target="收件/共享", options=options)
    shop.pushes.run_due()
    merge(shop.bureau, shop.table, [{**firms(3)[2], MONEY: 9}], ["内蒙古第0商贸有限公司"])
    shop.pushes.run_due()
    second, first = shop.deliveries(push)
    assert (first.state, first.why, second.state, second.why) == (S.DONE, None, S.DONE, None)
    assert second.proof is not None
    assert (second.proof["equal"], second.proof["files"]) == (True, 2)
    folder = tmp_path / "收件" / "共享" / shop.table / f"{second.sequence:08d}-{second.id}"
    assert sorted(p.name for p in folder.iterdir()) == ["_DONE.json", "gone-00001.parquet", "rows-00001.parquet"]
    told = json.loads((folder / "_DONE.json").read_text())
    for f in told["files"]:
        assert hashlib.sha256((folder / f["name"]).read_bytes()).hexdigest() == f["sha256"]
    rows = pq.read_table(folder / "rows-00001.parquet").to_pylist()
    assert [(r[KEY], float(r[MONEY])) for r in rows] == [("内蒙古第2商贸有限公司", 9.0)]


class Receiver(BaseHTTPRequestHandler):
    """A receiver as docs/how-to/push-data.md describes it: checks signatures, keeps parts, applies a delivery once."""

    fail: list[int] = []  # noqa: RUF012 - set by tests
    lose = 0
    """Of how many final parts the answer is lost."""
    says: bytes | None = None
    """What it answers to a final part instead."""
    rows: dict[str, dict[str, Any]] = {}  # noqa: RUF012
    applied: list[str] = []  # noqa: RUF012
    asked: list[str] = []  # noqa: RUF012
    parts: dict[tuple[str, int], list[dict[str, Any]]] = {}  # noqa: RUF012
    meanwhile: Any = staticmethod(lambda: None)
    """What happens while a part that is not the last is being taken."""

    def log_message(self, *_: Any) -> None:
        return

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        signed = f"{self.headers['webhook-id']}.{self.headers['webhook-timestamp']}.".encode() + body
        mine = "v1," + base64.b64encode(hmac.digest(SECRET.encode(), signed, "sha256")).decode()
        if not hmac.compare_digest(mine, self.headers["webhook-signature"]):
            self.send_error(401)
            return
        if self.fail:
            self.send_error(self.fail.pop(0))
            return
        told = json.loads(body)
        self.asked.append(self.headers["webhook-id"])
        answer: Any = {}
        if not told.get("test"):
            answer = self.take(told)
        if told.get("final") and Receiver.lose:
            Receiver.lose -= 1
            self.close_connection = True
            return
        content = self.says if self.says is not None and told.get("final") else json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def take(self, told: dict[str, Any]) -> dict[str, Any]:
        kept = self.parts.setdefault((told["delivery"], told["attempt"]), [])
        kept.append(told)
        if not told["final"]:
            self.meanwhile()
            return {}
        rows = [row for part in kept for row in part["rows"]]
        gone = [key for part in kept for key in part["gone"]]
        sums = sum(int.from_bytes(hashlib.sha256(canonical(r)).digest()[:8], "big") for r in [*rows, *gone])
        if told["delivery"] not in self.applied:
            if told["mode"] == "full":
                self.rows.clear()
            self.rows.update({row[KEY]: row for row in rows})
            for key in gone:
                self.rows.pop(key[KEY], None)
            self.applied.append(told["delivery"])
        return {"rows": len(rows), "gone": len(gone), "checksum": f"{sums % (1 << 64):016x}"}


def canonical(row: dict[str, Any]) -> bytes:
    return json.dumps(row, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


@contextmanager
def listening() -> Iterator[int]:
    """Have a receiver listen; yield its port."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    Receiver.fail, Receiver.lose, Receiver.rows, Receiver.applied, Receiver.asked, Receiver.parts = (
        [],
        0,
        {},
        [],
        [],
        {},
    )
    yield int(server.server_address[1])
    server.shutdown()
    server.server_close()


@pytest.fixture
def hook(shop: Far) -> Iterator[Far]:
    with listening() as port:
        allow(shop.bureau, "127.0.0.1", port)
        shop.reach = {"url": f"http://127.0.0.1:{port}/in", "secret": SECRET}
        yield shop


def received() -> dict[str, float]:
    return {name: float(row[MONEY]) for name, row in Receiver.rows.items()}


def test_a_webhook_gets_signed_parts_and_answers_with_what_it_has(hook: Far) -> None:
    hook.publish(5)
    plan = hook.pushes.plan(hook.bureau["consumer"], hook.draft(kind="webhook"))
    assert "127.0.0.1" in plan.there.zh
    push = hook.add(kind="webhook")
    hook.pushes.run_due()
    assert received() == expected(5)
    merge(hook.bureau, hook.table, [{**firms(3)[2], MONEY: 9}], ["内蒙古第0商贸有限公司"])
    hook.pushes.run_due()
    wanted = expected(5) | {"内蒙古第2商贸有限公司": 9.0}
    del wanted["内蒙古第0商贸有限公司"]
    assert received() == wanted
    last = hook.deliveries(push)[0]
    assert last.proof is not None
    assert (last.proof["equal"], last.mode, last.rows, last.gone) == (True, PushMode.CHANGES, 1, 1)


def test_a_webhook_that_refuses_or_loses_answers_gets_the_same_delivery_once(hook: Far) -> None:
    hook.publish(5)
    push = hook.add(kind="webhook")
    hook.pushes.run_due()
    Receiver.fail = [503]
    merge(hook.bureau, hook.table, [{**firms(3)[2], MONEY: 9}])
    hook.pushes.run_due()
    waits = hook.deliveries(push)[0]
    assert (waits.state, waits.sent, waits.attempts) == (S.WAITING, False, 1), "refused: nothing is there"
    Receiver.lose = 1
    hook.later(hours=1)
    hook.pushes.run_due()
    waits = hook.deliveries(push)[0]
    assert (waits.state, waits.sent) == (S.WAITING, True), "it may be there"
    assert len(Receiver.applied) == 2
    hook.later(hours=1)
    hook.pushes.run_due()
    again = hook.deliveries(push)[0]
    assert (again.id, again.state) == (waits.id, S.DONE)
    assert len(Receiver.applied) == 2, "a repetition changes nothing"

    Receiver.lose = 1
    merge(hook.bureau, hook.table, [{**firms(3)[2], MONEY: 10}])
    hook.pushes.run_due()
    merge(hook.bureau, hook.table, [{**firms(3)[2], MONEY: 9}])  # as it was before the one that may be there
    hook.later(hours=1)
    hook.pushes.run_due()
    last, unsure = hook.deliveries(push)[:2]
    assert (unsure.state, last.state, last.mode) == (S.MERGED, S.DONE, PushMode.FULL), "unsure: everything anew"
    assert received() == expected(5) | {"内蒙古第2商贸有限公司": 9.0}


def test_a_webhook_that_stays_away_becomes_a_dead_letter(hook: Far) -> None:
    hook.publish(3)
    push = hook.add(kind="webhook")
    Receiver.fail = [500] * 50
    for _ in range(8):
        hook.pushes.run_due()
        hook.later(hours=16)
    dead = hook.deliveries(push)[0]
    assert (dead.state, dead.attempts) == (S.DEAD, 8)
    assert hook.pushes.run_due() == 0
    Receiver.fail = []
    hook.pushes.replay(hook.bureau["consumer"], dead.id)
    hook.pushes.run_due()
    assert hook.deliveries(push)[0].state is S.DONE
    assert received() == expected(3)


@pytest.mark.parametrize("how", ["revoke", "pause"])
def test_what_ends_in_the_middle_of_a_delivery_ends_the_delivery(hook: Far, how: str) -> None:
    hook.publish(5)
    push = hook.add(kind="webhook")
    assert hook.grant is not None

    def end() -> None:
        assert hook.grant is not None
        if how == "revoke":
            hook.bureau.exchange.revoke(hook.bureau["lead"], hook.grant.id, "用途不符")
        else:
            hook.pushes.pause(hook.bureau["consumer"], push.id, "维护")

    Receiver.meanwhile = staticmethod(end)
    hook.pushes.run_due()
    assert Receiver.applied == [], "the part that ends it never came"
    assert hook.deliveries(push)[0].state is S.WAITING
    hook.pushes.run_due()
    now = hook.see(push)
    assert now.state.value == ("ended" if how == "revoke" else "paused")
    assert now.why is not None
    assert Receiver.applied == []


def test_a_subscriber_that_hangs_delays_nobody(hook: Far) -> None:
    hook.publish(3)
    other = Far(hook.bureau, hook.engine, hook.reach)
    other.publish(4)
    hanging, free, began = hook.add(kind="webhook", name="慢"), threading.Event(), threading.Event()

    def hang() -> None:
        began.set()
        Receiver.meanwhile = staticmethod(lambda: None)  # the next one is quick
        free.wait(300)

    Receiver.meanwhile = staticmethod(hang)
    hook.pushes.start()
    try:
        assert began.wait(90)
        quick = other.add(kind="webhook", name="快")
        until(lambda: [one.state for one in other.deliveries(quick)] == [S.DONE])
        # It was delivered while the other hangs.
        assert hook.deliveries(hanging)[0].state is S.RUNNING
        free.set()
        until(lambda: hook.deliveries(hanging)[0].state is S.DONE)
    finally:
        free.set()
        hook.pushes.stop()
