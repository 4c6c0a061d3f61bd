"""Feature views, training sets, models, their register and scores: what they promise, through the front door."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import delete, insert

sys.path.insert(0, str(Path(__file__).parent))
from asking import OWNER
from learning import FIRM_SCHEMA, FIRMS, VISITS, Lab, firm_view, firms, leaving, model_of, open_lab, visit_view

from beijiang.access import Role
from beijiang.ingest import AffectedKind
from beijiang.kit import ANONYMOUS, BeijiangError, Conflict, Denied, Invalid, NotFound, Refused
from beijiang.lineage import Kind
from beijiang.mining import (
    Algorithm,
    Feature,
    FeatureKind,
    LearnedModel,
    ModelState,
    Rhythm,
    ScoreDraft,
    ScoreState,
    SetDraft,
    SetState,
    ShiftLevel,
    ViewDraft,
    ViewUse,
    drift_limits,
)
from beijiang.mining.models.drift import stability
from beijiang.mining.models.learning import FeatureView
from beijiang.mining.service.learning.features import Cases, History, seconds_of
from beijiang.mining.service.learning.reference import Bins
from beijiang.mining.store.learning_schema import learned_model
from beijiang.protection import read_where
from beijiang.tables import Exit

SCORED = "企业退出评分"


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    opened = open_lab(tmp_path_factory.mktemp("learning"))
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def learned(lab: Lab) -> Any:
    return lab.learn("steward", leaving(lab.view(), lab.visits()))


@pytest.fixture(scope="module")
def approved(lab: Lab, learned: Any) -> LearnedModel:
    learning = lab.platform.learning
    model = learning.train_now(lab["steward"], model_of(learned.id))
    learning.submit_model(lab["steward"], model.id)
    return learning.decide_model(lab["judge"], model.id, approve=True, note="符合用途")


def rows_of(lab: Lab, set_id: str) -> pa.Table:
    return pq.read_table(lab.platform.settings.home / "mining" / "sets" / f"{set_id}.parquet")


# Points in time


def _view(draft: ViewDraft) -> FeatureView:
    facts = {"id": "fv", "revision": 1, "org_id": "o", "by": "b", "at": datetime(2024, 1, 1, tzinfo=UTC)}
    return FeatureView(**draft.model_dump(), **facts)


def test_a_feature_sees_what_was_known_before_and_nothing_else() -> None:
    zone = "Asia/Shanghai"
    events = pa.table(
        {
            "企业编号": ["a", "a", "a", "b", None],
            "检查日": pa.array(
                [date(2024, 1, 1), date(2024, 3, 1), date(2024, 3, 5), date(2024, 2, 1), date(2024, 1, 1)]
            ),
            "扣分": pa.array([1.0, 4.0, 100.0, None, 7.0]),
        }
    )
    draft = visit_view(days=90)
    extreme = (
        Feature(name="最重", kind=FeatureKind.MAX, column="扣分"),
        Feature(name="最轻", kind=FeatureKind.MIN, column="扣分"),
    )
    view = _view(draft.model_copy(update={"features": (*draft.features, *extreme)}))
    cases = pa.table(
        {
            "编号": ["a", "a", "a", "b", "c", None],
            "t": pa.array(
                [
                    date(2024, 3, 5),
                    date(2024, 3, 1),
                    date(2024, 1, 1),
                    date(2024, 6, 1),
                    date(2024, 6, 1),
                    date(2024, 6, 1),
                ]
            ),
        }
    )
    at = seconds_of(cases.column("t").combine_chunks(), zone, ends=False)
    found = {
        name: pa.array(values).to_pylist()
        for name, values in History(view, events, zone).of(Cases(cases, at), ("编号",)).items()
    }
    assert found["检查次数"] == [2.0, 1.0, 0.0, 0.0, 0.0, 0.0], "an event of the very day is not known as it begins"
    assert found["扣分合计"] == [5.0, 1.0, 0.0, 0.0, 0.0, 0.0]
    assert found["最近扣分"] == [4.0, 1.0, None, None, None, None]
    assert found["最重"] == [4.0, 1.0, None, None, None, None]
    assert found["最轻"] == [1.0, 1.0, None, None, None, None]
    assert found["距上次检查"][:3] == [pytest.approx(3 + 1 / 86400), pytest.approx(59 + 1 / 86400), None]


def test_a_planted_leak_stays_out_of_the_training_set(lab: Lab) -> None:
    """Firms that left have a record of 999 points on the day of the label and after: a join without times would see it."""
    rows, visits = firms()
    leak = [{"企业编号": r["编号"], "检查日": r["观察日"], "扣分": 999.0} for r in rows if r["状态"] != "存续"]
    lab.put(
        "泄题检查",
        [*visits, *leak],
        pa.schema([("企业编号", pa.string()), ("检查日", pa.date32()), ("扣分", pa.float64())]),
    )
    view = lab.platform.learning.declare_view(lab["steward"], visit_view().model_copy(update={"table": "泄题检查"}))
    made = lab.learn("steward", leaving(view.id))
    found = rows_of(lab, made.id)
    assert found.num_rows == 600
    assert max(v for v in found.column("最近扣分").to_pylist() if v is not None) < 20
    clean = rows_of(lab, lab.learn("steward", leaving(lab.visits())).id)
    assert found.equals(clean), "what happened at the point in time or later changes nothing"


def test_cases_after_the_as_of_moment_are_left_out(lab: Lab) -> None:
    made = lab.learn("steward", leaving(lab.view(), as_of=datetime(2024, 3, 1, tzinfo=UTC)))
    assert (made.rows, made.left_out) == (122, 478)


# Training sets


def test_a_training_set_says_all_that_it_was_made_of(lab: Lab, learned: Any) -> None:
    assert (learned.state, learned.rows, learned.grade) == (SetState.READY, 600, "L1")
    assert {name: one.version for name, one in learned.tables.items()} == {FIRMS: 1, VISITS: 1}
    assert learned.policy == lab.platform.access.policy
    assert learned.classes == ("其他", "注销／吊销")
    record = lab.platform.evidence.find(learned.tables[FIRMS].receipt)
    assert record is not None
    assert (record.exit, record.purpose) == (str(Exit.TRAINING), "预警")
    again = lab.learn("steward", learned.draft)
    assert again.digest == learned.digest, "the same rows give the same snapshot"
    graph = lab.platform.lineage.graph(lab["steward"], FIRMS)
    node = next(one for one in graph.nodes if one.link == learned.id)
    assert (node.kind, node.name) == (Kind.TRAINING_SET, learned.draft.name)
    touched = lab.platform.lineage.impact(lab["steward"], FIRMS, "注册资本")
    assert (AffectedKind.TRAINING_SET, learned.draft.name) in {(one.kind, one.name) for one in touched}
    address = f"mining://training-sets/{learned.id}"
    assert lab.platform.learning.called(lab["steward"], address) == learned.draft.name
    assert lab.platform.learning.called(ANONYMOUS, address) == "", "who may not open it does not learn its name"
    assert lab.platform.learning.called(lab["steward"], "mining://models/mdl_none") == ""


def test_a_masked_feature_is_the_masked_value_and_a_masked_label_is_refused(lab: Lab) -> None:
    phone = lab.view(features=(Feature(name="电话", column="联系人手机"), Feature(name="资本", column="注册资本")))
    made = lab.learn("steward", leaving(phone))
    assert made.grade == "L3"
    assert [one.masked for one in made.columns] == [True, False]
    assert all(one[3:7] == "****" for one in rows_of(lab, made.id).column("电话").to_pylist())
    with pytest.raises(Refused) as refused:
        lab.learn("steward", leaving(lab.view(), label="联系人手机", positive=()))
    assert refused.value.reason == "label_masked"
    with pytest.raises(Invalid) as unknown:
        lab.learn("steward", leaving(lab.view(), label="没有的列", positive=()))
    assert unknown.value.reason == "training_column"


def test_a_feature_that_is_the_label_is_refused(lab: Lab) -> None:
    telling = lab.view(features=(Feature(name="现状", column="状态"),))
    with pytest.raises(Invalid, match="give the answer away"):
        lab.learn("steward", leaving(telling))


def test_a_row_filter_holds_and_a_set_of_other_rights_is_not_used(lab: Lab) -> None:
    rows, _ = firms(200)
    lab.put("限行样本", rows, FIRM_SCHEMA)
    view = lab.view(table="限行样本")
    before = lab.learn("steward", leaving(view, table="限行样本"))
    lab.platform.protection.restrict(lab["steward"], "限行样本", [read_where("盟市=包头市")], reason="只看包头")
    after = lab.learn("steward", leaving(view, table="限行样本"))
    assert (before.rows, after.rows) == (200, 50)
    with pytest.raises(Conflict) as stale:
        lab.platform.learning.train(lab["steward"], model_of(before.id))
    assert stale.value.reason == "training_sight"
    assert lab.platform.learning.train_now(lab["steward"], model_of(after.id)).state is ModelState.DRAFT


# Models


@pytest.mark.parametrize(
    "algorithm", [a for a in Algorithm if a is not Algorithm.BOOSTED_AMOUNT and a is not Algorithm.LINEAR]
)
def test_the_same_snapshot_and_seed_give_the_same_model(lab: Lab, learned: Any, algorithm: Algorithm) -> None:
    learning = lab.platform.learning
    first, second = (learning.train_now(lab["steward"], model_of(learned.id, algorithm)) for _ in range(2))
    assert first.digest == second.digest
    assert first.figures == second.figures
    if algorithm.task.has_label:
        assert first.figures["auc"] > 0.95 > first.naive["auc"]
        assert first.weights[0].name == "资本", "the planted cause is found"
        assert sum(map(sum, first.confusion)) == first.tried == 150
        assert {one.group for one in first.groups} == {"呼和浩特市", "包头市", "赤峰市", "通辽市"}
        falling = next(one for one in first.curves if one.name == "资本").points
        assert (falling[0][1] > 0.8, falling[-1][1] < 0.2) == (True, True), "small firms leave"


@pytest.mark.parametrize("algorithm", [Algorithm.LINEAR, Algorithm.BOOSTED_AMOUNT])
@pytest.mark.parametrize("split", ["random", "newest", "folds"])
def test_amounts_are_foretold_better_than_by_their_mean(lab: Lab, algorithm: Algorithm, split: str) -> None:
    made = lab.learn("steward", leaving(lab.view(), label="营业额", positive=()))
    model = lab.platform.learning.train_now(lab["steward"], model_of(made.id, algorithm, split=split))
    assert model.figures["r_squared"] > 0.9
    assert model.figures["mean_absolute"] < model.naive["mean_absolute"] / 3
    assert model.tried == (600 if split == "folds" else 150)


def test_what_is_kept_says_what_the_library_said(lab: Lab, learned: Any) -> None:
    """The arrays that are kept of scikit-learn's models give the same answers as its own objects, without a pickle."""
    from sklearn.cluster import KMeans
    from sklearn.ensemble import IsolationForest
    from sklearn.linear_model import LogisticRegression

    from beijiang.mining.service.learning.encoding import Encoder
    from beijiang.mining.service.learning.learners import fit, load

    table = rows_of(lab, learned.id)
    names = [one.name for one in learned.columns]
    encoder = Encoder.learned(table, names)
    plain = encoder.plain({name: table.column(name).combine_chunks() for name in names})
    wide, label = encoder.spread(plain), table.column("__label__").to_numpy()
    for algorithm, theirs in (
        (
            Algorithm.LOGISTIC,
            LogisticRegression(C=1.0, max_iter=500, random_state=1).fit(wide, label).predict_proba(wide),
        ),
        (Algorithm.K_MEANS, KMeans(n_clusters=4, n_init=4, random_state=1).fit(wide).predict(wide)),
        (Algorithm.ISOLATION, -IsolationForest(n_estimators=100, random_state=1).fit(wide).score_samples(wide)),
    ):
        draft = model_of(learned.id, algorithm)
        made = fit(draft, encoder, plain, label, 2, 1)
        kept = load(
            algorithm,
            Encoder.from_json(json.loads(json.dumps(encoder.to_json()))),
            json.loads(json.dumps(made.to_json())),
            1,
        )
        np.testing.assert_allclose(made.predict(plain), theirs, rtol=1e-9, err_msg=str(algorithm))
        np.testing.assert_array_equal(kept.predict(plain), made.predict(plain))


def test_a_file_that_was_changed_on_the_disk_is_not_used(lab: Lab, learned: Any) -> None:
    learning = lab.platform.learning
    model = learning.train_now(lab["steward"], model_of(learned.id, Algorithm.LOGISTIC))
    file = lab.platform.settings.home / "mining" / "models" / f"{model.id}.json"
    file.write_bytes(file.read_bytes().replace(b'"start":', b'"start" :'))
    with pytest.raises(Conflict) as altered:
        learning.export_model(lab["steward"], model.id)
    assert altered.value.reason == "model_altered"


def test_an_algorithm_that_does_not_fit_is_refused(lab: Lab, learned: Any) -> None:
    with pytest.raises(Invalid) as unfit:
        lab.platform.learning.train(lab["steward"], model_of(learned.id, Algorithm.LINEAR))
    assert unfit.value.reason == "not_trainable"
    with pytest.raises(Invalid):
        model_of(learned.id, parameters={"trees": 1e9})


def test_a_model_file_names_no_value_that_few_rows_have(lab: Lab) -> None:
    """A rare text could point at somebody: it is one of the others in the file, in the bins and in what is foretold."""
    rows, _ = firms()
    for number in range(9):
        rows[number]["行业"] = "独此一家的乌木加工"
    lab.put("少见行业样本", rows, FIRM_SCHEMA)
    made = lab.learn("steward", leaving(lab.view(table="少见行业样本"), table="少见行业样本"))
    for algorithm in (Algorithm.LOGISTIC, Algorithm.BOOSTED_CLASSES):
        model = lab.platform.learning.train_now(lab["steward"], model_of(made.id, algorithm))
        content = json.loads((lab.platform.settings.home / "mining" / "models" / f"{model.id}.json").read_bytes())
        listed = {one["name"]: one.get("values") for one in content["features"]}
        assert sorted(listed["行业"]) == ["制造", "商贸", "物流", "餐饮"]
        assert "乌木" not in json.dumps(content, ensure_ascii=False) + model.model_dump_json()
        assert model.figures["auc"] > 0.95, "what is common still tells"


def test_a_feature_whose_texts_are_all_rare_is_one_value(lab: Lab) -> None:
    named = lab.view(features=(Feature(name="编号", column="编号"), Feature(name="资本", column="注册资本")))
    made = lab.learn("steward", leaving(named))
    model = lab.platform.learning.train_now(lab["steward"], model_of(made.id, Algorithm.LOGISTIC))
    content = (lab.platform.settings.home / "mining" / "models" / f"{model.id}.json").read_text()
    assert "QY0" not in content
    assert {one["name"]: one.get("values") for one in json.loads(content)["features"]}["编号"] == []


# The register


def test_nobody_approves_the_own_work_and_each_step_is_in_evidence(lab: Lab, learned: Any) -> None:
    learning = lab.platform.learning
    model = learning.train_now(lab["colleague"], model_of(learned.id, Algorithm.LOGISTIC))
    with pytest.raises(Denied):
        learning.decide_model(lab["colleague"], model.id, approve=True, note="好")
    with pytest.raises(Conflict):
        learning.decide_model(lab["judge"], model.id, approve=True, note="好")
    learning.submit_model(lab["colleague"], model.id)
    with pytest.raises(Invalid):
        learning.decide_model(lab["judge"], model.id, approve=True, note=" ")
    shown = learning.model(lab["judge"], model.id).shown.token
    assert learning.decide_model(lab["judge"], model.id, approve=False, note="说明用途").state is ModelState.DRAFT
    learning.submit_model(lab["steward"], model.id, "另作他用")
    with pytest.raises(Conflict) as stale:
        learning.decide_model(lab["judge"], model.id, approve=True, note="可以", seen=shown)
    assert (stale.value.reason, stale.value.detail["changed"]) == ("changed_since_seen", ["its history"])
    shown = learning.model(lab["judge"], model.id).shown.token
    done = learning.decide_model(lab["judge"], model.id, approve=True, note="可以", seen=shown)
    assert done.approval is not None
    assert done.approval.by_id == lab["judge"].id
    assert learning.retire_model(lab["judge"], model.id, "有新模型").state is ModelState.RETIRED


def test_a_reviewer_who_handed_it_in_does_not_decide(lab: Lab, learned: Any) -> None:
    lab.hire("both", OWNER, Role.STEWARD, Role.ORG_REVIEWER)
    learning = lab.platform.learning
    model = learning.train_now(lab["steward"], model_of(learned.id, Algorithm.LOGISTIC))
    learning.submit_model(lab["both"], model.id)
    unread = {"id": "model_of_later", "org_id": OWNER, "set_id": learned.id, "state": ModelState.APPROVED.value}
    with lab.platform.db.begin() as tx:  # a body that no release has: what does not wait for review is not read
        tx.connection.execute(insert(learned_model).values(**unread, at=lab.platform.clock.now(), body={}))
    assert model.id in {one.id for one in learning.to_approve(lab["judge"])}
    assert model.id not in {one.id for one in learning.to_approve(lab["both"])}
    with lab.platform.db.begin() as tx:
        tx.connection.execute(delete(learned_model).where(learned_model.c.id == unread["id"]))
    with pytest.raises(Denied):
        learning.to_approve(lab["steward"])
    with pytest.raises(Denied) as own:
        learning.decide_model(lab["both"], model.id, approve=True, note="好")
    assert own.value.reason == "model_self_approval"


def test_a_model_of_sensitive_rows_leaves_after_its_approval_only(lab: Lab) -> None:
    learning = lab.platform.learning
    phone = lab.view(features=(Feature(name="电话", column="联系人手机"), Feature(name="资本", column="注册资本")))
    made = lab.learn("steward", leaving(phone))
    model = learning.train_now(lab["steward"], model_of(made.id, Algorithm.LOGISTIC))
    assert model.grade == "L3"
    with pytest.raises(Refused) as stays:
        learning.export_model(lab["steward"], model.id)
    assert stays.value.reason == "model_not_approved"
    learning.submit_model(lab["steward"], model.id)
    learning.decide_model(lab["judge"], model.id, approve=True, note="同意导出")
    _, content = learning.export_model(lab["steward"], model.id)
    assert json.loads(content)["algorithm"] == "logistic"


def test_what_chooses_the_cases_grades_the_set(lab: Lab) -> None:
    capital = lab.view(features=(Feature(name="资本", column="注册资本"),))
    plain = lab.learn("steward", leaving(capital))
    picked = lab.learn("steward", leaving(capital, where=("联系人手机__notnull",)))
    assert plain.grade < picked.grade == "L3"


# Scores


def test_scores_carry_the_grades_of_their_inputs_and_say_how_far_the_data_moved(
    lab: Lab, approved: LearnedModel
) -> None:
    learning, steward = lab.platform.learning, lab["steward"]
    draft = ScoreDraft(model=approved.id, table=FIRMS, keep=("编号", "联系人手机"), target=SCORED, time="观察日")
    plan = learning.plan_scores(steward, draft)
    with pytest.raises(Conflict) as made:
        lab.platform.ingest.require_free(steward, SCORED, OWNER)
    assert (made.value.reason, made.value.detail["by"]) == ("table_is_made", "scores")
    run = learning.score_now(steward, plan.id)
    assert (run.state, run.rows, run.version) == (ScoreState.DONE, 600, 1)
    assert {one.level for one in run.shifts} == {ShiftLevel.STEADY}, "nothing moved"
    shown = lab.platform.tables.open(steward, SCORED, "核对", Exit.PAGE)
    grades = {one.name: one.grade for one in shown.columns}
    assert (grades["联系人手机"], grades["得分"]) == ("L3", "L1")
    rows = {row["编号"]: row for row in shown.page(limit=500).rows.to_pylist()}
    assert rows["QY000000"]["联系人手机"] == "****"
    graph = lab.platform.lineage.graph(steward, SCORED)
    assert {FIRMS, VISITS} <= {node.name for node in graph.nodes}
    wrong = sum((row["得分"] > 0.5) != (row["判定"] == "注销／吊销") for row in rows.values())
    assert wrong == 0
    grown, _ = firms(grown=8.0)
    lab.put(FIRMS, grown, FIRM_SCHEMA)
    moved = learning.score_now(steward, plan.id)
    levels = {one.name: one.level for one in moved.shifts}
    assert levels["资本"] is ShiftLevel.MOVED
    assert levels["行业"] is ShiftLevel.STEADY
    assert moved.worst is not None
    assert moved.worst.name in {"资本", "__score__"}
    lab.put(FIRMS, firms()[0], FIRM_SCHEMA)
    with pytest.raises(Conflict) as taken:
        learning.plan_scores(steward, draft)
    assert taken.value.reason == "table_has_source"
    learning.end_plan(steward, plan.id)
    with pytest.raises(NotFound):
        learning.score(steward, plan.id)


def scores_of(lab: Lab, draft: SetDraft, target: str, **changes: Any) -> dict[str, str]:
    """Train, approve and score; return the grades of the table of scores."""
    learning, steward = lab.platform.learning, lab["steward"]
    model = learning.train_now(steward, model_of(lab.learn("steward", draft).id, Algorithm.LOGISTIC))
    learning.submit_model(steward, model.id)
    learning.decide_model(lab["judge"], model.id, approve=True, note="可以")
    words: dict[str, Any] = {"table": FIRMS, "keep": ("盟市",), "time": "观察日"}
    plan = learning.plan_scores(steward, ScoreDraft(model=model.id, target=target, **{**words, **changes}))
    assert learning.score_now(steward, plan.id).rows > 0
    shown = lab.platform.tables.open(steward, target, "核对", Exit.PAGE)
    return {one.name: one.grade for one in shown.columns}


def test_what_picks_the_rows_of_scores_grades_them(lab: Lab) -> None:
    """The attack: a condition on a telephone number tells of it by which rows come back, though no column holds it."""
    capital = lab.view(features=(Feature(name="资本", column="注册资本"),))
    plain = scores_of(lab, leaving(capital), "无条件评分")
    assert (plain["得分"], plain["盟市"]) == ("L1", "L1")
    picked = scores_of(lab, leaving(capital), "按手机筛选评分", where=("联系人手机__notnull",))
    assert (picked["得分"], picked["判定"], picked["盟市"]) == ("L3", "L3", "L3")
    taught = scores_of(lab, leaving(capital, where=("联系人手机__notnull",)), "按手机取样评分")
    assert taught["得分"] == "L3", "the model learned from cases that a telephone number chose"


def test_what_joins_features_to_rows_grades_the_scores(lab: Lab) -> None:
    """The attack: features found by a telephone number tell whose number it is."""
    rows = [{**row, "成立日期": date(2000, 1, 1)} for row in firms()[0]]
    lab.put("按手机登记", rows, FIRM_SCHEMA)
    by_phone = lab.view(table="按手机登记", keys=("联系人手机",), features=(Feature(name="资本", column="注册资本"),))
    draft = leaving(by_phone).model_copy(update={"views": (ViewUse(view=by_phone, on=("联系人手机",)),)})
    grades = scores_of(lab, draft, "按手机关联评分")
    assert (grades["得分"], grades["判定"]) == ("L3", "L3")
    assert grades["盟市"] == "L1", "a join leaves what is kept as it is"


def test_the_times_by_which_rows_are_seen_grade_the_scores(lab: Lab) -> None:
    """The attack: a day that is not public decides which rows are scored, and is no feature and no condition."""
    table = "观察日内部样本"
    lab.put(table, firms()[0], FIRM_SCHEMA)
    lab.platform.protection.correct(lab["steward"], table, "观察日", level="L2", reason="观察安排不公开")
    capital = lab.view(table=table, features=(Feature(name="资本", column="注册资本"),))
    grades = scores_of(lab, leaving(capital, table=table), "按观察日评分", table=table)
    assert (grades["得分"], grades["盟市"]) == ("L2", "L2")


def test_a_model_that_is_not_approved_gives_no_scores(lab: Lab, learned: Any) -> None:
    learning = lab.platform.learning
    model = learning.train_now(lab["steward"], model_of(learned.id, Algorithm.LOGISTIC))
    with pytest.raises(Conflict):
        learning.plan_scores(
            lab["steward"], ScoreDraft(model=model.id, table=FIRMS, keep=("编号",), target="未批准评分")
        )


def test_scores_on_schedule_are_made_once_a_period_until_the_model_retires(lab: Lab, learned: Any) -> None:
    learning, steward = lab.platform.learning, lab["steward"]
    model = learning.train_now(steward, model_of(learned.id, Algorithm.ISOLATION))
    learning.submit_model(steward, model.id)
    learning.decide_model(lab["judge"], model.id, approve=True, note="可以")
    draft = ScoreDraft(
        model=model.id, table=FIRMS, keep=("编号",), target="异常企业", time="观察日", rhythm=Rhythm.DAILY
    )
    plan = learning.plan_scores(steward, draft)
    learning.watch()
    job = next(one for one in lab.platform.jobs.jobs(steward) if one.arguments.get("plan") == plan.id)
    lab.platform.jobs.wait(job.id, timeout=60)
    learning.watch()
    _, runs = learning.runs(steward, plan.id)
    assert [(one.state, one.rows) for one in runs] == [(ScoreState.DONE, 600)]
    odd = lab.platform.tables.open(steward, "异常企业", "核对", Exit.PAGE).page(limit=500).rows
    assert 1 <= sum(odd.column("是否异常").to_pylist()) <= 30
    learning.retire_model(steward, model.id, "停用")
    with pytest.raises(Conflict):
        learning.score(steward, plan.id)


def test_scores_asked_for_again_are_made_of_what_is_there_by_then(
    lab: Lab, approved: LearnedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job that is under way read what there was before, and what it writes later must not cover newer scores."""
    learning, jobs, steward = lab.platform.learning, lab.platform.jobs, lab["steward"]
    table, target = "另算企业", "另算评分"
    lab.put(table, firms()[0], FIRM_SCHEMA)
    plan = learning.plan_scores(
        steward, ScoreDraft(model=approved.id, table=table, keep=("编号",), target=target, time="观察日")
    )
    read, free = threading.Event(), threading.Event()
    written = learning._written

    def slowly(*asked: Any) -> Any:
        made = written(*asked)
        read.set()
        assert free.wait(90)
        return made

    monkeypatch.setattr(learning, "_written", slowly)
    first = learning.score(steward, plan.id)
    assert learning.score(steward, plan.id) == first
    assert read.wait(90)
    lab.put(table, firms()[0][:100], FIRM_SCHEMA)
    monkeypatch.setattr(learning, "_written", written)
    second = learning.score(steward, plan.id)
    assert second != first
    jobs.wait(second, timeout=90)
    free.set()
    jobs.wait(first, timeout=90)
    _, runs = learning.runs(steward, plan.id)
    assert {(one.state, one.rows) for one in runs} == {(ScoreState.DONE, 100)}, "the first looked again"
    assert lab.platform.tables.open(steward, target, "核对", Exit.PAGE).page(limit=500).rows.num_rows == 100


def test_the_stability_index_is_what_the_books_say_and_its_limits_have_a_date() -> None:
    assert stability([0.5, 0.5], [0.5, 0.5]) == 0.0
    assert stability([0.5, 0.5], [0.8, 0.2]) == pytest.approx(0.3 * np.log(1.6) - 0.3 * np.log(0.4))
    limits = drift_limits(date(2026, 1, 1))
    assert [limits.judge("x", value).level for value in (0.05, 0.1, 0.3)] == [*ShiftLevel]


def test_what_is_scored_is_counted_in_the_bins_of_what_was_learned() -> None:
    numbers = Bins("数", (0.0, 1.0), 0)
    assert numbers.count(np.array([-1, 0, 0.5, 1, 2, np.nan])).tolist() == [1, 2, 2, 1]
    assert Bins("词", (), 3).count(np.array([0.0, 1.0, 2.0, 5.0, np.nan])).tolist() == [1, 1, 2, 1], (
        "what is new is other"
    )
    assert Bins("空", (), 0).count(np.array([0.0, np.nan])).tolist() == [1, 1]


# Attacks


def test_what_is_anothers_looks_like_what_was_never_there(lab: Lab, learned: Any, approved: LearnedModel) -> None:
    learning, stranger = lab.platform.learning, lab["stranger"]
    for call, mine, made_up in (
        (learning.view, learned.views[0].id, "fv_0000000000000000"),
        (learning.view_revisions, learned.views[0].id, "fv_0000000000000000"),
        (learning.training_set, learned.id, "set_0000000000000000"),
        (learning.compared, learned.id, "set_0000000000000000"),
        (learning.model, approved.id, "mdl_0000000000000000"),
        (learning.export_model, approved.id, "mdl_0000000000000000"),
    ):
        told = []
        for one in (mine, made_up):
            with pytest.raises(NotFound) as hidden:
                call(stranger, one)
            told.append((hidden.value.reason, hidden.value.text))
        assert told[0] == told[1]
    for draft in (leaving(learned.views[0].id), leaving("fv_0000000000000000")):
        with pytest.raises(NotFound):
            learning.make_set(stranger, draft)
    with pytest.raises(NotFound):
        learning.train(stranger, model_of(learned.id))
    with pytest.raises(NotFound):
        learning.declare_view(stranger, firm_view())
    with pytest.raises(NotFound):
        learning.declare_view(stranger, firm_view(table="没有的表"))


def test_who_has_no_right_is_told_so(lab: Lab, learned: Any) -> None:
    learning = lab.platform.learning
    for login in ("member", "chief"):
        with pytest.raises(Denied):
            learning.models(lab[login])
        with pytest.raises(Denied):
            learning.declare_view(lab[login], firm_view())
    with pytest.raises(Denied):
        learning.train(lab["judge"], model_of(learned.id))


def test_names_in_drafts_are_data_and_never_sql(lab: Lab) -> None:
    for column in ('注册资本"; DROP TABLE x; --', "注册资本) FROM lake.x --"):
        with pytest.raises(Invalid):
            lab.view(features=(Feature(name="坏", column=column),))
    with pytest.raises(BeijiangError):
        lab.learn("steward", leaving(lab.view(), where=("盟市 OR 1=1",)))


def test_a_set_for_groups_needs_no_label(lab: Lab) -> None:
    draft = SetDraft(name="分群", table=FIRMS, views=(ViewUse(view=lab.view()),), purpose="分群")
    made = lab.learn("steward", draft)
    model = lab.platform.learning.train_now(
        lab["steward"], model_of(made.id, Algorithm.K_MEANS, parameters={"groups": 3})
    )
    assert model.figures["groups"] == 3
    assert not made.classes
