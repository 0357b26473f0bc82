"""PURE: what Microsoft Graph posts to us when something changed, or when an order of notices needs care.

A notice says only whose order it belongs to; what changed is read from the calendar afterwards, so a false one costs a
pass at most. One that does not carry its order's own secret is not believed at all.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

MAX_NOTICE_BYTES = 1_048_576
MAX_NOTICES = 1_000
MAX_TOKEN_CHARS = 4_096


class Kind(StrEnum):
    """What is to be done. https://learn.microsoft.com/graph/change-notifications-lifecycle-events"""

    CHANGED = "changed"  # read the calendar
    REAUTHORIZE = "reauthorizationRequired"  # `renew` the order: that reauthorizes it too
    REMOVED = "subscriptionRemoved"  # `watch` again, then read the calendar
    MISSED = "missed"  # read the calendar


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    watch_id: str
    secret: str  # secret: compare by `belongs_to`
    kind: Kind


def validation_answer(query: Mapping[str, str]) -> str | None:
    """The text that proves this endpoint ours; None where the request is no such question.

    To be sent with status 200 as `text/plain` and nothing around it within ten seconds:
    https://learn.microsoft.com/graph/change-notifications-delivery-webhooks, "notificationUrl validation".
    `query`: unescaped.
    """
    token = query.get("validationToken")
    return token if token and len(token) <= MAX_TOKEN_CHARS else None


def read_notice(body: bytes) -> tuple[Notice, ...]:
    """All that could be read of one post, to be answered 202; empty where it is none of Graph's. Never raises."""
    if len(body) > MAX_NOTICE_BYTES:
        return ()
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return ()
    entries = told.get("value") if isinstance(told, dict) else None
    if not isinstance(entries, list):
        return ()
    found = (_notice(entry) for entry in entries[:MAX_NOTICES])
    return tuple(dict.fromkeys(notice for notice in found if notice is not None))


def belongs_to(notice: Notice, watch_id: str, secret: str) -> bool:
    there, here = (text.encode("utf-8", "surrogatepass") for text in (notice.secret, secret))
    return notice.watch_id == watch_id and hmac.compare_digest(there, here)


def _notice(entry: object) -> Notice | None:
    if not isinstance(entry, dict):
        return None
    watch_id, secret, event = entry.get("subscriptionId"), entry.get("clientState"), entry.get("lifecycleEvent")
    if not isinstance(watch_id, str) or not isinstance(secret, str) or not watch_id or not secret:
        return None
    if event is None:
        return Notice(watch_id=watch_id, secret=secret, kind=Kind.CHANGED)
    try:
        return Notice(watch_id=watch_id, secret=secret, kind=Kind(event))
    except ValueError:  # of a later version: reading the calendar is always right
        return Notice(watch_id=watch_id, secret=secret, kind=Kind.MISSED)
