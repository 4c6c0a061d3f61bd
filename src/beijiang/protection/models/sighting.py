"""What a reader in some standing sees of a version: the columns, each raw, masked or withheld, and the rows. Pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from beijiang.protection.models.choices import MaskFunction, for_outsiders, in_force
from beijiang.protection.models.grades import Level
from beijiang.protection.models.granting import Handling
from beijiang.protection.models.reference import kinds
from beijiang.protection.models.sight import OUTSIDERS, Audience, Obligation, Sight, Treatment, treatment_of
from beijiang.tables import HIDDEN

if TYPE_CHECKING:
    from beijiang.catalog import Release
    from beijiang.protection.models.choices import MaskChoice
    from beijiang.protection.models.grades import ColumnGrade
    from beijiang.protection.models.granting import Granted
    from beijiang.protection.models.sight import RowRule
    from beijiang.tables import Snapshot

__all__ = ["sight_of", "version_for"]

_STRICTNESS: Final = (Treatment.RAW, Treatment.MASKED, Treatment.WITHHELD)


def version_for(audience: Audience, graded: int, release: Release | None, version: int | None) -> int | None:
    """Return the version to read: outsiders the released one, insiders any that has been graded."""
    if audience in OUTSIDERS:
        released = None if release is None else release.table_version
        usable = released is not None and released <= graded and version in {None, released}
        return released if usable else None
    if version is None:
        return graded
    return version if 1 <= version <= graded else None


def _offered(audience: Audience, release: Release | None, grant: Granted | None) -> frozenset[str] | None:
    """Return the columns that the release offers to outsiders; None means all."""
    if audience not in OUTSIDERS:
        return None
    if release is None:
        return frozenset()
    if audience is Audience.OPEN:
        return release.open_items
    granted = frozenset(item.column for item in grant.items) if grant else frozenset()
    if grant is not None and grant.public:
        return release.open_items | (granted & (release.conditional_items - release.refused_items))
    if grant is not None and grant.alone:
        return granted & (release.items - release.refused_items)
    return release.shared_items | release.open_items | (granted & (release.items - release.refused_items))


def _as_reviewed(grade: ColumnGrade, audience: Audience, release: Release) -> ColumnGrade:
    """Return the stricter of the grade in force and the one reviewed with the release.

    A grade is lowered by one person (``standards.md`` 7.4 asks for two): outsiders get the benefit with the next
    publication, which two others decide. What became stricter holds for them at once.
    """
    level, kind = release.grades.get(grade.column, (grade.level, grade.kind))
    if (level, kind) == (grade.level, grade.kind) or kind not in kinds():
        return grade
    then = replace(grade, level=Level(level), kind=kind, mask=kinds()[kind].mask)
    now_at, then_at = (_STRICTNESS.index(treatment_of(audience, g.level, g.kind)) for g in (grade, then))
    if now_at != then_at:
        return grade if now_at > then_at else then
    return grade if grade.level.rank > then.level.rank else then


def sight_of(
    snapshot: Snapshot,
    audience: Audience,
    grades: Mapping[str, ColumnGrade],
    rules: Sequence[RowRule],
    choices: Sequence[MaskChoice],
    release: Release | None,
    grant: Granted | None = None,
) -> Sight | None:
    """Return what an audience sees of a version under one entry, None for nothing at all."""
    if audience in OUTSIDERS and release is not None:
        grades = {name: _as_reviewed(grade, audience, release) for name, grade in grades.items()}
    chosen = _chosen(choices, audience, release, grades, grant)
    obligations, withheld = _treated(snapshot, audience, grades, _offered(audience, release, grant), chosen, grant)
    if not obligations:
        return None
    public = grant is not None and grant.public
    bound = (rule for rule in rules if rule.binds(audience) or (public and rule.binds(Audience.OPEN)))
    filters = tuple(f for rule in bound for f in rule.filters)
    filters += () if grant is None else grant.row_filters
    if any(f.column not in snapshot.schema.names for f in filters):
        return None  # the filter's column is gone: nobody can say which rows are to be hidden
    return Sight(
        audience=audience,
        table=snapshot.table,
        version=snapshot.version,
        obligations=obligations,
        withheld=withheld,
        row_filters=filters,
        grant=grant,
    )


def _chosen(
    choices: Sequence[MaskChoice],
    audience: Audience,
    release: Release | None,
    grades: Mapping[str, ColumnGrade],
    grant: Granted | None,
) -> Mapping[str, MaskChoice]:
    if not choices or audience not in OUTSIDERS:
        return in_force(choices)
    raw = {n for n, g in grades.items() if _treatment(audience, g, grant) is Treatment.RAW}
    return for_outsiders(choices, None if release is None else release.published_at, raw)


def _treated(
    snapshot: Snapshot,
    audience: Audience,
    grades: Mapping[str, ColumnGrade],
    offered: frozenset[str] | None,
    choices: Mapping[str, MaskChoice],
    grant: Granted | None,
) -> tuple[tuple[Obligation, ...], tuple[str, ...]]:
    shown: list[Obligation] = []
    withheld: list[str] = []
    for name in snapshot.schema.names:
        if name in HIDDEN:
            continue
        grade = grades.get(name)
        treatment = Treatment.WITHHELD
        if grade is not None and (offered is None or name in offered):
            treatment = _treatment(audience, grade, grant)
        if grade is None or treatment is Treatment.WITHHELD:
            withheld.append(name)
        else:
            choice = choices.get(name)
            given = choice is not None and choice.function is not MaskFunction.SUPPRESS and _as_is(grade, grant)
            if treatment is Treatment.RAW and (audience not in OUTSIDERS or given):
                choice = None
            shown.append(Obligation(name, grade, treatment if choice is None else Treatment.MASKED, choice))
    return tuple(shown), tuple(withheld)


def _treatment(audience: Audience, grade: ColumnGrade, grant: Granted | None) -> Treatment:
    """Return the treatment of a column: under a grant what was decided for the item, unless its grade rose since."""
    item = None if grant is None else grant.item(grade.column)
    if audience is Audience.GRANTED and (item is None or not item.holds_for(grade.level)):
        public = grant is not None and (grant.public or grant.alone)
        return treatment_of(Audience.OPEN if public else Audience.SHARED, grade.level, grade.kind)
    found = treatment_of(audience, grade.level, grade.kind)
    if item is None or found is Treatment.WITHHELD:
        return found
    return Treatment.RAW if item.handling is Handling.AS_IS else Treatment.MASKED


def _as_is(grade: ColumnGrade, grant: Granted | None) -> bool:
    """Tell whether a decision gave the column as it is, at a grade no lower than the one it has now."""
    item = None if grant is None else grant.item(grade.column)
    return item is not None and item.handling is Handling.AS_IS and item.holds_for(grade.level)
