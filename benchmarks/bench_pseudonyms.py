"""HMAC-SM3 pseudonyms of citizen numbers on one core: ours, the one-shot HMAC of the standard library, and the bar of a million a second.

Run: ``PYTHONPATH=src python benchmarks/bench_pseudonyms.py [values]``. Seconds of the processor, not of the clock, so that a
busy machine disturbs less. FF1 over whole columns is measured beside it.
"""

from __future__ import annotations

import hmac
import sys
import time
from collections.abc import Callable

from report import Line, show

from beijiang.crypto import Ff1, Pseudonyms
from beijiang.protection.models.citizen import encrypted_numbers

KEY = b"k" * 32


def rate(work: Callable[[], object], values: int, times: int = 5) -> float:
    """Return the best rate in millions of values a second."""
    best = 0.0
    for _ in range(times):
        start = time.process_time()
        work()
        best = max(best, values / (time.process_time() - start) / 1e6)
    return best


def numbers(count: int) -> list[str]:
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    made = []
    for i in range(count):
        body = f"150102{1950 + i % 60}{1 + i // 7 % 12:02d}{1 + i // 11 % 28:02d}{i % 1000:03d}"
        made.append(body + "10X98765432"[sum(int(d) * w for d, w in zip(body, weights, strict=True)) % 11])
    return made


def main() -> None:
    values = numbers(int(sys.argv[1]) if len(sys.argv) > 1 else 500_000)
    few = values[:50_000]
    own, ff1 = Pseudonyms(KEY), Ff1(KEY[:16], b"t/c")
    ours = rate(lambda: own.tokens(values), len(values))
    one_shot = rate(lambda: [hmac.digest(KEY, v.encode(), "sm3").hex() for v in few], len(few))
    fpe = rate(lambda: encrypted_numbers(values, ff1), len(values))
    show(
        "Pseudonyms, millions of distinct values a second on one core",
        [
            Line("HMAC-SM3, the bar", 1 / ours, "bar", 1.0, 1.0, "us", at_least=True),
            Line("HMAC-SM3, states copied", 1 / ours, "hmac.digest", 1 / one_shot, 1.0, "us", at_least=True),
            Line("FF1 citizen numbers (SM4), whole columns", 1 / fpe, "bar", 1.0, 1.0, "us", at_least=True),
        ],
    )


if __name__ == "__main__":
    main()
