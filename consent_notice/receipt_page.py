"""A receipt as one file for people and machines: HTML that is rendered from the JSON which it carries.

Whoever checks such a file takes the JSON out, checks it, renders it again and compares byte for byte, so nothing that
is shown can differ from what was signed. The words are data of the receipt. What is rendered here can never change for
this format: a receipt that was handed out must render to the same bytes for as long as it is kept.
"""

from __future__ import annotations

import html
import re
from base64 import b64encode
from hashlib import sha256
from itertools import groupby
from typing import Any

from consent_notice.canonical import NotCanonical, canonical, read_canonical, read_json
from consent_notice.checkpoint import VerifierKey, Verify
from consent_notice.receipt import MAX_RECEIPT_BYTES, CheckedReceipt, check_receipt
from consent_notice.receipt_style import STYLE
from consent_notice.record import BadReceipt
from consent_notice.words import Purpose, Standing

MAX_PAGE_BYTES = 3 * MAX_RECEIPT_BYTES
# Every word that a page shows; a receipt carries exactly these, in its person's language.
WORDS = (
    "given_title", "refused_title", "withdrawn_title", "waiting_title", "agreed", "not_agreed", "receipt_title",
    "receipt_who", "receipt_organisation", "receipt_host", "receipt_meeting", "receipt_you", "receipt_answers",
    "receipt_refused", "receipt_taken_back", "receipt_steps", "receipt_asked", "receipt_other", "receipt_not_counted",
    "receipt_by_chat", "receipt_by_page", "receipt_by_room_button", "receipt_by_ahead", "receipt_by_phone",
    "receipt_by_host", "receipt_by_system", "receipt_known_by", "receipt_entry", "receipt_kept", "receipt_what",
    "receipt_what_text", "receipt_how_long", "receipt_days", "receipt_where", "receipt_law", "receipt_back",
    "receipt_rights", "receipt_complaint", "receipt_text", "receipt_proof", "receipt_log", "receipt_size",
    "receipt_key", "receipt_number", "receipt_proves", "receipt_proves_text", "receipt_not", "receipt_not_text",
    "receipt_check", "receipt_check_text",
)  # fmt: skip
POLICY = (
    f"default-src 'none'; style-src 'sha256-{b64encode(sha256(STYLE.encode()).digest()).decode()}'; "
    "base-uri 'none'; form-action 'none'"
)
OPENS, CLOSES = '<script type="application/json" id="receipt">', "</script>"
BEGINS = "<!doctype html>"
# What would be seen as nothing, or turn the text around it: control and direction characters, but tab and new line.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb\ufffe\uffff]"
)
_TITLES = {
    Standing.GIVEN.value: "given_title",
    Standing.REFUSED.value: "refused_title",
    Standing.WITHDRAWN.value: "withdrawn_title",
}
_CHIPS = {
    Standing.GIVEN.value: "agreed",
    Standing.REFUSED.value: "receipt_refused",
    Standing.WITHDRAWN.value: "receipt_taken_back",
}
_ACTS = {
    "ask": "receipt_asked",
    "give": "agreed",
    "refuse": "receipt_refused",
    "withdraw": "receipt_taken_back",
}


def check_file(file: bytes, key: VerifierKey, verify: Verify) -> CheckedReceipt:
    """A receipt in either form. Raises BadReceipt saying what does not hold; a change of any byte does."""
    if not file.startswith(BEGINS.encode()):
        return check_receipt(file, key, verify)
    content = _content_in(file)
    if render(content) != file:
        raise BadReceipt("couldn't check receipt: the page was changed, or shows something else than the record in it")
    return check_receipt(canonical(content), key, verify)


def receipt_in(page: bytes) -> bytes:
    """The canonical JSON that a page carries; unchecked. Raises BadReceipt."""
    try:
        return canonical(_content_in(page))
    except NotCanonical:
        raise BadReceipt("couldn't check receipt: it was changed, or is no receipt") from None


def page_of(receipt: bytes) -> bytes:
    """Raises BadReceipt where it is none, or lacks something that is to be shown."""
    try:
        content = read_canonical(receipt)
    except NotCanonical:
        raise BadReceipt("couldn't show receipt: it was changed, or is no receipt") from None
    return render(content)


def render(content: Any) -> bytes:
    """Raises BadReceipt where something that is to be shown is missing, or is no text."""
    try:
        words = content["page"]["words"]
        if words.keys() != set(WORDS) or not all(isinstance(text, str) for text in words.values()):
            raise BadReceipt("couldn't show receipt: its words are not those of this format")
        return _Page(content, words).text().encode()
    except (KeyError, IndexError, TypeError, AttributeError, ValueError, NotCanonical):
        raise BadReceipt("couldn't show receipt: a part of it is missing or of another kind") from None


def _content_in(page: bytes) -> Any:
    if len(page) > MAX_PAGE_BYTES:
        raise BadReceipt("couldn't check receipt: it is too long to be one")
    _, opened, rest = page.partition(OPENS.encode())
    embedded, closed, _ = rest.partition(CLOSES.encode())
    if not opened or not closed:
        raise BadReceipt("couldn't check receipt: there is none in this page")
    try:
        return read_json(embedded)
    except NotCanonical:
        raise BadReceipt("couldn't check receipt: it was changed, or is no receipt") from None


class _Page:
    """Everything that is shown goes through `_text`; the rest is markup of this module."""

    def __init__(self, content: dict[str, Any], words: dict[str, str]) -> None:
        self._content = content
        self._words = words
        self._record = content["record"]

    def text(self) -> str:
        standing = {each["purposes"]: each["standing"] for each in self._record["pii_processing"]}
        title = self._say(_TITLES.get(standing.get(Purpose.RECORDING.value, ""), "waiting_title"))
        context, receipt = self._record["context"], self._content["receipt"]
        head = f"{_text(self._content['page']['platform'])} · {_moment(context['began_at'])}"
        parts = [
            f'{BEGINS}\n<html lang="{_text(self._content["page"]["language"])}">\n<head>\n<meta charset="utf-8">\n',
            f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">\n',
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n',
            '<meta name="color-scheme" content="light dark">\n<meta name="referrer" content="no-referrer">\n',
            f"<title>{self._say('receipt_title')} {_text(receipt['receipt_id'])}</title>\n<style>{STYLE}</style>\n",
            f'</head>\n<body>\n<main>\n<header><p class="kind">{self._say("receipt_title")}</p>',
            f"<h1>{title}</h1><p>{head}</p></header>\n",
            *self._who(),
            *self._answers(),
            *self._steps(),
            *self._kept(),
            *self._texts(),
            *self._proof(),
            f"</main>\n{OPENS}{_embedded(self._content)}{CLOSES}\n</body>\n</html>\n",
        ]
        return "".join(parts)

    def _say(self, key: str) -> str:
        return _text(self._words[key])

    def _section(self, title: str, *inner: str) -> list[str]:
        return [f"<section><h2>{self._say(title)}</h2>", *inner, "</section>\n"]

    def _facts(self, rows: list[tuple[str, str]]) -> list[str]:
        return ["<dl>", *(f"<dt>{self._say(key)}</dt><dd>{shown}</dd>" for key, shown in rows), "</dl>"]

    def _who(self) -> list[str]:
        context = self._record["context"]
        party = self._record["party_identification"][0]
        contact = [party["party_name"], party["party_address"], party["party_contact"]]
        rows = [
            ("receipt_organisation", "\n".join(map(_text, contact))),
            ("receipt_host", _name(context["host"])),
            ("receipt_meeting", f"{_text(self._content['page']['platform'])}, {_moment(context['began_at'])}"),
            ("receipt_you", _name(self._record["header"]["shown_as"])),
        ]
        return self._section("receipt_who", *self._facts(rows))

    def _answers(self) -> list[str]:
        rows = []
        for each in self._record["pii_processing"]:
            key = _CHIPS.get(each["standing"], "not_agreed")
            kind = each["standing"] if each["standing"] in _CHIPS else "open"
            chip = f'<span class="chip {kind}">{self._say(key)}</span>'
            rows.append(f'<li class="answer">{chip}<span>{self._purpose(each["purposes"])}</span></li>')
        return self._section("receipt_answers", "<ul>", *rows, "</ul>")

    def _steps(self) -> list[str]:
        rows = []
        events = self._record["event"]
        for (index, act, counted), of_step in groupby(events, lambda e: (e["log_index"], e["act"], e["counted"])):
            step = list(of_step)
            first = step[0]
            what = self._say(_ACTS[act]) if act in _ACTS else f"{self._say('receipt_other')} ({_text(act)})"
            if not counted and act != "ask":
                what += f" ({self._say('receipt_not_counted')})"
            purposes = ", ".join(self._purpose(event["purpose"]).partition(":")[0] for event in step)
            how = [self._say(f"receipt_by_{first['means']}")]
            if "identity_level" in first:
                known_by = self._say("receipt_known_by").replace("{how}", _text(first["matched_by"]))
                how.append(known_by.replace("{level}", _text(first["identity_level"])))
            how.append(self._say("receipt_entry").replace("{number}", _text(index)))
            said = f' <q dir="auto">{_text(first["verbatim"])}</q>' if first.get("verbatim") else ""
            moment = _moment(first["event_time"]) + _into(first["meeting_ms"])
            rows.append(f"<li><div><b>{what}</b>: {purposes}{said}</div>")
            rows.append(f"<small>{moment} · {' · '.join(how)}</small></li>")
        return self._section("receipt_steps", "<ol>", *rows, "</ol>")

    def _kept(self) -> list[str]:
        first = self._record["pii_processing"][0]
        days = first["retention_period"].removeprefix("P").removesuffix("D")
        rows = [
            ("receipt_what", self._say("receipt_what_text")),
            ("receipt_how_long", self._say("receipt_days").replace("{days}", _text(days))),
            ("receipt_where", _list(first["storage_locations"])),
            ("receipt_law", _text(first["jurisdiction"])),
            ("receipt_back", _text(first["withdrawal_method"])),
            ("receipt_rights", _text(first["privacy_rights"])),
            ("receipt_complaint", _text(first["authority_party"])),
        ]
        return self._section("receipt_kept", *self._facts(rows))

    def _texts(self) -> list[str]:
        named = {event["notice"]["sha256"]: event["notice"] for event in self._record["event"]}
        shown = []
        for notice in self._content["notices"]:
            of_log = named[notice["sha256"]]
            mark = f"{_text(of_log['id'])} {_text(of_log['version'])} ({_text(of_log['language'])})"
            shown.append(f"<small>{mark} <code>sha256:{_text(notice['sha256'])}</code></small>")
            shown.append(f'<pre dir="auto">{_text(notice["text"])}</pre>')
        return self._section("receipt_text", *shown) if shown else []

    def _proof(self) -> list[str]:
        receipt, proof = self._content["receipt"], self._content["proof"]
        name, size, _ = proof["checkpoint"].split("\n", 2)
        entries = ", ".join(_text(entry["index"]) for entry in proof["entries"])
        rows = [
            ("receipt_log", f"<code>{_text(name)}</code>: {entries}"),
            ("receipt_size", _text(size)),
            ("receipt_key", f"<code>{_text(receipt['key'])}</code>"),
            ("receipt_number", f"<code>{_text(receipt['receipt_id'])}</code>, {_moment(receipt['issued_at'])}"),
        ]
        lines = []
        for title in ("receipt_proves", "receipt_not", "receipt_check"):
            items = (f"<li>{line}</li>" for line in self._say(f"{title}_text").split("\n"))
            lines += [f"<h3>{self._say(title)}</h3>", '<ul class="lines">', *items, "</ul>"]
        return self._section("receipt_proof", *self._facts(rows), *lines)

    def _purpose(self, purpose: str) -> str:
        return _text(self._content["page"]["purposes"][purpose])


def _text(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise TypeError("a text or a number expected")
    return html.escape(_UNSEEN.sub("\ufffd", str(value)))


def _list(values: object) -> str:
    if not isinstance(values, list):
        raise TypeError("a list expected")
    return ", ".join(map(_text, values))


def _name(value: object) -> str:
    return f"<bdi>{_text(value)}</bdi>"


def _moment(at: str) -> str:
    shown = _text(at)
    return f'<time datetime="{shown}">{shown[:10]} {shown[11:19]} UTC</time>'


def _into(meeting_ms: int | None) -> str:
    """How far into the meeting: 1:02:03 or 2:03."""
    if meeting_ms is None:
        return ""
    minutes, seconds = divmod(max(0, meeting_ms) // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f" · +{hours}:{minutes:02}:{seconds:02}" if hours else f" · +{minutes}:{seconds:02}"


def _embedded(content: dict[str, Any]) -> str:
    """Its canonical JSON, with what could end the element or begin another written as escapes of JSON itself."""
    text = canonical(content).decode()
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
