"""Outside applications from the console, the terminal and the API: registration, subscriptions, use, farewells."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from dataclasses import fields, replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest
from asking import FIRMS, Office, firm
from oidc import CALLBACK, READ, Served
from typer.testing import CliRunner

from beijiang.apps import ClientDraft, ClientKind, Plan, SubscriptionState, Use
from beijiang.apps.commands import clients as clients_group
from beijiang.apps.models.sandbox import ShapedItem, synthetic_rows
from beijiang.apps.models.subscriptions import OTHER_API, api_of, bin_of, share_below
from beijiang.crypto import verified_claims
from beijiang.kit import SYSTEM, Conflict, Denied, Invalid, NotFound
from beijiang.outbound import Target
from beijiang.outbound import Use as Purpose
from beijiang.standards import Verdict, check_citizen_id, check_luhn, check_org_code, check_uscc


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    opened = Served(tmp_path_factory.mktemp("clients"))
    opened.platform.jobs.start_worker()
    opened.platform.sign_on.start()
    opened.office.write([firm(n) for n in range(30)])
    opened.office.publish()
    yield opened
    opened.close()


def seen(page: str) -> str:
    """Return what a page carries of what it showed."""
    found = re.search(r'name="seen" value="([^"]+)"', page)
    assert found is not None
    return found.group(1)


def rows_api(office: Office) -> str:
    found = office.platform.catalog.resource_for_table(FIRMS)
    assert found is not None
    return f"rows:{found.id}"


def test_a_developer_registers_and_the_bureau_reviews_in_the_console(served: Served) -> None:
    steward, reviewer = served.reader("steward"), served.reader("reviewer")
    own = {"Origin": served.address}
    assert steward.get("/console/clients").status_code == 200
    form = {
        "name": "监管平台",
        "purpose": "看企业",
        "kind": "confidential",
        "redirect_uris": f"{CALLBACK}\n{CALLBACK}/2",
        "scope": "openid",
        "_csrf": steward.csrf,
    }
    sent = steward.post("/console/clients", form, **own)
    assert sent.status_code == 303, sent.text
    at = sent.headers["location"]
    assert "待审核" in steward.get(at).text
    assert "等您审核" not in steward.get(at).text
    page = reviewer.get(at).text
    assert "等您审核" in page
    assert f"{CALLBACK}/2" in page
    reviewer.post(f"{at}/review", {"do": "approve", "note": "可以", "seen": seen(page), "_csrf": reviewer.csrf}, **own)
    made = steward.post(f"{at}/secret", {"_csrf": steward.csrf}, **own)
    secret = re.search(r"bjs_[0-9a-f]{64}", made.text)
    assert secret is not None
    assert secret.group() not in steward.get(at).text
    steward.post(f"{at}/subscriptions", {"api": rows_api(served.office), "plan": "large", "_csrf": steward.csrf}, **own)
    assert "待审核" in steward.get(at).text
    asked = served.platform.subscriptions.subscriptions(served.office.codes["steward"], at.rpartition("/")[2])
    reviewer.post(f"{at}/subscriptions/{asked[0].id}", {"do": "approve", "note": "行", "_csrf": reviewer.csrf}, **own)
    assert "termin" not in steward.get(f"{at}?lang=en").text
    assert served.platform.subscriptions.subscriptions(SYSTEM, asked[0].client_id)[0].state is SubscriptionState.ACTIVE
    steward.post(f"{at}/switch", {"do": "off", "reason": "下线", "_csrf": steward.csrf}, **own)
    assert "已停用" in steward.get(at).text
    assert served.reader("first").get(at).status_code == 404


def test_what_changed_since_it_was_shown_is_not_approved(served: Served) -> None:
    """The developer hands in other facts between the page and the button."""
    clients, people = served.platform.clients, served.office.codes
    made, _ = served.client(scopes=frozenset({"openid"}))
    steward, reviewer = served.reader("steward"), served.reader("reviewer")
    clients.change(people["steward"], made.id, replace(made.facts, purpose="一"))
    at, own = f"/console/clients/{made.id}", {"Origin": served.address}
    token = seen(reviewer.get(at).text)
    clients.change(people["steward"], made.id, replace(made.facts, purpose="二", scopes=frozenset({"openid", READ})))
    form = {"do": "approve", "note": "可以", "seen": token, "_csrf": reviewer.csrf}
    answer = reviewer.post(f"{at}/review", form, **own)
    found, _ = clients.client(SYSTEM, made.id)
    assert (found.facts, found.proposed is not None) == (made.facts, True), "nothing was approved"
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(at)
    api = f"/api/v1/clients/{made.id}"
    for sent in ({"seen": token}, {}):
        refused = reviewer.call("POST", f"{api}/review", {"approve": True, "note": "可以", **sent})
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "changed_since_seen")
    detail = reviewer.call("POST", f"{api}/review", {"approve": True, "note": "x", "seen": token}).json()["error"]
    assert "内容有变化（用途、权限）" in detail["message"]
    assert detail["detail"]["changed"] == ["purpose", "rights"]
    assert detail["detail"]["now"]["purpose"] == "二"
    shell = CliRunner().invoke(
        _group(served), ["review", made.id, "--approve", "--note", "x", "--seen", token, "--as", "reviewer"]
    )
    assert shell.exit_code != 0
    fresh = reviewer.call("GET", api).json()["seen"]
    assert steward.call("GET", api).json()["seen"] == fresh
    approved = reviewer.call("POST", f"{api}/review", {"approve": True, "note": "可以", "seen": fresh})
    assert approved.json()["purpose"] == "二"


def test_every_fact_of_an_application_is_part_of_what_was_shown(served: Served) -> None:
    clients, people = served.platform.clients, served.office.codes
    made, _ = served.client()
    facts = replace(made.facts, upstream="https://shown.example", label="shown-app")
    others: dict[str, Any] = {
        "name": "另一个",
        "purpose": "另一个用途",
        "kind": ClientKind.PUBLIC,
        "redirect_uris": ("https://other.example/",),
        "after_uris": (),
        "logout_uri": "https://other.example/out",
        "scopes": frozenset({"openid"}),
        "machine": True,
        "upstream": "https://other.example",
        "label": "other-app",
        "health_path": "/other",
    }
    assert others.keys() == {one.name for one in fields(ClientDraft)}
    shown = replace(made, proposed=facts).shown.token
    for name, value in others.items():
        assert replace(made, proposed=replace(facts, **{name: value})).shown.token != shown, name
    waits = clients.change(people["steward"], made.id, facts)
    clients.change(people["steward"], made.id, replace(facts, upstream="https://other.example"))
    with pytest.raises(Conflict) as refused:
        clients.review(people["reviewer"], made.id, approve=True, note="可以", seen=waits.shown.token)
    assert refused.value.detail["changed"] == ["where it runs"]


def test_one_sees_and_takes_back_consents_in_the_console(served: Served) -> None:
    client, secret = served.client()
    reader = served.reader("second")
    assert "还没有授权过应用" in reader.get("/console/consents").text
    token = served.signed_on(client, secret, reader)["access_token"]
    page = reader.get("/console/consents").text
    assert "企业查询" in page
    assert "读取无条件共享的数据" in page
    back = reader.post(f"/console/consents/{client.id}/back", {"_csrf": reader.csrf}, Origin=served.address)
    assert back.status_code == 303
    assert not served.works(token)


def test_an_application_calls_what_it_subscribed_to_within_its_plan_and_is_counted(served: Served) -> None:
    client, secret = served.client(
        machine=True, scopes=frozenset({"opendata:dataset:read", "protection:rows:read_open"})
    )
    answer = served.token(client, secret, grant_type="client_credentials")
    assert answer.json()["expires_in"] == 600
    assert "refresh_token" not in answer.json()
    bearer = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    api = rows_api(served.office)
    address = f"/api/v1/datasets/{api.partition(':')[2]}/rows"
    refused = served.http.get(address, headers=bearer)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "client_not_subscribed")
    subscriptions, steward = served.platform.subscriptions, served.office.codes["steward"]
    made = subscriptions.ask(steward, client.id, api, Plan.TRIAL)
    assert made.state is SubscriptionState.ACTIVE
    found = served.http.get(address, headers=bearer)
    assert found.status_code == 200, found.text
    assert found.json()["rows"]
    statuses = [served.http.get(address, headers=bearer).status_code for _ in range(2 * Plan.TRIAL.per_minute)]
    assert set(statuses) == {200, 429}
    shown = subscriptions.ask(steward, client.id, api, Plan.STANDARD)
    larger = subscriptions.ask(steward, client.id, api, Plan.LARGE)
    assert larger.state is SubscriptionState.ASKED
    with pytest.raises(NotFound):  # another plan is another subscription: nobody approves it unseen
        subscriptions.decide(served.office.codes["reviewer"], shown.id, approve=True, note="可以")
    larger = subscriptions.ask(steward, client.id, api, Plan.STANDARD)
    statuses.append(served.http.get(address, headers=bearer).status_code)
    assert statuses[-1] in {200, 429}, "the trial holds until the review"
    with pytest.raises(Denied):
        subscriptions.decide(steward, larger.id, approve=True, note="x")
    subscriptions.decide(served.office.codes["reviewer"], larger.id, approve=True, note="可以")
    assert served.http.get(address, headers=bearer).status_code == 200
    with pytest.raises(Conflict):
        subscriptions.decide(served.office.codes["reviewer"], larger.id, approve=True, note="x")
    subscriptions.end(steward, larger.id)
    assert served.http.get(address, headers=bearer).status_code == 403
    used = [one for one in subscriptions.use(steward, client.id) if one.api == api]
    assert sum(one.calls for one in used) == len(statuses) + 2
    others = [one for one in subscriptions.use(steward, client.id) if one.api == OTHER_API]
    assert sum(one.refused for one in others) >= 2, (
        "what is not subscribed to is counted together, so that no name fills memory"
    )
    assert sum(one.refused for one in used) == statuses.count(429)
    assert sum(sum(one.bins) for one in used) == sum(one.calls for one in used)
    with pytest.raises(NotFound):
        subscriptions.use(served.office.codes["first"], client.id)
    again = subscriptions.ask(steward, client.id, api, Plan.TRIAL)
    assert again.state is SubscriptionState.ASKED, "an end is not undone by who was ended"
    at = f"/console/clients/{client.id}"
    assert api in served.reader("steward").get(at).text


def test_a_plan_that_holds_goes_on_while_another_waits_and_after_a_refusal(served: Served) -> None:
    client, secret = served.client(
        machine=True, scopes=frozenset({"opendata:dataset:read", "protection:rows:read_open"})
    )
    token = served.token(client, secret, grant_type="client_credentials").json()["access_token"]
    api, subscriptions = rows_api(served.office), served.platform.subscriptions
    steward, reviewer = (served.office.codes[one] for one in ("steward", "reviewer"))

    def works() -> bool:
        address = f"/api/v1/datasets/{api.partition(':')[2]}/rows"
        return served.http.get(address, headers={"Authorization": f"Bearer {token}"}).status_code == 200

    def stand() -> set[tuple[Plan, SubscriptionState]]:
        return {(one.plan, one.state) for one in subscriptions.subscriptions(steward, client.id)}

    trial = subscriptions.ask(steward, client.id, api, Plan.TRIAL)
    wish = subscriptions.ask(steward, client.id, api, Plan.LARGE)
    both = {(Plan.TRIAL, SubscriptionState.ACTIVE), (Plan.LARGE, SubscriptionState.ASKED)}
    assert (works(), stand()) == (True, both)
    subscriptions.decide(reviewer, wish.id, approve=False, note="先用标准套餐")
    assert works()
    assert stand() == {(Plan.TRIAL, SubscriptionState.ACTIVE), (Plan.LARGE, SubscriptionState.REFUSED)}
    assert "先用标准套餐" in served.reader("steward").get(f"/console/clients/{client.id}").text
    taken_back = subscriptions.ask(steward, client.id, api, Plan.LARGE)
    subscriptions.end(steward, taken_back.id)
    with pytest.raises(Conflict):
        subscriptions.decide(reviewer, taken_back.id, approve=True, note="x")
    assert works()
    wish = subscriptions.ask(steward, client.id, api, Plan.STANDARD)
    subscriptions.decide(reviewer, wish.id, approve=True, note="可以")
    assert (works(), stand()) == (True, {(Plan.STANDARD, SubscriptionState.ACTIVE)})
    with pytest.raises(NotFound):
        subscriptions.end(steward, trial.id)
    subscriptions.ask(steward, client.id, api, Plan.LARGE)
    subscriptions.end(steward, wish.id)
    assert not works(), "what waits opens nothing"
    subscriptions.ask(steward, client.id, api, Plan.TRIAL)
    assert stand() == {(Plan.TRIAL, SubscriptionState.ASKED)}


def test_an_application_for_itself_reads_nothing_that_is_not_open_or_granted(served: Served) -> None:
    client, secret = served.client(
        machine=True, scopes=frozenset({READ, "protection:sql:run", "protection:rows:read_own"})
    )
    token = served.token(client, secret, grant_type="client_credentials").json()["access_token"]
    actor = served.platform.access.actor_for({}, f"Bearer {token}")
    assert (actor.id, actor.org_id) == (client.id, "education")
    assert (actor.session_id or "").startswith(f"{client.id}.tok_")
    assert [s for s in client.facts.scopes if served.platform.access.allows(actor, s, "education")] == []
    answer = served.http.post("/api/v1/sql", json={"sql": f'SELECT 1 FROM "{FIRMS}"'}, headers={"Authorization": f"Bearer {token}"})  # fmt: skip
    assert answer.status_code == 403
    with pytest.raises(Invalid):
        served.platform.subscriptions.ask(served.office.codes["steward"], client.id, "x:y", Plan.TRIAL)
    with pytest.raises(NotFound):
        served.platform.subscriptions.ask(served.office.codes["steward"], client.id, "rows:none", Plan.TRIAL)


def test_an_application_is_told_that_somebody_signed_out(served: Served) -> None:
    heard: list[dict[str, list[str]]] = []
    come = threading.Event()

    class Hook(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode()))
            self.send_response(204)
            self.end_headers()
            come.set()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    hook = HTTPServer(("127.0.0.1", 0), Hook)
    thread = threading.Thread(target=hook.serve_forever, daemon=True)
    thread.start()
    port = hook.server_port
    served.platform.sources.allow(SYSTEM, Target(host="127.0.0.1", port=port, network="127.0.0.1/32", uses=frozenset({Purpose.CALL})), "退出通知")  # fmt: skip
    client, secret = served.client(logout_uri=f"http://127.0.0.1:{port}/bye")
    reader = served.reader("first")
    token = served.signed_on(client, secret, reader)
    page = reader.get("/oauth/logout", params={"id_token_hint": token["id_token"], "post_logout_redirect_uri": "https://app.example.cn/bye", "state": "s1"})  # fmt: skip
    assert "form-action 'self' https://app.example.cn;" in page.headers["content-security-policy"]
    hidden = {
        "id_token_hint": token["id_token"],
        "post_logout_redirect_uri": "https://app.example.cn/bye",
        "state": "s1",
    }
    left = reader.post("/oauth/logout", {**hidden, "_csrf": reader.csrf}, Origin=served.address)
    assert left.headers["location"] == "https://app.example.cn/bye?state=s1"
    assert come.wait(90)
    claims = verified_claims(heard[0]["logout_token"][0], served.http.get("/oauth/jwks").json()["keys"])
    assert claims is not None
    assert (claims["aud"], claims["sub"]) == (client.id, served.office["first"].id)
    assert claims["events"] == {"http://schemas.openid.net/event/backchannel-logout": {}}
    assert not served.works(token["access_token"])
    hook.shutdown()
    thread.join()
    hook.server_close()


def test_signing_keys_follow_one_another_with_an_overlap(served: Served) -> None:
    client, secret = served.client()
    before = served.signed_on(client, secret, served.reader("first"))["id_token"]
    with pytest.raises(Denied):
        served.platform.sign_on.new_signing_key(served.office.codes["steward"])
    name = served.platform.sign_on.new_signing_key(SYSTEM)
    keys = served.http.get("/oauth/jwks").json()["keys"]
    assert name in {key["kid"] for key in keys}
    assert not any("d" in key for key in keys)
    after = served.signed_on(client, secret, served.reader("first"))["id_token"]
    for token in (before, after):
        assert verified_claims(token, keys) is not None
    assert verified_claims(before, [key for key in keys if key["kid"] == name]) is None


def _group(served: Served) -> Any:
    whole = served.platform
    return clients_group(
        lambda: whole.clients,
        lambda: whole.sign_on,
        lambda: whole.subscriptions,
        lambda: whole.access,
        lambda: whole.app_health,
    )


def test_the_terminal_knows_the_same_verbs(served: Served) -> None:
    group, shell = _group(served), CliRunner()

    def run(*words: str) -> str:
        found = shell.invoke(group, [*words])
        assert found.exit_code == 0, found.output
        return found.output

    run("register", "终端应用", "--purpose", "试", "--redirect", CALLBACK, "--scope", "openid", "--as", "steward")
    made = served.platform.clients.clients(SYSTEM)[0]
    assert made.id in run("list")
    run("review", made.id, "--approve", "--note", "可以", "--seen", made.shown.token, "--as", "reviewer")
    assert "bjs_" in run("secret", made.id, "--as", "steward")
    run("change", made.id, "--purpose", "查企业", "--machine", "--redirect", f"{CALLBACK}/two", "--as", "steward")
    waiting, _ = served.platform.clients.client(SYSTEM, made.id)
    assert waiting.facts.purpose == "试", "what is in force stays until the review"
    assert waiting.proposed == replace(
        waiting.facts, purpose="查企业", machine=True, redirect_uris=(f"{CALLBACK}/two",)
    )
    run("change", made.id, "--no-machine", "--as", "steward")
    waiting, _ = served.platform.clients.client(SYSTEM, made.id)
    assert waiting.proposed == replace(waiting.facts, purpose="查企业", redirect_uris=(f"{CALLBACK}/two",))
    assert shell.invoke(group, ["change", made.id, "--name", "别人的", "--as", "first"]).exit_code != 0
    run("review", made.id, "--approve", "--note", "可以", "--seen", waiting.shown.token, "--as", "reviewer")
    assert served.platform.clients.client(SYSTEM, made.id)[0].facts.purpose == "查企业"
    api = rows_api(served.office)
    run("subscribe", made.id, api, "--plan", "standard", "--as", "steward")
    asked = served.platform.subscriptions.subscriptions(SYSTEM, made.id)[0]
    run("decide", asked.id, "--approve", "--as", "reviewer")
    assert api in run("subscriptions", made.id)
    run("unsubscribe", asked.id, "--as", "steward")
    run("use", made.id)
    run("end-secrets", made.id, "--as", "steward")
    run("switch", made.id, "--off", "--reason", "试")
    assert made.id in run("show", made.id)
    run("new-key")


def test_the_api_knows_the_same_verbs(served: Served) -> None:
    steward, reviewer = served.reader("steward"), served.reader("reviewer")
    order = {"name": "接口应用", "purpose": "试", "redirect_uris": [CALLBACK], "scopes": ["openid"]}
    at = "/api/v1/clients"
    made = steward.call("POST", at, order)
    assert (made.status_code, made.json()["state"]) == (201, "submitted"), made.text
    one = f"{at}/{made.json()['client_id']}"
    assert steward.call("POST", f"{one}/review", {"approve": True, "note": "x"}).status_code == 403
    order_ = {"approve": True, "note": "可以", "seen": reviewer.call("GET", one).json()["seen"]}
    assert reviewer.call("POST", f"{one}/review", order_).json()["state"] == "active"
    assert steward.call("PUT", one, {**order, "name": "改名"}).json()["proposed"]["name"] == "改名"
    assert steward.call("POST", f"{one}/secrets", {}).json()["client_secret"].startswith("bjs_")
    api = {"api": rows_api(served.office), "plan": "standard"}
    asked = steward.call("POST", f"{one}/subscriptions", api).json()
    assert asked["state"] == "asked"
    decided = reviewer.call("POST", f"{at}/subscriptions/{asked['id']}/review", {"approve": False, "note": "x"})
    assert decided.json()["state"] == "refused"
    assert steward.call("DELETE", f"{at}/subscriptions/{asked['id']}").json()["state"] == "ended"
    assert steward.call("GET", f"{one}/subscriptions").json()["subscriptions"][0]["id"] == asked["id"]
    assert steward.call("GET", f"{one}/use").json() == {"use": []}
    assert steward.call("DELETE", f"{one}/secrets").json() == {"ended": 1}
    assert len(steward.call("GET", one).json()["secrets"]) == 0
    assert reviewer.call("POST", f"{one}/switch", {"off": True, "reason": "x"}).json()["state"] == "suspended"
    assert made.json()["client_id"] in {c["client_id"] for c in steward.call("GET", at).json()["clients"]}


def test_addresses_and_times_are_counted_where_they_belong() -> None:
    assert api_of("/api/v1/datasets/res_1/rows") == "rows:res_1"
    assert api_of("/api/v1/exchange/services/svc_1/call") == "service:svc_1"
    assert api_of("/api/v1/apps/firms/data/leagues") == "app:firms/leagues"
    assert api_of("/api/v1/sql") == "face:sql"
    assert (bin_of(5), bin_of(5.1), bin_of(99_999)) == (0, 1, 11)
    assert share_below([90, 5, 5, *[0] * 9], 0.95) == 10
    assert share_below([0] * 12, 0.95) == 0
    assert share_below([0] * 11 + [3], 0.95) is None
    assert Use.__dataclass_fields__["bins"].default == (0,) * 12


def test_a_sandbox_gives_rows_of_the_shape_and_of_nobody(served: Served) -> None:
    found = served.platform.catalog.resource_for_table(FIRMS)
    assert found is not None
    address = f"/api/v1/sandbox/{found.id}/rows"
    first = served.http.get(address, params={"_size": 20})
    assert first.headers["x-beijiang-synthetic"] == "true"
    body = first.json()
    assert "Synthetic" in body["synthetic"]["en"]
    real = served.http.get(f"/api/v1/datasets/{found.id}/rows").json()
    assert set(body) - {"synthetic"} == set(real)
    shape = [(column["name"], column["type"]) for column in body["columns"]]
    assert [c["name"] for c in real["columns"] if (c["name"], c["type"]) not in shape] == []
    known = {str(value) for row in real["rows"] for value in row.values()}
    assert not {str(value) for row in body["rows"] for value in row.values() if isinstance(value, str)} & known
    assert served.http.get(address, params={"_size": 20}).json() == body
    second = served.http.get(address, params={"_size": 20, "_next": body["next"]}).json()
    assert second["rows"] != body["rows"]
    assert served.http.get(address, params={"_size": 1000, "_next": "990"}).json()["next"] is None
    missing = served.http.get("/api/v1/sandbox/none/rows")
    assert missing.status_code == 404


def test_synthetic_values_follow_code_sets_and_check_digits() -> None:
    items = [
        ShapedItem(column="性别", type="text", codes=("1", "2")),
        ShapedItem(column="证件", type="text", check="citizen_id"),
        ShapedItem(column="信用代码", type="text", length=18, check="uscc"),
        ShapedItem(column="机构代码", type="text", length=9, check="org_code"),
        ShapedItem(column="卡号", type="text", length=19, check="bank_card"),
        ShapedItem(column="编号", type="text", check="luhn"),
        ShapedItem(column="数量", type="integer", length=3),
        ShapedItem(column="日期", type="date"),
    ]
    rows = synthetic_rows("res_1", items, 0, 500)
    assert {row["性别"] for row in rows} == {"1", "2", None}
    assert all(len(row["证件"]) == 18 and row["证件"].startswith("159999") for row in rows)
    assert all(check_citizen_id(row["证件"]).passes for row in rows)
    assert all(check_uscc(row["信用代码"], inner=True).verdict is Verdict.OK for row in rows)
    assert {row["信用代码"][2:8] for row in rows} == {"159999"}, "of a region that there is none of"
    assert all(check_org_code(row["机构代码"]).passes for row in rows)
    assert all(check_luhn(row["卡号"]).passes and len(row["卡号"]) == 19 for row in rows)
    assert all(check_luhn(row["编号"]).passes for row in rows)
    assert len({row["信用代码"] for row in rows}) > 490
    assert {type(row["数量"]) for row in rows} == {int, type(None)}
    assert 0.05 < sum(row["日期"] is None for row in rows) / len(rows) < 0.15
    assert synthetic_rows("res_1", items, 999, 5) == synthetic_rows("res_1", items, 999, 1)
    assert synthetic_rows("res_2", items, 0, 5) != rows[:5]
