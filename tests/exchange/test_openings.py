"""Conditional opening: the public applies, owner and bureau decide with the machine of requests, and the grant holds at every access."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

import pytest
from exchange_bureau import BUREAU, OWNER, SCHEMA, Bureau, firms

from beijiang.access import Permission
from beijiang.catalog import ItemEdit, OpenType, ShareType
from beijiang.exchange import (
    PUBLIC,
    ApplicationDraft,
    ConditionsDraft,
    GranteeKind,
    GrantQuery,
    GrantState,
    Item,
    Move,
    Narrowing,
    RecallDraft,
    Remedy,
    RequestState,
    Way,
    refusals,
)
from beijiang.kit import ANONYMOUS, SYSTEM, Actor, Conflict, Denied, Invalid, NotFound
from beijiang.opendata import RegistrationDraft, Standing
from beijiang.protection import Handling, files, rowquery
from beijiang.tables import Exit

TABLE, NAME, CITY, CAPITAL, ID, PHONE = (
    "企业开放信息",
    "企业名称",
    "盟市",
    "注册资本",
    "法定代表人证件号码",
    "法定代表人电话",
)
CODE = "91150100MA0N00001"


def credit_code() -> str:
    from beijiang.standards import check_uscc

    return next(CODE + c for c in "0123456789ABCDEFGHJKLMNPQRTUWXY" if check_uscc(CODE + c).passes)


@dataclass
class Town:
    """A bureau with a set open on conditions, and people of the public."""

    bureau: Bureau
    set_id: str

    @property
    def openings(self) -> Any:
        return self.bureau.platform.openings

    @property
    def exchange(self) -> Any:
        return self.bureau.exchange

    @property
    def opendata(self) -> Any:
        return self.bureau.platform.opendata

    def member(self, login: str, standing: Standing = Standing.PERSON) -> Actor:
        if login not in self.bureau.people:
            registrations, code = self.bureau.platform.registrations, ""
            if standing is Standing.BUSINESS:
                code = credit_code()
            draft = RegistrationDraft(
                login=login, name=f"{login} 的名字", contact="13900000000", standing=standing, credit_code=code
            )
            made = registrations.register(ANONYMOUS, draft)
            person = registrations.admit(SYSTEM, made.registration.id)
            access = self.bureau.platform.access
            access.sign_in(made.registration.login, made.code, "test")
            access.change_password(access.actor_for_person(made.registration.login), made.code, "a long pass phrase 26")
            self.bureau.people[login] = access.actor_for_person(made.registration.login)
            assert person.person_id == self.bureau.people[login].id
        return self.bureau.people[login]

    def draft(self, *columns: str, **words: Any) -> ApplicationDraft:
        today = self.bureau.today
        facts: dict[str, Any] = {
            "resource_id": self.set_id,
            "items": tuple(Item(one, Handling.AS_IS) for one in columns or (NAME, CITY)),
            "ways": frozenset({Way.PAGE, Way.API, Way.FILE}),
            "since": today,
            "until": today + timedelta(days=90),
            "purpose": "research",
            "use": "研究盟市之间企业分布的差异，写成论文。",
            "products": "一篇公开发表的论文和配套图表。",
            "measures": "只存放在加密的电脑上，用后即删除。",
            "agreed": self.openings.conditions(ANONYMOUS, self.set_id).digest,
        }
        return ApplicationDraft(**{**facts, **words})

    def granted(self, login: str, *columns: str, **words: Any) -> Any:
        """Apply, and let bureau and owner agree."""
        request = self.openings.apply(self.member(login), self.draft(*columns, **words))
        for decider in ("reviewer", "lead", "publisher"):
            if not request.state.is_over:
                request = self.exchange.approve(self.bureau[decider], request.id, "同意")
        assert request.grant_id is not None
        return self.openings.application(self.member(login), request.id)

    def rows(self, login: str, exit_: Exit = Exit.ROW_API) -> list[dict[str, Any]]:
        reading = self.opendata.read(self.member(login), self.set_id, exit_)
        return list(reading.page(rowquery.RowQuery(size=5)).rows)


@pytest.fixture(scope="module")
def opened(region: Bureau) -> str:
    resource = region.publish(
        TABLE,
        40,
        open_type=OpenType.CONDITIONAL,
        open_condition="经实名确认，用于研究或产品开发。",
        licence="CC-BY-4.0",
        items=(
            ItemEdit(column=NAME, share_type=ShareType.UNCONDITIONAL),
            ItemEdit(column=ID, share_type=ShareType.UNCONDITIONAL, open_type=OpenType.NOT_OPEN),
            ItemEdit(column=PHONE, open_type=OpenType.NOT_OPEN),
        ),
    )
    return resource.id


@pytest.fixture
def town(bureau: Bureau, opened: str) -> Iterator[Town]:
    made = Town(bureau, opened)
    yield made
    for actor in bureau.people.values():
        if bureau.platform.access.allows(actor, Permission.OPENDATA_APPLICATION_MAKE):
            for view in made.openings.applications(actor):
                if view.may_withdraw:
                    made.openings.withdraw(actor, view.request.id, "下一个测试")


def test_a_set_shows_its_conditions_and_each_version_has_its_digest(town: Town) -> None:
    usual = town.openings.conditions(ANONYMOUS, town.set_id)
    assert usual.who == "经实名确认，用于研究或产品开发。"
    assert usual.digest.startswith("sha256:")
    draft = ConditionsDraft(
        who="高校和企业",
        purposes=frozenset({"research", "product"}),
        ways=frozenset({Way.API, Way.FILE, Way.PAGE}),
        duties="加密保存，不得再提供。",
        months=6,
        agreement="仅用于约定用途。",
    )
    for login in ("steward", "consumer", "publisher"):
        with pytest.raises(Denied):
            town.openings.set_conditions(town.bureau[login], town.set_id, draft)
    with pytest.raises(Invalid) as error:
        town.openings.set_conditions(
            town.bureau["lead"], town.set_id, replace(draft, who="", months=99, ways=frozenset({Way.SQL}))
        )
    told = {one["code"] for one in error.value.detail["problems"]}  # type: ignore[index,union-attr]
    assert told == {"who_needed", "bad_period", "way_needed"}
    made = town.openings.set_conditions(town.bureau["lead"], town.set_id, draft)
    assert (made.version, town.openings.conditions(ANONYMOUS, town.set_id)) == (usual.version + 1, made)
    assert made.digest != usual.digest
    with pytest.raises(NotFound):
        town.openings.conditions(ANONYMOUS, town.bureau.resource.id)


def test_everything_that_stands_against_an_application_is_told_at_once(town: Town) -> None:
    town.openings.apply(town.member("first"), town.draft())
    bad = town.draft(
        ID,
        PHONE,
        "没有",
        agreed="sha256:old",
        purpose="supervision",
        use="看看",
        products="",
        measures="好",
        ways=frozenset({Way.SQL}),
        until=town.bureau.today + timedelta(days=2000),
    )
    with pytest.raises(Invalid) as error:
        town.openings.apply(town.member("second"), bad)
    told = {one["code"] for one in error.value.detail["problems"]}  # type: ignore[index,union-attr]
    assert told == {
        "not_offered",
        "agreement_changed",
        "purpose_needed",
        "use_needed",
        "products_needed",
        "measures_needed",
        "way_needed",
        "too_long",
    }
    with pytest.raises(Conflict) as twice:
        town.openings.apply(town.member("first"), town.draft())
    assert twice.value.reason == "already_applied"


def test_only_a_confirmed_member_of_the_public_applies(town: Town) -> None:
    for login in ("consumer", "steward", "lead", "reviewer", "deputy"):
        with pytest.raises(Denied):
            town.openings.apply(town.bureau[login], town.draft())
    from beijiang.access import PersonDraft, Role

    made, _ = town.bureau.platform.access.add_person(
        SYSTEM, PersonDraft(login="nobody-confirmed", name="未确认", roles=frozenset({Role.MEMBER}))
    )
    with pytest.raises(Denied) as error:
        town.openings.apply(made.as_actor(None), town.draft())
    assert error.value.reason == "not_confirmed"


def test_a_business_registers_with_a_credit_code_that_holds(town: Town) -> None:
    code = credit_code()
    wrong = code[:-1] + next(c for c in "0123456789" if c != code[-1])
    for bad in ("", wrong, "9115"):
        with pytest.raises(Invalid) as error:
            town.bureau.platform.registrations.register(
                ANONYMOUS,
                RegistrationDraft(
                    login="firm", name="某公司", contact="13900000000", standing=Standing.BUSINESS, credit_code=bad
                ),
            )
        assert error.value.reason == "credit_code"
    applicant = town.openings.who(town.member("business", Standing.BUSINESS))
    assert (applicant.kind.value, applicant.credit_code) == ("business", code)


def test_bureau_and_owner_decide_and_the_grant_holds_at_the_next_access(town: Town) -> None:
    who = town.member("scholar")
    with pytest.raises(NotFound):
        town.rows("scholar")
    request = town.openings.apply(who, town.draft())
    assert [stage.id for stage in request.stages] == ["formal_review", "provider_decision"]
    assert (request.state, request.org_id) == (RequestState.FORMAL_REVIEW, PUBLIC)
    assert request.case.rule_id == "open.request.reply.gz", "the answer is due from the day it came in"
    with pytest.raises(Denied):
        town.exchange.approve(town.bureau["lead"], request.id, "同意")
    request = town.exchange.approve(town.bureau["reviewer"], request.id, "材料齐全")
    assert request.case.rule_id == "open.request.reply.gz"
    assert town.openings.application(who, request.id).deadline is not None
    request = town.exchange.approve(town.bureau["lead"], request.id, "同意")
    view = town.openings.application(who, request.id)
    assert (view.standing, view.grant.grantee_kind, view.grant.holder[1]) == (
        GrantState.ACTIVE,
        GranteeKind.PUBLIC,
        who.id,
    )
    rows = town.rows("scholar")
    assert len(rows) == 5
    assert set(rows[0]) == {NAME, CITY}
    assert [step.move for step in view.steps] == [Move.SUBMIT, Move.APPROVE, Move.APPROVE, Move.GRANT]
    assert {step.name for step in view.steps if step.move is not Move.SUBMIT} == {""}
    agreed = view.request.draft.application
    conditions = town.openings.conditions(ANONYMOUS, town.set_id)
    assert (agreed.agreed, agreed.conditions, view.grant.agreement) == (
        conditions.digest,
        conditions.version,
        conditions.agreement,
    )
    assert sum(day.calls for day in town.openings.application(who, request.id).usage) == 1
    town.exchange.revoke(town.bureau["lead"], view.grant.id, "违反约定")
    with pytest.raises(NotFound):
        town.rows("scholar")


def test_nobody_else_reads_under_the_grant_of_an_applicant(town: Town) -> None:
    town.granted("holder")
    assert town.rows("holder")
    for login in ("stranger",):
        with pytest.raises(NotFound):
            town.rows(login)
    with pytest.raises(NotFound):
        town.opendata.read(ANONYMOUS, town.set_id, Exit.ROW_API)
    for login in ("consumer", "lead", "reviewer", "steward"):
        with pytest.raises(NotFound):
            town.opendata.read(town.bureau[login], town.set_id, Exit.ROW_API)
    promoted = replace(town.member("holder"), org_id=OWNER)
    with pytest.raises(NotFound):
        town.opendata.read(promoted, town.set_id, Exit.ROW_API)


def test_a_grant_of_the_public_gives_nothing_that_only_departments_may_have(town: Town) -> None:
    """A column shared inside government, and closed to the public, stays closed under a grant for another one."""
    view = town.granted("outsider", CITY)
    governed = town.bureau.platform.gate.open(town.member("outsider"), TABLE, "", Exit.ROW_API)
    assert [column.name for column in governed.columns] == [CITY]
    assert NAME in town.bureau.platform.catalog.released(TABLE).shared_items
    assert view.grant.terms.columns == (CITY,)


def test_ways_items_and_quota_that_were_narrowed_hold(town: Town) -> None:
    request = town.openings.apply(town.member("narrow"), town.draft(NAME, CITY, CAPITAL))
    town.exchange.approve(town.bureau["reviewer"], request.id, "材料齐全")
    less = Narrowing(without=frozenset({CAPITAL}), without_ways=frozenset({Way.FILE, Way.PAGE}), calls_per_day=2)
    done = town.exchange.approve(town.bureau["lead"], request.id, "不需要注册资本", less)
    assert done.state is RequestState.PARTLY_APPROVED
    assert set(town.rows("narrow")[0]) == {NAME, CITY}
    order = files.DownloadOrder(form=files.DownloadFormat.CSV)
    with pytest.raises(NotFound):
        town.opendata.download(town.member("narrow"), town.set_id, order)
    town.rows("narrow")
    from beijiang.kit import Throttled

    with pytest.raises(Throttled):
        town.rows("narrow")


def test_what_ends_has_ended(town: Town) -> None:
    view = town.granted("ending", until=town.bureau.today + timedelta(days=5))
    assert town.rows("ending")
    began = town.bureau.clock.at
    town.bureau.clock.at = began + timedelta(days=6)
    try:
        with pytest.raises(NotFound):
            town.rows("ending")
        found = town.openings.application(town.member("ending"), view.request.id)
        assert found.standing is GrantState.EXPIRED
    finally:
        town.bureau.clock.at = began
    assert town.rows("ending")
    town.openings.give_up(town.member("ending"), view.request.id, "论文已完成")
    with pytest.raises(NotFound):
        town.rows("ending")


def test_an_item_closed_or_graded_up_after_the_grant_is_not_had_any_more(town: Town) -> None:
    town.granted("closing", NAME, CITY)
    catalog, bureau = town.bureau.platform.catalog, town.bureau
    assert set(town.rows("closing")[0]) == {NAME, CITY}

    def put(kind: OpenType) -> None:
        from beijiang.catalog import ResourceEdit

        catalog.edit(bureau["steward"], town.set_id, ResourceEdit(items=(ItemEdit(column=CITY, open_type=kind),)))
        catalog.submit(bureau["steward"], town.set_id)
        catalog.approve(bureau["reviewer"], town.set_id)
        catalog.publish(bureau["publisher"], town.set_id)

    put(OpenType.NOT_OPEN)
    assert set(town.rows("closing")[0]) == {NAME}
    put(OpenType.CONDITIONAL)
    assert set(town.rows("closing")[0]) == {NAME, CITY}


def test_a_file_names_who_took_it_and_is_traced_back_to_the_grant(town: Town) -> None:
    view = town.granted("taker")
    order = files.DownloadOrder(form=files.DownloadFormat.CSV, encoding=files.DownloadEncoding.UTF8_BOM)
    download = town.opendata.download(town.member("taker"), town.set_id, order)
    text = b"".join(download.content).decode("utf-8-sig")
    first = text.splitlines()[0]
    assert "taker 的名字" in first
    assert view.grant.id in first
    assert download.receipt in first
    receipt = town.bureau.platform.receipts.receipt(town.member("taker"), download.receipt)
    assert view.grant.id in str(receipt)


def test_a_recall_is_told_on_the_page_and_ends_the_version(town: Town) -> None:
    town.granted("reader")
    version = town.opendata.read(town.member("reader"), town.set_id, Exit.ROW_API).version
    town.bureau.write(TABLE, firms(3))
    town.bureau.platform.db.deliver_waiting()
    draft = RecallDraft(resource_id=town.set_id, versions=(version,), reason="登记有误", remedy=next(iter(Remedy)))
    made = town.bureau.platform.recalls.recall(town.bureau["lead"], draft)
    dataset = town.opendata.dataset(town.member("reader"), town.set_id)
    assert [one.id for one in town.opendata.recalls(town.member("reader"), dataset)] == [made.id]
    assert all(duty.org_id != PUBLIC for duty in town.bureau.platform.recalls.view(SYSTEM, made.id).duties)


def test_sent_back_completed_refused_and_appealed(town: Town) -> None:
    who = town.member("patient")
    request = town.openings.apply(who, town.draft())
    town.exchange.ask_more(town.bureau["reviewer"], request.id, "请写明成果何时发表")
    view = town.openings.application(who, request.id)
    assert view.may_supply
    done = town.openings.supply(who, request.id, town.draft(products="2026 年底发表的论文和图表。"), "已补充")
    assert done.state is RequestState.FORMAL_REVIEW
    town.exchange.approve(town.bureau["reviewer"], request.id, "材料齐全")
    with pytest.raises(Invalid) as error:
        town.exchange.refuse(town.bureau["lead"], request.id, "张三的电脑不安全")
    assert error.value.reason == "refusal_reason"
    town.exchange.refuse(town.bureau["lead"], request.id, "张三的电脑不安全", "measures_weak")
    view = town.openings.application(who, request.id)
    assert view.request.state is RequestState.REFUSED
    assert view.appeal_until is not None
    began = town.bureau.clock.at
    town.bureau.clock.at = began + timedelta(days=60)
    with pytest.raises(Conflict):
        town.openings.appeal(who, request.id, "措施已加强")
    town.bureau.clock.at = began
    appealed = town.openings.appeal(who, request.id, "措施已加强")
    assert (appealed.state, appealed.case.rule_id) == (RequestState.AUTHORITY_REVIEW, "open.appeal.reply.default")
    for login in ("lead", "reviewer"):
        with pytest.raises(Denied):
            town.exchange.approve(town.bureau[login], request.id, "同意")
    final = town.exchange.refuse(town.bureau["publisher"], request.id, "仍不充分", "measures_weak")
    assert final.state is RequestState.REFUSED
    with pytest.raises(Conflict):
        town.openings.appeal(who, request.id, "再申诉")


def test_an_appeal_that_is_granted_gives_what_was_refused(town: Town) -> None:
    who = town.member("lucky")
    request = town.openings.apply(who, town.draft())
    town.exchange.refuse(town.bureau["reviewer"], request.id, "用途不明", "purpose_unfit")
    town.openings.appeal(who, request.id, "用途写得很清楚")
    done = town.exchange.approve(town.bureau["publisher"], request.id, "申诉成立")
    assert done.state is RequestState.APPROVED
    assert town.rows("lucky")


def test_outcomes_are_published_without_a_word_of_who_applied(town: Town) -> None:
    who = town.member("shy")
    before = town.openings.outcomes(ANONYMOUS, town.set_id)
    request = town.openings.apply(who, town.draft(use="秘密用途不得外传的说明文字"))
    town.exchange.refuse(town.bureau["reviewer"], request.id, "shy 的申请缺少说明", "purpose_unfit")
    found = town.openings.outcomes(ANONYMOUS, town.set_id)
    assert found.decided == before.decided + 1
    newest = next(one for one in found.outcomes if one.reason == refusals()["purpose_unfit"])
    assert (newest.decision, newest.kind.value, newest.purpose, newest.reason.zh) == (
        RequestState.REFUSED,
        "person",
        "research",
        "用途不明确或不在可申请范围",
    )
    assert not {"shy", who.id, "秘密用途", request.id} & set(str(found).split())
    for word in ("shy", who.id, "秘密用途", request.id):
        assert word not in str(found)


def test_an_applicant_never_reaches_rights_of_exchange_nor_what_others_asked_for(town: Town) -> None:
    """Whatever an applicant asks: with and without grants and applications of others the answers are the same."""
    who, access = town.member("curious"), town.bureau.platform.access
    rights = [p for p in Permission if p.startswith("exchange:")]
    orgs = [None, OWNER, BUREAU, PUBLIC, who.id]
    assert not [(p, org) for p in rights for org in orgs if access.allows(who, p, org)]
    theirs = town.granted("neighbour")
    asked = town.bureau.asked(CAPITAL)
    verbs = [
        lambda: town.exchange.requests(who),
        lambda: town.exchange.grants(who, GrantQuery()),
        lambda: town.exchange.waiting(who),
        lambda: town.exchange.basket(who),
        lambda: town.exchange.request(who, asked.id),
        lambda: town.exchange.grant(who, theirs.grant.id),
        lambda: town.exchange.look(who, theirs.grant.id),
        lambda: town.exchange.minutes(who, theirs.request.id, None),
        lambda: town.exchange.withdraw(who, theirs.request.id, "x"),
        lambda: town.exchange.approve(who, theirs.request.id, "x"),
        lambda: town.bureau.platform.recalls.recalls(who),
        lambda: town.bureau.platform.pushes.pushes(who),
        lambda: town.bureau.platform.demands.demands(who),
    ]
    for verb in verbs:
        with pytest.raises(Denied):
            verb()
    answers = []
    for other in (theirs.request.id, asked.id, "req_made_up"):
        for verb in (
            lambda one: town.openings.application(who, one),
            lambda one: town.openings.withdraw(who, one, "x"),
            lambda one: town.openings.appeal(who, one, "x"),
            lambda one: town.openings.give_up(who, one, "x"),
            lambda one: town.openings.supply(who, one, town.draft(), "x"),
        ):
            with pytest.raises(NotFound) as error:
                verb(other)
            answers.append((error.value.reason, error.value.text))
    assert len(set(answers)) == 1
    assert town.openings.applications(who) == []
    town.bureau.exchange.withdraw(town.bureau["consumer"], asked.id, "下一个测试")


def test_a_department_cannot_ask_as_the_public_does(town: Town) -> None:
    draft = town.bureau.draft(CITY, grantee_kind=GranteeKind.PUBLIC, grantee_id=town.bureau["consumer"].id)
    made = town.exchange.put(town.bureau["consumer"], draft)
    with pytest.raises(Invalid) as error:
        town.exchange.submit(town.bureau["consumer"], [made.id])
    assert "unknown_grantee" in {p["code"] for p in error.value.detail["problems"]}  # type: ignore[index,union-attr]
    town.exchange.discard(town.bureau["consumer"], made.id)
    assert SCHEMA.names
