"""PURE: whether the authority that an erasure names is one, as far as the log alone can tell.

What an admin stated in their own words stands as stated: whether there was such a letter, the log can't know. What the
server does by itself has fixed words, and each of them must be borne out.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from consent_notice.events import Erased
from storage.segments import LATE_REFUSAL

LONGEST_AUTHORITY = 300
RETENTION = "retention"
_RETENTION = re.compile(rf"{RETENTION}(: (\d+) days \S.*)?")
_SHORTEST_RETENTION_DAYS = 1
_SLACK = timedelta(hours=1)  # a visit's row is made before its first entry


def authority_problem(erased: Erased, at: datetime, began_at: datetime | None) -> str | None:
    """What is wrong with it, or None. `began_at`: when the meeting's first entry was logged, where there is one."""
    authority = erased.authority
    if not authority.strip():
        return "names no authority"
    if authority != " ".join(authority.split()) or len(authority) > LONGEST_AUTHORITY:
        return "names an authority in a form that this server never writes"
    if authority == LATE_REFUSAL and (erased.bodies or erased.transcripts):
        return "calls itself a late refusal, which takes back sound and nothing else"
    if authority.startswith(RETENTION):
        by_time = _RETENTION.fullmatch(authority)
        if by_time is None:
            return "names an authority that is not known"
        due_after = timedelta(days=max(_SHORTEST_RETENTION_DAYS, int(by_time[2] or 0)))
        if began_at is not None and at - began_at < due_after - _SLACK:
            return f"calls itself retention, {at - began_at} after the meeting began"
    return None
