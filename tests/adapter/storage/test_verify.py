"""What is whole passes; tags, notices and keys that were changed or taken away are named."""

from __future__ import annotations

import pytest

from storage.verify import verify
from tests.adapter.storage.kept import Kept, changed_values, columns_of

NAMED = {"visits": ("visit ", "recording "), "notices": ("notice ",), "installation": ("onrecord.key",)}


def test_what_is_whole_passes_and_is_counted(kept: Kept) -> None:
    before = {path: path.read_bytes() for path in kept.folder.rglob("*") if path.is_file()}
    report = verify(kept.folder)
    assert report.faults == []
    assert (report.parts, report.transcripts, report.still_open) == (3, 1, 0)
    with kept.database() as connection:
        assert report.entries == connection.execute("SELECT count(*) FROM log_leaves").fetchone()[0]
        assert report.checkpoints == connection.execute("SELECT count(*) FROM log_checkpoints").fetchone()[0]
    after = {path: path.read_bytes() for path in before}
    assert after == before, "verify only reads"


@pytest.mark.parametrize(("table", "column"), columns_of("visits", "notices", "installation"))
def test_any_changed_tag_or_notice_is_named(table: str, column: str, kept: Kept) -> None:
    for _, faults in changed_values(kept, table, column):
        assert any(fault.startswith(NAMED[table]) for fault in faults)


@pytest.mark.parametrize(
    ("statement", "named"),
    [
        ("DELETE FROM visits", "not in the database"),
        ("DELETE FROM notices", "its text is not retained"),
        ("UPDATE visits SET consent_status = 'complete'", "consent status"),
        ("DELETE FROM installation", "onrecord.key"),
    ],
)
def test_a_row_that_is_taken_away_is_named(statement: str, named: str, kept: Kept) -> None:
    with kept.database() as connection:
        connection.executescript(statement)
    assert any(named in fault for fault in kept.faults())


@pytest.mark.parametrize("name", ["onrecord.key", "keys.db", "onrecord.db"])
def test_without_keys_or_database_nothing_is_vouched_for(name: str, kept: Kept) -> None:
    (kept.folder / name).unlink()
    assert any(name in fault for fault in kept.faults())
    assert not (kept.folder / name).exists()


def test_tables_that_no_server_could_open_are_named(kept: Kept) -> None:
    """One byte in the definition of a table: what only reads never looks at it."""
    path = kept.folder / "onrecord.db"
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"is_settled BOOLEAN", b"is_wettled BOOLEAN", 1))
    assert path.read_bytes() != whole
    assert any(fault.startswith("onrecord.db: damaged (no such column") for fault in kept.faults())
