"""The page that checks receipts, as it is served: one file that may run itself and nothing else; and the key."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

from consent_notice.checkpoint import read_verifier_key
from tests.simulators.web_site import Site
from web.checker import checker_page, policy

PARTS = Path("web/checker_parts")


async def test_it_is_served_as_the_file_that_works_from_disk(site: Site) -> None:
    async with site.browser() as browser:
        for path, kind in (("/verify.html", "inline"), ("/verify.html?download", "attachment")):
            await browser.open(path)
            assert browser.text == checker_page()
            assert browser.headers["Content-Type"] == "text/html; charset=utf-8"
            assert browser.headers["Content-Security-Policy"] == f"{policy()}; frame-ancestors 'none'"
            assert browser.headers["Content-Disposition"] == f'{kind}; filename="verify.html"'


async def test_anyone_can_have_the_key(site: Site) -> None:
    async with site.browser() as browser:
        assert read_verifier_key(await browser.open("/key.txt")) == site.store.log.key


def test_it_may_run_itself_and_load_nothing() -> None:
    page = checker_page()
    assert f'http-equiv="Content-Security-Policy" content="{policy()}"' in page
    for kind, text in re.findall(r"<(style|script)>(.*?)</\1>", page, re.DOTALL):
        hashed = b64encode(sha256(text.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{hashed}'" in policy()
    assert policy().startswith("default-src 'none'; ")
    assert "unsafe" not in policy()
    assert not re.search(r"""<[^>]*\s(?:src|href|on\w+|style)=|url\(|@import|https?://(?!w3id\.org/dpv)""", page)


def test_no_part_ends_or_reopens_the_script() -> None:
    assert checker_page().count("</script>") == 1
    for part in PARTS.glob("*.js"):
        text = part.read_text(encoding="utf-8")
        assert text.count('"use strict";\n') == 1, part.name
        assert not re.search(r"</script|<script|<!--|\beval\b|Function\(|fetch\(|innerHTML|XMLHttp|import\(", text), (
            part.name
        )
        assert len(text.splitlines()) < 400, part.name
