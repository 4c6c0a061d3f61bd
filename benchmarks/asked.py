"""What the benchmarks of the SQL gateway ask: 30 queries of analysts over a register of 5 million firms, and its home."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from beijiang.access import KeyDraft, PersonDraft, Role
from beijiang.build import Platform, build
from beijiang.catalog import OpenType, ResourceEdit, ShareType
from beijiang.kit import SYSTEM, Actor, new_id
from beijiang.settings import Settings
from beijiang.tables import CommitRequest, WriteMode

FIRMS, LEAGUES = "法人库", "盟市表"
PASSWORD = "Steppe-under-a-wide-sky-26"  # noqa: S105 - of people who live as long as the benchmark
QUERIES = tuple(
    one.replace("法人库", f'"{FIRMS}"').replace("盟市表", f'"{LEAGUES}"')
    for one in (
        "SELECT count(*) AS n FROM 法人库",
        "SELECT 盟市, count(*) AS n FROM 法人库 GROUP BY 盟市 ORDER BY n DESC",
        "SELECT 盟市, sum(注册资本) AS s, avg(注册资本) AS a FROM 法人库 GROUP BY 盟市",
        "SELECT 行业, 盟市, count(*) AS n FROM 法人库 GROUP BY 行业, 盟市",
        "SELECT 行业, median(注册资本) AS m FROM 法人库 GROUP BY 行业",
        "SELECT year(成立日期) AS y, count(*) AS n FROM 法人库 GROUP BY y ORDER BY y",
        "SELECT date_trunc('month', 成立日期) AS m, sum(注册资本) AS s FROM 法人库 WHERE 成立日期 >= DATE '2020-01-01' GROUP BY m ORDER BY m",
        "SELECT count(DISTINCT 行业) AS n FROM 法人库",
        "SELECT approx_count_distinct(企业名称) AS n FROM 法人库",
        "SELECT min(成立日期) AS a, max(成立日期) AS b FROM 法人库",
        "SELECT count(*) AS n FROM 法人库 WHERE 注册资本 > 90000 AND 盟市 = '包头市'",
        "SELECT 企业名称, 注册资本 FROM 法人库 WHERE 注册资本 > 99990 ORDER BY 注册资本 DESC, 企业名称 LIMIT 50",
        "SELECT * FROM 法人库 LIMIT 100",
        "SELECT * FROM 法人库 WHERE 企业名称 = '内蒙古第4321000商贸有限公司'",
        "SELECT 企业名称 FROM 法人库 WHERE 企业名称 LIKE '%99999%' LIMIT 100",
        "SELECT 法定代表人, count(*) AS n FROM 法人库 GROUP BY 法定代表人 ORDER BY n DESC LIMIT 20",
        "SELECT count(*) AS n FROM 法人库 WHERE 法定代表人 LIKE '王%'",
        "SELECT 盟市, count(DISTINCT 法定代表人) AS n FROM 法人库 GROUP BY 盟市",
        "SELECT left(法定代表人, 1) AS 姓, avg(注册资本) AS a FROM 法人库 GROUP BY 姓",
        "SELECT l.盟市, l.人口, count(*) AS n FROM 法人库 f JOIN 盟市表 l ON f.盟市 = l.盟市 GROUP BY l.盟市, l.人口",
        "SELECT l.盟市, sum(f.注册资本) / max(l.人口) AS 人均 FROM 法人库 f JOIN 盟市表 l USING (盟市) GROUP BY l.盟市 ORDER BY 2",
        "SELECT count(*) AS n FROM 法人库 f LEFT JOIN 盟市表 l ON f.盟市 = l.盟市 AND l.人口 > 2000000 WHERE l.盟市 IS NULL",
        "SELECT * FROM (SELECT 盟市, 企业名称, 注册资本, row_number() OVER (PARTITION BY 盟市 ORDER BY 注册资本 DESC, 企业名称) AS r FROM 法人库 WHERE 注册资本 > 99000) WHERE r <= 5",
        "SELECT y, n, sum(n) OVER (ORDER BY y) AS 累计 FROM (SELECT year(成立日期) AS y, count(*) AS n FROM 法人库 GROUP BY y) ORDER BY y",
        "WITH m AS (SELECT 行业, avg(注册资本) AS a FROM 法人库 GROUP BY 行业) SELECT f.行业, count(*) AS n FROM 法人库 f JOIN m ON f.行业 = m.行业 WHERE f.注册资本 > m.a GROUP BY f.行业",
        "SELECT 盟市, quantile_cont(注册资本, 0.9) AS p FROM 法人库 GROUP BY 盟市",
        "SELECT CASE WHEN 注册资本 < 1000 THEN '小' WHEN 注册资本 < 50000 THEN '中' ELSE '大' END AS 规模, count(*) AS n FROM 法人库 GROUP BY 规模",
        "SELECT 盟市, count(*) FILTER (WHERE 行业 = '制造业') AS 制造 FROM 法人库 GROUP BY 盟市",
        "SELECT 行业, stddev(注册资本) AS s FROM 法人库 WHERE 盟市 IN ('包头市', '赤峰市') GROUP BY 行业 HAVING count(*) > 10",
        "SELECT 盟市 FROM 法人库 EXCEPT SELECT 盟市 FROM 盟市表",
    )
)


def _rows(path: Path, rows: int) -> None:
    duckdb.connect().execute(
        f"""COPY (SELECT '内蒙古第' || range || '商贸有限公司' AS "企业名称",
        (['王','李','张','刘','陈'])[1 + range % 5] || (['伟','芳','娜','敏'])[1 + range % 4] AS "法定代表人",
        (['呼和浩特市','包头市','赤峰市','通辽市'])[1 + range % 4] AS "盟市",
        (['制造业','农业','采矿业','零售业','建筑业','运输业','教育'])[1 + range % 7] AS "行业",
        DATE '2000-01-01' + (range % 9000)::INT AS "成立日期", (range * 7919 % 100000)::DOUBLE AS "注册资本"
        FROM range({rows})) TO '{path}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 61440)"""
    )


def _leagues(path: Path) -> None:
    duckdb.connect().execute(
        f"""COPY (SELECT * FROM (VALUES ('呼和浩特市', 3600000), ('包头市', 2700000), ('赤峰市', 4000000))
        AS t("盟市", "人口")) TO '{path}' (FORMAT parquet)"""
    )


def _person(platform: Platform, login: str, org: str, role: Role) -> Actor:
    access = platform.access
    draft = PersonDraft(login=login, name=login, org_id=org, roles=frozenset({role}))
    _, code = access.add_person(SYSTEM, draft)
    fresh = access.sign_in(login, code, "bench")
    return access.change_password(fresh.actor, code, PASSWORD).actor


def prepare(folder: Path, rows: int, analysts: int) -> tuple[Platform, list[str], list[Actor]]:
    """Build a home with both tables released to other departments; return its keys of analysts and the analysts."""
    platform = build(Settings.for_tests(folder))
    platform.first_start()
    steward = _person(platform, "steward", "education", Role.STEWARD)
    reviewer = _person(platform, "reviewer", "bigdata", Role.BUREAU_REVIEWER)
    publisher = _person(platform, "publisher", "bigdata", Role.BUREAU_PUBLISHER)
    for table, maker in ((FIRMS, lambda path: _rows(path, rows)), (LEAGUES, _leagues)):
        path = platform.settings.home / "staging" / f"{table}.parquet"
        maker(path)
        order = CommitRequest(
            table=table,
            org_id="education",
            staged=(path,),
            schema=pq.read_schema(path),
            mode=WriteMode.APPEND,
            run_id=new_id("run"),
        )
        platform.tables.commit(SYSTEM, order)
        found = platform.catalog.resource_for_table(table)
        assert found is not None
        edit = ResourceEdit(
            share_type=ShareType.UNCONDITIONAL,
            open_type=OpenType.UNCONDITIONAL,
            licence="CC-BY-4.0",
            update_cycle="2",
        )
        platform.catalog.edit(steward, found.id, edit)
        platform.catalog.submit(steward, found.id)
        platform.catalog.approve(reviewer, found.id)
        platform.catalog.publish(publisher, found.id)
    people = [_person(platform, f"analyst{i}", "health", Role.ANALYST) for i in range(analysts)]
    scopes = frozenset({"protection:sql:run", "protection:rows:read_shared"})
    keys = [platform.access.issue_key(one, KeyDraft(name="bench", scopes=scopes, days=1))[1] for one in people]
    return platform, keys, people


def bare(platform: Platform) -> dict[str, str]:
    """Return, for each query, the same over the table's files without any gate."""
    files = {}
    for table in (FIRMS, LEAGUES):
        found = sorted(str(path) for path in (platform.settings.home / "lake").rglob("*.parquet"))
        files[table] = [path for path in found if _holds(path, "企业名称" if table == FIRMS else "人口")]
    made = {}
    for query in QUERIES:
        sql = query
        for table, paths in files.items():
            sql = sql.replace(f'"{table}"', f"read_parquet({paths!r})")
        made[query] = sql
    return made


def _holds(path: str, column: str) -> bool:
    return column in pq.read_schema(path).names
