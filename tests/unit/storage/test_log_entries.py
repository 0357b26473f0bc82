"""Leaves and bodies: what is hashed holds nothing of a person, and any change is seen."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from consent_notice.canonical import NotCanonical, canonical
from consent_notice.events import RecordRead
from consent_notice.merkle import leaf_hash
from consent_notice.words import VisitId
from storage.errors import BrokenRecord
from storage.log_entries import ErasedBody, Row, is_intact, prepare, read_row

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


@given(st.text(st.characters(codec="utf-8"), min_size=1), st.text(st.characters(codec="utf-8")), st.datetimes())
def test_a_leaf_is_the_canonical_json_of_what_it_says(event_id: str, visit: str, moment: datetime) -> None:
    at = moment.replace(year=max(moment.year, 1000), microsecond=moment.microsecond // 1000 * 1000, tzinfo=UTC)
    prepared = prepare(replace(EVENT, visit=VisitId(visit)), event_id)
    leaf = prepared.leaf(at)
    assert leaf == canonical(
        {
            "at": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "commitment": sha256(prepared.salt + prepared.body).hexdigest(),
            "event_id": event_id,
            "kind": "record_read",
            "v": 1,
            "visit": visit,
        }
    )
    row = (0, event_id, visit, "record_read", leaf, leaf_hash(leaf), prepared.salt, prepared.body)
    assert is_intact(row, leaf_hash(leaf))
    assert read_row(row).at == at


@pytest.mark.parametrize("change", [b" ", b'"x":1,', b"\n"])
def test_a_leaf_in_another_form_is_none(change: bytes) -> None:
    """Its hash fits and it says the same; but there is one form, so that nobody can hide anything between two."""
    whole = row()
    for at in (1, len(whole[4]) - 1):
        leaf = whole[4][:at] + change + whole[4][at:]
        assert not is_intact((*whole[:4], leaf, leaf_hash(leaf), *whole[6:]), leaf_hash(leaf))


def test_half_a_surrogate_pair_has_no_leaf() -> None:
    with pytest.raises(NotCanonical):
        prepare(EVENT, "\ud800").leaf(AT)
