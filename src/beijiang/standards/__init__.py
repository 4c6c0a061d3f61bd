"""What the standards say: regions, categories, formats, cycles, limits, licences, check algorithms; and the registry.

Packaged facts stand under ``reference/``. Data elements and code sets are the registry's: versions with effective dates
that change by proposal and approval only. Owns the tables ``standards_version``, ``standards_code`` and ``standards_proposal``.
Every rule carries its basis and whether its number is confirmed.
"""

from beijiang.standards.checks import (
    CheckResult,
    Verdict,
    check_citizen_id,
    check_luhn,
    check_org_code,
    check_uscc,
)
from beijiang.standards.models import *  # noqa: F403 - the front door shows the whole vocabulary
from beijiang.standards.models import __all__ as _models
from beijiang.standards.service import Books, ElementQuery, Listed, Registry, SheetFormat, Standards

__all__ = [  # noqa: PLE0604 - the starred list is spelled out in models
    "Books",
    "CheckResult",
    "ElementQuery",
    "Listed",
    "Registry",
    "SheetFormat",
    "Standards",
    "Verdict",
    "check_citizen_id",
    "check_luhn",
    "check_org_code",
    "check_uscc",
    *_models,
]
