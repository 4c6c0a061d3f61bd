"""Plain facts of access: permissions, roles, organisations, people, sessions and keys."""

from beijiang.access.models.organisations import Organisation, OrganisationDraft, OrganisationKind, RegionFacts
from beijiang.access.models.people import (
    SET_UP_PENDING,
    ApiKey,
    KeyDraft,
    PasswordReset,
    Person,
    PersonDraft,
    Session,
    SignedIn,
    check_password,
    check_roles,
)
from beijiang.access.models.permission import ADMINISTRATORS, Permission, Role, incompatible
from beijiang.access.models.proofs import APPLICATION_ITSELF, PEER_NODE, TOKEN_PREFIX, TokenProof, TokenProofs

__all__ = [
    "ADMINISTRATORS",
    "APPLICATION_ITSELF",
    "PEER_NODE",
    "SET_UP_PENDING",
    "TOKEN_PREFIX",
    "ApiKey",
    "KeyDraft",
    "Organisation",
    "OrganisationDraft",
    "OrganisationKind",
    "PasswordReset",
    "Permission",
    "Person",
    "PersonDraft",
    "RegionFacts",
    "Role",
    "Session",
    "SignedIn",
    "TokenProof",
    "TokenProofs",
    "check_password",
    "check_roles",
    "incompatible",
]
