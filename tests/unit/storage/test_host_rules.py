"""A host's rules as they are stored: read back as written, and never taken for none."""

from __future__ import annotations

import pytest

from storage.errors import BrokenRecord
from storage.host_rules import HostRules


@pytest.mark.parametrize(
    "rules",
    [
        HostRules(),
        HostRules(never_titled=("HR *", "Überprüfung"), only_when_present=True),
        HostRules(never_with_outsiders=True, own_domains=("example.org", "xn--bcher-kva.example")),
    ],
)
def test_what_is_written_is_read(rules: HostRules) -> None:
    assert HostRules.read(rules.written()) == rules


def test_no_rules_are_an_empty_object_as_in_every_row_before_them() -> None:
    assert HostRules().written() == "{}"


@pytest.mark.parametrize(
    "stored",
    [
        "",
        "null",
        "[1]",
        '{"never_titled": "HR"}',
        '{"never_titled": [1]}',
        '{"never_with_outsiders": "no"}',
        '{"never_with_outsiders": 0}',
        '{"of_a_later_version": true}',
    ],
)
def test_what_can_not_be_read_is_an_error_and_not_no_rules(stored: str) -> None:
    with pytest.raises(BrokenRecord, match="rules"):
        HostRules.read(stored)
