"""Applications are held to their plans and counted by whatever protocol they ask: CKAN, MCP, Flight SQL, shared tables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pyarrow.flight as fl
import pytest
from asking import FIRMS, firm
from oidc import READ, Served

from beijiang.apps import FACES, Client, Plan
from beijiang.apps.models.subscriptions import OTHER_API, api_of
from beijiang.exchange.routes.flight import ADDRESS, FlightServer
from beijiang.kit import SYSTEM, FixedClock, Invalid, NotFound, SystemClock
from waiting import until

SCOPES = frozenset(
    {
        "openid",
        READ,
        "catalog:resource:search",
        "opendata:dataset:read",
        "protection:sql:run",
        "protection:rows:read_granted",
    }
)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    opened = Served(tmp_path_factory.mktemp("metering"))
    opened.office.write([firm(n) for n in range(30)])
    opened.office.publish()
    yield opened
    opened.close()


@pytest.fixture(autouse=True)
def _one_minute(served: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let all that a test asks be asked in one minute, however long that takes."""
    monkeypatch.setattr(served.platform.clients, "clock", FixedClock(SystemClock().now()))


def token_of(served: Served) -> tuple[Client, str]:
    client, secret = served.client(scopes=SCOPES)
    wish = (
        f"openid {READ} catalog:resource:search opendata:dataset:read protection:sql:run protection:rows:read_granted"
    )
    return client, served.signed_on(client, secret, served.reader("first"), scope=wish)["access_token"]


def used(served: Served, client: Client, api: str) -> list[int]:
    """Return calls, errors and refusals."""
    found = [one for one in served.platform.subscriptions.use(SYSTEM, client.id) if one.api == api]
    return [sum(one.calls for one in found), sum(one.errors for one in found), sum(one.refused for one in found)]


def counted(served: Served, client: Client, api: str, calls: int) -> list[int]:
    """Return them when so many calls are counted: an answer may be here before it is."""
    until(lambda: used(served, client, api)[0] >= calls)
    return used(served, client, api)


def subscribe(served: Served, client: Client, api: str) -> None:
    served.platform.subscriptions.ask(served.office.codes["steward"], client.id, api, Plan.TRIAL)


def ckan(served: Served, token: str) -> Any:
    return served.http.get("/api/3/action/package_list", headers={"Authorization": token})


def mcp(served: Served, token: str) -> Any:
    heads = {"Authorization": f"Bearer {token}", "Accept": "application/json, text/event-stream"}
    asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    return served.http.post("/mcp", json=asked, headers=heads)


def table(served: Served, token: str) -> Any:
    return served.http.get(f"/api/v1/exchange/tables/{FIRMS}/rows", headers={"Authorization": f"Bearer {token}"})


def sql(served: Served, token: str) -> Any:
    asked = {"sql": "SELECT 1", "purpose": "核对"}
    return served.http.post("/api/v1/sql", json=asked, headers={"Authorization": f"Bearer {token}"})


@pytest.mark.parametrize(
    ("ask", "api"), [(ckan, "face:ckan"), (mcp, "face:mcp"), (sql, "face:sql"), (table, f"table:{FIRMS}")]
)
def test_every_way_in_asks_for_a_subscription_holds_the_plan_and_counts(served: Served, ask: Any, api: str) -> None:
    client, token = token_of(served)
    assert ask(served, token).status_code == 403
    assert counted(served, client, OTHER_API, 1)[2] == 1
    subscribe(served, client, api)
    assert ask(served, token).status_code not in {403, 429}, ask(served, token).text
    statuses = [ask(served, token).status_code for _ in range(2 * Plan.TRIAL.per_minute)]
    assert 429 in statuses
    _, _, refused = counted(served, client, api, len(statuses) + 1)
    assert refused == statuses.count(429)


def test_flight_sql_asks_for_a_subscription_holds_the_plan_and_counts(served: Served) -> None:
    platform = served.platform
    client, token = token_of(served)
    server = FlightServer(platform.flight, platform.access, platform.settings, platform.subscriptions)
    try:
        reader = fl.FlightClient(server.address)
        options = fl.FlightCallOptions(headers=[(b"authorization", f"Bearer {token}".encode())])
        with pytest.raises(fl.FlightUnauthorizedError, match="client_not_subscribed"):
            list(reader.list_actions(options))
        subscribe(served, client, "face:flight")
        assert list(reader.list_actions(options))
        outcomes = []
        for _ in range(2 * Plan.TRIAL.per_minute):
            try:
                list(reader.list_actions(options))
                outcomes.append("")
            except fl.FlightUnavailableError as error:
                assert "client_quota" in str(error)  # noqa: PT017 - some pass and some do not
                outcomes.append("refused")
        reader.close()
    finally:
        server.close()
    assert set(outcomes) == {"", "refused"}
    calls, errors, refused = counted(served, client, "face:flight", len(outcomes) + 1)
    assert (calls, errors) == (len(outcomes) + 1, 0)
    assert refused == outcomes.count("refused")


def test_people_and_their_keys_have_no_plan(served: Served) -> None:
    reader = served.reader("first")
    assert "client_not_subscribed" not in reader.get(f"/api/v1/exchange/tables/{FIRMS}/rows").text
    assert served.http.get("/api/3/action/package_list").status_code == 200


def test_what_may_be_subscribed_to_has_a_name(served: Served) -> None:
    client, _ = token_of(served)
    subscriptions, steward = served.platform.subscriptions, served.office.codes["steward"]
    for face in FACES:
        assert subscriptions.ask(steward, client.id, f"face:{face}", Plan.TRIAL).name == FACES[face].zh
    with pytest.raises(NotFound):
        subscriptions.ask(steward, client.id, "table:没有这张表", Plan.TRIAL)
    with pytest.raises(Invalid):
        subscriptions.ask(steward, client.id, "face:none", Plan.TRIAL)


@pytest.mark.parametrize(
    ("path", "api"),
    [
        ("/api/3/action/datastore_search", "face:ckan"),
        ("/api/action/datastore_search", "face:ckan"),
        ("/api/util/status", "face:ckan"),
        ("/datastore/dump/x", "face:ckan"),
        ("/mcp", "face:mcp"),
        ("/mcp/", "face:mcp"),
        ("/share/shares", "face:share"),
        ("/api/v1/sql", "face:sql"),
        ("/api/v1/sql/export", "face:sql"),
        ("/api/v1/sql/history", OTHER_API),
        (ADDRESS, "face:flight"),
        ("/api/v1/exchange/tables/a#b/rows", "table:a#b"),
        ("/api/v1/exchange/tables/a/b/download", "table:a/b"),
    ],
)
def test_no_address_of_rows_is_counted_as_none(path: str, api: str) -> None:
    assert api_of(path) == api
