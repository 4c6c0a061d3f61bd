"""What becomes of a request that travels, when its own authority has it a second time, and when somebody disagrees."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import text

from beijiang.exchange import DisputeDraft, DisputeKind, RequestState
from beijiang.kit import Invalid
from linked import Node
from travelling import CAPITAL, Levels


@pytest.fixture(scope="module")
def levels(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Levels]:
    made = Levels(tmp_path_factory.mktemp("lives"))
    yield made
    made.close()


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
