"""What can go wrong at a source, in our words: a driver's own may quote rows, addresses and secrets.

Terminal ones are ``Invalid`` (somebody has to act); transient ones are ``Unavailable`` (trying again may help).
"""

from __future__ import annotations

from beijiang.kit import Invalid, NotFound, Text, Unavailable

__all__ = ["feed_missing", "source_refuses", "source_unreachable"]

_REFUSALS = {
    "source_login_failed": Text(
        "数据源拒绝登录：账号或口令不对，或不允许从本机登录。请更正账号口令，或请数据源管理员放行。",
        "The source refuses the sign-in: account or password is wrong, or this machine may not sign in. Correct them, or ask the source's administrator.",
    ),
    "source_forbidden": Text(
        "此账号没有读取权限。请数据源管理员授予所选表的只读权限。",
        "This account may not read it. Ask the source's administrator for the right to read the chosen tables.",
    ),
    "source_object_missing": Text(
        "数据源中的库、表或列不存在，可能已被改名或删除。请重新选择。",
        "The database, table or column is not there; it may have been renamed or dropped. Choose anew.",
    ),
    "source_asks_for_file": Text(
        "对方服务器索要本机的文件。未传送任何文件，已断开连接，没有写入任何数据。正常的服务器不会这样做，请其管理员核查是否被仿冒或入侵。",
        "The server asks for a file of this machine. No file was sent, the connection was ended and nothing was written. No sound server does that: let its administrator see whether it was replaced or broken into.",
    ),
    "source_tls": Text(
        "无法与数据源建立经过验证的加密连接。请为其配置受信任的证书，或在知情的前提下把 tls 设为 encrypt 或 off。",
        "No verified TLS connection to the source could be made. Give it a trusted certificate, or knowingly set tls to encrypt or off.",
    ),
}


def source_refuses(code: str, state: str = "") -> Invalid:
    """Say why the source answers and refuses."""
    text = _REFUSALS[code]
    return Invalid(text.zh, text.en, code=code, detail={"state": state} if state else None)


def source_unreachable(state: str = "") -> Unavailable:
    """Say that the source does not answer, or broke off; trying again may help."""
    return Unavailable(
        "数据源没有应答或中途断开，没有写入任何数据。请检查数据源是否运行、网络和端口是否可达，稍后重试。",
        "The source does not answer or broke off; nothing was written. Check that it runs and that network and port are open, then try again.",
        code="source_unreachable",
        detail={"state": state} if state else None,
    )


def feed_missing(name: str) -> NotFound:
    """Say that there is no such table, end-point or folder, or that the account may not see it."""
    return NotFound(
        f"数据源中没有“{name[:120]}”，或此账号无权查看。",
        f'The source has no "{name[:120]}", or this account may not see it.',
        code="unknown_feed",
    )
