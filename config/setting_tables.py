"""The tables of the settings (transcription, notice, checkpoints, mail), and the kinds of value that settings have."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from cryptography.x509 import load_pem_x509_certificates
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from config.jurisdictions import jurisdictions
from config.wording import languages
from consent_notice.information import LegalBasis
from consent_notice.words import Purpose


@dataclass(frozen=True, slots=True)
class Fix:
    """What to do when the value of this setting is no good."""

    text: str


def _web_address(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("is no web address")
    return value.rstrip("/")


def known_language(value: str) -> str:
    if value not in languages():
        raise ValueError("has no notice")
    return value


def _known_place(value: str) -> str:
    code = value.strip().upper()
    if code and not jurisdictions().is_known(code):
        raise ValueError("is in no row of the table")
    return code


def asked_purposes(value: tuple[Purpose, ...]) -> tuple[Purpose, ...]:
    if Purpose.RECORDING not in value:
        raise ValueError("leaves out recording, and none works without it")
    return tuple(purpose for purpose in Purpose if purpose in value)


def with_commas(value: Any) -> Any:
    """As a variable of the environment says a list."""
    return [part.strip() for part in value.split(",")] if isinstance(value, str) else value


def _existing(value: Path) -> Path:
    if not value.exists():
        raise ValueError("is not there")
    return value.absolute()


def _web_address_or_none(value: str) -> str:
    return _web_address(value) if value else value


def _certificates(value: Path) -> Path:
    path = _existing(value)
    try:
        load_pem_x509_certificates(path.read_bytes())
    except OSError as error:
        raise ValueError(f"can't be read: {error.strerror}") from None
    except ValueError:
        raise ValueError("holds no certificate") from None
    return path


WebAddress = Annotated[str, AfterValidator(_web_address)]
OptionalWebAddress = Annotated[str, AfterValidator(_web_address_or_none)]
Port = Annotated[int, Field(ge=1, le=65535), Fix("give a free port between 1 and 65535")]
Place = Annotated[
    str, AfterValidator(_known_place), Fix('give a code such as "PL" or "US-CA" (consent_notice/jurisdictions.toml)')
]
Statement = Annotated[str, Field(max_length=600), Fix('give at most 600 characters, or "none" where there is none')]
ExistingPath = Annotated[Path, AfterValidator(_existing)]
ADDRESS_FIX = Fix("give an address that starts with http:// or https://, as people's browsers see it")
SERVICE_FIX = Fix("give an address that starts with http:// or https://")


class Transcription(BaseModel):
    """Speech to text, on this machine."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    enabled: Annotated[bool, Fix("write true or false")] = Field(
        default=True, description="Make transcripts of what was kept, for people who agreed to it."
    )
    model: Annotated[
        Literal["base", "tiny.en"], Fix('write "base" (many languages) or "tiny.en" (English, faster)')
    ] = Field(default="base", description="Whisper model, from an installed package: `base` or `tiny.en`.")
    model_path: Annotated[
        ExistingPath | None, Fix("give a folder with a CTranslate2 Whisper model, or leave it out")
    ] = Field(default=None, description="A folder with a CTranslate2 Whisper model of your own, instead of `model`.")
    voice_path: Annotated[ExistingPath | None, Fix("give a folder with recorded notices, or leave it out")] = Field(
        default=None, description="A folder with voices or recorded notices of your own for what the bot says."
    )


class NoticeStatements(BaseModel):
    """What GDPR articles 13 and 14 want said; what stands empty is left out of the notice, and the admin is told."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    organisation_address: Statement = Field(default="", description="The organisation's postal address.")
    representative: Statement = Field(
        default="", description="Its representative in the European Union, where it sits outside."
    )
    dpo_contact: Statement = Field(default="", description="How to reach the data protection officer.")
    authority: Statement = Field(default="", description="The data protection authority in charge of the organisation.")
    recipients: Statement = Field(
        default="", description="Whom recordings are passed on to, as everybody may read it; `none` for nobody."
    )
    transfers: Statement = Field(
        default="",
        description="Where they go outside the European Economic Area, and under which safeguard; `none` for nowhere.",
    )
    obligatory: Statement = Field(
        default="", description="Whether anybody has to agree, and what follows from a no, in the organisation's words."
    )
    legal_basis: Annotated[LegalBasis, Fix("write one of: " + ", ".join(basis for basis in LegalBasis if basis))] = (
        Field(
            default=LegalBasis.NOT_DECLARED,
            description="GDPR art. 6(1), as you declare it; the notice says `consent` where it is empty. "
            "Whatever it is, nothing is kept of a person without their yes.",
        )
    )
    legitimate_interests: Statement = Field(default="", description="Which interests, where they are the legal basis.")
    works_council_agreement: Statement = Field(
        default="", description="The agreement with the works council, as the notice and the evidence name it."
    )


class Checkpoints(BaseModel):
    """Copies of the log's checkpoints out of the host's hands; each place is off until it is named."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    interval_s: Annotated[int, Field(ge=10, le=86_400), Fix("give 10 to 86400 seconds")] = Field(
        default=900, description="How often the newest checkpoint is copied, where there is a new one."
    )
    folder: Annotated[
        Annotated[Path, AfterValidator(Path.absolute)] | None, Fix("give a folder on another disk or machine")
    ] = Field(default=None, description="A folder that gets a copy; it must be there, and best on another machine.")
    s3_bucket: Annotated[str, Field(max_length=63), Fix("give the name of a bucket")] = Field(
        default="", description="An S3 bucket that gets a copy; credentials from the usual `AWS_…` variables."
    )
    s3_prefix: Annotated[str, Field(max_length=500), Fix("give a path, such as onrecord/checkpoints")] = Field(
        default="", description="Where in that bucket."
    )
    s3_endpoint: Annotated[OptionalWebAddress, SERVICE_FIX] = Field(
        default="", description="Address of an S3 server that is not Amazon's."
    )
    s3_region: Annotated[str, Field(max_length=60), Fix("give a region, such as eu-central-1")] = Field(
        default="", description="Region of the bucket; default `us-east-1`, which most other servers take."
    )
    rfc3161_url: Annotated[OptionalWebAddress, SERVICE_FIX] = Field(
        default="",
        description="A timestamp service (RFC 3161) that says when it saw a checkpoint; it sees its hash only.",
    )
    rfc3161_roots: Annotated[
        Annotated[Path, AfterValidator(_certificates)] | None,
        Fix("give a PEM file with the service's root certificate"),
    ] = Field(default=None, description="Certificates (PEM) that a timestamp must lead to before it is kept.")


class Mail(BaseModel):
    """The server that takes the mails which participants ask for."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: Annotated[str, Fix("give the mail server's name, or leave it out")] = Field(
        default="", description="Mail server (SMTP) for receipts that participants ask for; without it none is offered."
    )
    port: Port = Field(default=587, description="Its port.")
    security: Annotated[Literal["starttls", "tls", "none"], Fix('write "starttls", "tls" or "none"')] = Field(
        default="starttls", description="`starttls`, `tls` from the first byte, or `none`: only for this machine's own."
    )
    sender: Annotated[str, Fix('give the address that mails come from, such as "onrecord@example.org"')] = Field(
        default="", description="Address that the mails come from."
    )
    user: Annotated[str, Fix("give a name, or leave it out")] = Field(
        default="", description="Name to sign in with; empty: no sign-in."
    )
    password: Annotated[str, Fix("give a text in quotes, or set ONRECORD_MAIL__PASSWORD")] = Field(
        default="", repr=False, description="Its password; rather in the variable than in the file."
    )
