"""One answer to "if this column changes": rules, contract, recipes, libraries, grants, pushes; counted where they are hidden."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pytest
import sqlalchemy as sa
from exchange_bureau import BUREAU, ID, OTHER, OWNER, TABLE, Bureau
from push_bureau import KEY, MONEY, Far, end_all

from beijiang.access import Permission, PersonDraft, Role
from beijiang.exchange import Way
from beijiang.fusion import Element, LibraryDraft, LinkDraft
from beijiang.ingest import Affected, AffectedKind
from beijiang.kit import ANONYMOUS, SYSTEM, NotFound, Text
from beijiang.lineage import Dependent, Touched
from beijiang.outbound import Target, Use
from beijiang.quality import Kind, RuleDraft
from beijiang.recipes import RecipeDraft, Step, StepKind
from beijiang.tables import Exit

CONTRACT = """apiVersion: v3.1.0
kind: DataContract
id: firms
version: 1.0.0
status: draft
name: 企业契约
schema:
  - name: {table}
    properties: [{{name: 企业名称, logicalType: string}}]
"""


@pytest.fixture
def far(bureau: Bureau, postgres_url: str) -> Iterator[Far]:
    url = sa.make_url(postgres_url)
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    folder = str(url.query["host"])
    bureau.platform.sources.allow(SYSTEM, Target(folder=folder, uses=frozenset({Use.PUSH})), "目标库的套接字")
    reach = {"host": folder, "database": url.database, "user": url.username, "tls": "off"}
    yield Far(bureau, engine, reach)
    end_all(bureau)
    engine.dispose()


def told(found: Sequence[Touched | Affected]) -> set[tuple[str, str]]:
    kinds = (AffectedKind.RESOURCE, AffectedKind.CONSUMER, AffectedKind.TABLE)
    return {(one.kind.value, one.name) for one in found if one.kind not in kinds}


def test_everything_that_stands_on_a_column_is_named_once(far: Far) -> None:
    bureau, platform, steward = far.bureau, far.bureau.platform, far.bureau["steward"]
    far.publish(5, ways=frozenset({Way.PUSH, Way.API}))
    table = far.table
    push = far.add()
    platform.db.deliver_waiting()
    for draft in (
        RuleDraft(kind=Kind.NOT_NULL, columns=(MONEY,), name="资本必填"),
        RuleDraft(kind=Kind.EXPRESSION, params={"expression": "注册资本 > 0"}, name="资本为正"),
        RuleDraft(kind=Kind.SQL, params={"query": "SELECT SUM(注册资本) FROM {table}", "must": "> 0"}, name="合计"),
        RuleDraft(kind=Kind.NOT_NULL, columns=("盟市",), name="盟市必填"),
    ):
        platform.quality.add(steward, table, draft)
    platform.contracts.hand_in(steward, OWNER, CONTRACT.format(table=table).encode())
    steps = (Step(kind=StepKind.TRIM, columns=("盟市",)),)
    recipe = RecipeDraft(name="净化", target=f"{table}净", source=table, steps=steps)
    platform.recipes.save(steward, recipe)
    for name, sql in (
        ("按资本", f'SELECT SUM(注册资本) AS "计" FROM "{table}"'),
        ("按盟市", f'SELECT 盟市 FROM "{table}"'),
    ):
        platform.recipes.save(steward, RecipeDraft(name=name, target=f"{table}{name}", source="", steps=(), sql=sql))
    elements = (Element(name="名称"), Element(name="资本"))
    draft = LibraryDraft(kind="theme", name="企业库", target=f"{table}库", elements=elements, key=("名称",))
    keeper = PersonDraft(login="keeper", name="keeper", org_id=BUREAU, roles=frozenset({Role.STEWARD}))
    person, _ = platform.access.add_person(SYSTEM, keeper)
    library = platform.fusion.declare(person.as_actor(None), draft)
    link = platform.fusion.propose(steward, library.id, LinkDraft(table=table, columns={"名称": KEY, "资本": MONEY}))
    platform.fusion.agree(person.as_actor(None), link.id)

    grantee = platform.access.organisation(OTHER).name_zh
    whole = {
        ("rule", "资本必填"),
        ("rule", "资本为正"),
        ("rule", "合计"),
        ("contract", "企业契约"),
        ("recipe", "净化"),
        ("recipe", "按资本"),
        ("library", "企业库"),
        ("grant", grantee),
        ("push", push.name),
    }
    assert told(platform.lineage.impact(SYSTEM, table, MONEY)) == whole
    assert told(platform.lineage.of(SYSTEM, table, [MONEY, MONEY])) == whole
    cities = told(platform.lineage.impact(SYSTEM, table, "盟市"))
    assert {("rule", "盟市必填"), ("recipe", "按盟市"), ("grant", grantee)} <= cities
    assert ("library", "企业库") not in cities
    assert not told(platform.lineage.impact(SYSTEM, table, ID)) & {("grant", grantee), ("push", push.name)}
    assert told(platform.lineage.impact(steward, table, MONEY)) == whole
    assert platform.lineage.of(ANONYMOUS, table, [MONEY]) == ()
    assert platform.lineage.of(SYSTEM, table, ["尚无此列"]) == ()
    platform.gate.open(bureau["consumer"], table, "监管执法", Exit.ROW_API).page()
    readers = [one for one in platform.lineage.impact(steward, table, MONEY) if one.kind is AffectedKind.CONSUMER]
    assert grantee in {one.name for one in readers}
    far.bureau.exchange.revoke(SYSTEM, far.grant.id if far.grant else "", "测试")
    after = told(platform.lineage.impact(SYSTEM, table, MONEY))
    assert not after & {("grant", grantee), ("push", push.name)}


def test_what_a_person_may_not_know_of_is_counted(bureau: Bureau) -> None:
    lineage, before = bureau.platform.lineage, bureau.platform.lineage.dependents
    own, foreign = (
        Dependent(AffectedKind.APPLICATION, name, Text("", ""), Permission.APPS_APP_BUILD, (org,))
        for name, org in (("自己的应用", OWNER), ("别家的应用", OTHER))
    )
    lineage.dependents = lambda table, columns: (own, foreign) if table == TABLE and MONEY in columns else ()
    try:
        mine = lineage.impact(bureau["steward"], TABLE, MONEY)
        assert "别家的应用" not in {one.name for one in mine}
        assert [(one.kind.value, one.name) for one in mine if one.kind is AffectedKind.HIDDEN] == [("hidden", "1")]
        assert {("application", "自己的应用"), ("application", "别家的应用")} <= told(
            lineage.impact(SYSTEM, TABLE, MONEY)
        )
    finally:
        lineage.dependents = before


def test_rules_of_other_tables_and_a_recipe_that_takes_every_column_are_named(bureau: Bureau) -> None:
    platform, steward = bureau.platform, bureau["steward"]
    table, other = (f"{TABLE}{word}" for word in ("字典", "主表"))
    for name in (table, other):
        bureau.publish(name, 3)
    drafts = (
        RuleDraft(kind=Kind.REFERENCE, columns=(KEY,), params={"table": table, "key": KEY}, name="引用字典"),
        RuleDraft(
            kind=Kind.SQL,
            params={
                "query": f'SELECT COUNT(*) FROM {{table}} m JOIN "{table}" z ON m."{KEY}" = z."{KEY}"',
                "must": "> 0",
            },
            name="数字典",
        ),
    )
    for draft in drafts:
        platform.quality.add(steward, other, draft)
    whole = RecipeDraft(name="整表", target=f"{table}副本", source="", steps=(), sql=f'SELECT * FROM "{table}"')
    platform.recipes.save(steward, whole)
    assert told(platform.lineage.impact(SYSTEM, table, KEY)) >= {
        ("rule", "引用字典"),
        ("rule", "数字典"),
        ("recipe", "整表"),
    }
    assert told(platform.lineage.impact(SYSTEM, table, MONEY)) == {("recipe", "整表")}


def test_several_columns_are_one_question(bureau: Bureau) -> None:
    """Two grants of one department are two, hidden uses are counted once each, and who looks for what is gone breaks nothing off."""
    lineage, before = bureau.platform.lineage, bureau.platform.lineage.dependents

    def dependents(table: str, columns: Sequence[str]) -> Iterator[Dependent]:
        for name in columns if table == TABLE else ():
            how = Text(f"授权使用{name}", f"is granted {name}")
            yield Dependent(AffectedKind.GRANT, "卫健委", how, Permission.EXCHANGE_GRANT_READ, (OWNER,))
            yield Dependent(AffectedKind.PUSH, name, Text("", ""), Permission.EXCHANGE_GRANT_READ, (OTHER,))

    lineage.dependents = dependents
    try:
        found = lineage.of(bureau["steward"], TABLE, [MONEY, KEY, MONEY, "尚无此列"])
        assert {one.text.en for one in found if one.kind is AffectedKind.GRANT} == {
            f"is granted {MONEY}",
            f"is granted {KEY}",
        }
        assert [one.name for one in found if one.kind is AffectedKind.HIDDEN] == ["2"]
    finally:
        lineage.dependents = before


def test_a_part_that_finds_a_thing_gone_silences_no_other(bureau: Bureau, monkeypatch: pytest.MonkeyPatch) -> None:
    platform = bureau.platform
    platform.quality.add(bureau["steward"], TABLE, RuleDraft(kind=Kind.NOT_NULL, columns=(MONEY,), name="资本在"))

    def gone(*_: object) -> None:
        raise NotFound("没有了。", "It is gone.", code="gone")

    monkeypatch.setattr(platform.contracts, "of_table", gone)
    assert ("rule", "资本在") in told(platform.lineage.of(SYSTEM, TABLE, [MONEY]))
