"""Services of departments behind the gate: declared, tested by a real call, called under a grant, and held to what was said."""

from __future__ import annotations

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from exchange_bureau import OWNER, Bureau
from pydantic import ValidationError
from service_bureau import FIELDS, PARAMETERS, draft_of, entry_of, granted, offered, spec_of
from unruly import FIRMS, NASTY, SECRET, Unruly, serving

from beijiang.assess import Period
from beijiang.build import build
from beijiang.crypto import RootKeys, Vault
from beijiang.evidence import EvidenceQuery
from beijiang.exchange import (
    BreakerState,
    GranteeKind,
    Item,
    Narrowing,
    ServiceMove,
    ServiceQuery,
    Services,
    ServiceState,
    Way,
    service_table,
)
from beijiang.exchange.service.breaking import AT_ONCE_PROVIDER, TESTS_PER_MINUTE, Room
from beijiang.ingest import AlertKind
from beijiang.kit import (
    SYSTEM,
    BeijiangError,
    Conflict,
    Denied,
    FixedClock,
    Invalid,
    NotFound,
    Refused,
    Throttled,
    Unavailable,
)
from beijiang.outbound import Target, Use
from beijiang.protection import Handling
from beijiang.settings import Settings
from beijiang.tables import Filter, FilterOp
from waiting import until


def told(error: BeijiangError) -> str:
    return f"{error.text.zh} {error.text.en} {json.dumps(error.detail, ensure_ascii=False)}"


def breaker(bureau: Bureau, service: Any) -> Any:
    return bureau.platform.offered.view(SYSTEM, service.id).breaker


# Declaring


def test_a_declaration_that_cannot_be_right_is_refused(unruly: Unruly) -> None:
    for words in (
        {"path": "/firms/{id}"},
        {"parameters": ({"name": "id", "place": "path"},), "path": "/firms/{id}"},
        {"parameters": ({"name": "x", "place": "body"},)},
        {"parameters": ({"name": "Authorization", "place": "header"},)},
        {"parameters": ({"name": "a"}, {"name": "a"})},
        {"parameters": ({"name": "a", "item": "没有"},)},
        {"path": "/a/../b"},
        {"sample": {"other": "1"}},
        {"method": "DELETE"},
        {"seconds": 0},
        {"fields": ()},
        {"secret": "x"},
    ):
        with pytest.raises(ValidationError):
            spec_of(unruly, **words)


def test_a_service_stands_behind_an_entry_that_is_an_interface(bureau: Bureau, unruly: Unruly) -> None:
    services, steward = bureau.platform.offered, bureau["steward"]
    with pytest.raises(Invalid, match="without a table"):
        services.register(steward, draft_of(bureau, unruly, bureau.resource.id))
    with pytest.raises(Invalid, match="sharing method is service"):
        services.register(steward, draft_of(bureau, unruly, entry_of(bureau, method=None, published=False)))
    with pytest.raises(NotFound):
        services.register(bureau["colleague"], draft_of(bureau, unruly, entry_of(bureau, published=False)))
    with pytest.raises(Denied):
        services.register(bureau["lead"], draft_of(bureau, unruly))
    with pytest.raises(Invalid, match="no items of the entry"):
        services.register(steward, draft_of(bureau, unruly, fields=({"column": "别的"},), parameters=()))
    for address in ("ftp://example.com/x", "http://user:pass@example.com", "http://example.com/x?key=1"):
        with pytest.raises(Invalid):
            services.register(steward, draft_of(bureau, unruly, base_url=address))
    with pytest.raises(Invalid, match="needs a secret"):
        services.register(steward, draft_of(bureau, unruly, auth="bearer"))
    draft = draft_of(bureau, unruly)
    services.register(steward, draft)
    with pytest.raises(Conflict, match="has a service"):
        services.register(steward, draft)


def test_the_life_of_a_service(bureau: Bureau, unruly: Unruly) -> None:
    services, steward = bureau.platform.offered, bureau["steward"]
    made = services.register(steward, draft_of(bureau, unruly, entry_of(bureau, published=False)))
    assert made.state is ServiceState.DRAFT
    plan = services.plan(steward, made.id, ServiceMove.OFFER)
    assert {one.code for one in plan.problems} >= {"not_tested", "not_published", "service_state"}
    with pytest.raises(Conflict):
        services.offer(steward, made.id)
    unruly.mode = "two_wrong"
    proof = services.test(steward, made.id)
    assert not proof.ok
    assert (proof.records, proof.unfit) == (9, 2)
    assert set(proof.problems) == {"注册资本: not_double × 1", "企业名称: missing × 1"}
    assert "很多" not in str(proof)
    unruly.mode = "well"
    proof = services.test(steward, made.id, {"city": "包头市"})
    assert proof.ok
    assert proof.filled["企业名称"] == proof.records == 3
    assert unruly.seen[-1]["query"] == {"city": "包头市"}
    with pytest.raises(Invalid) as found:
        services.offer(steward, made.id)
    assert found.value.detail["problems"] == [{"code": "not_published", "column": ""}]
    for who, step in (("steward", "submit"), ("reviewer", "approve"), ("publisher", "publish")):
        getattr(bureau.platform.catalog, step)(bureau[who], made.resource_id)
    assert services.offer(steward, made.id).state is ServiceState.OFFERED
    grant = granted(bureau, made, "企业名称", "盟市")
    assert grant.table == service_table(made.id)
    paused = services.pause(steward, made.id, "机房检修")
    assert paused.state is ServiceState.PAUSED
    with pytest.raises(Conflict, match="机房检修"):
        services.call(bureau["consumer"], made.id, {})
    said = [one.text.zh for one in bureau.platform.alerts.alerts(bureau["colleague"])]
    assert any("已暂停：机房检修" in words for words in said)
    services.resume(steward, made.id)
    assert services.call(bureau["consumer"], made.id, {}).rows
    plan = services.plan(steward, made.id, ServiceMove.RETIRE)
    assert (plan.possible, plan.grants, plan.orgs) == (True, 1, ("health",))
    services.retire(steward, made.id, "改由数据表提供")
    with pytest.raises(NotFound):
        services.call(bureau["consumer"], made.id, {})
    with pytest.raises(Conflict):
        services.resume(steward, made.id)
    moves = [step.move.value for step in services.view(steward, made.id).steps]
    assert moves[0] == "service_register"
    assert moves[-3:] == ["service_pause", "service_resume", "service_retire"]


def test_a_new_version_is_tested_before_it_replaces_the_old(bureau: Bureau, unruly: Unruly) -> None:
    services, steward = bureau.platform.offered, bureau["steward"]
    service = offered(bureau, unruly)
    granted(bureau, service, "企业名称", "盟市", "注册资本")
    fewer = tuple(f for f in FIELDS if f["column"] != "注册资本")
    needed = (*PARAMETERS, {"name": "reason", "required": True})
    draft = draft_of(bureau, unruly, service.resource_id, fields=fewer, parameters=needed, sample={"reason": "探测"})
    services.change(steward, service.id, draft)
    assert services.call(bureau["consumer"], service.id, {}).version == 1
    plan = services.plan(steward, service.id, ServiceMove.OFFER)
    assert [one.code for one in plan.problems] == ["not_tested"]
    assert services.test(steward, service.id).ok
    plan = services.plan(steward, service.id, ServiceMove.OFFER)
    assert (plan.possible, plan.from_version, plan.to_version) == (True, 1, 2)
    assert (plan.lost, plan.parameters) == (("注册资本",), ("reason",))
    services.offer(steward, service.id)
    said = [one.text.zh for one in bureau.platform.alerts.alerts(bureau["colleague"])]
    assert any("第 2 版" in words and "注册资本" in words for words in said)
    with pytest.raises(Invalid, match="it is required"):
        services.call(bureau["consumer"], service.id, {})
    answer = services.call(bureau["consumer"], service.id, {"reason": "核查"})
    assert (answer.version, set(answer.rows[0])) == (2, {"企业名称", "盟市"})
    states = {v.number: v.state.value for v in services.view(steward, service.id).versions}
    assert states == {1: "past", 2: "live"}


# Secrets and signatures


@pytest.mark.parametrize("auth", ["bearer", "basic", "key", "signed", "exchange"])
def test_the_service_is_shown_who_asks(bureau: Bureau, unruly: Unruly, auth: str) -> None:
    unruly.guard = auth
    words: dict[str, Any] = {"auth": auth, "user": "user", "retries": 1}
    if auth == "exchange":
        words |= {"code": "s_1200019900000_2022", "key_url": f"{unruly.base}/keys", "key_cipher": "none"}
    service = offered(bureau, unruly, SECRET, **words)
    granted(bureau, service, "企业名称")
    unruly.fail_first = 1
    assert len(bureau.platform.offered.call(bureau["consumer"], service.id, {"city": "包头市"}).rows) == 3
    if auth == "exchange":
        assert unruly.keys_given == 1, "a key is kept while it is good"
    kept = bureau.platform.offered.view(bureau["steward"], service.id).version
    assert SECRET not in repr(kept)
    assert SECRET not in kept.secret
    unruly.guard = "nobody" if auth != "signed" else "bearer"
    if auth == "signed":
        with pytest.raises(Unavailable):
            bureau.platform.offered.call(bureau["consumer"], service.id, {})


def test_a_signed_call_cannot_be_sent_again(bureau: Bureau, unruly: Unruly) -> None:
    from beijiang.crypto import call_headers, call_is_signed

    unruly.guard = "signed"
    offered(bureau, unruly, SECRET, auth="signed", user="platform")
    sent = {k: v for k, v in unruly.seen[-1]["headers"].items() if k.startswith("X-Beijiang")}
    now = int(sent["X-Beijiang-Timestamp"]) / 1000
    call = ("GET", f"{unruly.base}/v1/firms", b"")
    assert not call_is_signed(SECRET, sent, call, now, unruly.fresh), "its nonce was used"
    assert call_is_signed(SECRET, sent, call, now, lambda _: True)
    assert not call_is_signed(SECRET, sent, call, now + 301, lambda _: True)
    for other in (("POST", call[1], b""), ("GET", call[1] + "?city=x", b""), ("GET", call[1], b"x")):
        assert not call_is_signed(SECRET, sent, other, now, lambda _: True)
    assert not call_is_signed("other", sent, call, now, lambda _: True)
    made = call_headers("k", "app", 1700000000.0, "n", ("GET", "http://a/b?z=1&a=%E4%B8%AD", b""))
    assert made == call_headers("k", "app", 1700000000.0, "n", ("GET", "http://a/b?a=中&z=1", b""))


def test_a_secret_goes_nowhere_else(bureau: Bureau, unruly: Unruly) -> None:
    services, steward = bureau.platform.offered, bureau["steward"]
    unruly.guard = "bearer"
    service = offered(bureau, unruly, SECRET, auth="bearer")
    kept = draft_of(bureau, unruly, service.resource_id, auth="bearer", per_minute=7)
    services.change(steward, service.id, kept)
    assert services.test(steward, service.id).ok, "the secret stays where the address does"
    moved = draft_of(bureau, unruly, service.resource_id, auth="bearer", base_url="http://127.0.0.1:9")
    for secret in (None, ""):
        with pytest.raises(Invalid) as found:
            services.change(steward, service.id, moved, secret)
        assert found.value.reason == "secrets_needed"
    bureau.platform.evidence.flush()
    log = bureau.platform.evidence.page(EvidenceQuery(target=service.id, limit=100)).records
    assert log
    assert SECRET not in str(log)
    assert bureau.platform.offered.locked_out() == []
    sealed = services.view(steward, service.id).versions[0].secret
    bureau.platform.sources.rotate(SYSTEM)
    again = services.view(steward, service.id).versions[0].secret
    assert again != sealed
    assert services.test(steward, service.id).ok, "it opens under the new root key"


# Calling


def test_a_consumer_gets_what_the_grant_gives(bureau: Bureau, unruly: Unruly) -> None:
    service = offered(bureau, unruly)
    grant = granted(bureau, service, "企业名称", "法定代表人证件号码", "法定代表人电话", as_is=("法定代表人电话",))
    answer = bureau.platform.offered.call(bureau["consumer"], service.id, {"city": "包头市"}, "supervision")
    wanted = [firm for firm in FIRMS if firm["city"] == "包头市"]
    assert [row["企业名称"] for row in answer.rows] == [firm["name"] for firm in wanted]
    assert set(answer.rows[0]) == {"企业名称", "法定代表人证件号码", "法定代表人电话"}, (
        "what is not granted is left out"
    )
    for row, firm in zip(answer.rows, wanted, strict=True):
        number = firm["legal"]["id"]
        assert row["法定代表人证件号码"] == number[:6] + "********" + number[-4:]
        assert row["法定代表人电话"] == firm["legal"]["phone"]
    assert answer.grant_id == grant.id
    bureau.platform.evidence.flush()
    log = bureau.platform.evidence.page(EvidenceQuery(target=service_table(service.id), limit=100)).records
    opened = next(one for one in log if one.id == answer.receipt)
    assert (opened.exit, opened.grade, opened.purpose, opened.decision) == ("service", "L3", "supervision", "allow")
    assert opened.detail["grant"] == grant.id
    assert opened.detail["approvers"]
    sent = next(one for one in log if one.action == "read.sent")
    assert sent.detail["response_sm3"] == answer.response_sm3
    plain = json.dumps(list(answer.rows), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    assert hashlib.new("sm3", f"{answer.salt}\n{plain}".encode()).hexdigest() == answer.response_sm3
    assert answer.salt not in str(log)
    assert next(one for one in log if one.action == "read.close").rows == 3


def test_rows_of_the_grant_bind_parameters_and_answers(bureau: Bureau, unruly: Unruly) -> None:
    service = offered(bureau, unruly)
    only = (Filter("盟市", FilterOp.EQ, "包头市"),)
    granted(bureau, service, "企业名称", "盟市", as_is=("盟市",), filters=only)
    services, who = bureau.platform.offered, bureau["consumer"]
    asked = len(unruly.seen)
    with pytest.raises(Refused) as found:
        services.call(who, service.id, {"city": "赤峰市"})
    assert found.value.reason == "parameter_not_granted"
    assert len(unruly.seen) == asked, "the department is not asked"
    assert len(services.call(who, service.id, {"city": "包头市"}).rows) == 3
    answer = services.call(who, service.id, {})
    assert {row["盟市"] for row in answer.rows} == {"包头市"}, "rows beyond the grant are left out of the answer"


def test_wrong_parameters_never_reach_the_department(bureau: Bureau, unruly: Unruly) -> None:
    service = offered(bureau, unruly)
    granted(bureau, service, "企业名称")
    asked = len(unruly.seen)
    for given, reason in (
        ({"other": "1"}, "parameter_unknown"),
        ({"city": "不在其中"}, "parameter_value"),
        ({"limit": "many"}, "parameter_value"),
        ({"limit": "1 OR 1=1"}, "parameter_value"),
        ({"since": "2026-02-30"}, "parameter_value"),
        ({"since": "2026-02-03\r\nX: y"}, "parameter_value"),
        ({"city": ["包头市"]}, "parameter_value"),
    ):
        with pytest.raises(Invalid) as found:
            bureau.platform.offered.call(bureau["consumer"], service.id, given)
        assert found.value.reason == reason
    assert len(unruly.seen) == asked
    assert bureau.platform.offered.call(bureau["consumer"], service.id, {"limit": 5, "city": ""}).rows
    assert unruly.seen[-1]["query"] == {"limit": "5"}


def test_parameters_go_to_their_places(bureau: Bureau, unruly: Unruly) -> None:
    parameters = (
        {"name": "code", "place": "path", "required": True},
        {"name": "city", "place": "body"},
        {"name": "size", "place": "body", "type": "integer"},
        {"name": "all", "place": "body", "type": "boolean"},
        {"name": "X-Matter", "place": "header"},
    )
    service = offered(
        bureau, unruly, method="POST", path="/v1/{code}/firms", parameters=parameters, sample={"code": "15"}
    )
    granted(bureau, service, "企业名称")
    given = {"code": "a.b?c=1#中", "city": "包头市", "size": 3, "all": True, "X-Matter": "事项 7"}
    assert bureau.platform.offered.call(bureau["consumer"], service.id, given).rows
    seen = unruly.seen[-1]
    assert (seen["method"], seen["path"], seen["query"]) == ("POST", "/v1/a.b%3Fc%3D1%23%E4%B8%AD/firms", {})
    assert json.loads(seen["body"]) == {"all": True, "city": "包头市", "size": 3}
    assert seen["headers"]["X-Matter"] == "%E4%BA%8B%E9%A1%B9 7"
    for climbing in ("..", ".", "a/../../admin", "a..b", "a\\b"):
        with pytest.raises(Invalid):
            bureau.platform.offered.call(bureau["consumer"], service.id, {"code": climbing})


def test_without_a_grant_a_service_is_as_if_it_were_not(bureau: Bureau, unruly: Unruly) -> None:
    service = offered(bureau, unruly)
    services = bureau.platform.offered
    asked = len(unruly.seen)
    answers = []
    for who in ("consumer", "banner", "steward", "reviewer"):
        for one in (service.id, "svc_unknown"):
            with pytest.raises(NotFound) as found:
                services.call(bureau[who], one, {"other": "x"})
            answers.append(found.value.reason)
    assert set(answers) == {"service_not_found"}
    assert len(unruly.seen) == asked
    grant = granted(bureau, service, "企业名称")
    assert services.call(bureau["consumer"], service.id, {}).rows
    with pytest.raises(Denied) as denied:
        services.call(bureau["consumer"], service.id, {}, "statistics")
    assert denied.value.reason == "other_purpose"
    bureau.exchange.suspend(bureau["lead"], grant.id, "核查")
    with pytest.raises(NotFound):
        services.call(bureau["consumer"], service.id, {})
    bureau.exchange.resume(bureau["lead"], grant.id, "恢复")
    bureau.exchange.narrow(
        bureau["lead"], grant.id, Narrowing(filters=(Filter("盟市", FilterOp.EQ, "赤峰市"),)), "只给赤峰"
    )
    assert len(services.call(bureau["consumer"], service.id, {}).rows) == 3
    bureau.exchange.revoke(bureau["lead"], grant.id, "终止")
    with pytest.raises(NotFound):
        services.call(bureau["consumer"], service.id, {})


def test_a_withdrawn_entry_ends_its_service_at_once(bureau: Bureau, unruly: Unruly) -> None:
    service = offered(bureau, unruly)
    granted(bureau, service, "企业名称")
    assert bureau.platform.offered.call(bureau["consumer"], service.id, {}).rows
    bureau.platform.catalog.withdraw(bureau["steward"], service.resource_id, "停用")
    with pytest.raises(NotFound):
        bureau.platform.offered.call(bureau["consumer"], service.id, {})


def test_ways_are_asked_for_as_they_are(bureau: Bureau, unruly: Unruly) -> None:
    service = offered(bureau, unruly)
    problems = bureau.exchange.plan(bureau["consumer"], bureau.draft("企业名称", resource=service.resource_id)).problems
    assert "service_only" in {one.code for one in problems}
    table = bureau.exchange.plan(bureau["consumer"], bureau.draft("企业名称", ways=frozenset({Way.SERVICE}))).problems
    assert "no_service" in {one.code for one in table}
    kept = draft_of(bureau, unruly, service.resource_id, fields=FIELDS[:2])
    bureau.platform.offered.change(bureau["steward"], service.id, kept)
    bureau.platform.offered.test(bureau["steward"], service.id)
    bureau.platform.offered.offer(bureau["steward"], service.id)
    ask = bureau.draft("注册资本", resource=service.resource_id, ways=frozenset({Way.SERVICE}))
    assert "not_served" in {one.code for one in bureau.exchange.plan(bureau["consumer"], ask).problems}
    bad = bureau.draft(
        "盟市", resource=service.resource_id, ways=frozenset({Way.SERVICE}), filters=(Filter("没有", FilterOp.EQ, "1"),)
    )
    assert "bad_filter" in {one.code for one in bureau.exchange.plan(bureau["consumer"], bad).problems}


def test_a_grade_that_rose_since_masks_at_once(bureau: Bureau, unruly: Unruly) -> None:
    """The name of a field speaks for its grade, whatever is declared; what was granted at less shows no more."""
    service = offered(bureau, unruly)
    grant = granted(bureau, service, "企业名称", "注册资本", as_is=("注册资本",))
    assert grant.levels == {"企业名称": "L2", "注册资本": "L2"}
    services = bureau.platform.offered
    assert services.call(bureau["consumer"], service.id, {}).rows[0]["注册资本"] == FIRMS[0]["capital"]
    stricter = tuple({**f, "level": "L3"} if f["column"] == "注册资本" else f for f in FIELDS)
    services.change(bureau["steward"], service.id, draft_of(bureau, unruly, service.resource_id, fields=stricter))
    services.test(bureau["steward"], service.id)
    services.offer(bureau["steward"], service.id)
    assert set(services.call(bureau["consumer"], service.id, {}).rows[0]) == {"企业名称"}


def test_quotas_of_the_grant_hold(bureau: Bureau, unruly: Unruly) -> None:
    service = offered(bureau, unruly)
    granted(bureau, service, "企业名称", calls_per_day=3, rows_per_day=12)
    services, who = bureau.platform.offered, bureau["consumer"]
    assert len(services.call(who, service.id, {}).rows) == 9
    with pytest.raises(Throttled) as rows:
        services.call(who, service.id, {})
    assert rows.value.reason == "grant_rows"
    assert len(services.call(who, service.id, {"city": "包头市"}).rows) == 3
    asked = len(unruly.seen)
    with pytest.raises(Throttled) as calls:
        services.call(who, service.id, {"city": "包头市"})
    assert calls.value.reason == "grant_calls"
    assert len(unruly.seen) == asked


def test_rates_of_service_and_consumer_hold(bureau: Bureau, unruly: Unruly) -> None:
    service = offered(bureau, unruly, consumer_per_minute=2, per_minute=3)
    granted(bureau, service, "企业名称")
    granted(bureau, service, "企业名称", by="banner")
    services = bureau.platform.offered
    for _ in range(2):
        services.call(bureau["consumer"], service.id, {})
    with pytest.raises(Throttled) as mine:
        services.call(bureau["consumer"], service.id, {})
    assert mine.value.reason == "consumer_rate"
    services.call(bureau["banner"], service.id, {})
    with pytest.raises(Throttled) as everybody:
        services.call(bureau["banner"], service.id, {})
    assert everybody.value.reason == "service_rate"
    bureau.clock.at += timedelta(minutes=1)
    assert services.call(bureau["consumer"], service.id, {}).rows
    stats = services.view(bureau["steward"], service.id).stats
    assert (stats.calls, stats.answered, stats.limited) == (6, 4, 2)


# Misbehaviour


@pytest.mark.parametrize(
    ("mode", "error", "reason"),
    [
        ("errors", Unavailable, "service_failed"),
        ("broken", Unavailable, "service_failed"),
        ("slow", Unavailable, "service_timeout"),
        ("trickle", Unavailable, "service_timeout"),
        ("redirect", Unavailable, "service_failed"),
        ("elsewhere", Unavailable, "service_failed"),
        ("huge", Refused, "service_contract"),
        ("bomb", Refused, "service_contract"),
        ("nul", Refused, "service_contract"),
        ("no_json", Refused, "service_contract"),
        ("no_rows", Refused, "service_contract"),
        ("two_wrong", Refused, "service_contract"),
        ("declines", Invalid, "service_declined"),
        ("own_code", Invalid, "service_declined"),
        ("raw_id", Refused, "identifier_found"),
    ],
)
def test_a_service_that_misbehaves_gives_nothing(
    bureau: Bureau, unruly: Unruly, mode: str, error: type[BeijiangError], reason: str
) -> None:
    service = offered(bureau, unruly, seconds=1 if reason == "service_timeout" else 60)
    granted(bureau, service, "企业名称", "盟市")
    unruly.mode = mode
    asked = len(unruly.seen)
    with pytest.raises(error) as found:
        bureau.platform.offered.call(bureau["consumer"], service.id, {})
    assert found.value.reason == reason
    assert len(unruly.seen) == asked + 1, "no redirect is followed, nothing is asked twice"
    words = told(found.value)
    for secret in ("127.0.0.1", str(unruly.port), "internals", "169.254", "很多"):
        assert secret not in words
    bureau.platform.evidence.flush()
    log = bureau.platform.evidence.page(EvidenceQuery(target=service_table(service.id), limit=100)).records
    closed = [one for one in log if one.action == "read.close"]
    assert closed
    assert all(one.rows == 0 for one in closed)
    stats = bureau.platform.offered.view(bureau["steward"], service.id).stats
    assert (stats.calls, stats.errors) == (1, 0 if reason == "service_declined" else 1)


def test_values_of_an_answer_are_values_whatever_they_say(bureau: Bureau, unruly: Unruly) -> None:
    service = offered(bureau, unruly)
    granted(bureau, service, "企业名称", "盟市", as_is=("企业名称", "盟市"))
    unruly.mode = "nasty"
    answer = bureau.platform.offered.call(bureau["consumer"], service.id, {})
    assert [row["企业名称"] for row in answer.rows] == [*NASTY]
    assert {row["盟市"] for row in answer.rows} == {None}


def test_every_type_is_masked_by_its_grade(bureau: Bureau, unruly: Unruly) -> None:
    stricter = tuple({**f, "level": "L3"} for f in FIELDS)
    service = offered(bureau, unruly, fields=stricter)
    masked = {"注册资本": Handling.MASKED, "成立日期": Handling.MASKED, "在营": Handling.MASKED}
    draft = bureau.draft(*masked, resource=service.resource_id, ways=frozenset({Way.SERVICE}), impact="评估1")
    terms = replace(draft.terms, items=tuple(Item(c, h) for c, h in masked.items()))
    made = bureau.exchange.put(bureau["consumer"], replace(draft, terms=terms))
    bureau.exchange.submit(bureau["consumer"], [made.id])
    for login in ("reviewer", "steward", "lead", "publisher"):
        if not bureau.exchange.request(SYSTEM, made.id).request.state.is_over:
            bureau.exchange.approve(bureau[login], made.id, "同意")
    answer = bureau.platform.offered.call(bureau["consumer"], service.id, {})
    assert all(c.masked for c in answer.columns)
    plain = json.dumps([*answer.rows], ensure_ascii=False, default=str)
    for firm in FIRMS:
        assert str(firm["capital"]) not in plain
        assert firm["founded"] not in plain
    assert "true" not in plain


def test_an_application_holds_a_grant_of_its_own(bureau: Bureau, unruly: Unruly) -> None:
    from beijiang.access import KeyDraft, Permission

    service = offered(bureau, unruly)
    access, scopes = bureau.platform.access, frozenset({str(Permission.PROTECTION_ROWS_READ_GRANTED)})
    keys = [access.issue_key(bureau["consumer"], KeyDraft(name=name, scopes=scopes, days=1)) for name in "ab"]
    granted(bureau, service, "企业名称", grantee_kind=GranteeKind.APPLICATION, grantee_id=keys[0][0].id)
    mine, other = (access.actor_for({}, f"Bearer {secret}") for _, secret in keys)
    assert bureau.platform.offered.call(mine, service.id, {}).rows
    for who in (other, bureau["consumer"]):
        with pytest.raises(NotFound):
            bureau.platform.offered.call(who, service.id, {})


def test_notices_of_changes_do_not_stand_for_ever(bureau: Bureau, unruly: Unruly) -> None:
    service = offered(bureau, unruly, probe_minutes=0)
    granted(bureau, service, "企业名称")
    services = bureau.platform.offered
    services.pause(bureau["steward"], service.id, "检修")
    kinds = [kind for kind, subject in bureau.platform.alerts.open() if subject.startswith(service.id)]
    assert kinds == [AlertKind.SERVICE_CHANGED]
    bureau.clock.at += timedelta(days=15)
    services.watch()
    assert not [kind for kind, subject in bureau.platform.alerts.open() if kind is AlertKind.SERVICE_CHANGED]


def test_an_address_that_nobody_allowed_is_not_asked(bureau: Bureau, unruly: Unruly) -> None:
    with serving() as other:
        services, steward = bureau.platform.offered, bureau["steward"]
        for base in (other.base, "http://169.254.169.254", "http://[::1]:80", "http://10.0.0.1"):
            made = services.register(steward, draft_of(bureau, unruly, base_url=base))
            proof = services.test(steward, made.id)
            assert not proof.ok
            assert "target_not_allowed" in proof.problems[0]
            kept = services.view(steward, made.id).steps[-1]
            assert kept.words == "target_not_allowed", "what is kept of it names no address"
        assert not other.seen


def test_only_what_may_be_repeated_is_repeated(bureau: Bureau, unruly: Unruly) -> None:
    service = offered(bureau, unruly, retries=2)
    granted(bureau, service, "企业名称")
    unruly.fail_first, asked = 2, len(unruly.seen)
    assert bureau.platform.offered.call(bureau["consumer"], service.id, {}).rows
    assert len(unruly.seen) == asked + 3
    posted = offered(bureau, unruly, retries=2, method="POST")
    granted(bureau, posted, "企业名称")
    unruly.fail_first, asked = 2, len(unruly.seen)
    with pytest.raises(Unavailable):
        bureau.platform.offered.call(bureau["consumer"], posted.id, {})
    assert len(unruly.seen) == asked + 1


def test_records_that_do_not_fit_are_left_out_where_that_was_declared(bureau: Bureau, unruly: Unruly) -> None:
    service = offered(bureau, unruly, severity="quarantine")
    granted(bureau, service, "企业名称", "注册资本", as_is=("注册资本",))
    unruly.mode = "two_wrong"
    services = bureau.platform.offered
    answer = services.call(bureau["consumer"], service.id, {})
    assert (len(answer.rows), answer.left_out) == (7, 2)
    alert = bureau.platform.alerts.open()[(AlertKind.SERVICE_CONTRACT, service.id)]
    assert alert.org_id == OWNER
    assert "注册资本: not_double × 1" in alert.text.zh
    assert "很多" not in alert.text.zh
    unruly.mode = "well"
    services.call(bureau["consumer"], service.id, {})
    assert (AlertKind.SERVICE_CONTRACT, service.id) not in bureau.platform.alerts.open()


def test_more_records_than_declared_are_cut_and_told(bureau: Bureau, unruly: Unruly) -> None:
    services, steward = bureau.platform.offered, bureau["steward"]
    made = services.register(steward, draft_of(bureau, unruly, max_rows=4))
    assert not services.test(steward, made.id).ok
    assert services.test(steward, made.id, {"city": "包头市"}).ok
    services.offer(steward, made.id)
    granted(bureau, made, "企业名称")
    answer = services.call(bureau["consumer"], made.id, {})
    assert (len(answer.rows), answer.more) == (4, True)
    assert not services.call(bureau["consumer"], made.id, {"city": "包头市"}).more


def test_the_breaker_opens_tries_and_closes(bureau: Bureau, unruly: Unruly) -> None:
    service = offered(bureau, unruly, failures=3, cool_seconds=60)
    granted(bureau, service, "企业名称")
    services, who = bureau.platform.offered, bureau["consumer"]
    unruly.mode = "errors"
    for _ in range(3):
        assert breaker(bureau, service) is None or breaker(bureau, service).state is BreakerState.CLOSED
        with pytest.raises(Unavailable):
            services.call(who, service.id, {})
    assert breaker(bureau, service).state is BreakerState.OPEN
    alert = bureau.platform.alerts.open()[(AlertKind.SERVICE_DOWN, service.id)]
    assert alert.org_id == OWNER
    unruly.mode, asked = "well", len(unruly.seen)
    with pytest.raises(Unavailable) as held:
        services.call(who, service.id, {})
    assert held.value.reason == "service_held_back"
    assert held.value.detail["seconds"] == 60
    assert len(unruly.seen) == asked
    bureau.clock.at += timedelta(seconds=61)
    unruly.mode = "errors"
    with pytest.raises(Unavailable) as tried:
        services.call(who, service.id, {})
    assert tried.value.reason == "service_failed"
    assert breaker(bureau, service).state is BreakerState.OPEN
    with pytest.raises(Unavailable) as again:
        services.call(who, service.id, {})
    assert again.value.reason == "service_held_back"
    bureau.clock.at += timedelta(seconds=61)
    unruly.mode = "well"
    assert services.call(who, service.id, {}).rows
    assert breaker(bureau, service).state is BreakerState.CLOSED
    assert (AlertKind.SERVICE_DOWN, service.id) not in bureau.platform.alerts.open()
    stats = services.view(bureau["steward"], service.id).stats
    assert (stats.calls, stats.answered, stats.errors, stats.held_back) == (7, 1, 4, 2)
    assert stats.error_share == pytest.approx(0.8)


def test_many_at_once_do_not_get_past_a_rate_and_one_alone_tries(bureau: Bureau, unruly: Unruly) -> None:
    service = offered(bureau, unruly, consumer_per_minute=5, failures=1)
    granted(bureau, service, "企业名称")
    services, who = bureau.platform.offered, bureau["consumer"]

    def call(_: int) -> str:
        try:
            return "well" if services.call(who, service.id, {}).rows else "nothing"
        except BeijiangError as error:
            return error.reason

    with ThreadPoolExecutor(6) as pool:
        ends = list(pool.map(call, range(16)))
    assert (ends.count("well"), ends.count("consumer_rate")) == (5, 11)
    bureau.clock.at += timedelta(minutes=1)
    unruly.mode = "errors"
    assert call(0) == "service_failed"
    bureau.clock.at += timedelta(minutes=2)
    unruly.mode, asked = "hold", len(unruly.seen)
    with ThreadPoolExecutor(4) as pool:
        tries = [pool.submit(call, number) for number in range(4)]
        until(lambda: sum(one.done() for one in tries) == 3)
        unruly.go.set()
        ends = [one.result() for one in tries]
    assert sorted(ends) == ["service_held_back"] * 3 + ["well"]
    assert len(unruly.seen) == asked + 1


def test_a_slow_service_leaves_room_for_everything_else(bureau: Bureau, unruly: Unruly) -> None:
    service = offered(bureau, unruly, seconds=60)
    granted(bureau, service, "企业名称")
    services, who = bureau.platform.offered, bureau["consumer"]
    unruly.mode, asked = "hold", len(unruly.seen)
    with ThreadPoolExecutor(8) as pool:
        held = [pool.submit(services.call, who, service.id, {}) for _ in range(8)]
        until(lambda: len(unruly.seen) == asked + 8)
        with pytest.raises(Throttled) as found:
            services.call(who, service.id, {})
        unruly.go.set()
        assert all(one.result().rows for one in held)
    assert found.value.reason == "service_busy"
    assert services.call(who, service.id, {}).rows, "places are given back"
    assert services.view(bureau["steward"], service.id).stats.limited == 1


def test_a_restart_knows_the_breaker(bureau: Bureau, unruly: Unruly) -> None:
    service = offered(bureau, unruly, failures=1)
    granted(bureau, service, "企业名称")
    unruly.mode = "errors"
    with pytest.raises(Unavailable):
        bureau.platform.offered.call(bureau["consumer"], service.id, {})
    unruly.mode = "well"
    old = bureau.platform.offered
    keys = RootKeys(bureau.platform.settings.root_key_file)
    again = Services(old.parts, Vault(keys), bureau.platform.sources.outbound)
    with pytest.raises(Unavailable) as held:
        again.call(bureau["consumer"], service.id, {})
    assert held.value.reason == "service_held_back"


def test_a_consumer_cannot_open_the_breaker_for_others(bureau: Bureau, unruly: Unruly) -> None:
    service = offered(bureau, unruly, failures=1)
    granted(bureau, service, "企业名称", calls_per_day=4)
    services, who = bureau.platform.offered, bureau["consumer"]
    for mode in ("declines", "own_code", "two_wrong"):
        unruly.mode = mode
        with pytest.raises(BeijiangError):
            services.call(who, service.id, {})
    assert breaker(bureau, service) is None
    unruly.mode = "errors"
    with pytest.raises(Unavailable):
        services.call(who, service.id, {})
    bureau.clock.at += timedelta(seconds=61)
    unruly.mode = "well"
    granted(bureau, service, "企业名称", by="banner")
    with pytest.raises(Throttled):
        services.call(who, service.id, {})
    assert services.call(bureau["banner"], service.id, {}).rows, "the try that could not be made is another's"


def test_a_grant_that_ends_while_the_service_is_asked_gives_nothing(bureau: Bureau, unruly: Unruly) -> None:
    service = offered(bureau, unruly)
    grant = granted(bureau, service, "企业名称")
    services = bureau.platform.offered
    inner, reach = services._reach.call, services._reach

    class Meanwhile:
        def call(self, *words: Any) -> Any:
            bureau.exchange.revoke(bureau["lead"], grant.id, "终止")
            return inner(*words)

    services._reach = Meanwhile()
    try:
        with pytest.raises(Denied) as found:
            services.call(bureau["consumer"], service.id, {})
    finally:
        services._reach = reach
    assert found.value.reason == "access_ended"


def test_probes_are_made_on_time_and_count_for_assessment(bureau: Bureau, unruly: Unruly) -> None:
    services = bureau.platform.offered
    for other in services.services(SYSTEM, ServiceQuery(state=ServiceState.OFFERED))[0]:
        services.retire(SYSTEM, other.id, "上一个测试")
    service = offered(bureau, unruly, probe_minutes=5, failures=2)
    services.probe_due()
    services.probe_due()
    assert [one.ok for one in services.view(SYSTEM, service.id).probes] == [True]
    unruly.mode = "errors"
    for _ in range(2):
        bureau.clock.at += timedelta(minutes=5)
        services.probe_due()
    assert breaker(bureau, service).state is BreakerState.OPEN
    unruly.mode = "well"
    bureau.clock.at += timedelta(minutes=5)
    services.probe_due()
    assert breaker(bureau, service).state is BreakerState.CLOSED
    assert [one.ok for one in services.view(SYSTEM, service.id).probes] == [True, False, False, True]
    month = Period.parse(f"{bureau.today:%Y-%m}")
    found = {one.id: (well, all_) for one, well, all_ in services.probed(month.first, month.last)}
    assert found[service.id] == (2, 4)


def test_consumers_see_what_a_service_takes_and_not_where_it_is(bureau: Bureau, unruly: Unruly) -> None:
    service = offered(bureau, unruly)
    services = bureau.platform.offered
    hidden = services.register(bureau["steward"], draft_of(bureau, unruly))
    seen = {one.id for one in services.services(bureau["consumer"])[0]}
    assert service.id in seen
    assert hidden.id not in seen
    assert hidden.id in {one.id for one in services.services(bureau["steward"])[0]}
    with pytest.raises(NotFound):
        services.view(bureau["consumer"], hidden.id)
    view = services.view(bureau["consumer"], service.id)
    assert (view.versions, view.steps, view.probes, view.may_manage) == ((), (), (), False)
    for verb in (services.test, services.offer):
        with pytest.raises(NotFound):
            verb(bureau["consumer"], service.id)
        with pytest.raises(NotFound):
            verb(bureau["lead"], service.id)


def test_an_item_of_grade_four_is_not_called_for(bureau: Bureau, unruly: Unruly) -> None:
    service = offered(bureau, unruly, fields=tuple({**f, "level": "L4"} for f in FIELDS))
    ask = bureau.draft("注册资本", resource=service.resource_id, ways=frozenset({Way.SERVICE}))
    assert "level_4" in {one.code for one in bureau.exchange.plan(bureau["consumer"], ask).problems}


def test_two_processes_share_rates_and_breaker_on_postgresql(tmp_path: Path, postgres_url: str) -> None:
    clock = FixedClock(datetime(2026, 3, 10, 2, 0, tzinfo=UTC))
    built = build(Settings.for_tests(tmp_path / "one", database_url=postgres_url), clock)
    built.first_start()
    bureau = Bureau(built, clock)
    with serving() as server:
        built.sources.allow(
            SYSTEM,
            Target(host="127.0.0.1", port=server.port, network="127.0.0.1/32", uses=frozenset({Use.CALL})),
            "测试服务",
        )
        service = offered(bureau, server, consumer_per_minute=6, failures=2, probe_minutes=1)
        granted(bureau, service, "企业名称")
        again = Services(built.offered.parts, Vault(RootKeys(built.settings.root_key_file)), built.sources.outbound)
        both, who = (built.offered, again), bureau["consumer"]

        def call(number: int) -> str:
            try:
                return "well" if both[number % 2].call(who, service.id, {}).rows else "nothing"
            except BeijiangError as error:
                return error.reason

        with ThreadPoolExecutor(6) as pool:
            ends = list(pool.map(call, range(12)))
        assert (ends.count("well"), ends.count("consumer_rate")) == (6, 6)
        clock.at += timedelta(minutes=1)
        server.mode = "errors"
        assert [call(n) for n in range(4)] == ["service_failed"] * 2 + ["service_held_back"] * 2
        clock.at += timedelta(minutes=2)
        server.mode = "well"
        again.probe_due()
        assert [one.ok for one in built.offered.view(SYSTEM, service.id).probes] == [True]
        assert call(0) == "well"
        stats = built.offered.view(bureau["steward"], service.id).stats
        assert stats is not None
        assert (stats.calls, stats.answered, stats.errors, stats.held_back, stats.limited) == (17, 7, 2, 2, 6)
    built.close()


def test_one_place_is_tested_so_often_and_no_more(bureau: Bureau, unruly: Unruly) -> None:
    services, steward = bureau.platform.offered, bureau["steward"]
    one, other = (services.register(steward, draft_of(bureau, unruly)) for _ in range(2))
    for number in range(TESTS_PER_MINUTE):
        assert services.test(steward, (one, other)[number % 2].id).ok
    asked = len(unruly.seen)
    for service in (one, other):
        with pytest.raises(Throttled) as found:
            services.test(steward, service.id)
        assert found.value.reason == "test_rate"
    assert len(unruly.seen) == asked, "another service at the same place does not help"
    bureau.clock.at += timedelta(minutes=1)
    assert services.test(steward, one.id).ok


def test_tests_of_one_place_at_once_are_few(bureau: Bureau, unruly: Unruly) -> None:
    services, steward = bureau.platform.offered, bureau["steward"]
    made = [services.register(steward, draft_of(bureau, unruly, seconds=60)) for _ in range(3)]
    unruly.mode, asked = "hold", len(unruly.seen)
    with ThreadPoolExecutor(2) as pool:
        held = [pool.submit(services.test, steward, one.id) for one in made[:2]]
        until(lambda: len(unruly.seen) == asked + 2)
        with pytest.raises(Throttled) as found:
            services.test(steward, made[2].id)
        unruly.go.set()
        assert all(one.result().ok for one in held)
    assert found.value.reason == "service_busy"


def test_one_department_leaves_places_to_the_others() -> None:
    room = Room()
    with ExitStack() as held:
        for number in range(AT_ONCE_PROVIDER):
            held.enter_context(room.taken(f"svc_{number % 4}", "education"))
        with pytest.raises(Throttled):
            held.enter_context(room.taken("svc_new", "education"))
        with pytest.raises(Throttled):
            held.enter_context(room.tested("place", "education"))
        held.enter_context(room.taken("svc_other", "finance"))
    with room.taken("svc_new", "education"):
        assert True, "places were given back"


def test_a_provider_that_hangs_delays_no_other_and_not_the_dispatcher(bureau: Bureau, unruly: Unruly) -> None:
    services = bureau.platform.offered
    for other in services.services(SYSTEM, ServiceQuery(state=ServiceState.OFFERED))[0]:
        services.retire(SYSTEM, other.id, "上一个测试")
    hanging = [offered(bureau, unruly, probe_minutes=5, seconds=60) for _ in range(6)]
    unruly.mode, asked = "hold", len(unruly.seen)
    services.watch()  # comes back though all of them hang
    until(lambda: len(unruly.seen) == asked + 1)
    services.watch()
    assert len(unruly.seen) == asked + 1, "one of a department is on its way"
    assert not any(services.view(SYSTEM, one.id).probes for one in hanging)
    unruly.go.set()
    unruly.mode = "well"
    services.probe_due()
    assert all(len(services.view(SYSTEM, one.id).probes) == 1 for one in hanging)


@pytest.mark.parametrize("severity", ["refuse", "quarantine"])
def test_a_row_outside_the_grant_is_as_if_it_were_not(bureau: Bureau, unruly: Unruly, severity: str) -> None:
    service = offered(bureau, unruly, severity=severity, max_rows=9)
    only = (Filter("盟市", FilterOp.EQ, "包头市"),)
    granted(bureau, service, "企业名称", "盟市", as_is=("盟市",), filters=only)
    services, who = bureau.platform.offered, bureau["consumer"]

    def told(mode: str) -> tuple[Any, ...]:
        unruly.mode = mode
        answer = services.call(who, service.id, {})
        return [*answer.rows], answer.left_out, answer.more

    nothing = told("empty")
    assert nothing == ([], None, None)
    for mode in ("not_found", "own_code", "one_outside", "outside_wrong"):
        assert told(mode) == nothing, mode
    alone = told("one_inside")
    assert len(alone[0]) == 1
    assert told("inside_and_outside_wrong") == alone
    stats = services.view(who, service.id).stats
    assert (stats.calls, stats.answered) == (7, 7), "one's own figures tell nothing either"
