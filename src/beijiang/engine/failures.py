"""What the engine's failures are called outside: a stable reason and two sentences, never the engine's own text."""

from __future__ import annotations

from beijiang.kit import BeijiangError, Conflict, Invalid, Refused, TooLarge, Unavailable

__all__ = ["failure"]


def failure(reason: str) -> BeijiangError:
    """Return the error for a reason code of the engine or its child process."""
    maker = _MAKERS.get(reason, _failed)
    return maker()


def _timeout() -> BeijiangError:
    return Refused(
        "查询超过了时限，已停止。请缩小范围、增加筛选条件或先汇总再查询。",
        "The query passed its time limit and was stopped. Narrow it, add filters, or aggregate first.",
        code="query_timeout",
    )


def _memory() -> BeijiangError:
    return Refused(
        "查询需要的内存超过了限额，已停止。请减少列、缩小范围或分批查询。",
        "The query needed more memory than allowed and was stopped. Take fewer columns, narrow it, or split it.",
        code="query_memory",
    )


def _large() -> BeijiangError:
    return TooLarge(
        "查询结果超过了大小上限。请减少列或行，或改用下载。",
        "The answer is over the size limit. Take fewer columns or rows, or download the data instead.",
        code="query_too_large",
    )


def _missing() -> BeijiangError:
    return Unavailable(
        "数据文件暂时无法读取。请稍后再试；若持续出现，请管理员运行 beijiang doctor 检查存储。",
        "A data file cannot be read now. Try again later; if it goes on, have an administrator run beijiang doctor.",
        code="data_unavailable",
    )


def _unwritten() -> BeijiangError:
    return Unavailable(
        "数据文件未能写入，数据没有变化。请检查磁盘空间后重试。",
        "A data file could not be written and nothing has changed. Check the disk space and try again.",
        code="write_failed",
    )


def _unlinkable() -> BeijiangError:
    return Unavailable(
        "Spark 服务器不能写入平台数据目录下的 tmp/linking，记录没有关联。请让它以运行平台的用户身份运行，并以相同路径看到该目录。",
        "The Spark server cannot write below tmp/linking of the platform's home; nothing was linked. Run it as the user that runs the platform, and let it see that folder under the same path.",
        code="linking_unwritable",
    )


def _unset() -> BeijiangError:
    return Invalid(
        "引擎不接受现有设置，没有启动。请检查 time_zone（应为 Asia/Shanghai 这样的时区名）、engine_threads 与 engine_memory_mb，改正后重新启动。",
        "The engine does not take the settings and did not begin. Check time_zone (a name such as Asia/Shanghai), engine_threads and engine_memory_mb, and start again.",
        code="engine_settings",
    )


def _differ() -> BeijiangError:
    return Refused(
        "这条查询不被允许。请只查询目录中有权使用的表，并使用普通的 SELECT 语句。",
        "This query is not allowed. Query only catalogued tables that you may use, with a plain SELECT.",
        code="tables_differ",
    )


def _cancelled() -> BeijiangError:
    return Conflict("查询已停止。", "The query was stopped.", code="query_cancelled")


def _unbound() -> BeijiangError:
    return Invalid(
        "查询中的列名、函数或类型不对：表中没有这一列，或者函数不接受这样的参数。请对照表的列检查后重试。",
        "A column, function or type in the query does not fit: the table has no such column, or the function does not take such arguments. Check them against the table's columns.",
        code="query_unbound",
    )


def _failed() -> BeijiangError:
    return Invalid(
        "查询执行失败：可能有值无法转换、数值溢出，或列名、函数与类型不符。请检查表达式后重试。",
        "The query failed: a value may not convert, a number may overflow, or a name, function or type does not fit. Check the expressions and try again.",
        code="query_failed",
    )


_MAKERS = {
    "query_timeout": _timeout,
    "query_memory": _memory,
    "query_too_large": _large,
    "data_unavailable": _missing,
    "tables_differ": _differ,
    "write_failed": _unwritten,
    "linking_unwritable": _unlinkable,
    "engine_settings": _unset,
    "query_cancelled": _cancelled,
    "query_unbound": _unbound,
    "query_failed": _failed,
}
