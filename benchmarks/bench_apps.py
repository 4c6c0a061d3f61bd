"""A page of twelve cards of a hosted application, opened by twenty viewers under three policies at once: cold and warm.

Run: ``PYTHONPATH=src python benchmarks/bench_apps.py [rows] [viewers]``. The page is made in the platform's own process, without
HTTP. The limit of the cold round is bare DuckDB over the same files: the eight different queries of the page once for each policy,
one after the other. A scan is a run of the engine over the files; cards that were read together count as one.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

sys.path.insert(0, str(Path(__file__).parent))
from report import Line, show

from beijiang.access import PersonDraft, Role
from beijiang.apps import AudienceKind, CardState
from beijiang.build import build
from beijiang.catalog import OpenType, ResourceEdit, ShareType
from beijiang.kit import ANONYMOUS, SYSTEM, Actor, new_id
from beijiang.platform import Platform
from beijiang.settings import Settings
from beijiang.tables import CommitRequest, WriteMode

TABLE, OWNER, OTHER = "企业台账", "education", "health"
MAKE = """COPY (SELECT i AS num, ['呼和浩特市','包头市','赤峰市','通辽市','乌海市'][1 + i % 5] AS league,
  ['制造业','农业','零售','建筑','运输','采矿'][1 + i % 6] AS industry, 1990 + i % 37 AS founded, (i * 7919 % 100000) / 10.0 AS capital,
  '王伟' || i % 900 AS head FROM range(?) r(i)) TO '{path}' (FORMAT parquet)"""
QUERIES = {
    "total": f'SELECT count(*) AS n, sum(capital) AS c FROM "{TABLE}"',
    "by_league": f'SELECT league, count(*) AS n, sum(capital) AS c FROM "{TABLE}" GROUP BY 1 ORDER BY 1',
    "by_industry": f'SELECT industry, count(*) AS n, sum(capital) AS c FROM "{TABLE}" GROUP BY 1 ORDER BY 1',
    "by_year": f'SELECT founded, count(*) AS n, sum(capital) AS c FROM "{TABLE}" GROUP BY 1 ORDER BY 1',
    "both": f'SELECT league, industry, count(*) AS n FROM "{TABLE}" GROUP BY 1, 2 ORDER BY 1, 2',
    "large": f'SELECT num, league, capital FROM "{TABLE}" ORDER BY capital DESC, num LIMIT 50',
    "mean": f'SELECT league, avg(capital) AS c FROM "{TABLE}" WHERE founded >= 2010 GROUP BY 1 ORDER BY 1',
    "recent": f"SELECT founded, count(*) AS n FROM \"{TABLE}\" WHERE league = '包头市' GROUP BY 1 ORDER BY 1",
}
CARDS = (
    ("number", 'query = "total"\ntitle = "N"\nvalue = "n"'),
    ("number", 'query = "total"\ntitle = "C"\nvalue = "c"'),
    ("text", 'query = "total"\nwhen = [{ column = "n", op = ">", value = 0, say = "some" }]'),
    ("chart", 'query = "by_league"\ntitle = "L"\nx = "league"\ny = ["n"]'),
    ("map", 'query = "by_league"\ntitle = "M"\nregion = "league"\nvalue = "c"'),
    ("chart", 'query = "by_industry"\ntitle = "I"\nx = "industry"\ny = ["n"]'),
    ("table", 'query = "by_industry"\ntitle = "T"'),
    ("chart", 'query = "by_year"\ntitle = "Y"\nx = "founded"\ny = ["n", "c"]\nform = "line"'),
    ("table", 'query = "both"\ntitle = "B"'),
    ("table", 'query = "large"\ntitle = "G"'),
    ("chart", 'query = "mean"\ntitle = "A"\nx = "league"\ny = ["c"]'),
    ("timeline", 'query = "recent"\ntitle = "R"\nat = "founded"\nwhat = "n"'),
)


def bundle() -> dict[str, str]:
    head = f'id = "bench-app"\nversion = "1"\nowner = "{OWNER}"\nresources = ["{TABLE}"]\npages = ["all"]\n'
    names = '[name]\nzh = "a"\nen = "a"\n[purpose]\nzh = "a"\nen = "a"\n'
    page = "# Page\n\n" + "\n\n".join(f"```{kind}\n{facts}\n```" for kind, facts in CARDS)
    queries = {f"queries/{name}.sql": sql for name, sql in QUERIES.items()}
    return {"app.toml": head + names, "pages/all.md": page, **queries}


def prepare(platform: Platform, rows: int) -> tuple[dict[str, Actor], Path]:
    """Make the table and the people, and bring the application to everybody."""
    platform.first_start()
    platform.jobs.start_worker()
    path = platform.settings.home / "staging" / "big.parquet"
    duckdb.connect().execute(MAKE.format(path=path), [rows])
    kept = platform.settings.home / "plain.parquet"
    kept.write_bytes(path.read_bytes())
    request = CommitRequest(
        table=TABLE, org_id=OWNER, staged=(path,), schema=pq.read_schema(path), mode=WriteMode.REPLACE, run_id=new_id("run")
    )  # fmt: skip
    platform.tables.commit(SYSTEM, request)
    people = {}
    for login, org, role in (
        ("steward", OWNER, Role.STEWARD),
        ("other", OTHER, Role.ANALYST),
        ("reviewer", "bigdata", Role.BUREAU_REVIEWER),
        ("publisher", "bigdata", Role.BUREAU_PUBLISHER),
    ):
        _, code = platform.access.add_person(
            SYSTEM, PersonDraft(login=login, name=login, org_id=org, roles=frozenset({role}))
        )
        platform.access.change_password(
            platform.access.sign_in(login, code, "b").actor, code, "Steppe-under-a-wide-sky-26"
        )
        people[login] = platform.access.actor_for_person(login)
    found = platform.catalog.resource_for_table(TABLE)
    assert found is not None
    edit = ResourceEdit(
        share_type=ShareType.UNCONDITIONAL, open_type=OpenType.UNCONDITIONAL, licence="CC-BY-4.0", update_cycle="2"
    )
    platform.catalog.edit(people["steward"], found.id, edit)
    platform.catalog.submit(people["steward"], found.id)
    platform.catalog.approve(people["reviewer"], found.id)
    platform.catalog.publish(people["publisher"], found.id)
    _, version = platform.apps.submit(people["steward"], bundle())
    platform.apps.review(people["reviewer"], "bench-app", version.number, approve=True, note="x")
    platform.apps.release(people["publisher"], "bench-app", version.number, AudienceKind.PUBLIC)
    return people, kept


def crowd(platform: Platform, actors: list[Actor]) -> tuple[list[float], int, Counter[str]]:
    """Let everybody open the page at once; return the seconds of each, the queries that were run, and what went wrong."""
    times: list[float] = []
    bad: Counter[str] = Counter()
    scans: set[str] = set()

    def look(number: int, actor: Actor) -> None:
        begin = time.perf_counter()
        view = platform.apps.page(actor, "bench-app", "all", {}, str(number))
        times.append(time.perf_counter() - begin)
        for card in view.cards.values():
            if card.state is not CardState.READY or card.data is None:
                bad[f"{card.state}: {card.why.en if card.why else ''}"] += 1
            elif not card.data.cached:
                scans.add(card.data.reading)

    threads = [threading.Thread(target=look, args=one) for one in enumerate(actors)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return times, len(scans), bad


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 5_000_000
    viewers = int(sys.argv[2]) if len(sys.argv) > 2 else 20
    with tempfile.TemporaryDirectory() as name:
        platform = build(Settings(home=Path(name) / "home", argon2_memory_kib=64, argon2_rounds=1))
        people, plain = prepare(platform, rows)
        platform.apps.patience = 120.0
        actors = [(people["steward"], people["other"], ANONYMOUS)[n % 3] for n in range(viewers)]
        engine = duckdb.connect()
        engine.execute(f"CREATE VIEW \"{TABLE}\" AS SELECT * FROM '{plain}'")
        begin = time.perf_counter()
        for _ in range(3):
            for sql in QUERIES.values():
                engine.sql(sql).to_arrow_table()
        bare = time.perf_counter() - begin
        platform.sql._answers.forget()  # noqa: SLF001 - what the checks left is forgotten
        cold, scans, bad = crowd(platform, actors)
        warm: list[float] = []
        warm_scans = 0
        for _ in range(3):
            times, more, wrong = crowd(platform, actors)
            warm, warm_scans, bad = warm + times, warm_scans + more, bad + wrong
        p95 = statistics.quantiles(warm, n=20)[18]
        print(
            f"{len(CARDS)} cards, {len(QUERIES)} queries; scans cold {scans}, warm {warm_scans}; cards not shown {sum(bad.values())} {dict(bad)}"
        )
        lines = [
            Line("cold: slowest of all viewers", max(cold), "bare DuckDB, 3 x 8 queries", bare, 3.0),
            Line("cold: p95", statistics.quantiles(cold, n=20)[18], "bar", 1.5, 1.0),
            Line("warm: p50", statistics.median(warm), "bar", 1.5, 1.0),
            Line("warm: p95", p95, "bar", 1.5, 1.0),
        ]
        show(f"{viewers} viewers, {rows:,} rows", lines)
        platform.close()
        assert not bad, bad


if __name__ == "__main__":
    main()
