"""SIGKILL during approvals and deliveries: what a person was told holds, and every step stands with its evidence."""

from __future__ import annotations

import random
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from subprocess import PIPE

import pytest

from beijiang.build import Platform, build
from beijiang.evidence import EvidenceQuery
from beijiang.exchange import GrantState, RequestState
from beijiang.kit import SYSTEM, FixedClock, SystemClock
from beijiang.settings import Settings
from nursery import Child

sys.path.insert(0, str(Path(__file__).parents[1] / "exchange"))
from exchange_bureau import TABLE, Bureau

VICTIM = Path(__file__).with_name("exchange_victim.py")
KILLS, LOOK_EVERY = 50, 5


@dataclass
class Told:
    """What the victims said before they died."""

    requests: dict[str, int] = field(default_factory=dict)
    grants: set[str] = field(default_factory=set)
    receipts: dict[str, str] = field(default_factory=dict)
    rows: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    revoked: set[str] = field(default_factory=set)

    def take(self, line: str) -> None:
        kind, *words = line.split()
        if kind == "request":
            self.requests[words[0]] = int(words[1])
        elif kind == "grant":
            self.grants.add(words[0])
        elif kind == "rows":
            self.receipts[words[1]] = words[0]
            self.rows[words[0]] += int(words[2])
            self.calls[words[0]] += 1
        elif kind == "revoked":
            self.revoked.add(words[0])


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("killed")
    clock = FixedClock(datetime.now(UTC))
    built = build(Settings.for_tests(folder), clock)
    built.first_start()
    bureau = Bureau(built, clock)
    resource = bureau.resource.id
    built.close()
    return folder, resource


def undisturbed(folder: Path, resource: str, told: Told) -> float:
    """Let a victim go all the way twice before it dies; return the seconds that once takes here and now."""
    process = Child([sys.executable, str(VICTIM), str(folder), resource, TABLE], stdout=PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    began = time.monotonic()
    while len(told.revoked) < 2:
        told.take(process.stdout.readline())
    took = (time.monotonic() - began) / 2
    process.kill()
    process.stdout.close()
    process.wait()
    return took


def victim(folder: Path, resource: str, seconds: float, told: Told) -> None:
    process = Child([sys.executable, str(VICTIM), str(folder), resource, TABLE], stdout=PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    time.sleep(seconds)
    process.kill()
    for line in process.stdout.read().split("\n")[:-1]:  # an unfinished last line was told to nobody
        told.take(line)
    process.stdout.close()
    process.wait()


def look(platform: Platform, told: Told) -> None:
    exchange = platform.exchange
    for number, revision in told.requests.items():
        request = exchange.request(SYSTEM, number).request
        assert request.revision >= revision, "a step that was acknowledged is there"
    for view in (exchange.request(SYSTEM, one.id) for one in exchange.requests(SYSTEM)[0]):
        request = view.request
        done = request.state in {RequestState.APPROVED, RequestState.PARTLY_APPROVED}
        assert done == (request.grant_id is not None)
        if request.grant_id is not None:
            assert exchange.grant(SYSTEM, request.grant_id).grant.request_id == request.id
        written = platform.evidence.page(EvidenceQuery(target=request.id, limit=100)).records
        assert len(written) >= len(view.steps), "no step without its evidence"
    for number in told.grants:
        grant = exchange.grant(SYSTEM, number)
        used = grant.usage[0] if grant.usage else None
        assert (used.rows if used else 0) >= told.rows[number], "what was handed over was counted before"
        assert (used.calls if used else 0) >= told.calls[number]
        if number in told.revoked:
            assert grant.grant.state is GrantState.REVOKED
    for receipt, grant_id in told.receipts.items():
        found = platform.evidence.find(receipt)
        assert found is not None
        assert found.detail["grant"] == grant_id
    report = platform.evidence.check()
    assert report.ok, report.problems


def test_killed_at_fifty_instants_nothing_that_was_told_is_lost_and_nothing_is_half_there(
    home: tuple[Path, str],
) -> None:
    folder, resource = home
    dice, told = random.Random(20261126), Told()  # noqa: S311 - instants, no secret
    took = undisturbed(folder, resource, told)
    for kill in range(KILLS):
        victim(folder, resource, dice.random() * took * 1.2, told)
        if kill % LOOK_EVERY == LOOK_EVERY - 1:
            platform = build(Settings.for_tests(folder), SystemClock())
            look(platform, told)
            platform.close()
    assert len(told.receipts) > len(told.revoked) >= 2
    platform = build(Settings.for_tests(folder), SystemClock())
    unfinished = [one for one in platform.exchange.requests(SYSTEM)[0] if not one.state.is_over]
    assert unfinished, "some were killed on the way"
    bureau_lead = platform.access.actor_for_person("reviewer")
    waits = [one for one in unfinished if one.state is RequestState.FORMAL_REVIEW]
    for one in waits[:1]:
        platform.exchange.approve(bureau_lead, one.id, "接着办")
        assert platform.exchange.request(SYSTEM, one.id).request.revision == one.revision + 1
    platform.close()
