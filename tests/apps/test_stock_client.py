"""A client library that others wrote signs on, renews, reads and leaves; and applications ask for themselves."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from authlib.integrations.httpx_client import OAuth2Client
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwt
from joserfc.jwk import KeySet
from oidc import CALLBACK, READ, Served, hidden, told


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    opened = Served(tmp_path_factory.mktemp("stock"))
    yield opened
    opened.close()


def test_a_stock_client_signs_on_with_code_and_pkce_and_renews(served: Served, tmp_path: Path) -> None:
    client, secret = served.client()
    found = served.http.get("/.well-known/openid-configuration").json()
    assert found["issuer"] == served.address
    words = {"scope": f"openid profile {READ}", "redirect_uri": CALLBACK, "code_challenge_method": "S256"}
    stock = OAuth2Client(client.id, secret, **words)
    verifier = "a" * 60
    url, state = stock.create_authorization_url(found["authorization_endpoint"], code_verifier=verifier, nonce="n-1")
    assert create_s256_code_challenge(verifier) in url
    reader = served.reader("first")
    page = reader.get(url)
    assert page.status_code == 200
    assert "企业查询" in page.text
    assert "app.example.cn" in page.text
    answer = reader.post("/oauth/authorize", {**hidden(page, reader), "do": "allow"}, Origin=served.address)
    assert told(answer)["iss"] == served.address
    token = stock.fetch_token(
        found["token_endpoint"],
        authorization_response=answer.headers["location"],
        code_verifier=verifier,
        state=state,
    )
    keys = KeySet.import_key_set(served.http.get("/oauth/jwks").json())
    claims = jwt.decode(token["id_token"], keys, ["ES256"]).claims
    assert (claims["iss"], claims["aud"], claims["nonce"]) == (served.address, client.id, "n-1")
    assert claims["sub"] == served.office["first"].id
    assert claims["org"] == "health"
    who = stock.get(found["userinfo_endpoint"]).json()
    for posted in (
        stock.post(found["userinfo_endpoint"]),
        served.http.post(found["userinfo_endpoint"], data={"access_token": token["access_token"]}),
    ):
        assert (posted.status_code, posted.json()) == (200, who), posted.text
        assert posted.headers["cache-control"] == "no-store"
    assert served.http.post(found["userinfo_endpoint"]).status_code == 401
    assert served.http.post(found["userinfo_endpoint"], data={"access_token": "bjt_none"}).status_code == 401
    assert who == {"sub": claims["sub"], "name": "first某", "org": "health", "org_name": claims["org_name"]}
    fresh = stock.refresh_token(found["token_endpoint"], refresh_token=token["refresh_token"])
    assert fresh["access_token"] != token["access_token"]
    assert fresh["refresh_token"] != token["refresh_token"]
    assert served.works(fresh["access_token"])
    stock.revoke_token(found["revocation_endpoint"], token=fresh["refresh_token"])
    assert not served.works(fresh["access_token"])
    stock.close()


def test_the_example_of_the_how_to_signs_somebody_on(served: Served) -> None:
    text = (Path(__file__).parents[2] / "docs/how-to/sign-people-on.md").read_text("utf-8")
    client, secret = served.client()
    example: dict[str, Any] = {
        "PLATFORM": served.address,
        "CLIENT_ID": client.id,
        "CLIENT_SECRET": secret,
        "CALLBACK": CALLBACK,
    }
    exec(text.split("```python\n")[1].split("```")[0], example)  # noqa: S102 - the example as people copy it
    address, kept = example["begin"]()
    reader = served.reader("second")
    page = reader.get(address)
    assert page.status_code == 200
    sent = {**hidden(page, reader), "do": "allow"}
    back = reader.post("/oauth/authorize", sent, Origin=served.address).headers["location"]
    assert example["finish"](back, kept)["name"] == "second某"
    with pytest.raises(AssertionError, match="somebody else"):
        example["finish"](back.replace("iss=", "iss=https%3A%2F%2Fevil.cn&x="), kept)
    example["client"].close()
