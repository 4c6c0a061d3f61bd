"""The tree of errors. Two handlers (HTTP, terminal) turn them into output; nobody else catches to print.

BeijiangError            500 internal
├── Invalid              422 the input is wrong: what, where, why, how to mend
│   └── Malformed        400 the same, in a protocol that others wrote
├── NotAcceptable        406 there is no such form of it
├── Unauthenticated      401 sign in first
├── Denied               403 known, but not allowed
├── NotFound             404 missing, or hidden: both look the same
├── Conflict             409 the state does not allow it, or somebody was faster
├── TooLarge             413 over a stated limit
├── Refused              422 understood, but against a rule of the platform (SQL gateway, release gate)
├── Throttled            429 too often
└── Unavailable          503 try again (transient)
    └── Busy             503 another process holds it
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar, TypeAlias

from beijiang.kit.text import Language, Text

JsonValue: TypeAlias = "bool | int | float | str | list[JsonValue] | dict[str, JsonValue] | None"


class BeijiangError(Exception):
    """Carry a stable code, a status and a message in both languages; never SQL, a path or a secret.

    ``code`` may be set per raise for a finer reason (``"bad_rows_over_limit"``).
    """

    code: ClassVar[str] = "internal"
    status: ClassVar[int] = 500
    transient: ClassVar[bool] = False

    def __init__(
        self, zh: str, en: str, *, code: str | None = None, detail: Mapping[str, JsonValue] | None = None
    ) -> None:
        super().__init__(en)
        self.text = Text(zh, en)
        self.reason = code or type(self).code
        self.detail: dict[str, JsonValue] = dict(detail or {})

    def message(self, language: Language) -> str:
        """Return what went wrong and what to do next, in ``language``."""
        return self.text.in_language(language)


class Invalid(BeijiangError):
    """The input cannot be taken as it is."""

    code = "invalid"
    status = 422


class Malformed(Invalid):
    """The input is wrong, and the protocol that it was sent in says 400 to that."""

    code = "malformed"
    status = 400


class NotAcceptable(BeijiangError):
    """What was asked for exists in other forms than the one asked for."""

    code = "not_acceptable"
    status = 406


class Unauthenticated(BeijiangError):
    """Nobody has signed in, or the proof of identity is no longer good."""

    code = "unauthenticated"
    status = 401


class Denied(BeijiangError):
    """The actor may not do this."""

    code = "denied"
    status = 403


class NotFound(BeijiangError):
    """There is no such thing for this actor."""

    code = "not_found"
    status = 404


class Conflict(BeijiangError):
    """The present state does not allow the step."""

    code = "conflict"
    status = 409


class TooLarge(BeijiangError):
    """A stated limit was passed."""

    code = "too_large"
    status = 413


class Refused(BeijiangError):
    """A rule of the platform forbids it, whoever asks."""

    code = "refused"
    status = 422


class Throttled(BeijiangError):
    """Too many attempts in too short a time."""

    code = "throttled"
    status = 429
    transient = True


class Unavailable(BeijiangError):
    """A needed part does not answer now."""

    code = "unavailable"
    status = 503
    transient = True


class Busy(Unavailable):
    """Another process holds what is needed."""

    code = "busy"
