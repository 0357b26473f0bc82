"""Which name signs which size, and that only an entry of the log itself changes it."""

from __future__ import annotations

import pytest

from consent_notice.checkpoint import BadVerifierKey, VerifierKey
from consent_notice.events import NO_VISIT, ChainDeclared
from consent_notice.merkle import leaf_hash
from storage.chain import Chain, read_chain
from storage.log_entries import prepare
from tests.unit.storage.test_log_entries import AT

FIRST = VerifierKey(name="onrecord.local/log/abc", public_key=bytes(32))


def declared(origin: str) -> ChainDeclared:
    return ChainDeclared(visit=NO_VISIT, origin=origin, before=FIRST.name, lost_checkpoint="note", why="why")


def test_each_size_has_one_name() -> None:
    chain = Chain.begun(FIRST).after(7, declared(FIRST.name + "/x")).after(20, declared(FIRST.name + "/y"))
    assert [chain.key_for(size).name.rpartition("/")[2] for size in (0, 7, 8, 20, 21, 900)] == [
        "abc", "abc", "x", "x", "y", "y"
    ]  # fmt: skip
    assert (chain.first, chain.current.name) == (FIRST, FIRST.name + "/y")
    assert [chain.ended_at(name.key) for name in chain.names] == [7, 20, None]
    assert chain.key_named("onrecord.local/log/other") is None
    assert {name.key.public_key for name in chain.names} == {FIRST.public_key}


@pytest.mark.parametrize("origin", ["other", FIRST.name, FIRST.name + "x", FIRST.name + "/x", FIRST.name + "/a b"])
def test_another_logs_name_or_one_used_before_is_refused(origin: str) -> None:
    chain = Chain.begun(FIRST).after(7, declared(FIRST.name + "/x"))
    with pytest.raises(BadVerifierKey):
        chain.after(9, declared(origin))


def test_a_changed_declaration_changes_no_name() -> None:
    prepared = prepare(declared(FIRST.name + "/x"), "chain")
    leaf = prepared.leaf(AT)
    row = (7, "chain", "", "chain_declared", leaf, leaf_hash(leaf), prepared.salt, prepared.body)
    assert read_chain(FIRST, [row]).current.name == FIRST.name + "/x"
    assert read_chain(FIRST, [(*row[:7], prepared.body.replace(b"/x", b"/z"))]).current == FIRST
    assert read_chain(FIRST, []).current == FIRST
