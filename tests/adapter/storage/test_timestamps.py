"""Timestamps from a real responder, held to OpenSSL's own verdict; and what is no timestamp is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from storage.copies import CopyFailed
from storage.timestamps import BadStamp, TimestampService, check_stamp, read_roots
from tests.simulators.server import free_port
from tests.simulators.timestamp_service import TimestampResponder, make_authority, timestamp_responder

NOTE = "onrecord.example/log\n3\nNmQuc8JUCrEh46a/lUWwokmCzYMOsT080Z3jzmwCHsE=\n\n— onrecord.example/log AAAA\n"


@pytest.fixture
async def responder(tmp_path: Path) -> AsyncIterator[TimestampResponder]:
    async with timestamp_responder(tmp_path / "service") as made:
        yield made


@pytest.mark.parametrize("is_rooted", [False, True])
async def test_a_checkpoint_is_stamped_and_openssl_takes_it(responder: TimestampResponder, is_rooted: bool) -> None:
    service = TimestampService(responder.url, responder.roots if is_rooted else b"")
    stamp = await service.stamp(NOTE)
    assert responder.openssl_says(NOTE.encode(), stamp)
    assert not responder.openssl_says(NOTE.encode() + b"\n", stamp)
    said = check_stamp(stamp, NOTE, read_roots(responder.roots))
    assert said.is_trusted
    assert abs(said.at - datetime.now(UTC)) < timedelta(minutes=1)
    assert NOTE.encode() not in responder.asked[0]


async def test_a_stamp_of_another_checkpoint_or_authority_is_none(
    responder: TimestampResponder, tmp_path: Path
) -> None:
    stamp = await TimestampService(responder.url).stamp(NOTE)
    with pytest.raises(BadStamp):
        check_stamp(stamp, NOTE.replace("\n3\n", "\n4\n"), [])
    (tmp_path / "other").mkdir()
    make_authority(tmp_path / "other")
    others = (tmp_path / "other" / "authority.pem").read_bytes()
    with pytest.raises(BadStamp):
        check_stamp(stamp, NOTE, read_roots(others))
    with pytest.raises(CopyFailed, match="does not hold"):
        await TimestampService(responder.url, others).stamp(NOTE)


async def test_no_changed_byte_of_a_stamp_holds_for_a_root(responder: TimestampResponder) -> None:
    stamp, roots = await TimestampService(responder.url).stamp(NOTE), read_roots(responder.roots)
    held = []
    for position in range(0, len(stamp), 7):
        changed = stamp[:position] + bytes([stamp[position] ^ 1]) + stamp[position + 1 :]
        try:
            said = check_stamp(changed, NOTE, roots)
        except BadStamp:
            continue
        held.append((position, said.at))
    # What still holds says the same: there are bytes that no signature covers.
    assert {at for _, at in held} <= {check_stamp(stamp, NOTE, roots).at}
    assert len(held) < len(stamp) / 7 / 2


@pytest.mark.parametrize(
    ("answers", "says", "is_lasting"),
    [
        ("refuses", "refused", True),
        ("of another", "does not hold", True),
        ("garbage", "can't be read", True),
        ("long", "too long", True),
        ("gone", "answered 404", True),
        ("busy", "answered 503", False),
    ],
)
@pytest.mark.parametrize("is_rooted", [False, True])
async def test_what_is_no_timestamp_is_refused_in_one_line(
    responder: TimestampResponder, answers: str, says: str, is_lasting: bool, is_rooted: bool
) -> None:
    responder.answers = answers
    service = TimestampService(responder.url, responder.roots if is_rooted else b"")
    with pytest.raises(CopyFailed, match=says) as caught:
        await service.stamp(NOTE)
    assert caught.value.is_lasting is is_lasting
    assert "\n" not in str(caught.value)


async def test_a_service_that_is_not_there_is_said_to_be_out_of_reach() -> None:
    with pytest.raises(CopyFailed, match="can't be reached") as caught:
        await TimestampService(f"http://127.0.0.1:{free_port()}/").stamp(NOTE)
    assert not caught.value.is_lasting


def test_what_the_admin_sees_of_its_address_holds_no_password() -> None:
    assert TimestampService("https://me:secret@tsa.example.org/tsr?key=secret").where == "https://tsa.example.org/tsr"


def test_roots_that_are_none_are_refused() -> None:
    assert read_roots(b"") == []
    with pytest.raises(ValueError, match=r"."):
        read_roots(b"no certificate")
