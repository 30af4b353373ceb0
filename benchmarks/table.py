"""Rows as text, in aligned columns or as markdown. Knows how figures are written, not where they come from."""

from __future__ import annotations

from collections.abc import Sequence

NOTHING = "-"


def format_table(headers: Sequence[str], rows: Sequence[Sequence[str]], *, markdown: bool = False) -> str:
    """Columns as wide as their widest cell; those whose every cell begins with a digit, or is empty, stand to the right."""
    lines = [list(headers), *(list(row) for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(headers))]
    right = [all(row[i][:1].isdecimal() or row[i] == NOTHING for row in rows) for i in range(len(headers))]
    cells = [[cell.rjust(w) if r else cell.ljust(w) for cell, w, r in zip(line, widths, right, strict=True)] for line in lines]
    if markdown:
        rule = "|".join("-" * (w + 1) + (":" if r else "-") for w, r in zip(widths, right, strict=True))
        return "\n".join([_markdown_line(cells[0]), f"|{rule}|", *map(_markdown_line, cells[1:])])
    return "\n".join(["  ".join(cells[0]).rstrip(), "  ".join("-" * w for w in widths), *("  ".join(line).rstrip() for line in cells[1:])])


def _markdown_line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def seconds_text(seconds: float | None) -> str:
    """0.42 ms, 123 ms, 4.56 s, 345 s: three digits."""
    if seconds is None:
        return NOTHING
    return f"{three_digits(seconds * 1000)} ms" if seconds < 1 else f"{three_digits(seconds)} s"


def bytes_text(count: int | None) -> str:
    """In MB (2**20 bytes)."""
    return NOTHING if count is None else f"{count / 2**20:.0f} MB"


def times_text(factor: float | None) -> str:
    """3.41x."""
    return NOTHING if factor is None else f"{three_digits(factor)}x"


def number_text(number: float | None) -> str:
    """Three digits, or a dash."""
    return NOTHING if number is None else three_digits(number)


def three_digits(number: float) -> str:
    """4.56, 45.6, 456, 4567."""
    return f"{number:.2f}" if abs(number) < 9.995 else f"{number:.1f}" if abs(number) < 99.95 else f"{number:.0f}"
