"""One decision of the policies, as every verb asks for one: asked for the first time, and asked again.

Run: ``PYTHONPATH=src python benchmarks/bench_decisions.py``.
"""

from __future__ import annotations

import tempfile
from itertools import count
from pathlib import Path

from report import Line, median_seconds, show

from beijiang.access import Permission, PersonDraft, Role
from beijiang.build import build
from beijiang.kit import SYSTEM
from beijiang.settings import Settings

TIMES = 500


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        platform = build(Settings.for_tests(Path(folder)))
        platform.first_start()
        draft = PersonDraft(login="wang", name="王", org_id="bigdata", roles=frozenset({Role.STEWARD}))
        platform.access.add_person(SYSTEM, draft)
        steward = platform.access.actor_for_person("wang")

        def ask() -> None:
            for _ in range(TIMES):
                platform.access.require(steward, Permission.TABLES_TABLE_WRITE, "bigdata")

        numbers = count()

        def ask_anew() -> None:
            for _ in range(TIMES):  # about an organisation that nobody asked about before
                platform.access.allows(steward, Permission.TABLES_TABLE_WRITE, f"org{next(numbers)}")

        again = median_seconds(ask, runs=9) / TIMES * 1000
        first = median_seconds(ask_anew, runs=9) / TIMES * 1000
        platform.close()
    show(
        "Decisions",
        [
            Line("a question never asked before", first, "limit", 0.5, 1.0, "ms"),
            Line("a question asked before", again, "limit", 0.2, 1.0, "ms"),
        ],
    )


if __name__ == "__main__":
    main()
