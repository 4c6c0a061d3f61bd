"""What depends on columns of a table beyond the data made from it: rules, recipes, libraries, grants, pushes, applications."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final

from beijiang.access import Permission
from beijiang.exchange import GrantQuery, GrantState, PushQuery, PushState
from beijiang.handed import app_columns
from beijiang.ingest import AffectedKind
from beijiang.kit import SYSTEM, NotFound, Text
from beijiang.lineage import Dependent
from beijiang.quality import Kind, Rule, columns_in
from beijiang.recipes import RecipeKind

if TYPE_CHECKING:
    from beijiang.platform import Platform

__all__ = ["Dependents"]

log = logging.getLogger(__name__)

_MOST: Final = 10_000
_EVERY_COLUMN: Final = re.compile(r"(?:\b(?:SELECT|DISTINCT|ALL)|[,.])\s*\*|\bCOLUMNS\s*\(", re.IGNORECASE)
"""Where a query names no column and reads them all; a count of rows does not."""


class Dependents:
    """Ask every part; lineage names to a person only what that person may know of."""

    def __init__(self, platform: Platform) -> None:
        self._platform = platform

    def of(self, table: str, columns: Sequence[str]) -> Iterator[Dependent]:
        """Return what depends on some columns of a table."""
        for part in (
            self._rules(table, columns),
            self._rules_elsewhere(table, columns),
            self._contract(table),
            self._recipes(table, columns),
            self._libraries(table, columns),
            self._grants(table, columns),
            self._applications(table, columns),
            self._followers(table),
        ):
            try:
                yield from part
            except NotFound as gone:  # removed while it was looked at: the other parts have their say all the same
                log.warning("what depends on a table was removed meanwhile (%s)", gone.reason)

    def _rules(self, table: str, columns: Sequence[str]) -> Iterator[Dependent]:
        if table not in self._platform.tables.names(SYSTEM):
            return
        org = self._platform.tables.get(SYSTEM, table).org_id
        for rule in self._platform.quality.rules(SYSTEM, table):
            used = [name for name in columns if _judges(rule, name)]
            if used:
                listed = "、".join(used)
                how = Text(f"评判{listed}（{rule.severity.text.zh}）", f"judges {listed} ({rule.severity.text.en})")
                yield Dependent(AffectedKind.RULE, rule.name, how, Permission.QUALITY_RESULT_READ, (org,))

    def _rules_elsewhere(self, table: str, columns: Sequence[str]) -> Iterator[Dependent]:
        found = self._platform.quality.looking_into(SYSTEM, table)
        orgs = {one.name: one.org_id for one in self._platform.tables.list(SYSTEM)} if found else {}
        for rule in found:
            if rule.table in orgs and any(_looks_at(rule, name) for name in columns):
                how = Text(f"评判“{rule.table}”时读取这张表", f"reads the table to judge {rule.table}")
                yield Dependent(AffectedKind.RULE, rule.name, how, Permission.QUALITY_RESULT_READ, (orgs[rule.table],))

    def _contract(self, table: str) -> Iterator[Dependent]:
        found = self._platform.contracts.of_table(SYSTEM, table)
        if found is not None:
            how = Text("约束这张表", "binds the table")
            yield Dependent(AffectedKind.CONTRACT, found.name, how, Permission.CONTRACTS_CONTRACT_READ, (found.org_id,))

    def _recipes(self, table: str, columns: Sequence[str]) -> Iterator[Dependent]:
        for recipe in self._platform.recipes.recipes(SYSTEM):
            if table not in recipe.sources:
                continue
            if recipe.kind is RecipeKind.SQL and not any(_reads(recipe.sql, name) for name in columns):
                continue
            how = Text(f"读取这张表，写入“{recipe.target}”", f"reads the table and fills {recipe.target}")
            yield Dependent(AffectedKind.RECIPE, recipe.name, how, Permission.RECIPES_RECIPE_READ, (recipe.org_id,))

    def _libraries(self, table: str, columns: Sequence[str]) -> Iterator[Dependent]:
        for library, link in self._platform.fusion.serves(SYSTEM, table):
            used = [element for element, column in link.columns.items() if column in columns]
            if used:
                listed = "、".join(used)
                how = Text(f"取其作为{listed}", f"takes it for {listed}")
                orgs = (library.org_id, link.org_id)
                yield Dependent(AffectedKind.LIBRARY, library.name, how, Permission.FUSION_LIBRARY_READ, orgs)

    def _grants(self, table: str, columns: Sequence[str]) -> Iterator[Dependent]:
        asked = GrantQuery(table=table, state=GrantState.ACTIVE, limit=_MOST)
        grants = {one.id: one for one in self._platform.exchange.grants(SYSTEM, asked)[0]}
        touched = {key: used for key, one in grants.items() if (used := [c for c in one.terms.columns if c in columns])}
        for key, used in touched.items():
            grant, listed = grants[key], "、".join(used)
            how = Text(f"授权使用{listed}（{grant.id}）", f"is granted {listed} ({grant.id})")
            yield Dependent(
                AffectedKind.GRANT,
                self._name(grant.org_id),
                how,
                Permission.EXCHANGE_GRANT_READ,
                (grant.provider_id, grant.org_id),
            )
            yield from self._pushes(key)

    def _pushes(self, grant_id: str) -> Iterator[Dependent]:
        for push in self._platform.pushes.pushes(SYSTEM, PushQuery(grant_id=grant_id, limit=_MOST))[0]:
            if push.state is not PushState.ENDED:
                how = Text(f"推送到 {push.kind}", f"is pushed to {push.kind}")
                orgs = (push.provider_id, push.org_id)
                yield Dependent(AffectedKind.PUSH, push.name, how, Permission.EXCHANGE_GRANT_READ, orgs)

    def _name(self, org_id: str) -> str:
        try:
            return self._platform.access.organisation(org_id).name_zh
        except NotFound:
            return org_id

    def _applications(self, table: str, columns: Sequence[str]) -> Iterator[Dependent]:
        apps = self._platform.apps
        for app in apps.apps(SYSTEM):
            if app.current is None or app.off:
                continue
            version = next((one for one in apps.app(SYSTEM, app.id)[1] if one.number == app.current), None)
            bundle = None if version is None else apps.bundle_of(version)
            if bundle is None or table not in bundle.manifest.resources:
                continue
            read = {
                one.column
                for made in app_columns(self._platform, bundle).values()
                for one in made
                if one.table == table
            }
            if used := [name for name in columns if name in read]:
                listed = "、".join(used)
                how = Text(f"其查询读取{listed}", f"its queries read {listed}")
                yield Dependent(AffectedKind.APPLICATION, app.name.zh, how, Permission.APPS_APP_BUILD, (app.org_id,))

    def _followers(self, table: str) -> Iterator[Dependent]:
        resource = self._platform.catalog.resource_for_table(table)
        count = 0 if resource is None else self._platform.follows.number_following(resource.id)
        if resource is not None and count:
            how = Text(f"{count} 人订阅", f"followed by {count}")
            yield Dependent(
                AffectedKind.SUBSCRIPTION,
                resource.entry.name,
                how,
                Permission.CATALOG_RESOURCE_READ,
                (resource.provider_id,),
            )


def _judges(rule: Rule, column: str) -> bool:
    """Tell whether a rule reads a column."""
    if column in rule.columns or (rule.where and column in columns_in(rule.where)):
        return True
    if rule.kind is Kind.EXPRESSION:
        return column in columns_in(str(rule.params["expression"]))
    if rule.kind is Kind.SQL:
        return _reads(str(rule.params.get("query", "")), column)
    if rule.kind is Kind.COLUMNS:
        return any(column in str(value) for value in rule.params.values())
    return rule.kind is Kind.DUPLICATE and not rule.columns


def _looks_at(rule: Rule, column: str) -> bool:
    """Tell whether a rule of another table reads a column of this one."""
    if rule.kind is Kind.SQL:
        return _reads(str(rule.params.get("query", "")), column)
    return column in {rule.params.get("key"), rule.params.get("value")}


def _reads(query: str, column: str) -> bool:
    """Tell whether a query may read a column: it names it, or all of them."""
    return column.casefold() in query.casefold() or _EVERY_COLUMN.search(query) is not None
