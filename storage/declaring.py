"""Declares that entries that were published are lost here, so that the log may go on: under another name.

Only against proof: a checkpoint that this log's own key signed, and that the log does not continue.
"""

from __future__ import annotations

from consent_notice.checkpoint import VerifierKey
from consent_notice.continuity import DoesNotContinue
from consent_notice.events import NO_VISIT, ChainDeclared
from storage.consent_log import ConsentLog
from storage.continuity import LOST, continues
from storage.errors import NothingLost

LONGEST_WHY = 300


def declare_lost(log: ConsentLog, kept: str, why: str, name: str) -> VerifierKey:
    """Blocking; nothing else may have the log open. Returns the key under its new name, which ends with `name`.

    Raises NothingLost, DoesNotContinue where `kept` proves nothing, LogWriteFailed, ValueError.
    """
    why = " ".join(why.split())
    if not 0 < len(why) <= LONGEST_WHY:
        raise ValueError(f"couldn't declare the loss: say why, in up to {LONGEST_WHY} characters")
    try:
        continues(log, kept)
    except DoesNotContinue as error:
        if error.what not in LOST:
            raise
    else:
        raise NothingLost
    origin = f"{log.chain.first.name}/{name}"
    declared = ChainDeclared(visit=NO_VISIT, origin=origin, before=log.origin, lost_checkpoint=kept, why=why)
    log.submit([(declared, f"chain:{origin}")]).result()
    return log.key
