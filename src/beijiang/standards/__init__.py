"""What the standards say: regions, catalog categories, formats, update cycles, codes, limits, licences, check algorithms.

Packaged facts under ``reference/``; owns no table. Every rule carries its basis and whether its number is confirmed.
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
from beijiang.standards.service import Standards

__all__ = [  # noqa: PLE0604 - the starred list is spelled out in models
    "CheckResult",
    "Standards",
    "Verdict",
    "check_citizen_id",
    "check_luhn",
    "check_org_code",
    "check_uscc",
    *_models,
]
