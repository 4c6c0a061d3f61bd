"""A portal of a city over a catalog of many entries: time per search, beside the same search over the whole region.

``python benchmarks/bench_portals.py [entries]`` prints one table; both catalogs are the same, and the peer is the region's own search.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from bench_search import Corpus, queries
from report import machine, peak_rss_mib

from beijiang.access import Access
from beijiang.catalog import Catalog, SearchQuery
from beijiang.catalog.store import SearchStore
from beijiang.db import Database
from beijiang.evidence import Evidence
from beijiang.kit import ANONYMOUS, SYSTEM, SystemClock
from beijiang.opendata import PortalDraft, Portals
from beijiang.opendata.portals import narrowed, seen_within
from beijiang.settings import Settings
from beijiang.standards import Standards

ASKED = 150
REQUESTS = 20_000


def main() -> None:
    """Fill a catalog, set portals up, and search by turns."""
    entries = next((int(word) for word in sys.argv[1:] if word.isdigit()), 100_000)
    standards = Standards()
    corpus = Corpus(entries, standards)
    with tempfile.TemporaryDirectory() as folder:
        db, clock = Database(f"sqlite:///{folder}/meta.db"), SystemClock()
        db.create_all()
        evidence = Evidence(db, clock, None)
        access = Access(db, evidence, clock, Settings.for_tests(Path(folder)))
        catalog = Catalog(db, access, evidence, standards, clock)
        for start in range(0, len(corpus.rows), 5_000):
            with db.begin() as tx:
                SearchStore(tx.connection).put(corpus.rows[start : start + 5_000], clock.now())
        parts: Any = SimpleNamespace(db=db, access=access, evidence=evidence, clock=clock, standards=standards)
        portals = Portals(parts, "https://data.example")
        for number in range(100):
            words = {"name_zh": f"门户{number}", "name_en": f"Portal {number}", "region_code": "150200"}
            portals.put(SYSTEM, PortalDraft(code=f"p{number}", host=f"p{number}.example", **words))
        portal = portals.of_host("p7.example")
        assert portal is not None
        catalog.search(ANONYMOUS, SearchQuery())
        print(f"{len(corpus.rows):,} entries, 100 portals, {peak_rss_mib():.0f} MiB peak   [{machine()}]")
        print(f"{'search':<28}{'n':>6}{'median ms':>12}{'p95 ms':>10}")
        medians = []
        for title, own in (("whole region (peer)", None), ("portal of a city (ours)", portal)):
            times = []
            for _, query in queries(corpus)[:ASKED]:
                began = time.perf_counter()
                seen_within(catalog.search(ANONYMOUS, narrowed(query, own)), query, own)
                times.append((time.perf_counter() - began) * 1000)
            times.sort()
            medians.append(statistics.median(times))
            print(f"{title:<28}{len(times):>6}{medians[-1]:>12.2f}{times[int(len(times) * 0.95)]:>10.2f}")
        print(f"ratio of medians, ours to the peer: {medians[1] / medians[0]:.2f}")
        began = time.perf_counter()
        for number in range(REQUESTS):
            portals.of_host(f"p{number % 100}.example" if number % 2 else "elsewhere.example")
        spent = timedelta(seconds=time.perf_counter() - began)
        print(
            f"finding the portal of a request by its host: {spent / REQUESTS / timedelta(microseconds=1):.1f} microseconds"
        )
        evidence.close()
        db.close()


if __name__ == "__main__":
    main()
