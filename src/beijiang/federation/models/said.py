"""The form of what nodes say about requests: plain words, closed lists, terms, and how a request stands; nothing else is read."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from beijiang.exchange import (
    DisputeKind,
    DisputeState,
    GrantState,
    Outcome,
    RequestState,
    Side,
    Standing,
    Terms,
    Way,
)
from beijiang.kit import BeijiangError, Invalid
from beijiang.protection import Handling
from beijiang.tables import FilterOp

__all__ = ["Id", "Said", "StandingSaid", "TermsSaid", "bad_letter", "seen"]

Id = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,40}$")]


def seen(text: str) -> str:
    """Return words of another node without signs that cannot be seen, which could make them look like other words."""
    return "".join(sign for sign in text if sign.isprintable() or sign == "\n").strip()


def _plain(text: str) -> str:
    """Return text that has to stay as it is, and so may hold no sign that cannot be seen."""
    if not text.isprintable():
        msg = "signs that cannot be seen"
        raise ValueError(msg)
    return text


_Line = Annotated[str, AfterValidator(lambda text: seen(text)[:200])]
_Words = Annotated[str, AfterValidator(lambda text: seen(text)[:2000])]
_Exact = Annotated[str, Field(max_length=2000), AfterValidator(_plain)]
_Value = _Exact | bool | int | float | Annotated[list[_Exact | bool | int | float], Field(max_length=1000)] | None


class Said(BaseModel):
    """A body of a letter, or a part of one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @classmethod
    def parsed(cls, body: Mapping[str, Any]) -> Self:
        """Read a body.

        Raises:
            Invalid: it has another form (``bad_letter``).

        """
        try:
            return cls.model_validate(body)
        except ValidationError as error:
            raise bad_letter() from error


class _Item(Said):
    column: Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_plain)]
    handling: Handling


class _Filter(Said):
    column: Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_plain)]
    op: FilterOp
    value: _Value


class TermsSaid(Said):
    """Terms in form; whether they may be asked for or offered is decided as of any request."""

    items: list[_Item]
    ways: list[Way]
    since: date
    until: date
    filters: list[_Filter]
    calls_per_day: int | None
    rows_per_day: int | None

    def read(self) -> Terms:
        """Return the terms.

        Raises:
            Invalid: an item is named twice (``bad_letter``).

        """
        try:
            return Terms.from_json(self.model_dump(mode="json"))
        except BeijiangError as error:
            raise bad_letter() from error


class _Nothing(Said):
    """No terms: the request was never filed."""


class _Stage(Said):
    id: _Line
    side: Side
    permission: _Line
    limit: _Line
    zh: _Line
    en: _Line
    basis: _Words
    who: _Line


class _Step(Said):
    key: Annotated[str, Field(max_length=200), AfterValidator(_plain)]
    at: AwareDatetime
    move: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,19}$")]
    """A newer release may say what this one has no name for."""
    stage: _Line
    name: _Line
    org: _Line
    words: _Words


class _Grant(Said):
    id: Id
    state: GrantState
    until: date
    reason: _Words


class _Dispute(Said):
    id: Id
    kind: DisputeKind
    state: DisputeState
    outcome: Outcome | Literal[""]
    basis: _Words


class _Refusal(Said):
    zh: _Words
    en: _Words


class StandingSaid(Said):
    """How a request stands, as the node that decides it says."""

    revision: int = Field(ge=0, le=2**31)
    state: RequestState
    stages: list[_Stage] = Field(max_length=40)
    at_stage: int = Field(ge=0, le=40)
    offered: TermsSaid | _Nothing
    steps: list[_Step]
    due: date | None
    rule: _Line
    paused: bool
    arrived_at: AwareDatetime
    grant: _Grant | None
    dispute: _Dispute | None
    refused: _Refusal | None

    def read(self) -> Standing:
        """Return it as exchange takes it.

        Raises:
            Invalid: its terms name an item twice (``bad_letter``).

        """
        if isinstance(self.offered, TermsSaid):
            self.offered.read()
        return Standing.from_json(self.model_dump(mode="json"))


def bad_letter() -> Invalid:
    """Return the error for a letter that says something else than letters of its kind do."""
    return Invalid(
        "信件内容的格式不对，没有办理。请双方平台使用相近的版本。",
        "The letter does not say what letters of its kind do; nothing was done. Let both platforms be of a like version.",
        code="bad_letter",
    )
