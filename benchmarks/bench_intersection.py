"""Private intersection: values blinded a second on either side, beside the bare multiplications on the curve.

Run: ``PYTHONPATH=src python benchmarks/bench_intersection.py [values]``. The limit is the library's own
multiplication, of which the platform needs one for each value of the table and of the asker's, and so does the asker.
"""

from __future__ import annotations

import sys
import time

from cryptography.hazmat.primitives.asymmetric import ec
from report import Line, show

from beijiang.crypto import Blinder, OwnSet

BAR = 3.0
"""Our own: a point is looked for on the curve, and lifted to it, besides."""


def main() -> None:
    """Print the table."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    mine = [[f"15010219900101{n:06d}"] for n in range(count)]
    theirs = [[f"15010219900101{n:06d}"] for n in range(count // 2, count // 2 + count)]
    begin = time.perf_counter()
    key, other = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1()).public_key()
    for _ in range(count):
        key.exchange(ec.ECDH(), other)
    bare = (time.perf_counter() - begin) / count
    own, platform = OwnSet(mine), Blinder()
    begin = time.perf_counter()
    points = b"".join(sorted(platform.blind(theirs)))
    blinded = time.perf_counter() - begin
    begin = time.perf_counter()
    sent = own.points()
    doubled = b"".join(platform.again(sent[at : at + 32] for at in range(0, len(sent), 32)))
    found = own.common(points, doubled)
    rest = time.perf_counter() - begin
    assert len(found) == count // 2
    show(
        "Private intersection of two sets",
        [
            Line(f"points of {count:,} values", blinded, "bare multiplications", bare * count, BAR),
            Line("the rest: three more of each", rest, "bare multiplications", bare * count * 3, BAR),
        ],
    )


if __name__ == "__main__":
    main()
