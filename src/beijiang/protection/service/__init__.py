"""The services of protection: grading, the gate, the SQL gateway."""

from beijiang.protection.models.results import SqlResult
from beijiang.protection.service.asking import Counted, Verified
from beijiang.protection.service.assessing import TableGrading
from beijiang.protection.service.copies import CopyShelf
from beijiang.protection.service.gate import Gate, Sought
from beijiang.protection.service.gateway import SqlGateway
from beijiang.protection.service.grading import Protection
from beijiang.protection.service.keyed import Keyed
from beijiang.protection.service.meeting import Met
from beijiang.protection.service.private import Private
from beijiang.protection.service.relation import Governed, access_ended
from beijiang.protection.service.releasing import Releases
from beijiang.protection.service.served import AnswerGate, GovernedAnswer
from beijiang.protection.service.shelf import Shelf
from beijiang.protection.service.streaming import SqlStream

__all__ = [
    "AnswerGate",
    "CopyShelf",
    "Counted",
    "Gate",
    "Governed",
    "GovernedAnswer",
    "Keyed",
    "Met",
    "Private",
    "Protection",
    "Releases",
    "Shelf",
    "Sought",
    "SqlGateway",
    "SqlResult",
    "SqlStream",
    "TableGrading",
    "Verified",
    "access_ended",
]
