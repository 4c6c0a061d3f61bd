"""The verbs of contracts."""

from beijiang.contracts.service.contracts import Bound, Contracts, Gap, Term, View
from beijiang.contracts.service.keeping import Edit

__all__ = ["Bound", "Contracts", "Edit", "Gap", "Term", "View"]
