"""How a registered bot tells Microsoft Teams which bot it is: a token of its organisation in the address that it opens.

Microsoft's Bot Identification Program; the token is good for about an hour, so it is fetched when the bot goes. Without
a registration nothing is added, and the meeting's organiser is asked as for any guest.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import msal
import requests
from msal.exceptions import MsalError

from bot.ports import LeftReason, RoomError, RoomRefused

SCOPE = "https://ic3.teams.office.com/.default"
MICROSOFT = "https://login.microsoftonline.com"
WORK_HOSTS = frozenset({"teams.microsoft.com", "teams.cloud.microsoft"})  # personal meetings know no organisations
WITHIN_S = 20
_CODE = re.compile(r"AADSTS\d{4,7}")


class IdentityUnreachable(RoomError):
    """Microsoft's sign-in does not answer, so that the bot could not identify itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TeamsIdentity:
    tenant: str
    client_id: str
    client_secret: str
    sign_in: str = MICROSOFT
    ca_file: str | None = None

    async def sign(self, address: str) -> str:
        """Raises RoomError."""
        if urlsplit(address).hostname not in WORK_HOSTS:
            return address
        told = await asyncio.to_thread(self._token)
        if "access_token" not in told:
            code = _CODE.search(str(told.get("error_description", "")))
            raise RoomRefused(
                LeftReason.SIGN_IN_REQUIRED,
                f"Microsoft did not take this server's registration of the bot ({code[0] if code else 'no code'}). "
                "Ask your admin to look at `teams_bot_client_id` and its neighbours",
            )
        return f"{address}#token={told['access_token']}"

    def _token(self) -> dict[str, Any]:
        with requests.Session() as session:
            session.trust_env = False  # no authorities or credentials from the environment
            session.verify = self.ca_file or True
            try:
                app = msal.ConfidentialClientApplication(
                    self.client_id,
                    client_credential=self.client_secret,
                    authority=f"{self.sign_in}/{self.tenant}",
                    instance_discovery=False,  # the address is the admin's setting, not a stranger's word
                    http_client=session,
                    timeout=WITHIN_S,
                )
                found: dict[str, Any] = app.acquire_token_for_client(scopes=[SCOPE])
            except (requests.RequestException, MsalError, OSError, ValueError, RuntimeError) as error:
                raise IdentityUnreachable from error
        return found
