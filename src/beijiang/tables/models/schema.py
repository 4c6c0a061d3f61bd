"""A change of a table's columns, described before it is done."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from beijiang.kit import Text
from beijiang.kit.errors import JsonValue


class StepKind(StrEnum):
    """What happens to one column."""

    ADD = "add"
    MISSING = "missing"
    CAST = "cast"
    WIDEN = "widen"
    NARROW = "narrow"
    DROP = "drop"


@dataclass(frozen=True, slots=True)
class SchemaStep:
    """One column's change: ``before`` and ``after`` are type names, None where the column does not exist."""

    kind: StepKind
    column: str
    before: str | None
    after: str | None
    stops: bool
    """Whether the step may lose something, so that nothing is written until a person accepts the plan."""
    text: Text

    def to_json(self) -> dict[str, JsonValue]:
        """Return the step as plain data."""
        return {
            "kind": self.kind.value,
            "column": self.column,
            "before": self.before,
            "after": self.after,
            "stops": self.stops,
            "text": {"zh": self.text.zh, "en": self.text.en},
        }

    @classmethod
    def from_json(cls, value: dict[str, JsonValue]) -> SchemaStep:
        """Rebuild a stored step."""
        before, after, text = value["before"], value["after"], value["text"]
        words = text if isinstance(text, dict) else {}
        return cls(
            kind=StepKind(str(value["kind"])),
            column=str(value["column"]),
            before=None if before is None else str(before),
            after=None if after is None else str(after),
            stops=bool(value["stops"]),
            text=Text(str(words.get("zh", "")), str(words.get("en", ""))),
        )


@dataclass(frozen=True, slots=True)
class SchemaPlan:
    """All column changes of one commit, in the order of the columns; empty when the schemas agree."""

    table: str
    steps: tuple[SchemaStep, ...]
    token: str
    """Names exactly this plan; a commit that carries it in ``accept_plan`` has accepted these steps and no others."""
    next_step: Text | None = None
    """What to do when the plan stops."""

    @property
    def stops(self) -> bool:
        """Tell whether a person has to accept the plan before anything is written."""
        return any(step.stops for step in self.steps)

    def lines(self) -> tuple[Text, ...]:
        """Return the plan as sentences to print, the stopping ones marked."""
        return tuple(
            Text(f"{'✗' if s.stops else '+'} {s.text.zh}", f"{'✗' if s.stops else '+'} {s.text.en}") for s in self.steps
        )

    def to_json(self) -> dict[str, JsonValue]:
        """Return the plan for an error's detail, an event or a JSON answer."""
        return {
            "table": self.table,
            "token": self.token,
            "stops": self.stops,
            "steps": [step.to_json() for step in self.steps],
        }

    @classmethod
    def from_json(cls, value: dict[str, JsonValue]) -> SchemaPlan:
        """Rebuild a stored plan."""
        steps = value["steps"]
        return cls(
            table=str(value["table"]),
            steps=tuple(SchemaStep.from_json(s) for s in steps if isinstance(s, dict))
            if isinstance(steps, list)
            else (),
            token=str(value["token"]),
        )
