"""What every answer tells the browser."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.simulators.web_site import Site, open_site

PATHS = ["/sign-in", "/c/unknown", "/nothing/here", "/healthz", "/static/style.css", "/meetings"]


@pytest.mark.parametrize("path", PATHS)
async def test_nothing_is_loaded_from_elsewhere_or_framed(site: Site, path: str) -> None:
    async with site.browser() as browser:
        await browser.open(path, allow_redirects=False)
    policy = browser.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "http" not in policy
    assert browser.headers["X-Content-Type-Options"] == "nosniff"
    assert "Server" not in browser.headers or "Python" not in browser.headers["Server"]
    assert ("no-store" in browser.headers["Cache-Control"]) is (not path.startswith("/static/"))


async def test_over_https_cookies_are_bound_to_the_host(tmp_path: Path) -> None:
    async with open_site(tmp_path / "data", public_url="https://onrecord.example") as site, site.browser() as browser:
        await browser.open("/sign-in")
        cookie = browser.headers["Set-Cookie"]
        assert cookie.startswith("__Host-onrecord=")
        assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(re.split(r";\s*", cookie))
        assert "max-age" in browser.headers["Strict-Transport-Security"]


def test_templates_hold_no_inline_script_or_style() -> None:
    for template in Path("web/templates").glob("*.html"):
        text = template.read_text()
        assert not re.search(r"\sstyle=|<style|\son[a-z]+=\"|<script(?![^>]*\ssrc=)", text), template.name
        assert not re.search(r"(?:src|href)=\"https?://", text), template.name
        assert "|safe" not in text, template.name
