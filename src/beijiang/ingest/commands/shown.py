"""What runs and set-aside rows look like at a terminal, from their JSON: of this machine's home or of a server far away."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from beijiang.kit import BeijiangError, Invalid, Text
from beijiang.terminal import Column, as_json, language, say, show

__all__ = ["failure_of", "show_quarantine", "show_run_facts", "show_runs"]

_RUNS = (
    Column("id", Text("任务", "run"), whole=True),
    Column("table", Text("表", "table")),
    Column("state", Text("状态", "state")),
    Column("mode", Text("方式", "mode")),
    Column("version", Text("版本", "version"), right=True),
    Column("read", Text("读入", "read"), right=True),
    Column("good", Text("合格", "good"), right=True),
    Column("bad", Text("问题", "bad"), right=True),
    Column("duplicates", Text("重复", "duplicates"), right=True),
    Column("submitted_by", Text("提交人", "by")),
    Column("submitted_at", Text("提交时间", "submitted")),
    Column("error", Text("错误", "error")),
)
_RUNS_SHORT: Final = tuple(c for c in _RUNS if c.key not in {"mode", "submitted_by", "submitted_at", "error"})
_FILES = (
    Column("name", Text("文件", "file")),
    Column("format", Text("格式", "format")),
    Column("encoding", Text("编码", "encoding")),
    Column("read", Text("读入", "read"), right=True),
    Column("good", Text("合格", "good"), right=True),
    Column("bad", Text("问题", "bad"), right=True),
    Column("duplicates", Text("重复", "duplicates"), right=True),
    Column("reasons", Text("问题原因", "reasons")),
)
_QUARANTINE = (
    Column("run_id", Text("任务", "run"), whole=True),
    Column("file", Text("文件", "file")),
    Column("line", Text("行", "line"), right=True),
    Column("reason", Text("代码", "code")),
    Column("message", Text("原因", "reason")),
    Column("row", Text("原文", "raw text")),
    Column("resolved_by", Text("已由此任务更正", "resolved by"), whole=True, spare=True),
)


def failure_of(run: Mapping[str, Any]) -> BeijiangError:
    """Return the error that a run ended with."""
    error = run["error"] or {"code": run["state"], "zh": "汇聚没有完成。", "en": "The run did not come to its end."}
    detail = error.get("detail")
    affected: Any = detail.get("affected", []) if isinstance(detail, dict) else []
    return Invalid(
        str(error["zh"]) + "".join(f"\n受影响：{a['name']}，{a['zh']}" for a in affected),
        str(error["en"]) + "".join(f"\nAffected: {a['name']}, {a['en']}" for a in affected),
        code=str(error["code"]),
        detail={**(detail if isinstance(detail, dict) else {}), "run": run["id"]},
    )


def show_run_facts(run: Mapping[str, Any]) -> None:
    """Print a run and its files; for a program nothing where it failed, as the error says it."""
    if as_json():
        if run["error"] is None:
            show(run)
        return
    show(_summary(run), _RUNS)
    files: Any = run["report"].get("files", [])
    if files:
        show([_file(f) for f in files], _FILES)


def show_runs(runs: Sequence[Mapping[str, Any]]) -> None:
    """Print a list of runs."""
    show([dict(run) if as_json() else _summary(run) for run in runs], _RUNS_SHORT)


def show_quarantine(total: int, by_reason: Mapping[str, Any], rows: Sequence[Mapping[str, Any]]) -> None:
    """Print rows that were set aside, and how many there are for which reason."""
    if as_json():
        show({"total": total, "by_reason": by_reason, "rows": list(rows)})
        return
    show([_quarantined(row) for row in rows], _QUARANTINE)
    say(Text(f"共 {total:,} 行：{_counted(by_reason)}", f"{total:,} rows: {_counted(by_reason)}"))


def _summary(run: Mapping[str, Any]) -> dict[str, Any]:
    counts = {k: run["report"].get(k) for k in ("read", "good", "bad", "duplicates")}
    return {
        "id": run["id"],
        "table": run["table"],
        "state": run["state"],
        "mode": run["mode"],
        "version": run["version"],
        **counts,
        "submitted_by": run["submitted_by"],
        "submitted_at": datetime.fromisoformat(run["submitted_at"]),
        "error": "" if run["error"] is None else run["error"]["code"],
    }


def _file(file: Mapping[str, Any]) -> dict[str, Any]:
    return {**file, "name": _place(file["name"], file["inner"]), "reasons": _counted(file["bad_by_reason"])}


def _place(name: str, inner: str) -> str:
    return f"{name} › {inner}" if inner else name


def _quarantined(row: Mapping[str, Any]) -> dict[str, Any]:
    cells = row["raw"] if row["cells"] is None else " | ".join(c or "" for c in row["cells"])
    return {
        "run_id": row["run_id"],
        "file": _place(row["file"], row["inner"]),
        "line": row["line"],
        "reason": row["reason"],
        "message": Text(**row["message"]).in_language(language()),
        "row": (cells or "")[:200],
        "resolved_by": row["resolved_by"],
    }


def _counted(reasons: Mapping[str, Any]) -> str:
    return ", ".join(f"{reason} {count:,}" for reason, count in reasons.items())
