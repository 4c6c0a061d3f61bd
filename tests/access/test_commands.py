"""The same verbs at the terminal."""

import json
from collections.abc import Iterator

import pytest
import typer
from typer.testing import CliRunner, Result

from beijiang.access import commands
from beijiang.kit import BeijiangError, Denied, Language
from beijiang.terminal import set_style

from .conftest import World


@pytest.fixture(autouse=True)
def _json() -> Iterator[None]:
    set_style(as_json=True, language=Language.ZH)
    yield
    set_style(as_json=False, language=Language.ZH)


def app(world: World) -> typer.Typer:
    root = typer.Typer()
    root.add_typer(commands.people(lambda: world.access), name="people")
    root.add_typer(commands.organisations(lambda: world.access), name="orgs")
    root.add_typer(commands.keys(lambda: world.access), name="keys")
    return root


def run(world: World, *words: str) -> Result:
    return CliRunner().invoke(app(world), list(words))


def answer(world: World, *words: str) -> object:
    result = run(world, *words)
    assert result.exit_code == 0, (result.output, result.exception)
    return json.loads(result.stdout)


def test_an_account_from_making_to_closing(embedded: World) -> None:
    made = answer(embedded, "people", "add", "gerel", "格日勒", "--org", "education", "--role", "steward")
    assert isinstance(made, dict)
    assert (made["roles"], made["state"]) == (["steward"], "待设口令")
    assert embedded.access.sign_in("gerel", made["one_time_code"], "x").session.must_set_password
    changed = answer(embedded, "people", "roles", "gerel", "--role", "analyst", "--role", "steward", "--as", "sec")
    assert isinstance(changed, dict)
    assert changed["roles"] == ["analyst", "steward"]
    closed = answer(embedded, "people", "disable", "gerel", "--reason", "调离", "--as", "sys")
    assert isinstance(closed, dict)
    assert closed["state"] == "已停用"
    answer(embedded, "people", "enable", "gerel")
    code = answer(embedded, "people", "reset", "gerel")
    assert isinstance(code, dict)
    assert code["one_time_code"] != made["one_time_code"]
    listed = answer(embedded, "people", "list", "--org", "education")
    assert isinstance(listed, list)
    assert {one["login"] for one in listed} == {"bao", "qian", "gerel"}


def test_acting_as_somebody_has_their_rights_and_no_more(embedded: World) -> None:
    result = run(embedded, "people", "add", "x1", "某", "--as", "wang")
    assert isinstance(result.exception, Denied)
    result = run(embedded, "people", "list", "--as", "nobody")
    assert isinstance(result.exception, BeijiangError)
    assert result.exception.reason == "person_unknown"


def test_organisations_and_keys(embedded: World) -> None:
    added = answer(embedded, "orgs", "add", "水利厅", "--id", "water", "--english", "Water", "--region", "150000")
    assert isinstance(added, dict)
    listed = answer(embedded, "orgs", "list", "--tier", "1")
    assert isinstance(listed, list)
    assert [one["id"] for one in listed] == ["bigdata", "education", "water"]
    made = answer(embedded, "keys", "issue", "脚本", "--scope", "catalog:resource:read", "--days", "3", "--as", "wang")
    assert isinstance(made, dict)
    assert embedded.access.actor_for({}, made["secret"]).id == embedded.id("wang")
    revoked = answer(embedded, "keys", "revoke", made["id"])
    assert isinstance(revoked, dict)
    keys = answer(embedded, "keys", "list", "--as", "wang")
    assert isinstance(keys, list)
    assert [one["revoked_at"] for one in keys] == [revoked["revoked_at"]]


def test_a_table_for_people_shows_no_json(embedded: World) -> None:
    set_style(as_json=False, language=Language.EN)
    result = run(embedded, "people", "list")
    assert "wang" in result.stdout
    assert "active" in result.stdout
    assert "{" not in result.stdout
