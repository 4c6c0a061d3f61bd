"""Look at the head of a feed, with a bound on rows and time, and say how it could be taken."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final

from beijiang.ingest.connectors import Wanted
from beijiang.ingest.models import FeedPreview, FeedSuggestion, SyncMode
from beijiang.ingest.readers.columnar import text_column
from beijiang.ingest.typing import ColumnType
from beijiang.kit import Text, Unavailable

if TYPE_CHECKING:
    from beijiang.ingest.connectors import Connector, Feed, FeedColumn

__all__ = ["head_of", "suggestion"]

_MOST: Final = 100
_SECONDS: Final = 20.0
_CELL: Final = 200
"""Characters of a cell that a preview shows."""
_SMALL: Final = 100_000
"""Rows up to which reading everything each time costs little, and proves the most."""
_CHANGED: Final = re.compile(r"更新|修改|变更|updat|modif|chang|gxsj|xgsj|gxrq|xgrq|last_", re.IGNORECASE)
_MADE: Final = re.compile(r"创建|新增|录入|登记|creat|insert|add_time|cjsj|lrsj|djsj", re.IGNORECASE)


def head_of(connector: Connector, feed: Feed, limit: int) -> FeedPreview:
    """Return the first rows of a feed; the look ends when there are enough, or after twenty seconds.

    Raises:
        Unavailable: ``preview_slow``.

    """
    pool = ThreadPoolExecutor(1, thread_name_prefix="beijiang-preview")
    try:
        return pool.submit(_head, connector, feed, min(limit, _MOST)).result(_SECONDS)
    except TimeoutError as error:
        raise Unavailable(
            f"“{feed.name}”超过 {_SECONDS:.0f} 秒没有给出前几行，可能是计算量大的视图。可以跳过预览直接设置。",
            f'"{feed.name}" gave no rows within {_SECONDS:.0f} seconds; it may be a costly view. You can go on without a preview.',
            code="preview_slow",
        ) from error
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _head(connector: Connector, feed: Feed, limit: int) -> FeedPreview:
    rows: list[list[str | None]] = []
    names: list[str] = [c.name for c in feed.columns]
    with connector.open(Wanted(feed=feed, key=feed.key)) as reading:
        batches = reading.batches()
        try:
            for batch in batches:
                part = batch.slice(0, limit - len(rows))
                names = list(part.schema.names)
                columns = [[None if v is None else v[:_CELL] for v in text_column(c).to_pylist()] for c in part.columns]
                rows += [list(row) for row in zip(*columns, strict=True)]
                if len(rows) >= limit:
                    break
        finally:
            close = getattr(batches, "close", None)
            if close is not None:
                close()
    return FeedPreview(feed.name, tuple(names), tuple(tuple(row) for row in rows))


def suggestion(feed: Feed) -> FeedSuggestion:
    """Say how a feed could be taken, and why: whole while it is small, by a cursor when it is large and has one."""
    reasons: list[Text] = []
    key = feed.key
    if key:
        reasons.append(Text(f"主键取来源声明的：{'、'.join(key)}。", f"The key is the source's own: {', '.join(key)}."))
    else:
        reasons.append(
            Text(
                "来源没有声明主键：每次全量取数；如知道能唯一确定一行的列，请勾选。",
                "The source declares no key, so everything is read each time; tick the columns that identify a row if you know them.",
            )
        )
    cursor = _cursor(feed)
    mode = SyncMode.FULL
    if cursor is not None and key and not _is_small(feed) and _CHANGED.search(cursor.name):
        mode = SyncMode.INCREMENTAL
        reasons.append(
            Text(
                f"“{cursor.name}”随每次修改变大，可作游标：只取新增和修改的行，并比对主键找出来源删除的行。",
                f'"{cursor.name}" grows with every change and serves as the cursor: only what is new or changed is read, and keys are compared for what was deleted.',
            )
        )
    elif _is_small(feed):
        reasons.append(
            Text(
                f"约 {feed.rows:,} 行，不大：全量取数每次都与来源完全一致。",
                f"About {feed.rows:,} rows, which is little: reading all of it keeps the table equal to the source each time.",
            )
        )
    elif cursor is not None and key:
        reasons.append(
            Text(
                f"“{cursor.name}”可能只反映新增，看不出修改：默认全量；确认修改时它也变大，再改为增量。",
                f'"{cursor.name}" may tell what is new but not what changed: whole by default; choose incremental once you know that it grows with changes too.',
            )
        )
    else:
        reasons.append(
            Text("没有可作游标的列：全量取数。", "No column fits as a cursor: everything is read each time.")
        )
    return FeedSuggestion(
        table=(feed.comment.strip() or feed.name.rsplit(".", 1)[-1])[:100],
        mode=mode,
        key=key,
        cursor=cursor.name if mode is SyncMode.INCREMENTAL and cursor is not None else "",
        overlap=_overlap(cursor) if mode is SyncMode.INCREMENTAL else "",
        deletes=mode is SyncMode.INCREMENTAL,
        reasons=tuple(reasons),
    )


def _is_small(feed: Feed) -> bool:
    return feed.rows is not None and feed.rows <= _SMALL


def _cursor(feed: Feed) -> FeedColumn | None:
    """Return the column that most probably follows changes."""
    fit = [c for c in feed.columns if c.is_cursor]
    for wanted in (_CHANGED, _MADE):
        for column in fit:
            if wanted.search(column.name) or wanted.search(column.comment):
                return column
    return next((c for c in fit if c.spec.type is ColumnType.TIMESTAMP), fit[0] if fit else None)


def _overlap(cursor: FeedColumn | None) -> str:
    if cursor is None:
        return ""
    return {ColumnType.TIMESTAMP: "3600", ColumnType.DATE: "1"}.get(cursor.spec.type, "")
