"""The states of an entry and who may move it on (`standards.md` 2.8), as one table."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from beijiang.access import Permission
from beijiang.kit import Text


class State(StrEnum):
    """Where an entry stands; ``code`` is the number that provincial platforms use."""

    text: Text
    code: int

    def __new__(cls, value: str, code: int = 0, zh: str = "", en: str = "") -> Self:
        """Make a member that is its own string and carries its number and name."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.code = code
        member.text = Text(zh, en)
        return member

    DRAFT = "draft", 0, "草稿", "draft"
    RETURNED = "returned", 1, "退回修改", "returned for mending"
    REGISTER_REJECTED = "register_rejected", 2, "注册审核拒绝", "registration refused"
    PENDING_REGISTER = "pending_register", 10, "待注册审核", "waiting for review"
    REGISTERED = "registered", 19, "已注册", "registered"
    PENDING_PUBLISH = "pending_publish", 20, "待发布审核", "waiting for publication"
    PUBLISH_REJECTED = "publish_rejected", 22, "发布审核拒绝", "publication refused"
    UNPUBLISHED = "unpublished", 23, "取消发布", "taken offline"
    PUBLISHED = "published", 29, "已发布", "published"
    WITHDRAWN = "withdrawn", 90, "已撤销", "withdrawn for good"


class Action(StrEnum):
    """What is done to an entry."""

    EDIT = "edit"
    SUBMIT = "submit"
    APPROVE = "approve"
    REQUEST_PUBLISH = "request_publish"
    PUBLISH = "publish"
    RETURN = "return"
    REJECT = "reject"
    TAKE_OFFLINE = "take_offline"
    WITHDRAW = "withdraw"


@dataclass(frozen=True, slots=True)
class Move:
    """One step that the table allows."""

    source: State
    action: Action
    target: State
    permission: Permission


_EDIT, _SUBMIT = Permission.CATALOG_RESOURCE_EDIT, Permission.CATALOG_RESOURCE_SUBMIT
_APPROVE, _RETURN = Permission.CATALOG_RESOURCE_APPROVE, Permission.CATALOG_RESOURCE_RETURN
_PUBLISH, _WITHDRAW = Permission.CATALOG_RESOURCE_PUBLISH, Permission.CATALOG_RESOURCE_WITHDRAW

MOVES = (
    Move(State.DRAFT, Action.EDIT, State.DRAFT, _EDIT),
    Move(State.RETURNED, Action.EDIT, State.RETURNED, _EDIT),
    Move(State.REGISTER_REJECTED, Action.EDIT, State.DRAFT, _EDIT),
    Move(State.REGISTERED, Action.EDIT, State.REGISTERED, _EDIT),
    Move(State.PUBLISH_REJECTED, Action.EDIT, State.REGISTERED, _EDIT),
    Move(State.PUBLISHED, Action.EDIT, State.DRAFT, _EDIT),
    Move(State.UNPUBLISHED, Action.EDIT, State.DRAFT, _EDIT),
    Move(State.DRAFT, Action.SUBMIT, State.PENDING_REGISTER, _SUBMIT),
    Move(State.RETURNED, Action.SUBMIT, State.PENDING_REGISTER, _SUBMIT),
    Move(State.REGISTERED, Action.SUBMIT, State.PENDING_PUBLISH, _SUBMIT),
    Move(State.UNPUBLISHED, Action.SUBMIT, State.PENDING_PUBLISH, _SUBMIT),
    Move(State.PENDING_REGISTER, Action.APPROVE, State.REGISTERED, _APPROVE),
    Move(State.REGISTERED, Action.REQUEST_PUBLISH, State.PENDING_PUBLISH, _APPROVE),
    Move(State.PENDING_REGISTER, Action.RETURN, State.RETURNED, _RETURN),
    Move(State.PENDING_REGISTER, Action.REJECT, State.REGISTER_REJECTED, _RETURN),
    Move(State.PENDING_PUBLISH, Action.RETURN, State.PUBLISH_REJECTED, _PUBLISH),
    Move(State.PENDING_PUBLISH, Action.PUBLISH, State.PUBLISHED, _PUBLISH),
    Move(State.PUBLISHED, Action.TAKE_OFFLINE, State.UNPUBLISHED, _WITHDRAW),
    Move(State.UNPUBLISHED, Action.WITHDRAW, State.WITHDRAWN, _WITHDRAW),
)
"""The whole table. ``REQUEST_PUBLISH`` follows an approval at once: the provider asked for both when submitting."""

_TABLE = {(move.source, move.action): move for move in MOVES}


def move_for(state: State, action: Action) -> Move | None:
    """Return the step that the table has for this state and action."""
    return _TABLE.get((state, action))


def actions_from(state: State) -> tuple[Action, ...]:
    """Return what may be done next."""
    return tuple(move.action for move in MOVES if move.source is state)


class TaskKind(StrEnum):
    """What somebody is waited for."""

    text: Text
    permission: Permission
    rule: str

    def __new__(cls, value: str, zh: str = "", en: str = "", permission: str = "", rule: str = "") -> Self:
        """Make a member that knows who may do it and which time limit runs."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.text = Text(zh, en)
        member.permission = Permission(permission) if permission else Permission.CATALOG_TASK_READ
        member.rule = rule
        return member

    COMPLETE = "complete", "补全并提交目录", "Complete and submit the entry", _SUBMIT.value, "catalog.update.809"
    MEND = "mend", "按退回意见修改", "Mend what was returned", _SUBMIT.value, "catalog.update.809"
    REVIEW = "review", "注册审核", "Review the entry", _APPROVE.value, "catalog.review.809"
    PUBLISH = "publish", "发布审核", "Publish the entry", _PUBLISH.value, "catalog.review.809"
    UPDATE = (
        "update",
        "数据结构有变，更新目录",
        "The columns changed: update the entry",
        _EDIT.value,
        "catalog.update.809",
    )


TASK_OF = {
    State.DRAFT: TaskKind.COMPLETE,
    State.RETURNED: TaskKind.MEND,
    State.REGISTER_REJECTED: TaskKind.MEND,
    State.PUBLISH_REJECTED: TaskKind.MEND,
    State.REGISTERED: TaskKind.COMPLETE,
    State.PENDING_REGISTER: TaskKind.REVIEW,
    State.PENDING_PUBLISH: TaskKind.PUBLISH,
}
"""Whom a state waits for; other states wait for nobody."""

__all__ = ["MOVES", "TASK_OF", "Action", "Move", "State", "TaskKind", "actions_from", "move_for"]
