"""What evidence calls the steps of grading."""

from __future__ import annotations

from typing import Final

from beijiang.kit import Text

__all__ = ["GRADING"]

GRADING: Final = {
    "protection.assess": Text("整表定级", "table assessed"),
    "protection.correct": Text("更正分级", "grade corrected"),
    "protection.floor": Text("按数据元定最低等级", "least grade by data element"),
    "protection.lower": Text("同意降级", "lowered grade agreed to"),
    "protection.propose": Text("提出降级", "lower grade proposed"),
    "protection.refuse": Text("不同意降级", "lowered grade refused"),
    "protection.withdraw": Text("撤回降级", "lowered grade taken back"),
}
