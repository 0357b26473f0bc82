"""A real RFC 3161 responder on loopback: `openssl ts` with a certificate authority of its own, and its bad moods."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

_POLICY = "1.2.3.4.1"
_CONFIG = """\
[tsa]
default_tsa = here
[here]
serial = {folder}/serial
crypto_device = builtin
signer_cert = {folder}/service.pem
signer_key = {folder}/service.key
signer_digest = sha256
default_policy = {policy}
digests = {digests}
accuracy = secs:1
ess_cert_id_alg = sha256
"""


@dataclass(slots=True)
class TimestampResponder:
    folder: Path
    url: str = ""
    answers: str = "well"  # or "refuses", "of another", "garbage", "busy", "gone", "long"
    asked: list[bytes] = field(default_factory=list)

    @property
    def roots(self) -> bytes:
        return (self.folder / "authority.pem").read_bytes()

    async def answer(self, request: web.Request) -> web.Response:
        query = await request.read()
        self.asked.append(query)
        if self.answers in ("busy", "gone"):
            return web.Response(status=503 if self.answers == "busy" else 404)
        if self.answers == "garbage":
            return web.Response(body=b"<html>welcome</html>")
        if self.answers == "long":
            return web.Response(body=bytes(300_000))
        if self.answers == "of another":
            query = await asyncio.to_thread(self._query, b"something else")
        return web.Response(
            body=await asyncio.to_thread(self._reply, query), content_type="application/timestamp-reply"
        )

    def _reply(self, query: bytes) -> bytes:
        digests = "sha1" if self.answers == "refuses" else "sha256, sha384, sha512"
        config = self.folder / "ts.cnf"
        config.write_text(_CONFIG.format(folder=self.folder, policy=_POLICY, digests=digests))
        (self.folder / "query").write_bytes(query)
        _openssl("ts", "-reply", "-config", config, "-queryfile", self.folder / "query", "-out", self.folder / "reply")
        return (self.folder / "reply").read_bytes()

    def _query(self, content: bytes) -> bytes:
        (self.folder / "content").write_bytes(content)
        _openssl("ts", "-query", "-data", self.folder / "content", "-sha256", "-cert", "-out", self.folder / "asked")
        return (self.folder / "asked").read_bytes()

    def openssl_says(self, note: bytes, stamp: bytes) -> bool:
        """An independent look: whether OpenSSL takes the stamp for one of that note."""
        (self.folder / "note").write_bytes(note)
        (self.folder / "stamp").write_bytes(stamp)
        command = ["openssl", "ts", "-verify", "-data", "note", "-in", "stamp", "-CAfile", "authority.pem"]
        return subprocess.run(command, cwd=self.folder, capture_output=True, check=False).returncode == 0


@asynccontextmanager
async def timestamp_responder(folder: Path) -> AsyncIterator[TimestampResponder]:
    folder.mkdir(parents=True, exist_ok=True)
    make_authority(folder)
    responder = TimestampResponder(folder)
    app = web.Application()
    app.router.add_post("/tsr", responder.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    responder.url = f"http://127.0.0.1:{runner.addresses[0][1]}/tsr"
    try:
        yield responder
    finally:
        await runner.cleanup()


def make_authority(folder: Path) -> None:
    """A root and a service certificate for time stamping alone (RFC 3161 section 2.3)."""
    authority_key = ec.generate_private_key(ec.SECP256R1())
    service_key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    authority_name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Test authority")])
    service_name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "Test timestamps")])
    authority = (
        _certificate(authority_name, authority_name)
        .public_key(authority_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    service = (
        _certificate(service_name, authority_name)
        .public_key(service_key.public_key())
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
        .sign(authority_key, hashes.SHA256())
    )
    (folder / "authority.pem").write_bytes(authority.public_bytes(serialization.Encoding.PEM))
    (folder / "service.pem").write_bytes(service.public_bytes(serialization.Encoding.PEM))
    (folder / "service.key").write_bytes(
        service_key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    (folder / "serial").write_text("01\n")


def _certificate(subject: x509.Name, issuer: x509.Name) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
    )


def _openssl(*arguments: object) -> None:
    subprocess.run(["openssl", *map(str, arguments)], capture_output=True, check=True)
