"""A Google emulator by others (npm `@emulators/google`): sign-in and lists of calendars and events, as they read
Google's documentation. It knows no sync tokens, no series and no notices; for those see `google_calendar`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from tests.simulators.node import node_server

PROGRAM = Path(__file__).with_name("google_emulator") / "server.mjs"


def google_emulator(seed: Mapping[str, object]) -> AbstractAsyncContextManager[str]:
    """Its origin."""
    return node_server(PROGRAM, json.dumps(seed).encode())
