"""Both sides are told what of a grant is not shared any more, since when and why, and when it is shared again."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from exchange_bureau import Bureau, People
from typer.testing import CliRunner

from beijiang.catalog import ItemEdit, ResourceEdit, ShareType
from beijiang.exchange import Narrowing
from beijiang.exchange.commands import add_stops, commands
from beijiang.exchange.models.stops import EVERYTHING, StopReason
from beijiang.kit import NotFound
from beijiang.notices import NoticeQuery

NAME, CAPITAL = "企业名称", "注册资本"


def stops(bureau: Bureau, grant: Any, login: str = "consumer") -> list[tuple[str, StopReason, bool]]:
    bureau.platform.stops.watch()
    found = bureau.platform.stops.of(bureau[login], grant.id)
    return [(one.column, one.reason, one.ended_at is None) for one in found]


def heard(bureau: Bureau, login: str, thing: str) -> list[str]:
    while bureau.platform.notices.take():
        pass
    shown = bureau.platform.notices.notices(bureau[login], NoticeQuery(unread_only=True))
    return [one.notice.action for one in shown if one.notice.thing == thing]


def republished(bureau: Bureau, resource_id: str, *items: ItemEdit) -> None:
    catalog = bureau.platform.catalog
    catalog.edit(bureau["steward"], resource_id, ResourceEdit(items=items))
    catalog.submit(bureau["steward"], resource_id)
    catalog.approve(bureau["reviewer"], resource_id)
    catalog.publish(bureau["publisher"], resource_id)


def test_a_withdrawn_entry_stops_the_whole_grant_and_both_sides_hear_of_it_once(bureau: Bureau) -> None:
    resource = bureau.publish("停止一", 5)
    grant = bureau.granted(NAME, CAPITAL, resource=resource.id)
    assert stops(bureau, grant) == []
    bureau.platform.catalog.withdraw(bureau["publisher"], resource.id, "停办此项业务")
    for _ in range(2):
        assert stops(bureau, grant) == [(EVERYTHING, StopReason.OFFLINE, True)]
    assert heard(bureau, "consumer", grant.id).count("exchange.share_stop") == 1
    assert heard(bureau, "lead", grant.id).count("exchange.share_stop") == 1
    assert heard(bureau, "banner", grant.id) == []
    with pytest.raises(NotFound):
        bureau.read("consumer", "停止一")


def test_an_item_that_is_kept_back_stops_alone_and_is_told_when_it_comes_back(bureau: Bureau) -> None:
    resource = bureau.publish("停止二", 5)
    grant = bureau.granted(NAME, CAPITAL, resource=resource.id)
    kept = ItemEdit(column=CAPITAL, share_type=ShareType.NOT_SHARED, no_share_basis="某法第九条")
    republished(bureau, resource.id, kept)
    assert stops(bureau, grant) == [(CAPITAL, StopReason.NOT_SHARED, True)]
    assert all(CAPITAL not in row for row in bureau.read("consumer", "停止二"))
    republished(bureau, resource.id, ItemEdit(column=CAPITAL, share_type=ShareType.CONDITIONAL, no_share_basis=""))
    assert stops(bureau, grant) == [(CAPITAL, StopReason.NOT_SHARED, False)]
    assert "exchange.share_resume" in heard(bureau, "consumer", grant.id)


def test_a_narrowed_grant_says_what_it_lost_and_the_provider_hears_too(bureau: Bureau) -> None:
    resource = bureau.publish("停止三", 5)
    grant = bureau.granted(NAME, CAPITAL, resource=resource.id)
    bureau.exchange.narrow(bureau["lead"], grant.id, Narrowing(without=frozenset({CAPITAL})), "只需名称")
    assert stops(bureau, grant) == [(CAPITAL, StopReason.NARROWED, True)]
    assert "exchange.grant_cut" in heard(bureau, "consumer", grant.id)
    assert all(CAPITAL not in row for row in bureau.read("consumer", "停止三"))


def test_an_item_that_was_kept_back_and_then_cut_is_never_told_as_shared_again(bureau: Bureau) -> None:
    resource = bureau.publish("停止五", 5)
    grant = bureau.granted(NAME, CAPITAL, resource=resource.id)
    republished(
        bureau, resource.id, ItemEdit(column=CAPITAL, share_type=ShareType.NOT_SHARED, no_share_basis="某法第九条")
    )
    assert stops(bureau, grant) == [(CAPITAL, StopReason.NOT_SHARED, True)]
    bureau.clock.at += timedelta(minutes=1)
    bureau.exchange.narrow(bureau["lead"], grant.id, Narrowing(without=frozenset({CAPITAL})), "只需名称")
    found = stops(bureau, grant)
    assert sorted(found) == [(CAPITAL, StopReason.NARROWED, True), (CAPITAL, StopReason.NOT_SHARED, False)]
    assert "exchange.share_resume" not in heard(bureau, "consumer", grant.id)


def test_neither_side_sees_the_stops_of_others(bureau: Bureau) -> None:
    people = People(bureau)
    resource = bureau.publish("停止四", 5)
    grant = bureau.granted(NAME, resource=resource.id)
    bureau.platform.catalog.withdraw(bureau["publisher"], resource.id, "停办")
    bureau.platform.stops.watch()
    path = f"/api/v1/exchange/grants/{grant.id}/stops"
    (one,) = people["consumer"].get(path).json()["stops"]
    assert (one["item"], one["reason"], one["ended_at"]) == (None, "offline", None)
    assert people["lead"].get(path).status_code == 200
    hidden, made_up = people["banner"].get(path), people["banner"].get(path.replace(grant.id, "gra_none"))
    assert (hidden.status_code, made_up.status_code) == (404, 404)
    assert hidden.json()["error"]["code"] == made_up.json()["error"]["code"]
    platform = bureau.platform
    group = commands(lambda: platform.exchange, lambda: platform.access)
    add_stops(group, lambda: platform.stops, lambda: platform.access)
    shown = CliRunner().invoke(group, ["stops", grant.id, "--as", "consumer"])
    assert shown.exit_code == 0
    assert "offline" in shown.output
