"""Who somebody is and what they may do: organisations, people, roles, sessions, keys, and the policies that decide.

Owns the tables ``organisation``, ``organisation_region``, ``person``, ``person_role``, ``session``, ``api_key`` and
``sign_in_attempt``.
"""

from beijiang.access.models.explaining import Explanation, PolicyWords
from beijiang.access.models.organisations import Organisation, OrganisationDraft, OrganisationKind, RegionFacts
from beijiang.access.models.people import ApiKey, KeyDraft, Person, PersonDraft, Session, SignedIn
from beijiang.access.models.permission import ADMINISTRATORS, Permission, Role
from beijiang.access.service import SESSION_COOKIE, TERMINAL, Access, Question, watch_questions

__all__ = [
    "ADMINISTRATORS",
    "SESSION_COOKIE",
    "TERMINAL",
    "Access",
    "ApiKey",
    "Explanation",
    "KeyDraft",
    "Organisation",
    "OrganisationDraft",
    "OrganisationKind",
    "Permission",
    "Person",
    "PersonDraft",
    "PolicyWords",
    "Question",
    "RegionFacts",
    "Role",
    "Session",
    "SignedIn",
    "watch_questions",
]
