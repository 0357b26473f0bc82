"""A receipt's page carries its own data, says what it says, lets nothing break out, and fails with any byte changed."""

from __future__ import annotations

import html
import random
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consent_notice.canonical import read_canonical
from consent_notice.decisions import Act
from consent_notice.events import Means
from consent_notice.receipt import check_receipt
from consent_notice.receipt_page import POLICY, WORDS, check_file, page_of, receipt_in, render
from consent_notice.record import BadReceipt
from consent_notice.words import Purpose
from storage.vault import verify_signature
from tests.simulators.receipts import (
    FACTS,
    GAVE,
    KEY,
    OTHER_KEY,
    PAGE_NOTICE,
    START,
    WITHDREW,
    asked,
    decided,
    joined,
    made,
    opened,
    resealed,
    with_record,
    words_in,
)

HANDED_OUT = Path(__file__).parent / "handed_out_in_format_2.html"
ON_PAGE = decided((Purpose.RECORDING, Act.GIVE), means=Means.PAGE, text=PAGE_NOTICE, verbatim="")
RESET = decided((Purpose.RECORDING, Act.RESET), means=Means.SYSTEM, at_ms=3_700_000)
SHAPES = {
    "agreed": made(*START, GAVE),
    "withdrawn": made(*START, GAVE, WITHDREW),
    "refused": made(*START, decided((Purpose.RECORDING, Act.REFUSE), (Purpose.TRANSCRIPTION, Act.REFUSE))),
    "asked only": made(*START),
    "two texts, set back by the server": made(*START, GAVE, asked(text=PAGE_NOTICE, means=Means.PAGE), ON_PAGE, RESET),
    "names": made(opened(host="Zoë & 李雷 <b>"), joined("Łukasz “</script>” \u202e🎉 \\u003c"), asked(), GAVE),
    "one of several": made(*START, replace(GAVE, person="page-1", agreement="a", legal_basis="contract")),
    "by telephone": made(*START, replace(GAVE, means=Means.PHONE), replace(WITHDREW, means=Means.AHEAD)),
    "Polish": made(*START, GAVE, facts=replace(FACTS, page=words_in("pl"))),
}


def holds(file: bytes) -> bool:
    try:
        check_file(file, KEY, verify_signature)
    except BadReceipt:
        return False
    return True


def shown(page: bytes) -> str:
    """What a reader sees, without the markup."""
    visible = page.decode().partition("<main>")[2].partition("</main>")[0]
    return html.unescape(re.sub(r"<[^>]*>", " ", visible))


@pytest.mark.parametrize("shape", SHAPES)
def test_both_forms_hold_and_carry_the_same(shape: str) -> None:
    receipt = SHAPES[shape]
    page = page_of(receipt)
    assert receipt_in(page) == receipt
    checked, of_page = check_file(receipt, KEY, verify_signature), check_file(page, KEY, verify_signature)
    assert checked == of_page == check_receipt(receipt, KEY, verify_signature)
    for form in (receipt, page):
        with pytest.raises(BadReceipt):
            check_file(form, OTHER_KEY, verify_signature)


def test_it_says_who_asked_what_was_answered_and_what_it_proves() -> None:
    text = shown(page_of(SHAPES["two texts, set back by the server"]))
    for words in (
        "No answer yet",
        "1 Main Street",
        "privacy@acme.example",
        "Ingrid",
        "Practice room, 2026-11-22 15:00:00 UTC",
        "You were asked : Recording, Transcript",
        "“record yes”".strip("“”"),
        "in the meeting's chat · known by: platform seat, identity level 1 of 5 · entry 7 of the log",
        "Set by the server (reset) : Recording",
        "+1:01:40",
        "90 days",
        "Acme's own server, Warsaw",
        "write stop in the chat",
        "May I record?",
        "Acme asks & <waits>.",
        "onrecord.example/log : 1, 3, 5, 7, 9, 11, 13",
        "onrecord.example/log+a1481b6d sha256:",
        "That nobody else recorded",
    ):
        assert re.sub(r"\s+", " ", words) in re.sub(r"\s+", " ", text), words


@pytest.mark.parametrize(
    ("shape", "title", "chip"),
    [
        ("agreed", "You agreed", "given"),
        ("withdrawn", "You took it back", "withdrawn"),
        ("refused", "You said no", "refused"),
        ("asked only", "No answer yet", "open"),
        ("Polish", "Zgoda udzielona", "given"),
    ],
)
def test_the_title_says_where_the_person_stands(shape: str, title: str, chip: str) -> None:
    page = page_of(SHAPES[shape]).decode()
    assert f"<h1>{title}</h1>" in page
    assert page.count(f'class="chip {chip}"') == 2


def test_nothing_in_it_can_break_out_or_load_anything() -> None:
    page = page_of(SHAPES["names"]).decode()
    assert page.count("<script") == page.count("</script>") == 1
    assert "Łukasz “&lt;/script&gt;” \ufffd🎉 \\u003c" in page
    assert "Zoë &amp; 李雷 &lt;b&gt;" in page
    assert not re.search(r"""\s(?:src|href|style|on\w+)=|url\(|@import|http-equiv="refresh""", page)
    assert page.count('content="' + POLICY) == 1
    assert "\u202e" not in page.partition("<script")[0]
    assert receipt_in(page.encode()) == SHAPES["names"]


@settings(max_examples=60, deadline=None)
@given(st.text(st.characters(codec="utf-8"), max_size=40), st.text(st.characters(codec="utf-8"), max_size=40))
def test_whatever_people_are_called_or_write_it_holds(name: str, said: str) -> None:
    receipt = made(opened(host=name), joined(name), asked(), replace(GAVE, verbatim=said))
    page = page_of(receipt)
    assert receipt_in(page) == receipt
    assert holds(page)
    assert page.decode().count("<script") == 1


def changes(file: bytes, positions: Iterable[int], *, every: int = 1) -> Iterator[bytes]:
    """At each position another byte; at each one in `every` also one left out and one put in."""
    for number, position in enumerate(positions):
        before, byte, after = file[:position], file[position], file[position + 1 :]
        yield before + bytes([byte ^ 1]) + after
        if number % every == 0:
            yield before + after
            yield before + b" " + file[position:]


def test_no_changed_byte_passes_in_either_form() -> None:
    """All positions, of a receipt whose words are cut short for the sake of time; nightly, all shapes in full."""
    words = {key: text[:2] for key, text in FACTS.page.words.items()}
    receipt = made(*START, GAVE, facts=replace(FACTS, page=replace(FACTS.page, words=words)))
    page = page_of(receipt)
    assert holds(receipt)
    assert holds(page)
    assert not [changed for changed in changes(receipt, range(len(receipt)), every=4) if holds(changed)]
    data = page.index(b"<script")  # what follows is the same text as in the other form
    around = [*range(data + 60), *range(data + 60, len(page) - 60, 7), *range(len(page) - 60, len(page))]
    assert not [changed for changed in changes(page, around, every=4) if holds(changed)]


@pytest.mark.nightly
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("shape", SHAPES)
def test_no_changed_byte_of_any_shape_passes(shape: str) -> None:
    for form in (SHAPES[shape], page_of(SHAPES[shape])):
        assert not [changed for changed in changes(form, range(len(form))) if holds(changed)]


@pytest.mark.parametrize("shape", SHAPES)
def test_no_flipped_bit_of_any_receipt_passes(shape: str) -> None:
    chance = random.Random(shape)
    for form in (SHAPES[shape], page_of(SHAPES[shape])):
        for _ in range(150):
            changed = bytearray(form)
            changed[chance.randrange(len(form))] ^= 1 << chance.randrange(8)
            assert not holds(bytes(changed))


def test_a_page_that_shows_something_else_than_it_carries_does_not_hold() -> None:
    page, other = page_of(SHAPES["agreed"]), page_of(SHAPES["refused"])
    data = page[page.index(b'<script type="application') :]
    mixed = other[: other.index(b'<script type="application')] + data
    with pytest.raises(BadReceipt, match="shows something else"):
        check_file(mixed, KEY, verify_signature)


def test_what_was_handed_out_holds_for_as_long_as_it_is_kept() -> None:
    """Made when the format was: if this fails, people hold receipts that fail too. A new format needs a new number."""
    assert holds(HANDED_OUT.read_bytes())


def test_what_is_no_receipt_says_so() -> None:
    for file, words in (
        (b"<!doctype html>", "there is none in this page"),
        (b'<!doctype html><script type="application/json" id="receipt">{</script>', "is no receipt"),
        (b'<!doctype html><script type="application/json" id="receipt">{"a":1.5}</script>', "is no receipt"),
        (b'<!doctype html><script type="application/json" id="receipt">{}</script>', "missing"),
        (b"<!doctype html>" + b" " * 13_000_000, "too long"),
        (b"[" * 100_000, "is no receipt"),
        (b"\xff\xfe", "is no receipt"),
        (b"", "is no receipt"),
    ):
        with pytest.raises(BadReceipt, match=words):
            check_file(file, KEY, verify_signature)


def words_gone(content: Any) -> None:
    del content["page"]["words"]["agreed"]


def words_no_text(content: Any) -> None:
    content["page"]["words"]["agreed"] = 1


def too_many_words(content: Any) -> None:
    content["page"]["words"]["more"] = "more"


def no_label(content: Any) -> None:
    content["page"]["purposes"] = {}


def a_list_for_a_text(content: Any) -> None:
    content["record"]["pii_processing"][0]["withdrawal_method"] = ["x"]


@pytest.mark.parametrize("change", [words_gone, words_no_text, too_many_words, no_label, a_list_for_a_text])
def test_what_can_not_be_shown_is_refused(change: Any) -> None:
    receipt = resealed(SHAPES["agreed"], change)
    with pytest.raises(BadReceipt, match="show"):
        page_of(receipt)
    with pytest.raises(BadReceipt, match="show"):
        render({})
    with pytest.raises(BadReceipt, match="show"):
        page_of(b"x")


def test_the_words_of_a_page_are_all_used() -> None:
    """A word that no receipt shows would only make each of them longer."""
    marks = replace(FACTS.page, words={key: f"~{key}~" for key in WORDS})
    seen = set()
    for act, means in (
        (Act.GIVE, Means.CHAT), (Act.REFUSE, Means.PAGE), (Act.GIVE, Means.ROOM_BUTTON), (Act.ATTEST, Means.HOST),
        (Act.RESET, Means.SYSTEM), (Act.WITHDRAW, Means.CHAT), (Act.ASK, Means.CHAT), (Act.GIVE, Means.AHEAD),
        (Act.GIVE, Means.PHONE),
    ):  # fmt: skip
        late = decided((Purpose.RECORDING, Act.REFUSE), at_ms=9_000)
        for events in ([*START, decided((Purpose.RECORDING, act), means=means)], [*START, late, GAVE]):
            page = page_of(made(*events, facts=replace(FACTS, page=marks))).decode().partition("<script")[0]
            seen |= set(re.findall("~(\\w+)~", page))
    assert seen == set(WORDS)


def test_every_way_to_answer_has_its_words() -> None:
    assert {f"receipt_by_{means.value}" for means in Means} <= set(WORDS)


def test_the_record_carries_its_words() -> None:
    content: Any = read_canonical(made(*START, GAVE, facts=with_record(jurisdiction="NO")))
    assert content["page"]["words"].keys() == set(WORDS)
    assert content["page"]["purposes"].keys() == {"recording", "transcription"}
