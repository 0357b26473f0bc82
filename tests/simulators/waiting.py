"""Waiting for what another process does: on the condition itself, never for a fixed time."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from inspect import isawaitable

LOOK_EVERY_S = 0.03


async def eventually(holds: Callable[[], object | Awaitable[object]], what: str, timeout_s: float = 30.0) -> None:
    """`what` should be true by then, said so that it reads well in a failure."""
    try:
        async with asyncio.timeout(timeout_s):
            while True:
                found = holds()
                if await found if isawaitable(found) else found:
                    return
                await asyncio.sleep(LOOK_EVERY_S)
    except TimeoutError:
        raise AssertionError(f"not within {timeout_s:.0f} s: {what}") from None
