"""What 10,000 subscriptions cost when data change: hearing of changes, and whom each concerns.

Run: ``PYTHONPATH=src python benchmarks/bench_follows.py [follows] [searches] [changes]``. Every search is looked at once for all the
changes of one look at the log; the peer is the same looked at once for each change, as before, measured on one change. The
limit of hearing is the two seconds between two looks.
"""

from __future__ import annotations

import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "exchange"))
from exchange_bureau import OWNER, Bureau, firms
from report import Line, show

from beijiang.build import build
from beijiang.kit import FixedClock, Language, SystemClock, new_id
from beijiang.opendata import Follow, FollowKind, FollowPace, FollowState, FollowWay
from beijiang.opendata.follows import canonical
from beijiang.opendata.store.follows import FollowStore
from beijiang.settings import Settings

LIMIT = 2.0
WORDS = ("酒店", "学校", "医院", "桥梁", "草原", "水库", "道路", "企业")


def subscriptions(count: int, searches: int, clock: FixedClock) -> list[Follow]:
    """Return webhooks on as many different searches as asked for, and a tenth on the department."""
    one = Follow(
        id="",
        by="per_0",
        kind=FollowKind.SEARCH,
        what="",
        way=FollowWay.WEBHOOK,
        pace=FollowPace.DAILY,
        language=Language.ZH,
        state=FollowState.ACTIVE,
        sealed="x",
        lane="lane",
        created_at=clock.now(),
    )
    made = []
    for number in range(count):
        n = number % searches
        words = WORDS[n % len(WORDS)] if n % 10 == 0 else f"{WORDS[n % len(WORDS)]}第{n}号"
        what = canonical(FollowKind.SEARCH, f"q={words}" + (f"&department={OWNER}" if n % 3 else ""))
        kind, what = (FollowKind.ORG, OWNER) if number % 10 == 9 else (FollowKind.SEARCH, what)
        made.append(replace(one, id=new_id("fol"), kind=kind, what=what))
    return made


def main() -> None:
    """Make the subscriptions, change data, hear of it, and print."""
    count, searches, changes = (
        int(sys.argv[n]) if len(sys.argv) > n else d for n, d in ((1, 10_000), (2, 1_000), (3, 20))
    )
    with tempfile.TemporaryDirectory() as folder:
        clock = FixedClock(SystemClock().now())
        platform = build(Settings.for_tests(Path(folder)), clock)
        platform.first_start()
        bureau = Bureau(platform, clock)
        ids = [bureau.publish(f"{WORDS[n % len(WORDS)]}名录{n}", 2).id for n in range(changes)]
        while platform.spreading.hear():
            pass
        with platform.db.begin() as tx:
            for one in subscriptions(count, searches, clock):
                FollowStore(tx.connection).add(one)
        with platform.db.read() as connection:
            store = FollowStore(connection)
            distinct = len(store.searches())
            platform.follows.matching(store, ids[:1])
            begin = time.perf_counter()
            platform.follows.matching(store, ids[:1])
            single = time.perf_counter() - begin
            begin = time.perf_counter()
            platform.follows.matching(store, ids)
            together = time.perf_counter() - begin
        for number in range(changes):
            bureau.write(f"{WORDS[number % len(WORDS)]}名录{number}", firms(3)[-1:])
        platform.db.deliver_waiting()
        begin = time.perf_counter()
        while platform.spreading.hear():
            pass
        heard = time.perf_counter() - begin
        show(
            f"Subscriptions: {count:,} on {distinct:,} searches, {changes} changes",
            [
                Line("whom all changes concern", together, "one by one", single * changes, 1.0),
                Line("one change heard", single, "limit", LIMIT, 1.0),
                Line("all changes heard and stored for their readers", heard, "limit", LIMIT, 1.0),
                Line("one search looked at", single / distinct * 1e6, "before", 400.0, 1.0, "µs"),
            ],
        )
        platform.close()


if __name__ == "__main__":
    main()
