"""Requests between nodes in the browser, over the API and at the terminal."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from beijiang.exchange import RequestState
from beijiang.federation import ParcelState
from beijiang.federation.commands import parcel_commands
from beijiang.kit import Invalid
from linked import AUDITOR
from travelling import CAPITAL, CITY, Browser, Levels, People

ORIGIN, WORD = "https://testserver", "Zhen-Shi-De-Mi-Ma-9"


@pytest.fixture(scope="module")
def levels(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Levels]:
    made = Levels(tmp_path_factory.mktemp("doors"))
    yield made
    made.close()


def test_a_department_asks_follows_and_collects_in_the_browser(levels: Levels) -> None:
    consumer, reviewer = Browser(levels.region, "consumer"), Browser(levels.region, "reviewer")
    assert f"/console/sharing/ask?resource={levels.entry}" in consumer.get("/console/sharing/find?q=对方节点")
    form = consumer.get(f"/console/sharing/ask?resource={levels.entry}")
    assert "先由本级数据局确认外送" in form
    assert 'value="row_api"' not in form, "only what travels is offered"
    today = levels.region.today
    sent = consumer.post(
        "/console/sharing/ask",
        resource=levels.entry,
        column=[CAPITAL, CITY],
        take=[CAPITAL, CITY],
        handling=["as_is", "as_is"],
        way=["file"],
        since=today.isoformat(),
        until=(today + timedelta(days=60)).isoformat(),
        purpose="supervision",
        use="与医疗机构名单比对，核查超范围经营",
        basis="<b>医疗机构管理条例</b>第五条",
        do="submit",
    )
    page = sent.headers["location"]
    assert "现在由本级数据局确认是否外送" in consumer.get(page)
    request_id = page.rsplit("/", 1)[1]
    revision = levels.here(request_id).revision
    reviewer.post(
        f"{page}/decide",
        do="approve",
        words="同意外送",
        revision=str(revision),
        column=[CAPITAL, CITY],
        take=[CAPITAL, CITY],
    )
    assert "等对方回执" in consumer.get(page)
    levels.post()
    assert "到达对方" in consumer.get(page)
    standing = levels.city.exchange.standing(levels.there(request_id).id)[1].to_json()
    step = {"at": standing["arrived_at"], "move": "urge", "stage": "", "name": "某人", "org": "某某局", "words": ""}
    told = {**standing, "state": "supplement", "steps": [{**step, "key": "other:1"}]}
    levels.down.send(levels.up, "request.told", {"request": request_id, "standing": told}, f"request:{request_id}")
    levels.post()
    node = levels.up.platform.nodes.link(AUDITOR, levels.down.id).card.name.zh
    assert f"某某局 · {node}" in consumer.get(page), "whose step it was, and a page although nothing was asked for"

    theirs = Browser(levels.city, "reviewer")
    assert "来自" in theirs.get("/console/sharing?show=mine")
    filed = levels.there(request_id)
    there = theirs.get(f"/console/sharing/requests/{filed.id}")
    assert "到达本节点" in there
    assert "<b>医疗机构管理条例" not in there, "what another node says is text"
    for login in ("reviewer", "steward", "lead", "publisher"):
        levels.city.exchange.approve(levels.city[login], filed.id, "同意")
    levels.post()
    assert "索取数据" in consumer.get(page)
    consumer.post(f"{page}/parcels", form="csv")
    levels.post()
    shown = consumer.get(page)
    parcel = shown.split('action="/console/sharing/parcels/')[1].split('"')[0]
    assert "注册资本" in consumer.post(f"/console/sharing/parcels/{parcel}").content.decode("utf-8-sig")
    assert consumer.client.post(f"/console/sharing/parcels/{parcel}").status_code == 409
    consumer.post(f"{page}/dispute", words="收窄了范围", move="raise")
    consumer.post(f"{page}/give-back", words="业务结束")
    levels.post()
    assert (
        levels.city.exchange.grant(levels.city["lead"], filed.grant_id or levels.there(request_id).grant_id).grant.state
        == "revoked"
    )


def test_the_api_and_the_terminal_do_the_same(levels: Levels, tmp_path: Path) -> None:
    made, _ = levels.granted(CAPITAL)
    people = People(levels.region)
    consumer = people["consumer"]
    at = f"/api/v1/federation/requests/{made.id}"
    shown = consumer.get(f"/api/v1/exchange/requests/{made.id}").json()
    assert shown["afar"]["node_id"] == levels.down.id
    wanted = consumer.post(f"{at}/parcels", json={"form": "csv"})
    assert wanted.status_code == 201, wanted.text
    levels.post()
    listed = consumer.get(f"{at}/parcels").json()["parcels"]
    assert [one["state"] for one in listed if one["id"] == wanted.json()["id"]] == [ParcelState.ARRIVED.value]
    assert "key" not in listed[0]
    had = consumer.post(f"/api/v1/federation/parcels/{wanted.json()['id']}")
    assert had.headers["X-Beijiang-Receipt"] == listed[0]["receipt"]
    assert consumer.post(f"/api/v1/federation/parcels/{wanted.json()['id']}").status_code == 409
    assert people["banner"].get(f"{at}/parcels").status_code == 404, "another department's"

    platform = levels.up.platform
    group = parcel_commands(lambda: platform.travels, lambda: platform.exchange, lambda: platform.access)

    def run(*words: str) -> str:
        done = CliRunner().invoke(group, [*words, "--as", "consumer"])
        assert done.exit_code == 0, (words, done.output, done.exception)
        return done.output

    run("want", made.id, "--format", "csv")
    levels.post()
    assert "已送达" in run("list", made.id)
    other = CliRunner().invoke(
        group, ["dispute", made.id, "--words", "裁定", "--move", "decide", "--as", "consumer"], catch_exceptions=True
    )
    assert isinstance(other.exception, Invalid), "what is the other side's to do is not done from here"
    assert other.exception.reason == "not_the_askers"
    fresh = next(
        one for one in platform.travels.parcels(levels.region["consumer"], made.id) if one.state is ParcelState.ARRIVED
    )
    out = tmp_path / "firms.csv"
    run("collect", fresh.id, str(out))
    assert "注册资本" in out.read_text("utf-8-sig")
    run("give-back", made.id, "--words", "业务结束")
    assert consumer.post(f"{at}/dispute", json={"words": "对授权有异议"}).status_code == 200
    levels.post()
    assert levels.here(made.id).state is RequestState.APPROVED


def test_a_steward_states_where_the_data_of_an_entry_are(levels: Levels) -> None:
    steward = People(levels.region)["steward"]
    at = f"/api/v1/federation/places/{levels.entry}"
    assert steward.put(at, json={"node_id": "NM-9999", "entry": "x"}).status_code == 404
    assert steward.put(at, json={"node_id": levels.down.id, "entry": "a b"}).status_code == 422
    own = f"/api/v1/federation/places/{levels.region.resource.id}"
    assert steward.put(own, json={"node_id": levels.down.id, "entry": "x"}).json()["error"]["code"] == "data_are_here"
    kept = {"node_id": levels.down.id, "entry": levels.city.resource.id}
    assert steward.put(at, json=kept).json() == kept
    assert People(levels.region)["consumer"].put(at, json=kept).status_code in {403, 404}
    page = Browser(levels.region, "steward").get(f"/console/catalog/{levels.entry}")
    assert levels.city.resource.id in page
