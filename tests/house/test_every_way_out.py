"""Every way out of the platform is listed with what it gives: each address, each command. A new one has to say so first.

``ways_out.csv`` is the list; ``tests/attacks/test_exits.py`` asks for what it says, with marked rows of every grade, as people in every role.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fastapi.routing import APIRoute

from beijiang import reference
from beijiang.app import create_app
from beijiang.build import Platform
from beijiang.tables import Exit

LIST = Path(__file__).with_name("ways_out.csv")
GIVES = {
    "gate": "rows or values of tables, through protection.Gate",
    "noise": "statistics with the noise of differential privacy",
    "numbers": "counts over whole tables; no value of a row",
    "own": "what a department handed in or its source holds, shown back to that department alone (ADR 4)",
    "metadata": "names, types, grades, states, settings; no value of a row",
    "evidence": "who did what when; no value of a row",
    "public": "standards and the platform itself; the same for everybody",
    "act": "changes something and answers with what was asked for, a redirect, or nothing",
}
KIND = "{} is not in tests/house/ways_out.csv. Add a line that says what it gives to people: one of\n{}\nIf it gives rows or values, they have to come through protection.Gate, and tests/attacks/test_exits.py will look at it."


def listed() -> dict[str, str]:
    with LIST.open(encoding="utf-8") as file:
        return {row["door"]: row["gives"] for row in csv.DictReader(file)}


def addresses(routes: Any, prefix: str = "") -> Iterator[str]:
    """Yield method and whole path of every route; a router that was included adds its prefix."""
    for route in routes:
        if hasattr(route, "original_router"):
            yield from addresses(route.original_router.routes, prefix + route.include_context.prefix)
        elif isinstance(route, APIRoute) or hasattr(route, "methods"):
            yield from (f"{method} {prefix}{route.path}" for method in sorted(set(route.methods or ()) - {"HEAD"}))
        else:
            yield f"ANY {prefix}{route.path}"


def commands() -> list[str]:
    """Return every command that does something, as the reference names it."""
    lines = reference.commands_page().splitlines()
    found = [line[4:].strip("`").removeprefix("beijiang ") for line in lines if line.startswith("## `beijiang ")]
    return [f"$ {name}" for name in found if not any(other.startswith(f"{name} ") for other in found)]


def test_every_address_and_command_is_in_the_list(platform: Platform) -> None:
    known = listed()
    found = [*addresses(create_app(platform).routes), *commands()]
    assert len(found) > 500, "the addresses or commands are not found any more"
    kinds = "\n".join(f"  {name:9} {words}" for name, words in GIVES.items())
    assert not (set(known.values()) - set(GIVES))
    missing = sorted(set(found) - set(known))
    assert not missing, KIND.format(", ".join(missing), kinds)
    gone = sorted(set(known) - set(found))
    assert not gone, f"{gone} are in the list and do not exist any more; take them out"
    assert len(known) == len(LIST.read_text(encoding="utf-8").splitlines()) - 1, "a line is there twice"


def test_every_exit_of_the_gate_has_its_caps_and_nobody_invents_one() -> None:
    from beijiang.protection.models.reference import exit_caps

    assert set(exit_caps()) == {str(one) for one in Exit}
