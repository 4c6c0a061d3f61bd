"""After a grant: versions are recalled and what became of the copies is confirmed; disputes; doubts; ratings."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from exchange_bureau import AT, BUREAU, OTHER, OWNER, TABLE, Bureau, People, firms
from typer.testing import CliRunner

from beijiang.evidence import EvidenceQuery
from beijiang.exchange import (
    DisputeDraft,
    DisputeKind,
    DisputeMove,
    DisputeState,
    DutyState,
    Kept,
    Outcome,
    Recall,
    RecallDraft,
    Remedy,
    RequestState,
)
from beijiang.exchange.commands import disputes, ratings, recalls
from beijiang.ingest import AlertKind
from beijiang.kit import SYSTEM, Conflict, Denied, Invalid, NotFound
from beijiang.protection.models import rowquery
from beijiang.quality import Doubt, Move
from beijiang.tables import Exit

D = DisputeMove


def alerts(bureau: Bureau, kind: AlertKind) -> set[str]:
    return {alert.org_id for (found, _), alert in bureau.platform.alerts.open().items() if found is kind}


def published(bureau: Bureau, name: str) -> Any:
    """A table of its own with two versions, both of which readers had."""
    made = bureau.publish(name, 5)
    bureau.write(name, firms(3))
    return made


def draft(resource: Any, *versions: int, **words: Any) -> RecallDraft:
    facts: dict[str, Any] = {"reason": "来源系统误报，注册资本错位", "remedy": Remedy.DELETE}
    return RecallDraft(resource_id=resource.id, versions=versions, **{**facts, **words})


def served(bureau: Bureau, table: str) -> int | None:
    release = bureau.platform.catalog.released(table)
    return None if release is None else release.table_version


def granted(bureau: Bureau, resource: Any) -> None:
    bureau.granted("企业名称", "注册资本", resource=resource.id)


def read(bureau: Bureau, table: str, login: str = "consumer") -> int:
    return len(bureau.exchange.rows(bureau[login], table, rowquery.RowQuery(size=100)).rows)


def test_a_recalled_version_is_gone_at_the_next_request_and_receivers_are_told(bureau: Bureau) -> None:
    name = "召回一"
    resource, recalls = published(bureau, name), bureau.platform.recalls
    granted(bureau, resource)
    newest = served(bureau, name)
    assert newest is not None
    assert newest > 1
    assert read(bureau, name) == 8
    bureau.platform.gate.open(bureau["reviewer"], name, "", Exit.PAGE)  # looks, and has no copy
    assert recalls.versions(bureau["lead"], resource.id)[0] == (newest, 1)

    plan = recalls.plan(bureau["lead"], draft(resource, newest))
    assert [(one.org_id, one.reads) for one in plan.receivers] == [(OTHER, 1)]
    assert (plan.served_now, plan.would_serve) == (newest, newest - 1)
    assert served(bureau, name) == newest, "a plan changes nothing"

    with pytest.raises(Denied):
        recalls.recall(bureau["steward"], draft(resource, newest))
    with pytest.raises(Invalid) as error:
        recalls.recall(bureau["lead"], draft(resource, newest, reason=" "))
    assert error.value.reason == "reason_needed"
    with pytest.raises(Invalid) as error:
        recalls.recall(bureau["lead"], draft(resource, 99))
    assert error.value.reason == "recall_versions"

    made = recalls.recall(bureau["lead"], draft(resource, newest))
    assert (served(bureau, name), made.served) == (newest - 1, newest - 1)
    assert read(bureau, name) == 5
    assert OTHER in alerts(bureau, AlertKind.RECALL)
    with pytest.raises(Invalid):
        recalls.recall(bureau["lead"], draft(resource, newest))
    bureau.platform.protection.on_version_cleared(_cleared(name, newest))
    assert served(bureau, name) == newest - 1, "nothing moves readers back to it"
    bureau.write(name, firms(1))
    assert served(bureau, name) == newest + 1, "the next version is served"
    _confirmed(bureau, made)


def _cleared(table: str, version: int) -> Any:
    from beijiang.catalog import VersionCleared

    return VersionCleared(table=table, version=version)


def _confirmed(bureau: Bureau, made: Recall) -> None:
    recalls = bureau.platform.recalls
    assert [duty.org_id for duty in recalls.waiting(bureau["consumer"])] == [OTHER]
    assert [duty.org_id for duty in recalls.view(bureau["consumer"], made.id).duties] == [OTHER]
    with pytest.raises(NotFound):
        recalls.view(bureau["banner"], made.id)
    with pytest.raises(NotFound):
        recalls.confirm(bureau["lead"], made.id, OWNER, Kept.DELETED)
    with pytest.raises(Denied):
        recalls.confirm(bureau["lead"], made.id, OTHER, Kept.DELETED)
    done = recalls.confirm(bureau["consumer"], made.id, OTHER, Kept.DELETED, "比对库与备份均已删除")
    assert (done.state, done.kept, done.by_name) == (DutyState.CONFIRMED, Kept.DELETED, "consumer")
    assert alerts(bureau, AlertKind.RECALL) == set()
    with pytest.raises(Conflict):
        recalls.confirm(bureau["consumer"], made.id, OTHER, Kept.NOT_KEPT)
    assert recalls.view(bureau["lead"], made.id).open == 0
    written = bureau.platform.evidence.page(EvidenceQuery(target=made.id)).records
    assert [one.action for one in written] == ["exchange.recall_move", "exchange.recall"]
    assert written[1].detail["receivers"] == [OTHER]


def test_what_is_not_confirmed_is_urged_and_a_provider_may_excuse(bureau: Bureau) -> None:
    name = "召回二"
    resource, recalls = published(bureau, name), bureau.platform.recalls
    granted(bureau, resource)
    read(bureau, name)
    versions = [version for version, _ in recalls.versions(bureau["lead"], resource.id)]
    made = recalls.recall(bureau["lead"], draft(resource, *versions))
    assert made.served is None
    with pytest.raises(NotFound):
        read(bureau, name)
    bureau.clock.at += timedelta(days=12)
    recalls.watch()
    recalls.watch()
    assert OTHER in alerts(bureau, AlertKind.RECALL_OVERDUE)
    freed = recalls.excuse(bureau["lead"], made.id, OTHER, "已随系统下线一并销毁")
    assert freed.state is DutyState.EXCUSED
    assert alerts(bureau, AlertKind.RECALL_OVERDUE) == set()
    bureau.write(name, firms(2))
    assert served(bureau, name) == max(versions) + 1, "readers are served again with the next version"


def test_a_running_stream_of_a_recalled_version_stops(bureau: Bureau, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("beijiang.protection.models.rechecks.BYTES", 1)
    name = "召回三"
    resource = published(bureau, name)
    granted(bureau, resource)
    governed = bureau.platform.gate.open(bureau["consumer"], name, "supervision", Exit.ROW_API)
    stream = governed.batches()
    bureau.platform.recalls.recall(bureau["lead"], draft(resource, governed.version))
    with pytest.raises(Denied):
        list(stream)


def refused(bureau: Bureau) -> str:
    request = bureau.asked("企业名称", "注册资本")
    request = bureau.exchange.approve(bureau["reviewer"], request.id, "材料齐")
    done = bureau.exchange.refuse(
        bureau["steward"] if request.stage.id == "provider_opinion" else bureau["lead"], request.id, "不在职责内"
    )
    assert done.state is RequestState.REFUSED
    return str(done.id)


def test_a_refusal_is_disputed_talked_over_and_decided_with_its_basis(bureau: Bureau) -> None:
    disputes, subject = bureau.platform.disputes, refused(bureau)
    wanted = DisputeDraft(kind=DisputeKind.REFUSAL, subject=subject, words="核查属我委法定职责，见条例第五条")
    with pytest.raises(NotFound):
        disputes.raise_(bureau["banner"], wanted)
    made = disputes.raise_(bureau["consumer"], wanted)
    assert (made.against, made.state) == (OWNER, DisputeState.OPEN)
    with pytest.raises(Conflict):
        disputes.raise_(bureau["consumer"], wanted)
    assert [one.id for one in disputes.waiting(bureau["lead"])] == [made.id]
    with pytest.raises(Conflict) as error:
        disputes.move(bureau["consumer"], made.id, D.APPEAL, "请裁定")
    assert "yield" in error.value.text.en
    with pytest.raises(Denied):
        disputes.move(bureau["consumer"], made.id, D.YIELD, "算了")
    disputes.move(bureau["lead"], made.id, D.KEEP, "数据超出核查所需")
    assert disputes.view(bureau["consumer"], made.id).moves == (D.AGREE, D.REPLY, D.APPEAL, D.WITHDRAW)
    disputes.move(bureau["consumer"], made.id, D.APPEAL, "只要两项，不超出")
    with pytest.raises(Invalid) as incomplete:
        disputes.move(bureau["reviewer"], made.id, D.DECIDE, "应予共享", outcome=Outcome.UPHELD)
    assert incomplete.value.reason == "decision_incomplete"
    done = disputes.move(
        bureau["reviewer"], made.id, D.DECIDE, "应予共享", outcome=Outcome.UPHELD, basis="政务数据共享条例第二十条"
    )
    assert (done.state, done.outcome) == (DisputeState.DECIDED, Outcome.UPHELD)
    words = [step.words for step in disputes.view(bureau["lead"], made.id).steps]
    assert words == [wanted.words, "数据超出核查所需", "只要两项，不超出", "应予共享"], "both sides stand on record"


def test_an_answer_that_does_not_come_takes_a_dispute_to_the_authority(bureau: Bureau) -> None:
    disputes = bureau.platform.disputes
    with pytest.raises(Invalid):
        disputes.raise_(
            bureau["steward"], DisputeDraft(kind=DisputeKind.TYPE, subject=bureau.resource.id, words="自己的目录")
        )
    made = disputes.raise_(
        bureau["consumer"],
        DisputeDraft(kind=DisputeKind.TYPE, subject=bureau.resource.id, words="电话不应列为不予共享"),
    )
    bureau.clock.at += timedelta(days=20)
    disputes.watch()
    found = disputes.view(bureau["reviewer"], made.id)
    assert (found.dispute.state, found.moves) == (DisputeState.MEDIATING, (D.DECIDE,))
    assert BUREAU != OWNER
    disputes.move(bureau["consumer"], made.id, D.WITHDRAW)


def test_who_has_the_data_is_told_of_a_doubt_until_it_is_settled(bureau: Bureau) -> None:
    bureau.granted("企业名称", "注册资本")
    tickets = bureau.platform.tickets
    ticket = tickets.doubt(
        bureau["colleague"], bureau.resource.id, Doubt(words="资本单位像是万元", columns=("注册资本",))
    )
    assert OTHER in alerts(bureau, AlertKind.DOUBT)
    page = bureau.exchange.rows(bureau["consumer"], TABLE, rowquery.RowQuery(size=1))
    assert page.in_doubt == ("注册资本",)
    for actor, move in ((bureau["steward"], Move.CONFIRM_RIGHT), (bureau["colleague"], Move.CLOSE)):
        tickets.move(actor, ticket.id, move, "单位为元，已核")
    assert alerts(bureau, AlertKind.DOUBT) == set()
    assert bureau.exchange.rows(bureau["consumer"], TABLE, rowquery.RowQuery(size=1)).in_doubt == ()


def test_who_had_data_rates_them_and_the_provider_answers(bureau: Bureau) -> None:
    book, resource = bureau.platform.ratings, bureau.resource.id
    bureau.granted("企业名称", "注册资本")
    with pytest.raises(Denied) as error:
        book.rate(bureau["banner"], resource, 5)
    assert error.value.reason == "rating_without_grant"
    with pytest.raises(Invalid):
        book.rate(bureau["consumer"], resource, 6)
    with pytest.raises(Invalid):
        book.rate(bureau["consumer"], resource, 1)
    book.rate(bureau["consumer"], resource, 2, "每周才更新一次")
    with pytest.raises(Denied):
        book.answer(bureau["consumer"], resource, OTHER, "自己答复")
    book.answer(bureau["lead"], resource, OTHER, "下月起改为每日")
    found = book.of(bureau["reviewer"], resource)
    assert (found.average, found.ratings[0].answer) == (2.0, "下月起改为每日")
    book.rate(bureau["colleague"], resource, 4)
    assert [(one.stars, one.answer) for one in book.of(bureau["consumer"], resource).ratings] == [(4, "")]


def test_the_api_and_the_terminal_do_all_of_it(bureau: Bureau) -> None:
    name = "召回四"
    resource, people = published(bureau, name), People(bureau)
    granted(bureau, resource)
    read(bureau, name)
    newest = served(bureau, name)
    order = {"resource_id": resource.id, "versions": [newest], "reason": "误报", "remedy": "replace"}
    assert people["lead"].post(f"{AT}/recalls/plan", json=order).json()["receivers"][0]["org_id"] == OTHER
    made = people["lead"].post(f"{AT}/recalls", json=order)
    assert made.status_code == 201
    recall = made.json()["id"]
    assert people["consumer"].get(f"{AT}/recalls/waiting").json()["duties"][-1]["recall_id"] == recall
    told = people["consumer"].post(f"{AT}/recalls/{recall}/confirm", json={"org_id": OTHER, "kept": "replaced"})
    assert told.json()["state"] == "confirmed"
    assert people["lead"].get(f"{AT}/recalls/{recall}").json()["open"] == 0
    assert people["consumer"].get(f"{AT}/recalls").json()["count"] >= 1

    put = {"kind": "type", "subject": resource.id, "words": "应为无条件共享"}
    dispute = people["consumer"].post(f"{AT}/disputes", json=put).json()["id"]
    moved = people["lead"].post(f"{AT}/disputes/{dispute}/move", json={"move": "yield", "words": "同意调整"})
    assert moved.json()["state"] == "settled"
    assert len(people["consumer"].get(f"{AT}/disputes/{dispute}").json()["steps"]) == 2

    assert people["consumer"].put(f"{AT}/ratings/{resource.id}", json={"stars": 5}).json()["stars"] == 5
    answer = {"org_id": OTHER, "words": "谢谢"}
    assert people["lead"].post(f"{AT}/ratings/{resource.id}/answer", json=answer).json()["answer"] == "谢谢"
    assert people["consumer"].get(f"{AT}/ratings/{resource.id}").json()["average"] == 5
    _terminal(bureau, resource.id, recall, dispute)


def _terminal(bureau: Bureau, resource: str, recall: str, dispute: str) -> None:
    platform, runner = bureau.platform, CliRunner()
    access = lambda: platform.access  # noqa: E731 - a thunk, as the terminal has it

    def run(group: Any, *words: str) -> str:
        done = runner.invoke(group, [*words])
        assert done.exit_code == 0, done.output
        return done.output

    after = recalls(lambda: platform.recalls, access)
    left = str(platform.recalls.versions(SYSTEM, resource)[0][0])
    assert OTHER not in run(after, "make", resource, "--version", left, "--plan", "--as", "lead")
    assert recall in run(after, "list")
    assert OTHER in run(after, "show", recall)
    run(after, "versions", resource)
    talk = disputes(lambda: platform.disputes, access)
    assert dispute in run(talk, "list", "--as", "consumer")
    run(talk, "show", dispute)
    assert "5" in run(ratings(lambda: platform.ratings, access), "show", resource)
