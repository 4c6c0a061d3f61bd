"""Access on a real database, with three administrators and the people of two departments."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from beijiang.access import Access, OrganisationDraft, Person, PersonDraft, Role
from beijiang.db import Database
from beijiang.evidence import Evidence
from beijiang.kit import SYSTEM, Actor, FixedClock
from beijiang.settings import Settings

PASSWORD = "Hulun-Buir-2026"


@dataclass
class World:
    db: Database
    evidence: Evidence
    access: Access
    clock: FixedClock
    folder: Path
    people: dict[str, Person] = field(default_factory=dict)
    codes: dict[str, str] = field(default_factory=dict)

    def add(self, login: str, *roles: Role, org: str | None = "bigdata") -> Actor:
        draft = PersonDraft(login=login, name=f"名{login}", org_id=org, roles=frozenset(roles))
        person, self.codes[login] = self.access.add_person(SYSTEM, draft)
        self.people[login] = person
        return person.as_actor("ses_test")

    def actor(self, login: str) -> Actor:
        return self.access.actor_for_person(login)

    def id(self, login: str) -> str:
        return self.people[login].id

    def with_password(self, login: str) -> None:
        first = self.access.sign_in(login, self.codes[login], "10.0.0.1")
        self.access.sign_out(self.access.change_password(first.actor, self.codes[login], PASSWORD).token)


PEOPLE = (
    ("sys", Role.SYS_ADMIN, None),
    ("sec", Role.SEC_ADMIN, None),
    ("aud", Role.AUDIT_ADMIN, None),
    ("wang", Role.STEWARD, "bigdata"),
    ("bao", Role.STEWARD, "education"),
    ("li", Role.ORG_REVIEWER, "bigdata"),
    ("zhao", Role.BUREAU_REVIEWER, "bigdata"),
    ("sun", Role.BUREAU_PUBLISHER, "bigdata"),
    ("qian", Role.ANALYST, "education"),
    ("citizen", Role.MEMBER, None),
)


ON_BOTH_DATABASES = {
    "test_require_tells_visitors_to_sign_in_and_others_what_they_lack",
    "test_the_database_itself_refuses_a_mixture_of_roles",
    "test_a_login_is_taken_once_whatever_its_case_and_width",
    "test_a_closed_account_can_be_opened_again_and_needs_its_password",
    "test_every_change_of_an_account_is_recorded_with_before_and_after",
    "test_people_are_seen_by_administrators_and_inside_a_department",
    "test_a_session_proves_who_somebody_is_until_it_is_ended",
    "test_a_session_ends_when_idle_and_in_any_case",
    "test_a_new_password_ends_every_other_session",
    "test_every_failure_has_one_answer",
    "test_guesses_at_the_same_time_do_not_outrun_the_lock",
    "test_a_one_time_code_opens_the_door_to_setting_a_password_and_nothing_else",
    "test_a_key_acts_for_its_person_within_its_scopes",
    "test_a_dead_key_and_an_unknown_one_look_alike",
    "test_people_see_and_revoke_their_own_keys_managers_all",
    "test_the_region_has_its_governments_and_departments",
    "test_what_is_taken_or_unknown_is_refused",
}
"""Tests whose outcome could depend on the database; the others run on SQLite only, to save a second each."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "world" in metafunc.fixturenames:
        both = metafunc.function.__name__ in ON_BOTH_DATABASES
        metafunc.parametrize("world", ["sqlite", "postgres"] if both else ["sqlite"], indirect=True)


@pytest.fixture
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    url = f"sqlite:///{tmp_path / 'metadata.db'}"
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_url")
    yield from build_world(url, tmp_path)


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[World]:
    """The same on SQLite only, where the database makes no difference."""
    yield from build_world(f"sqlite:///{tmp_path / 'metadata.db'}", tmp_path)


def build_world(url: str, folder: Path) -> Iterator[World]:
    db = Database(url)
    db.create_all()
    clock = FixedClock(datetime(2026, 11, 23, 8, 0, tzinfo=UTC))
    evidence = Evidence(db, clock, folder / "evidence")
    access = Access(db, evidence, clock, Settings.for_tests(folder))
    world = World(db, evidence, access, clock, folder)
    for org_id, name in (("bigdata", "大数据局"), ("education", "教育厅")):
        access.add_organisation(SYSTEM, OrganisationDraft(id=org_id, name_zh=name))
    for login, role, org in PEOPLE:
        world.add(login, role, org=org)
        if login in ("wang", "bao", "li", "aud"):
            world.with_password(login)
    yield world
    evidence.close()
    db.close()
