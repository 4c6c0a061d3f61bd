"""What feature views, training sets and models refuse."""

from __future__ import annotations

from beijiang.kit import Conflict, Denied, Invalid, NotFound, Refused

__all__ = [
    "bad_column",
    "label_barred",
    "moved_on",
    "no_model",
    "no_plan",
    "no_set",
    "no_view",
    "not_trainable",
    "own_model",
    "sight_changed",
    "stays_here",
    "unfit_draft",
    "wrong_state",
]


def no_view() -> NotFound:
    """Return the error for a feature view that is missing, retired, or another department's."""
    return NotFound("没有这个特征视图。", "There is no such feature view.", code="feature_view_not_found")


def no_set() -> NotFound:
    """Return the error for a training set that is missing or another department's."""
    return NotFound("没有这个训练集。", "There is no such training set.", code="training_set_not_found")


def no_model() -> NotFound:
    """Return the error for a model that is missing or another department's."""
    return NotFound("没有这个模型。", "There is no such model.", code="model_not_found")


def no_plan() -> NotFound:
    """Return the error for a plan of scores that is missing, ended, or another department's."""
    return NotFound(
        "没有这个评分计划，或它已停止。", "There is no such plan of scores, or it has ended.", code="plan_not_found"
    )


def unfit_draft(zh: str, en: str) -> Invalid:
    """Return the error for a draft that cannot be used as it is."""
    return Invalid(zh, en, code="learning_unfit")


def bad_column(column: str, table: str) -> Invalid:
    """Return the error for a column that is not there, or not shown: both look the same."""
    return Invalid(
        f"表“{table}”没有您可用的列“{column}”。请在数据表页查看您可见的列。",
        f'Table "{table}" has no column "{column}" that you may use. See the table\'s page for what you are shown.',
        code="training_column",
        detail={"table": table, "column": column},
    )


def label_barred(column: str) -> Refused:
    """Return the error for a label that the person who asks sees masked: a model of masks foretells nothing."""
    return Refused(
        f"标签列“{column}”对您是脱敏的，不能用作标签。请向数据提供部门申请该列的授权，或换一个标签。",
        f'You see the label "{column}" masked, so that it cannot serve. Ask its provider for a grant, or take another.',
        code="label_masked",
    )


def not_trainable(zh: str, en: str) -> Invalid:
    """Return the error for rows that nothing can be learned from."""
    return Invalid(zh, en, code="not_trainable")


def sight_changed(table: str) -> Conflict:
    """Return the error for a training set that the actor could not make like this any more, or never could."""
    return Conflict(
        f"您现在看到的表“{table}”与制作训练集时不同（权限、脱敏或行规则已变，或训练集由权限不同的人制作）。请重新制作训练集。",
        f'You do not see table "{table}" as it was seen when the training set was made: a right, a mask or a rule on rows '
        "changed, or somebody with other rights made it. Make a training set of your own.",
        code="training_sight",
    )


def own_model() -> Denied:
    """Return the error for who would approve the own work."""
    return Denied(
        "不能批准自己训练或提交的模型，请由部门审核员办理。",
        "Nobody approves a model that he trained or handed in; a reviewer of the department does.",
        code="model_self_approval",
    )


def wrong_state(zh: str, en: str) -> Conflict:
    """Return the error for a step that the state of a model does not allow."""
    return Conflict(zh, en, code="model_state")


def stays_here(grade: str) -> Refused:
    """Return the error for a model of sensitive rows that nobody has approved."""
    return Refused(
        f"模型由 {grade} 级数据训练，未经批准不能导出。请先提交审核，批准后再导出。",
        f"The model was trained on data of grade {grade} and does not leave before it is approved. Hand it in for review first.",
        code="model_not_approved",
    )


def moved_on() -> Conflict:
    """Return the error for a change that somebody else was faster with."""
    return Conflict("刚被别人改过，请重新查看。", "Somebody just changed it; look again.", code="learning_changed")
