"""SIGKILL at instants of a delivery, spread over everything that it makes durable here and there: nothing is lost, nothing doubled."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from beijiang.build import build
from beijiang.exchange import PushDeliveryState
from beijiang.kit import SYSTEM, FixedClock
from beijiang.outbound import Target, Use
from beijiang.settings import Settings

sys.path.insert(0, str(Path(__file__).parents[1] / "exchange"))
from exchange_bureau import BEGAN_AT, Bureau
from push_bureau import KEY, MONEY, Far
from test_push_places import SECRET, Receiver, listening

VICTIM = Path(__file__).with_name("push_victim.py")
KILLS = 20
FEWEST = 10
Ask = Callable[..., tuple[int, list[str]]]


@pytest.fixture
def ask() -> Iterator[Ask]:
    """Have a delivery begin, killed at one of its instants; return the exit status and the instants passed."""
    process = subprocess.Popen([sys.executable, str(VICTIM)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None
    assert process.stdout is not None
    assert process.stdout.readline().strip() == "ready"

    def killed(home: Path, number: int = 0, count: int = 0, name: str = "-") -> tuple[int, list[str]]:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{home} {number} {count} {name}\n")
        process.stdin.flush()
        status, _, passed = process.stdout.readline().strip().partition(" ")
        return int(status), json.loads(passed)

    yield killed
    process.stdin.close()
    process.wait(timeout=240)
    process.stdout.close()


def planned(passed: list[str], most: int) -> list[tuple[str, int]]:
    """Return instants to be killed at: all with names of their own, and of the many commits some from everywhere."""
    named = [(name, passed[: at + 1].count(name)) for at, name in enumerate(passed)]
    own = [one for one in named if one[0] != "commit"]
    commits = [one for one in named if one[0] == "commit"]
    wanted = max(0, most - len(own))
    chosen = own[:most] + [commits[at * len(commits) // wanted] for at in range(min(wanted, len(commits)))]
    return sorted(set(chosen), key=lambda one: (one[1] * 7) % 5)


def begun(home: Path, kind: str, options: dict[str, Any], allow: list[Target]) -> None:
    """Make a region with a table that has a key, a grant, and a subscription; then leave it."""
    platform = build(Settings.for_tests(home), FixedClock(BEGAN_AT))
    platform.first_start()
    bureau = Bureau(platform, platform.clock)  # type: ignore[arg-type]
    far = Far(bureau, sa.create_engine("sqlite://"), options, table="推送")
    for target in allow:
        platform.sources.allow(SYSTEM, target, "目标")
    far.publish(40)
    far.add(kind=kind)
    platform.close()


def finished(home: Path, there: Callable[[], dict[str, float]], hours: int) -> Counter[PushDeliveryState]:
    """Deliver the rest, compare both sides, and return what became of the deliveries."""
    platform = build(Settings.for_tests(home), FixedClock(BEGAN_AT + timedelta(hours=hours)))
    push = platform.pushes.pushes(SYSTEM)[0][0]
    assert there() == kept(platform)
    deliveries = platform.pushes.view(SYSTEM, push.id).deliveries
    done = [one for one in deliveries if one.state is PushDeliveryState.DONE]
    assert len({one.version for one in done}) == len(done), "no version is delivered twice"
    assert all(one.proof is None or one.proof["equal"] is not False for one in done)
    assert not any(one.state.is_open for one in deliveries)
    assert platform.evidence.check().ok
    platform.close()
    return Counter(one.state for one in deliveries)


def kept(platform: Any) -> dict[str, float]:
    found = platform.sql.run(SYSTEM, f'SELECT "{KEY}", "{MONEY}" FROM "推送"').rows.to_pylist()
    return {str(row[KEY]): float(row[MONEY]) for row in found}


def killed_everywhere(home: Path, ask: Ask) -> int:
    """Kill a delivery at each of its instants; every second time the next one has no newer version. Return the hours gone by."""
    assert ask(home)[0] == 0
    status, passed = ask(home, 1)
    assert status == 0
    plan = planned(passed, KILLS)
    assert len(plan) >= FEWEST
    hours, met = 2, 0
    twice = [*plan, *(plan if len(plan) % 2 else plan[1:])]  # once with a newer version after it, and once without
    for number, (name, count) in enumerate(twice, 2):
        status, passed = ask(home, number, count, name)
        hours += 1
        met += status == -signal.SIGKILL
        assert status == -signal.SIGKILL or passed.count(name) < count, (name, count, status)
        if number % 2:
            assert ask(home)[0] == 0
            hours += 1
    assert met >= len(twice) * 2 // 3
    for _ in range(2):
        assert ask(home)[0] == 0
    return hours + 3


@pytest.mark.timeout(900)  # some 150 deliveries, each in a process of its own
def test_a_database_ends_equal_wherever_a_delivery_is_killed(tmp_path: Path, postgres_url: str, ask: Ask) -> None:
    url = sa.make_url(postgres_url)
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    folder = str(url.query["host"])
    options = {"host": folder, "database": url.database, "user": url.username, "tls": "off"}
    begun(tmp_path, "postgresql", options, [Target(folder=folder, uses=frozenset({Use.PUSH}))])

    def there() -> dict[str, float]:
        with engine.connect() as connection:
            found = connection.execute(sa.text(f'SELECT "{KEY}", "{MONEY}" FROM firms'))
            return {str(name): float(money) for name, money in found}

    hours = killed_everywhere(tmp_path, ask)
    states = finished(tmp_path, there, hours)
    with engine.connect() as connection:
        listed = connection.execute(sa.text("SELECT count(*) FROM beijiang_deliveries")).scalar_one()
    assert listed == states[PushDeliveryState.DONE], "what the far side lists is what is known here"
    engine.dispose()


@pytest.mark.timeout(900)  # some 150 deliveries, each in a process of its own
def test_a_webhook_ends_equal_wherever_a_delivery_is_killed(tmp_path: Path, ask: Ask) -> None:
    with listening() as port:
        options = {"url": f"http://127.0.0.1:{port}/in", "secret": SECRET}
        uses = frozenset({Use.PUSH})
        target = Target(host="127.0.0.1", port=port, network="127.0.0.1/32", uses=uses, plain_http=True)
        begun(tmp_path, "webhook", options, [target])
        hours = killed_everywhere(tmp_path, ask)

        def there() -> dict[str, float]:
            return {name: float(row[MONEY]) for name, row in Receiver.rows.items()}

        finished(tmp_path, there, hours)
        assert len(set(Receiver.applied)) == len(Receiver.applied)
