"""Rounds go on whatever happens in them, stop when told, and may begin again."""

import logging
import threading

import pytest

from beijiang.kit import Rounds


def test_a_failing_round_is_told_of_and_followed_by_the_next(caplog: pytest.LogCaptureFixture) -> None:
    done, tries = threading.Event(), []

    def work() -> None:
        tries.append(1)
        if len(tries) == 1:
            msg = "the database is away"
            raise OSError(msg)
        done.set()

    rounds = Rounds("trial", work, 0.01)
    with caplog.at_level(logging.ERROR):
        rounds.start()
        assert done.wait(90)
        rounds.stop()
    assert "a round of trial failed" in caplog.text
    assert "beijiang-trial" not in {thread.name for thread in threading.enumerate()}


def test_stopping_waits_for_the_round_under_way_and_lets_none_follow() -> None:
    began, seen = threading.Event(), []

    def work() -> None:
        began.set()
        while not rounds.stopping:
            pass
        seen.append(rounds.stopping)

    rounds = Rounds("trial", work, 3600)
    rounds.start()
    rounds.start()  # again is a no-op
    rounds.nudge()
    assert began.wait(90)
    rounds.stop()
    rounds.stop()
    assert seen == [True]


def test_rounds_begin_again_after_a_stop() -> None:
    again = threading.Event()
    rounds = Rounds("trial", again.set, 3600)
    for _ in range(2):
        again.clear()
        rounds.start()
        rounds.nudge()
        assert again.wait(90)
        rounds.stop()
