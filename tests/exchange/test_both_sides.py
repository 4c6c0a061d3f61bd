"""Both sides of a grant keep the receipts of what was read under it; nobody else has them."""

from __future__ import annotations

import json

import pytest
from exchange_bureau import TABLE, Bureau
from fastapi.testclient import TestClient
from typer.testing import CliRunner

from beijiang import terminal
from beijiang.access import KeyDraft, Permission
from beijiang.app import create_app
from beijiang.evidence.commands import add_receipts, commands
from beijiang.kit import Language, NotFound, Throttled
from beijiang.protection.models import rowquery

AT = "/api/v1/evidence/receipts"


def read(bureau: Bureau) -> str:
    receipt: str = bureau.exchange.rows(bureau["consumer"], TABLE, rowquery.RowQuery(size=2)).receipt
    return receipt


def programme(bureau: Bureau, login: str) -> TestClient:
    scopes = frozenset({str(Permission.EVIDENCE_RECEIPT_READ), str(Permission.EXCHANGE_GRANT_READ)})
    _, secret = bureau.platform.access.issue_key(bureau[login], KeyDraft(name="回执", scopes=scopes, days=1))
    return TestClient(create_app(bureau.platform), headers={"Authorization": f"Bearer {secret}"})


def test_provider_and_colleagues_have_the_receipt_and_others_do_not(bureau: Bureau) -> None:
    grant = bureau.granted("注册资本")
    mine = read(bureau)
    receipts = bureau.platform.receipts
    for login in ("consumer", "colleague", "steward", "lead"):
        assert receipts.receipt(bureau[login], mine)["id"] == mine
        assert [one.id for one in receipts.under(bureau[login], grant.id).records] == [mine]
    with pytest.raises(NotFound) as hidden:
        receipts.receipt(bureau["banner"], mine)
    assert hidden.value.reason == "receipt_not_found"
    with pytest.raises(NotFound):
        receipts.under(bureau["banner"], grant.id)


def test_a_read_that_was_refused_is_no_delivery_for_either_side(bureau: Bureau) -> None:
    grant = bureau.granted("注册资本", rows_per_day=3)
    made = read(bureau)
    for _ in range(3):
        with pytest.raises(Throttled):
            read(bureau)
    receipts = bureau.platform.receipts
    assert [one.id for one in receipts.under(bureau["steward"], grant.id, limit=2).records] == [made]
    assert [one.id for one in receipts.mine(bureau["consumer"], limit=2).records] == [made], "past the refused ones"


def test_what_was_read_without_the_grant_stays_with_whoever_read_it(bureau: Bureau) -> None:
    free = read(bureau)  # shared with everybody
    grant = bureau.granted("注册资本")
    read(bureau)
    receipts = bureau.platform.receipts
    assert free not in [one.id for one in receipts.under(bureau["steward"], grant.id).records]
    with pytest.raises(NotFound):
        receipts.receipt(bureau["colleague"], free)


def test_deliveries_of_a_grant_are_listed_over_the_api_and_at_the_terminal(bureau: Bureau) -> None:
    grant = bureau.granted("注册资本")
    made = [read(bureau) for _ in range(3)][::-1]
    client = programme(bureau, "steward")
    first = client.get(AT, params={"grant": grant.id, "limit": 2}).json()
    rest = client.get(AT, params={"grant": grant.id, "before": first["next"]}).json()
    assert [one["id"] for one in (*first["receipts"], *rest["receipts"])] == made
    assert {one["by"] for one in first["receipts"]} == {"consumer"}
    assert client.get(f"{AT}/{made[0]}").status_code == 200
    assert programme(bureau, "banner").get(AT, params={"grant": grant.id}).status_code == 404
    terminal.set_style(as_json=True, language=Language.ZH)
    platform = bureau.platform
    group = commands(lambda: platform.evidence_reader)
    add_receipts(group, lambda: platform.receipts, lambda: platform.evidence)
    done = CliRunner().invoke(group, ["about", "grant", grant.id, "--deliveries"])
    terminal.set_style(as_json=False, language=Language.ZH)
    assert done.exit_code == 0, done.output
    assert [one["id"] for one in json.loads(done.output)] == made
