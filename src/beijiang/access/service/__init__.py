"""The verbs of access, one file a subject, joined in ``Access``."""

from beijiang.access.service.decisions import Question, watch_questions
from beijiang.access.service.explaining import Explaining
from beijiang.access.service.keys import SCOPES, Keys
from beijiang.access.service.members import Members
from beijiang.access.service.policy import Policies
from beijiang.access.service.sessions import SESSION_COOKIE, TERMINAL, Sessions


class Access(Explaining, Members, Keys, Sessions):
    """Who somebody is and what they may do."""


__all__ = ["SCOPES", "SESSION_COOKIE", "TERMINAL", "Access", "Policies", "Question", "watch_questions"]
