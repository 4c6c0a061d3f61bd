"""The errors that a program meets most, with what to do; for the page of developers."""

from __future__ import annotations

from typing import Final

from beijiang.kit import Text

__all__ = ["ERRORS"]

ERRORS: Final[tuple[tuple[int, str, Text], ...]] = (
    (
        400,
        "unknown_column",
        Text("没有这一列；列名见元数据的 fields。", "No such column; fields of the metadata has the names."),
    ),
    (
        400,
        "invalid",
        Text("参数写法不对；detail 指出是哪一个。", "A parameter is not as it should be; detail names it."),
    ),
    (
        401,
        "unauthenticated",
        Text("密钥无效或已过期；开放数据不需要密钥。", "The key is not good; open data need none."),
    ),
    (
        403,
        "denied",
        Text("没有这项权限；需要的授权写在消息里。", "Not allowed; the message names the grant that is needed."),
    ),
    (
        404,
        "no_open_rows",
        Text(
            "目录公开而数据行不开放，或没有这个数据集。",
            "The entry is public and its rows are not, or there is no such set.",
        ),
    ),
    (
        409,
        "contract_breached",
        Text("这一版违反数据合同，暂不交付；稍后再试。", "This version breaks its contract and is held; try later."),
    ),
    (413, "too_large", Text("请求体太大。", "The body is too large.")),
    (429, "throttled", Text("太快了；按 Retry-After 等待。", "Too fast; wait as Retry-After says.")),
    (
        503,
        "unavailable",
        Text(
            "暂时不可用；稍后重试，附上 request_id 联系我们。",
            "Not available now; try again, or write to us with the request_id.",
        ),
    ),
)
