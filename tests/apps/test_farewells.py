"""Applications hear that people signed out: what is to be told outlives a crash, is bounded, tried again, and keeps nobody waiting."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest
from oidc import AFTER, CALLBACK, Served
from typer.testing import CliRunner

from beijiang.apps import FAREWELL_PAUSES, FAREWELLS_MOST, Client, FarewellState
from beijiang.apps.commands import clients as clients_group
from beijiang.apps.service.clients import leaving
from beijiang.apps.store import ClientStore, FarewellStore, TokenStore
from beijiang.crypto import verified_claims
from beijiang.evidence import EvidenceQuery
from beijiang.kit import SYSTEM, Actor, NotFound
from beijiang.outbound import Target
from beijiang.outbound import Use as Purpose
from waiting import until


class Hook:
    """An application's address for farewells, on this machine; it answers as it is told to."""

    def __init__(self, served: Served) -> None:
        self.heard: list[str] = []
        self.status = 204
        self.answers = threading.Event()
        self.answers.set()
        hook = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                hook.heard.append(parse_qs(body)["logout_token"][0])
                hook.answers.wait()
                self.send_response(hook.status)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        port = self._server.server_port
        self.uri = f"http://127.0.0.1:{port}/bye"
        target = Target(host="127.0.0.1", port=port, network="127.0.0.1/32", uses=frozenset({Purpose.CALL}))
        served.platform.sources.allow(SYSTEM, target, "退出通知")

    def close(self) -> None:
        self.answers.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def served(tmp_path: Any) -> Iterator[Served]:
    opened = Served(tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def hook(served: Served) -> Iterator[Hook]:
    made = Hook(served)
    yield made
    made.close()


def standing(served: Served, client: Client) -> list[tuple[FarewellState, int, str]]:
    newest, _ = served.platform.clients.farewells(SYSTEM, client.id)
    return [(one.state, one.attempts, one.error) for one in newest]


def left(served: Served, client: Client, secret: str) -> None:
    """Sign somebody on, and out again."""
    reader = served.reader("first")
    served.signed_on(client, secret, reader)
    served.platform.access.sign_out(reader.token)


def test_what_is_to_be_told_is_written_with_the_end_and_outlives_the_process(served: Served, hook: Hook) -> None:
    client, secret = served.client(logout_uri=hook.uri)
    left(served, client, secret)
    assert standing(served, client) == [(FarewellState.WAITING, 0, "")], "nothing runs yet, and nothing is lost"
    served.platform.sign_on.start()
    until(lambda: standing(served, client) == [(FarewellState.TOLD, 1, "")])
    claims = verified_claims(hook.heard[0], served.http.get("/oauth/jwks").json()["keys"])
    assert claims is not None
    assert claims["jti"] == served.platform.clients.farewells(SYSTEM, client.id)[0][0].id
    query = EvidenceQuery(action="apps.client_farewell", target=client.id)
    until(lambda: [one.decision for one in served.platform.evidence_reader.search(SYSTEM, query).records] == ["allow"])


def test_an_end_that_fails_has_nothing_told(served: Served, hook: Hook) -> None:
    client, secret = served.client(logout_uri=hook.uri)
    reader = served.reader("first")
    token = served.signed_on(client, secret, reader)["access_token"]
    sign_on, platform = served.platform.sign_on, served.platform
    who = served.office["first"].id

    def ends_and_fails() -> None:
        with platform.db.begin() as tx:
            sign_on.said_farewell(tx, who, None)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        ends_and_fails()
    assert served.works(token)
    assert standing(served, client) == []


def test_a_farewell_is_tried_again_with_growing_pauses_and_then_given_up(served: Served, hook: Hook) -> None:
    hook.status = 503
    client, secret = served.client(logout_uri=hook.uri)
    farewells = served.platform.sign_on.farewells
    left(served, client, secret)
    own, moved = farewells._clock, timedelta(0)

    class Moved:
        def now(self) -> Any:
            return own.now() + moved

    farewells._clock = Moved()  # type: ignore[assignment]
    for tries, pause in enumerate([*FAREWELL_PAUSES, None], start=1):
        assert farewells.tell_due() == 1
        until(lambda tries=tries: standing(served, client)[0][1:] == (tries, "status 503") and not farewells._busy)
        assert farewells.tell_due() == 0, "it waits"
        if pause is not None:
            moved += pause + timedelta(seconds=1)
    assert standing(served, client) == [(FarewellState.GIVEN_UP, len(FAREWELL_PAUSES) + 1, "status 503")]
    keys = served.http.get("/oauth/jwks").json()["keys"]
    told = [verified_claims(one, keys) for one in hook.heard]
    assert len({one["jti"] for one in told if one}) == 1
    assert len(told) == len(FAREWELL_PAUSES) + 1


def test_an_application_that_does_not_answer_keeps_neither_others_nor_the_stop_waiting(
    served: Served, hook: Hook, monkeypatch: pytest.MonkeyPatch
) -> None:
    for limit in ("_TRY_SECONDS", "_TRY_IDLE"):
        monkeypatch.setattr(leaving, limit, 300.0)  # the try is under way for as long as this test takes
    slow, slow_secret = served.client(logout_uri=hook.uri)
    hook.answers.clear()
    other = Hook(served)
    quick, quick_secret = served.client(logout_uri=other.uri)
    for _ in range(6):
        left(served, slow, slow_secret)
    served.platform.sign_on.start()
    until(lambda: hook.heard)
    left(served, quick, quick_secret)
    until(lambda: standing(served, quick) == [(FarewellState.TOLD, 1, "")])
    assert len(hook.heard) == 1, "one hand for one application"
    served.platform.sign_on.stop()
    assert not hook.answers.is_set(), "it came back before the try that is under way ended"
    assert {(state, error) for state, _, error in standing(served, slow)} == {(FarewellState.WAITING, "")}
    other.close()


def test_the_queue_of_an_application_has_an_end(served: Served) -> None:
    client, secret = served.client(logout_uri="https://app.example.cn/bye")
    left(served, client, secret)
    one = served.platform.clients.farewells(SYSTEM, client.id)[0][0]
    with served.platform.db.begin() as tx:
        FarewellStore(tx.connection).add([replace(one, id=f"bye_{n}") for n in range(FAREWELLS_MOST - 1)])
    left(served, client, secret)
    newest, counts = served.platform.clients.farewells(SYSTEM, client.id)
    assert counts == {FarewellState.WAITING: FAREWELLS_MOST, FarewellState.GIVEN_UP: 1}
    assert newest[0].error == "queue_full"


def test_its_department_sees_how_the_telling_stands(served: Served, hook: Hook) -> None:
    hook.status = 500
    client, secret = served.client(logout_uri=hook.uri)
    left(served, client, secret)
    served.platform.sign_on.start()
    until(lambda: standing(served, client)[0][1] >= 1)
    steward = served.reader("steward")
    told = steward.call("GET", f"/api/v1/clients/{client.id}/farewells").json()
    assert told["counts"] == {"waiting": 1, "told": 0, "given_up": 0}
    until(lambda: "status 500" in steward.get(f"/console/clients/{client.id}").text)
    assert "待通知" in steward.get(f"/console/clients/{client.id}").text
    whole = served.platform
    group = clients_group(
        lambda: whole.clients,
        lambda: whole.sign_on,
        lambda: whole.subscriptions,
        lambda: whole.access,
        lambda: whole.app_health,
    )
    shown = CliRunner().invoke(group, ["farewells", client.id, "--as", "steward"])
    assert shown.exit_code == 0
    assert "待通知" in shown.output
    assert served.reader("first").call("GET", f"/api/v1/clients/{client.id}/farewells").status_code == 404
    with pytest.raises(NotFound):
        whole.clients.farewells(served.office.codes["second"], client.id)


def test_what_is_over_is_swept_by_the_rounds_and_what_holds_stays(served: Served) -> None:
    client, secret = served.client(redirect_uris=(CALLBACK,), after_uris=(AFTER,))
    first = served.signed_on(client, secret, served.reader("first"))
    platform, sign_on = served.platform, served.platform.sign_on
    assert sign_on.sweep() == 0
    assert served.works(first["access_token"])
    own = sign_on.clock

    class Moved:
        def __init__(self, days: int) -> None:
            self._by = timedelta(days=days)

        def now(self) -> Any:
            return own.now() + self._by

    who: Actor = served.office.codes["first"]
    sign_on.clock = Moved(3)  # type: ignore[assignment]
    assert sign_on.sweep() == 4, "code, access token, refresh token, sign-on"
    assert [one.client_id for one in sign_on.consents(who)] == [client.id]
    sign_on.clock = Moved(366)  # type: ignore[assignment]
    assert sign_on.sweep() == 1
    assert sign_on.consents(who) == []
    sign_on.clock = own
    with platform.db.read() as connection:
        assert ClientStore(connection).get(client.id) is not None
        assert TokenStore(connection).living(who.id, own.now()) == []
