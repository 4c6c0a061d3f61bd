"""Synthetic rows of the shape that an entry publishes: from its items and the standards alone, never from a value.

The same resource and row number give the same row, so that pages fit together and tests repeat.
"""

from __future__ import annotations

import json
import random
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from beijiang.standards import citizen_check_character, luhn_check_digit, org_check_character, uscc_check_character

__all__ = ["SANDBOX_ROWS", "ShapedItem", "Try", "TryParameter", "kind_of", "synthetic_rows"]

SANDBOX_ROWS: Final = 1000
"""How many rows a sandbox has."""
_FIRST: Final = date(2020, 1, 1)
_DAYS: Final = 2000
_EMPTY: Final = 0.1
"""The share of empty cells of an item that no standard calls an identifier."""
_WORDS: Final = "草原云山河川林湖光明安和平新民兴华东南西北"
_NOWHERE: Final = "159999"
"""A code of a region that GB/T 2260 does not have."""
_NO_ISSUER: Final = "99"
"""No bank issues cards of these numbers in this country."""
_LETTERS: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShapedItem:
    """What is published of one item that decides how its values look."""

    column: str
    type: str
    """As the row API names it: text, integer, decimal, double, boolean, date, timestamp."""
    length: int | None = None
    codes: tuple[str, ...] = ()
    check: str = ""
    """The check algorithm of its data element."""
    grade: str = ""
    required: bool = False
    """No cell of it is empty."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TryParameter:
    """One parameter of an API, with the value that was tried."""

    name: str
    given: str = ""
    choices: tuple[str, ...] = ()
    required: bool = False
    words: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """An API as it was tried in the sandbox, with all that a program needs to do the same."""

    api: str
    name: str
    method: str
    path: str
    """Address of the sandbox, below the platform's."""
    real: str
    """Address that answers under a grant, in the same shape."""
    parameters: tuple[TryParameter, ...]
    body: Mapping[str, Any]

    @property
    def columns(self) -> tuple[str, ...]:
        """Return the names of the columns of the answer."""
        return tuple(one if isinstance(one, str) else one["name"] for one in self.body["columns"])

    def curl(self, base: str) -> str:
        """Return the command of a shell that asks the sandbox; the token is taken from the environment."""
        given = {one.name: one.given for one in self.parameters if one.given}
        head = 'curl -H "Authorization: Bearer $TOKEN"'
        if self.method == "POST":
            sent = shlex.quote(json.dumps({"parameters": given}, ensure_ascii=False))
            return f"{head} -H 'Content-Type: application/json' -d {sent} {shlex.quote(base + self.path)}"
        query = f"?{urlencode(given)}" if given else ""
        return f"{head} {shlex.quote(base + self.path + query)}"

    def python(self, base: str) -> str:
        """Return a program that asks the sandbox and prints the rows; the token is taken from the environment."""
        given = {one.name: one.given for one in self.parameters if one.given}
        sent = f"json={ {'parameters': given}!r}" if self.method == "POST" else f"params={given!r}"
        return (
            "import os\n\nimport httpx\n\n"
            f"base = {base!r}\n"
            f"path = {self.path!r}  # {self.real}\n"
            'head = {"Authorization": "Bearer " + os.environ["TOKEN"]}\n'
            f"answer = httpx.{self.method.lower()}(base + path, headers=head, {sent})\n"
            "answer.raise_for_status()\n"
            'for row in answer.json()["rows"]:\n    print(row)\n'
        )


def kind_of(type_name: str) -> str:
    """Return the type of the row API for a type of the engine (Arrow's name of it)."""
    name = type_name.lower()
    kinds = ("timestamp", "date", "decimal", "double", "float", "bool", "uint", "int")
    found = next((kind for kind in kinds if name.startswith(kind)), "text")
    return {"float": "double", "bool": "boolean", "uint": "integer", "int": "integer"}.get(found, found)


def synthetic_rows(resource_id: str, items: Sequence[ShapedItem], start: int, size: int) -> list[Mapping[str, Any]]:
    """Return rows ``start`` and on; none beyond the last."""
    return [
        {item.column: _cell(item, random.Random(f"{resource_id}/{number}/{item.column}"), number) for item in items}  # noqa: S311 - no secret
        for number in range(start, min(start + size, SANDBOX_ROWS))
    ]


def _cell(item: ShapedItem, dice: random.Random, number: int) -> Any:
    if not item.check and not item.required and dice.random() < _EMPTY:
        return None
    if item.codes:
        return dice.choice(item.codes)
    if item.check:
        return _checked(item, dice, number)
    return _plain(item, dice, number)


def _plain(item: ShapedItem, dice: random.Random, number: int) -> Any:
    day = _FIRST + timedelta(days=dice.randrange(_DAYS))
    numbers = {
        "integer": dice.randrange(10 ** min(item.length or 4, 9)),
        "decimal": f"{dice.randrange(10**6) / 100:.2f}",
        "double": round(dice.random() * 1000, 3),
        "boolean": bool(dice.getrandbits(1)),
        "date": day.isoformat(),
        "timestamp": f"{day.isoformat()}T{dice.randrange(24):02d}:00:00",
    }
    words = ("样例" + "".join(dice.choices(_WORDS, k=4)) + str(number + 1))[: item.length or 20]
    return numbers.get(item.type, words)


def _checked(item: ShapedItem, dice: random.Random, number: int) -> Any:
    """Return a number whose check character holds; its region or issuer is one that there is none of, so that it is nobody's."""
    make = _MADE.get(item.check)
    return make(item, dice) if make else _plain(item, dice, number)


def _citizen(item: ShapedItem, dice: random.Random) -> str:
    del item
    day = _FIRST - timedelta(days=dice.randrange(7000, 20_000))
    head = f"{_NOWHERE}{day:%Y%m%d}{dice.randrange(1000):03d}"
    return head + citizen_check_character(head)


def _organisation(item: ShapedItem, dice: random.Random) -> str:
    head = "".join(dice.choices(_LETTERS, k=8))
    hyphen = "-" if item.length == len("12345678-X") else ""
    return head + hyphen + org_check_character(head)


def _credit(item: ShapedItem, dice: random.Random) -> str:
    body = f"91{_NOWHERE}" + _organisation(replace(item, length=None), dice)
    return body + uscc_check_character(body)


def _card(item: ShapedItem, dice: random.Random) -> str:
    size = min(max(item.length or 16, 8), 19)
    head = _NO_ISSUER + "".join(dice.choices("0123456789", k=size - 1 - len(_NO_ISSUER)))
    return head + luhn_check_digit(head)


_MADE: Final[Mapping[str, Callable[[ShapedItem, random.Random], str]]] = {
    "citizen_id": _citizen,
    "uscc": _credit,
    "org_code": _organisation,
    "luhn": _card,
    "bank_card": _card,
}
