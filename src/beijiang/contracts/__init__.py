"""Data contracts (ODCS 3.0 to 3.2): files kept byte for byte, versions that people agree on, terms that are counted in tables.

Owns the tables ``contract``, ``contract_version``, ``contract_file`` and ``contract_binding``. The terms of a contract in
force are rules of ``quality`` on its tables; what is delivered names its contract, and a version that breaks it is not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from beijiang.contracts.models import *  # noqa: F403 - the front door shows the whole vocabulary
from beijiang.contracts.models import __all__ as _models

if TYPE_CHECKING:
    from beijiang.contracts.service import Bound, Contracts, Edit, Gap, Term, View

__all__ = ["Bound", "Contracts", "Edit", "Gap", "Term", "View", *_models]  # noqa: PLE0604 - the starred list is spelled out in models


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(name)
    from beijiang.contracts import service

    return getattr(service, name)
