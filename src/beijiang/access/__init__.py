"""Who somebody is and what they may do: organisations, people, roles, sessions, keys, and the policies that decide.

Owns the tables ``organisation``, ``organisation_region``, ``person``, ``person_role``, ``session``, ``api_key`` and
``sign_in_attempt``.
"""

from beijiang.access.models.explaining import Explanation, PolicyWords
from beijiang.access.models.organisations import Organisation, OrganisationDraft, OrganisationKind, RegionFacts
from beijiang.access.models.people import ApiKey, KeyDraft, Person, PersonDraft, Session, SignedIn
from beijiang.access.models.permission import ADMINISTRATORS, Permission, Role
from beijiang.access.models.proofs import PEER_NODE, TOKEN_PREFIX, TokenProof
from beijiang.access.service import SCOPES, SESSION_COOKIE, TERMINAL, Access, Question, watch_questions

__all__ = [
    "ADMINISTRATORS",
    "PEER_NODE",
    "SCOPES",
    "SESSION_COOKIE",
    "TERMINAL",
    "TOKEN_PREFIX",
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
    "TokenProof",
    "watch_questions",
]
