"""What a stay is told once, when it begins, and what does not change in it."""

from __future__ import annotations

from dataclasses import dataclass

from bot.ports import RoomCapabilities, TileState
from consent_notice.notice import Notice, NoticeFacts, Say, Wording
from consent_notice.phrases import Phrases
from consent_notice.words import Purpose, Rule, VisitId


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeRef:
    """Which exact text is in force."""

    notice: str
    version: str
    language: str
    text_sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionFacts:
    """All that a stay needs to know and that does not change in it."""

    visit: VisitId
    epoch: int
    boot_id: str
    rule: Rule
    language: str
    host_name: str
    bot_name: str
    page_link: str
    notice: NoticeRef
    phrases: Phrases
    code_alphabet: str
    capabilities: RoomCapabilities
    asked: tuple[Purpose, ...]  # what the notice asks about; RECORDING first
    offer_after_ms: int
    grace_ms: int
    lobby_limit_ms: int
    empty_after_ms: int  # how long the bot stays when everybody has left
    ends_ms: int  # boot clock; before this the bot waits for the first person
    fallback: Rule | None = None  # what the notice states for the case that not everyone agrees; None: to leave
    needs_host: bool = False  # nothing is kept while the host is away
    known_bots: tuple[str, ...] = ()  # shown names that an admin vouched for
    knows_agreements: bool = False  # somebody can be asked what was agreed ahead
    attested_opens: bool = False
    legal_basis: str = ""  # as the admin declared it; empty: consent


_TILE = {
    TileState.NOT_RECORDING: Say.TILE_NOT_RECORDING,
    TileState.RECORDING: Say.TILE_RECORDING,
    TileState.PAUSED: Say.TILE_PAUSED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class VisitWords:
    """All that the bot says in this visit."""

    wording: Wording
    facts: NoticeFacts
    notice: Notice

    def say(self, what: Say, *, count: int = 0, names: str = "", code: str = "") -> str:
        return self.wording.say(what, self.facts, count=count, names=names, code=code)

    def tile(self, state: TileState) -> str:
        return self.say(_TILE[state])
