"""The worked example of learning: which enterprises leave the register, from the view of features to a table of scores."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from beijiang.mining import (
    Algorithm,
    Feature,
    FeatureKind,
    ModelDraft,
    ModelState,
    Rhythm,
    ScoreDraft,
    SetDraft,
    SetState,
    Split,
    ViewDraft,
    ViewUse,
)

if TYPE_CHECKING:
    from beijiang.kit import Actor
    from beijiang.mining import LearnedModel, TrainingSet
    from beijiang.platform import Platform

__all__ = ["APPROVER", "OWNER", "add_models"]

OWNER: Final = "commerce_admin"
APPROVER: Final = f"lead.{OWNER}"
TABLE: Final = "企业登记信息"
KEY: Final = "基本信息_统一社会信用代码"
VIEW = ViewDraft(
    name="企业基本特征",
    name_en="Features of enterprises",
    table=TABLE,
    keys=(KEY,),
    features=(
        Feature(name="年限", kind=FeatureKind.AGE, column="基本信息_成立日期"),
        Feature(name="类型", column="基本信息_企业类型"),
        Feature(name="行业", column="基本信息_行业门类"),
    ),
)


def add_models(platform: Platform, person: Callable[[str], Actor]) -> None:
    """Train two models, have the better one approved and its scores made; what an earlier start did stays."""
    steward = person(f"steward.{OWNER}")
    made = _set(platform, steward)
    models = [
        _model(platform, steward, made, algorithm) for algorithm in (Algorithm.LOGISTIC, Algorithm.BOOSTED_CLASSES)
    ]
    best = max(models, key=lambda one: one.figures.get("auc", 0.0))
    learning = platform.learning
    if best.state is ModelState.DRAFT:
        best = learning.submit_model(steward, best.id, "请审核。")
    if best.state is ModelState.REVIEW:
        note = "用途明确，指标高于最简单的猜测，同意使用。"
        best = learning.decide_model(person(APPROVER), best.id, approve=True, note=note)
    if not learning.plans(steward):
        draft = ScoreDraft(
            model=best.id, table=TABLE, keep=(KEY, "基本信息_企业名称"), target="企业退出预警", rhythm=Rhythm.MONTHLY
        )
        learning.plan_scores(steward, draft)
    for plan in learning.plans(steward):
        if not learning.runs(steward, plan.id)[1]:
            platform.jobs.wait(learning.score(steward, plan.id))


def _set(platform: Platform, steward: Actor) -> TrainingSet:
    learning = platform.learning
    known = learning.training_sets(steward)
    if known and known[0].state is SetState.READY:
        return known[0]
    views = learning.views(steward)
    view = views[0] if views else learning.declare_view(steward, VIEW)
    draft = SetDraft(
        name="企业退出",
        name_en="Enterprises that leave",
        table=TABLE,
        label="基本信息_登记状态",
        positive=("注销", "吊销"),
        views=(ViewUse(view=view.id),),
        group="经营地_盟市",
        purpose="提前走访可能退出的企业",
    )
    made, job = learning.make_set(steward, draft)
    platform.jobs.wait(job)
    return learning.training_set(steward, made.id)


def _model(platform: Platform, steward: Actor, made: TrainingSet, algorithm: Algorithm) -> LearnedModel:
    learning = platform.learning
    for one in learning.compared(steward, made.id):
        if one.draft.algorithm is algorithm and one.digest:
            return one
    draft = ModelDraft(
        name=f"企业退出预警（{algorithm.text.zh}）",
        name_en=f"Leavers ({algorithm.text.en})",
        training_set=made.id,
        algorithm=algorithm,
        purpose="提前走访可能退出的企业",
        limits="只用于走访排序，不得用于行政处罚；特征按当前登记，不含历史变更。",
        split=Split.FOLDS,
    )
    model, job = learning.train(steward, draft)
    platform.jobs.wait(job)
    return learning.model(steward, model.id)
