"""The one way out: every connection that the platform opens to another machine has its address checked here first.

Public addresses may be reached. Everything else (loopback, private networks, link-local, metadata services and their IPv6
disguises) only where the security administrator has named host, port and network. The HTTP client is loaded on first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from beijiang.outbound.addresses import Outbound
from beijiang.outbound.models import Address, Target, Use

if TYPE_CHECKING:
    from beijiang.outbound.http import Credentials, Http, HttpAnswer, HttpLimits, HttpStream, Url, parsed, same_origin
    from beijiang.outbound.local import Bridge, listening_at
    from beijiang.outbound.mail import MailServer, hand_over
    from beijiang.outbound.ssh import Channel, SshLogin, host_keys, ssh_channel
    from beijiang.outbound.wire import tls_context

__all__ = [
    "Address",
    "Bridge",
    "Channel",
    "Credentials",
    "Http",
    "HttpAnswer",
    "HttpLimits",
    "HttpStream",
    "MailServer",
    "Outbound",
    "SshLogin",
    "Target",
    "Url",
    "Use",
    "hand_over",
    "host_keys",
    "listening_at",
    "parsed",
    "same_origin",
    "ssh_channel",
    "tls_context",
]

_LOCAL = {"Bridge", "listening_at"}
_MAIL = {"MailServer", "hand_over"}
_SSH = {"Channel", "SshLogin", "host_keys", "ssh_channel"}


def __getattr__(name: str) -> Any:
    if name not in __all__:
        raise AttributeError(name)
    if name in _LOCAL:
        from beijiang.outbound import local

        return getattr(local, name)
    from beijiang.outbound import http, mail, ssh, wire

    if name in _MAIL:
        return getattr(mail, name)
    return getattr(ssh if name in _SSH else wire if name == "tls_context" else http, name)
