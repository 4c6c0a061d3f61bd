"""What a far side cannot do: hold the workers, fill our memory, or have a person's change overwritten."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from exchange_bureau import OTHER, OWNER, Bureau
from push_bureau import KEY, MONEY, Far, S, end_all, expected, merge
from push_places import sshd  # noqa: F401 - a fixture
from test_push_places import SECRET, Receiver, allow, listening, received
from typer.testing import CliRunner

from beijiang.access import ApiKey, KeyDraft, Permission
from beijiang.exchange import PushLimits, PushMode, PushState, RecallDraft, Remedy
from beijiang.exchange.models.recalls import LOOKED_AT
from beijiang.ingest.connectors.files_there import MARKER_MOST, _marker, read_back
from beijiang.ingest.connectors.sftp_there import SftpDestination, SftpOptions
from beijiang.ingest.connectors.webhook_there import ECHO_MOST
from beijiang.kit import SYSTEM, Actor, Denied, Invalid, Refused, TooLarge
from beijiang.outbound import Target, Use
from ports import own_port
from waiting import until


@contextmanager
def silent() -> Iterator[tuple[int, list[socket.socket]]]:
    """Listen, take every connection, and say nothing; yield the port and the connections."""
    listener, taken = socket.create_server(("127.0.0.1", 0), backlog=64), list[socket.socket]()

    def take() -> None:
        while True:
            try:
                taken.append(listener.accept()[0])
            except OSError:
                return

    threading.Thread(target=take, daemon=True).start()
    yield int(listener.getsockname()[1]), taken
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    for one in taken:
        one.close()


def shorten(pushes: Any, **words: float) -> None:
    """Let limits be less for the attempts that are under way, too."""
    for name, seconds in words.items():
        object.__setattr__(pushes.limits, name, seconds)


@pytest.fixture
def hook(bureau: Bureau) -> Iterator[Far]:
    with listening() as port:
        allow(bureau, "127.0.0.1", port)
        yield Far(bureau, sa.create_engine("sqlite://"), {"url": f"http://127.0.0.1:{port}/in", "secret": SECRET})
    end_all(bureau)


@pytest.fixture
def limits(bureau: Bureau) -> Iterator[Callable[..., None]]:
    pushes = bureau.platform.pushes
    before = pushes.limits

    def set_(**words: Any) -> None:
        pushes.limits = PushLimits(**{"seconds": 600.0, "idle": 300.0, "at_once": 2, **words})

    yield set_
    pushes.limits = before


def test_a_far_side_that_says_nothing_is_cut_off_and_delays_nobody(hook: Far, limits: Callable[..., None]) -> None:
    limits()
    hook.publish(3)
    good = hook.add(kind="webhook", name="好")
    with silent() as (port, taken):
        allow(hook.bureau, "127.0.0.1", port)
        dead = hook.add(kind="webhook", name="哑", options={**hook.reach, "url": f"http://127.0.0.1:{port}/"})
        hook.pushes.start()
        try:
            until(lambda: taken)
            until(lambda: (d := hook.deliveries(good)) and d[0].state is S.DONE)
            assert hook.deliveries(dead)[0].error is None, "it says nothing all the while"
            shorten(hook.pushes, idle=0.1)
            until(lambda: (d := hook.deliveries(dead)) and d[0].error)
        finally:
            hook.pushes.stop()
        letter = hook.deliveries(dead)[0]
        assert (letter.state, letter.error and letter.error["code"]) == (S.WAITING, "push_silent")
        # The thread ends when its connection is cut.
        until(lambda: not any(thread.is_alive() for _, thread in hook.pushes._left.values()))
    assert received() == expected(3)


def test_one_departments_hanging_receivers_leave_workers_to_others(hook: Far, limits: Callable[..., None]) -> None:
    limits(at_once=2)
    hook.publish(3)
    begun = []
    with silent() as (port, taken):
        allow(hook.bureau, "127.0.0.1", port)
        for number in range(8):
            options = {**hook.reach, "url": f"http://127.0.0.1:{port}/{number}"}
            begun.append(hook.add(kind="webhook", name=f"哑{number}", options=options))
        hook.pushes.start()
        try:
            until(lambda: len(taken) == 2)
            time.sleep(2.5)  # a look later
            assert len(taken) == 2, "two of a department at once, of eight that are due"
            for one in taken:
                one.close()
        finally:
            hook.pushes.stop()
    assert begun


def test_an_attempt_has_an_end_though_it_goes_forward(hook: Far, limits: Callable[..., None]) -> None:
    limits()
    hook.publish(3)
    free = threading.Event()
    push = hook.add(kind="webhook")

    def at_length() -> None:
        shorten(hook.pushes, seconds=0.1)
        free.wait(90)

    Receiver.meanwhile = staticmethod(at_length)
    try:
        hook.pushes.run_due()
        letter = hook.deliveries(push)[0]
        assert (letter.state, letter.sent) == (S.WAITING, True)
        assert letter.error is not None
        assert letter.error["code"] == "push_too_long"
    finally:
        free.set()
        Receiver.meanwhile = staticmethod(lambda: None)
    limits()
    hook.later(hours=1)
    until(lambda: not hook.pushes.run_due() or hook.deliveries(push)[0].state is S.DONE)
    assert received() == expected(3)


def test_what_is_asked_for_during_a_delivery_is_not_lost(hook: Far) -> None:
    hook.publish(5)
    push = hook.add(kind="webhook")
    hook.pushes.run_due()
    merge(hook.bureau, hook.table, [{KEY: "内蒙古第0商贸有限公司", MONEY: 3, "盟市": "赤峰市"}])

    def anew() -> None:
        Receiver.meanwhile = staticmethod(lambda: None)
        hook.pushes.now(hook.bureau["consumer"], push.id, whole=True)

    Receiver.meanwhile = staticmethod(anew)
    hook.pushes.run_due()
    hook.pushes.run_due()
    last = hook.deliveries(push)[0]
    assert (last.mode, last.state, last.rows) == (PushMode.FULL, S.DONE, 5), "the whole that was asked for came"


def test_a_push_that_moves_during_a_delivery_begins_anew_there(hook: Far) -> None:
    hook.publish(5)
    push = hook.add(kind="webhook")
    hook.pushes.run_due()
    version = merge(hook.bureau, hook.table, [{KEY: "内蒙古第0商贸有限公司", MONEY: 3, "盟市": "赤峰市"}])
    moved = {**hook.reach, "url": hook.reach["url"] + "/elsewhere"}

    def move() -> None:
        Receiver.meanwhile = staticmethod(lambda: None)
        hook.pushes.change(hook.bureau["consumer"], push.id, options=moved)

    Receiver.meanwhile = staticmethod(move)
    hook.pushes.run_due()
    assert hook.see(push).version is None, "nothing is there yet"
    hook.pushes.run_due()
    last = hook.deliveries(push)[0]
    assert (last.mode, last.state, last.version) == (PushMode.FULL, S.DONE, version)
    assert hook.see(push).options["url"] == moved["url"]


def test_a_pause_during_the_look_at_how_it_stands_stays(hook: Far) -> None:
    hook.publish(3)
    push = hook.add(kind="webhook")
    stale = hook.see(push)
    assert hook.grant is not None
    hook.pushes.pause(hook.bureau["consumer"], push.id, "维护")
    hook.bureau.exchange.suspend(hook.bureau["lead"], hook.grant.id, "核查用途")
    assert hook.pushes._standing(stale) is False
    assert hook.see(push).state.value == "paused"


class Endless(BaseHTTPRequestHandler):
    """An object store whose markers have no end: it sends for as long as anybody reads."""

    sent = 0

    def log_message(self, *_: Any) -> None:
        return

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.close_connection = True
        with suppress(OSError):
            while Endless.sent < 1 << 30:
                self.wfile.write(b" " * 65_536)
                Endless.sent += 65_536


def test_what_an_object_store_says_of_a_marker_is_read_up_to_a_limit(hook: Far) -> None:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Endless)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    allow(hook.bureau, "127.0.0.1", server.server_address[1])
    hook.publish(3)
    at = f"http://127.0.0.1:{server.server_address[1]}"
    options = {"endpoint": at, "bucket": "far", "prefix": "", "key": "k", "secret": SECRET}
    with pytest.raises(TooLarge) as plan:
        hook.pushes.plan(hook.bureau["consumer"], hook.draft(kind="s3", target="收", options=options))
    assert plan.value.reason == "push_read_back"
    push = hook.add(kind="s3", target="收", options=options)
    hook.pushes.run_due()
    dead = hook.deliveries(push)[0]
    assert (dead.state, dead.error and dead.error["code"]) == (S.DEAD, "push_read_back")
    assert Endless.sent < 16 * MARKER_MOST, "reading stopped"
    server.shutdown()
    server.server_close()


def test_a_marker_or_file_on_an_sftp_server_is_read_up_to_a_limit(tmp_path: Path, sshd: Any, hook: Far) -> None:  # noqa: F811
    allow(hook.bureau, "127.0.0.1", sshd.port)
    options = {
        "host": "127.0.0.1",
        "port": sshd.port,
        "user": sshd.user,
        "private_key": sshd.private_key,
        "password": "sesam-4711",
        "host_key": sshd.fingerprint,
        "path": str(tmp_path),
    }
    there = SftpDestination(
        SftpOptions.model_validate(options), hook.bureau.platform.sources.outbound.bound(Use.PUSH, OTHER)
    )
    with (tmp_path / "_DONE.json").open("wb") as large:
        large.truncate(1 << 32)
    with there.place() as place:
        with pytest.raises(TooLarge) as error:
            read_back(place, "_DONE.json")
        assert error.value.reason == "push_read_back"
        (tmp_path / "small.json").write_text("{}")
        assert read_back(place, "small.json") == b"{}", "the conversation goes on"
        assert read_back(place, "none.json") is None


@pytest.mark.parametrize("body", [b"[]", b'{"files": 3}', b"[" * 100_000, b'{"rows": 1, "gone": 0, "files": [{}]}'])
def test_a_marker_that_is_none_of_ours_is_told_as_that(body: bytes) -> None:
    with pytest.raises(Invalid) as error:
        _marker(body)
    assert error.value.reason == "push_marker"


@pytest.mark.parametrize(
    ("answer", "code", "equal"),
    [
        (b" " * (ECHO_MOST + 1), "outbound_too_large", None),
        (b'{"rows": "' + b"9" * 5000 + b'"}', None, False),
        (b"[" * 50_000, None, None),
    ],
)
def test_the_echo_of_a_webhook_is_read_up_to_a_limit(hook: Far, answer: bytes, code: str | None, equal: bool) -> None:
    hook.publish(3)
    push = hook.add(kind="webhook")
    Receiver.says = answer
    try:
        hook.pushes.run_due()
    finally:
        Receiver.says = None
    one = hook.deliveries(push)[0]
    if code is not None:
        assert one.error is not None
        assert one.error["code"] == code
        return
    assert one.proof is not None
    assert one.state is S.DONE
    assert one.proof["equal"] is equal
    assert len(str(one.proof)) < 1000, "what is kept of an answer is short"


def test_a_plan_is_looked_at_and_hands_nothing_over(hook: Far) -> None:
    hook.publish(3)
    plan = hook.pushes.plan(hook.bureau["consumer"], hook.draft(kind="webhook"))
    assert plan.rows == 3
    evidence, looked = hook.bureau.platform.evidence, {str(exit_) for exit_ in LOOKED_AT}
    assert plan.version is not None
    assert (plan.version, OTHER) not in evidence.handed_over(hook.table, looked)
    assert hook.grant is not None
    draft = RecallDraft(
        resource_id=hook.grant.resource_id, versions=(plan.version,), reason="错列", remedy=Remedy.DELETE
    )
    recalls = hook.bureau.platform.recalls
    assert OTHER not in {one.org_id for one in recalls.plan(hook.bureau["lead"], draft).receivers}
    hook.add(kind="webhook")
    hook.pushes.run_due()
    assert OTHER in {one.org_id for one in recalls.plan(hook.bureau["lead"], draft).receivers}


def keyed(bureau: Bureau, *scopes: Permission) -> tuple[Actor, ApiKey]:
    """Issue a key of the consumer's that is good for something, and return who comes with it."""
    access = bureau.platform.access
    draft = KeyDraft(name="对接程序", scopes=frozenset(map(str, scopes)), days=1)
    key, secret = access.issue_key(bureau["consumer"], draft)
    return access.actor_for({}, f"Bearer {secret}"), key


_ROWS = (
    Permission.EXCHANGE_GRANT_READ,
    Permission.EXCHANGE_REQUEST_MAKE,
    Permission.PROTECTION_ROWS_READ_GRANTED,
)


def test_a_key_to_rows_registers_and_directs_no_push(hook: Far) -> None:
    hook.publish(3)
    push = hook.add(kind="webhook")
    program, _ = keyed(hook.bureau, *_ROWS)
    draft = hook.draft(kind="webhook", name="另一")
    steps: list[Callable[[], Any]] = [
        lambda: hook.pushes.plan(program, draft),
        lambda: hook.pushes.add(program, draft),
        lambda: hook.pushes.change(program, push.id, options=hook.reach),
        lambda: hook.pushes.now(program, push.id, whole=True),
        lambda: hook.pushes.resume(program, push.id),
    ]
    for step in steps:
        with pytest.raises(Denied):
            step()
    assert hook.see(push).owner_key == ""


@pytest.mark.parametrize("how", ["revoked", "expired", "in_the_middle"])
def test_a_push_goes_with_the_key_that_it_was_registered_with(hook: Far, how: str) -> None:
    hook.publish(3)
    program, key = keyed(hook.bureau, *_ROWS, Permission.EXCHANGE_PUSH_DIRECT)
    push = hook.pushes.add(program, hook.draft(kind="webhook"))
    assert hook.see(push).owner_key == key.id
    access = hook.bureau.platform.access
    if how == "in_the_middle":
        Receiver.meanwhile = staticmethod(lambda: access.revoke_key(hook.bureau["consumer"], key.id))
        hook.pushes.run_due()
        Receiver.meanwhile = staticmethod(lambda: None)
        assert Receiver.applied == [], "the last part never came"
    else:
        hook.pushes.run_due()
        assert received() == expected(3)
        merge(hook.bureau, hook.table, [{KEY: "内蒙古第0商贸有限公司", MONEY: 3, "盟市": "赤峰市"}])
        if how == "revoked":
            access.revoke_key(hook.bureau["consumer"], key.id)
        else:
            hook.later(days=2)
    hook.pushes.run_due()
    held = hook.see(push)
    assert (held.state, len(Receiver.applied)) == (PushState.HELD, 0 if how == "in_the_middle" else 1)
    assert held.why is not None
    assert "密钥" in held.why.zh
    hook.pushes.resume(hook.bureau["colleague"], push.id)
    hook.pushes.run_due()
    assert hook.deliveries(push)[0].state is S.DONE
    assert hook.see(push).owner_key == "", "a person answers for it now"


def test_a_push_rests_when_its_person_has_left(hook: Far) -> None:
    hook.publish(3)
    push = hook.pushes.add(hook.bureau["colleague"], hook.draft(kind="webhook"))
    access = hook.bureau.platform.access
    access.disable_person(SYSTEM, hook.bureau["colleague"].id, "调离")
    try:
        hook.pushes.run_due()
        assert hook.see(push).state is PushState.HELD
        assert Receiver.applied == []
    finally:
        access.enable_person(SYSTEM, hook.bureau["colleague"].id)


@pytest.mark.parametrize("kind", ["webhook", "s3"])
def test_rows_go_over_plain_http_only_where_that_was_allowed(hook: Far, kind: str) -> None:
    hook.publish(3)
    sources = hook.bureau.platform.sources
    with listening() as port:
        options: dict[str, Any] = {"url": f"http://127.0.0.1:{port}/in", "secret": SECRET}
        if kind == "s3":
            options = {"endpoint": f"http://127.0.0.1:{port}", "bucket": "far", "key": "k", "secret": SECRET}
        target = Target(host="127.0.0.1", port=port, network="127.0.0.1/32", uses=frozenset({Use.PUSH}))
        sources.allow(SYSTEM, target, "目标")
        draft = hook.draft(kind=kind, target="收", options=options)
        with pytest.raises(Refused) as refused:
            hook.pushes.plan(hook.bureau["consumer"], draft)
        assert refused.value.reason == "plain_http"
        assert "https" in refused.value.text.zh
        push = hook.pushes.add(hook.bureau["consumer"], draft)
        hook.pushes.run_due()
        dead = hook.deliveries(push)[0]
        assert (dead.state, dead.error and dead.error["code"]) == (S.DEAD, "plain_http")
        assert Receiver.asked == []


def test_what_was_opened_to_read_or_for_others_is_closed_to_pushes(hook: Far) -> None:
    hook.publish(3)
    sources = hook.bureau.platform.sources
    with listening() as port:
        place = {"host": "127.0.0.1", "port": port, "network": "127.0.0.1/32", "plain_http": True}
        options = {"url": f"http://127.0.0.1:{port}/in", "secret": SECRET}
        push = hook.add(kind="webhook", options=options)
        for number, words in enumerate(({"uses": {Use.READ}}, {"uses": {Use.PUSH}, "org_id": OWNER})):
            made = sources.allow(SYSTEM, Target(**place, **words), "目标")  # type: ignore[arg-type]
            hook.pushes.run_due()
            dead = hook.deliveries(push)[0]
            assert (dead.state, dead.error and dead.error["code"]) == (S.DEAD, "target_not_allowed"), number
            sources.close_target(SYSTEM, made.id)
            hook.pushes.replay(hook.bureau["consumer"], dead.id)
        mine = Target(**place, uses=frozenset({Use.PUSH}), org_id=OTHER)  # type: ignore[arg-type]
        sources.allow(SYSTEM, mine, "目标")
        hook.pushes.run_due()
        assert hook.deliveries(push)[0].state is S.DONE
        assert received() == expected(3)


def test_targets_are_opened_for_a_use_and_a_department_at_the_terminal(bureau: Bureau) -> None:
    from beijiang.ingest.commands import sources as commands

    platform = bureau.platform
    app = commands(lambda: platform.sources)
    place = ["--host", "db.inner", "--port", "5432", "--network", "10.6.1.20/32"]

    def run(*words: str, good: bool = True) -> str:
        done = CliRunner().invoke(app, [*words])
        assert (done.exit_code == 0) is good, (done.output, done.exception)
        return done.output

    run("allow", "--reason", "业务库", *place, "--use", "push", "--use", "read", "--org", OTHER, "--plain-http")
    made = platform.sources.targets(SYSTEM)[0]
    assert (made.uses, made.org_id, made.plain_http) == (("push", "read"), OTHER, True)
    assert OTHER in run("targets")
    run("allow", "--reason", "业务库", *place, "--org", "nobody", good=False)
    run("allow", "--reason", "业务库", *place)
    plain = platform.sources.targets(SYSTEM)[0]
    assert (plain.uses, plain.org_id, plain.plain_http) == (("read",), "", False), "no more than was said"
    for one in (made, plain):
        platform.sources.close_target(SYSTEM, one.id)


@pytest.mark.parametrize("scatter", [0.0, 1.0])
def test_a_far_side_that_is_down_for_two_days_is_tried_all_the_while(
    hook: Far, monkeypatch: pytest.MonkeyPatch, scatter: float
) -> None:
    monkeypatch.setattr("beijiang.exchange.service.push_work.random.random", lambda: scatter)
    hook.publish(3)
    port = own_port()  # where nobody listens
    allow(hook.bureau, "127.0.0.1", port)
    push = hook.add(kind="webhook", name="停机", options={**hook.reach, "url": f"http://127.0.0.1:{port}/"})
    clock, began, pauses = hook.bureau.clock, hook.bureau.clock.at, []
    while True:
        hook.pushes.run_due()
        last = hook.deliveries(push)[0]
        if last.state is S.DEAD:
            break
        pauses.append(last.next_at - clock.at)
        clock.at = last.next_at
    assert timedelta(hours=48) <= clock.at - began < timedelta(hours=51)
    assert max(pauses) <= timedelta(hours=2.5)
