"""All SQL of access."""

from beijiang.access.store.listing import people_part
from beijiang.access.store.organisations import OrganisationStore
from beijiang.access.store.people import Credentials, PersonStore
from beijiang.access.store.sessions import AttemptStore, KeyStore, SessionStore

__all__ = ["AttemptStore", "Credentials", "KeyStore", "OrganisationStore", "PersonStore", "SessionStore", "people_part"]
