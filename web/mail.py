"""Hands one mail to the SMTP server that the installation named. Keeps and logs no address; decides no wording."""

from __future__ import annotations

import logging
import re
from email.message import EmailMessage

import aiosmtplib

from web.settings import MailServer

TIMEOUT_S = 20.0
LONGEST_ADDRESS = 254  # RFC 5321 section 4.5.3.1.3, less the brackets
# What any server takes: no quoted names, no comments, nothing that could end a header.
_ADDRESS = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?\.[A-Za-z0-9-]{2,63}"
)
_PERMANENT = range(500, 600)
_LOG = logging.getLogger(__name__)


class MailNotSent(Exception):
    """The mail could not be sent. Check the settings of `mail`, and that its server can be reached."""


class AddressRefused(MailNotSent):
    """The mail server took no mail for that address. Check the spelling."""


def is_address(text: str) -> bool:
    """Whether a mail could go there; whether somebody reads it nobody can know."""
    return len(text) <= LONGEST_ADDRESS and ".." not in text and _ADDRESS.fullmatch(text) is not None


async def send(server: MailServer, message: EmailMessage) -> None:
    """Returns once the server has taken it. Raises AddressRefused, MailNotSent; what is logged names nobody."""
    try:
        await aiosmtplib.send(
            message,
            sender=server.sender,
            hostname=server.host,
            port=server.port,
            username=server.user or None,
            password=server.password or None,
            use_tls=server.security == "tls",
            start_tls=server.security == "starttls",
            local_hostname=server.sender.rpartition("@")[2],
            timeout=TIMEOUT_S,
        )
    except aiosmtplib.SMTPRecipientsRefused as refused:
        codes = {each.code for each in refused.recipients}
        _LOG.warning("mail refused", extra={"codes": sorted(codes)})
        raise (AddressRefused if all(code in _PERMANENT for code in codes) else MailNotSent) from None
    except (aiosmtplib.SMTPException, OSError, ValueError) as error:
        code = getattr(error, "code", None)
        _LOG.warning(
            "mail not sent", extra={"why": type(error).__name__, "code": code if isinstance(code, int) else None}
        )
        raise MailNotSent from None
