"""What contracts speak of: files and their trees, terms, versions, changes, and what is counted."""

from beijiang.contracts.models.comparing import Change, Effect, compare
from beijiang.contracts.models.contracts import OPEN_STATES, Binding, Contract, State, Version, next_version, semver
from beijiang.contracts.models.editing import append, put, remove
from beijiang.contracts.models.enforcing import Enforced, Left, enforced
from beijiang.contracts.models.making import Known, KnownColumn, made_of
from beijiang.contracts.models.reading import Finding, read, usable
from beijiang.contracts.models.terms import (
    API_VERSIONS,
    METRICS,
    OPERATORS,
    Check,
    CheckType,
    DataObject,
    Field,
    Service,
    Terms,
)
from beijiang.contracts.models.tree import LONGEST, Document, parse, plain

__all__ = [
    "API_VERSIONS",
    "LONGEST",
    "METRICS",
    "OPEN_STATES",
    "OPERATORS",
    "Binding",
    "Change",
    "Check",
    "CheckType",
    "Contract",
    "DataObject",
    "Document",
    "Effect",
    "Enforced",
    "Field",
    "Finding",
    "Known",
    "KnownColumn",
    "Left",
    "Service",
    "State",
    "Terms",
    "Version",
    "append",
    "compare",
    "enforced",
    "made_of",
    "next_version",
    "parse",
    "plain",
    "put",
    "read",
    "remove",
    "semver",
    "usable",
]
