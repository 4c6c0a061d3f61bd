"""What can go wrong on the way out, in our words: an address may carry a key, and a library's words may carry the address.

``Unavailable`` is transient (trying again may help), everything else is terminal (somebody has to act).
"""

from __future__ import annotations

from beijiang.kit import Invalid, Refused, TooLarge, Unavailable

__all__ = [
    "bad_authority",
    "bad_header",
    "bad_url",
    "broken_off",
    "odd_encoding",
    "redirect_refused",
    "timed_out",
    "tls_failed",
    "too_large",
]


def bad_url() -> Invalid:
    """Say that an address cannot be used."""
    return Invalid(
        "网址有误：应以 http:// 或 https:// 开头，含主机名，且不含账号口令。",
        "The address is wrong: it starts with http:// or https://, names a host and holds no account or password.",
        code="outbound_bad_url",
    )


def bad_authority() -> Invalid:
    """Say that what should be trusted is no certificate."""
    return Invalid(
        "要信任的颁发机构证书不是有效的 PEM 文本。应以 -----BEGIN CERTIFICATE----- 开头。",
        "The authority's certificate to be trusted is no PEM text. It begins with -----BEGIN CERTIFICATE-----.",
        code="outbound_bad_authority",
    )


def bad_header(name: str) -> Invalid:
    """Say that a header would break out of its line; its value may be a secret and is not told."""
    shown = name if name.isprintable() and name.isascii() else "?"
    return Invalid(
        f"请求头“{shown[:60]}”的名称或取值含有不允许的字符（如换行）。请更正。",
        f'Name or value of the request header "{shown[:60]}" holds characters that are not allowed (such as line breaks). Correct it.',
        code="outbound_bad_header",
    )


def redirect_refused(why: str) -> Refused:
    """Say why a redirect is not followed: ``limit``, ``downgrade``, ``method`` or ``address``."""
    return Refused(
        "对方要求转到别处，未予跟随（次数过多、由 https 降为 http、提交请求被转移，或新地址有误）。请改填最终地址。",
        "The other side redirects, which is not followed (too often, from https to http, of a posted request, or to no good address). Give the final address.",
        code="outbound_redirect",
        detail={"why": why},
    )


def tls_failed() -> Invalid:
    """Say that the other side could not prove who it is."""
    return Invalid(
        "无法验证对方的证书（过期、主机名不符或颁发机构不受信任），未发送任何数据。请对方更换证书，或把其颁发机构证书加入信任。",
        "The certificate of the other side cannot be verified (expired, another host's, or of an unknown authority); nothing was sent. Have it replaced, or trust its authority's certificate.",
        code="outbound_tls",
    )


def timed_out() -> Unavailable:
    """Say that it took too long."""
    return Unavailable(
        "对方在限定时间内没有答完。请检查网络与对方负载，稍后重试。",
        "The other side did not finish in time. Check the network and its load, then try again.",
        code="outbound_timeout",
    )


def broken_off() -> Unavailable:
    """Say that no connection came about, or that it ended before the answer did."""
    return Unavailable(
        "连接不上对方，或应答中途断开。请检查对方是否运行、网络和端口是否可达，稍后重试。",
        "No connection, or the answer broke off. Check that the other side runs and that network and port are open, then try again.",
        code="outbound_unreachable",
    )


def odd_encoding() -> Invalid:
    """Say that the body is packed in a way that was not asked for."""
    return Invalid(
        "应答采用了不支持的压缩方式（只支持 gzip）。请对方改用 gzip 或不压缩。",
        "The answer is compressed in a way that is not supported (gzip only). Ask the other side for gzip or none.",
        code="outbound_encoding",
    )


def too_large(limit: int) -> TooLarge:
    """Say that the body, unpacked, is larger than allowed."""
    return TooLarge(
        f"应答解压后超过上限 {limit // 1024} KiB，已停止接收。请分页或缩小范围。",
        f"The answer, unpacked, is over the limit of {limit // 1024} KiB; it was not read further. Read it in pages or ask for less.",
        code="outbound_too_large",
        detail={"limit": limit},
    )
