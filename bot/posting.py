"""PURE: a text cut into posts that a chat takes: at the ends of lines, else between words, never in a link."""

from __future__ import annotations

import textwrap


def cut_into_posts(text: str, most_chars: int) -> list[str]:
    """In reading order, at least one; joined with line breaks they say the same. A word longer than a post is cut."""
    posts: list[str] = []
    for line in text.split("\n"):
        for piece in _pieces(line, most_chars):
            if posts and len(posts[-1]) + 1 + len(piece) <= most_chars:
                posts[-1] += "\n" + piece
            else:
                posts.append(piece)
    return [post.strip() for post in posts if post.strip()] or [text[:most_chars]]


def _pieces(line: str, most_chars: int) -> list[str]:
    if len(line) <= most_chars:
        return [line]
    return textwrap.wrap(line, most_chars, break_on_hyphens=False)
