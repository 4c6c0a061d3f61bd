"""What is sensitive, how it is masked, and THE GATE through which every row leaves; also the SQL gateway.

Owns the tables ``graded_table``, ``column_grade``, ``grade_floor``, ``grade_lowering``, ``table_assessment``, ``row_rule``, ``mask_choice``, ``mask_key``,
``column_role``, ``release_report``, ``private_offer``, ``private_spend`` and ``protection_secret``. Nothing else may read a table
for a person. Loaded on first use, so that ``beijiang --help`` stays quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from beijiang.protection.models import marking, rowquery
    from beijiang.protection.models.assessing import (
        AffectedObject,
        Assessment,
        AssessmentDraft,
        AssessmentState,
        Cell,
        Harm,
        Tier,
        TogetherFinding,
        factors,
        matrix,
        sectors,
    )
    from beijiang.protection.models.choices import PARAMETERS, MaskChoice, MaskFunction
    from beijiang.protection.models.delivery import (
        Announced,
        DeliveryTerms,
        Salted,
        canonical,
        doubt_headers,
        doubt_text,
        salted,
    )
    from beijiang.protection.models.governing import Listed, QueryClass, QueryOrder, QueryState, Queued
    from beijiang.protection.models.grades import ColumnGrade, Findings, GradeSource, Level, Personal
    from beijiang.protection.models.granting import (
        NO_GRANT,
        CountAsked,
        Granted,
        GrantedItem,
        Grants,
        Handling,
        OwnGrant,
    )
    from beijiang.protection.models.lowering import Corrected, Floor, Lowering, LoweringState, LoweringView, Matter
    from beijiang.protection.models.parameters import Spoken, numbered
    from beijiang.protection.models.private import OfferDraft, PrivateKind, PrivateQuestion, epsilon_of, micro_of
    from beijiang.protection.models.rechecks import Recheck
    from beijiang.protection.models.reference import By, Control, ControlRule, Kind, Stage, asks, controls, kinds
    from beijiang.protection.models.releases import ColumnRole, ReleaseReport, Roles
    from beijiang.protection.models.results import AnswerColumn, Described, FileMark, Seen
    from beijiang.protection.models.served import Served, ServedField, field_grade
    from beijiang.protection.models.shelved import CopyPart, Shelved
    from beijiang.protection.models.sight import AUDIENCE_NAMES, EVERYBODY, Audience, RowRule, RuleEffect
    from beijiang.protection.models.standing import Asked, Standing
    from beijiang.protection.models.walls import function_words, parameters, read_query
    from beijiang.protection.models.where import read_domain, read_where, written, written_domain
    from beijiang.protection.service import (
        AnswerGate,
        CopyShelf,
        Counted,
        Gate,
        Governed,
        GovernedAnswer,
        Keyed,
        Met,
        Private,
        Protection,
        Releases,
        Shelf,
        Sought,
        SqlGateway,
        SqlResult,
        SqlStream,
        TableGrading,
        Verified,
        access_ended,
        files,
    )

__all__ = [
    "AUDIENCE_NAMES",
    "EVERYBODY",
    "NO_GRANT",
    "PARAMETERS",
    "AffectedObject",
    "Announced",
    "AnswerColumn",
    "AnswerGate",
    "Asked",
    "Assessment",
    "AssessmentDraft",
    "AssessmentState",
    "Audience",
    "By",
    "Cell",
    "ColumnGrade",
    "ColumnRole",
    "Control",
    "ControlRule",
    "CopyPart",
    "CopyShelf",
    "Corrected",
    "CountAsked",
    "Counted",
    "DeliveryTerms",
    "Described",
    "FileMark",
    "Findings",
    "Floor",
    "Gate",
    "Governed",
    "GovernedAnswer",
    "GradeSource",
    "Granted",
    "GrantedItem",
    "Grants",
    "Handling",
    "Harm",
    "Keyed",
    "Kind",
    "Level",
    "Listed",
    "Lowering",
    "LoweringState",
    "LoweringView",
    "MaskChoice",
    "MaskFunction",
    "Matter",
    "Met",
    "OfferDraft",
    "OwnGrant",
    "Personal",
    "Private",
    "PrivateKind",
    "PrivateQuestion",
    "Protection",
    "QueryClass",
    "QueryOrder",
    "QueryState",
    "Queued",
    "Recheck",
    "ReleaseReport",
    "Releases",
    "Roles",
    "RowRule",
    "RuleEffect",
    "Salted",
    "Seen",
    "Served",
    "ServedField",
    "Shelf",
    "Shelved",
    "Sought",
    "Spoken",
    "SqlGateway",
    "SqlResult",
    "SqlStream",
    "Stage",
    "Standing",
    "TableGrading",
    "Tier",
    "TogetherFinding",
    "Verified",
    "access_ended",
    "asks",
    "canonical",
    "controls",
    "doubt_headers",
    "doubt_text",
    "epsilon_of",
    "factors",
    "field_grade",
    "files",
    "function_words",
    "kinds",
    "marking",
    "matrix",
    "micro_of",
    "numbered",
    "parameters",
    "read_domain",
    "read_query",
    "read_where",
    "rowquery",
    "salted",
    "sectors",
    "written",
    "written_domain",
]


_WHOLE = {
    "marking": "beijiang.protection.models.marking",
    "files": "beijiang.protection.service.files",
    "rowquery": "beijiang.protection.models.rowquery",
}
"""Rooms that are shown as a whole: how rows are asked for, and how they are written as files."""


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(name)
    if name in _WHOLE:
        return import_module(_WHOLE[name])
    from beijiang.protection import service
    from beijiang.protection.models import (
        assessing,
        choices,
        delivery,
        governing,
        grades,
        granting,
        lowering,
        parameters,
        private,
        rechecks,
        reference,
        releases,
        results,
        served,
        shelved,
        sight,
        standing,
        walls,
        where,
    )

    rooms = (
        service,
        assessing,
        choices,
        delivery,
        governing,
        grades,
        granting,
        lowering,
        parameters,
        private,
        rechecks,
        reference,
        releases,
        results,
        shelved,
        served,
        sight,
        standing,
        walls,
        where,
    )
    return next(getattr(room, name) for room in rooms if hasattr(room, name))
