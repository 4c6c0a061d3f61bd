"""API keys: shown once, limited to scopes, with an end, and dead at the next call when revoked."""

from datetime import timedelta

import pytest

from beijiang.access import SESSION_COOKIE, KeyDraft, Permission
from beijiang.evidence import EvidenceQuery
from beijiang.kit import ActorKind, Denied, Invalid, NotFound, Unauthenticated

from .conftest import PASSWORD, World

READ = str(Permission.CATALOG_RESOURCE_READ)
WRITE = str(Permission.TABLES_TABLE_WRITE)


def issue(world: World, login: str = "wang", *scopes: str, days: int = 30) -> tuple[str, str]:
    draft = KeyDraft(name="脚本", scopes=frozenset(scopes or {READ}), days=days)
    key, secret = world.access.issue_key(world.actor(login), draft)
    return key.id, secret


def dead(world: World, secret: str) -> tuple[str, str]:
    with pytest.raises(Unauthenticated) as refused:
        world.access.actor_for({}, f"Bearer {secret}")
    return refused.value.reason, str(refused.value.text)


def test_a_key_acts_for_its_person_within_its_scopes(world: World) -> None:
    key_id, secret = issue(world)
    assert secret.startswith(f"bj_{key_id.removeprefix('key_')}_")
    assert len(secret.rsplit("_", 1)[1]) == 64
    for header in (f"Bearer {secret}", secret):
        actor = world.access.actor_for({}, header)
        assert (actor.id, actor.kind, actor.session_id) == (world.id("wang"), ActorKind.APPLICATION, key_id)
        world.access.require(actor, READ, "bigdata")
        with pytest.raises(Denied):
            world.access.require(actor, WRITE, "bigdata")
        with pytest.raises(Denied):
            world.access.require(actor, READ, "education")


@pytest.mark.threat("TM-11")
def test_a_key_gives_no_more_than_its_person_may(world: World) -> None:
    _, secret = issue(world, "wang", READ, str(Permission.CATALOG_RESOURCE_PUBLISH))
    actor = world.access.actor_for({}, f"Bearer {secret}")
    assert not world.access.allows(actor, Permission.CATALOG_RESOURCE_PUBLISH, "bigdata")
    world.access.set_roles(world.actor("sec"), world.id("wang"), frozenset())
    assert not world.access.allows(world.access.actor_for({}, f"Bearer {secret}"), READ, "bigdata")


@pytest.mark.threat("TM-11")
def test_a_dead_key_and_an_unknown_one_look_alike(world: World) -> None:
    revoked_id, revoked = issue(world)
    _, stale = issue(world, days=1)
    _, closed = issue(world, "bao")
    world.access.revoke_key(world.actor("wang"), revoked_id)
    world.access.disable_person(world.actor("sys"), world.id("bao"), "离职")
    world.clock.advance(timedelta(days=1))
    flipped = stale[:-1] + ("0" if stale[-1] != "0" else "1")
    answers = {dead(world, secret) for secret in (revoked, stale, closed, flipped, "bj_x_y", "", "x" * 5000)}
    assert len(answers) == 1


def test_a_revoked_key_fails_at_the_next_call_and_stays_revoked(world: World) -> None:
    key_id, secret = issue(world)
    actor = world.access.actor_for({}, f"Bearer {secret}")
    first = world.access.revoke_key(world.actor("wang"), key_id)
    dead(world, secret)
    with pytest.raises(Unauthenticated):
        world.access.current(actor)
    world.clock.advance(timedelta(hours=1))
    assert world.access.revoke_key(world.actor("wang"), key_id).revoked_at == first.revoked_at


def test_enabling_an_account_again_does_not_revive_its_keys(world: World) -> None:
    _, secret = issue(world)
    world.access.disable_person(world.actor("sys"), world.id("wang"), "x")
    world.access.enable_person(world.actor("sys"), world.id("wang"))
    dead(world, secret)


@pytest.mark.threat("TM-12")
def test_a_key_manages_neither_keys_nor_people_nor_passwords(world: World) -> None:
    for permission in Permission:
        forbidden = permission.startswith("access:") and not permission.endswith(":read")
        if forbidden:
            with pytest.raises(Invalid):
                issue(world, "wang", str(permission))
    _, secret = issue(world)
    actor = world.access.actor_for({}, secret)
    with pytest.raises(Denied):
        world.access.issue_key(actor, KeyDraft(name="x", scopes=frozenset({READ}), days=1))
    with pytest.raises(Denied):
        world.access.change_password(actor, PASSWORD, "Ordos#2027-new")


@pytest.mark.parametrize("login", ["sys", "sec", "aud"])
def test_administrators_have_no_keys(world: World, login: str) -> None:
    with pytest.raises(Denied):
        issue(world, login)


@pytest.mark.parametrize("days", [0, -1, 366])
def test_a_key_must_end(world: World, days: int) -> None:
    with pytest.raises(Invalid) as refused:
        issue(world, days=days)
    assert refused.value.reason == "key_days"


def test_a_key_needs_a_name_and_known_scopes(world: World) -> None:
    for name, scopes in (("", {READ}), ("x", set()), ("x", {"catalog:resource:invented"}), ("x", {"*"})):
        with pytest.raises(Invalid):
            world.access.issue_key(world.actor("wang"), KeyDraft(name=name, scopes=frozenset(scopes), days=1))


def test_people_see_and_revoke_their_own_keys_managers_all(world: World) -> None:
    mine, _ = issue(world)
    theirs, _ = issue(world, "bao")
    assert [key.id for key in world.access.keys(world.actor("wang"))] == [mine]
    assert {key.id for key in world.access.keys(world.actor("sys"))} == {mine, theirs}
    with pytest.raises(Denied):
        world.access.keys(world.actor("wang"), world.id("bao"))
    with pytest.raises(Denied):
        world.access.revoke_key(world.actor("wang"), theirs)
    with pytest.raises(Denied):
        world.access.revoke_key(world.actor("wang"), "key_none")
    with pytest.raises(NotFound):
        world.access.revoke_key(world.actor("sys"), "key_none")
    assert world.access.revoke_key(world.actor("sys"), theirs).revoked_at is not None


def test_what_a_key_does_is_recorded_under_its_id(world: World) -> None:
    key_id, secret = issue(world)
    actor = world.access.actor_for({}, secret)
    with pytest.raises(Denied):
        world.access.require(actor, WRITE, "bigdata")
    world.evidence.flush()
    record = world.evidence.page(EvidenceQuery(action="access.denied")).records[0]
    assert (record.actor_id, record.session_id, record.actor_kind) == (world.id("wang"), key_id, "application")


def test_a_header_decides_before_a_cookie(world: World) -> None:
    fresh = world.access.sign_in("bao", PASSWORD, "10.0.0.1")
    _, secret = issue(world)
    assert world.access.actor_for({SESSION_COOKIE: fresh.token}, secret).id == world.id("wang")
    with pytest.raises(Unauthenticated):
        world.access.actor_for({SESSION_COOKIE: fresh.token}, "Bearer bj_wrong_key")


def test_the_last_use_of_a_key_is_noted_to_the_minute(world: World) -> None:
    key_id, secret = issue(world)
    world.access.actor_for({}, secret)
    first = world.clock.at
    world.clock.advance(timedelta(seconds=30))
    world.access.actor_for({}, secret)
    (key,) = (key for key in world.access.keys(world.actor("wang")) if key.id == key_id)
    assert key.used_at == first


@pytest.mark.threat("TM-11")
@pytest.mark.parametrize("step", ["reset", "disable"])
def test_a_reset_or_closed_account_keeps_no_key(world: World, step: str) -> None:
    first, second = issue(world)[1], issue(world)[1]
    gone, _ = issue(world)
    world.access.revoke_key(world.actor("wang"), gone)
    _, other = issue(world, "bao")
    sys, wang = world.actor("sys"), world.id("wang")
    if step == "reset":
        assert world.access.reset_person(sys, wang).keys_revoked == 2
    else:
        world.access.disable_person(sys, wang, "离职")
        world.access.enable_person(sys, wang)
    for secret in (first, second):
        assert dead(world, secret)[0] == "proof_invalid"
    assert world.access.actor_for({}, f"Bearer {other}").id == world.id("bao")
    world.evidence.flush()
    record = world.evidence.page(EvidenceQuery(action=f"access.person.{step}")).records[0]
    assert record.detail["keys_revoked"] == 2
