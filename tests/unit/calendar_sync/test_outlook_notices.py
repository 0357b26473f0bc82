"""What Graph posts: believed only with the secret of its order."""

from __future__ import annotations

import json

import pytest

from calendar_sync.outlook_notices import (
    MAX_NOTICE_BYTES,
    Kind,
    Notice,
    belongs_to,
    read_notice,
    validation_answer,
)


def post(**fields: object) -> bytes:
    return json.dumps({"value": [{"subscriptionId": "s1", "clientState": "secret", **fields}]}).encode()


def test_changes_and_the_life_of_an_order() -> None:
    [changed] = read_notice(post(changeType="updated", resource="Users/1/Events/2"))
    assert changed == Notice(watch_id="s1", secret="secret", kind=Kind.CHANGED)
    for said in ("reauthorizationRequired", "subscriptionRemoved", "missed"):
        [notice] = read_notice(post(lifecycleEvent=said))
        assert notice.kind == said
    [unknown] = read_notice(post(lifecycleEvent="of a later version"))
    assert unknown.kind is Kind.MISSED


def test_many_in_one_post_and_the_same_twice() -> None:
    one = {"subscriptionId": "a", "clientState": "x"}
    two = {"subscriptionId": "b", "clientState": "y"}
    told = read_notice(json.dumps({"value": [one, one, two, 5, {"subscriptionId": "c"}]}).encode())
    assert [notice.watch_id for notice in told] == ["a", "b"]


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"value": 5}', b"\xff", b"[" * 100_000, b" " * (MAX_NOTICE_BYTES + 1)]
)
def test_what_is_none_of_graphs_says_nothing(body: bytes) -> None:
    assert read_notice(body) == ()


def test_a_notice_without_its_orders_secret_is_not_believed() -> None:
    [notice] = read_notice(post())
    assert belongs_to(notice, "s1", "secret")
    assert not belongs_to(notice, "s1", "another")
    assert not belongs_to(notice, "s2", "secret")
    [odd] = read_notice(post(clientState="\ud800"))
    assert not belongs_to(odd, "s1", "secret")


def test_the_question_whether_the_endpoint_is_ours() -> None:
    assert validation_answer({"validationToken": "a b"}) == "a b"
    assert validation_answer({}) is None
    assert validation_answer({"validationToken": "x" * 5_000}) is None
