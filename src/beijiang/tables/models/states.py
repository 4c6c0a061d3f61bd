"""History tables: each row is a state that something was in, from one moment to another; NULL means that it holds now."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, tzinfo
from typing import Final

from beijiang.kit import Conflict, Invalid

__all__ = [
    "STATE_COLUMNS",
    "STATE_COMMENTS",
    "VALID_FROM",
    "VALID_TO",
    "kind_differs",
    "moment_of",
    "require_no_state_columns",
    "subject_of",
]

VALID_FROM: Final = "valid_from"
VALID_TO: Final = "valid_to"
STATE_COLUMNS: Final = (VALID_FROM, VALID_TO)
STATE_COMMENTS: Final[Mapping[str, str]] = {
    VALID_FROM: "本状态自此刻起成立（含） / this state holds from here on",
    VALID_TO: "本状态至此刻为止（不含），空值表示现在仍成立 / up to here, exclusive; no value: it holds now",
}


def subject_of(key: Sequence[str]) -> tuple[str, ...]:
    """Return the columns that say what a state is about: the key of a history table without the moment."""
    return tuple(name for name in key if name != VALID_FROM)


def require_no_state_columns(names: Iterable[str]) -> None:
    """Return if rows leave the names free that the platform gives to the moments of a state.

    Raises:
        Invalid: ``history_column_taken``; names are compared without regard to case, as tables compare them.

    """
    taken = [name for name in names if name.casefold() in STATE_COLUMNS]
    if taken:
        raise Invalid(
            f"来源已有名为 {'、'.join(taken)} 的列，与保留历史所加的列重名。请在来源用视图改名，或只选取其他列。",
            f"The rows have columns named {', '.join(taken)}, which a history table adds itself. Rename them in a view at the source, or choose the other columns only.",
            code="history_column_taken",
            detail={"columns": [*taken]},
        )


def moment_of(text: str, zone: tzinfo | None = None) -> datetime:
    """Read a moment as typed; one without an offset is of ``zone``, where there is one.

    Raises:
        Invalid: ``bad_moment``.

    """
    wrong = Invalid(
        f"无法识别时刻“{text[:40]}”。写法：2026-01-31T08:00+08:00。",
        f'"{text[:40]}" is no moment. Write it as 2026-01-31T08:00+08:00.',
        code="bad_moment",
    )
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError:
        raise wrong from None
    if moment.tzinfo is not None:
        return moment
    if zone is None:
        raise wrong
    return moment.replace(tzinfo=zone)


def kind_differs(table: str, *, keeps_history: bool) -> Conflict:
    """Return the error for a table that is to be written as what it is not."""
    if keeps_history:
        return Conflict(
            f"表“{table}”保留历史，只能以“保留历史”方式写入（取数时勾选保留历史，交文件用 --mode history）。若不再需要历史，请另用一张表。",
            f'Table "{table}" keeps its history and is written in that way only (take with --history, hand in with --mode history). To keep no history, use another table.',
            code="history_table",
        )
    return Conflict(
        f"表“{table}”已有数据且不保留历史，不能中途改为保留历史。请取到一张新表。",
        f'Table "{table}" has rows and keeps no history, and cannot begin to. Take the rows into a new table.',
        code="not_a_history_table",
    )
