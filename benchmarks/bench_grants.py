"""What grants cost at each access, with 1,000 of them on one table: the question that the gate asks, and a quota's count.

Run: ``PYTHONPATH=src python benchmarks/bench_grants.py [grants]``. The limit for a decision is 200 µs. Beside it stand the one read
of the number that rises with each change (the least that a decision can cost if what is revoked ends at once), and what one
policy question costs. Revocation is measured from its call to the first access that is refused.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "exchange"))
from exchange_bureau import TABLE, Bureau
from report import Line, show

from beijiang.access import Permission
from beijiang.build import build
from beijiang.exchange import GranteeKind
from beijiang.exchange.store import GrantStore
from beijiang.kit import FixedClock, SystemClock, new_id
from beijiang.settings import Settings

LIMIT_US = 200.0
ROUNDS = 2_000


def each(step: Callable[[], object], rounds: int = ROUNDS) -> float:
    """Return processor microseconds of one step."""
    step()
    begin = time.thread_time()
    for _ in range(rounds):
        step()
    return (time.thread_time() - begin) / rounds * 1e6


def main() -> None:
    """Make the grants, ask, and print."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000
    with tempfile.TemporaryDirectory() as folder:
        clock = FixedClock(SystemClock().now())
        platform = build(Settings.for_tests(Path(folder)), clock)
        platform.first_start()
        bureau = Bureau(platform, clock)
        kept = bureau.granted("注册资本", until=bureau.today + timedelta(days=90))
        with platform.db.begin() as tx:
            for number in range(count - 1):
                other = replace(
                    kept, id=new_id("gra"), grantee_kind=GranteeKind.PERSON, grantee_id=f"per_{number}", request_id=None
                )
                GrantStore(tx.connection).add(other)
        reader, book, gate = bureau["consumer"], platform.gate.grants, platform.gate
        assert book is not None
        assert len(book.held(reader, TABLE)) == 1

        def epoch() -> int:
            with platform.db.read() as connection:
                return GrantStore(connection).epoch()

        held = each(lambda: book.held(reader, TABLE))
        least = each(epoch)
        asked = each(lambda: platform.access.allows(reader, Permission.PROTECTION_ROWS_READ_GRANTED))
        seen = each(lambda: gate.seen(reader, TABLE), 500)
        call = each(lambda: book.take_call(kept.id), 200)
        begin = time.perf_counter()
        bureau.exchange.revoke(bureau["lead"], kept.id, "量测")
        refused = book.held(reader, TABLE) == []
        ended = time.perf_counter() - begin
        assert refused
        show(
            f"Grants: {count:,} on one table",
            [
                Line("which grants hold", held, "limit", LIMIT_US, 1.0, "µs"),
                Line("a policy question and that", held + asked, "limit", LIMIT_US, 1.0, "µs"),
                Line(
                    "which grants hold, against the read that makes revocation immediate",
                    held,
                    "that read",
                    least,
                    4.0,
                    "µs",
                ),
                Line("the gate's whole decision on a table", seen, "which grants hold", held, 20.0, "µs"),
                Line("a call counted durably", call, "the whole decision", seen, 20.0, "µs"),
                Line("from revoking to the first refusal", ended, "limit", 1.0, 1.0),
            ],
        )
        platform.close()


if __name__ == "__main__":
    main()
