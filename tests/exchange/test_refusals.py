"""Every refusal is recorded: who was refused what, and by which rule."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest
from exchange_bureau import AT, TABLE, Bureau, People
from fastapi.testclient import TestClient

from beijiang.evidence import EvidenceQuery
from beijiang.evidence.service.sparingly import MOST
from beijiang.exchange import Way
from beijiang.exchange.models.links import CLOCKS_APART, Link, opened, signed
from beijiang.kit import BeijiangError, Denied
from beijiang.protection import Level
from beijiang.protection.models import rowquery
from beijiang.tables import Exit

CAPITAL, CITY = "注册资本", "盟市"


@dataclass(frozen=True)
class Case:
    """What is tried, and what the log says of it then."""

    tried: Callable[[Bureau], object]
    action: str
    reason: str | None
    who: str | None = "consumer"


def not_entitled(bureau: Bureau) -> None:
    bureau.exchange.approve(bureau["colleague"], bureau.asked(CITY).id)


def own_request(bureau: Bureau) -> None:
    request = bureau.asked(CITY)
    bureau.exchange.approve(bureau["reviewer"], request.id)
    bureau.exchange.approve(bureau["steward"], request.id)
    bureau.exchange.approve(bureau["steward"], request.id)


def other_purpose(bureau: Bureau) -> None:
    bureau.granted(CAPITAL)
    bureau.exchange.rows(bureau["consumer"], TABLE, rowquery.RowQuery(), "statistics")


def rows_used_up(bureau: Bureau) -> None:
    bureau.granted(CAPITAL, rows_per_day=10)
    bureau.exchange.rows(bureau["consumer"], TABLE, rowquery.RowQuery(size=20))


def calls_used_up(bureau: Bureau) -> None:
    bureau.granted(CAPITAL, calls_per_day=1)
    for _ in range(2):
        bureau.exchange.rows(bureau["consumer"], TABLE, rowquery.RowQuery(size=1))


def ended_in_a_stream(bureau: Bureau) -> None:
    bureau.granted(CAPITAL)
    governed = bureau.platform.gate.open(bureau["consumer"], TABLE, "supervision", Exit.ROW_API)
    bureau.end_all()
    governed.confirm()


def risen(bureau: Bureau) -> None:
    resource = bureau.publish("升级表", 30)
    ways = frozenset({Way.COUNT})
    bureau.granted(CITY, resource=resource.id, impact="PIA-2026-01", ways=ways, calls_per_day=1000)
    bureau.platform.protection.correct(bureau["steward"], "升级表", CITY, level=Level.L3, reason="含敏感信息")
    bureau.exchange.count(bureau["consumer"], "升级表", [])


def altered_link(bureau: Bureau) -> None:
    bureau.platform.shares.fetch("copy-0", "altered", "", head=False)


def unknown_profile(bureau: Bureau) -> None:
    bureau.platform.shares.actor_for("Bearer bjs_unknown")


def unknown_key(bureau: Bureau) -> None:
    bureau.platform.access.actor_for({}, "Bearer bj_unknown")


def foreign_ticket(bureau: Bureau) -> None:
    bureau.platform.flight.fetch(bureau["consumer"], b"another's")


CASES = (
    Case(not_entitled, "exchange.decide_refused", "denied", "colleague"),
    Case(own_request, "exchange.decide_refused", None, "steward"),
    Case(other_purpose, "read", "other_purpose"),
    Case(rows_used_up, "read.refused", "grant_rows"),
    Case(calls_used_up, "read", "grant_calls"),
    Case(ended_in_a_stream, "read.refused", "access_ended"),
    Case(risen, "read", None),
    Case(altered_link, "exchange.share_refused", "share_link", None),
    Case(unknown_profile, "exchange.share_refused", "profile_unknown", None),
    Case(unknown_key, "access.key_refused", None, None),
    Case(foreign_ticket, "read", "flight_handle"),
)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.tried.__name__)
def test_a_refusal_stands_in_the_log_with_its_reason(bureau: Bureau, case: Case) -> None:
    bureau.clock.advance(timedelta(minutes=2))
    with pytest.raises(BeijiangError) as refused:
        case.tried(bureau)
    evidence = bureau.platform.evidence
    evidence.flush()
    last = evidence.page(EvidenceQuery(decision="deny", limit=1)).records[0]
    assert last.action == case.action
    if case.who is not None:
        assert last.actor_id == bureau[case.who].id
    if case.action != "read" or case.reason is not None:
        assert last.detail["reason"] == (case.reason or refused.value.reason) == refused.value.reason


def test_a_read_that_was_refused_is_no_receipt_of_ones_own(bureau: Bureau) -> None:
    bureau.granted(CAPITAL, rows_per_day=10)
    consumer = bureau["consumer"]
    page = bureau.exchange.rows(consumer, TABLE, rowquery.RowQuery(size=5))
    with pytest.raises(BeijiangError):
        bureau.exchange.rows(consumer, TABLE, rowquery.RowQuery(size=20))
    newest = bureau.platform.receipts.mine(consumer, limit=2).records
    assert [one.id for one in newest] == [page.receipt], "the other one handed nothing over"


def test_strangers_do_not_fill_the_log(bureau: Bureau) -> None:
    evidence, wanted = bureau.platform.evidence, EvidenceQuery(action="access.key_refused", limit=500)
    client: TestClient = People(bureau)["consumer"]
    evidence.flush()
    before = len(evidence.page(wanted).records)
    bureau.clock.advance(timedelta(minutes=2))
    for _ in range(MOST + 5):
        answer = client.get(f"{AT}/grants", headers={"Authorization": "Bearer bj_guessed"})
        assert answer.status_code == 401
    evidence.flush()
    assert len(evidence.page(wanted).records) == before + MOST
    bureau.clock.advance(timedelta(minutes=2))
    client.get(f"{AT}/grants", headers={"Authorization": "Bearer bj_guessed"})
    evidence.flush()
    assert evidence.page(wanted).records[0].detail["left_out"] == 5


@pytest.mark.parametrize("apart", [-CLOCKS_APART, -1, 0, 1, 3599])
def test_a_link_of_a_process_whose_clock_goes_a_little_before_is_good(apart: int) -> None:
    link = Link("copy", 0, "key", "per_1", "gra_1", "supervision", 1_000_000, 1_000_000 + 3600)
    assert opened(signed(link, b"secret"), link.file, b"secret", link.issued + apart) == link


@pytest.mark.parametrize("apart", [-CLOCKS_APART - 1, 3600])
def test_a_link_from_farther_ahead_and_an_old_one_are_not(apart: int) -> None:
    link = Link("copy", 0, "key", "per_1", "gra_1", "supervision", 1_000_000, 1_000_000 + 3600)
    with pytest.raises(Denied):
        opened(signed(link, b"secret"), link.file, b"secret", link.issued + apart)
