"""What becomes of a request that travels, when its own authority has it a second time, and when somebody disagrees."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import text

from beijiang.exchange import DisputeDraft, DisputeKind, Request, RequestState
from beijiang.federation import LetterState, Way
from beijiang.kit import Invalid
from linked import AUDITOR, Node
from travelling import CAPITAL, CITY, Levels

USE = "与医疗机构名单比对，核查超范围经营并公示结果"


@pytest.fixture(scope="module")
def levels(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Levels]:
    made = Levels(tmp_path_factory.mktemp("lives"))
    yield made
    made.close()


def completed(levels: Levels) -> Request:
    """Return a request that the city sent back and that was completed for another use: the own authority has it again."""
    made, filed = levels.left(CAPITAL, CITY)
    levels.city.exchange.ask_more(levels.city["reviewer"], filed.id, "请说明为何需要盟市")
    levels.post()
    made = levels.here(made.id)
    other = replace(made.draft, use=USE)
    done: Request = levels.region.exchange.supply(levels.region["consumer"], made.id, other, "用途已改")
    assert done.state is RequestState.AUTHORITY_REVIEW
    return done


def supplies(levels: Levels, request_id: str) -> int:
    sent = levels.up.platform.letters.page(AUDITOR, ways=(Way.OUT,))[0]
    return sum(one.kind == "request.supply" and one.body["request"] == request_id for one in sent)


def tell_again(levels: Levels, request_id: str, number: int) -> None:
    """Have the city say once more that it asked for a completion, as if that were new."""
    came = levels.up.platform.letters.page(AUDITOR, ways=(Way.IN,))[0]
    said = next(
        one.body["standing"] for one in came if one.kind == "request.told" and one.body["request"] == request_id
    )
    asked = next(step for step in said["steps"] if step["move"] == "ask_more")
    steps = [*said["steps"], {**asked, "key": f"again:{number}"}]
    body = {"request": request_id, "standing": {**said, "revision": said["revision"] + 1, "steps": steps}}
    sent = levels.down.send(levels.up, "request.told", body, f"request:{request_id}")
    levels.post()
    assert levels.down.letter(levels.up, sent).state is LetterState.READ


def test_what_the_own_authority_sent_back_again_does_not_leave_without_it(levels: Levels) -> None:
    exchange, consumer, reviewer = levels.region.exchange, levels.region["consumer"], levels.region["reviewer"]
    made = completed(levels)
    tell_again(levels, made.id, 1)
    assert levels.here(made.id).state is RequestState.AUTHORITY_REVIEW, "that it waits for the completion is no news"
    exchange.ask_more(reviewer, made.id, "请写明接收系统")
    tell_again(levels, made.id, 2)
    assert levels.here(made.id).state is RequestState.SUPPLEMENT
    again = exchange.supply(consumer, made.id, replace(made.draft, system="监管系统"), "已写明")
    assert (again.state, supplies(levels, made.id)) == (RequestState.AUTHORITY_REVIEW, 0)
    exchange.approve(reviewer, made.id, "同意外送")
    levels.post()
    filed = levels.there(made.id)
    assert (filed.draft.system, filed.draft.use, filed.state) == ("监管系统", USE, RequestState.FORMAL_REVIEW)
    assert supplies(levels, made.id) == 1


def test_what_the_own_authority_refuses_to_let_out_again_is_closed_there_too(levels: Levels) -> None:
    made = completed(levels)
    levels.region.exchange.refuse(levels.region["reviewer"], made.id, "不再需要")
    levels.post()
    filed = levels.there(made.id)
    steps = levels.city.exchange.request(levels.city["reviewer"], filed.id).steps
    assert (filed.state, steps[-1].words) == (RequestState.WITHDRAWN, "不再需要")
    assert levels.here(made.id).state is RequestState.REFUSED, (
        "that it was taken back there does not change who refused it"
    )


def test_no_department_here_answers_for_what_another_node_decided(levels: Levels) -> None:
    made, filed = levels.left(CAPITAL)
    disputes, consumer = levels.up.platform.disputes, levels.region["consumer"]
    kinds = (DisputeKind.REFUSAL, DisputeKind.SILENCE)
    assert disputes.disputable(consumer, made.id, kinds) == []
    levels.city.exchange.refuse(levels.city["reviewer"], filed.id, "不给")
    levels.post()
    assert levels.here(made.id).state is RequestState.REFUSED
    assert disputes.disputable(consumer, made.id, kinds) == []
    for kind in kinds:
        with pytest.raises(Invalid) as error:
            disputes.raise_(consumer, DisputeDraft(kind=kind, subject=made.id, words="不服对方节点"))
        assert error.value.reason == "no_dispute"
        assert "节点" in error.value.text.zh, "it says where to go"


def test_what_is_withdrawn_afar_counts_as_late_at_neither_node(levels: Levels) -> None:
    made, filed = levels.left(CAPITAL)
    levels.city.exchange.approve(levels.city["reviewer"], filed.id, "符合")

    def late(node: Node, request_id: str) -> object:
        query = text("SELECT late_at FROM exchange_request WHERE id = :id")
        with node.platform.db.read() as connection:
            found: object = connection.execute(query, {"id": request_id}).scalar_one()
        return found

    assert late(levels.down, filed.id) is not None, "the time of its provider runs"
    levels.region.exchange.withdraw(levels.region["consumer"], made.id, "业务取消")
    levels.post()
    assert levels.there(made.id).state is RequestState.WITHDRAWN
    assert late(levels.up, made.id) is late(levels.down, filed.id) is None
