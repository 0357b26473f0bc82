"""Leaves and bodies: what is hashed holds nothing of a person, and any change is seen."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256

import pytest

from consent_notice.events import RecordRead
from consent_notice.merkle import leaf_hash
from consent_notice.words import VisitId
from storage.errors import BrokenRecord
from storage.log_entries import ErasedBody, Row, prepare, read_row

AT = datetime(2026, 11, 2, 9, 0, 0, 123_000, tzinfo=UTC)
EVENT = RecordRead(visit=VisitId("visit-1"), reader="reader-7", what="transcript")


def row(index: int = 4) -> Row:
    prepared = prepare(EVENT, "event-1")
    leaf = prepared.leaf(AT)
    return (index, "event-1", "visit-1", "record_read", leaf, leaf_hash(leaf), prepared.salt, prepared.body)


def test_what_was_written_is_read() -> None:
    entry = read_row(row())
    assert (entry.index, entry.event, entry.at, entry.event_id) == (4, EVENT, AT, "event-1")


def test_a_leaf_holds_nothing_of_the_person() -> None:
    leaf = prepare(EVENT, "event-1").leaf(AT)
    assert b"reader-7" not in leaf
    assert b"transcript" not in leaf


def test_equal_events_have_unequal_commitments() -> None:
    assert prepare(EVENT, "1").leaf(AT) != replace(prepare(EVENT, "1")).leaf(AT)


def test_an_erased_body_leaves_the_leaf() -> None:
    whole = row()
    entry = read_row((*whole[:6], None, None))
    assert entry.event == ErasedBody(kind="record_read", visit="visit-1")
    assert entry.leaf_hash == read_row(whole).leaf_hash


@pytest.mark.parametrize("column", range(1, 8))
def test_any_changed_byte_of_any_column_is_seen(column: int) -> None:
    draw = random.Random(column)
    whole = row()
    for _ in range(60):
        value = whole[column]
        changed = bytearray(value.encode() if isinstance(value, str) else value)
        changed[draw.randrange(len(changed))] ^= 1 << draw.randrange(7)
        new = changed.decode() if isinstance(value, str) else bytes(changed)
        with pytest.raises(BrokenRecord, match="log entry 4"):
            read_row((*whole[:column], new, *whole[column + 1 :]))


@pytest.mark.parametrize("column", range(1, 8))
@pytest.mark.parametrize("value", [None, 7, "", b"", 1.5])
def test_a_value_of_another_type_is_seen(column: int, value: object) -> None:
    whole = row()
    with pytest.raises(BrokenRecord):
        read_row((*whole[:column], value, *whole[column + 1 :]))


def test_a_commitment_is_the_hash_of_salt_and_body() -> None:
    prepared = prepare(EVENT, "event-1")
    assert sha256(prepared.salt + prepared.body).hexdigest().encode() in prepared.leaf(AT)


def test_an_empty_event_id_is_refused() -> None:
    with pytest.raises(ValueError, match="event id"):
        prepare(EVENT, "")
