"""Makes texts whose meaning is known by how they were made: a yes that is spoiled, a yes or a no in harmless dress.

The words here are not those of the wording files, so that the reader is not tested against its own lists. The yes and
the no themselves are.
"""

from __future__ import annotations

import unicodedata
from random import Random

from tests.unit.consent_notice.answer_table import TABLES

ANSWERS = {table["language"]: table["answers"] for table in TABLES}
OWN_YES = {lang: [*each["own"]["given"], *each["own"]["sound_only"]] for lang, each in ANSWERS.items()}
YES = {lang: [*OWN_YES[lang], *each["bare"]["given"]] for lang, each in ANSWERS.items()}
OWN_NO = {lang: [*each["own"]["refused"], *each["own"]["stop"]] for lang, each in ANSWERS.items()}
NO = {lang: each["bare"]["refused"] for lang, each in ANSWERS.items()}

# "…" is where the yes goes.
NEGATIONS = {
    "en": ["I do not say …", "not …", "never … again", "… is not what I say", "… I do not", "… NOT", "nobody said …"],
    "pl": ["nie mówię …", "to nie jest …", "nigdy … więcej", "… to nieprawda", "… nie", "nikt nie pisał …"],
    "de": ["ich sage nicht …", "kein …", "nie wieder …", "… sage ich nicht", "… nicht", "niemand schrieb …"],
    "es": ["no digo …", "nunca …", "no es un …", "… no lo digo", "… no", "nadie escribió …"],
    "fr": ["je ne dis pas …", "jamais …", "pas de …", "… je ne le dis pas", "… non", "personne n'a écrit …"],
    "it": ["non dico …", "mai …", "non è un …", "… non lo dico", "… no", "nessuno ha scritto …"],
    "pt": ["não digo …", "nunca …", "não é um …", "… não digo isso", "… não", "ninguém escreveu …"],
    "nl": ["ik zeg niet …", "geen …", "nooit meer …", "… zeg ik niet", "… niet", "niemand schreef …"],
    "cs": ["neříkám …", "nikdy …", "to není …", "… to neříkám", "… ne", "nikdo nenapsal …"],
    "uk": ["я не кажу …", "ніколи …", "це не …", "… я такого не казав", "… ні", "ніхто не писав …"],
}
CONDITIONS = {
    "en": ["… if Bob agrees", "… unless I leave", "if you ask me, …", "… as long as it is deleted", "… but not now"],
    "pl": [
        "… jeśli Bob się zgodzi",
        "… o ile nie wyjdę",
        "jak wszyscy, to …",
        "… pod warunkiem usunięcia",
        "… ale bez mnie",
    ],
    "de": [
        "… wenn Bob zustimmt",
        "… falls ich bleibe",
        "wenn alle wollen, …",
        "… sofern ihr es löscht",
        "… aber ohne Namen",
    ],
    "es": [
        "… si Bob acepta",
        "… a menos que me vaya",
        "si todos quieren, …",
        "… siempre que se borre",
        "… pero sin nombre",
    ],
    "fr": [
        "… si Bob accepte",
        "… sauf si je pars",
        "si tous veulent, …",
        "… tant que c'est effacé",
        "… mais sans mon nom",
    ],
    "it": [
        "… se Bob accetta",
        "… a meno che io esca",
        "se tutti vogliono, …",
        "… purché sia cancellato",
        "… ma senza nome",
    ],
    "pt": [
        "… se o Bob aceitar",
        "… a menos que eu saia",
        "se todos quiserem, …",
        "… desde que se apague",
        "… mas sem nome",
    ],
    "nl": [
        "… als Bob akkoord is",
        "… tenzij ik wegga",
        "als iedereen wil, …",
        "… mits het gewist wordt",
        "… maar zonder naam",
    ],
    "cs": [
        "… pokud Bob souhlasí",
        "… ledaže odejdu",
        "když všichni, tak …",
        "… za podmínky smazání",
        "… ale bez jména",
    ],
    "uk": ["… якщо Боб згоден", "… хіба що я піду", "якщо всі, то …", "… за умови видалення", "… але без імені"],
}
OTHER_TOPICS = {
    "en": ["… I sent the report", "… the lunch was good", "about Friday: …", "… on page four"],
    "pl": ["… raport wysłałam", "… obiad był dobry", "co do piątku: …", "… na stronie czwartej"],
    "de": ["… der Bericht ist raus", "… das Essen war gut", "zum Freitag: …", "… auf Seite vier"],
    "es": ["… envié el informe", "… la comida estuvo bien", "sobre el viernes: …", "… en la página cuatro"],
    "fr": ["… le rapport est parti", "… le repas était bon", "pour vendredi : …", "… à la page quatre"],
    "it": ["… ho mandato il rapporto", "… il pranzo era buono", "su venerdì: …", "… a pagina quattro"],
    "pt": ["… enviei o relatório", "… o almoço foi bom", "sobre sexta: …", "… na página quatro"],
    "nl": ["… het verslag is weg", "… de lunch was goed", "over vrijdag: …", "… op bladzijde vier"],
    "cs": ["… zprávu jsem poslala", "… oběd byl dobrý", "k pátku: …", "… na straně čtyři"],
    "uk": ["… звіт надіслано", "… обід був смачний", "щодо п’ятниці: …", "… на сторінці чотири"],
}
ADDRESSED = ["@{name} …", "… {name}", "…, {name}!", "{name}: …", "{name}, …", "… @{name}", "… ({name})"]
NAMES = ["Tom", "Anna", "Björn", "José", "Łukasz", "Оксана", "Chloé", "Siân", "tom", "EVA"]
QUOTED = [
    *("> …", "＞…", "&gt; …", "» …", "> hm\n> …", '"…"', "'…'", "“…”", "„…“", "«…»", "« … »", "‹…›", "‘…’", "`…`"),
    *("(…)", "[…]", "~~…~~", "*…*", "{name} wrote: …", "[12:03] {name}: …", "/… /", "<…>", "…\n> …", "```…```"),
]
QUESTIONS = ["…?", "…??", "… ?", "…?!", "¿…?", "…？", "…⁇", "… ? 🙂"]
IRONY = [
    "…,",
    "… 😂",
    "… 🙄",
    "… 👎",
    "…...",
    "……",
    "… ;)",
    "… 🤔",
    "😏 …",
    "… /s",
    "… ^^",
    "…!!!!!",
    "…, 1000",
    "… 👍👎",
]
HIDDEN = [
    "\u202e…",
    "…\u202e",
    "\u2067…\u2069",
    "\u200f…",
    "…\U000e0041",
    "\x1b…",
    "…\nx",
    "…\u2028…",
    "x\r\n…",
    "…\x00",
]
SEVERAL = [
    "… {no}",
    "{no} …",
    "…. {no}",
    "…\n{no}",
    "… / {no}",
    "{no}, …",
    "…, {no}",
    "…! {no}!",
    "… – {no}",
    "… {no} …",
]

_LOOKS = {
    "a": "аαɑ4@",
    "b": "ЬƄ",
    "c": "сϲ",
    "d": "ԁɗ",
    "e": "еєҽ3",
    "g": "ɡց",
    "h": "һհ",
    "i": "іıɩ1",
    "j": "јʝ",
    "k": "кκ",
    "l": "ӏ1|",
    "m": "мṃ",
    "n": "ոη",
    "o": "оο0ө",
    "p": "рρ",
    "r": "гᴦ",
    "s": "ѕ5ꜱ",
    "t": "тτ",
    "u": "υս",
    "v": "νѵ",
    "w": "ԝω",
    "x": "хχ",
    "y": "уγ",
    "z": "ʐᴢ",
    "а": "aα",
    "е": "eєε",
    "і": "iı",
    "к": "kκ",
    "о": "oο",
    "п": "nπ",
    "с": "cϲ",
    "т": "tτ",
    "у": "yγ",
    "р": "pρ",
    "г": "rґ",
    "н": "hʜ",
    "з": "3",
    "м": "mʍ",
    "д": "ԁ",
}


def spoiled_yes(random: Random, language: str) -> str:
    """A yes of that language, and something around or in it after which it is none."""
    yes = harmless_yes(random, random.choice(YES[language]), inside_only=True)
    kind = random.randrange(11)
    if kind == 0:
        frame = random.choice(NEGATIONS[language])
    elif kind == 1:
        frame = random.choice(CONDITIONS[language])
    elif kind == 2:
        frame = random.choice(OTHER_TOPICS[language])
    elif kind == 3:
        frame = random.choice(ADDRESSED)
    elif kind == 4:
        frame = random.choice(QUOTED)
    elif kind == 5:
        frame = random.choice(QUESTIONS)
    elif kind == 6:
        frame = random.choice(IRONY)
    elif kind == 7:
        frame = random.choice(HIDDEN)
    elif kind == 8:
        frame = random.choice(SEVERAL).replace("{no}", random.choice(NO[language] + OWN_NO[language]))
    elif kind == 9:
        yes, frame = in_other_letters(random, yes), "…"
    else:
        others = [phrase for each in ANSWERS.values() for phrase in each["bare"]["given"]]
        yes = random.choice([phrase for phrase in others if phrase not in YES[language]])
        frame = "…"
    text = frame.replace("{name}", random.choice(NAMES)).replace("…", yes)
    return _in_dress(random, text) if random.random() < 0.7 else text


def harmless_yes(random: Random, phrase: str, *, inside_only: bool = False) -> str:
    """The same yes as people and their keyboards write it."""
    text = random.choice([phrase, phrase, phrase.upper(), phrase.capitalize(), phrase.title()])
    if "'" in text:
        text = text.replace("'", random.choice("'’ʼ´′"))
    words = text.split(" ")
    gaps = [random.choice([" ", " ", " ", "  ", "\u00a0", "\u202f", "\t", ", ", "\u3000"]) for _ in words[1:]]
    text = words[0] + "".join(gap + word for gap, word in zip(gaps, words[1:], strict=True))
    if random.random() < 0.15:
        text = unicodedata.normalize("NFD", text)
    if random.random() < 0.1:
        at = random.randrange(len(text) + 1)
        text = text[:at] + random.choice("\u200b\u00ad\ufeff\u2060") + text[at:]
    if random.random() < 0.05:
        text = "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" and c != "'" else c for c in text)
    return text if inside_only else _in_dress(random, text)


def in_other_letters(random: Random, yes: str) -> str:
    """At least one letter is another one that looks like it, or is styled, crossed out, or written twice."""
    letters = list(unicodedata.normalize("NFC", yes))
    places = [at for at, letter in enumerate(letters) if letter.isalpha()]
    for at in random.sample(places, random.randint(1, min(3, len(places)))):
        letter = letters[at]
        looks = list(_LOOKS.get(letter.casefold(), ""))
        looks += [letter + "\u0336", letter + "\u20dd", letter + letter, letter + "\u0323"]
        if "a" <= letter.casefold() <= "z":
            looks += [chr(0x1D41A + ord(letter.casefold()) - ord("a")), chr(0x24D0 + ord(letter.casefold()) - ord("a"))]
        letters[at] = random.choice(looks)
    return "".join(letters)


def disguised_no(random: Random, phrase: str) -> str:
    """The same no, as somebody writes it who is angry, in a hurry or at play."""
    if random.random() < 0.6:  # in small letters: a capital upsilon looks like another letter than a small one
        text = "".join(_disguised(random, letter) for letter in phrase)
    else:
        text = random.choice([phrase, phrase.upper(), phrase.capitalize(), phrase.title()])
    if any("а" <= c <= "я" or c in "іїєґ" for c in phrase) and not any("\u0400" <= c <= "\u04ff" for c in text):
        text = phrase  # all in Latin letters it would be another word
    words = text.split(" ")
    text = random.choice([" ", "  ", "-", "_", " / ", ", ", "\n", "\u00a0", " — "]).join(words)
    if random.random() < 0.3:
        text = ", ".join([text] * random.randint(2, 4))
    before, after = random.choice(
        [("", ""), ("“", "”"), ("«", "»"), ("**", "**"), ("(", ")"), ("\u202e", ""), ("🛑 ", "")]
    )
    return (
        before
        + text
        + after
        + random.choice(["", "", "!", "!!!!!", "...", ".", " 😡", " 👎", " 👍", "\u200b", " :(", ";"])
    )


def _disguised(random: Random, letter: str) -> str:
    draw = random.random()
    if draw < 0.08 and letter.isalpha():
        return letter * random.randint(2, 5)
    if draw < 0.16 and letter in _NO_LOOKS:
        return random.choice(_NO_LOOKS[letter])
    if draw < 0.20 and "a" <= letter <= "z":
        return chr(0x1D41A + ord(letter) - ord("a"))
    if draw < 0.24 and letter.isalpha():
        return letter + random.choice("\u0301\u0308\u0336\u200b\u00ad")
    if draw < 0.28 and letter.isalpha():
        return unicodedata.normalize("NFD", letter)[0]  # without its accent
    return letter


_NO_LOOKS = {
    "a": "аα",
    "c": "сϲ",
    "d": "ԁ",
    "e": "еє",
    "h": "һհ",
    "i": "іι",
    "j": "ј",
    "k": "кκ",
    "m": "м",
    "n": "пո",
    "o": "оο0",
    "p": "рρ",
    "r": "г",
    "s": "ѕ",
    "t": "тτ",
    "u": "υս",
    "v": "ѵν",
    "w": "ԝω",
    "x": "хχ",
    "y": "уγ",
    "а": "aα",
    "е": "eε",
    "і": "iι",
    "к": "kκ",
    "о": "oο0",
    "п": "nπ",
    "с": "cϲ",
    "т": "tτ",
    "у": "y",
    "р": "pρ",
    "м": "m",
}


def _in_dress(random: Random, text: str) -> str:
    before = random.choice(["", "", "", " ", "\u200b", "\n", "\t"])
    return (
        before
        + text
        + random.choice(["", "", "", ".", "!", "!!", "!!!", " !", "\u202f!", " 👍", "👍🏽", " ✅", " ", " .", "\n"])
    )
