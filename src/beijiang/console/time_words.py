"""What the console calls what is done about the time of a share request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from beijiang.kit import Text

__all__ = ["TIME"]

TIME: Final[Mapping[str, Text]] = {
    "exchange.request_extend_ask": Text("请求延长共享申请期限", "more time asked for a share request"),
    "exchange.request_extend_deny": Text("不同意延长共享申请期限", "more time for a share request not agreed to"),
    "exchange.request_lapse": Text("共享申请逾期未补正", "share request not completed in time"),
    "exchange.request_pause": Text("中止共享申请时限", "time of a share request stands still"),
    "exchange.request_remind": Text("提醒补正共享申请", "reminded to complete a share request"),
    "exchange.request_resume": Text("恢复共享申请时限", "time of a share request runs on"),
}
