"""Accounts, roles and the three administrators."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from beijiang.access import ADMINISTRATORS, Permission, PersonDraft, Role, watch_questions
from beijiang.evidence import EvidenceQuery
from beijiang.kit import ANONYMOUS, Actor, Conflict, Denied, Invalid, NotFound, Refused, Unauthenticated

from .conftest import PASSWORD, World


@pytest.mark.threat("TM-13")
@pytest.mark.parametrize("other", [Role.SEC_ADMIN, Role.STEWARD, Role.MEMBER])
def test_an_administrator_may_hold_no_other_role(world: World, other: Role) -> None:
    with pytest.raises(Refused) as refused:
        world.access.set_roles(world.actor("sec"), world.id("sys"), frozenset({Role.SYS_ADMIN, other}))
    assert refused.value.reason == "roles_incompatible"


@pytest.mark.threat("TM-13")
@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO person_role (person_id, role, office) VALUES (:admin, 'steward', 'data')",
        "INSERT INTO person_role (person_id, role, office) VALUES (:admin, 'steward', 'admin')",
        "INSERT INTO person_role (person_id, role) VALUES (:steward, 'sec_admin')",
        "UPDATE person SET office = 'admin', admin_role = 'sec_admin' WHERE id = :steward",
        "UPDATE person SET admin_role = 'sec_admin' WHERE id = :steward",
        "UPDATE person SET admin_role = 'sys_admin,sec_admin' WHERE id = :admin",
        "UPDATE person SET office = 'data' WHERE id = :admin",
        "UPDATE person SET office = 'other' WHERE id = :admin",
    ],
)
def test_the_database_itself_refuses_a_mixture_of_roles(world: World, sql: str) -> None:
    values = {"admin": world.id("sys"), "steward": world.id("wang")}
    used = {name: value for name, value in values.items() if f":{name}" in sql}
    with pytest.raises(IntegrityError), world.db.begin() as tx:
        tx.execute(text(sql), used)
    assert world.access.person(world.actor("sys"), "sys").roles == {Role.SYS_ADMIN}
    assert world.access.person(world.actor("sys"), "wang").roles == {Role.STEWARD}


@pytest.mark.threat("TM-12")
def test_the_system_administrator_makes_accounts_but_gives_no_roles(world: World) -> None:
    person, code = world.access.add_person(
        world.actor("sys"), PersonDraft(login="new", name="新人", org_id="education")
    )
    assert (person.roles, person.must_set_password) == (frozenset(), True)
    assert len(code) == 23
    with pytest.raises(Denied):
        world.access.add_person(
            world.actor("sys"), PersonDraft(login="two", name="二", org_id="education", roles=frozenset({Role.STEWARD}))
        )
    with pytest.raises(Denied):
        world.access.set_roles(world.actor("sys"), person.id, frozenset({Role.STEWARD}))
    assert world.access.set_roles(world.actor("sec"), person.id, frozenset({Role.STEWARD})).roles == {Role.STEWARD}


@pytest.mark.threat("TM-12")
@pytest.mark.threat("TM-13")
def test_the_security_administrator_makes_no_accounts_and_no_administrators(world: World) -> None:
    with pytest.raises(Denied):
        world.access.add_person(world.actor("sec"), PersonDraft(login="new", name="新人"))
    for role in sorted(ADMINISTRATORS):
        with pytest.raises(Denied):
            world.access.set_roles(world.actor("sec"), world.id("citizen"), frozenset({role}))
    with pytest.raises(Denied):
        world.access.set_roles(world.actor("sec"), world.id("aud"), frozenset())


@pytest.mark.threat("TM-12")
@pytest.mark.parametrize("login", ["sys", "sec", "aud", "wang", "zhao", "citizen"])
def test_nobody_changes_their_own_account(world: World, login: str) -> None:
    me, mine = world.actor(login), world.id(login)
    with pytest.raises((Denied, Refused)):
        world.access.set_roles(me, mine, frozenset({Role.BUREAU_PUBLISHER}))
    with pytest.raises((Denied, Refused)):
        world.access.disable_person(me, mine, "自己")
    with pytest.raises((Denied, Refused)):
        world.access.reset_person(me, mine)
    assert world.access.person(me, mine).roles == world.people[login].roles


@pytest.mark.threat("TM-13")
@pytest.mark.parametrize("verb", ["reset", "disable", "enable"])
def test_the_system_administrator_cannot_become_the_auditor(world: World, verb: str) -> None:
    sys, aud = world.actor("sys"), world.id("aud")
    work = {
        "reset": lambda: world.access.reset_person(sys, aud),
        "disable": lambda: world.access.disable_person(sys, aud, "x"),
        "enable": lambda: world.access.enable_person(sys, aud),
    }
    with pytest.raises(Denied):
        work[verb]()
    assert world.access.sign_in("aud", PASSWORD, "10.0.0.1").actor.id == aud


def test_a_role_of_an_organisation_needs_one(world: World) -> None:
    with pytest.raises(Invalid) as refused:
        world.access.set_roles(world.actor("sec"), world.id("citizen"), frozenset({Role.STEWARD}))
    assert refused.value.reason == "role_needs_organisation"


@pytest.mark.parametrize("login", ["", "a", "王丽", "a b", "-x", "x" * 65, "a@b", "a/b"])
def test_a_login_that_will_not_do_is_refused_in_words(embedded: World, login: str) -> None:
    with pytest.raises(Invalid):
        embedded.access.add_person(embedded.actor("sys"), PersonDraft(login=login, name="某"))


def test_a_login_is_taken_once_whatever_its_case_and_width(world: World) -> None:
    for login in ("wang", "WANG", "ｗａｎｇ"):
        with pytest.raises(Conflict):
            world.access.add_person(world.actor("sys"), PersonDraft(login=login, name="某"))


def test_an_account_of_an_unknown_organisation_is_refused(world: World) -> None:
    with pytest.raises(NotFound) as refused:
        world.access.add_person(world.actor("sys"), PersonDraft(login="new", name="新", org_id="nowhere"))
    assert refused.value.reason == "organisation_unknown"


def test_people_are_seen_by_administrators_and_inside_a_department(world: World) -> None:
    logins = {person.login for person in world.access.people(world.actor("sys"))}
    assert {"sys", "wang", "bao", "citizen"} <= logins
    mine = {person.login for person in world.access.people(world.actor("bao"))}
    assert mine == {"bao", "qian"}
    with pytest.raises(Denied):
        world.access.people(world.actor("bao"), "bigdata")
    with pytest.raises(Denied):
        world.access.people(world.actor("citizen"))
    with pytest.raises(Unauthenticated):
        world.access.people(ANONYMOUS)


def test_a_person_one_may_not_see_looks_like_one_that_is_not_there(world: World) -> None:
    answers = []
    for wanted in (world.id("wang"), "wang", "per_none", "nobody"):
        with pytest.raises(NotFound) as refused:
            world.access.person(world.actor("bao"), wanted)
        answers.append((refused.value.reason, refused.value.text, refused.value.detail))
    assert len(set(map(str, answers))) == 1
    assert world.access.person(world.actor("bao"), "bao").id == world.id("bao")


def test_a_closed_account_can_be_opened_again_and_needs_its_password(world: World) -> None:
    sys = world.actor("sys")
    session = world.access.sign_in("wang", PASSWORD, "10.0.0.1")
    assert world.access.disable_person(sys, world.id("wang"), "离职").disabled_at == world.clock.at
    with pytest.raises(Unauthenticated):
        world.access.sign_in("wang", PASSWORD, "10.0.0.1")
    with pytest.raises(Refused):
        world.access.actor_for_person("wang")
    with pytest.raises(Unauthenticated):
        world.access.current(session.actor)
    assert world.access.enable_person(sys, world.id("wang")).disabled_at is None
    assert world.access.session(session.token) is None
    assert world.access.sign_in("wang", PASSWORD, "10.0.0.1").actor.roles == {"steward"}


def test_every_change_of_an_account_is_recorded_with_before_and_after(world: World) -> None:
    world.access.set_roles(world.actor("sec"), world.id("wang"), frozenset({Role.STEWARD, Role.ANALYST}))
    world.access.disable_person(world.actor("sys"), world.id("wang"), "离职")
    page = world.evidence.page(EvidenceQuery(target=world.id("wang"), action="access.roles.set"))
    assert page.records[0].detail == {"before": ["steward"], "after": ["analyst", "steward"]}
    assert page.records[0].actor_id == world.id("sec")
    page = world.evidence.page(EvidenceQuery(target=world.id("wang"), action="access.person.disable"))
    assert page.records[0].detail == {"reason": "离职", "keys_revoked": 0}


def test_a_refused_change_leaves_nothing_behind(world: World) -> None:
    before = world.evidence.check().records
    with pytest.raises(Conflict):
        world.access.add_person(world.actor("sys"), PersonDraft(login="wang", name="某"))
    kinds = {
        r.action for r in world.evidence.page(EvidenceQuery(limit=world.evidence.check().records - before)).records
    }
    assert kinds == {"access.acts_as"}


def test_every_verb_with_an_actor_asks_before_it_answers(embedded: World) -> None:
    access, nobody = embedded.access, ANONYMOUS
    verbs = {
        "people": lambda: access.people(nobody),
        "add_person": lambda: access.add_person(nobody, PersonDraft(login="x1", name="x")),
        "set_roles": lambda: access.set_roles(nobody, embedded.id("wang"), frozenset()),
        "disable_person": lambda: access.disable_person(nobody, embedded.id("wang"), "x"),
        "enable_person": lambda: access.enable_person(nobody, embedded.id("wang")),
        "reset_person": lambda: access.reset_person(nobody, embedded.id("wang")),
        "keys": lambda: access.keys(nobody),
        "change_password": lambda: access.change_password(nobody, "a", "b"),
    }
    for name, verb in verbs.items():
        with watch_questions() as questions, pytest.raises(Unauthenticated):
            verb()
        assert questions, name
        assert not any(q.allowed for q in questions), name


def test_an_actor_is_looked_at_again_under_todays_roles(world: World) -> None:
    old = world.actor("wang")
    world.access.set_roles(world.actor("sec"), world.id("wang"), frozenset({Role.ANALYST}))
    now: Actor = world.access.current(old)
    assert now.roles == {"analyst"}
    assert not world.access.allows(now, Permission.TABLES_TABLE_WRITE, "bigdata")
    assert world.access.current(ANONYMOUS) is ANONYMOUS
