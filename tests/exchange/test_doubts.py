"""Values that are being looked into (校核): every way out of the platform says so, and says what came of it."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.parse import quote, unquote

import pyarrow as pa
import pyarrow.flight as fl
import pyarrow.parquet as pq
import pytest
from exchange_bureau import AT, OTHER, TABLE, Bureau, People
from flight_clients import connected, key_of, raw, served
from service_bureau import granted, offered
from share_reader import recipient
from unruly import Unruly

from beijiang.evidence import EvidenceQuery
from beijiang.evidence import verifier as judge
from beijiang.exchange import Way
from beijiang.exchange.service.flight import IN_DOUBT
from beijiang.kit import SYSTEM
from beijiang.protection import doubt_headers
from beijiang.quality import Doubt, Move
from beijiang.tables import Exit
from waiting import until

NAME, CITY, CAPITAL = "企业名称", "盟市", "注册资本"
HEADER = "X-Data-In-Doubt"
SAID = quote(CAPITAL, safe="")
ALL_WAYS = frozenset({Way.API, Way.PAGE, Way.SQL, Way.FLIGHT, Way.FILE, Way.DELTA, Way.COUNT, Way.VERIFY})


@pytest.fixture(scope="module")
def people(region: Bureau) -> People:
    return People(region)


@pytest.fixture
def doubted(bureau: Bureau) -> Iterator[Bureau]:
    """One value of what the consumer holds a grant on is in doubt."""
    bureau.granted(NAME, CITY, CAPITAL, ways=ALL_WAYS, calls_per_day=50)
    tickets = bureau.platform.tickets
    made = tickets.doubt(bureau["colleague"], bureau.resource.id, Doubt(words="像是万元", columns=(CAPITAL,)))
    bureau.platform.db.deliver_waiting()
    yield bureau
    settle(bureau, made.id)
    bureau.end_all()


def settle(bureau: Bureau, ticket: str, move: Move = Move.CONFIRM_RIGHT) -> None:
    tickets = bureau.platform.tickets
    if tickets.ticket(bureau["steward"], ticket).ticket.state.is_over:
        return
    tickets.move(bureau["steward"], ticket, move, "已核")
    tickets.move(bureau["colleague"], ticket, Move.CLOSE, "好")
    bureau.platform.db.deliver_waiting()


def receipt_says(bureau: Bureau, receipt: str) -> Any:
    bureau.platform.evidence.flush()
    found = bureau.platform.evidence_reader.search(SYSTEM, EvidenceQuery(action="read", target=TABLE)).records
    return next(one for one in found if one.id == receipt).detail.get("in_doubt")


def test_rows_files_counts_and_answers_say_what_is_in_doubt_and_their_receipts_keep_it(
    doubted: Bureau, people: People
) -> None:
    me = people["consumer"]
    rows = me.get(f"{AT}/tables/{TABLE}/rows")
    assert (rows.json()["in_doubt"], rows.headers[HEADER]) == ([CAPITAL], SAID)
    assert receipt_says(doubted, rows.headers["X-Beijiang-Receipt"]) == [CAPITAL]
    some = me.get(f"{AT}/tables/{TABLE}/rows", params={"_col": NAME})
    assert some.json()["in_doubt"] == [], "what was not asked for is not in this answer"
    assert HEADER not in some.headers, "the header says what the body says"
    assert receipt_says(doubted, some.headers["X-Beijiang-Receipt"]) == [CAPITAL], "what was opened for it"

    file = me.get(f"{AT}/tables/{TABLE}/download", params={"format": "parquet"})
    assert file.headers[HEADER] == SAID
    said = pq.read_schema(io.BytesIO(file.content)).metadata
    assert said[b"beijiang.in_doubt"].decode() == CAPITAL, "whoever gets the file from somebody else reads it too"

    count = me.post(f"{AT}/tables/{TABLE}/count", json={"where": []})
    assert (count.json()["in_doubt"], count.headers[HEADER]) == ([CAPITAL], SAID)
    values = {NAME: "内蒙古第0商贸有限公司", CITY: "呼和浩特市", CAPITAL: "0.50"}
    verified = me.post(f"{AT}/tables/{TABLE}/verify", json={"values": values})
    assert (verified.json()["match"], verified.headers[HEADER]) == (True, SAID)

    asked = me.post(
        "/api/v1/sql", json={"sql": f'SELECT sum("{CAPITAL}") AS total, max("{CITY}") AS city FROM "{TABLE}"'}
    )
    assert asked.status_code == 200, asked.text
    assert (asked.json()["in_doubt"], asked.headers[HEADER]) == (["total"], "total")
    plain = {"sql": f'SELECT "{NAME}" FROM "{TABLE}"'}
    names = me.post("/api/v1/sql", json=plain)
    assert (names.json()["in_doubt"], HEADER in names.headers) == ([], False)
    export = me.post("/api/v1/sql/export", json={**plain, "format": "csv"})
    assert (export.status_code, HEADER in export.headers) == (200, False), export.text


def test_names_that_no_proxy_takes_are_a_star() -> None:
    few, many = [f"数据项{n}" for n in range(9)], [f"数据项{n}" for n in range(150)]
    assert [unquote(one) for one in doubt_headers(few)[HEADER].split(",")] == few
    assert doubt_headers(many) == {HEADER: "*"}
    assert doubt_headers(()) == {HEADER: ""}


def test_shares_say_it_with_the_query_and_with_each_file(doubted: Bureau) -> None:
    reader = recipient(doubted, "consumer")
    answer = reader.query()
    assert answer.headers[HEADER] == SAID
    file = reader.fetch(reader.files()[0]["url"])
    assert (file.status_code, file.headers[HEADER]) == (200, SAID)
    assert receipt_says(doubted, file.headers["X-Beijiang-Receipt"]) == [CAPITAL]


def test_flight_says_it_in_the_schema_of_the_answer(doubted: Bureau) -> None:
    _, secret = key_of(doubted, "consumer")
    with served(doubted) as server, raw(server, secret) as client:
        told = client.stream("CommandStatementQuery", {1: f'SELECT "{NAME}", "{CAPITAL}" AS c FROM "{TABLE}"'.encode()})
        assert isinstance(told, fl.FlightStreamReader)
        assert told.schema.metadata[IN_DOUBT] == b'["c"]'
        assert told.read_all().num_rows == 30
        plain = client.stream("CommandStatementQuery", {1: f'SELECT "{NAME}" FROM "{TABLE}"'.encode()})
        assert IN_DOUBT not in (plain.schema.metadata or {})
        plain.read_all()


def test_what_came_by_flight_while_in_doubt_is_proved_offline_by_the_answer_itself(doubted: Bureau) -> None:
    _, secret = key_of(doubted, "consumer")
    asked = f'SELECT "{NAME}", "{CAPITAL}" FROM "{TABLE}" ORDER BY "{NAME}"'
    with served(doubted) as server:
        with connected(server, secret) as cursor:
            cursor.execute(asked)
            with cursor.fetch_record_batch() as reader:
                came = answer_of(reader.schema, reader)
        proved(doubted, asked, came)
        with raw(server, secret) as client:
            stream = client.stream("CommandStatementQuery", {1: asked.encode()})
            assert IN_DOUBT in stream.schema.metadata
            came = answer_of(stream.schema, [part.data for part in stream])
        proved(doubted, asked, came)


def answer_of(schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> bytes:
    """Return an answer as the how-to page keeps it."""
    kept = io.BytesIO()
    with pa.ipc.new_stream(kept, schema.remove_metadata()) as copy:
        for batch in batches:
            copy.write_batch(batch)
    return kept.getvalue()


def proved(bureau: Bureau, asked: str, answer: bytes) -> None:
    """Hold the newest read against an answer, as anybody does without the platform."""
    receipts, me = bureau.platform.receipts, bureau["consumer"]
    keys = tuple(judge.Key.parse(str(key)) for key in receipts.keys(me))

    bureau.platform.evidence.flush()

    def newest() -> dict[str, Any]:
        query = EvidenceQuery(action="read", target=TABLE, limit=1)
        found: dict[str, Any] = receipts.receipt(
            me, bureau.platform.evidence_reader.search(SYSTEM, query).records[0].id
        )
        return found

    # The server notes what was sent once the last part is out.
    until(lambda: "read.sent" in [json.loads(part["body"])["action"] for part in newest()["records"]])
    assert judge.examine(newest(), judge.Trust(keys=keys, request=asked, response=answer)).ok


def test_a_service_says_it_of_its_entry_though_there_is_no_table(
    bureau: Bureau, unruly: Unruly, people: People
) -> None:
    service = offered(bureau, unruly)
    granted(bureau, service)
    made = bureau.platform.tickets.doubt(
        bureau["colleague"], service.resource_id, Doubt(words="电话不全", columns=(NAME,))
    )
    bureau.platform.db.deliver_waiting()
    assert OTHER in {a.org_id for a in bureau.platform.alerts.open().values() if a.subject.startswith(made.id)}
    seen = bureau.platform.tickets.doubted(bureau["consumer"], service.resource_id)
    assert [one.columns for one in seen] == [(NAME,)], "the page of the entry says it too"
    answer = people["consumer"].post(f"{AT}/services/{service.id}/call", json={"parameters": {"city": "包头市"}})
    assert answer.status_code == 200, answer.text
    assert (answer.json()["in_doubt"], answer.headers[HEADER]) == ([NAME], quote(NAME, safe=""))
    settle(bureau, made.id)
    again = people["consumer"].post(f"{AT}/services/{service.id}/call", json={"parameters": {"city": "包头市"}})
    assert HEADER not in again.headers
    bureau.end_all()


@pytest.mark.parametrize(
    ("move", "words"), [(Move.CORRECT, "已在源头更正"), (Move.CONFIRM_RIGHT, "核实无误"), (Move.WITHDRAW, "已撤回")]
)
def test_who_holds_a_grant_hears_what_came_of_it(bureau: Bureau, move: Move, words: str) -> None:
    grant = bureau.granted(NAME, CAPITAL)
    tickets, notices = bureau.platform.tickets, bureau.platform.notices
    made = tickets.doubt(bureau["colleague"], bureau.resource.id, Doubt(words="像是万元", columns=(CAPITAL,)))
    bureau.platform.db.deliver_waiting()
    if move is Move.WITHDRAW:
        tickets.move(bureau["colleague"], made.id, move, "看错了")
        bureau.platform.db.deliver_waiting()
    else:
        settle(bureau, made.id, move)
    bureau.platform.evidence.flush()
    while notices.take():
        pass
    action = f"exchange.doubt_{move.value}"
    told = [one for one in notices.notices(bureau["consumer"]) if one.notice.thing == grant.id]
    assert any(words in one.words.zh for one in told if one.notice.action == action), told
    record = bureau.platform.evidence_reader.search(SYSTEM, EvidenceQuery(action=action, target=grant.id)).records
    assert [one.detail["ticket"] for one in record] == [made.id], "once for each grant, however often it is told"
    governed = bureau.platform.gate.open(bureau["consumer"], TABLE, "supervision", Exit.ROW_API)
    assert governed.in_doubt == ()
    bureau.end_all()


def test_who_comes_to_hold_a_grant_meanwhile_hears_of_the_doubt_and_of_its_end(bureau: Bureau) -> None:
    tickets, platform = bureau.platform.tickets, bureau.platform
    made = tickets.doubt(bureau["colleague"], bureau.resource.id, Doubt(words="像是万元", columns=(CAPITAL,)))
    platform.db.deliver_waiting()
    assert not open_doubts(bureau, made.id), "nobody has the data yet"
    late = bureau.granted(NAME, CAPITAL)
    platform.db.deliver_waiting()
    assert open_doubts(bureau, made.id) == {OTHER}
    settle(bureau, made.id)
    platform.evidence.flush()
    query = EvidenceQuery(action="exchange.doubt_confirm_right", target=late.id)
    assert [one.detail["ticket"] for one in platform.evidence_reader.search(SYSTEM, query).records] == [made.id]
    assert not open_doubts(bureau, made.id)
    bureau.end_all()


def test_no_alert_stays_of_a_doubt_that_is_settled_when_the_grant_has_ended(bureau: Bureau) -> None:
    bureau.granted(NAME, CAPITAL)
    made = bureau.platform.tickets.doubt(
        bureau["colleague"], bureau.resource.id, Doubt(words="像是万元", columns=(CAPITAL,))
    )
    bureau.platform.db.deliver_waiting()
    assert open_doubts(bureau, made.id) == {OTHER}
    bureau.end_all()
    settle(bureau, made.id)
    assert not open_doubts(bureau, made.id)


def open_doubts(bureau: Bureau, ticket: str) -> set[str]:
    """Return the departments that an open alert tells of a doubt."""
    return {one.org_id for one in bureau.platform.alerts.open().values() if one.subject.startswith(ticket)}
