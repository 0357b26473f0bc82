"""PURE: JSON of other people's programs, with strings that can be written down.

JSON can spell half of a surrogate pair, which is no text: neither the log nor a page could hold a name with one.
"""

from __future__ import annotations

import json
from typing import Any


def read_json(text: str) -> Any:
    """Raises ValueError, RecursionError."""
    told = json.loads(text)
    written = json.dumps(told, ensure_ascii=False)
    try:
        written.encode()
    except UnicodeEncodeError:
        return json.loads(written.encode(errors="replace"))
    return told
