"""What an installation can choose, what each setting means, and what to do when its value is no good.

A `Settings` takes only what it is given; `config.reading` reads the file and the environment.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator
from pydantic.fields import FieldInfo

from config.wording import languages
from consent_notice.words import Rule

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


def _rule_of_today(value: Rule) -> Rule:
    if value is Rule.PRESENTERS:
        raise ValueError("is not there yet")
    return value


def _existing(value: Path) -> Path:
    if not value.exists():
        raise ValueError("is not there")
    return value.absolute()


_WebAddress = Annotated[str, AfterValidator(_web_address)]
_Port = Annotated[int, Field(ge=1, le=65535), Fix("give a free port between 1 and 65535")]
_ExistingPath = Annotated[Path, AfterValidator(_existing)]
_ADDRESS_FIX = Fix("give an address that starts with http:// or https://, as people's browsers see it")


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
    default_language: Annotated[str, AfterValidator(_known_language), Fix("use one of: " + ", ".join(languages()))] = (
        Field(default="en", description="Language of the notice where a calendar or meeting sets none.")
    )
    default_rule: Annotated[
        Rule, AfterValidator(_rule_of_today), Fix('write "everyone", or "each_voice" with each_voice_allowed')
    ] = Field(
        default=Rule.EVERYONE,
        description="Whose yes a kept sound needs: `everyone` present, or `each_voice` for itself.",
    )
    each_voice_allowed: Annotated[bool, Fix("write true or false")] = Field(
        default=False, description="Whether a host may choose `each_voice`: keep only the voices that agreed."
    )
    one_sided_accepted: Annotated[bool, Fix("write true or false")] = Field(
        default=False,
        description="The admin's acceptance of `each_voice` where the law on one-sided recordings is unclear.",
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
    transcription: Annotated[Transcription, Fix("make it a table: [transcription]")] = Field(
        default=Transcription(), description="Speech to text."
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
