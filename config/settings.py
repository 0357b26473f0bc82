"""What an installation can choose, what each setting means, and what to do when its value is no good.

A `Settings` takes only what it is given; `config.reading` reads the file and the environment.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from cryptography.x509 import load_pem_x509_certificates
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.fields import FieldInfo

from calendar_sync.links import PUBLIC_JITSI_HOST
from config.jurisdictions import jurisdictions
from config.known_rooms import host_names, room_patterns
from config.wording import languages
from consent_notice.information import Information, LegalBasis
from consent_notice.settling import RulePolicy, Setting
from consent_notice.words import Purpose, Rule

ENV_PREFIX = "ONRECORD_"
NESTED = "__"


@dataclass(frozen=True, slots=True)
class Fix:
    """What to do when the value of this setting is no good."""

    text: str


def _web_address(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("is no web address")
    return value.rstrip("/")


def _known_language(value: str) -> str:
    if value not in languages():
        raise ValueError("has no notice")
    return value


def _known_place(value: str) -> str:
    code = value.strip().upper()
    if code and not jurisdictions().is_known(code):
        raise ValueError("is in no row of the table")
    return code


def _asked_purposes(value: tuple[Purpose, ...]) -> tuple[Purpose, ...]:
    if Purpose.RECORDING not in value:
        raise ValueError("leaves out recording, and none works without it")
    return tuple(purpose for purpose in Purpose if purpose in value)


def _with_commas(value: Any) -> Any:
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


_WebAddress = Annotated[str, AfterValidator(_web_address)]
_OptionalWebAddress = Annotated[str, AfterValidator(_web_address_or_none)]
_Port = Annotated[int, Field(ge=1, le=65535), Fix("give a free port between 1 and 65535")]
_Place = Annotated[
    str, AfterValidator(_known_place), Fix('give a code such as "PL" or "US-CA" (consent_notice/jurisdictions.toml)')
]
_Statement = Annotated[str, Field(max_length=600), Fix('give at most 600 characters, or "none" where there is none')]
_ExistingPath = Annotated[Path, AfterValidator(_existing)]
_ADDRESS_FIX = Fix("give an address that starts with http:// or https://, as people's browsers see it")
_SERVICE_FIX = Fix("give an address that starts with http:// or https://")


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
        _ExistingPath | None, Fix("give a folder with a CTranslate2 Whisper model, or leave it out")
    ] = Field(default=None, description="A folder with a CTranslate2 Whisper model of your own, instead of `model`.")
    voice_path: Annotated[_ExistingPath | None, Fix("give a folder with recorded notices, or leave it out")] = Field(
        default=None, description="A folder with voices or recorded notices of your own for what the bot says."
    )


class NoticeStatements(BaseModel):
    """What GDPR articles 13 and 14 want said; what stands empty is left out of the notice, and the admin is told."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    organisation_address: _Statement = Field(default="", description="The organisation's postal address.")
    representative: _Statement = Field(
        default="", description="Its representative in the European Union, where it sits outside."
    )
    dpo_contact: _Statement = Field(default="", description="How to reach the data protection officer.")
    authority: _Statement = Field(
        default="", description="The data protection authority in charge of the organisation."
    )
    recipients: _Statement = Field(
        default="", description="Whom recordings are passed on to, as everybody may read it; `none` for nobody."
    )
    transfers: _Statement = Field(
        default="",
        description="Where they go outside the European Economic Area, and under which safeguard; `none` for nowhere.",
    )
    obligatory: _Statement = Field(
        default="", description="Whether anybody has to agree, and what follows from a no, in the organisation's words."
    )
    legal_basis: Annotated[LegalBasis, Fix("write one of: " + ", ".join(basis for basis in LegalBasis if basis))] = (
        Field(
            default=LegalBasis.NOT_DECLARED,
            description="GDPR art. 6(1), as you declare it; the notice says `consent` where it is empty. "
            "Whatever it is, nothing is kept of a person without their yes.",
        )
    )
    legitimate_interests: _Statement = Field(default="", description="Which interests, where they are the legal basis.")
    works_council_agreement: _Statement = Field(
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
    s3_endpoint: Annotated[_OptionalWebAddress, _SERVICE_FIX] = Field(
        default="", description="Address of an S3 server that is not Amazon's."
    )
    s3_region: Annotated[str, Field(max_length=60), Fix("give a region, such as eu-central-1")] = Field(
        default="", description="Region of the bucket; default `us-east-1`, which most other servers take."
    )
    rfc3161_url: Annotated[_OptionalWebAddress, _SERVICE_FIX] = Field(
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
    port: _Port = Field(default=587, description="Its port.")
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


class Settings(BaseModel):
    """One installation's choices; frozen. Every process of the server gets the same."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data_dir: Annotated[Path, AfterValidator(Path.absolute), Fix("give a folder")] = Field(
        default=Path("onrecord-data"), validate_default=True, description="Where everything kept lies."
    )
    host: Annotated[str, Fix("give an address of this machine, such as 127.0.0.1")] = Field(
        default="127.0.0.1", description="Address on which the pages listen."
    )
    web_port: _Port = Field(default=8480, description="Port of the pages.")
    public_url: Annotated[_WebAddress, _ADDRESS_FIX] = Field(
        default="", description="Address of the pages as people's browsers see it; default `http://{host}:{web_port}`."
    )
    practice_host: Annotated[str, Fix("give an address of this machine, such as 127.0.0.1")] = Field(
        default="127.0.0.1", description="Address on which the practice room listens."
    )
    practice_port: _Port = Field(default=8481, description="Port of the practice room.")
    practice_url: Annotated[_WebAddress, _ADDRESS_FIX] = Field(
        default="",
        description="Address of the practice room as people's browsers see it; default `http://{practice_host}:{practice_port}`.",
    )
    bot_name: Annotated[
        str, Field(min_length=3, max_length=60), Fix("give 3 to 60 characters that say what the bot is")
    ] = Field(
        default="onrecord (asks before recording)", description="The bot's name in a meeting; it must say what it is."
    )
    organisation: Annotated[
        str, Field(max_length=120), Fix('name who answers for the recordings, such as "Example Ltd"')
    ] = Field(
        default="",
        description="Who answers for the recordings (the controller); said in every notice. `serve` needs it.",
    )
    organisation_contact: Annotated[
        str, Field(max_length=200), Fix('give a mail address or page, such as "privacy@example.org"')
    ] = Field(default="", description="Where people reach that organisation; shown on every page. `serve` needs it.")
    retention_days: Annotated[int, Field(ge=1, le=3650), Fix("give 1 to 3650 days")] = Field(
        default=90, description="How long recordings are kept; said in every notice."
    )
    purposes: Annotated[
        tuple[Purpose, ...],
        BeforeValidator(_with_commas),
        AfterValidator(_asked_purposes),
        Fix('give a list such as ["recording", "transcription", "ai_notes"], with "recording" in it'),
    ] = Field(
        default=(Purpose.RECORDING, Purpose.TRANSCRIPTION),
        description="What people are asked about on their pages, each by itself: `recording`, `transcription`, "
        "`ai_notes`, `sharing`, `insights` (the last one by personal link alone). In the chat: the first two.",
    )
    default_language: Annotated[str, AfterValidator(_known_language), Fix("use one of: " + ", ".join(languages()))] = (
        Field(default="en", description="Language of the notice where a calendar or meeting sets none.")
    )
    default_rule: Annotated[Rule, Fix('write "everyone", or "each_voice" or "presenters" where that is allowed')] = (
        Field(
            default=Rule.EVERYONE,
            description="Whose yes a kept sound needs: `everyone`, `each_voice` (its own) or `presenters` (theirs).",
        )
    )
    each_voice_allowed: Annotated[bool, Fix("write true or false")] = Field(
        default=False, description="Whether a host may choose `each_voice`: keep only the voices that agreed."
    )
    presenters_allowed: Annotated[bool, Fix("write true or false")] = Field(
        default=False,
        description="Whether a host may choose `presenters` for a large meeting: keep only the speakers who agreed.",
    )
    attestation_allowed: Annotated[bool, Fix("write true or false")] = Field(
        default=False,
        description="Whether a host may say of somebody that they agreed. It counts only for who has not answered.",
    )
    one_sided_accepted: Annotated[bool, Fix("write true or false")] = Field(
        default=False,
        description="The admin's acceptance of `each_voice` where the law on one-sided recordings is unclear.",
    )
    host_location: _Place = Field(
        default="", description="Where hosts are who say nothing on their account page; empty: not known."
    )
    bot_location: _Place = Field(default="", description="Where this server stands; empty: not known.")
    late_roster_accepted: Annotated[bool, Fix("write true or false")] = Field(
        default=False,
        description="The admin's acceptance of rooms that mix all voices and tell late who joined, where nobody knows "
        "where people are. Where a place is known to forbid it, they stay refused.",
    )
    profile: Annotated[Setting, Fix('write "workplace", "education", or leave it out')] = Field(
        default=Setting.ORDINARY,
        description="What the meetings are: `workplace` says in the notice that a no costs nothing, and wants a legal "
        "basis; `education` visits none without `education_accepted`.",
    )
    education_accepted: Annotated[bool, Fix("write true or false")] = Field(
        default=False, description="The admin's acceptance that meetings of an `education` installation are visited."
    )
    known_bots: Annotated[tuple[str, ...], Fix('give names as other bots show them, such as ["Notes Helper"]')] = Field(
        default=(),
        description="Names under which other bots appear. Each is told of to all, and no yes is asked of it; only "
        "where each voice comes apart, so that nothing of it can be kept.",
    )
    join_early_s: Annotated[int, Field(ge=0, le=600), Fix("give 0 to 600 seconds")] = Field(
        default=5, description="How long before its start the bot joins a meeting."
    )
    grace_s: Annotated[int, Field(ge=1, le=3600), Fix("give 1 to 3600 seconds")] = Field(
        default=120, description="How long the bot stays, silent, when not everyone agreed."
    )
    offer_after_s: Annotated[int, Field(ge=1, le=3600), Fix("give 1 to 3600 seconds")] = Field(
        default=90, description="When the host is told how many have not answered."
    )
    calendar_interval_s: Annotated[int, Field(ge=1, le=3600), Fix("give 1 to 3600 seconds")] = Field(
        default=60, description="How often each calendar is read."
    )
    private_calendars_allowed: Annotated[bool, Fix("write true or false")] = Field(
        default=False, description="Whether a calendar address may lie in a private network or on this machine."
    )
    jitsi_hosts: Annotated[
        tuple[str, ...],
        BeforeValidator(_with_commas),
        AfterValidator(host_names),
        Fix('give host names, such as ["meet.jit.si", "talk.example.org:8443"]'),
    ] = Field(default=(PUBLIC_JITSI_HOST,), description="On which hosts an address is taken for a Jitsi room.")
    janus_rooms: Annotated[
        tuple[str, ...],
        BeforeValidator(_with_commas),
        AfterValidator(room_patterns),
        Fix('give addresses with {room} in them, such as ["https://janus.example.org/videoroom.html?room={room}"]'),
    ] = Field(default=(), description="How the addresses of Janus rooms look: `{room}` stands for the room's name.")
    notice: Annotated[NoticeStatements, Fix("make it a table: [notice]")] = Field(
        default=NoticeStatements(), description="What the notice states beside what the bot knows."
    )
    transcription: Annotated[Transcription, Fix("make it a table: [transcription]")] = Field(
        default=Transcription(), description="Speech to text."
    )
    checkpoints: Annotated[Checkpoints, Fix("make it a table: [checkpoints]")] = Field(
        default=Checkpoints(), description="Copies of the log's checkpoints elsewhere."
    )
    mail: Annotated[Mail, Fix("make it a table: [mail]")] = Field(default=Mail(), description="Receipts by mail.")

    @model_validator(mode="before")
    @classmethod
    def _default_addresses(cls, given: Any) -> Any:
        if isinstance(given, dict):
            given = {key: value for key, value in given.items() if not (key.endswith("_url") and value == "")}
            for name, host, port in (
                ("public_url", "host", "web_port"),
                ("practice_url", "practice_host", "practice_port"),
            ):
                address = str(given.get(host, cls.model_fields[host].default))
                number = given.get(port, cls.model_fields[port].default)
                bracketed = f"[{address}]" if ":" in address else address
                given.setdefault(name, f"http://{bracketed}:{number}")
        return given


def information_of(settings: Settings) -> Information:
    return Information(setting=settings.profile, **settings.notice.model_dump())


def rule_policy_of(settings: Settings) -> RulePolicy:
    return RulePolicy(
        single_voices_allowed=settings.each_voice_allowed,
        one_sided_accepted=settings.one_sided_accepted,
        late_roster_accepted=settings.late_roster_accepted,
        presenters_allowed=settings.presenters_allowed,
    )


def described(model: type[BaseModel] = Settings, prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Every setting with its field; those of a table have a dot in their name."""
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from described(field.annotation, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", field


def fix_for(field: FieldInfo | None) -> str:
    entries = field.metadata if field is not None else []
    return next((entry.text for entry in entries if isinstance(entry, Fix)), "see docs/settings.md")
