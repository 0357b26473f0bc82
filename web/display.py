"""How facts read to people: durations, moments, statuses and reasons in plain words. Pure; escapes nothing.

One wording for "refused" and "not answered" wherever a host may read it; only the admin's review names the difference.
"""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime

STATUS_WORDS = {
    "none": "Nothing kept",
    "complete": "Everyone, all the time",
    "voices_missing": "Voices missing",
    "time_missing": "Time missing",
    "withdrawn": "Erased later",
}
STATUS_MEANS = {
    "none": "Nothing was kept, because nobody's consent allowed it.",
    "complete": "Everyone present agreed, and the whole meeting was kept.",
    "voices_missing": "Some people who were present are not in the recording.",
    "time_missing": "Parts of the meeting were not kept.",
    "withdrawn": "Something that had been kept was erased: somebody asked for it, or its time was over.",
}
STANDING_WORDS = {
    "unknown": "Not asked yet",
    "requested": "Asked, no answer",
    "deferred": "No answer",
    "given": "Agreed",
    "refused": "Refused",
    "withdrawn": "Withdrawn",
    "revoked": "Revoked",
    "expired": "Expired",
    "invalidated": "Invalid",
    "attested": "Said by the host",
}
PURPOSE_WORDS = {
    "recording": "recording",
    "transcription": "transcript",
    "ai_notes": "AI notes",
    "insights": "talk statistics",
    "sharing": "sharing",
}
RULE_WORDS = {
    "everyone": "Only if everyone agrees",
    "each_voice": "Only the voices that agree",
    "presenters": "Only presenters who agree",
}
RULE_MEANS = {
    "everyone": "Nothing is kept unless all who are present have agreed.",
    "each_voice": "Each voice is kept only if that person has agreed.",
    "presenters": "Only presenters who agreed are kept; the audience is informed and left out.",
}
FALLBACK_WORDS = {
    "leave": "The bot leaves after a while",
    "each_voice": "I may go on with the voices that agreed",
}
RECORDED_WORDS = {
    "all": "All meetings",
    "organised": "Only what I organise",
    "accepted": "Only what I accepted or organise",
}
EXTERNALS_SHORT = {"without": "without people from outside", "only": "with people from outside"}
EXTERNALS_WORDS = {
    "any": "With or without them",
    "without": "Only without them",
    "only": "Only with them",
}
MEANS_WORDS = {
    "chat": "in the meeting's chat",
    "page": "on their own page",
    "room_button": "with the button in the room",
    "host": "by the host",
    "system": "by onrecord itself",
    "ahead": "before the meeting, on their own page",
    "phone": "with the keys of a telephone",
}
LEFT_WORDS = {
    "meeting_ended": "The meeting ended.",
    "everyone_left": "Everyone left.",
    "removed": "The bot was removed from the meeting. Nothing was kept after that.",
    "denied": "The bot was not let in from the lobby. Ask whoever admits guests to let it in.",
    "host_stopped": "You stopped it. It does not come back to this meeting.",
    "called_off": "It was called off: in its calendar, or because you switched the calendar or this meeting off.",
    "not_everyone_agreed": "Not everyone agreed, so the bot left.",
    "platform_refuses_bots": "This platform does not let bots in.",
    "sign_in_required": "This meeting lets only signed-in people in. Allow guests, or invite the bot's account.",
    "not_found": "No meeting was found at this link. Check that the link is complete.",
    "room_full": "The meeting was full.",
    "connection_lost": "The connection to the meeting was lost.",
    "no_media": "No sound came from the meeting.",
    "not_allowed_there": "In this kind of room nothing may be recorded where somebody is, or may be.",
    "taken_over": "Another bot of this installation took over.",
    "storage_failed": "The recording could not be stored any more (is the disk full?). What was kept is safe.",
}
PRESENCE_WORDS = {
    "scheduled": "Planned",
    "joining": "Joining",
    "waiting_room": "Waiting in the lobby",
    "in_room": "In the meeting",
    "leaving": "Leaving",
    "left": "Left",
}
PLATFORM_WORDS = {
    "practice": "Practice room",
    "google_meet": "Google Meet",
    "meet": "Google Meet",
    "zoom": "Zoom",
    "teams": "Microsoft Teams",
    "jitsi": "Jitsi",
    "webex": "Webex",
    "janus": "Janus",
}
KIND_WORDS = {
    "visit_opened": "The bot came",
    "visit_closed": "The bot left",
    "seat_joined": "Somebody joined",
    "seat_left": "Somebody left",
    "notice_delivered": "Notice delivered",
    "decided": "Answer",
    "headcount_declared": "Several people on one seat",
    "rule_settled": "Rule settled",
    "host_acted": "Host's wish",
    "recording_barred": "Recording barred",
    "agreed_ahead": "Answer ahead",
    "segment_opened": "Recording opened",
    "part_closed": "Part sealed",
    "transcript_sealed": "Transcript sealed",
    "recording_tagged": "Recording tagged",
    "erased": "Erased",
    "record_read": "Read by a person",
    "chain_declared": "Log goes on under another name",
}


CHECKED_WORDS = {
    "primary": "Statute read",
    "secondary": "Summary read",
    "memory": "From memory, not read",
    "derived": "Derived from that row",
}


def in_words(table: dict[str, str], key: str) -> str:
    """The table's words; a value that this version does not know reads as itself, never as an error."""
    return table.get(key, key.replace("_", " "))


def platform(key: str) -> str:
    return PLATFORM_WORDS.get(key, key.replace("_", " ").capitalize() if key else "Unknown platform")


def clock_text(duration_ms: int) -> str:
    """1:02:03 or 2:03, for positions in a meeting."""
    seconds = max(0, duration_ms) // 1000
    hours, seconds = divmod(seconds, 3600)
    minutes, seconds = divmod(seconds, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def length_text(duration_ms: int) -> str:
    """ "1 h 5 min", "2 min 3 s", "4.2 s": lengths, rounded to what matters."""
    if duration_ms < 60_000:
        tenths = round(max(0, duration_ms) / 100)
        return f"{tenths // 10} s" if tenths % 10 == 0 or tenths >= 100 else f"{tenths / 10} s"
    minutes, seconds = divmod(round(duration_ms / 1000), 60)
    if minutes < 60:
        return f"{minutes} min {seconds} s" if seconds else f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min"


def moment_text(at: datetime) -> str:
    at = at.astimezone(UTC)
    return f"{at:%a} {at.day} {at:%b %Y, %H:%M} UTC"


def precise_text(at: datetime) -> str:
    """To the millisecond, for evidence."""
    at = at.astimezone(UTC)
    return f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03} UTC"


def iso(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def percent(part: int, whole: int) -> int:
    """Rounded down, so that 100 means all of it."""
    return part * 100 // whole if whole > 0 else 0


def plural(count: int, one: str, many: str) -> str:
    return f"{count} {one if count == 1 else many}"


def acts_text(acts: tuple[tuple[str, str], ...]) -> str:
    """("recording","give"),("transcription","refuse") reads "Agreed to recording; refused transcript"."""
    verbs = {
        "give": "agreed to",
        "refuse": "refused",
        "withdraw": "withdrew",
        "ask": "was asked about",
        "defer": "left open",
        "revoke": "lost the agreement to",
        "expire": "agreement ran out for",
        "invalidate": "agreement became invalid for",
        "attest": "was said to agree to",
        "reset": "has to be asked again about",
    }
    grouped: dict[str, list[str]] = {}
    for purpose, act in acts:
        grouped.setdefault(act, []).append(in_words(PURPOSE_WORDS, purpose))
    parts = [f"{verbs.get(act, act)} {_listed(purposes)}" for act, purposes in grouped.items()]
    sentence = "; ".join(parts)
    return sentence[:1].upper() + sentence[1:]


def shown_name(name: str) -> str:
    """A name as any page may show it: one line, without direction overrides, at most 80 characters."""
    cleaned = "".join(
        " " if unicodedata.category(character) in ("Cc", "Zl", "Zp") else character
        for character in name
        if character not in _DIRECTION_OVERRIDES
    )
    cleaned = " ".join(cleaned.split())
    return (cleaned[:79] + "…" if len(cleaned) > 80 else cleaned) or "(no name)"


_DIRECTION_OVERRIDES = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\u200e\u200f\u061c")


def _listed(words: list[str]) -> str:
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " and " + words[-1]
