"""Signing in and out, passwords, and the accounts of hosts and admins.

Passwords are Argon2id hashes, checked in a thread, two at a time; tries are limited by address and by e-mail. What an
account may see is decided in `access`.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable

import argon2
from aiohttp import web
from aiohttp_session import get_session, new_session
from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage
from limits.aio.strategies import MovingWindowRateLimiter

from storage.store import Store
from storage.users import Role
from web import places
from web.access import (
    CLOCK,
    NEW_ID,
    STORE,
    USER,
    Access,
    Route,
    back_to,
    fingerprint,
    get,
    post,
    tell,
    text_of,
    user_of,
)
from web.pages import page
from web.settings import SETTINGS

SHORTEST_PASSWORD = 10
LONGEST_PASSWORD = 200
_TRIES_PER_EMAIL = RateLimitItemPerMinute(8, 10)
_TRIES_PER_ADDRESS = RateLimitItemPerMinute(40, 10)
_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}")
PASSWORD_GROUPS = 5
_ROLES: dict[str, Role] = {"host": "host", "admin": "admin"}


class Passwords:
    """Hashes and checks, off the event loop and never more than two at once (64 MiB each)."""

    def __init__(self) -> None:
        self._hasher = argon2.PasswordHasher()
        self._two_at_once = asyncio.Semaphore(2)
        self._of_nobody: str | None = None

    async def hash(self, password: str) -> str:
        async with self._two_at_once:
            return await asyncio.to_thread(self._hasher.hash, password)

    async def is_right(self, password_hash: str | None, password: str) -> bool:
        """An unknown account takes as long as a known one, so that nobody learns which exist."""
        if password_hash is None:
            self._of_nobody = self._of_nobody or await self.hash("nobody")
        checked = password_hash or self._of_nobody or ""
        async with self._two_at_once:
            right = await asyncio.to_thread(self._verify, checked, password)
        return right and password_hash is not None

    def _verify(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
            return False


PASSWORDS: web.AppKey[Passwords] = web.AppKey("passwords", Passwords)
LIMITER: web.AppKey[MovingWindowRateLimiter] = web.AppKey("limiter", MovingWindowRateLimiter)


def set_up(app: web.Application) -> None:
    app[PASSWORDS] = Passwords()
    app[LIMITER] = MovingWindowRateLimiter(MemoryStorage())


def generated_password(new_id: Callable[[], str]) -> str:
    """Five groups of four letters of a fresh random id: 100 bits, easy to read off a terminal."""
    letters = new_id()[: PASSWORD_GROUPS * 4]
    return "-".join(letters[start : start + 4] for start in range(0, len(letters), 4))


async def ensure_first_admin(
    store: Store, new_id: Callable[[], str], *, email: str = "admin@localhost", name: str = "Admin"
) -> str | None:
    """Makes the first admin and returns the password, which is kept nowhere else; None when an admin exists."""
    if await store.users.any_admin():
        return None
    password = generated_password(new_id)
    await store.users.create(email=email, name=name, role="admin", password_hash=await Passwords().hash(password))
    return password


def routes() -> list[Route]:
    return [
        get("/sign-in", show_sign_in, Access.ANYONE),
        post("/sign-in", sign_in, Access.ANYONE),
        post("/sign-out", sign_out, Access.SIGNED_IN),
        get("/account", show_account, Access.SIGNED_IN),
        post("/account", change_password, Access.SIGNED_IN),
        post("/account/place", set_place, Access.SIGNED_IN),
        get("/users", show_users, Access.ADMIN),
        post("/users", create_user, Access.ADMIN),
    ]


def _place_after_sign_in(asked: str) -> str:
    """Only a path of ours; "//elsewhere" and "/\\elsewhere" are other sites to a browser."""
    return asked if re.fullmatch(r"/(?:[A-Za-z0-9_\-.][A-Za-z0-9_\-./]*)?", asked) else "/"


async def show_sign_in(request: web.Request) -> web.Response:
    if USER in request:
        raise back_to("/")
    return await page(request, "sign_in.html", email="", problem="", next=request.query.get("next", "/"))


async def sign_in(request: web.Request) -> web.Response:
    email, password = (
        (await text_of(request, "email", 254)).lower(),
        await text_of(request, "password", LONGEST_PASSWORD),
    )
    place = _place_after_sign_in(await text_of(request, "next"))
    limiter = request.app[LIMITER]
    address = request.remote or "?"
    allowed = await limiter.hit(_TRIES_PER_ADDRESS, "address", address) and await limiter.hit(
        _TRIES_PER_EMAIL, "email", email
    )
    if not allowed:
        problem = "Too many tries. Wait ten minutes, then try again."
        return await page(request, "sign_in.html", status=429, email=email, problem=problem, next=place)
    user = await request.app[STORE].users.by_email(email)
    if not await request.app[PASSWORDS].is_right(user.password_hash if user else None, password) or user is None:
        problem = "E-mail and password do not belong together."
        return await page(request, "sign_in.html", status=401, email=email, problem=problem, next=place)
    await request.app[STORE].calendars.note_use(user.id)
    pages = (await get_session(request)).get("pages")
    session = await new_session(request)
    session.update(user=user.id, since=request.app[CLOCK].now().isoformat(), password=fingerprint(user.password_hash))
    if pages:
        session["pages"] = pages  # a host may be a participant in this browser, too
    raise back_to(place)


async def sign_out(request: web.Request) -> web.Response:
    session = await get_session(request)
    pages = session.get("pages")
    session.invalidate()  # not a new session: an empty new one would leave the old cookie where it is
    if pages:
        session["pages"] = pages
    raise back_to("/sign-in")


async def show_account(request: web.Request) -> web.Response:
    return await _account_page(request)


async def _account_page(request: web.Request, problem: str = "") -> web.Response:
    return await page(
        request,
        "account.html",
        status=422 if problem else 200,
        problem=problem,
        shortest=SHORTEST_PASSWORD,
        places=places.choices(request.app[SETTINGS]),
        usual_place=request.app[SETTINGS].jurisdictions.name_of(request.app[SETTINGS].host_location),
    )


async def set_place(request: web.Request) -> web.Response:
    """Where a host is when they invite the bot; it can only add to what is asked."""
    code = await text_of(request, "place", 20)
    if not places.is_place(request.app[SETTINGS], code):
        raise web.HTTPBadRequest(text="That place is not in the list.")
    await request.app[STORE].users.set_place(user_of(request).id, code)
    await tell(request, "Your place is kept. It counts for every meeting that the bot joins from now on.")
    raise back_to("/account")


async def change_password(request: web.Request) -> web.Response:
    user, passwords = user_of(request), request.app[PASSWORDS]
    new, again = await text_of(request, "new", LONGEST_PASSWORD), await text_of(request, "again", LONGEST_PASSWORD)
    problem = password_problem(new, again)
    if not await request.app[LIMITER].hit(_TRIES_PER_EMAIL, "change", user.id):
        problem = "Too many tries. Wait ten minutes, then try again."
    elif not await passwords.is_right(user.password_hash, await text_of(request, "current", LONGEST_PASSWORD)):
        problem = "The current password is not right."
    if problem:
        return await _account_page(request, problem)
    new_hash = await passwords.hash(new)
    await request.app[STORE].users.set_password(user.id, new_hash)
    (await get_session(request))["password"] = fingerprint(new_hash)
    await tell(request, "Your password is changed. Other browsers that were signed in with the old one are signed out.")
    raise back_to("/account")


def password_problem(new: str, again: str) -> str:
    if len(new) < SHORTEST_PASSWORD:
        return f"The new password needs at least {SHORTEST_PASSWORD} characters."
    if new != again:
        return "The two new passwords are not the same."
    return ""


async def show_users(request: web.Request) -> web.Response:
    return await _users_page(request)


async def create_user(request: web.Request) -> web.Response:
    email, name = (await text_of(request, "email", 254)).lower(), await text_of(request, "name", 80)
    role: Role | None = _ROLES.get(await text_of(request, "role"))
    problem = ""
    if not _EMAIL.fullmatch(email):
        problem = "That is not an e-mail address."
    elif not name:
        problem = "Give a name: participants read it when the bot asks them."
    elif role is None:
        problem = "Choose what the account is for."
    elif await request.app[STORE].users.by_email(email) is not None:
        problem = "There is an account with this e-mail address already."
    if problem or role is None:
        return await _users_page(request, status=422, problem=problem, email=email, name=name, role=role or "host")
    password = generated_password(request.app[NEW_ID])
    password_hash = await request.app[PASSWORDS].hash(password)
    await request.app[STORE].users.create(email=email, name=name, role=role, password_hash=password_hash)
    return await _users_page(request, created=(email, password))


async def _users_page(
    request: web.Request,
    *,
    status: int = 200,
    problem: str = "",
    email: str = "",
    name: str = "",
    role: str = "host",
    created: tuple[str, str] | None = None,
) -> web.Response:
    users = await request.app[STORE].users.list()
    return await page(
        request,
        "users.html",
        status=status,
        users=users,
        problem=problem,
        email=email,
        name_given=name,
        role=role,
        created=created,
    )
