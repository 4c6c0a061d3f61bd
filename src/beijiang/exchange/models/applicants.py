"""Applicants of the public: who they are, as it was confirmed, and what they say and agree to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from beijiang.kit import Word

__all__ = ["PUBLIC", "Applicant", "ApplicantKind", "Applicants", "Application"]

PUBLIC: Final = "@public"
"""Stands for the organisation of applicants of the public; no organisation can have this id."""


class ApplicantKind(Word):
    """In which capacity somebody of the public applies; the same words as of registrations."""

    PERSON = "person", "个人", "a person"
    BUSINESS = "business", "企业或其他组织", "a business or another body"


@dataclass(frozen=True, slots=True, kw_only=True)
class Applicant:
    """Who applies, as the registration officer confirmed it."""

    kind: ApplicantKind
    name: str
    credit_code: str = ""


class Applicants(Protocol):
    """Know who of the public was confirmed; ``opendata`` does."""

    def applicant(self, person_id: str) -> Applicant | None:
        """Return who an account was confirmed for; None where nobody confirmed it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """What an application of the public says beyond a request, and what was agreed to."""

    kind: ApplicantKind
    name: str
    credit_code: str
    products: str
    measures: str
    conditions: int
    """Number of the version of the conditions."""
    agreed: str
    """Digest of the conditions with the agreement."""
    agreement: str

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "kind"} | {
            "kind": self.kind.value
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> Application:
        """Read it back."""
        return cls(**{**value, "kind": ApplicantKind(value["kind"])})
