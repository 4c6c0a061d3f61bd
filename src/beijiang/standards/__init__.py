"""What the standards say: regions, categories, formats, cycles, limits, licences, check algorithms; and the registry.

Packaged facts stand under ``reference/``. Data elements, code sets and rules of law are the registry's: versions with
effective dates that change by proposal and approval only; which profile of law counts is chosen by the data authority. Owns
the tables ``standards_version``, ``standards_code``, ``standards_proposal`` and ``standards_profile``.
Every rule carries its basis and whether its number is confirmed.
"""

from beijiang.standards.checks import (
    CheckResult,
    Verdict,
    check_citizen_id,
    check_luhn,
    check_org_code,
    check_uscc,
    citizen_check_character,
    luhn_check_digit,
    org_check_character,
    uscc_check_character,
)
from beijiang.standards.events import ElementsChanged
from beijiang.standards.models import *  # noqa: F403 - the front door shows the whole vocabulary
from beijiang.standards.models import __all__ as _models
from beijiang.standards.service import (
    Books,
    ElementQuery,
    Laws,
    Listed,
    Paper,
    PaperTable,
    ProfileView,
    Registry,
    RuleQuery,
    SheetFormat,
    Standards,
    StandingRule,
    paper_file,
    text_file,
    text_tables,
)

__all__ = [  # noqa: PLE0604 - the starred list is spelled out in models
    "Books",
    "CheckResult",
    "ElementsChanged",
    "ElementQuery",
    "Laws",
    "Listed",
    "Paper",
    "PaperTable",
    "ProfileView",
    "Registry",
    "RuleQuery",
    "SheetFormat",
    "Standards",
    "StandingRule",
    "Verdict",
    "check_citizen_id",
    "check_luhn",
    "check_org_code",
    "check_uscc",
    "citizen_check_character",
    "luhn_check_digit",
    "org_check_character",
    "uscc_check_character",
    "paper_file",
    "text_file",
    "text_tables",
    *_models,
]
