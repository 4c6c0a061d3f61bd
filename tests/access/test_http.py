"""The same verbs over HTTP, behind the real door of the web kit."""

import pytest

from beijiang.access import SESSION_COOKIE, Role
from beijiang.access.routes import router
from beijiang.settings import Settings
from beijiang.web import Pages, new_app, security

from .browser import Browser
from .conftest import PASSWORD, World

BASE = "https://127.0.0.1:8150"


@pytest.fixture
def client(embedded: World) -> Browser:
    settings = Settings.for_tests(embedded.folder, public_url=BASE)
    app = new_app(settings, embedded.access, Pages(settings, ()))
    app.include_router(router(embedded.access))
    return Browser(app, BASE)


def sign_in(client: Browser, name: str, password: str = PASSWORD) -> dict[str, str]:
    """Sign in and return the headers that a state-changing request needs."""
    answer = client.post("/api/v1/session", json={"name": name, "password": password})
    assert answer.status_code == 201, answer.text
    return {"X-CSRF-Token": answer.json()["csrf"]}


def give_passwords(world: World, *logins: str) -> None:
    for login in logins:
        world.with_password(login)


def test_the_door_and_access_name_one_cookie() -> None:
    assert security.SESSION_COOKIE == SESSION_COOKIE


@pytest.mark.threat("TM-08")
def test_the_session_cookie_is_bound_to_this_host_and_hidden_from_scripts(client: Browser) -> None:
    answer = client.post("/api/v1/session", json={"name": "wang", "password": PASSWORD})
    cookie = answer.headers["set-cookie"]
    attributes = {part.strip().lower() for part in cookie.split(";")[1:]}
    assert cookie.startswith(f"{SESSION_COOKIE}=")
    assert attributes == {"httponly", "secure", "samesite=lax", "path=/"}
    assert cookie.split("=", 1)[1].split(";")[0] not in answer.text


def test_a_visit_from_sign_in_to_sign_out(client: Browser, embedded: World) -> None:
    assert client.get("/api/v1/session").json()["actor"]["kind"] == "anonymous"
    headers = sign_in(client, "wang")
    me = client.get("/api/v1/session").json()
    assert (me["actor"]["id"], me["actor"]["roles"]) == (embedded.id("wang"), ["steward"])
    assert me["csrf"] == headers["X-CSRF-Token"]
    assert client.delete("/api/v1/session", headers=headers).status_code == 204
    assert client.get("/api/v1/session").json() == {
        "actor": {"id": "anonymous", "name": "访客", "kind": "anonymous", "org_id": None, "roles": [], "scopes": None},
        "csrf": None,
    }


@pytest.mark.threat("TM-08")
def test_signing_in_again_ends_the_session_before(client: Browser) -> None:
    sign_in(client, "wang")
    old = client.cookies[SESSION_COOKIE]
    headers = {"X-CSRF-Token": client.get("/api/v1/session").json()["csrf"]}
    answer = client.post("/api/v1/session", json={"name": "bao", "password": PASSWORD}, headers=headers)
    assert answer.status_code == 201
    client.cookies.clear()
    client.cookies.set(SESSION_COOKIE, old, domain="127.0.0.1", path="/")
    assert client.get("/api/v1/session").json()["actor"]["kind"] == "anonymous"


@pytest.mark.threat("TM-09")
def test_a_change_without_the_token_of_the_session_is_refused(client: Browser, embedded: World) -> None:
    embedded.with_password("sys")
    headers = sign_in(client, "sys")
    body = {"login": "new", "name": "新人"}
    assert client.post("/api/v1/people", json=body).status_code == 403
    assert client.post("/api/v1/people", json=body, headers={"X-CSRF-Token": "0" * 64}).status_code == 403
    foreign = headers | {"Origin": "https://evil.example"}
    assert client.post("/api/v1/people", json=body, headers=foreign).status_code == 403
    assert client.post("/api/v1/people", json=body, headers=headers).status_code == 201


@pytest.mark.threat("TM-10")
def test_failed_sign_ins_are_one_answer_over_http(client: Browser) -> None:
    answers = []
    for name, password in (("wang", "wrong"), ("nobody", PASSWORD), ("WANG ", "wrong"), ("'; --", "x")):
        answer = client.post("/api/v1/session", json={"name": name, "password": password})
        error = answer.json()["error"]
        error.pop("request_id")
        answers.append((answer.status_code, str(error), answer.headers.get("set-cookie")))
    assert len(set(answers)) == 1
    assert answers[0][0] == 401


def test_a_one_time_code_leads_to_a_password(client: Browser, embedded: World) -> None:
    embedded.add("new", Role.STEWARD)
    code = embedded.codes["new"]
    answer = client.post("/api/v1/session", json={"name": "new", "password": code})
    assert answer.json()["must_set_password"]
    headers = {"X-CSRF-Token": answer.json()["csrf"]}
    assert client.get("/api/v1/keys").json()["error"]["code"] == "password_not_set"
    changed = client.put("/api/v1/session/password", json={"current": code, "new": PASSWORD}, headers=headers)
    assert changed.json()["actor"]["roles"] == ["steward"]
    assert client.get("/api/v1/keys").json() == {"keys": []}


@pytest.mark.threat("TM-12")
@pytest.mark.parametrize(
    "extra", ["id", "admin_role", "office", "password_hash", "disabled_at", "created_at", "must_set_password"]
)
def test_fields_that_the_server_owns_are_refused(client: Browser, embedded: World, extra: str) -> None:
    embedded.with_password("sys")
    headers = sign_in(client, "sys")
    answer = client.post("/api/v1/people", json={"login": "new", "name": "新", extra: "x"}, headers=headers)
    assert answer.status_code == 422
    assert "new" not in {person["login"] for person in client.get("/api/v1/people").json()["people"]}


@pytest.mark.threat("TM-12")
def test_roles_are_given_by_the_security_administrator_only(client: Browser, embedded: World) -> None:
    give_passwords(embedded, "sys", "sec")
    headers = sign_in(client, "sys")
    body = {"login": "new", "name": "新人", "org_id": "education"}
    refused = client.post("/api/v1/people", json=body | {"roles": ["steward"]}, headers=headers)
    assert refused.json()["error"]["code"] == "denied"
    made = client.post("/api/v1/people", json=body, headers=headers).json()
    assert len(made["one_time_code"]) == 23
    path = f"/api/v1/people/{made['person']['id']}/roles"
    assert client.put(path, json={"roles": ["steward"]}, headers=headers).status_code == 403
    client.cookies.clear()
    headers = sign_in(client, "sec")
    assert client.put(path, json={"roles": ["steward"]}, headers=headers).json()["roles"] == ["steward"]
    wrong = client.put(path, json={"roles": ["steward", "sec_admin"]}, headers=headers)
    assert wrong.json()["error"]["code"] == "roles_incompatible"
    assert client.put(path, json={"roles": ["king"]}, headers=headers).status_code == 422


def test_an_account_is_closed_opened_and_reset(client: Browser, embedded: World) -> None:
    embedded.with_password("sys")
    headers = sign_in(client, "sys")
    path = f"/api/v1/people/{embedded.id('wang')}"
    assert client.post(f"{path}/disable", json={"reason": "离职"}, headers=headers).json()["disabled_at"]
    assert client.post(f"{path}/enable", headers=headers).json()["disabled_at"] is None
    made = client.post(f"{path}/reset", headers=headers).json()
    code = made["one_time_code"]
    assert made["keys_revoked"] == 0
    assert client.get(path).json()["must_set_password"]
    client.cookies.clear()
    assert client.post("/api/v1/session", json={"name": "wang", "password": code}).status_code == 201


def test_organisations_are_public_and_added_by_the_administrator(client: Browser, embedded: World) -> None:
    assert [one["id"] for one in client.get("/api/v1/organisations").json()["organisations"]] == [
        "bigdata",
        "education",
    ]
    body = {"id": "water", "name_zh": "水利厅", "name_en": "Water Resources", "region_scope": ["150000"]}
    assert client.post("/api/v1/organisations", json=body).json()["error"]["code"] == "unauthenticated"
    embedded.with_password("sys")
    headers = sign_in(client, "sys")
    assert client.post("/api/v1/organisations", json=body, headers=headers).status_code == 201
    assert client.get("/api/v1/organisations/water").json()["region_scope"] == ["150000"]
    assert client.get("/api/v1/organisations/fire").status_code == 404


@pytest.mark.threat("TM-11")
def test_a_key_works_without_a_cookie_until_it_is_revoked(client: Browser) -> None:
    headers = sign_in(client, "wang")
    body = {"name": "脚本", "scopes": ["access:person:read"], "days": 7}
    made = client.post("/api/v1/keys", json=body, headers=headers).json()
    client.cookies.clear()
    bearer = {"Authorization": f"Bearer {made['secret']}"}
    assert client.get("/api/v1/people?org_id=bigdata", headers=bearer).status_code == 200
    assert client.post("/api/v1/keys", json=body, headers=bearer).json()["error"]["code"] == "denied"
    headers = sign_in(client, "wang")
    assert made["secret"] not in client.get("/api/v1/keys").text
    assert client.delete(f"/api/v1/keys/{made['key']['id']}", headers=headers).json()["revoked_at"]
    client.cookies.clear()
    dead = client.get("/api/v1/people?org_id=bigdata", headers=bearer)
    assert (dead.status_code, dead.json()["error"]["code"]) == (401, "proof_invalid")


ENDPOINTS = [
    ("GET", "/api/v1/people", None),
    ("POST", "/api/v1/people", {"login": "x1", "name": "x"}),
    ("PUT", "/api/v1/people/{wang}/roles", {"roles": []}),
    ("POST", "/api/v1/people/{wang}/disable", {"reason": "x"}),
    ("POST", "/api/v1/people/{wang}/enable", None),
    ("POST", "/api/v1/people/{wang}/reset", None),
    ("POST", "/api/v1/organisations", {"name_zh": "x"}),
    ("GET", "/api/v1/keys", None),
    ("POST", "/api/v1/keys", {"name": "x", "scopes": ["access:person:read"]}),
    ("DELETE", "/api/v1/keys/key_x", None),
    ("PUT", "/api/v1/session/password", {"current": "x", "new": "y"}),
]


@pytest.mark.threat("TM-13")
@pytest.mark.parametrize(("method", "path", "body"), ENDPOINTS)
def test_visitors_get_nowhere(
    client: Browser, embedded: World, method: str, path: str, body: dict[str, object] | None
) -> None:
    answer = client.request(method, path.format(wang=embedded.id("wang")), json=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (401, "unauthenticated")
    assert embedded.access.person(embedded.actor("wang"), "wang").roles == {Role.STEWARD}
