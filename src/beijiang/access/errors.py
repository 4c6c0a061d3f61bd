"""What access refuses, in the words that users see."""

from __future__ import annotations

from beijiang.kit import Denied, NotFound, Text, Unauthenticated


class PolicyFault(Exception):
    """The packaged policies do not fit their schema; the platform does not start with them."""


def sign_in_first() -> Unauthenticated:
    """Return the answer to somebody who has not signed in."""
    return Unauthenticated("请先登录，再进行此操作。", "Sign in first, then try again.")


def sign_in_refused() -> Unauthenticated:
    """Return the one answer to every failed sign-in: unknown, wrong, locked and disabled look alike."""
    return Unauthenticated(
        "账号或口令不正确，或账号已被锁定。连续失败 5 次后须等待 15 分钟；忘记口令请联系系统管理员重置。",
        "Name or password is wrong, or the account is locked. After 5 failures wait 15 minutes; if you forgot the password, ask the system administrator for a reset.",
        code="sign_in_failed",
    )


def not_allowed(permission: str, what: Text) -> Denied:
    """Return the answer to somebody whose roles do not allow it."""
    return Denied(
        f"您没有“{what.zh}”的权限。如工作需要，请联系安全管理员调整角色。",
        f"You may not do this: {what.en}. If your work needs it, ask the security administrator for the role.",
        detail={"permission": str(permission)},
    )


def unknown_person() -> NotFound:
    """Return the answer for a person that is not there, or that the actor may not see."""
    return NotFound("没有这个账号。", "There is no such account.", code="person_unknown")


def unknown_organisation(org_id: str) -> NotFound:
    """Return the answer for an organisation that is not there."""
    return NotFound(
        f"没有标识为“{org_id}”的机构。可用 beijiang orgs list 查看全部机构。",
        f"There is no organisation “{org_id}”. `beijiang orgs list` shows them all.",
        code="organisation_unknown",
        detail={"organisation": org_id},
    )


def proof_expired() -> Unauthenticated:
    """Return the answer to a key or token that is unknown, expired or revoked: all look alike."""
    return Unauthenticated(
        "密钥或会话无效、已过期或已被吊销。请重新登录，或换用有效的 API 密钥。",
        "The key or session is unknown, expired or revoked. Sign in again, or use a valid API key.",
        code="proof_invalid",
    )


def set_password_first() -> Denied:
    """Return the answer to somebody who signed in with a one-time code and has not set a password yet."""
    return Denied(
        "这是一次性开户码登录。请先设置自己的口令，再继续使用。",
        "You signed in with a one-time code. Set your own password first.",
        code="password_not_set",
    )
