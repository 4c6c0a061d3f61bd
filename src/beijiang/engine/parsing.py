"""Read SQL text of people into trees (wall 1 of the SQL gateway begins here), by a parser that gives up when a text makes it try too often.

Some texts make the parser try one reading after another at every level (``DATE (DATE (DATE (...``): the work doubles with
each bracket, and a line of two hundred characters would keep a core busy for years. Honest text costs about one step a
word, so the steps are counted; a clock would refuse honest text on a busy machine.
"""

from __future__ import annotations

from typing import Any, Final

from sqlglot import exp
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.parsers.duckdb import DuckDBParser
from sqlglot.tokenizer_core import Token, TokenType

__all__ = ["statements"]

STEPS_PER_TOKEN: Final = 4
STEPS_AT_LEAST: Final = 500


def statements(text: str) -> list[exp.Expr]:
    """Return the statements of a text.

    Raises:
        SqlglotError: the text is no SQL, or reading it takes too many steps.
        RecursionError: it is nested too deep.

    """
    dialect = DuckDB()
    tokens = _numbered(dialect.tokenize(text))
    parser = _Bounded(STEPS_AT_LEAST + STEPS_PER_TOKEN * len(tokens), dialect=dialect)
    return [one for one in parser.parse(tokens, text) if one is not None]


def _numbered(tokens: list[Token]) -> list[Token]:
    """Write each ``?`` as ``$1``, ``$2``, ... in the order of the text, which the tree would not keep."""
    if all(token.token_type is not TokenType.PLACEHOLDER for token in tokens):
        return tokens
    found: list[Token] = []
    number = 0
    for token in tokens:
        if token.token_type is not TokenType.PLACEHOLDER:
            found.append(token)
            continue
        number += 1
        at = token.line, token.col, token.start, token.end
        found += [Token(TokenType.PARAMETER, "$", *at), Token(TokenType.NUMBER, str(number), *at)]
    return found


class _Bounded(DuckDBParser):
    """The parser, with a number of steps that it may take, forward or back."""

    def __init__(self, steps: int, **options: Any) -> None:
        super().__init__(**options)
        self._steps_left = steps

    def _advance(self, times: int = 1) -> None:
        self._steps_left -= 1
        if self._steps_left < 0:
            raise _TooManySteps
        super()._advance(times)

    def _warn_unsupported(self) -> None:
        """Keep quiet: the warning would write a person's SQL, values and all, into the log."""


class _TooManySteps(RecursionError):
    """Not a ``ParseError``, which the parser itself catches in order to try another reading."""
