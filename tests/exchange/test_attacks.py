"""What was tried to get more than was granted; each of these once worked."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from exchange_bureau import COUNTY, ID, OTHER, TABLE, Bureau, citizen_id

from agreed import lowered
from beijiang.access import KeyDraft, Permission, PersonDraft, Role
from beijiang.catalog import ItemEdit, ResourceEdit, ShareType
from beijiang.exchange import GranteeKind, Item, Narrowing, RequestState, Terms, Way
from beijiang.kit import SYSTEM, ActorKind, Conflict, Denied, Invalid, NotFound, Throttled
from beijiang.mining import ExportForm
from beijiang.protection import Handling, Level, MaskFunction
from beijiang.tables import Exit, Filter, FilterOp

CAPITAL, CITY, NAME, PHONE = "注册资本", "盟市", "企业名称", "法定代表人电话"


@pytest.mark.threat("TM-03")
@pytest.mark.parametrize("column", [PHONE, ID, CAPITAL])
def test_a_condition_reads_no_column_that_was_not_asked_for(bureau: Bureau, column: str) -> None:
    draft = bureau.draft(NAME, filters=(Filter(column, FilterOp.GTE, "1"),))
    assert "filter_not_asked" in {p.code for p in bureau.exchange.plan(bureau["consumer"], draft).problems}
    made = bureau.exchange.put(bureau["consumer"], draft)
    with pytest.raises(Invalid):
        bureau.exchange.submit(bureau["consumer"], [made.id])
    bureau.exchange.discard(bureau["consumer"], made.id)
    masked = bureau.draft(NAME, ID, impact="评", filters=(Filter(ID, FilterOp.EQ, citizen_id(3)),))
    assert "filter_not_asked" in {p.code for p in bureau.exchange.plan(bureau["consumer"], masked).problems}


def test_an_item_is_named_once(bureau: Bureau) -> None:
    terms = bureau.draft(CAPITAL).terms
    with pytest.raises(Invalid):
        replace(terms, items=(Item(ID, Handling.AS_IS), Item(ID, Handling.MASKED)))
    with pytest.raises(Invalid):
        Terms.from_json({**terms.to_json(), "items": [{"column": ID, "handling": "masked"}] * 2})


def test_what_is_graded_or_shared_otherwise_since_is_looked_at_again(bureau: Bureau) -> None:
    exchange, protection = bureau.exchange, bureau.platform.protection
    request = bureau.asked(CITY, impact="评2026-09")
    exchange.approve(bureau["reviewer"], request.id)
    before = protection.grades_of(TABLE)[CITY].level
    protection.correct(SYSTEM, TABLE, CITY, level=Level.L3, reason="涉敏感区域")
    try:
        bureau.platform.db.deliver_waiting()
        exchange.approve(bureau["steward"], request.id)
        passed = exchange.approve(bureau["lead"], request.id)
        assert passed.state is RequestState.AUTHORITY_REVIEW, "the authority decides on what became sensitive"
        done = exchange.approve(bureau["publisher"], request.id)
        assert exchange.grant(bureau["consumer"], done.grant_id).grant.levels == {CITY: "L3"}
        bare = bureau.exchange.plan(bureau["consumer"], bureau.draft(CITY))
        assert {problem.code for problem in bare.problems} == {"impact_needed"}
    finally:
        lowered(protection, SYSTEM, TABLE, CITY, level=before, reason="复核后恢复")
        bureau.platform.db.deliver_waiting()


def test_an_item_that_is_not_shared_any_more_is_not_granted(bureau: Bureau) -> None:
    other = bureau.publish("另一登记表", 5)
    request = bureau.asked(CITY, CAPITAL, resource=other.id)
    bureau.exchange.approve(bureau["reviewer"], request.id)
    bureau.exchange.approve(bureau["steward"], request.id)
    catalog = bureau.platform.catalog
    edit = ItemEdit(column=CITY, share_type=ShareType.NOT_SHARED, no_share_basis="某条例")
    catalog.edit(bureau["steward"], other.id, ResourceEdit(items=(edit,)))
    catalog.submit(bureau["steward"], other.id)
    catalog.approve(bureau["reviewer"], other.id)
    catalog.publish(bureau["publisher"], other.id)
    with pytest.raises(Conflict) as error:
        bureau.exchange.approve(bureau["lead"], request.id)
    assert error.value.reason == "items_changed"
    less = bureau.exchange.approve(bureau["lead"], request.id, "去掉盟市", Narrowing(without=frozenset({CITY})))
    assert less.state is RequestState.PARTLY_APPROVED


def test_a_weaker_mask_reaches_a_masked_item_with_the_next_publication_only(bureau: Bureau) -> None:
    protection, level = bureau.platform.protection, bureau.platform.protection.grades_of(TABLE)[NAME].level
    protection.correct(SYSTEM, TABLE, NAME, level=Level.L2, reason="商业秘密")
    draft = bureau.draft(NAME)
    masked = replace(draft, terms=replace(draft.terms, items=(Item(NAME, Handling.MASKED),)))
    made = bureau.exchange.put(bureau["consumer"], masked)
    bureau.exchange.submit(bureau["consumer"], [made.id])
    before = bureau.read("consumer")[0][NAME]
    bureau.clock.advance(timedelta(minutes=1))
    protection.choose_mask(SYSTEM, TABLE, NAME, MaskFunction.KEEP, {"prefix": "8", "suffix": "0"}, reason="便于核对")
    try:
        assert bureau.read("consumer")[0][NAME] == before
    finally:
        protection.drop_mask(SYSTEM, TABLE, NAME, "恢复")
        lowered(protection, SYSTEM, TABLE, NAME, level=level, reason="恢复")


@pytest.mark.parametrize(("level", "shown"), [(Level.L2, "masked"), (Level.L3, "gone")])
def test_a_grade_that_rose_is_treated_as_for_every_department(bureau: Bureau, level: Level, shown: str) -> None:
    bureau.granted(NAME)
    protection, before = bureau.platform.protection, bureau.platform.protection.grades_of(TABLE)[NAME].level
    protection.correct(SYSTEM, TABLE, NAME, level=level, reason="商业秘密")
    try:
        if shown == "masked":
            assert bureau.read("consumer") == bureau.read("banner")
        else:
            with pytest.raises(NotFound):
                bureau.read("consumer")
    finally:
        lowered(protection, SYSTEM, TABLE, NAME, level=before, reason="恢复")


def test_an_approval_is_of_what_was_looked_at(bureau: Bureau) -> None:
    exchange = bureau.exchange
    request = bureau.asked(CITY)
    seen = request.revision
    exchange.ask_more(bureau["reviewer"], request.id, "请说明")
    exchange.supply(bureau["consumer"], request.id, bureau.draft(CITY, CAPITAL), "加一项")
    with pytest.raises(Conflict) as error:
        exchange.approve(bureau["reviewer"], request.id, "同意", None, seen)
    assert error.value.reason == "exchange_changed"
    exchange.withdraw(bureau["consumer"], request.id, "x")


def test_one_row_of_an_answer_costs_the_rows_that_it_was_made_of(bureau: Bureau) -> None:
    bureau.granted(CAPITAL, rows_per_day=40, ways=frozenset({Way.SQL, Way.FILE}))
    sql = f"SELECT string_agg({NAME} || CAST({CAPITAL} AS VARCHAR), ';') AS everything FROM {TABLE}"
    bureau.platform.sql.run(bureau["consumer"], sql, "supervision")
    with pytest.raises(Throttled):
        bureau.platform.sql.run(bureau["consumer"], f"SELECT max({CAPITAL}) FROM {TABLE}", "supervision")
    with pytest.raises(Throttled):
        bureau.platform.workbench.export(bureau["consumer"], sql, ExportForm.CSV, "supervision")


def test_a_gift_is_held_to_what_a_request_is(bureau: Bureau) -> None:
    exchange, lead = bureau.exchange, bureau["lead"]
    for draft, org in (
        (bureau.draft(PHONE), OTHER),
        (bureau.draft(CITY, until=bureau.today + timedelta(days=4000)), OTHER),
        (bureau.draft(CITY, purpose=""), OTHER),
        (bureau.draft(CITY, grantee_kind=GranteeKind.PERSON, grantee_id=bureau["banner"].id), OTHER),
        (bureau.draft(CITY), COUNTY),
    ):
        with pytest.raises(Invalid):
            exchange.give(lead, org, draft, "推送")


def test_a_completion_for_another_purpose_or_holder_begins_again(bureau: Bureau) -> None:
    exchange = bureau.exchange
    for change in ({"purpose": "other"}, {"use": "用于商业推广活动的分析"}, {"grantee_kind": GranteeKind.PERSON}):
        request = bureau.asked(CITY)
        exchange.approve(bureau["reviewer"], request.id)
        exchange.ask_more(bureau["steward"], request.id, "请说明")
        holder = bureau["colleague"].id if "grantee_kind" in change else ""
        changed = replace(request.draft, **change, grantee_id=holder)
        assert exchange.supply(bureau["consumer"], request.id, changed, "补").at_stage == 0
        exchange.withdraw(bureau["consumer"], request.id, "x")


def test_who_completed_a_request_does_not_decide_on_it(bureau: Bureau) -> None:
    access, exchange = bureau.platform.access, bureau.exchange
    roles = frozenset({Role.STEWARD, Role.BUREAU_REVIEWER})
    person, _ = access.add_person(SYSTEM, PersonDraft(login="twin", name="twin", org_id=OTHER, roles=roles))
    twin = person.as_actor(None)
    request = bureau.asked(CITY)
    exchange.ask_more(bureau["reviewer"], request.id, "请说明")
    exchange.supply(twin, request.id, bureau.draft(CITY, CAPITAL), "加一项")
    with pytest.raises(Denied) as error:
        exchange.approve(twin, request.id)
    assert error.value.reason == "own_request"
    exchange.withdraw(bureau["consumer"], request.id, "x")


def test_a_stated_purpose_is_what_is_read_under(bureau: Bureau) -> None:
    bureau.granted(CAPITAL, ways=frozenset({Way.FILE, Way.SQL}))
    bureau.granted(CITY, ways=frozenset({Way.API}), purpose="statistics")
    gate = bureau.platform.gate
    shown = {c.name for c in gate.open(bureau["consumer"], TABLE, "statistics", Exit.DOWNLOAD).columns}
    assert shown == {NAME}
    shown = {c.name for c in gate.open(bureau["consumer"], TABLE, "supervision", Exit.DOWNLOAD).columns}
    assert shown == {NAME, CAPITAL}


def test_the_page_of_a_grant_reads_under_it_and_no_other(bureau: Bureau) -> None:
    small = bureau.granted(CITY, filters=(Filter(CITY, FilterOp.EQ, "包头市"),), rows_per_day=10)
    bureau.granted(CITY, CAPITAL)
    page = bureau.exchange.look(bureau["consumer"], small.id)
    assert ([c.name for c in page.columns], len(page.rows)) == ([NAME, CITY], 10)
    assert bureau.exchange.grant(bureau["consumer"], small.id).usage[0].rows == 10


def test_nobody_stands_in_twice_and_keys_and_administrators_not_at_all(bureau: Bureau) -> None:
    access, exchange = bureau.platform.access, bureau.exchange
    both = frozenset({Role.STEWARD, Role.ORG_REVIEWER})
    owner = bureau["steward"].org_id
    person, _ = access.add_person(SYSTEM, PersonDraft(login="both", name="both", org_id=owner, roles=both))
    actor = person.as_actor(None)
    request = bureau.asked(CITY)
    exchange.approve(bureau["reviewer"], request.id)
    exchange.approve(actor, request.id)
    exchange.delegate(actor, "deputy", bureau.today, bureau.today, "出差")
    with pytest.raises(Denied) as error:
        exchange.approve(bureau["deputy"], request.id)
    assert error.value.reason == "own_request"
    exchange.withdraw(bureau["consumer"], request.id, "x")
    scopes = frozenset({str(Permission.EXCHANGE_REQUEST_DELEGATE)})
    key, _ = access.issue_key(actor, KeyDraft(name="k", scopes=scopes, days=1))
    program = replace(actor, kind=ActorKind.APPLICATION, session_id=key.id, scopes=key.scopes)
    with pytest.raises(Denied):
        exchange.delegate(program, "deputy", bureau.today, bureau.today, "x")
    with pytest.raises(Invalid):
        exchange.delegate(bureau["reviewer"], "secadmin", bureau.today, bureau.today, "x")
