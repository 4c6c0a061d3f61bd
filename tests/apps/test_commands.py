"""``beijiang app``: trials, ratings, grants and filled tables at the terminal, as the person who is named, with his rights alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from asking import OTHER, OWNER, Office
from hosting import bundle, released, renamed
from typer.testing import CliRunner

from beijiang import terminal
from beijiang.apps import AudienceKind
from beijiang.apps.commands import commands
from beijiang.apps.commands.life import add_canaries, add_ratings
from beijiang.kit import BeijiangError, Language

BOTH = (OWNER, OTHER)


@pytest.fixture
def ask(office: Office) -> Iterator[Callable[..., Any]]:
    """Return what runs a command to its good end and gives its rows, or lets its error out."""
    platform = office.platform
    group = commands(
        lambda: platform.apps,
        lambda: platform.app_jobs,
        lambda: platform.access,
        lambda: platform.app_servers,
        lambda *_words: None,
    )
    add_canaries(group, lambda: platform.app_canaries, lambda: platform.access)
    add_ratings(group, lambda: platform.app_ratings, lambda: platform.access)

    def run(login: str, *words: str) -> Any:
        done = CliRunner().invoke(group, [*words, "--as", login])
        if isinstance(done.exception, BeijiangError):
            raise done.exception
        assert done.exit_code == 0, done.output
        lines = [line for line in done.output.splitlines() if line.startswith(("[", "{"))]
        return json.loads(lines[-1]) if lines else done.output

    terminal.set_style(as_json=True, language=Language.EN)
    yield run
    terminal.set_style(as_json=False, language=Language.ZH)


def test_a_version_on_trial_is_begun_compared_promoted_and_withdrawn(office: Office, ask: Callable[..., Any]) -> None:
    name = "cli-trial"
    files = renamed(bundle(), name)
    released(office, files, AudienceKind.DEPARTMENTS, *BOTH)
    for number in (2, 3):
        files["i18n/en.toml"] += f'"第{number}版" = "Version {number}"\n'
        ask_version = office.platform.apps.submit(office["steward"], dict(files))[1].number
        assert ask_version == number
        ask("reviewer", "review", name, str(number), "--approve", "--note", "ok")
        if number == 2:
            with pytest.raises(BeijiangError) as caught:
                ask("first", "canary", "begin", name, "2", "--to", "departments", "--name", OTHER)
            assert caught.value.reason == "app_not_found"
            ask("publisher", "canary", "begin", name, "2", "--to", "departments", "--name", OTHER)
            office.platform.apps.page(office["first"], name, "overview", {})
            before, trial = ask("publisher", "canary", "show", name)
            assert [(before["version"], before["trial"]), (trial["version"], trial["trial"])] == [(1, False), (2, True)]
            assert trial["answers"] >= 1
            ask("publisher", "canary", "promote", name, "--reason", "good", "--seen", trial["seen"])
            assert office.platform.apps.app(office["steward"], name)[0].current == 2
    ask("publisher", "canary", "begin", name, "3", "--to", "share", "--percent", "10")
    ask("steward", "canary", "withdraw", name, "--reason", "not yet")
    assert office.platform.apps.app(office["steward"], name)[0].current == 2
    assert ask("publisher", "canary", "show", name) == []


def test_a_reader_rates_the_makers_answer_and_the_authority_hides(office: Office, ask: Callable[..., Any]) -> None:
    name = "cli-rated"
    released(office, renamed(bundle(), name), AudienceKind.DEPARTMENTS, *BOTH)
    ask("first", "rate", name, "--stars", "4", "--words", "clear")
    (one,) = ask("first", "ratings", name)
    assert (one["stars"], one["words"]) == (4, "clear")
    with pytest.raises(BeijiangError):
        ask("first", "answer-rating", name, one["id"], "--words", "not mine to say")
    ask("steward", "answer-rating", name, one["id"], "--words", "thanks")
    assert ask("first", "ratings", name)[0]["answer"] == "thanks"
    ask("reviewer", "hide-rating", name, one["id"], "--reason", "names a person")
    assert [row["words"] for row in ask("second", "ratings", name)] != ["clear"]
    ask("reviewer", "hide-rating", name, one["id"])
    assert [row["words"] for row in ask("second", "ratings", name)] == ["clear"]
    ask("first", "rate", name, "--remove")
    assert ask("first", "ratings", name) == []


def test_grants_of_an_application_without_any_and_for_whom_they_are_not(
    office: Office, ask: Callable[..., Any]
) -> None:
    name = "cli-grants"
    number = released(office, renamed(bundle(), name), AudienceKind.DEPARTMENTS, OWNER)
    assert ask("reviewer", "grants", name, str(number)) == []
    with pytest.raises(BeijiangError) as caught:
        ask("first", "grants", name, str(number))
    assert caught.value.reason == "app_not_found"
    ask("steward", "fill", name, str(number))
    assert ask("steward", "jobs", name) == [], "it has no job to fill anything"
