"""Requests that travel between two real nodes: filed, decided, told back, collected, taken back, disputed."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader
from sqlalchemy import text

from beijiang.exchange import (
    ASKER_MOVES,
    TRAVELLING_LONGEST,
    DisputeMove,
    GrantState,
    Move,
    Narrowing,
    RequestState,
    Way,
)
from beijiang.exchange.commands.told import told_step
from beijiang.federation import LetterState, ParcelForm, ParcelState
from beijiang.federation import Way as Direction
from beijiang.federation.service.travelling import DisputeCame
from beijiang.kit import Conflict, Invalid, Language, NotFound, Text
from beijiang.tables import Filter, FilterOp
from linked import AUDITOR, GUARD
from travelling import CAPITAL, CITY, NAME, Levels


@pytest.fixture(scope="module")
def levels(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Levels]:
    made = Levels(tmp_path_factory.mktemp("levels"))
    yield made
    made.close()


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Levels]:
    """Nodes of its own for a test that moves the clock or goes offline."""
    made = Levels(tmp_path)
    yield made
    made.close()


def parcel(levels: Levels, request_id: str, form: ParcelForm = ParcelForm.CSV) -> Any:
    """Want the data, let letters go, and return the parcel as the region has it then."""
    travels, consumer = levels.up.platform.travels, levels.region["consumer"]
    made = travels.want(consumer, request_id, form)
    levels.post()
    return next(one for one in travels.parcels(consumer, request_id) if one.id == made.id)


def told(node: Any, kind: str, way: Direction = Direction.IN) -> list[Any]:
    """Return the letters of a kind that came to a node, oldest first."""
    return [one for one in reversed(node.platform.letters.page(AUDITOR, ways=(way,))[0]) if one.kind == kind]


def test_the_own_authority_lets_a_request_out_before_anybody_else_hears_of_it(levels: Levels) -> None:
    plan = levels.region.exchange.plan(
        levels.region["consumer"], levels.region.draft(CAPITAL, resource=levels.entry, ways=frozenset({Way.FILE}))
    )
    assert ([one.stage.id for one in plan.stages], plan.problems) == (["leaving"], ())
    other_way = levels.region.draft(CAPITAL, resource=levels.entry)
    assert {one.code for one in levels.region.exchange.plan(levels.region["consumer"], other_way).problems} == {
        "way_not_afar"
    }
    made = levels.ask(CAPITAL)
    assert made.state is RequestState.AUTHORITY_REVIEW
    levels.post()
    with pytest.raises(StopIteration):
        levels.there(made.id)
    levels.region.exchange.refuse(levels.region["reviewer"], made.id, "本级已有这些数据")
    levels.post()
    assert levels.here(made.id).state is RequestState.REFUSED
    with pytest.raises(StopIteration):
        levels.there(made.id)


def test_it_passes_the_flow_of_the_node_that_holds_the_data_and_every_step_comes_back(levels: Levels) -> None:
    made, filed = levels.left(CAPITAL, CITY)
    assert (made.state, filed.state) == (RequestState.AWAY, RequestState.FORMAL_REVIEW)
    assert filed.org_id.startswith("peer-")
    own = levels.region.platform.access.organisation(made.org_id).name_zh
    assert levels.city.platform.access.organisation(filed.org_id).name_zh.startswith(own)
    assert [stage.id for stage in filed.stages][-1] == "authority_decision", "the city knows that it goes across levels"
    assert made.outward is not None
    assert made.outward.standing is not None
    assert [one["id"] for one in made.outward.standing.stages] == [stage.id for stage in filed.stages]

    levels.city.exchange.ask_more(levels.city["reviewer"], filed.id, "请补充业务系统名称")
    levels.post()
    made = levels.here(made.id)
    assert made.state is RequestState.SUPPLEMENT
    levels.region.exchange.supply(
        levels.region["consumer"], made.id, replace(made.draft, system="监管系统"), "已补充系统名称"
    )
    levels.post()
    assert (levels.here(made.id).state, levels.there(made.id).draft.system) == (RequestState.AWAY, "监管系统")

    exchange = levels.city.exchange
    exchange.approve(levels.city["reviewer"], filed.id, "符合")
    levels.post()
    standing = levels.here(made.id).outward.standing  # type: ignore[union-attr]
    assert standing is not None
    assert (standing.stages[standing.at_stage]["id"], standing.rule) == (
        "provider_opinion",
        "share.reply.conditional.809",
    )
    assert standing.due == levels.city.platform.standards.due(levels.city.today, 10).on
    exchange.approve(levels.city["steward"], filed.id, "同意")
    exchange.approve(levels.city["lead"], filed.id, "只给资本", Narrowing(without=frozenset({CITY})))
    exchange.approve(levels.city["publisher"], filed.id, "同意")
    levels.post()
    view = levels.region.exchange.request(levels.region["consumer"], made.id)
    assert (view.request.state, view.request.offered.columns) == (RequestState.PARTLY_APPROVED, (CAPITAL,))
    said = [(step.move.value, step.words) for step in view.steps]
    assert [
        one
        for one in said
        if one in {("approve", "同意外送"), ("ask_more", "请补充业务系统名称"), ("narrow", "只给资本")}
    ] == [("approve", "同意外送"), ("ask_more", "请补充业务系统名称"), ("narrow", "只给资本")]
    assert len({(s.at, s.by, s.move.value, s.stage, s.words) for s in view.steps}) == len(view.steps), (
        "nothing is told twice"
    )
    paper = levels.region.exchange.minutes(levels.region["consumer"], made.id, Language.ZH)
    lines = [line for page in PdfReader(io.BytesIO(paper.content)).pages for line in page.extract_text().splitlines()]
    granted = {name: "".join(lines[lines.index(name) : lines.index(name) + 3]) for name in (CAPITAL, CITY)}
    assert "未批准" not in granted[CAPITAL], "what the other node granted is granted, though the grant stands there"
    assert "未批准" in granted[CITY]


def test_data_come_sealed_once_and_as_the_city_masks_them(levels: Levels) -> None:
    made, _ = levels.granted(CAPITAL, CITY)
    assert made.state is RequestState.APPROVED
    came = parcel(levels, made.id)
    assert (came.state, came.grade) == (ParcelState.ARRIVED, "L1")
    with levels.up.platform.db.read() as up, levels.down.platform.db.read() as down:
        for connection in (up, down):
            bodies = "".join(connection.execute(text("SELECT body FROM federation_letter")).scalars())
            assert "呼和浩特市" not in bodies
    travels = levels.up.platform.travels
    with pytest.raises(NotFound):
        travels.collect(levels.region["banner"], came.id)
    found = travels.collect(levels.region["consumer"], came.id)
    rows = list(csv.reader(io.StringIO(found.content.decode("utf-8-sig"))))
    head = next(row for row in rows if CITY in row)
    assert sorted(head) == sorted([CITY, CAPITAL]), (
        "the granted items, and not what departments of the city share beside"
    )
    assert len(rows) - rows.index(head) - 1 == 30
    with pytest.raises(Conflict):
        travels.collect(levels.region["consumer"], came.id)
    sent = [body for target, body in levels.down.evidence("federation.parcel_send") if came.receipt in body]
    kept = [body for target, body in levels.up.evidence("federation.parcel_come") if came.receipt in body]
    assert len(sent) == len(kept) == 1
    assert came.digest in sent[0], "both sides keep the hash of what was sent"
    assert came.digest in kept[0]


def test_a_revoked_grant_refuses_the_very_next_use_whatever_the_asker_believes(levels: Levels) -> None:
    made, filed = levels.granted(CAPITAL)
    levels.city.exchange.revoke(levels.city["lead"], filed.grant_id, "用途不符")
    assert levels.here(made.id).outward.standing.grant.state == "active"  # type: ignore[union-attr]
    travels, consumer = levels.up.platform.travels, levels.region["consumer"]
    wanted = travels.want(consumer, made.id, ParcelForm.CSV)
    levels.up.post()
    levels.post()
    after = next(one for one in travels.parcels(consumer, made.id) if one.id == wanted.id)
    assert after.state is ParcelState.REFUSED
    assert after.reason is not None
    assert after.reason.zh
    assert levels.here(made.id).outward.standing.grant.state == "revoked"  # type: ignore[union-attr]
    with pytest.raises(Conflict):
        travels.want(consumer, made.id, ParcelForm.CSV)


def test_what_the_city_cannot_file_comes_back_as_a_refusal_with_its_reasons(levels: Levels) -> None:
    travels, steward = levels.up.platform.travels, levels.region["steward"]
    travels.place(steward, levels.entry, levels.down.id, "res_unknown")
    try:
        made = levels.ask(CAPITAL)
        levels.region.exchange.approve(levels.region["reviewer"], made.id, "同意外送")
        levels.post()
    finally:
        travels.place(steward, levels.entry, levels.down.id, levels.city.resource.id)
    view = levels.region.exchange.request(levels.region["consumer"], made.id)
    assert view.request.state is RequestState.REFUSED
    assert (view.steps[-1].move.value, view.steps[-1].detail["node"]) == (
        "refuse",
        levels.up.platform.nodes.link(AUDITOR, levels.down.id).card.name.zh,
    )
    assert view.steps[-1].words


def test_a_refusal_is_disputed_where_it_was_decided(levels: Levels) -> None:
    made, filed = levels.left(CAPITAL)
    levels.city.exchange.refuse(levels.city["reviewer"], filed.id, "用途不明确")
    levels.post()
    assert levels.here(made.id).state is RequestState.REFUSED
    levels.region.exchange.dispute(levels.region["consumer"], made.id, DisputeMove.RAISE, "用途已写明")
    levels.post()
    disputes = levels.city.platform.disputes
    raised = next(one for one in disputes.disputes(levels.city["reviewer"])[0] if one.subject == filed.id)
    assert (raised.words, raised.org_id) == ("用途已写明", filed.org_id)
    disputes.move(levels.city["reviewer"], raised.id, DisputeMove.KEEP, "仍需说明法定职责")
    levels.post()
    view = levels.region.exchange.request(levels.region["consumer"], made.id)
    assert view.request.outward is not None
    assert view.request.outward.standing is not None
    assert view.request.outward.standing.dispute is not None
    assert view.request.outward.standing.dispute["state"] == "negotiating"
    assert "仍需说明法定职责" in [step.words for step in view.steps]
    levels.region.exchange.dispute(levels.region["consumer"], made.id, DisputeMove.AGREE, "接受")
    levels.post()
    assert disputes.view(levels.city["reviewer"], raised.id).dispute.state.value == "settled"


def test_a_request_of_another_node_is_worked_at_again_after_a_dispute(levels: Levels) -> None:
    made, filed = levels.left(CAPITAL)
    levels.city.exchange.refuse(levels.city["reviewer"], filed.id, "用途不明确")
    levels.post()
    levels.region.exchange.dispute(levels.region["consumer"], made.id, DisputeMove.RAISE, "用途已写明")
    levels.post()
    disputes = levels.city.platform.disputes
    raised = next(one for one in disputes.disputes(levels.city["reviewer"])[0] if one.subject == filed.id)
    disputes.move(levels.city["reviewer"], raised.id, DisputeMove.YIELD, "用途确已写明")
    levels.post()
    assert levels.here(made.id).state is RequestState.AWAY
    assert "用途确已写明" in [
        step.words for step in levels.region.exchange.request(levels.region["consumer"], made.id).steps
    ]
    done = levels.city.exchange.approve(levels.city["reviewer"], filed.id, "同意")
    assert done.state is RequestState.PROVIDER_REVIEW


def test_what_is_the_other_sides_to_do_in_a_dispute_is_done_neither_here_nor_by_letter(levels: Levels) -> None:
    made, filed = levels.left(CAPITAL)
    before = levels.region.exchange.request(levels.region["consumer"], made.id).steps
    org = {"id": made.org_id, "zh": "某部门", "en": ""}
    sent = []
    for move in [one for one in DisputeMove if one not in ASKER_MOVES]:
        with pytest.raises(Invalid) as error:
            levels.region.exchange.dispute(levels.region["consumer"], made.id, move, "裁定")
        assert error.value.reason == "not_the_askers"
        body = {"request": made.id, "org": org, "by": "某人", "move": move.value, "words": "裁定"}
        sent.append(levels.up.send(levels.down, "request.dispute", body))
    assert levels.region.exchange.request(levels.region["consumer"], made.id).steps == before
    levels.post()
    assert {levels.up.letter(levels.down, one).code for one in sent} == {"bad_letter"}
    assert levels.there(made.id).revision == filed.revision


def test_a_move_that_could_not_be_made_there_is_no_refusal_of_the_request(levels: Levels) -> None:
    made, _ = levels.left(CAPITAL)
    levels.region.exchange.dispute(levels.region["consumer"], made.id, DisputeMove.AGREE, "接受")
    levels.post()
    view = levels.region.exchange.request(levels.region["consumer"], made.id)
    assert view.request.state is RequestState.AWAY
    assert (view.steps[-1].move, "refuse" in {step.move.value for step in view.steps}) == (Move.UNDONE, False)


def disputes_that_wait(node: Any) -> list[str]:
    """Return why disputes that came have not been taken up."""
    with node.platform.db.read() as connection:
        query = text("SELECT last_error FROM outbox WHERE event = 'DisputeCame' AND delivered_at IS NULL")
        return list(connection.execute(query).scalars())


def test_a_dispute_about_what_was_never_filed_is_refused_as_a_letter(levels: Levels) -> None:
    made, _ = levels.left(CAPITAL)
    own = {"id": made.org_id, "zh": "某部门", "en": ""}
    other = {"id": "another", "zh": "另一部门", "en": ""}
    sent = [
        levels.up.send(
            levels.down,
            "request.dispute",
            {"request": request, "org": org, "by": "某人", "move": "raise", "words": "不服"},
        )
        for request, org in (("req_never", own), (made.id, other))
    ]
    levels.post()
    answers = [levels.up.letter(levels.down, one) for one in sent]
    assert [one.code for one in answers] == ["request_not_found", "no_dispute_there"]
    assert {one.state for one in answers} == {LetterState.REFUSED}
    levels.down.platform.db.deliver_waiting()
    assert disputes_that_wait(levels.down) == []


def test_a_dispute_of_a_node_that_has_parted_meanwhile_is_delivered_once(fresh: Levels) -> None:
    levels = fresh
    _, filed = levels.left(CAPITAL)
    levels.down.platform.nodes.end(GUARD, levels.up.id, "联结结束")
    came = DisputeCame(
        node_id=levels.up.id, org_id=filed.org_id, by="某人", request_id=filed.id, move="agree", words="接受"
    )
    with levels.down.platform.db.begin() as tx:
        tx.publish(came)
    levels.down.platform.db.deliver_waiting()
    assert disputes_that_wait(levels.down) == [], "nobody is told, and the event has had its effect"


def test_withdrawing_and_giving_back_travel(levels: Levels) -> None:
    made, _ = levels.left(CAPITAL)
    levels.region.exchange.withdraw(levels.region["consumer"], made.id, "业务取消" * 1500)
    levels.post()
    assert (levels.here(made.id).state, levels.there(made.id).state) == (RequestState.WITHDRAWN, RequestState.WITHDRAWN)
    made, filed = levels.granted(CAPITAL)
    levels.region.exchange.give_back(levels.region["consumer"], made.id, "业务结束")
    levels.post()
    grant = levels.city.exchange.grant(levels.city["lead"], filed.grant_id).grant
    assert (grant.state.value, grant.reason) == ("revoked", "业务结束")
    assert levels.here(made.id).outward.standing.grant.state == "revoked"  # type: ignore[union-attr]


def test_the_city_asks_the_region_in_the_same_way(levels: Levels) -> None:
    asked = levels.city.asked(NAME, resource=levels.above, ways=frozenset({Way.FILE}))
    levels.city.exchange.approve(levels.city["reviewer"], asked.id, "同意外送")
    levels.post()
    done = levels.city.exchange.request(levels.city["consumer"], asked.id).request
    assert done.state is RequestState.APPROVED, "the region shares names without conditions: its own flow needs nobody"
    travels, consumer = levels.down.platform.travels, levels.city["consumer"]
    wanted = travels.want(consumer, done.id, ParcelForm.PARQUET)
    levels.post()
    assert travels.collect(consumer, wanted.id).content[:4] == b"PAR1"


def test_after_days_offline_it_is_filed_once_and_the_legal_time_begins_with_arrival(fresh: Levels) -> None:
    levels = fresh
    levels.down.down()
    made = levels.ask(CAPITAL)
    levels.region.exchange.approve(levels.region["reviewer"], made.id, "同意外送")
    levels.up.post()
    left = levels.clock.at
    for _ in range(3):
        levels.clock.at += timedelta(days=1)
        levels.up.post()
    levels.clock.at += timedelta(days=1)
    levels.down.up()
    levels.post()
    filed = levels.there(made.id)
    came = filed.afar
    assert came is not None
    assert came.asked_at == left
    assert filed.submitted_at == left + timedelta(days=4)
    assert len([one for one in levels.city.exchange.requests(levels.city["reviewer"])[0] if one.afar]) == 1
    levels.city.exchange.approve(levels.city["reviewer"], filed.id, "符合")
    levels.post()
    standing = levels.here(made.id).outward.standing  # type: ignore[union-attr]
    assert standing is not None
    assert standing.arrived_at == left + timedelta(days=4)
    assert standing.due == levels.city.platform.standards.due(levels.city.today, 10).on


def test_a_letter_that_says_the_same_again_changes_nothing(levels: Levels) -> None:
    made, filed = levels.left(CAPITAL)
    letter = told(levels.down, "request.file")[-1]
    sent = levels.up.send(levels.down, letter.kind, dict(letter.body), "request:again")
    levels.post()
    assert levels.up.letter(levels.down, sent).state is LetterState.REFUSED
    assert levels.up.letter(levels.down, sent).code == "filed_before"
    assert levels.there(made.id).revision == filed.revision
    levels.region.exchange.withdraw(levels.region["consumer"], made.id, "测试结束")
    levels.post()


def test_a_node_answers_only_for_what_was_asked_of_it_and_never_gives_more(levels: Levels) -> None:
    made, _ = levels.left(CAPITAL)
    own = levels.region.asked(CAPITAL)
    said = told(levels.up, "request.told")[-1].body
    more = {**said["standing"], "revision": 99, "state": "approved"}
    more["offered"] = {**more["offered"], "items": [{"column": "法定代表人证件号码", "handling": "as_is"}]}
    for body, code in (
        ({"request": own.id, "standing": said["standing"]}, "not_its_matter"),
        ({"request": "req_none", "standing": said["standing"]}, "not_its_matter"),
        ({"request": made.id, "standing": more}, "not_its_matter"),
        ({"request": made.id, "standing": {"state": "approved"}}, "bad_letter"),
        ({"request": made.id, "standing": {**said["standing"], "state": "owned", "revision": 99}}, "bad_letter"),
    ):
        sent = levels.down.send(levels.up, "request.told", body, f"request:{code}")
        levels.post()
        assert (levels.down.letter(levels.up, sent).state, levels.down.letter(levels.up, sent).code) == (
            LetterState.REFUSED,
            code,
        )
    assert (levels.here(made.id).state, levels.here(made.id).offered.columns) == (RequestState.AWAY, (CAPITAL,))
    for one in (made, own):
        levels.region.exchange.withdraw(levels.region["consumer"], one.id, "测试结束")
    levels.post()


def test_a_parcel_that_nobody_wanted_is_refused(levels: Levels) -> None:
    body = {
        "parcel": "pcl_none",
        "number": 1,
        "of": 1,
        "sealed": "AAAA",
        "file_name": "x.csv",
        "receipt": "r",
        "grade": "L1",
    }
    sent = levels.down.send(levels.up, "parcel.part", body)
    levels.post()
    assert levels.down.letter(levels.up, sent).code == "parcel_not_found"


def test_a_way_or_a_grantee_that_does_not_travel_is_told_at_once(levels: Levels) -> None:
    draft = levels.region.draft(CAPITAL, resource=levels.entry, ways=frozenset({Way.API}))
    made = levels.region.exchange.put(levels.region["consumer"], draft)
    with pytest.raises(Invalid, match="another node") as error:
        levels.region.exchange.submit(levels.region["consumer"], [made.id])
    assert error.value.reason == "request_incomplete"
    levels.region.exchange.discard(levels.region["consumer"], made.id)


def test_what_no_letter_takes_is_told_before_it_is_handed_in(levels: Levels) -> None:
    for name, most in TRAVELLING_LONGEST.items():
        draft = levels.region.draft(CAPITAL, resource=levels.entry, ways=frozenset({Way.FILE}))
        for length, codes in ((most, set()), (most + 1, {"too_long_afar"})):
            said = replace(draft, **{name: "据" * length})
            assert {one.code for one in levels.region.exchange.plan(levels.region["consumer"], said).problems} == codes
    made, filed = levels.left(CAPITAL, use="核" * TRAVELLING_LONGEST["use"])
    assert (made.state, filed.draft.use) == (RequestState.AWAY, made.draft.use)


def test_words_completed_after_a_stage_there_took_something_away_go_on_where_it_stood(levels: Levels) -> None:
    made, filed = levels.left(CAPITAL, CITY)
    exchange = levels.city.exchange
    exchange.approve(levels.city["reviewer"], filed.id, "只给资本", Narrowing(without=frozenset({CITY})))
    exchange.ask_more(levels.city["steward"], filed.id, "请补充业务系统名称")
    levels.post()
    stood = levels.there(made.id).at_stage
    draft = replace(levels.here(made.id).draft, system="监管系统")
    levels.region.exchange.supply(levels.region["consumer"], made.id, draft, "已补充")
    levels.post()
    there = levels.there(made.id)
    assert stood == 1, "the second stage sent it back"
    assert (there.at_stage, there.state, there.offered.columns) == (1, RequestState.PROVIDER_REVIEW, (CAPITAL,))
    assert levels.here(made.id).offered.columns == (CAPITAL,)


def sent_back(levels: Levels) -> Any:
    """Return a request of the region that the city has sent back to be completed."""
    made, filed = levels.left(CAPITAL)
    levels.city.exchange.ask_more(levels.city["reviewer"], filed.id, "请补充业务系统名称")
    levels.post()
    return levels.here(made.id)


def completed(levels: Levels, made: Any) -> None:
    draft = replace(made.draft, system="监管系统")
    levels.region.exchange.supply(levels.region["consumer"], made.id, draft, "已补充")
    levels.post()


def test_a_completion_that_the_city_cannot_take_up_waits_here_again_with_the_reason(fresh: Levels) -> None:
    levels = fresh
    made = sent_back(levels)
    levels.city.platform.catalog.withdraw(levels.city["publisher"], levels.city.resource.id, "目录调整")
    completed(levels, made)
    view = levels.region.exchange.request(levels.region["consumer"], made.id)
    assert (view.request.state, view.may_supply) == (RequestState.SUPPLEMENT, True)
    assert view.steps[-1].move is Move.UNDONE
    assert view.steps[-1].words


def test_what_a_node_does_not_take_is_known_where_it_was_said(fresh: Levels) -> None:
    levels = fresh
    made, taken = sent_back(levels), levels.left(CAPITAL)[0]
    readers = levels.down.platform.letters._readers  # an older release does not know these letters yet
    for kind in ("request.supply", "request.back", "request.dispute"):
        del readers[kind]
    completed(levels, made)
    assert levels.here(made.id).state is RequestState.SUPPLEMENT
    exchange, consumer = levels.region.exchange, levels.region["consumer"]
    exchange.dispute(consumer, taken.id, DisputeMove.RAISE, "逾期未答复")
    levels.post()
    assert (levels.here(taken.id).state, exchange.request(consumer, taken.id).steps[-1].move) == (
        RequestState.AWAY,
        Move.UNDONE,
    )
    exchange.withdraw(consumer, taken.id, "业务取消")
    levels.post()
    after = exchange.request(consumer, taken.id)
    assert [step.move for step in after.steps[-2:]] == [Move.WITHDRAW, Move.UNDONE]
    assert after.request.state is RequestState.WITHDRAWN


def filing(levels: Levels, body: Mapping[str, Any], number: str, **other: Any) -> Any:
    """Send the letter of a request again as another one, with something else in it; return what the region hears of it."""
    levels.up.send(levels.down, "request.file", {**body, "request": number, **other}, f"request:{number}")
    levels.post()
    found = [one for one in told(levels.down, "request.told", Direction.OUT) if one.body["request"] == number]
    return found[-1].body["standing"]


def test_departments_come_only_with_a_request_that_is_filed_and_never_too_many(
    levels: Levels, monkeypatch: pytest.MonkeyPatch
) -> None:
    levels.left(CAPITAL)
    body = told(levels.down, "request.file")[-1].body
    access = levels.city.platform.access
    known = access.organisations()
    other = {"id": "police", "zh": "公安厅", "en": ""}
    assert filing(levels, body, "req_org_1", org=other, resource="res_none")["state"] == "refused"
    assert access.organisations() == known, "nothing was filed, so nobody is known by it"
    monkeypatch.setattr("beijiang.exchange.service.travelling.DEPARTMENTS_MOST", 1)
    assert "1 个部门" in filing(levels, body, "req_org_2", org=other)["refused"]["zh"]
    assert access.organisations() == known
    assert filing(levels, body, "req_org_3")["state"] == "formal_review", "a department that asked before asks on"
    monkeypatch.undo()
    assert filing(levels, body, "req_org_4", org=other)["state"] == "formal_review"
    assert len(access.organisations()) == len(known) + 1


def test_only_what_travels_is_filed_for_another_node(levels: Levels) -> None:
    levels.left(CAPITAL)
    body = told(levels.down, "request.file")[-1].body
    asking = body["asking"]
    terms = {**asking["terms"], "ways": [Way.API.value, Way.PAGE.value]}
    standing = filing(levels, body, "req_ways_1", asking={**asking, "terms": terms})
    assert (standing["state"], "文件下载" in standing["refused"]["zh"]) == ("refused", True)
    made = sent_back(levels)
    body = told(levels.down, "request.file")[-1].body
    sent = {key: body[key] for key in ("request", "resource", "org", "by", "words")}
    levels.up.send(
        levels.down, "request.supply", {**sent, "asking": {**body["asking"], "terms": terms}}, "request:ways"
    )
    levels.post()
    there = levels.there(made.id)
    assert (there.state, there.draft.terms.ways) == (RequestState.SUPPLEMENT, frozenset({Way.FILE}))


def tells(levels: Levels, made: Any, **other: Any) -> Any:
    """Have the city tell how a request stands, with something else in it; return the letter as it was answered."""
    standing = levels.city.exchange.standing(levels.there(made.id).id)[1].to_json()
    body = {"request": made.id, "standing": {**standing, **other}}
    sent = levels.down.send(levels.up, "request.told", body, f"request:{made.id}")
    levels.post()
    return levels.down.letter(levels.up, sent)


def a_step(levels: Levels, key: str, **other: Any) -> dict[str, str]:
    at = levels.clock.at.isoformat()
    step = {"key": key, "at": at, "move": "urge", "stage": "", "name": "某人", "org": "某局", "words": ""}
    return {**step, **other}


def test_what_a_node_tells_is_read_in_its_form_only(levels: Levels) -> None:
    firms = (Filter(CITY, FilterOp.EQ, "包头市"),)
    made, filed = levels.left(CAPITAL, CITY, filters=firms, rows_per_day=10)
    assert filed.offered.filters == firms
    offered = levels.city.exchange.standing(filed.id)[1].to_json()["offered"]
    stage = {**levels.city.exchange.standing(filed.id)[1].to_json()["stages"][0]}
    grant = {"id": "grt_1", "state": "active", "until": "2026-12-01", "reason": ""}
    dispute = {"id": "dsp_1", "kind": "refusal", "state": "open", "outcome": "", "basis": ""}
    early = (levels.clock.at - timedelta(days=365)).isoformat()
    garbage: list[tuple[dict[str, Any], str]] = [
        ({"grant": {**grant, "state": {}}}, "bad_letter"),
        ({"grant": {**grant, "reason": ["a"]}}, "bad_letter"),
        ({"dispute": {**dispute, "state": ["open"]}}, "bad_letter"),
        ({"dispute": {}}, "bad_letter"),
        ({"stages": [{}]}, "bad_letter"),
        ({"offered": {**offered, "rows_per_day": "many"}}, "bad_letter"),
        ({"steps": [a_step(levels, "k", move="<b>conquer")]}, "bad_letter"),
        ({"steps": [a_step(levels, "k", move="conquer" * 3)]}, "bad_letter"),
        ({"steps": [a_step(levels, "k", at="yesterday")]}, "bad_letter"),
        ({"stages": [{**stage, "id": "leaving"}]}, "not_its_matter"),
        ({"steps": [a_step(levels, "k", stage="leaving", move="approve")]}, "not_its_matter"),
        ({"steps": [a_step(levels, "k", at=early)]}, "not_its_matter"),
        ({"offered": {**offered, "filters": []}}, "not_its_matter"),
        ({"offered": {**offered, "rows_per_day": 11}}, "not_its_matter"),
        ({"offered": {**offered, "rows_per_day": None}}, "not_its_matter"),
    ]
    before = levels.here(made.id)
    for other, code in garbage:
        letter = tells(levels, made, revision=50, **other)
        assert (letter.state, letter.code) == (LetterState.REFUSED, code), other
    assert levels.here(made.id) == before
    turned = "\u202e局据数"
    step = a_step(levels, "seen", name=turned, org=turned, words=turned)
    assert tells(levels, made, revision=50, steps=[step]).state is LetterState.READ
    last = levels.region.exchange.request(levels.region["consumer"], made.id).steps[-1]
    assert (last.name, last.words, last.detail["org"]) == ("局据数",) * 3


def test_a_step_that_only_a_newer_release_knows_is_kept_and_shown_by_its_code(levels: Levels) -> None:
    made, _ = levels.left(CAPITAL)
    steps = [a_step(levels, "new", move="conquer"), a_step(levels, "again", move="reopen")]
    assert tells(levels, made, revision=50, steps=steps).state is LetterState.READ
    first, last = levels.region.exchange.request(levels.region["consumer"], made.id).steps[-2:]
    assert (first.move.value, first.move.text, last.move) == ("conquer", Text("conquer", "conquer"), Move.REOPEN)
    assert told_step({"at": "", "by": "", "behalf": "", "words": "", "move": first.move.value})["move"] == "conquer"


def test_a_refusal_that_was_overtaken_is_told_and_changes_nothing_else(levels: Levels) -> None:
    made, filed = levels.left(CAPITAL)
    levels.city.exchange.approve(levels.city["reviewer"], filed.id, "符合")
    levels.post()
    known = levels.here(made.id).outward.standing  # type: ignore[union-attr]
    assert known is not None
    assert (known.at_stage, known.revision > 1) == (1, True)
    letter = tells(levels, made, revision=1, at_stage=0, refused={"zh": "那时不能办理", "en": "not then"})
    assert letter.state is LetterState.READ
    view = levels.region.exchange.request(levels.region["consumer"], made.id)
    assert view.request.outward is not None
    assert view.request.outward.standing == known
    assert (view.steps[-1].move, view.steps[-1].words) == (Move.UNDONE, "那时不能办理")


def test_every_step_is_shown_however_many_there_were_before(levels: Levels) -> None:
    made, _ = levels.left(CAPITAL)
    many = [a_step(levels, f"k{number}") for number in range(320)]
    assert tells(levels, made, revision=50, steps=many).state is LetterState.READ
    many.append(a_step(levels, "last", words="最后一步"))
    assert tells(levels, made, revision=51, steps=many).state is LetterState.READ
    keys = [step.words for step in levels.region.exchange.request(levels.region["consumer"], made.id).steps]
    assert "最后一步" in keys
    shown = levels.here(made.id).outward.standing.steps  # type: ignore[union-attr]
    assert {one["key"] for one in many} == {one["key"] for one in shown}


def test_both_sides_keep_the_digest_of_what_the_other_sent(levels: Levels) -> None:
    made, filed = levels.left(CAPITAL)
    out = [body for target, body in levels.up.evidence("federation.request_sent") if target == made.id]
    came = [body for target, body in levels.down.evidence("federation.request_came") if target == filed.id]
    letter = next(one for one in told(levels.down, "request.file") if one.body["request"] == made.id)
    assert letter.digest in out[0]
    assert letter.digest in came[0]
    back = [body for target, body in levels.up.evidence("federation.request_told") if target == made.id]
    assert back
    assert all("digest" in body for body in back)


def test_a_link_that_ends_while_the_gate_is_asked_opens_no_file_again(
    fresh: Levels, monkeypatch: pytest.MonkeyPatch
) -> None:
    levels = fresh
    made, filed = levels.granted(CAPITAL)
    opened: list[str] = []
    real = levels.city.exchange.file

    def ends_meanwhile(*asked: Any, **named: Any) -> Any:
        opened.append(filed.id)
        levels.down.platform.nodes.end(GUARD, levels.up.id, "撤并")
        return real(*asked, **named)

    monkeypatch.setattr(levels.city.exchange, "file", ends_meanwhile)
    levels.up.platform.travels.want(levels.region["consumer"], made.id, ParcelForm.CSV)
    levels.up.post_until(lambda: levels.up.waiting() == 0)
    levels.down.platform.db.deliver_waiting()
    with levels.down.platform.db.read() as connection:
        undelivered = connection.execute(text("SELECT event FROM outbox WHERE delivered_at IS NULL")).scalars().all()
    assert (opened, undelivered) == ([filed.id], [])
    at_origin = levels.down.platform.travels.parcels(levels.city["reviewer"], filed.id)
    assert [one.state for one in at_origin] == [ParcelState.REFUSED]
    assert at_origin[0].reason is not None
    assert levels.down.evidence("federation.parcel_refuse")
    assert not levels.down.evidence("federation.parcel_send")


def test_what_was_under_way_ends_with_the_link(fresh: Levels) -> None:
    levels = fresh
    exchange, consumer, travels = levels.region.exchange, levels.region["consumer"], levels.up.platform.travels
    granted, filed = levels.granted(CAPITAL)
    kept, _ = levels.granted(CITY)
    read, _ = levels.left(CAPITAL)
    levels.down.down()
    unsent = levels.ask(CAPITAL)
    exchange.approve(levels.region["reviewer"], unsent.id, "同意外送")
    wanted = travels.want(consumer, granted.id, ParcelForm.CSV)
    levels.up.platform.nodes.end(GUARD, levels.down.id, "撤并")
    assert levels.here(unsent.id).state is RequestState.REFUSED
    assert "断开" in exchange.request(consumer, unsent.id).steps[-1].words
    assert [one.state for one in travels.parcels(consumer, granted.id)] == [ParcelState.REFUSED]
    assert travels.parcels(consumer, granted.id)[0].id == wanted.id
    with pytest.raises(Conflict) as error:
        travels.want(consumer, kept.id, ParcelForm.CSV)
    assert error.value.reason == "node_not_linked"

    exchange.withdraw(consumer, read.id, "不再等候")
    exchange.give_back(consumer, granted.id, "业务结束")
    assert levels.here(read.id).state is RequestState.WITHDRAWN
    assert levels.here(granted.id).outward.standing.grant.state == "revoked"  # type: ignore[union-attr]
    with pytest.raises(Conflict):
        exchange.give_back(consumer, granted.id, "再来")

    levels.down.up()
    levels.up.post_until(lambda: levels.up.waiting() == 0)
    levels.down.platform.db.deliver_waiting()
    grant = levels.city.exchange.grant(levels.city["lead"], filed.grant_id)
    assert grant.standing is GrantState.SUSPENDED
    assert [step.words for step in grant.steps if step.move is Move.SUSPEND and "断开" in step.words]
    assert levels.city.exchange.resume(levels.city["lead"], filed.grant_id, "已重新联结").state is GrantState.ACTIVE


def test_a_parcel_that_never_comes_is_given_up_after_a_week(fresh: Levels) -> None:
    levels = fresh
    made, _ = levels.granted(CAPITAL)
    travels, consumer = levels.up.platform.travels, levels.region["consumer"]
    levels.down.down()
    travels.want(consumer, made.id, ParcelForm.CSV)
    levels.clock.at += timedelta(days=7)
    travels.watch()
    assert travels.parcels(consumer, made.id)[0].state is ParcelState.WANTED
    levels.clock.at += timedelta(seconds=1)
    travels.watch()
    left = travels.parcels(consumer, made.id)[0]
    assert (left.state, left.key) == (ParcelState.REFUSED, "")
    assert left.reason is not None
    assert "重新索取" in left.reason.zh
