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

__all__ = [
    "ADMINISTRATORS",
    "SET_UP_PENDING",
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
    "check_password",
    "check_roles",
    "incompatible",
]
