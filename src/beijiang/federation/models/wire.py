"""Letters and answers as they travel; what another node says is checked in form and length before anything else."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, Final, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from beijiang.federation.errors import answer_unsigned
from beijiang.federation.models.letters import LETTER_MOST, Letter, canonical
from beijiang.kit import BeijiangError, Malformed, Text
from beijiang.kit.errors import JsonValue

__all__ = [
    "BATCH_MOST",
    "POST_MOST",
    "ErrorTold",
    "WireAnswer",
    "WireLetter",
    "packed",
    "parsed_answer",
    "told",
    "unpacked",
]

BATCH_MOST: Final = 100
"""Letters of one post."""
POST_MOST: Final = 2 << 20
"""Bytes of one post."""
_WORDS: Final = 600
_PLAIN: Final = r"^[^\x00-\x1f\x7f]*$"
_KIND: Final = r"^[a-z_]+(\.[a-z_]+)+$"
_ID: Final = r"^[a-z]+_[0-9a-z]{20}$"


class WireLetter(BaseModel):
    """One letter of a post."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str = Field(pattern=_ID, max_length=40)
    number: int = Field(ge=1, le=2**31 - 1)
    kind: str = Field(pattern=_KIND, max_length=60)
    subject: str = Field(pattern=_PLAIN, max_length=200)
    written_at: AwareDatetime
    body: dict[str, Any]

    @property
    def at(self) -> datetime:
        """Return when it was written, by its writer's clock."""
        return self.written_at


class ErrorTold(BaseModel):
    """Why something was refused, in both languages."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    code: str = Field(pattern=r"^[a-z_]{1,100}$")
    zh: str
    en: str

    @property
    def text(self) -> Text:
        """Return the words, no longer than they may be."""
        return Text(self.zh[:_WORDS], self.en[:_WORDS])


class WireAnswer(BaseModel):
    """What became of one letter."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    id: str = Field(max_length=40)
    state: Literal["read", "refused", "waits"]
    error: ErrorTold | None = None


def told(error: BeijiangError) -> dict[str, JsonValue]:
    """Return an error as it travels."""
    return {"code": error.reason[:100], "zh": error.text.zh[:_WORDS], "en": error.text.en[:_WORDS]}


def packed(letters: list[Letter]) -> tuple[list[Letter], bytes]:
    """Return as many letters, from the first, as one post takes, and its body."""
    taken: list[Letter] = []
    parts: list[str] = []
    size = 0
    for letter in letters[:BATCH_MOST]:
        text = canonical(
            {
                "id": letter.id,
                "number": letter.number,
                "kind": letter.kind,
                "subject": letter.subject,
                "written_at": letter.written_at.isoformat(),
                "body": {**letter.body},
            }
        )
        size += len(text.encode()) + 1
        if taken and size > POST_MOST - 100:
            break
        taken.append(letter)
        parts.append(text)
    return taken, ('{"letters":[' + ",".join(parts) + "]}").encode()


def unpacked(body: bytes) -> list[WireLetter]:
    """Read the letters of a post.

    Raises:
        Malformed: it is none, or over a limit (``bad_letters``).

    """
    try:
        return _letters(body)
    except (ValueError, KeyError, TypeError, ValidationError, RecursionError) as error:
        raise Malformed(
            f"信件格式不对：每次 1 至 {BATCH_MOST} 封，每封不超过 {LETTER_MOST >> 10} KB。",
            f"These are no letters: 1 to {BATCH_MOST} at a time, each of at most {LETTER_MOST >> 10} KB.",
            code="bad_letters",
        ) from error


def _letters(body: bytes) -> list[WireLetter]:
    if len(body) > POST_MOST:
        raise ValueError(len(body))
    given = json.loads(body)["letters"]
    if not isinstance(given, list) or not 0 < len(given) <= BATCH_MOST:
        raise ValueError(type(given))
    found = [WireLetter.model_validate(one) for one in given]
    if any(len(canonical(one.body).encode()) > LETTER_MOST for one in found):
        raise ValueError(LETTER_MOST)
    return found


def parsed_answer(body: bytes, status: int) -> Any:
    """Read the JSON of an answer.

    Raises:
        Unavailable: it is none (``node_answer_unsigned``).

    """
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise answer_unsigned(status) from error
