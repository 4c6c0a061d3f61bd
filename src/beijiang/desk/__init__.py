"""A person's own desk: views of the console's long lists that somebody keeps by name.

Owns the table ``desk_view``. A view is a question, never an answer: whoever opens it is asked for every right anew.
"""

from beijiang.desk.models import View, ViewDraft
from beijiang.desk.service import Desk

__all__ = ["Desk", "View", "ViewDraft"]
