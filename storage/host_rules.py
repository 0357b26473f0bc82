"""What a host wants of every meeting, and its stored form.

Which titles and which people a rule means is decided in `calendar_sync.host_rules`.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from storage.errors import BrokenRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class HostRules:
    """The host's choice for one meeting stands above the first three."""

    never_titled: tuple[str, ...] = ()  # words and phrases as the host wrote them; * stands for any letters
    never_with_outsiders: bool = False
    own_domains: tuple[str, ...] = ()  # of mail addresses, besides the host's own; lower case
    only_when_present: bool = False  # nothing is kept while the host is away

    def written(self) -> str:
        """Without what is as by default, so that a new kind of rule changes no old row."""
        usual = asdict(HostRules())
        return json.dumps({name: value for name, value in asdict(self).items() if value != usual[name]}, sort_keys=True)

    @classmethod
    def read(cls, text: str) -> HostRules:
        """Raises BrokenRecord: a rule that can't be read must not be taken for none."""
        try:
            usual, stored = asdict(cls()), dict(json.loads(text))
            return cls(**{name: _typed(value, usual[name]) for name, value in stored.items()})
        except (ValueError, TypeError, KeyError):
            raise BrokenRecord("couldn't read a host's rules: set them again on the page of calendars") from None


def _typed(value: Any, usual: object) -> Any:
    """As the default is: a boolean, or a tuple of texts."""
    if isinstance(usual, bool) and isinstance(value, bool):
        return value
    if isinstance(usual, tuple) and isinstance(value, list) and all(isinstance(each, str) for each in value):
        return tuple(value)
    raise TypeError("another type")
