"""Organisations: a tree of its own, apart from region codes, with the set of region codes that each one answers for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from beijiang.kit import Invalid

_ID = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")
TIERS = (1, 2, 3)


class OrganisationKind(StrEnum):
    """What sort of body an organisation is."""

    GOVERNMENT = "government"
    DEPARTMENT = "department"
    ZONE = "zone"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Organisation:
    """One organisation. ``admin_tier`` is 1 region, 2 league or city, 3 county; ``region_code`` may be absent."""

    id: str
    name_zh: str
    name_en: str
    kind: OrganisationKind
    admin_tier: int
    short_zh: str | None = None
    uscc: str | None = None
    parent_id: str | None = None
    region_code: str | None = None
    region_scope: frozenset[str] = field(default_factory=frozenset)

    @property
    def short(self) -> str:
        """Return the name used in lists."""
        return self.short_zh or self.name_zh


@dataclass(frozen=True, slots=True, kw_only=True)
class OrganisationDraft:
    """An organisation to be added; without ``id`` one is made."""

    name_zh: str
    name_en: str = ""
    kind: OrganisationKind = OrganisationKind.DEPARTMENT
    admin_tier: int = 1
    id: str | None = None
    short_zh: str | None = None
    uscc: str | None = None
    parent_id: str | None = None
    region_code: str | None = None
    region_scope: frozenset[str] = field(default_factory=frozenset)

    def checked(self) -> OrganisationDraft:
        """Return the draft if it makes sense by itself.

        Raises:
            Invalid: the name is empty, the id is no slug, or the tier is not 1, 2 or 3.

        """
        if not self.name_zh.strip():
            raise Invalid("请填写机构名称。", "Give the organisation a name.", detail={"field": "name_zh"})
        if self.id is not None and not _ID.fullmatch(self.id):
            raise Invalid(
                f"机构标识“{self.id}”不合规：只能用小写字母、数字、连字符和下划线，最长 40 个字符。",
                f"The id “{self.id}” will not do: lower-case letters, digits, hyphen and underscore only, at most 40.",
                detail={"field": "id"},
            )
        if self.admin_tier not in TIERS:
            raise Invalid(
                "行政层级须为 1（自治区）、2（盟市）或 3（旗县）。",
                "The tier must be 1 (region), 2 (league or city) or 3 (county).",
                detail={"field": "admin_tier"},
            )
        return self


@dataclass(frozen=True, slots=True)
class RegionFacts:
    """Rows of the packaged reference tables, as text: regions.csv, jurisdictions.csv, departments_2018.csv."""

    regions: tuple[Mapping[str, str], ...]
    jurisdictions: tuple[Mapping[str, str], ...]
    departments: tuple[Mapping[str, str], ...]

    def drafts(self) -> list[OrganisationDraft]:
        """Return the organisations of the region, parents before children.

        Tier 2 follows the jurisdictions (Manzhouli, Erenhot and Horinger New Area are peers of the leagues there,
        although their codes, if any, lie inside one); counties hang under the government that their code lies in.
        """
        root = next(row for row in self.jurisdictions if not row["parent_node"])
        nodes = [_of_node(row, root) for row in self.jurisdictions]
        taken = {draft.region_code for draft in nodes}
        counties = [_of_county(row) for row in self.regions if row["level"] == "3" and row["code"] not in taken]
        return [*nodes, *(c for c in counties if c is not None), *_of_departments(self.departments, nodes[0])]


def _node_id(row: Mapping[str, str]) -> str:
    return f"gov-{row['region_code'] or row['node_id'].lower()}"


def _of_node(row: Mapping[str, str], root: Mapping[str, str]) -> OrganisationDraft:
    top = row is root
    return OrganisationDraft(
        id=_node_id(row),
        name_zh=f"{row['name_zh']}人民政府" if top else row["name_zh"],
        name_en=row["name_en"],
        short_zh=row["name_zh"],
        kind=OrganisationKind.GOVERNMENT if row["region_code"] else OrganisationKind.ZONE,
        admin_tier=int(row["admin_tier"]),
        parent_id=None if top else _node_id(root),
        region_code=row["region_code"] or None,
        region_scope=frozenset(filter(None, row["region_scope"].split(";"))),
    )


def _of_county(row: Mapping[str, str]) -> OrganisationDraft | None:
    if row["is_functional_zone"] == "true":
        return None
    return OrganisationDraft(
        id=f"gov-{row['code']}",
        name_zh=row["name"],
        name_en=row["name_en"],
        kind=OrganisationKind.GOVERNMENT,
        admin_tier=3,
        parent_id=f"gov-{row['parent']}",
        region_code=row["code"],
        region_scope=frozenset({row["code"]}),
    )


def _of_departments(rows: Iterable[Mapping[str, str]], top: OrganisationDraft) -> list[OrganisationDraft]:
    return [
        OrganisationDraft(
            id=row["dept_id"],
            name_zh=row["name_zh"],
            name_en=row["name_en"],
            short_zh=row["name_short_zh"],
            parent_id=top.id,
            region_code=top.region_code,
            region_scope=top.region_scope,
        )
        for row in rows
    ]
