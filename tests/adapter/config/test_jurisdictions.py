"""The table of jurisdictions as it is installed."""

from __future__ import annotations

from config.jurisdictions import jurisdictions


def test_it_is_there_and_whole() -> None:
    table = jurisdictions()
    assert table.rows["DE"].name == "Germany"
    assert table is jurisdictions()
