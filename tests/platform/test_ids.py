"""Ids are never made twice: not by one process, not among threads, not by a process and its fork."""

from __future__ import annotations

import os
import threading
from itertools import pairwise

from beijiang.kit import new_id

DIGITS = "0123456789abcdefghjkmnpqrstvwxyz"


def test_ids_are_in_the_order_in_which_they_were_made_and_never_the_same_twice() -> None:
    made = [new_id("x") for _ in range(3000)]
    assert len(set(made)) == len(made)
    assert {len(one) for one in made} == {22}
    assert made == sorted(made), "those of one millisecond too"
    numbers = [sum(DIGITS.index(c) << 5 * place for place, c in enumerate(reversed(one[2:]))) for one in made]
    steps = {after - before for before, after in pairwise(numbers)}
    assert len(steps) > 2900, "the next id cannot be guessed from the one before"
    assert all(step.bit_length() > 12 for step in steps)


def test_threads_draw_from_one_store_and_never_the_same() -> None:
    made: list[str] = []
    threads = [threading.Thread(target=lambda: made.extend(new_id("x") for _ in range(5000))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(made)) == 40_000


def test_a_fork_draws_anew() -> None:
    new_id("x")  # now there is a store that the fork must not share
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, " ".join(new_id("x")[11:] for _ in range(200)).encode())
        os._exit(0)
    os.waitpid(child, 0)
    theirs = set(os.read(reader, 1 << 16).decode().split())
    os.close(reader)
    os.close(writer)
    assert len(theirs) == 200
    assert not theirs & {new_id("x")[11:] for _ in range(600)}
