"""Flight SQL, read by the real ADBC driver over the loopback."""

from __future__ import annotations

import io
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import adbc_driver_flightsql.dbapi as adbc
import pyarrow as pa
import pyarrow.flight as fl
import pyarrow.parquet as pq
import pytest
import typer
from exchange_bureau import AT, ID, OWNER, SCHEMA, TABLE, Bureau, People, Way, firms
from flight_clients import PURPOSE, certificate, connected, key_of, raw, served
from typer.testing import CliRunner

from beijiang.build import Platform, build
from beijiang.evidence import EvidenceQuery
from beijiang.evidence import verifier as judge
from beijiang.exchange.commands import add_flight
from beijiang.exchange.models.wire import read_any, written, written_any
from beijiang.exchange.routes.flight import FlightServer
from beijiang.kit import SYSTEM, BeijiangError, FixedClock, Invalid, new_id
from beijiang.settings import Settings
from beijiang.tables import CommitRequest, Exit, WriteMode
from waiting import until

BIG, BIG_ROWS = "企业年报明细", 400_000
BEGAN = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
PART_BYTES = 8 << 20


@pytest.fixture(scope="module")
def region(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bureau]:
    """One place for queries, so that whoever holds it holds up all others."""
    clock = FixedClock(BEGAN)
    built = build(Settings.for_tests(tmp_path_factory.mktemp("flight"), query_at_once=1, query_seconds=300), clock)
    built.first_start()
    found = Bureau(built, clock)
    found.publish(BIG, 30)
    fill(found, BIG, BIG_ROWS)
    yield found
    built.close()


def fill(bureau: Bureau, table: str, rows: int) -> None:
    """Add rows that are long enough for a stream of many parts."""
    base = pa.Table.from_pylist(firms(1000), schema=SCHEMA)
    names = pa.array([f"内蒙古自治区某旗县第{i}号商贸有限责任公司" * 3 for i in range(1000)])
    base = base.set_column(0, "企业名称", names)
    path = Path(bureau.platform.settings.home) / "staging" / f"{new_id('f')}.parquet"
    pq.write_table(pa.concat_tables([base] * (rows // 1000)), path)
    order = CommitRequest(
        table=table, org_id=OWNER, staged=(path,), schema=SCHEMA, mode=WriteMode.APPEND, run_id=new_id("run")
    )
    bureau.platform.tables.commit(SYSTEM, order)


@pytest.fixture(scope="module")
def server(region: Bureau) -> Iterator[FlightServer]:
    with served(region) as one:
        yield one


@pytest.fixture
def secret(bureau: Bureau) -> str:
    bureau.granted("企业名称", "注册资本", ID, ways=frozenset({Way.FLIGHT}), impact="PIA-1")
    return key_of(bureau, "consumer")[1]


def big(bureau: Bureau, *columns: str, **words: Any) -> Any:
    resource = bureau.platform.catalog.resource_for_table(BIG)
    assert resource is not None
    return bureau.granted(*columns, resource=resource.id, ways=frozenset({Way.FLIGHT}), **words)


def reads(bureau: Bureau, table: str = TABLE) -> list[Any]:
    found = bureau.platform.evidence_reader.search(SYSTEM, EvidenceQuery(target=table, limit=500)).records
    return [one for one in found if one.exit == "flight" and one.action == "read"]


def test_the_driver_reads_a_granted_table_masked_and_each_run_is_one_receipt(
    bureau: Bureau, server: FlightServer, secret: str
) -> None:
    before = len(reads(bureau))
    with connected(server, secret, **{PURPOSE: "supervision"}) as cursor:
        cursor.execute(f"SELECT 企业名称, 注册资本, {ID} FROM {TABLE} ORDER BY 注册资本 LIMIT 2")
        found = cursor.fetch_arrow_table()
    assert found.to_pylist() == [
        {"企业名称": "内蒙古第0商贸有限公司", "注册资本": Decimal("0.50"), ID: "150102********0008"},
        {"企业名称": "内蒙古第1商贸有限公司", "注册资本": Decimal("1.50"), ID: "150102********0010"},
    ]
    kinds = [field.metadata[b"ARROW:FLIGHT:SQL:TYPE_NAME"] for field in found.schema]
    assert kinds == [b"VARCHAR", b"DECIMAL(14, 2)", b"VARCHAR"]
    assert found.schema.field("注册资本").metadata[b"ARROW:FLIGHT:SQL:SCALE"] == b"2"
    record, *older = reads(bureau)
    assert len(older) == before, "planning a query is no access"
    assert record.detail["masked"] == [ID]
    assert record.detail["grant"] == bureau.exchange.grants(bureau["consumer"])[0][0].id
    assert record.purpose == "supervision"


def test_what_was_handed_over_is_proved_offline_by_the_answer_itself(
    bureau: Bureau, server: FlightServer, secret: str
) -> None:
    asked = f"SELECT 企业名称, 注册资本, {ID}, NULL AS 空 FROM {TABLE} WHERE 注册资本 > 1 ORDER BY 企业名称"
    with connected(server, secret) as cursor:
        cursor.execute(asked)
        with cursor.fetch_record_batch() as reader:
            schema, batches = reader.schema, list(reader)
    kept = io.BytesIO()
    with pa.ipc.new_stream(kept, schema) as copy:
        for batch in batches:
            copy.write_batch(batch)
    receipts = bureau.platform.receipts
    keys = tuple(judge.Key.parse(str(key)) for key in receipts.keys(bureau["consumer"]))

    def proof() -> dict[str, Any]:
        return receipts.receipt(bureau["consumer"], reads(bureau)[0].id)

    # The server notes what was sent once the last part is out.
    until(lambda: "read.sent" in [json.loads(part["body"])["action"] for part in proof()["records"]])
    assert judge.examine(proof(), judge.Trust(keys=keys, request=asked, response=kept.getvalue())).ok
    assert not judge.examine(proof(), judge.Trust(keys=keys, request=asked + " ", response=kept.getvalue())).ok
    assert not judge.examine(proof(), judge.Trust(keys=keys, request=asked, response=kept.getvalue()[:-8])).ok


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (27, 3),
        (Decimal("28.50"), 1),
        (27.9, 2),
        (None, 0),
    ],
)
def test_parameters_are_values_of_their_type(server: FlightServer, secret: str, value: Any, found: int) -> None:
    with connected(server, secret) as cursor:
        cursor.execute(f"SELECT 企业名称 FROM {TABLE} WHERE 注册资本 > ?", [value])
        assert len(cursor.fetchall()) == found


def test_parameters_are_never_text_of_sql(server: FlightServer, secret: str) -> None:
    evil = f"x' OR 1=1 UNION SELECT {ID} FROM {TABLE} --"
    with connected(server, secret) as cursor:
        cursor.execute(f"SELECT ? AS a, count(*) AS n FROM {TABLE} WHERE 企业名称 = ?", [evil, evil])
        assert cursor.fetchall() == [(evil, 0)]
        moment = datetime(2026, 3, 1, 8, 30)  # noqa: DTZ001 - a moment without a zone is a type of its own
        cursor.execute("SELECT ? AS d, ? AS t, ? AS b, '?' AS q", [date(2026, 3, 1), moment, True])
        assert cursor.fetchall() == [(date(2026, 3, 1), moment, True, "?")]
        for words in ([evil], [evil, evil, evil], [evil, b"bytes"]):
            with pytest.raises(adbc.Error, match=r"parameter_count|parameter_value"):
                cursor.execute(f"SELECT ? AS a FROM {TABLE} WHERE 企业名称 = ?", words)


def test_what_there_is_to_read_is_told_and_nothing_else(bureau: Bureau, server: FlightServer, secret: str) -> None:
    bureau.publish("不给看的表", 3)
    with connected(server, secret) as cursor:
        client = cursor.connection
        info = client.adbc_get_info()
        assert (info["vendor_name"], info["vendor_arrow_version"]) == ("beijiang", pa.__version__)
        site = client.adbc_get_objects(depth="all").read_all().to_pylist()
        [schema] = site[0]["catalog_db_schemas"]
        shown = {
            one["table_name"]: [c["column_name"] for c in one["table_columns"]] for one in schema["db_schema_tables"]
        }
        assert shown[TABLE] == ["企业名称", ID, "注册资本"]
        assert "不给看的表" in shown, "the name of a firm is shared without conditions"
        assert shown["不给看的表"] == ["企业名称"]
        tables = client.adbc_get_objects(depth="tables", table_name_filter="企业登记__").read_all().to_pylist()
        assert [t["table_name"] for s in tables[0]["catalog_db_schemas"] for t in s["db_schema_tables"]] == [TABLE]
        assert client.adbc_get_objects(depth="catalogs").read_all().num_rows == 1
        assert client.adbc_get_table_types() == ["TABLE"]
        assert client.adbc_get_table_schema(TABLE).field("注册资本").type == pa.decimal128(14, 2)
        cursor.adbc_prepare(f"SELECT 企业名称 FROM {TABLE}")
        assert cursor.adbc_execute_schema(f"SELECT 注册资本 FROM {TABLE}").names == ["注册资本"]


def test_types_keys_and_catalogs_by_their_commands(server: FlightServer, secret: str) -> None:
    with raw(server, secret) as ask:
        types = ask("CommandGetXdbcTypeInfo", {})
        assert "DECIMAL" in types.column("type_name").to_pylist()
        assert ask("CommandGetXdbcTypeInfo", {1: 12}).column("type_name").to_pylist() == ["VARCHAR"]
        assert ask("CommandGetPrimaryKeys", {3: TABLE.encode()}).num_rows == 0
        assert ask("CommandGetSqlInfo", {1: b"\x03\x08"}).column("info_name").to_pylist() == [3, 8]
        assert ask("CommandGetTables", {1: b"elsewhere"}).num_rows == 0
        assert ask("CommandGetDbSchemas", {2: "没有%".encode()}).num_rows == 0
        found = ask("CommandStatementQuery", {1: f"SELECT count(*) AS n FROM {TABLE}".encode()})
        assert found.to_pylist() == [{"n": 30}]


@pytest.mark.parametrize(
    "sql",
    [
        f"DELETE FROM {TABLE}",
        f"DROP TABLE {TABLE}",
        f"INSERT INTO {TABLE} VALUES (1)",
        f"SELECT 1; SELECT 企业名称 FROM {TABLE}",
        "SELECT * FROM read_csv('/etc/passwd')",
        "SELECT * FROM 没有这张表",
        f"SELECT 法定代表人电话 FROM {TABLE}",
        f"SELECT 没有这一列 FROM {TABLE}",
        "COPY (SELECT 1) TO '/tmp/x'",
        "PRAGMA database_list",
        ";",
    ],
)
def test_what_is_no_query_that_is_allowed_is_refused_without_a_trace(
    server: FlightServer, secret: str, sql: str
) -> None:
    with connected(server, secret) as cursor, pytest.raises(adbc.OperationalError, match="invalid_sql: ") as told:
        cursor.execute(sql)
    assert not {"Traceback", ".py", "/work", "site-packages"} & set(str(told.value).split())
    assert "Traceback" not in str(told.value)
    assert ".py" not in str(told.value)


def test_nothing_is_written_and_no_lots_are_executed(server: FlightServer, secret: str) -> None:
    with connected(server, secret) as cursor:
        with pytest.raises(adbc.Error, match="flight_read_only"):
            cursor.executemany(f"SELECT 企业名称 FROM {TABLE} WHERE 注册资本 = ?", [[1], [2]])
        with pytest.raises(adbc.Error):
            cursor.adbc_ingest("新表", pa.table({"a": [1]}))
    with connected(server, secret) as cursor, pytest.raises(adbc.Error, match="flight_read_only"):
        cursor.executescript("DELETE FROM x")
    with raw(server, secret) as ask, pytest.raises(fl.FlightServerError, match="flight_command"):
        ask("CommandGetCrossReference", {})


def test_a_key_is_needed_and_may_come_as_a_password(bureau: Bureau, server: FlightServer, secret: str) -> None:
    for words in ("", "Bearer bj_nonsense", "Basic !!!", "Digest x"):
        with (
            pytest.raises(adbc.ProgrammingError, match="UNAUTHENTICATED"),
            connected(server, "", header=words) as cursor,
        ):
            cursor.execute("SELECT 1 AS one")
    with (
        adbc.connect(server.address, db_kwargs={"username": "consumer", "password": secret}, autocommit=True) as client,
        client.cursor() as cursor,
    ):
        cursor.execute(f"SELECT count(*) AS n FROM {TABLE}")
        assert cursor.fetchall() == [(30,)]
    with pytest.raises(adbc.ProgrammingError, match="UNAUTHENTICATED"):
        adbc.connect(server.address, db_kwargs={"username": "colleague", "password": secret}, autocommit=True)
    client = fl.FlightClient(server.address)
    name, value = client.authenticate_basic_token("consumer", secret)
    assert (name, value) == (b"authorization", f"Bearer {secret}".encode())
    client.close()
    key, other = key_of(bureau, "consumer")
    with raw(server, other) as ask:
        assert ask("CommandStatementQuery", {1: b"SELECT 1 AS one"}).to_pylist() == [{"one": 1}]
        bureau.platform.access.revoke_key(bureau["consumer"], key)
        with pytest.raises(fl.FlightUnauthenticatedError):
            ask("CommandStatementQuery", {1: b"SELECT 1 AS one"})


def test_without_the_permission_or_a_grant_for_sql_there_is_nothing(bureau: Bureau, server: FlightServer) -> None:
    bureau.granted("注册资本", ways=frozenset({Way.API}))
    with connected(server, key_of(bureau, "consumer")[1]) as cursor, pytest.raises(adbc.Error, match="query_unbound"):
        cursor.execute(f"SELECT 注册资本 FROM {TABLE}")
    with (
        connected(server, key_of(bureau, "deputy")[1]) as cursor,
        pytest.raises(adbc.ProgrammingError, match="UNAUTHORIZED"),
    ):
        cursor.execute(f"SELECT 企业名称 FROM {TABLE}")


def test_a_ticket_is_good_for_its_owner_and_for_a_while(bureau: Bureau, server: FlightServer, secret: str) -> None:
    with raw(server, secret) as ask, raw(server, key_of(bureau, "colleague")[1]) as other:
        query = {1: f"SELECT 企业名称 FROM {TABLE}".encode()}
        ticket = ask.info("CommandStatementQuery", query).endpoints[0].ticket
        with pytest.raises(fl.FlightServerError, match="not_found"):
            other.get(ticket)
        with raw(server, key_of(bureau, "consumer")[1]) as same, pytest.raises(fl.FlightServerError, match="not_found"):
            same.get(ticket)  # another key of the same person may have other scopes
        with pytest.raises(fl.FlightServerError, match="not_found"):
            ask.get(fl.Ticket(written_any("TicketStatementQuery", {1: b"guessed"})))
        assert ask.get(ticket).num_rows == 30
        late = ask.info("CommandStatementQuery", query).endpoints[0].ticket
        bureau.clock.at += timedelta(minutes=11)
        with pytest.raises(fl.FlightServerError, match="not_found"):
            ask.get(late)
        ended = ask.info("CommandStatementQuery", {1: f"SELECT 注册资本 FROM {TABLE}".encode()}).endpoints[0].ticket
        bureau.end_all()
        with pytest.raises(fl.FlightServerError, match="query_unbound"):
            ask.get(ended)  # asked again when rows are wanted


def test_statements_are_kept_for_their_owner_and_not_without_end(
    bureau: Bureau, server: FlightServer, secret: str
) -> None:
    with raw(server, secret) as ask, raw(server, key_of(bureau, "colleague")[1]) as other:
        handle = ask.prepare("SELECT 1 AS one")
        with pytest.raises(fl.FlightServerError, match="not_found"):
            other("CommandPreparedStatementQuery", {1: handle})
        with pytest.raises(fl.FlightServerError, match="not_found"):
            other.act("ClosePreparedStatement", written_any("ActionClosePreparedStatementRequest", {1: handle}))
        assert ask("CommandPreparedStatementQuery", {1: handle}).to_pylist() == [{"one": 1}]
        ask.act("ClosePreparedStatement", written_any("ActionClosePreparedStatementRequest", {1: handle}))
        with pytest.raises(fl.FlightServerError, match="not_found"):
            ask("CommandPreparedStatementQuery", {1: handle})


def answered(cursor: Any, sql: str) -> list[Any]:
    cursor.execute(sql)
    found: list[Any] = cursor.fetchall()
    return found


def rest(stream: Any) -> int:
    """Read a stream to its end; tell how many rows came."""
    return sum(getattr(one, "data", one).num_rows for one in stream)


def parts(cursor: Any, sql: str) -> Iterator[Any]:
    cursor.execute(sql)
    yield from cursor.fetch_record_batch()


def idle(bureau: Bureau) -> bool:
    """Wait until nothing is read any more; tell whether that came to pass."""
    return until(lambda: not bureau.platform.flight.state().reading and not bureau.platform.sql.governor.open())


def test_parts_are_small_and_the_answer_is_whole(bureau: Bureau, server: FlightServer) -> None:
    grant = big(bureau, "企业名称", "注册资本")
    with connected(server, key_of(bureau, "consumer")[1]) as cursor:
        found = [*parts(cursor, f"SELECT 企业名称, 注册资本 FROM {BIG}")]
    assert sum(one.num_rows for one in found) == BIG_ROWS + 30
    assert max(one.num_rows for one in found) <= 65_536
    assert max(one.nbytes for one in found) < PART_BYTES
    assert idle(bureau)
    day = bureau.exchange.grant(bureau["consumer"], grant.id).usage[0]
    assert (day.calls, day.rows) == (1, BIG_ROWS + 30)


def test_a_grant_that_is_revoked_while_it_is_read_stops(bureau: Bureau, server: FlightServer) -> None:
    grant = big(bureau, "企业名称", "注册资本")
    with connected(server, key_of(bureau, "consumer")[1]) as cursor:
        stream = parts(cursor, f"SELECT 企业名称, 注册资本 FROM {BIG}")
        assert next(stream).num_rows
        bureau.exchange.revoke(bureau["lead"], grant.id, "核查结束")
        with pytest.raises(OSError, match="access_ended"):
            rest(stream)
    assert idle(bureau)


def test_a_key_that_is_revoked_while_it_is_used_stops(bureau: Bureau, server: FlightServer) -> None:
    big(bureau, "企业名称", "注册资本")
    key, secret = key_of(bureau, "consumer")
    with raw(server, secret) as ask:
        stream = ask.stream("CommandStatementQuery", {1: f"SELECT 企业名称, 注册资本 FROM {BIG}".encode()})
        assert stream.read_chunk().data.num_rows
        bureau.platform.access.revoke_key(bureau["consumer"], key)
        with pytest.raises(fl.FlightUnauthenticatedError, match="proof_invalid"):
            rest(stream)
    assert idle(bureau)


def test_who_reads_slowly_does_not_hold_up_others(bureau: Bureau, server: FlightServer) -> None:
    big(bureau, "企业名称", "注册资本")
    _, secret = key_of(bureau, "consumer")
    with raw(server, secret) as ask, connected(server, secret) as cursor:
        slow = ask.stream("CommandStatementQuery", {1: f"SELECT 企业名称, 注册资本 FROM {BIG}".encode()})
        assert slow.read_chunk().data.num_rows
        cursor.execute(f"SELECT count(*) AS n FROM {BIG}")
        assert cursor.fetchall() == [(BIG_ROWS + 30,)]
        until(lambda: bureau.platform.flight.state().reading == 1)
        until(lambda: [one.state.value for one in bureau.platform.sql.governor.open()] == ["reading"])
        slow.cancel()
    assert idle(bureau), "a client that went away leaves nothing behind"


def test_who_takes_nothing_for_long_is_cut_off_and_so_is_everybody_when_it_ends(bureau: Bureau) -> None:
    big(bureau, "企业名称", "注册资本")
    _, secret = key_of(bureau, "consumer")
    platform = bureau.platform
    query = {1: f"SELECT 企业名称, 注册资本 FROM {BIG}".encode()}
    impatient = platform.settings.model_copy(update={"flight_pause_seconds": 3.0})
    server = FlightServer(platform.flight, platform.access, impatient)
    with raw(server, secret) as ask:
        slow = ask.stream("CommandStatementQuery", query)
        assert slow.read_chunk().data.num_rows
        assert idle(bureau), "its child and its place are given back"
        with pytest.raises(fl.FlightError):
            rest(slow)
    server.close()
    with served(bureau) as other, raw(other, secret) as ask:
        running = ask.stream("CommandStatementQuery", query)
        assert running.read_chunk().data.num_rows
        other.close()
        assert idle(bureau)
        running.cancel()
    assert platform.flight.state().reading == 0


LONG = f"SELECT count(*) AS n FROM {BIG} a, {BIG} b WHERE a.注册资本 + b.注册资本 = -1"


def test_a_query_is_cancelled_by_the_client(bureau: Bureau, server: FlightServer) -> None:
    big(bureau, "企业名称", "注册资本")
    with connected(server, key_of(bureau, "consumer")[1]) as cursor:

        def cancel() -> None:
            until(lambda: bureau.platform.flight.state().reading)
            cursor.adbc_cancel()

        cancelling = threading.Thread(target=cancel)
        cancelling.start()
        with pytest.raises(adbc.Error, match=r"(?i)cancel"):
            answered(cursor, LONG)
        cancelling.join()
    assert idle(bureau)


@pytest.mark.parametrize("action", ["CancelFlightInfo", "CancelQuery"])
def test_a_query_is_cancelled_by_its_ticket_and_by_nobody_else(
    bureau: Bureau, server: FlightServer, action: str
) -> None:
    big(bureau, "企业名称", "注册资本")
    with raw(server, key_of(bureau, "consumer")[1]) as ask, raw(server, key_of(bureau, "colleague")[1]) as other:
        info = ask.info("CommandStatementQuery", {1: LONG.encode()})
        body = written({1: info.serialize()})
        if action == "CancelQuery":
            body = written_any("ActionCancelQueryRequest", {1: info.serialize()})
        told: list[str] = []

        def fetch() -> None:
            try:
                ask.get(info.endpoints[0].ticket)
            except fl.FlightError as error:
                told.append(type(error).__name__)

        reading = threading.Thread(target=fetch)
        reading.start()
        until(lambda: bureau.platform.flight.state().reading)
        assert answer(other.act(action, body)) == 3
        assert bureau.platform.flight.state().reading == 1
        assert answer(ask.act(action, body)) == 1
        reading.join(90)
    assert told == ["FlightCancelledError"]
    assert idle(bureau)


def answer(body: bytes) -> int:
    return body[-1]


def test_quotas_of_a_grant_hold(bureau: Bureau, server: FlightServer) -> None:
    bureau.granted("企业名称", "注册资本", ways=frozenset({Way.FLIGHT}), calls_per_day=2, rows_per_day=70)
    with connected(server, key_of(bureau, "consumer")[1]) as cursor:
        for _ in range(2):
            cursor.execute(f"SELECT 注册资本 FROM {TABLE}")
            assert len(cursor.fetchall()) == 30
        with pytest.raises(adbc.Error, match="grant_calls"):
            answered(cursor, f"SELECT 注册资本 FROM {TABLE}")
    bureau.end_all()
    bureau.granted("企业名称", "注册资本", ways=frozenset({Way.FLIGHT}), rows_per_day=29)
    with connected(server, key_of(bureau, "consumer")[1]) as cursor, pytest.raises(adbc.Error, match="grant_rows"):
        answered(cursor, f"SELECT sum(注册资本) AS s FROM {TABLE}")


def test_a_failing_value_is_told_without_it(server: FlightServer, secret: str) -> None:
    with connected(server, secret) as cursor, pytest.raises(adbc.Error, match="query_failed") as told:
        answered(cursor, f"SELECT CAST(企业名称 AS INT) AS n FROM {TABLE}")
    assert "商贸" not in str(told.value)


@pytest.fixture
def small(tmp_path: Path) -> Iterator[tuple[Bureau, FlightServer]]:
    """Where little is allowed, and connections are encrypted."""
    cert, key = certificate(tmp_path)
    limits: dict[str, Any] = {
        "flight_rows": 20,
        "flight_person_at_once": 1,
        "flight_tls_cert": cert,
        "flight_tls_key": key,
        "flight_seconds": 1.0,
    }
    clock = FixedClock(BEGAN)
    built = build(Settings.for_tests(tmp_path, **limits), clock)
    built.first_start()
    found = Bureau(built, clock)
    with served(found) as one:
        yield found, one
    built.close()


def test_over_the_limits_is_an_error_and_no_shorter_answer_also_with_tls(small: tuple[Bureau, FlightServer]) -> None:
    bureau, server = small
    bureau.granted("企业名称", "注册资本", ways=frozenset({Way.FLIGHT}))
    cert = Path(bureau.platform.settings.flight_tls_cert or "").read_text()
    trust = {"adbc.flight.sql.client_option.tls_root_certs": cert}
    secret = key_of(bureau, "consumer")[1]
    many = ", ".join(f"{TABLE} AS t{i}" for i in range(8))
    endless = f"SELECT count(*) AS n FROM {many} WHERE t0.注册资本 = -1.5 + t1.注册资本 * t7.注册资本"
    assert server.address.startswith("grpc+tls://127.0.0.1:")
    with connected(server, secret, **trust) as cursor:
        cursor.execute(f"SELECT 企业名称 FROM {TABLE} LIMIT 20")
        assert len(cursor.fetchall()) == 20
        with pytest.raises(adbc.OperationalError, match=r"too_large: .*query_too_large"):
            answered(cursor, f"SELECT 企业名称 FROM {TABLE}")
        with pytest.raises(adbc.OperationalError, match=r"TIMEOUT|DEADLINE"):
            answered(cursor, endless)
    with pytest.raises(adbc.Error), connected(server, secret) as cursor:
        cursor.execute("SELECT 1 AS one")  # its certificate is not known to the client


def test_only_so_many_answers_are_read_at_once(small: tuple[Bureau, FlightServer]) -> None:
    bureau, _ = small
    bureau.granted("企业名称", ways=frozenset({Way.FLIGHT}))
    flight, who = bureau.platform.flight, bureau["consumer"]
    first, _ = flight.ask(who, f"SELECT 企业名称 FROM {TABLE} LIMIT 3")
    second, _ = flight.ask(who, f"SELECT 企业名称 FROM {TABLE} LIMIT 3")
    reading = flight.fetch(who, first)
    with pytest.raises(BeijiangError) as told:
        flight.fetch(who, second)
    assert told.value.reason == "flight_busy"
    reading.batches.close()
    assert sum(one.num_rows for one in flight.fetch(who, second).batches) == 3


def test_other_machines_are_served_with_tls_only(tmp_path: Path, bureau: Bureau) -> None:
    for words in ({"flight_host": "0.0.0.0"}, {"flight_tls_cert": tmp_path / "missing.pem"}):  # noqa: S104
        settings = Settings.for_tests(tmp_path, **words)
        with pytest.raises(Invalid) as told:
            FlightServer(bureau.platform.flight, bureau.platform.access, settings)
        assert told.value.reason in {"flight_needs_tls", "flight_tls_files"}


def test_a_read_by_flight_is_a_delivery_that_can_be_recalled() -> None:
    from beijiang.exchange.models.recalls import LOOKED_AT

    assert Exit.FLIGHT not in LOOKED_AT


def test_messages_go_there_and_back_and_broken_ones_are_told() -> None:
    body = written_any("CommandGetTables", {1: "站".encode(), 5: 1, 4: b"TABLE"})
    message = read_any(body)
    assert (message.text("catalog"), message.numbers("with_schema"), message.texts("types")) == ("站", (1,), ("TABLE",))
    whole = len(written_any("CommandGetTables", {})) - 2  # up to here it is a message without fields
    for cut in sorted({*range(len(body))} - {whole}):
        with pytest.raises(Invalid):
            read_any(body[:cut])


def test_names_of_site_and_department_may_stand_before_a_table(server: FlightServer, secret: str) -> None:
    site, department = "内蒙古自治区", "工商行政管理局"
    with connected(server, secret) as cursor:
        whole = f'"{site}"."{department}"."{TABLE}"'
        cursor.execute(f"SELECT {whole}.注册资本 FROM {whole} WHERE {whole}.注册资本 > 28")
        assert len(cursor.fetchall()) == 2
        cursor.execute(f'SELECT t.注册资本 FROM "{department}"."{TABLE}" AS t WHERE t.注册资本 > 28')
        assert len(cursor.fetchall()) == 2
        for wrong in (f'"外省"."{department}"."{TABLE}"', f'"卫生厅"."{TABLE}"', f'"{department}"."没有的表"'):
            with pytest.raises(adbc.OperationalError, match="sql_not_allowed"):
                cursor.execute(f"SELECT 注册资本 FROM {wrong}")


def test_the_api_and_the_terminal_say_where_it_is_and_what_for(
    bureau: Bureau, server: FlightServer, secret: str
) -> None:
    del secret
    told = People(bureau)["consumer"].get(f"{AT}/flight").json()
    assert told["address"] == server.address
    assert {"department": "工商行政管理局", "table": TABLE} in told["tables"]
    group = typer.Typer()
    group.callback()(lambda: None)
    add_flight(group, lambda: bureau.platform.flight, lambda: bureau.platform.access)
    done = CliRunner().invoke(group, ["flight", "--as", "consumer"])
    assert done.exit_code == 0, done.output
    assert server.address in done.output
    assert TABLE in done.output


def test_the_certificate_is_looked_at(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    words: dict[str, Any] = {"flight": True, "flight_tls_cert": cert, "flight_tls_key": key}
    built = build(Settings.for_tests(tmp_path, **words), FixedClock(BEGAN))
    try:
        assert finding(built).ok
        cert.write_text("no certificate")
        assert not finding(built).ok
        cert.unlink()
        assert "flight_tls_cert" in finding(built).text.en
    finally:
        built.close()


def finding(built: Platform) -> Any:
    return next(one for one in built.health.examine() if one.name == "flight")


def test_the_process_serves_it_when_asked_and_ends_with_it(tmp_path: Path) -> None:
    program = "from beijiang.cli import run; run()"
    words = [sys.executable, "-c", program, "--home", str(tmp_path / "home"), "--lang", "en"]
    words += ["serve", "--port", "0", "--flight", "--flight-port", "0"]
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        assert process.stdout is not None
        try:
            said = [process.stdout.readline() for _ in range(2)]
            address = next(line for line in said if "Flight SQL" in line).split()[-1]
            assert address.startswith("grpc://127.0.0.1:")
            client = fl.FlightClient(address)
            with pytest.raises(fl.FlightUnauthenticatedError):
                [*client.list_flights()]
            client.close()
        finally:
            process.send_signal(signal.SIGTERM)
        assert process.wait(60) == 0


@pytest.mark.threat("TM-16")
def test_a_grant_for_sql_opens_no_stream_of_millions_of_rows(bureau: Bureau) -> None:
    """A stream gives up to ``flight_rows``, SQL a page: what was granted for one is not granted for the other."""
    bureau.granted("企业名称", "注册资本", ways=frozenset({Way.SQL}))
    gate, who = bureau.platform.gate, bureau["consumer"]

    def shown(exit_: Exit) -> set[str]:
        seen = gate.seen(who, TABLE, exit_)
        return set() if seen is None else {column.name for column in seen.columns}

    assert shown(Exit.SQL) == {"企业名称", "注册资本"}
    assert shown(Exit.FLIGHT) == {"企业名称"}  # what is shared with every department
    bureau.granted("企业名称", "注册资本", ways=frozenset({Way.FLIGHT}))
    assert shown(Exit.FLIGHT) == {"企业名称", "注册资本"}
