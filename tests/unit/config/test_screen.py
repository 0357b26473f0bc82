"""What the demo's terminal shows, as text."""

from __future__ import annotations

import io

from rich.console import Console

from config.screen import ResultRow, Screen


class Clock:
    boot_id = "boot"

    def __init__(self) -> None:
        self.ms = 5_000

    def boot_ms(self) -> int:
        return self.ms


class Shown:
    def __init__(self) -> None:
        self.clock, self._text = Clock(), io.StringIO()
        self.screen = Screen(self.clock, Console(file=self._text, width=100, highlight=False))  # type: ignore[arg-type]

    @property
    def lines(self) -> list[str]:
        return [line.rstrip() for line in self._text.getvalue().splitlines()]


def test_each_line_has_its_time_since_the_beginning_and_its_speaker() -> None:
    shown = Shown()
    shown.screen.step("it begins")
    shown.clock.ms += 61_500
    shown.screen.tell("Maria", "comes in", aside="host")
    shown.screen.quote("Jonas", "Hello")
    assert shown.lines == ["00:00          it begins", "01:01   Maria  comes in (host)", "01:01   Jonas  “Hello”"]


def test_names_and_words_are_never_markup() -> None:
    shown = Shown()
    shown.screen.tell("[red]Eve[/red]", "says [bold]this[/bold] [/]")
    shown.screen.gate("[link=x]Eve", is_open=True)
    shown.screen.result([ResultRow(name="[b]", consent_status="[/]", spoken_s=1, kept_s=0, words=0)], "[x]")
    text = "\n".join(shown.lines)
    for said in ("[red]Eve[/red]", "says [bold]this[/bold] [/]", "[link=x]Eve", "[b]", "[/]", "Recording: [x]"):
        assert said in text


def test_the_gate_and_the_tile_are_told_when_they_change() -> None:
    shown = Shown()
    shown.screen.gate("Maria", is_open=True)
    shown.screen.gate("Maria", is_open=False)
    for text in ("RECORDING", "RECORDING", "PAUSED"):
        shown.screen.tile(text)
    assert [line[15:].strip() for line in shown.lines] == [
        "● capture opens for Maria",
        "○ capture is shut for Maria",
        "RECORDING",
        "PAUSED",
    ]


def test_the_table_has_a_row_for_each_person_and_the_verdicts_say_which_way() -> None:
    shown = Shown()
    rows = [
        ResultRow(name="Maria", consent_status="given", spoken_s=10.04, kept_s=9.96, words=20),
        ResultRow(name="Rafael", consent_status="refused", spoken_s=5, kept_s=0, words=0),
    ]
    shown.screen.result(rows, "voices_missing")
    shown.screen.verdict("verified", is_good=True)
    shown.screen.verdict("a fault", is_good=False)
    shown.screen.box("See", ["one", "two"])
    cells = [line.replace("│", " ").split() for line in shown.lines]
    assert ["Maria", "given", "10.0", "10.0", "20"] in cells
    assert ["Rafael", "refused", "5.0", "0.0", "0"] in cells
    assert "✔ verified" in shown.lines
    assert "✘ a fault" in shown.lines
    assert {"one", "two"} <= {word for line in cells for word in line}
