"""One platform for the registry's tests of a module, with the people who propose and decide."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pytest

from beijiang.access import PersonDraft, Role
from beijiang.build import Platform, build
from beijiang.kit import SYSTEM, Actor, FixedClock
from beijiang.settings import Settings
from beijiang.standards import Registry

PASSWORD = "Steppe-under-a-wide-sky-26"


@dataclass
class Office:
    """The platform and its people."""

    platform: Platform
    clock: FixedClock

    def __post_init__(self) -> None:
        self.steward = self._person("steward", "education", Role.STEWARD)
        self.other = self._person("other", "health", Role.STEWARD)
        self.reviewer = self._person("reviewer", "bigdata", Role.BUREAU_REVIEWER)
        self.second = self._person("second", "bigdata", Role.BUREAU_REVIEWER)
        self.analyst = self._person("analyst", "education", Role.ANALYST)
        self.chief = self._person("chief", "bigdata", Role.SYS_ADMIN)

    @property
    def registry(self) -> Registry:
        return self.platform.registry

    def _person(self, login: str, org: str, role: Role) -> Actor:
        access = self.platform.access
        _, code = access.add_person(SYSTEM, PersonDraft(login=login, name=login, org_id=org, roles=frozenset({role})))
        fresh = access.sign_in(login, code, "tests")
        access.sign_out(access.change_password(fresh.actor, code, PASSWORD).token)
        return access.actor_for_person(login)


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    clock = FixedClock(datetime(2026, 3, 10, 4, 0, tzinfo=UTC))
    built = build(Settings.for_tests(tmp_path_factory.mktemp("registry")), clock)
    built.first_start()
    yield Office(built, clock)
    built.close()


@pytest.fixture
def late(tmp_path: Path) -> Iterator[Office]:
    """An office in the last weeks of a year whose next one is not in the working-day calendar."""
    clock = FixedClock(datetime(2026, 11, 28, 4, 0, tzinfo=UTC))
    built = build(Settings.for_tests(tmp_path / "late"), clock)
    built.first_start()
    yield Office(built, clock)
    built.close()
