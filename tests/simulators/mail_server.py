"""A real SMTP server on a free port, which takes mails, wants TLS or a password, or refuses, as a test says."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

USER, PASSWORD = "onrecord", "a long password of the test"


@dataclass
class SimulatedMailServer:
    """What came in, and what it answers."""

    port: int = 0
    mails: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    refuses: str = ""  # an answer to RCPT TO, such as "550 no such box"
    rejects: str = ""  # an answer to the mail itself

    async def handle_RCPT(
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if self.refuses:
            return self.refuses
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:
        if self.rejects:
            return self.rejects
        content = envelope.content
        assert isinstance(content, bytes)
        self.raw.append(content)
        self.mails.append(message_from_bytes(content, policy=policy.default))
        self.recipients += envelope.rcpt_tos
        return "250 OK"


@asynccontextmanager
async def mail_server(security: str = "none", folder: Path | None = None) -> AsyncIterator[SimulatedMailServer]:
    """`starttls` asks for a password too. The certificate is of `folder`/mail.pem, for localhost."""
    simulated = SimulatedMailServer()
    context = None if security == "none" or folder is None else _context(folder)
    options: dict[str, Any] = {"hostname": "localhost", "enable_SMTPUTF8": False}
    if security == "starttls":
        options |= {
            "tls_context": context, "require_starttls": True, "auth_required": True, "authenticator": _authenticate,
        }  # fmt: skip
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(simulated, **options), "127.0.0.1", 0, ssl=context if security == "tls" else None
    )
    simulated.port = server.sockets[0].getsockname()[1]
    try:
        yield simulated
    finally:
        server.close()
        await server.wait_closed()


def _authenticate(_server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, login: Any) -> AuthResult:
    is_right = isinstance(login, LoginPassword) and (login.login, login.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=is_right, handled=False)  # the server answers


def _context(folder: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public, private = folder / "mail.pem", folder / "mail.key"
    public.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    return context
