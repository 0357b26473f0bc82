"""Words and ends as Teams' page is told them; whatever does not parse is nothing."""

from __future__ import annotations

import base64
import gzip
import json
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.teams_wire import ConversationEnd, read_content, read_end, sender

HTML = "RichText/Html"


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("<p>record yes</p>", "record yes"),
        ("record yes", "record yes"),
        ("<div>sound&nbsp;only<br>please</div>", "sound\xa0only\nplease"),
        ("<p>stop</p><p>now</p>", "stop\nnow"),
        ('<p>record <strong>yes</strong> <a href="https://x.example">x</a></p>', "record yes x"),
        ("", ""),
        ("<script>record yes</script>", "record yes"),
    ],
)
def test_the_words_of_a_message_are_found_in_its_html(content: str, words: str) -> None:
    written = read_content(content, HTML)
    assert written is not None
    assert (written.text, written.reply_to) == (words, None)


def test_what_is_quoted_is_not_said_by_who_quotes_it() -> None:
    quote = '<blockquote itemtype="http://schema.skype.com/Reply" itemid="17"><p>record yes</p></blockquote>'
    written = read_content(f"{quote}<p>no</p>", HTML)
    assert written is not None
    assert (written.text, written.reply_to) == ("no", "17")
    other = read_content("<blockquote>record yes</blockquote>no", HTML)
    assert other is not None
    assert (other.text, other.reply_to) == ("no", None)


def test_plain_text_is_taken_as_it_is_and_other_kinds_are_no_words() -> None:
    assert (written := read_content("1 < 2 <b>", "Text")) is not None
    assert written.text == "1 < 2 <b>"
    assert read_content("<ended/>", "Event/Call") is None


@given(st.text(max_size=200))
def test_any_html_is_words_or_nothing(content: str) -> None:
    read_content(content, HTML)


def frame(body: str, url: str = "https://x/conversation/conversationEnd/") -> str:
    return json.dumps({"url": url, "headers": {"X-Microsoft-Skype-Chain-ID": "c1"}, "body": body})


def test_an_end_is_read_in_each_of_its_forms() -> None:
    body = json.dumps({"subCode": 5300})
    forms = [body, *(base64.b64encode(pack(body.encode())).decode() for pack in (zlib.compress, gzip.compress))]
    for form in forms:
        assert read_end(frame(form)) == ConversationEnd(call="c1", sub_code=5300)
    assert read_end(frame(body, url="https://x/rosterUpdate/")) is None


def test_a_body_that_grows_without_end_is_nothing() -> None:
    assert read_end(frame(base64.b64encode(zlib.compress(b" " * 50_000_000 + b"{}")).decode())) is None


@given(st.one_of(st.text(max_size=100), st.recursive(st.none() | st.integers() | st.text(), st.lists).map(json.dumps)))
def test_garbage_is_nothing(noise: str) -> None:
    assert read_end(noise) is None
    assert read_end(frame(noise)) is None


def test_who_sent_it_is_the_end_of_an_address() -> None:
    assert sender("https://emea.ng.msg.teams.microsoft.com/v1/users/ME/contacts/8:orgid:a") == "8:orgid:a"
    assert sender("8:orgid:a") == "8:orgid:a"
