"""Plain data that every floor may use: who acts, what went wrong, when, and in which words. No input or output."""

from beijiang.kit.actor import ANONYMOUS, SYSTEM, Actor, ActorKind
from beijiang.kit.clock import Clock, FixedClock, SystemClock
from beijiang.kit.errors import (
    BeijiangError,
    Busy,
    Conflict,
    Denied,
    Invalid,
    Malformed,
    NotAcceptable,
    NotFound,
    Refused,
    Throttled,
    TooLarge,
    Unauthenticated,
    Unavailable,
)
from beijiang.kit.events import Event
from beijiang.kit.ids import new_id
from beijiang.kit.pace import Pace
from beijiang.kit.parts import HOW_MANY, NEW_FOR, Find, Part, Wanted, finds_of
from beijiang.kit.reading_ahead import ahead, mingled
from beijiang.kit.recent import REMEMBERED, Recent
from beijiang.kit.rounds import Rounds
from beijiang.kit.shown import Shown
from beijiang.kit.sounds import sound_order, syllables
from beijiang.kit.text import Language, Text, Word, bigrams, guard_formula, half_width, normalise, plain_text

__all__ = [
    "ANONYMOUS",
    "HOW_MANY",
    "NEW_FOR",
    "REMEMBERED",
    "SYSTEM",
    "Actor",
    "ActorKind",
    "BeijiangError",
    "Busy",
    "Clock",
    "Conflict",
    "Denied",
    "Event",
    "Find",
    "FixedClock",
    "Invalid",
    "Language",
    "Malformed",
    "NotAcceptable",
    "NotFound",
    "Pace",
    "Part",
    "Recent",
    "Refused",
    "Rounds",
    "Shown",
    "SystemClock",
    "Text",
    "Throttled",
    "TooLarge",
    "Unauthenticated",
    "Unavailable",
    "Wanted",
    "Word",
    "ahead",
    "bigrams",
    "finds_of",
    "guard_formula",
    "half_width",
    "mingled",
    "new_id",
    "normalise",
    "plain_text",
    "sound_order",
    "syllables",
]
