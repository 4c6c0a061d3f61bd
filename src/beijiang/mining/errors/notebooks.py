"""What notebooks refuse."""

from __future__ import annotations

from beijiang.kit import Conflict, Invalid, NotFound, Text

__all__ = ["bad_value", "no_notebook", "notebook_moved", "unfit_notebook"]


def no_notebook() -> NotFound:
    """Return the error for a notebook, version or cell that is missing, removed, or not shared with the asker."""
    return NotFound(
        "没有这个笔记本、版本或单元格，或者没有共享给您。",
        "There is no such notebook, version or cell, or it is not shared with you.",
        code="notebook_not_found",
    )


def unfit_notebook(zh: str, en: str) -> Invalid:
    """Return the error for a notebook that cannot be kept."""
    return Invalid(zh, en, code="notebook_unfit")


def bad_value(name: str, kind: Text | None) -> Invalid:
    """Return the error for a value that is not of its parameter's type, or of a parameter that is not declared."""
    zh = "没有声明" if kind is None else f"应为{kind.zh}"
    en = "is not declared" if kind is None else f"takes a {kind.en}"
    return Invalid(
        f"参数“{name}”{zh}。", f'The parameter "{name}" {en}.', code="notebook_value", detail={"parameter": name}
    )


def notebook_moved(revision: int) -> Conflict:
    """Return the error for a change to a version that is no longer the newest."""
    return Conflict(
        f"笔记本刚被改成第 {revision} 版，请看过新版再改。",
        f"Somebody made version {revision} of the notebook meanwhile; look at it, then change it.",
        code="notebook_moved",
        detail={"revision": revision},
    )
