"""A transcript whose tags or text were changed is named."""

from __future__ import annotations

import pytest

from tests.adapter.storage.kept import Kept, changed_values, columns_of


@pytest.mark.parametrize(("table", "column"), columns_of("transcripts"))
def test_any_changed_tag_of_a_transcript_is_named(table: str, column: str, kept: Kept) -> None:
    for _, faults in changed_values(kept, table, column):
        assert any("transcript" in fault for fault in faults)


def test_tags_that_are_taken_away_are_named(kept: Kept) -> None:
    with kept.database() as connection:
        connection.execute("DELETE FROM transcripts")
    assert any(f"transcript {kept.transcript}: its tags are missing" in fault for fault in kept.faults())
