"""What must not work: the classes of threat TM-11, each against a running server."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from asking import PASSWORD
from oidc import CALLBACK, READ, Reader, Served, hidden, told

from beijiang.apps import ClientKind
from beijiang.evidence import EvidenceQuery
from beijiang.kit import SYSTEM, Denied, Invalid, NotFound, Unauthenticated

pytestmark = pytest.mark.threat("TM-11")


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    opened = Served(tmp_path_factory.mktemp("attacks"))
    yield opened
    opened.close()


def fresh_code(served: Served, client: object, **changes: str) -> tuple[str, str]:
    asked, verifier = served.asked(client, **changes)  # type: ignore[arg-type]
    return served.agreed(served.reader("first"), asked)["code"], verifier


@pytest.mark.parametrize(
    "uri",
    [
        "https://app.example.cn/callback/",
        "https://app.example.cn/callback?x=1",
        "https://app.example.cn/CALLBACK",
        "https://app.example.cn:8443/callback",
        "http://app.example.cn/callback",
        "https://app.example.cn.evil.cn/callback",
        "https://app.example.cn/callback/../x",
        "https://evil.cn/",
        None,
    ],
)
def test_a_code_goes_to_no_address_that_was_not_registered(served: Served, uri: str | None) -> None:
    client, _ = served.client()
    asked, _ = served.asked(client, redirect_uri=uri)
    answer = served.reader("first").get("/oauth/authorize", params=asked)
    assert answer.status_code == 422
    assert "location" not in answer.headers
    assert served.http.get("/oauth/authorize", params=asked).status_code == 422


@pytest.mark.parametrize("uri", ["http://app.cn/x", "https://*.cn/x", "https://a.cn/#f", "https://u@a.cn/", "javascript:alert(1)", "/x", "https:///x"])  # fmt: skip
def test_an_address_that_no_browser_should_go_to_is_not_registered(served: Served, uri: str) -> None:
    with pytest.raises(Invalid) as caught:
        served.client(redirect_uris=(uri,))
    assert caught.value.reason == "client_draft"


def test_every_application_needs_a_proof_key_and_only_by_s256(served: Served) -> None:
    client, secret = served.client()
    reader = served.reader("first")
    for changes in ({"code_challenge": None}, {"code_challenge_method": None}, {"code_challenge_method": "plain"}):
        asked, _ = served.asked(client, **changes)
        found = told(reader.get("/oauth/authorize", params=asked))
        assert found["error"] == "invalid_request"
        assert (found["state"], found["iss"]) == (asked["state"], served.address)
    for verifier in ("", "b" * 60):
        code, _ = fresh_code(served, client)
        words = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
        answer = served.token(client, secret, **words, **({"code_verifier": verifier} if verifier else {}))
        assert answer.status_code == 400
        assert answer.json()["error"] in {"invalid_grant", "invalid_request"}


def test_a_replayed_code_ends_what_it_began(served: Served) -> None:
    client, secret = served.client()
    code, verifier = fresh_code(served, client)
    words = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": verifier}
    first = served.token(client, secret, **words).json()
    assert served.works(first["access_token"])
    again = served.token(client, secret, **words)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert not served.works(first["access_token"])
    renewed = served.token(client, secret, grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert renewed.status_code == 400
    found = served.platform.evidence_reader.search(SYSTEM, EvidenceQuery(action="apps.client_replay", target=client.id))
    assert found.records


def test_a_refresh_token_that_was_used_twice_ends_the_whole_sign_on(served: Served) -> None:
    client, secret = served.client()
    first = served.signed_on(client, secret, served.reader("first"))
    words = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
    second = served.token(client, secret, **words).json()
    assert served.works(second["access_token"])
    assert served.token(client, secret, **words).json()["error"] == "invalid_grant"
    assert not served.works(second["access_token"])
    thief = served.token(client, secret, grant_type="refresh_token", refresh_token=second["refresh_token"])
    assert thief.json()["error"] == "invalid_grant"


def test_a_code_is_good_for_its_application_its_address_and_its_minute(served: Served) -> None:
    client, secret = served.client(redirect_uris=(CALLBACK, f"{CALLBACK}/2"))
    other, foreign = served.client()
    code, verifier = fresh_code(served, client)
    words = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": verifier}
    assert served.token(other, foreign, **words).json()["error"] == "invalid_grant"
    assert served.token(client, secret, **{**words, "redirect_uri": f"{CALLBACK}/2"}).json()["error"] == "invalid_grant"
    code, verifier = fresh_code(served, client)
    late = Later(served, seconds=61)
    with late:
        answer = served.token(client, secret, **{**words, "code": code, "code_verifier": verifier})
    assert answer.json()["error"] == "invalid_grant"


def test_no_application_gets_more_than_it_registered_or_the_person_agreed(served: Served) -> None:
    client, secret = served.client(scopes=frozenset({"openid", READ}))
    reader = served.reader("first")
    asked, _ = served.asked(client, scope=f"openid {READ} protection:sql:run")
    assert told(reader.get("/oauth/authorize", params=asked))["error"] == "invalid_scope"
    token = served.signed_on(client, secret, reader, scope="openid")
    more = served.token(client, secret, grant_type="refresh_token", refresh_token=token["refresh_token"], scope=f"openid {READ}")  # fmt: skip
    assert more.json()["error"] == "invalid_scope"
    with pytest.raises(Invalid):
        served.client(scopes=frozenset({"openid", "access:key:issue"}))
    actor = served.platform.access.actor_for({}, f"Bearer {token['access_token']}")
    assert actor.id == served.office["first"].id
    assert not served.platform.access.allows(actor, READ)
    with pytest.raises(Denied):
        served.platform.sign_on.consents(actor)


def test_a_token_gives_no_more_than_its_person_may(served: Served) -> None:
    client, secret = served.client(scopes=frozenset({"openid", "catalog:resource:publish"}))
    token = served.signed_on(client, secret, served.reader("first"), scope="openid catalog:resource:publish")
    actor = served.platform.access.actor_for({}, f"Bearer {token['access_token']}")
    assert not served.platform.access.allows(actor, "catalog:resource:publish")
    assert actor.session_id is not None
    assert actor.session_id.startswith(f"{client.id}.")


def test_a_token_ends_in_time_and_a_suspended_application_at_the_next_request(served: Served) -> None:
    client, secret = served.client()
    token = served.signed_on(client, secret, served.reader("first"))
    assert token["expires_in"] == 300
    with Later(served, seconds=301):
        assert not served.works(token["access_token"])
    assert served.works(token["access_token"])
    actor = served.platform.access.actor_for({}, f"Bearer {token['access_token']}")
    served.platform.clients.switch(served.office.codes["reviewer"], client.id, off=True, reason="泄露")
    assert not served.works(token["access_token"])
    with pytest.raises(Unauthenticated):
        served.platform.access.current(actor)
    assert served.token(client, secret, grant_type="refresh_token", refresh_token=token["refresh_token"]).status_code in {400, 401}  # fmt: skip
    served.platform.clients.switch(served.office.codes["reviewer"], client.id, off=False, reason="查清")
    assert served.works(token["access_token"])


def test_secrets_are_checked_rotate_with_an_overlap_and_end_at_once(served: Served) -> None:
    client, first = served.client(machine=True, scopes=frozenset({"protection:rows:read_granted"}))
    clients, steward = served.platform.clients, served.office.codes["steward"]

    def status(secret: str) -> int:
        return served.token(client, secret, grant_type="client_credentials").status_code

    assert (status(first), status("bjs_" + "0" * 64), status("")) == (200, 401, 401)
    _, second = clients.new_secret(steward, client.id)
    assert (status(first), status(second)) == (200, 200)
    with Later(served, seconds=25 * 3600):
        assert (status(first), status(second)) == (401, 200)
    assert clients.end_secrets(steward, client.id) == 2
    assert (status(first), status(second)) == (401, 401)


def test_an_unsigned_or_foreign_token_proves_nothing(served: Served) -> None:
    client, secret = served.client()
    token = served.signed_on(client, secret, served.reader("first"))
    head = base64.urlsafe_b64encode(json.dumps({"alg": "none"}).encode()).rstrip(b"=").decode()
    body = token["id_token"].split(".")[1]
    for forged in (f"{head}.{body}.", token["id_token"], token["refresh_token"], "bjt_" + "0" * 64, "bjt_"):
        assert not served.works(forged)
        assert served.http.get("/oauth/userinfo", headers={"Authorization": f"Bearer {forged}"}).status_code == 401
    assert served.platform.sign_on.leaving(f"{head}.{body}.", "", "").client is None
    found = served.platform.sign_on.leaving(token["id_token"], "", "https://app.example.cn/bye")
    assert found.client is not None
    assert found.after == "https://app.example.cn/bye"
    assert served.platform.sign_on.leaving(token["id_token"], "", "https://evil.cn/").after == ""


def test_another_application_learns_nothing_of_a_token_and_cannot_revoke_it(served: Served) -> None:
    client, secret = served.client()
    other, foreign = served.client()
    token = served.signed_on(client, secret, served.reader("first"))["access_token"]
    asked = {"token": token}
    mine = served.http.post("/oauth/introspect", data=asked, auth=(client.id, secret)).json()
    assert (mine["active"], mine["client_id"], mine["sub"]) == (True, client.id, served.office["first"].id)
    assert served.http.post("/oauth/introspect", data=asked, auth=(other.id, foreign)).json() == {"active": False}
    assert served.http.post("/oauth/revoke", data=asked, auth=(other.id, foreign)).status_code == 400
    assert served.works(token)
    assert served.http.post("/oauth/revoke", data=asked, auth=(client.id, secret)).status_code == 200
    assert not served.works(token)
    assert served.http.post("/oauth/introspect", data=asked, auth=(client.id, secret)).json() == {"active": False}


def test_consent_is_given_on_our_page_only_and_in_no_frame(served: Served) -> None:
    client, _ = served.client()
    reader = served.reader("first")
    asked, _ = served.asked(client)
    page = reader.get("/oauth/authorize", params=asked)
    policy = page.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self' https://app.example.cn;" in policy
    own, shown = {"Origin": served.address}, hidden(page, reader)["shown"]
    assert reader.post("/oauth/authorize", {"shown": shown, "do": "allow"}, **own).status_code == 403
    assert reader.post("/oauth/authorize", {"shown": shown, "do": "allow", "_csrf": "x"}, **own).status_code == 403
    sent = {"shown": shown, "do": "allow", "_csrf": reader.csrf}
    assert reader.post("/oauth/authorize", sent, Origin="https://evil.cn").status_code == 403
    assert served.agreed(reader, asked, do="deny")["error"] == "access_denied"
    assert "code" in served.agreed(reader, asked)


def test_a_button_agrees_to_what_its_page_showed_and_to_nothing_else(served: Served) -> None:
    client, _ = served.client()
    reader, own = served.reader("first"), {"Origin": served.address}
    sign_on, who = served.platform.sign_on, served.office.codes["first"]

    def agreed() -> set[str]:
        return {one for c in sign_on.consents(who) if c.client_id == client.id for one in c.scopes}

    asked, _ = served.asked(client, scope="openid")
    page = reader.get("/oauth/authorize", params=asked)
    sent = {**hidden(page, reader), "do": "allow"}
    wider = {**sent, "scope": f"openid profile {READ}", "redirect_uri": "https://evil.cn/", "state": "forged"}
    back = told(reader.post("/oauth/authorize", wider, **own))
    assert back["state"] == asked["state"]
    assert agreed() == {"openid"}, "what the form says beside what was shown counts for nothing"
    bare = reader.post("/oauth/authorize", {**asked, "_csrf": reader.csrf, "do": "allow"}, **own)
    assert (bare.status_code, "location" in bare.headers) == (409, False)
    stranger = served.reader("second")
    stolen = stranger.post("/oauth/authorize", {**sent, "_csrf": stranger.csrf}, **own)
    assert stolen.status_code == 409
    again = served.reader("first")
    assert again.post("/oauth/authorize", {**sent, "_csrf": again.csrf}, **own).status_code == 409, "another session"
    with Later(served, seconds=31 * 60):
        assert reader.post("/oauth/authorize", sent, **own).status_code == 409
    page = reader.get("/oauth/authorize", params={**asked, "scope": "openid profile"})
    clients, people = served.platform.clients, served.office.codes
    clients.change(people["steward"], client.id, replace(client.facts, purpose="另有用途"))
    clients.review(people["reviewer"], client.id, approve=True, note="可以")
    stale = reader.post("/oauth/authorize", {**hidden(page, reader), "do": "allow"}, **own)
    assert stale.status_code == 409
    assert agreed() == {"openid"}


def test_whoever_listens_at_a_loopback_is_not_answered_silently(served: Served) -> None:
    loopback = "http://127.0.0.1:49152/back"
    client, _ = served.client(kind=ClientKind.PUBLIC, redirect_uris=(CALLBACK, loopback))
    reader = served.reader("first")
    at_home, _ = served.asked(client, redirect_uri=loopback)
    page = reader.get("/oauth/authorize", params=at_home)
    sent = {**hidden(page, reader), "do": "allow"}
    agreed = reader.post("/oauth/authorize", sent, Origin=served.address)
    assert agreed.headers["location"].startswith(f"{loopback}?code=")
    assert reader.get("/oauth/authorize", params=at_home).status_code == 200, "it is asked again"
    silent = reader.get("/oauth/authorize", params={**at_home, "prompt": "none"})
    assert "error=consent_required" in silent.headers["location"]
    for near in ("http://127.0.0.1:49153/back", "http://localhost:49152/back", "http://127.0.0.1:49152/back/"):
        assert reader.get("/oauth/authorize", params={**at_home, "redirect_uri": near}).status_code == 422
    claimed, _ = served.asked(client)
    assert "code" in told(reader.get("/oauth/authorize", params=claimed)), "an https address belongs to its owner"


def test_a_consent_is_taken_back_with_its_tokens(served: Served) -> None:
    client, secret = served.client()
    reader = served.reader("second")
    token = served.signed_on(client, secret, reader)["access_token"]
    who, sign_on = served.office.codes["second"], served.platform.sign_on
    assert [one.client_id for one in sign_on.consents(who)] == [client.id]
    asked, _ = served.asked(client)
    assert "code" in told(reader.get("/oauth/authorize", params=asked))
    sign_on.take_back(who, client.id)
    assert not served.works(token)
    assert sign_on.consents(who) == []
    assert told(reader.get("/oauth/authorize", params={**asked, "prompt": "none"}))["error"] == "consent_required"
    with pytest.raises(NotFound):
        sign_on.take_back(who, client.id)


def test_who_is_closed_or_signs_out_is_signed_out_of_applications(served: Served) -> None:
    client, secret = served.client()
    reader = served.reader("colleague")
    token = served.signed_on(client, secret, reader)["access_token"]
    other = served.signed_on(client, secret, served.reader("colleague"))["access_token"]
    served.platform.access.sign_out(reader.token)
    assert not served.works(token)
    assert served.works(other)
    served.platform.access.disable_person(SYSTEM, served.office["colleague"].id, "离职")
    assert not served.works(other)
    served.platform.access.enable_person(SYSTEM, served.office["colleague"].id)
    assert not served.works(other)


def test_who_is_signed_in_over_is_signed_out_of_applications(served: Served) -> None:
    client, secret = served.client()
    reader = served.reader("colleague")
    token = served.signed_on(client, secret, reader)["access_token"]
    access = served.platform.access
    own = access.sign_in("colleague", PASSWORD, "tests", replaces=reader.token)
    assert served.works(token), "the same person goes on"
    again = served.signed_on(client, secret, Reader(served.http, own.token, own.csrf))["access_token"]
    access.sign_in("steward", PASSWORD, "tests", replaces=own.token)
    assert not served.works(again)


def test_a_public_application_has_no_secret_and_nothing_for_itself(served: Served) -> None:
    client, secret = served.client(kind=ClientKind.PUBLIC)
    assert secret == ""
    token = served.signed_on(client, "", served.reader("first"))
    assert served.works(token["access_token"])
    assert served.token(client, "", grant_type="client_credentials").status_code == 401
    with pytest.raises(Invalid):
        served.client(kind=ClientKind.PUBLIC, machine=True)


def test_who_is_not_signed_in_signs_in_first_and_is_then_let_go(served: Served) -> None:
    client, _ = served.client()
    asked, _ = served.asked(client)
    first = served.http.get("/oauth/authorize", params=asked)
    assert first.status_code == 303
    assert first.headers["location"].startswith("/console/sign-in?next=%2Foauth%2Fauthorize%3F")
    silent = served.http.get("/oauth/authorize", params={**asked, "prompt": "none"})
    assert told(silent)["error"] == "login_required"
    reader = served.reader("first")
    again = reader.get("/oauth/authorize", params={**asked, "prompt": "login"})
    assert again.headers["location"].startswith("/console/sign-in")
    served.agreed(reader, asked)
    passing = reader.get("/oauth/authorize", params={**asked, "signed_in": "1"})
    assert passing.status_code == 200
    assert f'content="0;url={CALLBACK}?code=' in passing.text


def test_parameters_that_come_twice_are_refused(served: Served) -> None:
    client, secret = served.client()
    asked, _ = served.asked(client)
    doubled = [*asked.items(), ("redirect_uri", "https://evil.cn/")]
    assert served.reader("first").get("/oauth/authorize", params=doubled).status_code == 422
    answer = served.http.post(
        "/oauth/token",
        content=b"grant_type=client_credentials&grant_type=refresh_token",
        headers={"Content-Type": "application/x-www-form-urlencoded"},
        auth=(client.id, secret),
    )
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_nobody_approves_his_own_application_and_strangers_do_not_see_it(served: Served) -> None:
    clients, people = served.platform.clients, served.office.codes
    made, _ = served.client()
    for stranger in ("first", "second"):
        assert made.id not in {one.id for one in clients.clients(people[stranger])}
        with pytest.raises(NotFound) as hidden:
            clients.client(people[stranger], made.id)
        with pytest.raises(NotFound) as missing:
            clients.client(people[stranger], "cli_00000000000000000000")
        assert str(hidden.value.text) == str(missing.value.text)
    for nobody in ("member", "chief"):
        with pytest.raises(Denied):
            clients.clients(people[nobody])
    changed = clients.change(people["steward"], made.id, made.facts)
    assert changed.serves
    with pytest.raises(Denied):
        clients.review(people["steward"], made.id, approve=True, note="x")


def test_work_that_goes_on_without_its_token_never_reaches_more_than_the_token(served: Served) -> None:
    granted, listed = "protection:rows:read_granted", "exchange:service:read"
    client, secret = served.client(machine=True, scopes=frozenset({granted, listed}))
    access = served.platform.access
    narrow = served.token(client, secret, grant_type="client_credentials", scope=granted).json()["access_token"]
    actor = access.actor_for({}, f"Bearer {narrow}")
    assert actor.scopes == {granted}
    now = access.current(actor)
    assert now == actor, "as of now it is not wider than it was"
    assert not access.allows(now, listed)
    forged = replace(actor, scopes=actor.scopes | {listed})
    assert access.current(forged).scopes == {granted}, "nor by what was written down of it"
    with Later(served, seconds=601):
        assert not served.works(narrow)
        assert access.current(actor).scopes == {granted}, "what it began goes on when it is over"
    wide = served.token(client, secret, grant_type="client_credentials").json()["access_token"]
    assert access.current(access.actor_for({}, f"Bearer {wide}")).scopes == {granted, listed}
    assert served.http.post("/oauth/revoke", data={"token": narrow}, auth=(client.id, secret)).status_code == 200
    with pytest.raises(Unauthenticated):
        access.current(actor)
    for made_up in (client.id, f"{client.id}.", f"{client.id}.tok_", f"{client.id}.tok_%", f"{client.id}.son_x"):
        with pytest.raises(Unauthenticated):
            access.current(replace(actor, session_id=made_up))
    other, _ = served.client(machine=True, scopes=frozenset({granted, listed}))
    mark = str(access.actor_for({}, f"Bearer {wide}").session_id).partition(".")[2]
    with pytest.raises(Unauthenticated):
        access.current(replace(actor, session_id=f"{other.id}.{mark}"))


def test_work_of_a_person_is_no_wider_than_the_refreshed_token_it_began_under(served: Served) -> None:
    client, secret = served.client()
    first = served.signed_on(client, secret, served.reader("first"))
    words = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"], "scope": "openid"}
    narrow = served.token(client, secret, **words).json()["access_token"]
    access = served.platform.access
    actor = access.actor_for({}, f"Bearer {narrow}")
    assert access.current(actor) == actor
    assert not access.allows(access.current(actor), READ)


class Later:
    """The platform's clock, moved on for a while; the server reads the same one."""

    def __init__(self, served: Served, seconds: int) -> None:
        self._desk = served.platform.sign_on
        self._pages = self._desk.consenting
        self._by = timedelta(seconds=seconds)

    def __enter__(self) -> None:
        self._own = self._desk.clock
        self._desk.clock = self._pages.clock = _Moved(self._own, self._by)

    def __exit__(self, *_: object) -> None:
        self._desk.clock = self._pages.clock = self._own


class _Moved:
    def __init__(self, clock: object, by: timedelta) -> None:
        self._clock, self._by = clock, by

    def now(self) -> object:
        return self._clock.now() + self._by  # type: ignore[attr-defined]
