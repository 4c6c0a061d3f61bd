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
from datetime import UTC, date, datetime
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlalchemy as sa
from exchange_bureau import OTHER, Bureau, firms
from push_bureau import KEY, MONEY, Far, S, end_all, expected, merge
from push_places import mariadb_server, s3, sshd  # noqa: F401 - fixtures

from beijiang.evidence import EvidenceQuery
from beijiang.exchange import Push, PushMode
from beijiang.ingest.connectors import s3_signing
from beijiang.ingest.connectors.destination import GONE, Parcel
from beijiang.ingest.connectors.mysql import MySQLOptions
from beijiang.ingest.connectors.mysql_there import MySQLDestination
from beijiang.kit import SYSTEM, Denied, Invalid
from beijiang.outbound import Target, Use
from beijiang.quality import Doubt, Move
from waiting import until

SECRET = "ein-geheimnis-4711"
AT = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)


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


ODD = {
    "键": pa.array(["a\tb", "行\n断", "反\\斜\\N", "\\N", "引'\"号", "NULL", "\0零", "回\r车", "", "🐎"], pa.string()),
    "文": pa.array(["\\N", None, "", "\t\t", "\\", "\n", "\0", "\\0", "NULL", "\r\n"], pa.string()),
    "整": pa.array([0, None, -1, 2**63 - 1, -(2**63), 5, 6, 7, 8, 9], pa.int64()),
    "小": pa.array([None, *(Decimal(word) for word in ("0.0000001", "-0.0000001", "12345678901234567890123.4567891", "0", "1", "-1", "10", "1.5", "99.9999999"))], pa.decimal128(30, 7)),
    "浮": pa.array([0.1, None, -0.0, 1e300, 5e-324, 1 / 3, 123456789.123456789, 1e22, 2.5, -1e-7], pa.float64()),
    "日": pa.array([date(1000, 1, 1), None, date(9999, 12, 31), *[date(2024, 2, 29)] * 7], pa.date32()),
    "时": pa.array([datetime(1970, 1, 1, tzinfo=UTC), None, datetime(2024, 2, 28, 16, 0, 0, 1, tzinfo=UTC), *[datetime(2024, 1, 1, 15, 59, 59, 999999, tzinfo=UTC)] * 7], pa.timestamp("us", "UTC")),
    "真": pa.array([True, None, *[False] * 8], pa.bool_()),
}  # fmt: skip
"""Values that a way to a database may spoil."""


def brought(
    maria: Far, name: str, goods: pa.Table, way: str, *, number: int = 1, before: int | None = None
) -> list[Any]:
    """Bring rows straight to a table, and return what is there by key."""
    options = MySQLOptions.model_validate(maria.reach)
    there = MySQLDestination(options, maria.bureau.platform.sources.outbound.bound(Use.PUSH, OTHER))
    plain = [n for n in goods.schema.names if n != GONE]
    parcel = Parcel(
        id=f"{name}-{number}", push=name, sequence=number, table=name, version=number, before=before,
        key=("键",), schema=goods.select(plain).schema, target=name, at=AT,
    )  # fmt: skip
    said = there.look(parcel)
    assert ("LOAD DATA" in said.en, "local_infile = 1" in said.en) == (way == "load_data", way == "insert")
    done = there.deliver(parcel, iter(goods.to_batches(max_chunksize=4)))
    assert done.facts["way"] == way
    assert there.prove(parcel, done, None).facts["way"] == way
    return maria.sql(f"SELECT {', '.join(f'`{n}`' for n in plain)} FROM `{name}` ORDER BY `键`")


@contextmanager
def refusing_streams(maria: Far) -> Iterator[None]:
    """Have the server take no streams meanwhile."""
    maria.sql("SET GLOBAL local_infile = 0")
    try:
        yield
    finally:
        maria.sql("SET GLOBAL local_infile = 1")


def test_a_stream_brings_what_inserts_bring_to_the_last_digit(maria: Far) -> None:
    rows = pa.table(ODD)
    streamed = brought(maria, "streamed", rows, "load_data")
    with refusing_streams(maria):
        inserted = brought(maria, "inserted", rows, "insert")
    assert len(streamed) == rows.num_rows
    assert repr(streamed) == repr(inserted)
    found = {row[0]: row for row in streamed}
    for place, key in enumerate(ODD["键"].to_pylist()):
        text, whole, exact, double = (ODD[name][place].as_py() for name in ("文", "整", "小", "浮"))
        assert found[key][1:5] == (text, whole, exact, double), key

    changes = rows.slice(0, 2).append_column(GONE, pa.array([False, True]))
    left = brought(maria, "streamed", changes, "load_data", number=2, before=1)
    with refusing_streams(maria):
        assert brought(maria, "inserted", changes, "insert", number=2, before=1) == left
    assert len(left) == rows.num_rows - 1


def test_a_stream_whose_values_do_not_fit_changes_nothing(maria: Far) -> None:
    rows = pa.table({"键": ["a", "b"], "文": ["x", "y"]})
    before = brought(maria, "narrow", rows, "load_data")
    long = pa.table({"键": ["a" * 300], "文": ["z"]})
    with pytest.raises(Invalid) as caught:
        brought(maria, "narrow", long, "load_data", number=2)
    assert caught.value.reason == "push_rejected"
    assert maria.sql("SELECT `键`, `文` FROM narrow ORDER BY 1") == before


def test_a_stream_that_breaks_off_here_changes_nothing_there(maria: Far) -> None:
    rows = pa.table({"键": ["a", "b"], "文": ["x", "y"]})
    before = brought(maria, "broken", rows, "load_data")
    options = MySQLOptions.model_validate(maria.reach)
    there = MySQLDestination(options, maria.bureau.platform.sources.outbound.bound(Use.PUSH, OTHER))

    def ending() -> Iterator[pa.RecordBatch]:
        yield pa.table({"键": ["c"], "文": ["w"]}).to_batches()[0]
        raise Denied("授权已结束", "the grant has ended")

    parcel = Parcel(
        id="second", push="broken", sequence=2, table="broken", version=2, before=None, key=("键",), schema=rows.schema,
        target="broken", at=AT,
    )  # fmt: skip
    with pytest.raises(Denied):
        there.deliver(parcel, ending())
    assert maria.sql("SELECT `键`, `文` FROM broken ORDER BY 1") == before
    assert there.held(parcel) is None


def test_a_webhook_is_listed_by_its_host_and_never_by_its_path(hook: Far) -> None:
    hook.publish(1)
    push = hook.add(kind="webhook", options={**hook.reach, "url": f"{hook.reach['url']}/geheim?token=4711"})
    assert push.target == hook.reach["url"].removesuffix("/in")
    assert hook.pushes.called(push.kind).zh == "网络回调（Webhook）"
    moved = hook.pushes.change(
        hook.bureau["consumer"], push.id, options={"url": "https://empfang.example/a", "secret": SECRET}
    )
    assert moved.target == "https://empfang.example"


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
    assert len(sent_of(shop, push)) == 2, "a digest for each file of the newest delivery"
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
    told: dict[str, Any] = {}  # noqa: RUF012
    """The last part that came."""
    bodies: list[bytes] = []  # noqa: RUF012
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
        Receiver.told = told = json.loads(body)
        if not told.get("test"):
            self.bodies.append(body)
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
    Receiver.bodies = []
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


def sent_of(far: Far, push: Push) -> Any:
    """Return the digests of what was sent with the newest delivery, as its receipt has them."""
    far.bureau.platform.evidence.flush()
    receipt = far.deliveries(push)[0].receipt
    found = far.bureau.platform.evidence_reader.search(SYSTEM, EvidenceQuery(action="read.sent", target=far.table))
    return next(one.detail["response"] for one in found.records if one.detail["receipt"] == receipt)


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


def test_a_webhook_and_the_page_of_its_push_say_what_is_being_looked_into(hook: Far) -> None:
    hook.publish(5)
    tickets, people = hook.bureau.platform.tickets, hook.bureau.people
    assert hook.grant is not None
    made = tickets.doubt(people["colleague"], hook.grant.resource_id, Doubt(words="像是万元", columns=(MONEY,)))
    push = hook.add(kind="webhook")
    hook.pushes.run_due()
    assert Receiver.told["in_doubt"] == [MONEY]
    assert sent_of(hook, push) == [hashlib.sha256(b"".join(Receiver.bodies)).hexdigest()], (
        "the receipt proves the bodies"
    )
    assert hook.pushes.view(people["consumer"], push.id).in_doubt == (MONEY,)
    tickets.move(people["colleague"], made.id, Move.WITHDRAW, "看错了")
    assert hook.pushes.view(people["consumer"], push.id).in_doubt == ()


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
    assert (dead.state, dead.attempts) == (S.DEAD, 4), "at once, and after 16, 32 and 48 hours"
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
