"""The headers of every answer: what a browser may load, frame, keep and tell others. Nothing comes from elsewhere."""

from __future__ import annotations

from aiohttp import web

from web.settings import SETTINGS

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; media-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
# Of a file that carries its own style or script, and is the same when it is saved: they are named by their hashes.
POLICY_OF_ANSWER: web.ResponseKey[str] = web.ResponseKey("policy", str)
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # not no-referrer: browsers would then send forms with `Origin: null`
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), browsing-topics=()",
    "X-Robots-Tag": "noindex, nofollow",
}


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    for header, value in _HEADERS.items():
        response.headers[header] = value
    response.headers["Content-Security-Policy"] = response.get(POLICY_OF_ANSWER, CONTENT_SECURITY_POLICY)
    if request.app[SETTINGS].is_https:
        response.headers["Strict-Transport-Security"] = "max-age=31536000"
    if request.path.startswith("/static/") and response.status == 200:
        response.headers["Cache-Control"] = "public, max-age=604800"
    else:
        response.headers["Cache-Control"] = "no-store"
    response.headers.pop("Server", None)
