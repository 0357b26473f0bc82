"""What the pages need to know of the installation; `config` fills it in, nothing here reads the environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from aiohttp import web

from calendar_sync.links import PUBLIC_JITSI_HOST, Platform
from calendar_sync.reach import Reach
from consent_notice.information import NOTHING_STATED, Information
from consent_notice.jurisdictions import Jurisdictions
from consent_notice.settling import RulePolicy
from consent_notice.words import Purpose, Rule

PRACTICE_ALONE = Reach(joinable=frozenset({Platform.PRACTICE}))


@dataclass(frozen=True, slots=True, kw_only=True)
class MailServer:
    """Where mails are handed in, and whom they come from."""

    host: str
    port: int
    security: Literal["starttls", "tls", "none"]
    sender: str
    user: str = ""  # empty: no sign-in
    password: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSettings:
    data_dir: Path  # for `verify` only; everything else goes through the store
    public_url: str  # as people's browsers see it; decides secure cookies and the allowed Origin
    practice_url: str
    bot_name: str
    organisation: str  # the controller
    organisation_contact: str
    retention_days: int
    default_language: str
    default_rule: Rule
    each_voice_allowed: bool
    presenters_allowed: bool
    attestation_allowed: bool  # a host may say of somebody that they agreed
    offer_after_s: int  # when a host is told how many have not agreed
    one_sided_accepted: bool
    purposes: tuple[Purpose, ...]  # what participants are asked about, in this order
    wording: Mapping[str, Mapping[str, Any]]  # notice texts by language, as consent_notice.notice reads them
    version: str
    jurisdictions: Jurisdictions
    jitsi_hosts: frozenset[str] = frozenset({PUBLIC_JITSI_HOST})  # on which an address is taken for a Jitsi room
    janus_rooms: tuple[str, ...] = ()  # patterns of Janus rooms' addresses
    reach: Reach = PRACTICE_ALONE
    host_location: str = ""  # of hosts who say nothing themselves; codes of `jurisdictions`, empty: not known
    bot_location: str = ""
    late_roster_accepted: bool = False
    information: Information = NOTHING_STATED
    publication: int = 0  # which version of the notice is in use
    calendar_unused_days: int = 90  # then a calendar goes off by itself
    mail: MailServer | None = None  # None: nothing can be sent, and nothing is offered

    @property
    def origin(self) -> str:
        return "/".join(self.public_url.split("/", 3)[:3])

    @property
    def rule_policy(self) -> RulePolicy:
        return RulePolicy(
            single_voices_allowed=self.each_voice_allowed,
            one_sided_accepted=self.one_sided_accepted,
            late_roster_accepted=self.late_roster_accepted,
            presenters_allowed=self.presenters_allowed,
        )

    @property
    def is_https(self) -> bool:
        return self.public_url.startswith("https:")


SETTINGS: web.AppKey[WebSettings] = web.AppKey("settings", WebSettings)
