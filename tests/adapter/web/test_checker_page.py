"""verify.html in a real Chromium, from disk: it takes what holds, and finds every change that the command finds."""

from __future__ import annotations

import random
from base64 import b64encode
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import BrowserContext, Page, async_playwright, expect

from consent_notice.receipt import DOES_NOT_PROVE, PROVES
from consent_notice.receipt_page import page_of
from tests.adapter.web.conftest import People
from tests.simulators.browsers import CHROMIUM
from tests.simulators.page_answers import agree
from tests.simulators.receipts import (
    GAVE,
    KEY,
    OTHER_KEY,
    START,
    WITHDREW,
    asked,
    forgeries,
    in_other_forms,
    joined,
    made,
    opened,
    reproven,
    resealed,
)
from tests.simulators.web_site import Meeting, Site
from tests.unit.consent_notice.test_receipt import CHANGES
from tests.unit.consent_notice.test_receipt_page import HANDED_OUT, SHAPES
from web.checker import checker_page

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]

RECEIPT = SHAPES["names"]
FORMS = {"json": RECEIPT, "html": page_of(RECEIPT)}
FLAGS = ("--no-sandbox", "--disable-background-networking", "--disable-component-update", "--no-first-run")
# Why each of the files does not hold; an empty text for one that does.
VERDICTS = """async ({ files, key }) => {
  const known = await readKey(key);
  const bytesOf = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  const verdicts = [];
  for (const file of files) {
    try { await check(bytesOf(file), known); verdicts.push(""); }
    catch (error) { verdicts.push(error instanceof DoesNotHold ? error.message : `broken: ${error}`); }
  }
  return verdicts;
}"""
# The same for one file, each time with one change: [position, kind, bit].
CHANGED = """async ({ file, key, changes }) => {
  const known = await readKey(key);
  const whole = Uint8Array.from(atob(file), (character) => character.charCodeAt(0));
  const verdicts = [];
  for (const [position, kind, bit] of changes) {
    const byte = whole[position];
    const bytes = { flip: [byte ^ (1 << bit)], insert: [32 + bit, byte], delete: [] }[kind];
    const changed = joined(whole.slice(0, position), Uint8Array.from(bytes), whole.slice(position + 1));
    try { await check(changed, known); verdicts.push(""); }
    catch (error) { verdicts.push(error instanceof DoesNotHold ? error.message : `broken: ${error}`); }
  }
  return verdicts;
}"""


@pytest.fixture
async def context() -> AsyncIterator[BrowserContext]:
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        try:
            yield await chromium.new_context()
        finally:
            await chromium.close()


@pytest.fixture
async def page(context: BrowserContext, tmp_path: Path) -> AsyncIterator[Page]:
    """The saved file; whatever it would load, or complain about, fails the test."""
    saved = tmp_path / "verify.html"
    saved.write_text(checker_page(), encoding="utf-8")
    page, complaints, asked_for = await context.new_page(), [], []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", lambda request: asked_for.append(request.url))
    await page.goto(saved.as_uri())
    await expect(page.locator("#file")).to_be_enabled()
    yield page
    assert complaints == []
    assert {url.partition("#")[0] for url in asked_for} == {saved.as_uri()}


async def verdicts(page: Page, files: list[bytes], key: str = str(KEY)) -> list[str]:
    found: list[str] = await page.evaluate(
        VERDICTS, {"files": [b64encode(file).decode() for file in files], "key": key}
    )
    return found


async def test_genuine_ones_hold_in_both_forms(page: Page) -> None:
    """The page is rendered anew and compared, so this shows that the script renders every shape as Python does."""
    files = [form for receipt in SHAPES.values() for form in (receipt, page_of(receipt))]
    files.append(HANDED_OUT.read_bytes())
    assert await verdicts(page, files) == [""] * len(files)
    assert all(await verdicts(page, files, str(OTHER_KEY)))


async def test_whatever_people_are_called_both_render_the_same(page: Page) -> None:
    chance = random.Random(9162)
    alphabet = [
        "\\", '"', "<", "&", "'", "\u2028", "\x7f", "\x00", "\r", "\n", "\ufeff", "\u200f", "é", "李", "🎉", "\ue000",
        "\U0010ffff", "u003c", "</script>", "<!--", "{level}", "$&",
    ]  # fmt: skip
    files = []
    for _ in range(60):
        name, said = ("".join(chance.choices(alphabet, k=8)) for _ in range(2))
        files.append(page_of(made(opened(host=said), joined(name), asked(), GAVE, WITHDREW)))
    assert await verdicts(page, files) == [""] * len(files)


@pytest.mark.parametrize("form", FORMS)
async def test_changed_ones_do_not_hold(page: Page, form: str) -> None:
    chance, file = random.Random(form), FORMS[form]
    changes = [
        [chance.randrange(len(file)), kind, chance.randrange(8)]
        for kind in ("flip", "flip", "insert", "delete")
        for _ in range(75)
    ]
    whole = {"file": b64encode(file).decode(), "key": str(KEY)}
    found = await page.evaluate(CHANGED, {**whole, "changes": changes})
    assert len(found) == 300
    passed = [change for change, why in zip(changes, found, strict=True) if not why or why.startswith("broken")]
    # A blank put in before a blank, or one of two equal letters left out, changes nothing that could be found.
    assert [change for change in passed if _differs(file, change)] == []
    assert len(passed) < 10


def _differs(file: bytes, change: list[Any]) -> bool:
    position, kind, bit = change
    byte = {"flip": bytes([file[position] ^ (1 << bit)]), "insert": bytes([32 + bit, file[position]]), "delete": b""}[
        kind
    ]
    return file[:position] + byte + file[position + 1 :] != file


async def test_what_the_server_itself_changes_and_signs_does_not_hold(page: Page) -> None:
    receipt = made(*START, GAVE)
    files = [resealed(receipt, change) for change, _ in CHANGES]
    late = made(*START, GAVE, WITHDREW)
    files += [
        reproven(late, lambda entries: [*entries[:3], entries[4], entries[3]]),
        reproven(late, lambda entries: entries[:-1]),
        reproven(late, lambda entries: entries[1:]),
        reproven(late, lambda entries: []),
    ]
    found = await verdicts(page, [*files, resealed(receipt, lambda content: None)])
    assert found[-1] == ""
    assert [number for number, why in enumerate(found[:-1]) if not why or why.startswith("broken")] == []
    of_command = [words.removeprefix("its ") for _, words in CHANGES]
    assert (
        sum(words in why for words, why in zip(of_command, found, strict=False)) > len(CHANGES) // 2
    )  # in the same words


async def test_what_is_at_one_with_itself_but_not_with_the_log_or_the_key_does_not_hold(page: Page) -> None:
    forged = list(forgeries().values())
    for make in (lambda receipt: receipt, page_of):
        found = await verdicts(page, [make(receipt) for receipt, _ in forged])
        assert [words for (_, words), why in zip(forged, found, strict=True) if words not in why] == []
    other_forms = await verdicts(page, in_other_forms(RECEIPT))
    assert [why for why in other_forms if not why or why.startswith("broken")] == []


async def test_what_is_no_receipt_does_not_hold(page: Page) -> None:
    files = [
        b"", b"{}", b"[]", b"null", b"\xff\xfe", b"[" * 100_000, b"<!doctype html>", FORMS["json"][:-1],
        b'<!doctype html><script type="application/json" id="receipt">{</script>',
        b'<!doctype html><script type="application/json" id="receipt">{}</script>',
        b'{"format":"onrecord-receipt/2"}', b'{"a":1e2}', b'{"a":9007199254740993}', b'{"a":"\\ud800"}',
        b'{"a":1,"a":1}',
    ]  # fmt: skip
    found = await verdicts(page, files)
    assert all(why and not why.startswith("broken") for why in found), found


# ---- as a person uses it -----------------------------------------------------------------------------------------


async def test_a_person_picks_the_file_and_pastes_the_key(page: Page, tmp_path: Path) -> None:
    result = page.locator("#result")
    for form, content in FORMS.items():
        (tmp_path / f"receipt.{form}").write_bytes(content)
        await page.set_input_files("#file", tmp_path / f"receipt.{form}")
        await page.fill("#key", f"  {KEY}\n")
        await expect(result).to_contain_text("It holds")
        for words in (
            "hosted by Zoë & 李雷 <b>",
            "Łukasz “</script>” \ufffd🎉",
            "entries 1, 3, 5, 7 of 8",
            *PROVES,
            *DOES_NOT_PROVE,
        ):
            await expect(result).to_contain_text(words)
        await page.fill("#key", str(OTHER_KEY))
        await expect(result).to_contain_text("It does not hold")
        await expect(result).to_contain_text("no signature of this key")
        await page.fill("#key", str(KEY)[:-3])
        await expect(result).to_contain_text("The key can't be used")
    (tmp_path / "key.txt").write_text(f"{KEY}\n")
    await page.set_input_files("#key-file", tmp_path / "key.txt")
    await expect(result).to_contain_text("It holds")
    (tmp_path / "changed.html").write_bytes(FORMS["html"].replace(b"<h1>You agreed", b"<h1>You refused"))
    await page.set_input_files("#file", tmp_path / "changed.html")
    await expect(result).to_contain_text("the page was changed")


async def test_a_person_drops_the_file(page: Page) -> None:
    await page.fill("#key", str(KEY))
    await page.evaluate(
        """(text) => {
          const transfer = new DataTransfer();
          transfer.items.add(new File([text], "receipt.json"));
          document.body.dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, bubbles: true }));
        }""",
        FORMS["json"].decode(),
    )
    await expect(page.locator("#result")).to_contain_text("It holds")


@pytest.mark.parametrize(
    ("missing", "words"),
    [
        (
            "crypto.subtle.importKey = async () => { throw new DOMException('', 'NotSupportedError'); };",
            "can't check Ed25519",
        ),
        ("Object.defineProperty(Crypto.prototype, 'subtle', { value: undefined });", "Save this page"),
    ],
)
async def test_a_browser_that_can_not_is_told_so(
    context: BrowserContext, tmp_path: Path, missing: str, words: str
) -> None:
    await context.add_init_script(missing)
    (tmp_path / "verify.html").write_text(checker_page(), encoding="utf-8")
    page = await context.new_page()
    await page.goto((tmp_path / "verify.html").as_uri())
    await expect(page.locator("#unable")).to_contain_text(words)
    await expect(page.locator("#file")).to_be_disabled()


async def test_served_it_takes_the_key_from_the_link_and_the_receipt_of_a_real_page(
    context: BrowserContext, site: Site, people: People, tmp_path: Path
) -> None:
    meeting = await Meeting.begin(site, people.ingrid)
    ada = await meeting.join("Ada")
    await meeting.ask(ada)
    async with site.browser() as browser:
        await agree(meeting, browser, ada)
        link = browser.text.partition('href="/verify.html#')[2].partition('"')[0]
        async with browser.session.get(f"{site.url}{meeting.link}/receipt.html?download") as answer:
            (tmp_path / "receipt.html").write_bytes(await answer.read())
    page, complaints = await context.new_page(), []
    page.on("console", lambda message: complaints.append(message.text))
    await page.goto(f"{site.url}/verify.html#{link}")
    await expect(page.locator("#key")).to_have_value(site.store.log.vkey)
    await page.set_input_files("#file", tmp_path / "receipt.html")
    await expect(page.locator("#result")).to_contain_text("It holds")
    await page.goto((tmp_path / "receipt.html").as_uri())
    await expect(page.locator("h1")).to_have_text("You agreed")
    assert complaints == []
