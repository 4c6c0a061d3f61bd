"""Hand a message to a mail server: checked address, verified TLS, no password over a line that others can read, a last moment for all of it."""

from __future__ import annotations

import smtplib
import socket
import ssl
import threading
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from beijiang.kit import Invalid, Refused, Unavailable
from beijiang.outbound.models import Use
from beijiang.outbound.wire import tls_context
from beijiang.settings import MailSecurity

if TYPE_CHECKING:
    from email.message import EmailMessage

    from beijiang.outbound.addresses import Outbound

__all__ = ["MailServer", "hand_over"]

_STEP_SECONDS: Final = 20.0
_ALL_SECONDS: Final = 60.0
_FOR_GOOD: Final = 500
_BY_RULE: Final = b"5.7."


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """Where mail is handed in, and as whom."""

    host: str
    port: int
    security: MailSecurity
    account: str = ""
    password: str = field(default="", repr=False)
    trusted: str = field(default="", repr=False)
    """Certificates (PEM) that are trusted besides this machine's authorities."""


class _Line(smtplib.SMTP):
    """A conversation with a mail server over a socket to an address that was checked just now."""

    def __init__(self, outbound: Outbound, server: MailServer, context: ssl.SSLContext) -> None:
        self._outbound = outbound
        self._server = server
        self._context = context
        super().__init__(local_hostname="localhost", timeout=_STEP_SECONDS)
        self._host = server.host  # the name that the certificate has to bear
        self.connect(server.host, server.port)

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:  # smtplib asks its subclasses for it
        failure = OSError("no address")
        for address in self._outbound.addresses(host, port):
            try:
                plain = socket.create_connection((address.ip, address.port), timeout)
            except OSError as error:
                failure = error
                continue
            self._outbound.opened(plain)
            if self._server.security is MailSecurity.TLS:
                return self._wrapped(plain, host)
            return plain
        raise failure

    def _wrapped(self, plain: socket.socket, host: str) -> socket.socket:
        try:
            return self._context.wrap_socket(plain, server_hostname=host)
        except OSError:
            plain.close()
            raise


def hand_over(outbound: Outbound, server: MailServer, sender: str, to: str, message: EmailMessage) -> None:
    """Hand one message to the mail server for one address.

    Raises:
        Invalid: a password without TLS (``mail_plain_password``).
        Refused: the server will never take it (``mail_refused``), knows no such address (``mail_no_recipient``), or may not be
            reached (``target_not_allowed``).
        Unavailable: not now (``mail_unavailable``); try again.

    """
    if server.account and server.security is MailSecurity.NONE:
        raise Invalid(
            "邮件服务器未启用 TLS，不发送口令。请把 mail_security 设为 starttls 或 tls。",
            "The mail server is set to no TLS, so its password is not sent. Set mail_security to starttls or tls.",
            code="mail_plain_password",
        )
    way = outbound.bound(Use.CALL, "")
    last = threading.Timer(_ALL_SECONDS, way.cut)
    last.daemon = True
    last.start()
    try:
        context = tls_context(server.trusted)
        with _Line(way, server, context) as line:
            if server.security is MailSecurity.STARTTLS:
                line.starttls(context=context)
            if server.account:
                line.login(server.account, server.password)
            line.send_message(message, sender, [to])
            with suppress(smtplib.SMTPException, OSError):  # it is taken already
                line.quit()
    except smtplib.SMTPRecipientsRefused as error:
        raise _unknown(*next(iter(error.recipients.values()), (0, b""))) from error
    except smtplib.SMTPResponseException as error:
        wrong = isinstance(error, smtplib.SMTPAuthenticationError)
        raise (_refused() if error.smtp_code >= _FOR_GOOD and not wrong else _later()) from error
    except (smtplib.SMTPException, OSError, ValueError) as error:
        raise _later() from error
    finally:
        last.cancel()


def _unknown(code: int, said: bytes) -> Refused | Unavailable:
    """Return why an address was refused; servers say at this place, too, that their rules forbid us to send (5.7.x)."""
    if code < _FOR_GOOD:
        return _later()
    if said.startswith(_BY_RULE):
        return _refused()
    return Refused(
        "邮件服务器说没有这个收件地址。请检查地址。",
        "The mail server says that there is no such address. Check it.",
        code="mail_no_recipient",
    )


def _refused() -> Refused:
    return Refused(
        "邮件服务器不接受这封邮件。请检查收件地址和发件人设置。",
        "The mail server does not take this message. Check the address and the sender in the settings.",
        code="mail_refused",
    )


def _later() -> Unavailable:
    return Unavailable(
        "邮件服务器暂时连接不上，或不接受登录。稍后自动重试；请检查邮件设置。",
        "The mail server cannot be reached or does not accept the sign-in. It is tried again; check the mail settings.",
        code="mail_unavailable",
    )
