"""Data that move over the limit are told to the people of the model, once for each time they cross it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from learning import FIRM_SCHEMA, FIRMS, Lab, firms, leaving, model_of, open_lab

from beijiang.mining import Algorithm, ScoreDraft, ScoreRun, ScoreState, Shift, ShiftLevel
from beijiang.mining.models.drift import crossed
from beijiang.notices import NoticeKind, NoticeQuery


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    opened = open_lab(tmp_path_factory.mktemp("drift"))
    yield opened
    opened.close()


def told(lab: Lab, login: str) -> list[tuple[str, str]]:
    """Return what somebody has heard of moved data: what it is called, and where it is."""
    while lab.platform.notices.take():
        pass
    found = lab.platform.notices.notices(lab[login], NoticeQuery(kind=NoticeKind.DEADLINE))
    return [
        (one.seen.title.zh, one.seen.href) for one in found if one.notice.action == "mining.model_drift" and one.seen
    ]


def test_a_crossing_is_told_once_and_again_after_a_return(lab: Lab) -> None:
    learning, steward = lab.platform.learning, lab["steward"]
    made = lab.learn("steward", leaving(lab.view()))
    model = learning.train_now(steward, model_of(made.id, Algorithm.LOGISTIC))
    learning.submit_model(steward, model.id)
    learning.decide_model(lab["judge"], model.id, approve=True, note="可以")
    draft = ScoreDraft(model=model.id, table=FIRMS, keep=("盟市",), target="偏移评分", time="观察日")
    plan = learning.plan_scores(steward, draft)
    page = f"/console/models/{model.id}"
    heard = [(model.draft.name, page)]
    for grown, notices in ((1.0, 0), (8.0, 1), (8.0, 1), (1.0, 1), (8.0, 2)):
        lab.put(FIRMS, firms(grown=grown)[0], FIRM_SCHEMA)
        learning.score_now(steward, plan.id)
        assert told(lab, "steward") == heard * notices
        shown = lab.browser("steward").get(page).text
        assert ("重新训练" in shown) is (grown > 1.0), "the page says how it is now"
    assert told(lab, "judge") == heard * 2, "who approved it hears of it"
    for login in ("colleague", "stranger", "member"):
        assert told(lab, login) == []
    assert "偏移越过界限" in lab.browser("steward").get("/console/notices").text
    lab.put(FIRMS, firms()[0], FIRM_SCHEMA)


def test_only_the_way_from_under_to_over_is_a_crossing() -> None:
    def run(number: int, index: float | None, state: ScoreState = ScoreState.DONE) -> ScoreRun:
        level = ShiftLevel.MOVED if index and index > 0.25 else ShiftLevel.STEADY
        shifts = () if index is None else (Shift(name="x", index=index, level=level),)
        at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number)
        return ScoreRun(id=f"r{number}", plan_id="p", model_id="m", at=at, by="某", state=state, shifts=shifts)

    over, under, failed = run(2, 0.9), run(1, 0.1), run(1, None, ScoreState.FAILED)
    assert crossed(over, ())
    assert crossed(over, (under,))
    assert not crossed(over, (run(1, 0.8), under))
    assert not crossed(over, (failed, run(0, 0.8))), "a run that failed is no return"
    assert not crossed(under, (over,))
