"""A text that a chat would cut off is said in several posts, and says the same."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bot.posting import cut_into_posts

LINK = "https://onrecord.example.org/c/abcdefghijklmnopqrstuvwx"


def test_what_fits_is_one_post_as_it_was() -> None:
    assert cut_into_posts("a\nb", 500) == ["a\nb"]
    assert cut_into_posts("", 500) == [""]


def test_it_is_cut_at_lines_first_and_no_link_is_broken() -> None:
    text = f"{'first line. ' * 20}\nrecord yes\nrecord no\n{'last words. ' * 15}{LINK}"
    posts = cut_into_posts(text, 300)
    assert [len(post) <= 300 for post in posts] == [True] * len(posts)
    assert sum(LINK in post for post in posts) == 1
    assert any("record yes\nrecord no" in post for post in posts)


@given(st.text("ab \n", max_size=300), st.integers(1, 60))
def test_no_word_is_lost_and_none_is_too_long(text: str, most_chars: int) -> None:
    posts = cut_into_posts(text, most_chars)
    assert all(len(post) <= most_chars for post in posts)
    assert "".join("".join(posts).split()) == "".join(text.split())
