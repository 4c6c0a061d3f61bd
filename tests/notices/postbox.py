"""A real mail server, small: it speaks SMTP with STARTTLS or TLS and AUTH, keeps what it is given, and can be out of sorts."""

from __future__ import annotations

import base64
import ipaddress
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any


@dataclass
class Postbox:
    """What came, from and to whom; and how the server answers."""

    folder: Path
    implicit_tls: bool = False
    offer_starttls: bool = True
    account: tuple[str, str] | None = ("platform", "Wort-fuer-die-Post-7")
    refuse: dict[str, str] = field(default_factory=dict)
    """Answers to commands in place of the usual one, such as ``{"RCPT": "550 no such user"}``."""
    letters: list[tuple[str, list[str], EmailMessage]] = field(default_factory=list)
    talk: list[str] = field(default_factory=list)
    port: int = 0

    def __post_init__(self) -> None:
        self.authority = make_certificate(self.folder)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(self.authority, self.folder / "key.pem")


class _Conversation(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        box: Postbox = self.server.box  # type: ignore[attr-defined]
        self.secure = box.implicit_tls
        try:
            if box.implicit_tls:
                self._wrap(box)
            self._talk(box)
        except (OSError, ssl.SSLError):
            return
        finally:
            for one in (self.rfile, self.wfile, self.request):
                with suppress(OSError):
                    one.close()

    def _wrap(self, box: Postbox) -> None:
        for one in (self.rfile, self.wfile):
            one.close()
        self.request = box.context.wrap_socket(self.request, server_side=True)
        self.rfile, self.wfile = self.request.makefile("rb"), self.request.makefile("wb", buffering=0)

    def _say(self, words: str) -> None:
        self.wfile.write(f"{words}\r\n".encode())

    def _talk(self, box: Postbox) -> None:
        self._say("220 postbox")
        sender, to, known = "", [], box.account is None
        while line := self.rfile.readline().decode().rstrip("\r\n"):
            box.talk.append(line)
            word = line.split(" ")[0].upper()
            if word in box.refuse:
                self._say(box.refuse[word])
            elif word == "EHLO":
                more = ["STARTTLS"] if box.offer_starttls and not self.secure else []
                more += ["AUTH PLAIN"] if self.secure else []
                for one in ["postbox", *more]:
                    self._say(f"250-{one}")
                self._say("250 8BITMIME")
            elif word == "STARTTLS":
                self._say("220 go on")
                self._wrap(box)
                self.secure = True
            elif word == "AUTH":
                said = base64.b64decode(line.split(" ")[2]).decode().split("\0")[1:]
                known = tuple(said) == box.account
                self._say("235 welcome" if known else "535 wrong")
            elif word == "MAIL":
                sender = line.split("<")[1].split(">")[0]
                self._say("250 fine" if known else "530 sign in first")
            elif word == "RCPT":
                to.append(line.split("<")[1].split(">")[0])
                self._say("250 fine")
            elif word == "DATA":
                self._say("354 go on")
                box.letters.append((sender, to, self._message()))
                sender, to = "", []
                self._say("250 taken")
            else:
                self._say("221 bye" if word == "QUIT" else "250 fine")

    def _message(self) -> EmailMessage:
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            lines.append(line.removeprefix(b"."))
        found: Any = message_from_bytes(b"".join(lines), policy=policy.default)
        return found


class _Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


@contextmanager
def listening(box: Postbox) -> Iterator[Postbox]:
    """Let the postbox listen on the loopback."""
    with _Server(("127.0.0.1", 0), _Conversation) as server:
        server.box = box  # type: ignore[attr-defined]
        box.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        yield box
        server.shutdown()


def make_certificate(folder: Path) -> Path:
    """Make a certificate of its own authority for the loopback."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key, name = (
        ec.generate_private_key(ec.SECP256R1()),
        x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "postbox")]),
    )
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.KeyUsage(
                digital_signature=True,
                content_commitment=False,
                key_encipherment=False,
                data_encipherment=False,
                key_agreement=False,
                key_cert_sign=True,
                crl_sign=True,
                encipher_only=False,
                decipher_only=False,
            ),
            critical=True,
        )
        .sign(key, hashes.SHA256())
    )
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    path = folder / "certificate.pem"
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return path
