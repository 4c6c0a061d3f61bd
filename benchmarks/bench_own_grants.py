"""What it costs that an application reads under a grant of its own beside its reader's rights, and who gets a version on trial.

Run: ``PYTHONPATH=src python benchmarks/bench_own_grants.py``. The peer of a decision under both is the decision by the reader's
rights alone, in the same run; twice that is what two decisions cost. Revocation is measured from its call to the first refusal.
"""

from __future__ import annotations

import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "exchange"))
from bench_grants import each
from exchange_bureau import OTHER, TABLE, Bureau
from report import Line, show

from beijiang.apps import Canary, CanaryKind
from beijiang.build import build
from beijiang.exchange import Way
from beijiang.kit import FixedClock, SystemClock
from beijiang.protection import OwnGrant
from beijiang.settings import Settings
from beijiang.tables import Exit

SHARED_OUT_US = 50.0


def main() -> None:
    """Decide, share out, and print."""
    with tempfile.TemporaryDirectory() as folder:
        clock = FixedClock(SystemClock().now())
        platform = build(Settings.for_tests(Path(folder)), clock)
        platform.first_start()
        bureau, gate = Bureau(platform, clock), platform.gate
        grant = bureau.granted("企业名称", "盟市", ways=frozenset({Way.APP}))
        own, who, holder = OwnGrant(OTHER, grant.id), bureau["steward"], bureau["consumer"]
        alone = each(lambda: gate.seen(holder, TABLE, Exit.APP), 500)
        both = each(lambda: gate.seen(holder, TABLE, Exit.APP, own), 500)
        trial = Canary(
            app_id="a", version=2, kind=CanaryKind.SHARE, names=(), people=(), percent=10, salt="0" * 32,
            by_id="x", by="x", at=datetime(2026, 11, 27, tzinfo=UTC),
        )  # fmt: skip
        shared = each(lambda: trial.admits(who))
        begin = time.perf_counter()
        bureau.exchange.revoke(bureau["lead"], grant.id, "量测")
        assert gate.seen(who, TABLE, Exit.APP, own) is None
        ended = time.perf_counter() - begin
        show(
            "An application's own grant, and a version on trial",
            [
                Line("a decision under both grants", both, "under the reader's alone", alone, 2.0, "µs"),
                Line("which version a reader gets", shared, "limit", SHARED_OUT_US, 1.0, "µs"),
                Line("from revoking to the first refusal", ended, "limit", 1.0, 1.0),
            ],
        )
        platform.close()


if __name__ == "__main__":
    main()
