"""Of two entries for one version of a table the stricter holds, in every column and every row."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beijiang.catalog import OpenType, Release
from beijiang.protection.models.choices import MaskChoice, MaskFunction
from beijiang.protection.models.grades import ColumnGrade, Findings, GradeSource, Level, Personal
from beijiang.protection.models.granting import Granted, GrantedItem, Handling
from beijiang.protection.models.reference import kinds
from beijiang.protection.models.sight import Audience, RowRule, Sight, Treatment
from beijiang.protection.models.sighting import sight_of
from beijiang.protection.models.stricter import stricter
from beijiang.tables import Filter, FilterOp, Snapshot

COLUMNS = ("甲", "乙", "丙", "丁")
AT = datetime(2026, 3, 10, tzinfo=UTC)
RANKS = {Treatment.RAW: 0, Treatment.MASKED: 1}
SHOT = Snapshot(
    table="表",
    table_id="t",
    version=1,
    files=(),
    schema=pa.schema([pa.field(name, pa.string()) for name in COLUMNS]),
    rows=0,
    bytes=0,
    written_at=AT,
    delta_version=0,
)

columns = st.frozensets(st.sampled_from(COLUMNS))
levels = st.sampled_from(list(Level))
words = st.sampled_from(["plain", "mobile", "person_name", "citizen_id"])
audiences = st.sampled_from([Audience.OPEN, Audience.SHARED, Audience.GRANTED])


@st.composite
def grades(draw: st.DrawFn) -> dict[str, ColumnGrade]:
    return {
        name: ColumnGrade(
            table="表",
            column=name,
            level=draw(levels),
            kind=(kind := draw(words)),
            personal=Personal.NO,
            mask=kinds()[kind].mask if kind in kinds() else "full",
            source=GradeSource.DETECTED,
            evidence=Findings(rows=0, sampled=False, values=0),
            detected_level=Level.L1,
            at=AT,
        )
        for name in COLUMNS
    }


@st.composite
def releases(draw: st.DrawFn) -> Release:
    return Release(
        resource_id="r",
        version_no=1,
        table="表",
        table_version=1,
        open_type=OpenType.UNCONDITIONAL,
        open_items=draw(columns),
        level=None,
        shared_items=draw(columns),
        items=draw(columns),
        refused_items=draw(columns),
        grades=draw(st.dictionaries(st.sampled_from(COLUMNS), st.tuples(levels, words))),
        published_at=draw(st.sampled_from([AT, None])),
    )


@st.composite
def rules(draw: st.DrawFn) -> list[RowRule]:
    return [
        RowRule(
            id=name,
            table="表",
            audience=draw(st.sampled_from([None, Audience.OPEN, Audience.SHARED])),
            filters=(Filter(name, FilterOp.NE, "x"),),
            reason="",
            by="",
            at=AT,
        )
        for name in draw(columns)
    ]


@st.composite
def chosen(draw: st.DrawFn) -> list[MaskChoice]:
    return [
        MaskChoice(
            id=f"m-{name}-{ended}",
            table="表",
            column=name,
            function=draw(st.sampled_from([MaskFunction.KEEP, MaskFunction.SUPPRESS])),
            parameters={"prefix": draw(st.integers(0, 2))},
            weaker=draw(st.booleans()),
            reason="",
            by="",
            at=AT.replace(day=1) if ended else AT.replace(day=20),
            ended_at=AT.replace(day=20) if ended else None,
        )
        for name in draw(columns)
        for ended in draw(st.sampled_from([(True,), (False,), (True, False)]))
    ]


@st.composite
def grants(draw: st.DrawFn) -> Granted:
    items = tuple(GrantedItem(c, draw(st.sampled_from(list(Handling))), draw(levels)) for c in draw(columns))
    return Granted(id="g", items=items, row_filters=(), exits=frozenset())


@given(audiences, grades(), st.tuples(releases(), releases()), st.tuples(rules(), rules()), chosen(), grants())
def test_the_stricter_of_two_entries_holds_in_every_column_and_row(
    audience: Audience,
    graded: dict[str, ColumnGrade],
    entries: tuple[Release, Release],
    ruled: tuple[list[RowRule], list[RowRule]],
    choices: list[MaskChoice],
    grant: Granted,
) -> None:
    given_ = grant if audience is Audience.GRANTED else None
    now, then = (
        sight_of(SHOT, audience, graded, held, choices, entry, given_)
        for entry, held in zip(entries, ruled, strict=True)
    )
    if now is None or then is None:
        return
    found = stricter(now, then)
    both = _shown(now).keys() & _shown(then).keys()
    if found is None:
        assert not both
        return
    shown = _shown(found)
    assert shown.keys() == both
    assert set(found.withheld) == set(COLUMNS) - both
    for name, duty in shown.items():
        for side in (_shown(now)[name], _shown(then)[name]):
            assert RANKS[duty.treatment] >= RANKS[side.treatment]
            assert duty.grade.level.rank >= side.grade.level.rank
            if side.treatment is Treatment.MASKED and duty.mask != side.mask:
                assert (
                    duty.mask == "null"
                    or (duty.choice is not None and duty.choice.function is MaskFunction.SUPPRESS)
                    or (duty.choice is not None and not duty.choice.weaker and side.choice is None)
                )
    for side in (now, then):
        assert all(one in found.row_filters for one in side.row_filters)
    assert stricter(now, now) == now
    other = stricter(then, now)
    assert other is not None
    assert {n: (d.treatment, d.grade.level) for n, d in _shown(other).items()} == {
        n: (d.treatment, d.grade.level) for n, d in shown.items()
    }


def _shown(sight: Sight) -> dict[str, object]:
    return {duty.column: duty for duty in sight.obligations}  # type: ignore[misc]


def test_two_masks_of_which_neither_hides_more_show_nothing_together() -> None:
    grade = ColumnGrade(
        table="表",
        column="甲",
        level=Level.L2,
        kind="mobile",
        personal=Personal.PERSONAL,
        mask="phone",
        source=GradeSource.DETECTED,
        evidence=Findings(rows=0, sampled=False, values=0),
        detected_level=Level.L2,
        at=AT,
    )
    release = Release(
        resource_id="r",
        version_no=1,
        table="表",
        table_version=1,
        open_type=OpenType.UNCONDITIONAL,
        open_items=frozenset({"甲"}),
        level=None,
        published_at=AT,
    )
    front = MaskChoice(
        id="m1",
        table="表",
        column="甲",
        function=MaskFunction.KEEP,
        parameters={"prefix": 3, "suffix": 0},
        weaker=False,
        reason="",
        by="",
        at=AT,
        ended_at=AT.replace(day=11),
    )
    back = replace(front, id="m2", parameters={"prefix": 0, "suffix": 4}, at=AT.replace(day=11), ended_at=None)
    then = sight_of(SHOT, Audience.OPEN, {"甲": grade}, (), [front], release)
    now = sight_of(SHOT, Audience.OPEN, {"甲": grade}, (), [back], replace(release, published_at=AT.replace(day=12)))
    assert then is not None
    assert now is not None
    assert [duty.mask for duty in then.obligations] == ["keep(prefix=3, suffix=0)"]
    assert [duty.mask for duty in now.obligations] == ["keep(prefix=0, suffix=4)"]
    both = stricter(now, then)
    assert both is not None
    assert [(duty.treatment, duty.mask) for duty in both.obligations] == [(Treatment.MASKED, "null")]


@pytest.mark.parametrize("levels_", [(Level.L1, Level.L3), (Level.L3, Level.L1)])
def test_the_level_reviewed_with_either_entry_counts(levels_: tuple[Level, Level]) -> None:
    grade = ColumnGrade(
        table="表",
        column="甲",
        level=Level.L1,
        kind="plain",
        personal=Personal.NO,
        mask="full",
        source=GradeSource.CORRECTED,
        evidence=Findings(rows=0, sampled=False, values=0),
        detected_level=Level.L1,
        at=AT,
    )
    sights = []
    for level in levels_:
        release = Release(
            resource_id="r",
            version_no=1,
            table="表",
            table_version=1,
            open_type=OpenType.NOT_OPEN,
            open_items=frozenset(),
            level=None,
            items=frozenset({"甲"}),
            grades={"甲": (level, "citizen_id" if level is Level.L3 else "plain")},
        )
        item = GrantedItem("甲", Handling.MASKED, Level.L3)
        grant = Granted(id="g", items=(item,), row_filters=(), exits=frozenset())
        sights.append(sight_of(SHOT, Audience.GRANTED, {"甲": grade}, (), (), release, grant))
    now, then = sights
    assert now is not None
    assert then is not None
    both = stricter(now, then)
    assert both is not None
    assert both.grade == "L3"
