"""The update promise against the fact (`update_cycles.csv`): on time, late by how many days, or not scored."""

from __future__ import annotations

from datetime import datetime, timedelta

from beijiang.catalog.models import Promise, PromiseState
from beijiang.kit import Text
from beijiang.standards import UpdateCycle

_REAL_TIME = timedelta(minutes=60)


def promise(cycle: UpdateCycle, data_at: datetime | None, now: datetime) -> Promise:
    """Judge one entry: overdue when ``now`` is later than last data + interval + grace."""
    name = cycle.name
    if cycle.interval is None:
        text = Text(f"{name.zh} · 不评价", f"{name.en} · not scored")
        return Promise(cycle.code, name, PromiseState.UNSCORED, data_at, None, 0, text)
    if data_at is None:
        text = Text(f"{name.zh} · 尚无数据", f"{name.en} · no data yet")
        return Promise(cycle.code, name, PromiseState.NO_DATA, None, None, 0, text)
    due = data_at + (cycle.interval or _REAL_TIME)
    if now <= due + cycle.grace:
        text = Text(f"{name.zh} · 按时", f"{name.en} · on time")
        return Promise(cycle.code, name, PromiseState.ON_TIME, data_at, due, 0, text)
    late = max(1, (now - due).days)
    text = Text(f"{name.zh} · 迟 {late} 天", f"{name.en} · {late} {'day' if late == 1 else 'days'} late")
    return Promise(cycle.code, name, PromiseState.LATE, data_at, due, late, text)


__all__ = ["promise"]
