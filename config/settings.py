"""What an installation can choose, what each setting means, and what to do when its value is no good.

A `Settings` takes only what it is given; `config.reading` reads the file and the environment.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.fields import FieldInfo

from calendar_sync.links import PUBLIC_JITSI_HOST, Platform
from config.known_rooms import host_names, room_patterns, web_socket_or_none, whole_registration
from config.setting_tables import (
    ADDRESS_FIX,
    SERVICE_FIX,
    Checkpoints,
    Fix,
    Mail,
    NoticeStatements,
    OptionalWebAddress,
    Place,
    Port,
    Transcription,
    WebAddress,
    asked_purposes,
    known_language,
    with_commas,
)
from config.wording import languages
from consent_notice.information import Information
from consent_notice.settling import RulePolicy, Setting
from consent_notice.words import Purpose, Rule

__all__ = [
    "ENV_PREFIX",
    "NESTED",
    "Checkpoints",
    "Mail",
    "NoticeStatements",
    "Settings",
    "Transcription",
    "described",
    "fix_for",
    "information_of",
    "rule_policy_of",
]

ENV_PREFIX = "ONRECORD_"
NESTED = "__"


class Settings(BaseModel):
    """One installation's choices; frozen. Every process of the server gets the same."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    data_dir: Annotated[Path, AfterValidator(Path.absolute), Fix("give a folder")] = Field(
        default=Path("onrecord-data"), validate_default=True, description="Where everything kept lies."
    )
    host: Annotated[str, Fix("give an address of this machine, such as 127.0.0.1")] = Field(
        default="127.0.0.1", description="Address on which the pages listen."
    )
    web_port: Port = Field(default=8480, description="Port of the pages.")
    public_url: Annotated[WebAddress, ADDRESS_FIX] = Field(
        default="", description="Address of the pages as people's browsers see it; default `http://{host}:{web_port}`."
    )
    practice_host: Annotated[str, Fix("give an address of this machine, such as 127.0.0.1")] = Field(
        default="127.0.0.1", description="Address on which the practice room listens."
    )
    practice_port: Port = Field(default=8481, description="Port of the practice room.")
    practice_url: Annotated[WebAddress, ADDRESS_FIX] = Field(
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
        BeforeValidator(with_commas),
        AfterValidator(asked_purposes),
        Fix('give a list such as ["recording", "transcription", "ai_notes"], with "recording" in it'),
    ] = Field(
        default=(Purpose.RECORDING, Purpose.TRANSCRIPTION),
        description="What people are asked about on their pages, each by itself: `recording`, `transcription`, "
        "`ai_notes`, `sharing`, `insights` (the last one by personal link alone). In the chat: the first two.",
    )
    default_language: Annotated[str, AfterValidator(known_language), Fix("use one of: " + ", ".join(languages()))] = (
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
    host_location: Place = Field(
        default="", description="Where hosts are who say nothing on their account page; empty: not known."
    )
    bot_location: Place = Field(default="", description="Where this server stands; empty: not known.")
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
    platforms_off: Annotated[
        tuple[Platform, ...],
        BeforeValidator(with_commas),
        Fix('give names of platforms, such as ["zoom", "teams"]'),
    ] = Field(
        default=(),
        description="To which platforms no bot goes: `google_meet`, `zoom`, `teams`, `jitsi`, `janus`, `practice`. "
        "Hosts read that you switched it off.",
    )
    jitsi_hosts: Annotated[
        tuple[str, ...],
        BeforeValidator(with_commas),
        AfterValidator(host_names),
        Fix('give host names, such as ["meet.jit.si", "talk.example.org:8443"]'),
    ] = Field(default=(PUBLIC_JITSI_HOST,), description="On which hosts an address is taken for a Jitsi room.")
    janus_rooms: Annotated[
        tuple[str, ...],
        BeforeValidator(with_commas),
        AfterValidator(room_patterns),
        Fix('give addresses with {room} in them, such as ["https://janus.example.org/videoroom.html?room={room}"]'),
    ] = Field(default=(), description="How the addresses of Janus rooms look: `{room}` stands for the room's name.")
    chromium_path: Annotated[str, Fix("give the path of a program, or leave it out")] = Field(
        default="",
        description="The Chromium for meetings that are joined by their own page (Google Meet, Jitsi, Teams, Zoom); "
        "empty: `chromium` as installed, and none where there is none.",
    )
    janus_api: Annotated[
        str,
        AfterValidator(web_socket_or_none),
        Fix('give the address of its WebSocket API, such as "wss://janus.example.org/janus"'),
    ] = Field(default="", description="Where the Janus server of `janus_rooms` is spoken to; empty: no bot goes there.")
    janus_secret: Annotated[str, Fix("give a text in quotes, or set ONRECORD_JANUS_SECRET")] = Field(
        default="",
        repr=False,
        description="Its `api_secret`, if it has one; rather in the variable than in the file.",
    )
    teams_bot_tenant: Annotated[str, Fix("give the tenant's id, or leave it out")] = Field(
        default="", description="Tenant in which your organisation registered its bot for Microsoft Teams."
    )
    teams_bot_client_id: Annotated[str, Fix("give the application (client) id, or leave it out")] = Field(
        default="",
        description="Id of that registration (docs/rooms.md); empty: the bot comes as any guest, and somebody in the "
        "meeting has to let it in.",
    )
    teams_bot_client_secret: Annotated[
        str,
        AfterValidator(whole_registration),
        Fix("give it with `teams_bot_tenant` and `teams_bot_client_id`, or none of the three"),
    ] = Field(
        default="",
        repr=False,
        validate_default=True,
        description="Its secret; rather in the variable than in the file.",
    )
    calendar_unused_days: Annotated[int, Field(ge=15, le=3650), Fix("give 15 to 3650 days")] = Field(
        default=90,
        description="A calendar goes off by itself when its host neither signed in nor kept a recording from it for "
        "so long; they are told two weeks before.",
    )
    google_client_id: Annotated[str, Fix("give the client id of your OAuth client, or leave it out")] = Field(
        default="", description="OAuth client for Google calendars (docs/calendar-services.md); empty: not offered."
    )
    google_client_secret: Annotated[str, Fix("give a text in quotes, or set ONRECORD_GOOGLE_CLIENT_SECRET")] = Field(
        default="", repr=False, description="Its secret; rather in the variable than in the file."
    )
    microsoft_client_id: Annotated[str, Fix("give the application (client) id, or leave it out")] = Field(
        default="", description="App for Outlook calendars (docs/calendar-services.md); empty: not offered."
    )
    microsoft_client_secret: Annotated[str, Fix("give a text in quotes, or set ONRECORD_MICROSOFT_CLIENT_SECRET")] = (
        Field(default="", repr=False, description="Its secret; rather in the variable than in the file.")
    )
    microsoft_tenant: Annotated[
        str, Field(pattern=r"[A-Za-z0-9.-]{1,100}"), Fix("give a tenant id or domain, `organizations` or `common`")
    ] = Field(
        default="organizations",
        description="Whose accounts may be connected: a tenant's id or domain, `organizations` for any work account, "
        "`common` for private ones too.",
    )
    google_endpoint: Annotated[OptionalWebAddress, SERVICE_FIX] = Field(
        default="", description="Address of a stand-in for Google's services, for tests; empty: Google's own."
    )
    microsoft_endpoint: Annotated[OptionalWebAddress, SERVICE_FIX] = Field(
        default="", description="Address of a stand-in for Microsoft's services, for tests; empty: Microsoft's own."
    )
    calendar_ca_file: Annotated[str, Fix("give the path of a file, or leave it out")] = Field(
        default="", description="File of the certificate authority of those stand-ins; empty: whom this machine trusts."
    )
    calendar_notices: Annotated[bool, Fix("write true or false")] = Field(
        default=False,
        description="Whether Google and Microsoft may tell this server of changes; `public_url` has to be https and "
        "reachable for them. Calendars are read at their interval all the same.",
    )
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
