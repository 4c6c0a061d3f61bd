"""Applications that run elsewhere, reached under the platform: who gets in, what passes, and what attacks and faults meet."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import anyio
import httpx
import pytest
from oidc import Reader, Served
from typer.testing import CliRunner
from upstreams import Upstream

from beijiang.apps import Client, HealthState, Plan
from beijiang.apps.commands import clients as clients_group
from beijiang.apps.models.relaying import asked_headers, led_to, safe_target
from beijiang.apps.routes.relay_door import RelayDoor, _Exchange
from beijiang.build import build
from beijiang.crypto import verified_claims
from beijiang.kit import SYSTEM, Conflict, Invalid, NotFound, Refused, Unavailable
from beijiang.outbound import Target
from beijiang.outbound import Use as Purpose
from beijiang.settings import Settings
from waiting import until

DOMAIN = "apps.example"
HTML = {"Accept": "text/html"}


@dataclass
class Relayed:
    """A platform with one relayed application."""

    served: Served
    upstream: Upstream
    client: Client

    @property
    def host(self) -> str:
        return f"{self.client.facts.label}.{DOMAIN}:{urlsplit(self.served.address).port}"

    def ask(self, path: str, method: str = "GET", visit: str = "", **words: Any) -> httpx.Response:
        heads = {"Host": self.host, **words.pop("headers", {})}
        if visit:
            heads["Cookie"] = "; ".join(filter(None, [f"__Host-beijiang-visit={visit}", heads.get("Cookie", "")]))
        return self.served.http.request(method, path, headers=heads, **words)

    def enter(self, login: str = "first") -> str:
        """Go in as a browser does, and return the visit's secret."""
        reader = self.served.reader(login)
        at = self.ask("/start?x=1", headers=HTML)
        assert at.status_code == 303, at.text
        nonce = cookie(at, "__Host-beijiang-nonce")
        entrance = urlsplit(at.headers["location"])
        page = reader.get(f"{entrance.path}?{entrance.query}")
        if page.status_code == 200:
            hidden = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', page.text))
            page = reader.post(entrance.path, hidden, Origin=self.served.address)
        assert page.status_code == 303, page.text
        let_in = urlsplit(page.headers["location"])
        assert let_in.hostname == f"{self.client.facts.label}.{DOMAIN}"
        came = self.ask(f"{let_in.path}?{let_in.query}", headers={"Cookie": f"__Host-beijiang-nonce={nonce}"})
        assert came.status_code == 303, came.text
        assert came.headers["location"] == "/start?x=1"
        return cookie(came, "__Host-beijiang-visit")


def door(relayed: Relayed) -> RelayDoor:
    """Return what stands in front of the application that is served."""
    found: Any = relayed.served.office.app.middleware_stack
    while not isinstance(found, RelayDoor):
        found = found.app
    return found


def cookie(answer: httpx.Response, name: str) -> str:
    found = next(c for c in answer.headers.get_list("set-cookie") if c.startswith(f"{name}="))
    assert "Secure" in found, found
    assert "HttpOnly" in found
    assert "Domain" not in found
    return found.partition("=")[2].partition(";")[0]


@pytest.fixture(scope="module")
def relayed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Relayed]:
    opened = Served(tmp_path_factory.mktemp("relay"), app_domain=DOMAIN, relay_body_mb=2, relay_seconds=300.0)
    upstream = Upstream()
    opened.platform.sources.allow(SYSTEM, target(upstream.port), "试验")
    client, _ = opened.client(upstream=upstream.address, label="forest-fire", health_path="/health")
    opened.platform.subscriptions.ask(opened.office.codes["steward"], client.id, "relay", Plan.LARGE)
    [asked] = opened.platform.subscriptions.subscriptions(SYSTEM, client.id)
    opened.platform.subscriptions.decide(opened.office.codes["reviewer"], asked.id, approve=True, note="可以")
    yield Relayed(opened, upstream, client)
    opened.close()
    upstream.close()


def target(port: int, host: str = "127.0.0.1", **words: Any) -> Target:
    uses = frozenset({Purpose.CALL})
    return Target(host=host, port=port, network="127.0.0.1/32", uses=uses, plain_http=True, **words)


def test_a_person_agrees_once_and_is_told_to_the_application_by_a_signed_word(relayed: Relayed) -> None:
    visit = relayed.enter()
    page = relayed.ask("/start?x=1", visit=visit)
    assert page.status_code == 200, page.text
    told = relayed.upstream.last
    keys = relayed.served.http.get("/oauth/jwks").json()["keys"]
    claims = verified_claims(told["x-beijiang-viewer"], keys)
    assert claims is not None
    assert claims["aud"] == relayed.client.id
    assert claims["iss"] == relayed.served.address
    assert claims["sub"] == relayed.served.office["first"].id
    assert claims["name"] == "first某"
    assert claims["exp"] - claims["iat"] == 60
    assert told["host"] == urlsplit(relayed.upstream.address).netloc
    assert told["x-forwarded-host"] == f"forest-fire.{DOMAIN}"
    assert relayed.enter()  # agreed before: no page between


def test_a_visit_tells_no_more_than_was_agreed_to_when_it_began(relayed: Relayed) -> None:
    served, keys = relayed.served, relayed.served.http.get("/oauth/jwks").json()["keys"]
    people, clients = served.office.codes, served.platform.clients
    client, _ = served.client(upstream=relayed.upstream.address, label="grows", scopes=frozenset({"openid"}))
    served.platform.subscriptions.ask(people["steward"], client.id, "relay", Plan.TRIAL)
    other = Relayed(served, relayed.upstream, client)
    visit = other.enter()
    clients.change(people["steward"], client.id, replace(client.facts, scopes=frozenset({"openid", "profile"})))
    clients.review(people["reviewer"], client.id, approve=True, note="可以")
    for one, named in ((visit, False), (other.enter(), True)):
        assert other.ask("/start", visit=one).status_code == 200
        claims = verified_claims(relayed.upstream.last["x-beijiang-viewer"], keys)
        assert claims is not None
        assert ("name" in claims) is named


def test_nobody_agrees_to_more_than_the_page_showed(relayed: Relayed) -> None:
    served = relayed.served
    people, clients, relay = served.office.codes, served.platform.clients, served.platform.relay
    client, _ = served.client(upstream=relayed.upstream.address, label="asks-more", scopes=frozenset({"openid"}))
    reader = served.reader("first")
    page = reader.get(f"/outside/{client.id}")
    hidden = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', page.text))
    clients.change(people["steward"], client.id, replace(client.facts, scopes=frozenset({"openid", "profile"})))
    clients.review(people["reviewer"], client.id, approve=True, note="可以")
    for form in (hidden, {**hidden, "seen": ""}):
        told = reader.post(f"/outside/{client.id}/enter", form, Origin=served.address)
        assert told.status_code == 409, told.text
        assert not relay.look(people["first"], client.id)[1], "nothing was agreed to"
    page = reader.get(f"/outside/{client.id}")
    hidden = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', page.text))
    assert reader.post(f"/outside/{client.id}/enter", hidden, Origin=served.address).status_code == 303
    assert relay.look(people["first"], client.id)[1]


def test_no_cookie_and_no_key_of_the_platform_arrives(relayed: Relayed) -> None:
    visit = relayed.enter()
    session = relayed.served.reader("first").token
    heads = {
        "Cookie": f"__Host-beijiang-session={session}; beijiang-lang=en; theirs=1",
        "Authorization": "Bearer bj_0123456789",
        "X-Forwarded-For": "10.0.0.1",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "gopher",
        "Forwarded": "for=10.0.0.1",
        "X-Real-IP": "10.0.0.1",
        "X-Beijiang-Viewer": "forged",
        "X-CSRF-Token": "token",
        "Connection": "keep-alive, X-Smuggled",
        "X-Smuggled": "yes",
        "X-Theirs": "yes",
    }
    assert relayed.ask("/start", visit=visit, headers=heads).status_code == 200
    told = relayed.upstream.last
    assert told["cookie"] == "theirs=1"
    assert (
        not {"authorization", "x-forwarded-for", "forwarded", "x-real-ip", "x-csrf-token", "x-smuggled"} & told.keys()
    )
    assert told["x-forwarded-host"] == f"forest-fire.{DOMAIN}"
    assert told["x-forwarded-proto"] == "http"
    assert told["x-beijiang-viewer"].count(".") == 2
    assert told["x-theirs"] == "yes"
    assert session not in repr(told)
    assert visit not in repr(told)


def test_answers_carry_our_protection_and_no_cookie_for_others(relayed: Relayed) -> None:
    answer = relayed.ask("/cookies", visit=relayed.enter())
    assert answer.headers.get_list("set-cookie") == ["mine=1; Path=/"]
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert "*" not in answer.headers["content-security-policy"]
    assert answer.headers["x-frame-options"] == "DENY"
    assert answer.headers["cache-control"] == "private, max-age=60"
    assert answer.headers["x-kept"] == "yes"
    gone = {"access-control-allow-origin", "clear-site-data", "x-inner", "strict-transport-security"}
    assert not gone & answer.headers.keys()
    assert answer.content == b"cookies"


def test_paths_stay_paths(relayed: Relayed) -> None:
    visit, before = relayed.enter(), len(relayed.upstream.asked)
    for path in ("/a/../../etc", "/%2e%2e/x", "/a/%252e%252e/x", "//evil.example/x", "/a%5c..%5cb", "/a%0d%0aX: y"):
        port = int(relayed.host.rpartition(":")[2])
        with socket.create_connection(("127.0.0.1", port)) as line:  # a client would tidy the path up before
            asked = f"GET {path} HTTP/1.1\r\nHost: {relayed.host}\r\nCookie: __Host-beijiang-visit={visit}\r\nConnection: close\r\n\r\n"
            line.sendall(asked.encode())
            assert line.recv(200).split()[1] in {b"422", b"400"}, path
    with socket.create_connection(("127.0.0.1", port)) as line:
        line.sendall(
            f"GET http://evil.example/x HTTP/1.1\r\nHost: {relayed.host}\r\nCookie: __Host-beijiang-visit={visit}\r\nConnection: close\r\n\r\n".encode()
        )
        line.recv(200)
    assert all(path.startswith("/") and "evil" not in path for _, path, _, _ in relayed.upstream.asked[before:])
    assert safe_target("/甲".encode(), b"q=../x") == "/" + "甲".encode().decode("latin-1") + "?q=../x"


def test_redirects_lead_within_the_application_or_nowhere(relayed: Relayed) -> None:
    visit = relayed.enter()
    within = relayed.ask("/within", visit=visit)
    assert within.status_code == 302
    assert within.headers["location"] == "/next?a=1"
    away = relayed.ask("/away", visit=visit)
    assert away.status_code == 502
    assert away.json()["error"]["code"] == "relay_redirect"
    assert "location" not in away.headers
    assert "169.254" not in away.text


def test_a_name_that_comes_to_lead_inside_is_not_followed(relayed: Relayed) -> None:
    """The name led to a public address when it was reviewed; where it leads is looked at with every connection."""
    served = relayed.served
    client, _ = served.client(upstream="https://rebinds.example", label="rebinds")
    served.platform.subscriptions.ask(served.office.codes["steward"], client.id, "relay", Plan.TRIAL)
    other, led = Relayed(served, relayed.upstream, client), ["93.184.216.34"]
    outbound = served.platform.sources.outbound
    kept, outbound._look_up = (
        outbound._look_up,
        lambda host, port: led if host == "rebinds.example" else kept(host, port),
    )
    try:
        visit = other.enter()
        led[:] = ["169.254.169.254"]
        answer = other.ask("/latest/meta-data/", visit=visit)
    finally:
        outbound._look_up = kept
    assert answer.status_code == 502
    assert answer.json()["error"]["code"] == "relay_closed"
    assert "169.254" not in answer.text
    assert "rebinds" not in answer.text


def test_bodies_stream_both_ways_and_end_at_their_limits(relayed: Relayed) -> None:
    visit, own = relayed.enter(), {"Origin": f"http://{relayed.host}"}
    sent = relayed.ask("/up", "POST", visit=visit, headers=own, content=b"x" * 1_000_000)
    assert sent.json() == {"got": 1_000_000}
    assert relayed.upstream.last["origin"] == relayed.upstream.address
    chunked = relayed.ask("/up", "POST", visit=visit, headers=own, content=iter([b"a" * 10, b"b" * 10]))
    assert chunked.json() == {"got": 20}
    large = relayed.ask("/up", "POST", visit=visit, headers=own, content=iter([b"x" * 65536] * 40))
    assert large.status_code == 413
    with pytest.raises(httpx.RemoteProtocolError):  # the line breaks: half an answer never looks whole
        relayed.ask("/endless", visit=visit)
    assert relayed.upstream.sent.wait(90), "the application was not cut off"


@contextmanager
def hasty(relayed: Relayed) -> Iterator[None]:
    """Give an exchange one second."""
    clients = relayed.served.platform.clients
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clients, "settings", clients.settings.model_copy(update={"relay_seconds": 1.0}))
        yield


def test_an_application_that_hangs_or_breaks_off_costs_a_bounded_time(relayed: Relayed) -> None:
    visit = relayed.enter()
    with hasty(relayed):
        silent = relayed.ask("/silent", visit=visit)
    assert silent.status_code == 503
    with pytest.raises(httpx.RemoteProtocolError):
        relayed.ask("/cut", visit=visit)
    assert relayed.ask("/start", visit=visit).status_code == 200


def test_visitors_who_stall_hold_no_place_for_longer_than_an_exchange(relayed: Relayed) -> None:
    visit, port = relayed.enter(), urlsplit(relayed.served.address).port
    heads = f"Host: {relayed.host}\r\nOrigin: http://{relayed.host}\r\nCookie: __Host-beijiang-visit={visit}"
    going, client = door(relayed)._going, relayed.client.id

    def stall(many: int) -> list[socket.socket]:
        lines = [socket.create_connection(("127.0.0.1", port), 90) for _ in range(many)]
        for line in lines:
            line.sendall(f"POST /up HTTP/1.1\r\n{heads}\r\nContent-Length: 10\r\n\r\n".encode())
        return lines

    lines = stall(8)
    until(lambda: going[client] == 8)
    held = relayed.ask("/start", visit=visit)
    assert (held.status_code, held.json()["error"]["code"]) == (503, "relay_busy")
    for line in lines:
        line.close()
    until(lambda: going[client] == 0)
    with hasty(relayed):
        for line in stall(4):
            told = line.recv(4096)
            assert told.split()[1] == b"503"
            line.close()
    until(lambda: going[client] == 0)
    assert relayed.ask("/start", visit=visit).status_code == 200


def test_an_answer_that_is_not_taken_ends_with_its_time() -> None:
    async def never(*_: Any) -> Any:
        await anyio.sleep(60)

    async def stalled() -> None:
        exchange = _Exchange(never, never, until=anyio.current_time() + 0.1)
        for step in (exchange.give({"type": "http.response.body"}), exchange.take()):
            with pytest.raises(Unavailable) as refused, anyio.fail_after(50):
                await step
            assert refused.value.reason == "visitor_slow"

    anyio.run(stalled)


def test_other_sites_and_other_applications_send_nothing_in_ones_name(relayed: Relayed) -> None:
    visit = relayed.enter()
    for heads in (
        {"Origin": f"http://other.{DOMAIN}"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": relayed.served.address},
    ):
        answer = relayed.ask("/up", "POST", visit=visit, headers=heads, content=b"x")
        assert answer.status_code == 403, heads
    socket_ = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Key": "x" * 22 + "==",
        "Sec-WebSocket-Version": "13",
    }
    assert relayed.ask("/ws", visit=visit, headers=socket_).json()["error"]["code"] == "relay_socket"


def test_tickets_are_for_one_use_one_browser_and_one_application(relayed: Relayed) -> None:
    relayed.enter()
    at = relayed.ask("/start", headers=HTML)
    nonce, entrance = cookie(at, "__Host-beijiang-nonce"), urlsplit(at.headers["location"])
    reader = relayed.served.reader("first")
    let_in = urlsplit(reader.get(f"{entrance.path}?{entrance.query}").headers["location"])
    way = f"{let_in.path}?{let_in.query}"
    assert relayed.ask(way).status_code == 401
    assert relayed.ask(way, headers={"Cookie": "__Host-beijiang-nonce=other"}).status_code == 401
    good = {"Cookie": f"__Host-beijiang-nonce={nonce}"}
    assert relayed.ask(way, headers=good).status_code == 303
    assert relayed.ask(way, headers=good).status_code == 401
    ticket = parse_qs(let_in.query)["ticket"][0]
    assert not relayed.served.works(ticket)
    assert relayed.ask("/start").status_code == 401
    assert relayed.ask("/start", visit="made-up").status_code == 401
    leads = reader.get(f"{entrance.path}?{entrance.query.replace('to=%2Fstart', 'to=%2F%2Fevil.example')}")
    let_in = urlsplit(leads.headers["location"])
    assert relayed.ask(f"{let_in.path}?{let_in.query}", headers=good).headers["location"] == "/"


def test_a_visit_ends_with_the_session_the_consent_the_switch_and_the_subscription(relayed: Relayed) -> None:
    platform, codes = relayed.served.platform, relayed.served.office.codes
    first = relayed.enter("second")
    reader: Reader = relayed.served.reader("second")
    assert relayed.ask("/start", visit=first).status_code == 200
    assert relayed.ask("/.beijiang/leave", visit=first).status_code == 303
    assert relayed.ask("/start", visit=first).status_code == 401
    visit = relayed.enter("second")
    platform.sign_on.take_back(platform.access.actor_for({"__Host-beijiang-session": reader.token}), relayed.client.id)
    assert relayed.ask("/start", visit=visit).status_code == 401
    visit = relayed.enter("second")
    platform.clients.switch(codes["reviewer"], relayed.client.id, off=True, reason="停")
    assert relayed.ask("/start", visit=visit).status_code == 404
    assert relayed.ask("/start", visit=visit).json()["error"]["code"] == "client_not_found"
    platform.clients.switch(codes["reviewer"], relayed.client.id, off=False, reason="好了")
    assert relayed.ask("/start", visit=visit).status_code == 200
    [one] = platform.subscriptions.subscriptions(SYSTEM, relayed.client.id)
    platform.subscriptions.end(codes["reviewer"], one.id)
    assert relayed.ask("/start", visit=visit).status_code == 403
    platform.subscriptions.ask(codes["steward"], relayed.client.id, "relay", Plan.LARGE)
    platform.subscriptions.decide(codes["reviewer"], one_id(relayed), approve=True, note="再开")
    assert relayed.ask("/start", visit=visit).status_code == 200
    use = platform.subscriptions.use(SYSTEM, relayed.client.id)
    assert sum(u.calls for u in use if u.api == f"relay:{relayed.client.id}") > 1


def one_id(relayed: Relayed) -> str:
    return relayed.served.platform.subscriptions.subscriptions(SYSTEM, relayed.client.id)[0].id


def test_signing_out_ends_the_visit(relayed: Relayed) -> None:
    reader = relayed.served.reader("colleague")
    at = relayed.ask("/start", headers=HTML)
    nonce, entrance = cookie(at, "__Host-beijiang-nonce"), urlsplit(at.headers["location"])
    state = parse_qs(entrance.query)["state"][0]
    seen = relayed.served.platform.relay.shown(relayed.client).token
    form = {"state": state, "to": "/", "seen": seen, "_csrf": reader.csrf}
    sent = reader.post(entrance.path, form, Origin=relayed.served.address)
    let_in = urlsplit(sent.headers["location"])
    came = relayed.ask(f"{let_in.path}?{let_in.query}", headers={"Cookie": f"__Host-beijiang-nonce={nonce}"})
    visit = cookie(came, "__Host-beijiang-visit")
    assert relayed.ask("/start", visit=visit).status_code == 200
    relayed.served.platform.access.sign_out(reader.token)
    assert relayed.ask("/start", visit=visit).status_code == 401


def test_the_platform_never_answers_on_an_applications_host(relayed: Relayed) -> None:
    reader = relayed.served.reader("reviewer")
    for path in ("/console", "/api/v1/session", "/static/site.css", "/oauth/jwks", "/health"):
        answer = relayed.ask(path, headers={"Cookie": f"__Host-beijiang-session={reader.token}"})
        assert answer.status_code == 401, path
    nobody = relayed.served.http.get("/", headers={"Host": f"nobody.{DOMAIN}"})
    hidden = relayed.served.http.get("/", headers={"Host": f"x.y.{DOMAIN}"})
    assert nobody.status_code == hidden.status_code == 404
    ids = re.compile(r'"request_id": "[0-9a-f]+"')
    assert ids.sub("", nobody.text) == ids.sub("", hidden.text)


def test_health_is_looked_at_kept_told_and_shown(relayed: Relayed) -> None:
    served, client = relayed.served, relayed.client
    watch = served.platform.app_health
    watch.watch()
    watch.settle()
    steward, reader = served.office.codes["steward"], served.reader("steward")
    now, turns = watch.health(steward, client.id)
    assert now is not None
    assert now.state is HealthState.UP
    assert not turns
    relayed.upstream.status = 503
    assert watch.check(steward, client.id).state is HealthState.UP  # once may be chance
    assert watch.check(steward, client.id).state is HealthState.DOWN
    relayed.upstream.status = 200
    assert watch.check(steward, client.id).state is HealthState.UP
    now, turns = watch.health(steward, client.id)
    assert [one.state for one in turns] == [HealthState.UP, HealthState.DOWN]
    assert "503" in turns[1].error.en
    while served.platform.notices.take():
        pass
    told = reader.get("/console/notices?lang=en").text
    assert "An outside application does not answer" in told
    assert "An outside application answers again" in told
    page = reader.get(f"/console/clients/{client.id}").text
    assert f"forest-fire.{DOMAIN}" in page
    assert "503" in page
    sent = reader.post(f"/console/clients/{client.id}/health", {"_csrf": reader.csrf}, Origin=served.address)
    assert sent.status_code == 303
    body = reader.call("POST", f"/api/v1/clients/{client.id}/health").json()
    assert body["state"] == "up"
    assert [one["state"] for one in body["turns"]] == ["up", "down"]
    p = served.platform
    group = clients_group(
        *(lambda part=part: part for part in (p.clients, p.sign_on, p.subscriptions, p.access, p.app_health))
    )
    shown = CliRunner().invoke(group, ["health", client.id, "--look", "--as", "steward"])
    assert shown.exit_code == 0, shown.output
    assert "故障" in shown.output
    public = served.reader("first").get("/outside").text
    assert "企业查询" in public
    curt = served.reader("first").call("GET", f"/api/v1/clients/{client.id}/health").json()
    assert curt["turns"][1]["error"] == {"zh": "没有应答。", "en": "It did not answer."}, "why is its owner's business"
    assert "503" not in str(curt)
    assert "503" in str(reader.call("GET", f"/api/v1/clients/{client.id}/health").json())
    assert served.reader("first").call("POST", f"/api/v1/clients/{client.id}/health").status_code == 404
    assert served.reader("first").call("GET", "/api/v1/clients/cli_none/health").status_code == 404


def test_names_of_hosts_are_held_by_one_application(relayed: Relayed) -> None:
    with pytest.raises(Conflict):
        relayed.served.client(upstream="https://x.example", label="forest-fire")
    for words in (
        {"upstream": "https://x.example/path", "label": "good-name"},
        {"upstream": "ftp://x.example", "label": "good-name"},
        {"upstream": "https://u:p@x.example", "label": "good-name"},
        {"upstream": "https://x.example", "label": "console"},
        {"upstream": "https://x.example", "label": "Bad_Name"},
        {"upstream": "https://x.example", "label": "good-name", "health_path": "//evil"},
    ):
        with pytest.raises(Invalid):
            relayed.served.client(**words)
    with pytest.raises(NotFound):
        relayed.served.platform.relay.client_of("good-name")


def test_without_a_domain_the_page_links_straight_to_the_application(tmp_path_factory: pytest.TempPathFactory) -> None:
    served = Served(tmp_path_factory.mktemp("plain"))
    try:
        client, _ = served.client(upstream="https://app.example.cn", label="plain-app")
        page = served.reader("first").get(f"/outside/{client.id}").text
        assert 'href="https://app.example.cn"' in page
        assert "app_domain" in page
    finally:
        served.close()


def test_the_platforms_own_host_is_no_host_of_applications(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("same")
    with pytest.raises(Invalid, match="app_domain"):
        build(Settings.for_tests(folder, public_url="https://data.example", app_domain="example"))


def test_headers_that_come_twice_are_one() -> None:
    assert asked_headers([("Accept", "a"), ("accept", "b")], {}) == {"accept": "a, b"}


@pytest.mark.parametrize(
    "name",
    ["X_Beijiang_Viewer", "x_beijiang-token", "X_Forwarded_Host", "X_Real_IP", "X_CSRF_Token", "X-CKAN-API-Key"],
)
def test_headers_in_other_spellings_do_not_arrive(name: str) -> None:
    assert asked_headers([(name, "forged"), ("X_Theirs", "1")], {}) == {"x_theirs": "1"}


@pytest.mark.parametrize("key", ["Bearer bj_1", "bj_1", "BEARER   BJT_1", "bearer\tbjs_1", " bjs_1", "bjx_1"])
def test_keys_in_other_spellings_do_not_arrive(key: str) -> None:
    assert asked_headers([("Authorization", key)], {}) == {}
    assert asked_headers([("Authorization", "Bearer theirs")], {}) == {"authorization": "Bearer theirs"}


@pytest.mark.parametrize("platform", ["https://platform.example", ""])
def test_a_redirect_to_a_broken_address_is_not_followed(platform: str) -> None:
    with pytest.raises(Refused) as refused:
        led_to("http://[", "http://upstream.example", "/a", "https://own.example", platform)
    assert refused.value.reason == "relay_redirect"
