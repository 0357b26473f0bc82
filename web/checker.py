"""The page that checks a receipt in a browser, as one file that works from disk: built here from its parts.

It checks what `onrecord receipt verify` checks. What both must agree on is put in from Python, to have one source, and
tests in a real browser hold the scripts to the Python code. docs/verify.html is the same file.
"""

from __future__ import annotations

import json
from base64 import b64encode
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from aiohttp import web

from consent_notice import receipt_page
from consent_notice.decisions import IDENTITY_FLOOR, NEXT_STANDING, OWN_ACTS
from consent_notice.receipt import DOES_NOT_PROVE, FORMAT, MAX_RECEIPT_BYTES, PROVES
from consent_notice.receipt_style import STYLE
from consent_notice.record import DPV_STATUS, LAWFUL_BASIS, MANDATORY
from consent_notice.standings import ASKED_BY_NOTICE, BY_OTHERS, NO_NO
from web import display
from web.access import STORE, Access, Route, get
from web.headers import POLICY_OF_ANSWER

FILE_NAME = "verify.html"
_PARTS = Path(__file__).parent / "checker_parts"
_SCRIPTS = ("canonical.js", "log.js", "record.js", "view.js", "receipt.js", "main.js")
# Each script says it for itself when it is read alone; once joined, once is enough.
_STRICT = '"use strict";\n'


def routes() -> list[Route]:
    return [get(f"/{FILE_NAME}", show, Access.ANYONE), get("/key.txt", show_key, Access.ANYONE)]


async def show(request: web.Request) -> web.Response:
    kind = "attachment" if "download" in request.query else "inline"
    headers = {"Content-Disposition": f'{kind}; filename="{FILE_NAME}"'}
    answer = web.Response(text=checker_page(), content_type="text/html", headers=headers)
    answer[POLICY_OF_ANSWER] = f"{policy()}; frame-ancestors 'none'"
    return answer


async def show_key(request: web.Request) -> web.Response:
    """The published key; whoever wants to rely on it keeps a copy from before."""
    return web.Response(text=f"{request.app[STORE].log.vkey}\n", content_type="text/plain")


@cache
def checker_page() -> str:
    """The whole file. It holds no braces of a template besides these three places."""
    page = (_PARTS / "page.html").read_text(encoding="utf-8")
    return page.replace("{{policy}}", policy()).replace("{{style}}", _style()).replace("{{script}}", _script())


@cache
def policy() -> str:
    """Its own style and script, named by their hashes, and nothing else: it can neither load nor send."""
    return (
        f"default-src 'none'; script-src '{_hash(_script())}'; style-src '{_hash(_style())}'; "
        "base-uri 'none'; form-action 'none'"
    )


@cache
def _script() -> str:
    scripts = [(_PARTS / name).read_text(encoding="utf-8").replace(_STRICT, "", 1) for name in _SCRIPTS]
    fixed = json.dumps(_fixed(), ensure_ascii=True, sort_keys=True).replace("<", "\\u003c")
    return "\n".join(["", _STRICT + f"const FIXED = {fixed};", *scripts])


def _style() -> str:
    return (_PARTS / "page.css").read_text(encoding="utf-8")


def _fixed() -> dict[str, Any]:
    return {
        "format": FORMAT,
        "longest": MAX_RECEIPT_BYTES,
        "begins": receipt_page.BEGINS,
        "opens": receipt_page.OPENS,
        "closes": receipt_page.CLOSES,
        "policy": receipt_page.POLICY,
        "style": STYLE,
        "words": sorted(receipt_page.WORDS),
        "mandatory": {part: list(names) for part, names in MANDATORY.items()},
        "dpvStatus": {standing.value: term for standing, term in DPV_STATUS.items()},
        "lawfulBasis": dict(LAWFUL_BASIS),
        "nextStanding": {
            standing.value: {act.value: following.value for act, following in row.items()}
            for standing, row in NEXT_STANDING.items()
        },
        "ownActs": sorted(OWN_ACTS),
        "noNo": sorted(NO_NO),
        "byOthers": sorted(BY_OTHERS),
        "identityFloor": {purpose.value: floor for purpose, floor in IDENTITY_FLOOR.items()},
        "askedByNotice": list(ASKED_BY_NOTICE),
        "proves": list(PROVES),
        "doesNotProve": list(DOES_NOT_PROVE),
        "inWords": {**display.PURPOSE_WORDS, **display.STANDING_WORDS},
    }


def _hash(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"
