"""What can go wrong between us and a web service, in our words; ``troubles`` holds what all sources share."""

from __future__ import annotations

from collections.abc import Sequence

from beijiang.ingest.connectors.troubles import source_refuses
from beijiang.kit import BeijiangError, Conflict, Invalid, Unavailable

__all__ = [
    "busy",
    "columns_absent",
    "columns_new",
    "columns_unknown",
    "endless",
    "leads_elsewhere",
    "no_key",
    "no_rows",
    "not_ok",
    "short",
    "status",
]

_LOGIN = 401
_FORBIDDEN = 403


def status(number: int) -> BeijiangError:
    """Say what a status that is no success means."""
    if number == _LOGIN:
        return source_refuses("source_login_failed", str(number))
    if number == _FORBIDDEN:
        return source_refuses("source_forbidden", str(number))
    return Invalid(
        f"服务拒绝了请求（状态码 {number}）。请核对接口地址、参数与分页设置。",
        f"The service refuses the request (status {number}). Check address, parameters and paging.",
        code="service_refuses",
        detail={"status": number},
    )


def busy(number: int, wait: float | None = None) -> Unavailable:
    """Say that the service cannot answer now, however often it was asked."""
    return Unavailable(
        f"服务暂时无法应答（状态码 {number}），没有写入任何数据。请稍后重试，或用 per_second 放慢取数。",
        f"The service cannot answer now (status {number}); nothing was written. Try later, or read slower with per_second.",
        code="service_busy",
        detail={"status": number} if wait is None else {"status": number, "retry_after": round(wait)},
    )


def not_ok(code: str) -> Invalid:
    """Say that the service reports a failure in a body of its own."""
    shown = code if code.isprintable() else "?"
    return Invalid(
        f"服务报告失败，结果码“{shown[:40]}”。请按服务方的说明处理（如未授权、参数有误）。",
        f'The service reports a failure, result code "{shown[:40]}". See its documentation (no grant, wrong parameter).',
        code="service_not_ok",
    )


def no_key() -> Invalid:
    """Say that the key service gave nothing that the app key opens."""
    return Invalid(
        "密钥服务没有给出可用的签名密钥。请核对应用密钥、key_cipher 与 key_made_by（以平台文档为准）。",
        "The key service gave no signing key that the app key opens. Check the app key, key_cipher and key_made_by against the platform's documents.",
        code="exchange_key",
    )


def no_rows(path: str) -> Invalid:
    """Say that the list of rows is not where it should be."""
    return Invalid(
        f"应答中“{path or '/'}”处没有行的列表。请核对 rows 路径；若服务以状态码 200 报错，请设置 ok。",
        f'There is no list of rows at "{path or "/"}" of the answer. Check the path in rows; if the service answers errors with status 200, set ok.',
        code="service_no_rows",
    )


def endless(why: str, pages: int) -> Invalid:
    """Say that paging does not end: ``same_page``, ``same_mark`` or ``cap``."""
    return Invalid(
        f"分页没有尽头：读到第 {pages} 页时重复或超过上限，已停止，没有写入任何数据。请核对分页设置（参数名、total、max_pages）。",
        f"Paging does not end: at page {pages} it repeats itself or passes the cap; stopped, nothing was written. Check the paging (parameter, total, max_pages).",
        code="endless_paging",
        detail={"why": why, "pages": pages},
    )


def leads_elsewhere() -> Invalid:
    """Say that the next page lies at another host."""
    return Invalid(
        "下一页的地址指向另一台主机，未予跟随。请联系服务方，或改用其他分页方式。",
        "The address of the next page leads to another host and is not followed. Ask the service, or page another way.",
        code="paging_leaves_service",
    )


def short(came: int, told: int) -> Unavailable:
    """Say that fewer rows came than the service says there are."""
    return Unavailable(
        f"服务称共有 {told} 行，只取到 {came} 行，没有写入任何数据。取数期间数据可能有变动，请重试；若总是如此，请核对分页设置。",
        f"The service says that there are {told} rows and gave {came}; nothing was written. Rows may have changed meanwhile: try again; if it stays so, check the paging.",
        code="service_short",
        detail={"came": came, "told": told},
    )


def columns_unknown(name: str) -> Invalid:
    """Say that no columns can be told from an empty list."""
    return Invalid(
        f"“{name}”的第一页没有行，无法得知有哪些列。请在 columns 中声明。",
        f'The first page of "{name}" has no rows to tell columns from. Declare them in columns.',
        code="service_no_columns",
    )


def columns_new(names: Sequence[str]) -> Conflict:
    """Say that rows hold members that the first page did not."""
    return Conflict(
        f"后面的行含有第一页没有的字段：{'、'.join(names)}。为免遗漏已停止，没有写入任何数据。请在 columns 中声明全部列。",
        f"Later rows have members that the first page had not: {', '.join(names)}. Stopped, so that nothing is lost; declare all columns in columns.",
        code="service_more_columns",
        detail={"columns": [*names]},
    )


def columns_absent(names: Sequence[str]) -> Conflict:
    """Say that a declared column is in no row at all."""
    return Conflict(
        f"没有一行含有列：{'、'.join(names)}（可能已改名或路径有误），没有写入任何数据。若确实可缺，请标为 optional。",
        f"No row has: {', '.join(names)} (renamed, or a wrong path); nothing was written. If it may be absent, mark it optional.",
        code="source_column_gone",
        detail={"columns": [*names]},
    )
