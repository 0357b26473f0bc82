"""Which letter a letter of another script looks like; enough to read a no that was written to look like one.

Used for a no only. A yes in such letters is no yes, so a missing row here never opens anything. The rows are
chosen from Unicode's confusables (UTS #39) for the letters that answers are made of, after compatibility decomposition.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

_ROWS = {
    "a": "аαɑᴀ",
    "b": "вʙЬь",
    "c": "сϲᴄ",
    "d": "ԁժᴅđ",
    "e": "еєεᴇ℮ə",
    "f": "ꜰ",
    "g": "ɡցɢ",
    "h": "һнհʜ",
    "i": "іιıɩɪ",
    "j": "јϳ",
    "k": "кκᴋ",
    "l": "łӏʟ",
    "m": "мᴍ",
    "n": "пηոиɴńŋ",
    "o": "оοօᴏøσ",
    "p": "рρᴘ",
    "q": "ԛ",
    "r": "гʀ",
    "s": "ѕꜱʂ",
    "t": "тτᴛ",
    "u": "υսᴜ",
    "v": "ѵνᴠ",
    "w": "ԝωᴡ",
    "x": "хχ",
    "y": "уγүʏ",
    "z": "ᴢ",
}
_CAPITALS = {
    "Ν": "n",
    "Η": "h",
    "Β": "b",
    "Υ": "y",
    "Ζ": "z",
    "Ϲ": "c",
}  # Greek capitals whose small letters look otherwise
LATIN_FOR: Mapping[str, str] = MappingProxyType(
    {**_CAPITALS, **{other: latin for latin, others in _ROWS.items() for other in others}, "0": "o", "1": "l"}
)

# The other way round, for a Cyrillic no with Latin or Greek letters in it. Of B and H only the capitals look alike.
_CYRILLIC_ROWS = {
    "а": "aαɑ",
    "б": "6",
    "в": "BΒ",
    "г": "rґ",
    "е": "eε",
    "з": "3",
    "и": "u",
    "і": "iι1",
    "к": "kκ",
    "м": "m",
    "н": "HΗ",
    "о": "oο0",
    "п": "nπ",
    "р": "pρ",
    "с": "cϲ",
    "т": "tτ",
    "у": "yγ",
    "х": "xχ",
    "ч": "4",
}
CYRILLIC_FOR: Mapping[str, str] = MappingProxyType(
    {other: letter for letter, others in _CYRILLIC_ROWS.items() for other in others}
)
