"""What every place for copies promises, whatever it is made of."""

from __future__ import annotations

import pytest

from storage.copies import Copy, CopyTaken, Place


def copy(size: int, *, stamp: bytes | None = None, root: str = "A") -> Copy:
    return Copy(
        size=size, note=f"onrecord.local/log/abc\n{size}\n{root * 43}=\n\n— onrecord.local/log/abc AAAA\n", stamp=stamp
    )


async def keeps_its_promises(place: Place) -> None:
    assert await place.newest() is None
    assert await place.put(copy(9))
    assert await place.newest() == copy(9).note
    assert not await place.put(copy(9)), "the same again is no copy"
    assert await place.put(copy(12))
    assert await place.put(copy(100))
    assert await place.newest() == copy(100).note, "by size, not by name or time"
    assert await place.put(copy(10)), "an older one that comes late is kept too"
    assert await place.newest() == copy(100).note
    with pytest.raises(CopyTaken):
        await place.put(copy(12, root="B"))
    assert await place.newest() == copy(100).note
    assert await place.put(copy(100, stamp=b"stamp")), "a stamp may come later"
    assert not await place.put(copy(100, stamp=b"stamp"))
    assert await place.newest() == copy(100).note
