"""Signing in and out: one answer to every failure, sessions that end, tokens that are nowhere stored."""

import threading
import time
from datetime import timedelta

import pytest

from beijiang.access import SESSION_COOKIE, Access, Permission, Role
from beijiang.evidence import EvidenceQuery
from beijiang.kit import ANONYMOUS, SYSTEM, Denied, Invalid, Throttled, Unauthenticated
from beijiang.settings import Settings

from .conftest import PASSWORD, World

HERE = "10.0.0.1"


def refusal(world: World, name: str, password: str, source: str = HERE) -> tuple[object, ...]:
    with pytest.raises(Unauthenticated) as refused:
        world.access.sign_in(name, password, source)
    error = refused.value
    return type(error), error.reason, error.status, error.text, str(error.detail)


def who(world: World, token: str) -> str:
    return world.access.actor_for({SESSION_COOKIE: token}).id


@pytest.mark.threat("TM-08")
def test_a_session_proves_who_somebody_is_until_it_is_ended(world: World) -> None:
    fresh = world.access.sign_in("wang", PASSWORD, HERE)
    actor = world.access.actor_for({SESSION_COOKIE: fresh.token})
    assert (actor.id, actor.org_id, actor.roles) == (world.id("wang"), "bigdata", {"steward"})
    assert actor.session_id == fresh.session.id
    world.access.sign_out(fresh.token)
    assert world.access.actor_for({SESSION_COOKIE: fresh.token}) is ANONYMOUS
    world.access.sign_out(fresh.token)


@pytest.mark.threat("TM-08")
def test_a_token_chosen_by_somebody_else_is_never_adopted(world: World) -> None:
    planted = "A" * 43
    fresh = world.access.sign_in("wang", PASSWORD, HERE, replaces=planted)
    assert fresh.token != planted
    assert world.access.actor_for({SESSION_COOKIE: planted}) is ANONYMOUS
    again = world.access.sign_in("wang", PASSWORD, HERE, replaces=fresh.token)
    assert world.access.actor_for({SESSION_COOKIE: fresh.token}) is ANONYMOUS
    assert who(world, again.token) == world.id("wang")
    assert len({planted, fresh.token, again.token}) == 3


@pytest.mark.threat("TM-08")
def test_a_session_ends_when_idle_and_in_any_case(world: World) -> None:
    idle = world.access.sign_in("wang", PASSWORD, HERE)
    world.clock.advance(timedelta(minutes=29))
    assert who(world, idle.token) == world.id("wang")
    world.clock.advance(timedelta(minutes=29))
    assert who(world, idle.token) == world.id("wang")
    world.clock.advance(timedelta(minutes=31))
    assert who(world, idle.token) == "anonymous"
    busy = world.access.sign_in("wang", PASSWORD, HERE)
    for _ in range(24 * 3):
        world.clock.advance(timedelta(minutes=10))
        who(world, busy.token)
    assert who(world, busy.token) == "anonymous"


@pytest.mark.threat("TM-08")
def test_administrators_have_shorter_sessions(world: World) -> None:
    fresh = world.access.sign_in("aud", PASSWORD, HERE)
    assert fresh.session.expires_at - fresh.session.created_at == timedelta(hours=8)
    world.clock.advance(timedelta(minutes=16))
    assert who(world, fresh.token) == "anonymous"


@pytest.mark.threat("TM-08")
def test_a_new_password_ends_every_other_session(world: World) -> None:
    one, two = (world.access.sign_in("wang", PASSWORD, HERE) for _ in range(2))
    three = world.access.change_password(one.actor, PASSWORD, "Ordos#2027-new")
    assert [who(world, s.token) for s in (one, two)] == ["anonymous", "anonymous"]
    assert who(world, three.token) == world.id("wang")
    refusal(world, "wang", PASSWORD)
    assert world.access.sign_in("wang", "Ordos#2027-new", HERE).actor.id == world.id("wang")


@pytest.mark.threat("TM-08")
@pytest.mark.parametrize("change", ["roles", "disable", "reset"])
def test_a_change_of_the_account_ends_its_sessions_at_once(world: World, change: str) -> None:
    fresh = world.access.sign_in("wang", PASSWORD, HERE)
    if change == "roles":
        world.access.set_roles(world.actor("sec"), world.id("wang"), frozenset({Role.STEWARD}))
    elif change == "disable":
        world.access.disable_person(world.actor("sys"), world.id("wang"), "离职")
    else:
        world.access.reset_person(world.actor("sys"), world.id("wang"))
    assert world.access.actor_for({SESSION_COOKIE: fresh.token}) is ANONYMOUS


@pytest.mark.threat("TM-10")
def test_every_failure_has_one_answer(world: World) -> None:
    wrong = refusal(world, "wang", "wrong")
    unknown = refusal(world, "nobody-here", PASSWORD)
    odd = refusal(world, "no such login ' OR 1=1 --", PASSWORD)
    world.access.disable_person(world.actor("sys"), world.id("bao"), "离职")
    closed = refusal(world, "bao", PASSWORD)
    for _ in range(5):
        refusal(world, "li", "wrong")
    locked = refusal(world, "li", PASSWORD)
    assert wrong == unknown == odd == closed == locked


@pytest.mark.threat("TM-10")
def test_an_unknown_account_costs_the_same_work(tmp_path: object, embedded: World) -> None:
    settings = Settings.for_tests(embedded.folder, argon2_memory_kib=16_384, argon2_rounds=3, lockout_failures=1000)
    access = Access(embedded.db, embedded.evidence, embedded.clock, settings)
    draft_code = access.reset_person(SYSTEM, embedded.id("wang")).code
    first = access.sign_in("wang", draft_code, HERE)
    access.change_password(first.actor, draft_code, PASSWORD)

    def cost(name: str) -> float:
        start = time.process_time()  # the work itself, whatever else the machine does meanwhile
        with pytest.raises(Unauthenticated):
            access.sign_in(name, "wrong password", HERE)
        return time.process_time() - start

    cost("nobody")
    known, unknown = [], []
    for _ in range(8):
        known.append(cost("wang"))
        unknown.append(cost("nobody"))
    assert 0.5 < min(known) / min(unknown) < 2


@pytest.mark.threat("TM-10")
def test_five_failures_lock_the_account_for_a_quarter_of_an_hour(world: World) -> None:
    for _ in range(5):
        refusal(world, "wang", "wrong")
    refusal(world, "wang", PASSWORD)
    world.clock.advance(timedelta(minutes=14))
    refusal(world, "wang", PASSWORD)
    world.clock.advance(timedelta(minutes=2))
    assert world.access.sign_in("wang", PASSWORD, HERE).actor.id == world.id("wang")


@pytest.mark.threat("TM-10")
def test_a_success_clears_the_count_of_failures(world: World) -> None:
    for _ in range(3):
        for _ in range(4):
            refusal(world, "wang", "wrong")
        world.access.sign_in("wang", PASSWORD, HERE)


@pytest.mark.threat("TM-10")
def test_ten_thousand_guesses_stay_under_the_bound(embedded: World) -> None:
    """One guess every nine seconds for a day: at most five in a quarter of an hour are looked at."""
    settings = Settings.for_tests(embedded.folder, sign_in_failures_per_source=100_000)
    access = Access(embedded.db, embedded.evidence, embedded.clock, settings)
    guesses = 400
    for _ in range(guesses):
        embedded.clock.advance(timedelta(seconds=9))
        with pytest.raises(Unauthenticated):
            access.sign_in("wang", "guess", HERE)
    embedded.evidence.flush()
    tried = embedded.evidence.page(EvidenceQuery(action="access.sign_in.failed", limit=1000)).records
    looked_at = [record for record in tried if not record.detail["locked"]]
    assert len(tried) == guesses
    assert len(looked_at) <= 5 * (guesses * 9 / (15 * 60) + 1)


@pytest.mark.threat("TM-10")
def test_guesses_at_the_same_time_do_not_outrun_the_lock(world: World) -> None:
    answers: list[type] = []

    def guess() -> None:
        try:
            world.access.sign_in("wang", "guess", HERE)
        except (Unauthenticated, Throttled) as error:
            answers.append(type(error))

    threads = [threading.Thread(target=guess) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    world.evidence.flush()
    tried = world.evidence.page(EvidenceQuery(action="access.sign_in.failed")).records
    assert len(answers) == 16
    assert sum(1 for record in tried if not record.detail["locked"]) == 5


@pytest.mark.threat("TM-10")
def test_one_source_cannot_try_account_after_account(embedded: World) -> None:
    settings = Settings.for_tests(embedded.folder, sign_in_failures_per_source=10)
    access = Access(embedded.db, embedded.evidence, embedded.clock, settings)
    for number in range(10):
        with pytest.raises(Unauthenticated):
            access.sign_in(f"user{number}", "Password-1", HERE)
    with pytest.raises(Throttled):
        access.sign_in("wang", PASSWORD, HERE)
    assert access.sign_in("wang", PASSWORD, "10.0.0.2").actor.name == "名wang"
    embedded.clock.advance(timedelta(minutes=11))
    assert access.sign_in("wang", PASSWORD, HERE).actor.name == "名wang"


def test_a_failed_sign_in_is_recorded_without_what_was_typed(world: World) -> None:
    refusal(world, "My-Secret-Typed-Here", "x")
    refusal(world, "wang", "Another-Secret")
    world.evidence.flush()
    records = world.evidence.page(EvidenceQuery(action="access.sign_in.failed")).records
    assert {r.target for r in records} == {"unknown", world.id("wang")}
    assert "secret" not in str(records).lower()


@pytest.mark.threat("TM-11")
@pytest.mark.threat("TM-25")
def test_no_secret_is_stored_anywhere_in_clear(embedded: World) -> None:
    fresh = embedded.access.sign_in("wang", PASSWORD, HERE)
    code = embedded.access.reset_person(SYSTEM, embedded.id("bao")).code
    from beijiang.access import KeyDraft

    draft = KeyDraft(name="k", scopes=frozenset({"catalog:resource:read"}), days=1)
    _, secret = embedded.access.issue_key(fresh.actor, draft)
    embedded.evidence.close()
    stored = b"".join(path.read_bytes() for path in embedded.folder.rglob("*") if path.is_file())
    assert b"access.key.issue" in stored
    for planted in (fresh.token, fresh.csrf, PASSWORD, code, code.replace("-", ""), secret, secret[-64:]):
        assert planted.encode() not in stored
    assert fresh.token not in repr(fresh)
    assert fresh.csrf not in repr(fresh)


def test_a_one_time_code_opens_the_door_to_setting_a_password_and_nothing_else(world: World) -> None:
    world.add("new", Role.STEWARD)
    code = world.codes["new"]
    first = world.access.sign_in("new", f" {code.lower()} ".replace("-", " "), HERE)
    assert first.session.must_set_password
    for permission in (Permission.TABLES_TABLE_WRITE, Permission.CATALOG_RESOURCE_READ, Permission.ACCESS_KEY_ISSUE):
        with pytest.raises(Denied) as refused:
            world.access.require(first.actor, permission, "bigdata")
        assert refused.value.reason == "password_not_set"
    assert world.access.actor_for({SESSION_COOKIE: first.token}).roles == first.actor.roles
    second = world.access.change_password(first.actor, code, PASSWORD)
    assert second.actor.roles == {"steward"}
    assert not second.session.must_set_password
    refusal(world, "new", code)


def test_a_one_time_code_goes_stale(world: World) -> None:
    world.add("new", Role.STEWARD)
    world.clock.advance(timedelta(hours=72))
    refusal(world, "new", world.codes["new"])
    fresh = world.access.reset_person(world.actor("sys"), world.id("new")).code
    assert world.access.sign_in("new", fresh, HERE).session.must_set_password


def test_a_reset_voids_the_old_password(world: World) -> None:
    world.access.reset_person(world.actor("sys"), world.id("wang"))
    refusal(world, "wang", PASSWORD)


@pytest.mark.parametrize(
    "weak", ["", "short1!A", "alllowercase", "1234567890123", "aaaaaaaaaaaaaaaaaaaa", "Wang-2026-xyz", "Aa1!" * 70]
)
def test_a_weak_password_is_refused_in_words(embedded: World, weak: str) -> None:
    fresh = embedded.access.sign_in("wang", PASSWORD, HERE)
    with pytest.raises(Invalid) as refused:
        embedded.access.change_password(fresh.actor, PASSWORD, weak)
    assert refused.value.reason == "password_weak"
    assert who(embedded, fresh.token) == embedded.id("wang")


def test_a_password_is_changed_only_by_who_knows_the_old_one(world: World) -> None:
    fresh = world.access.sign_in("wang", PASSWORD, HERE)
    with pytest.raises(Unauthenticated):
        world.access.change_password(fresh.actor, "wrong", "Ordos#2027-new")
    for _ in range(5):
        with pytest.raises(Unauthenticated):
            world.access.change_password(fresh.actor, "guess", "Ordos#2027-new")
    with pytest.raises(Unauthenticated):
        world.access.change_password(fresh.actor, PASSWORD, "Ordos#2027-new")


def test_an_old_hash_is_renewed_at_sign_in(embedded: World) -> None:
    stronger = Settings.for_tests(embedded.folder, argon2_memory_kib=256, argon2_rounds=2)
    access = Access(embedded.db, embedded.evidence, embedded.clock, stronger)
    access.sign_in("wang", PASSWORD, HERE)
    with embedded.db.read() as connection:
        from sqlalchemy import text

        stored = connection.execute(text("SELECT password_hash FROM person WHERE login = 'wang'")).scalar_one()
    assert stored.startswith("$argon2id$")
    assert "m=256,t=2" in stored
    assert access.sign_in("wang", PASSWORD, HERE).actor.id == embedded.id("wang")


@pytest.mark.threat("TM-09")
def test_the_token_for_forms_belongs_to_one_session(embedded: World) -> None:
    one, two = (embedded.access.sign_in("wang", PASSWORD, HERE) for _ in range(2))
    assert one.csrf == embedded.access.csrf(one.token) != two.csrf
    assert one.csrf not in one.token
