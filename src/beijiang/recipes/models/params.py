"""Reading the parameters of a step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from beijiang.kit import Invalid
from beijiang.recipes.models.frame import HIDDEN_MARK
from beijiang.recipes.models.steps import Step, StepParam, StepParamType

__all__ = ["check_param", "lacking", "names_in", "pairs_in", "whole_in"]

NAME_LONGEST = 100
PAIRS_MOST = 5_000


def lacking(name: str) -> Invalid:
    """Return the error for a parameter that was not given."""
    return Invalid(f"缺少参数 {name}。", f"parameter {name} is missing.", code="step_parameter")


def names_in(text: str) -> Sequence[str]:
    """Return names separated by commas."""
    return [name.strip() for name in text.replace("，", ",").split(",") if name.strip()]


def check_param(param: StepParam, value: str) -> None:
    """Return if a parameter may have a value; names of columns are looked up elsewhere."""
    if param.required and not value:
        raise lacking(param.name)
    if param.choices and value and value not in param.choices:
        raise Invalid(
            f"参数 {param.name} 只能是 {'、'.join(param.choices)}。",
            f"parameter {param.name} is one of {', '.join(param.choices)}.",
            code="step_parameter",
        )
    if param.type in {StepParamType.NAME, StepParamType.NAMES}:
        for name in names_in(value):
            _check_name(name)


def _check_name(name: str) -> None:
    if len(name) > NAME_LONGEST or not name.isprintable() or name.startswith(HIDDEN_MARK):
        raise Invalid(
            f"列名“{name[:40]}”不可用。", f'"{name[:40]}" cannot be the name of a column.', code="column_name"
        )


def pairs_in(step: Step) -> Mapping[str, str]:
    """Return the pairs of a step, written a line each as ``from=to``."""
    found: dict[str, str] = {}
    for line in step.param("pairs").splitlines():
        old, mark, new = line.partition("=")
        if not line.strip():
            continue
        if not mark:
            raise Invalid(
                f"对照应写成 原值=新值，读到“{line[:40]}”。",
                f'Pairs are written from=to; found "{line[:40]}".',
                code="step_parameter",
            )
        found[old.strip()] = new.strip()
    if len(found) > PAIRS_MOST:
        raise Invalid(
            f"对照最多 {PAIRS_MOST} 行，更多请建成表后用“关联取值”。",
            f"At most {PAIRS_MOST} pairs; make a table of more and look them up.",
            code="step_parameter",
        )
    return found


def whole_in(step: Step, name: str, most: int) -> int:
    """Return a whole number from 0 to ``most``."""
    words = step.param(name)
    if not words.isdecimal() or int(words) > most:
        raise Invalid(
            f"参数 {name} 应为 0 到 {most} 的整数。",
            f"parameter {name} is a whole number from 0 to {most}.",
            code="step_parameter",
        )
    return int(words)
