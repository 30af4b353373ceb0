"""Measurements as one table, as JSON and, for clips, as a plot. Measures nothing itself."""

from __future__ import annotations

import json
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .length_trend import LengthTrend, length_trend, plot_lengths
from .measurements import Measurement, times_plain

_NOTHING = "-"
_HEADERS = ("suite", "case", "path", "wall time", "per frame", "fps", "real time", "peak memory", "against plain")
_GPU_HEADERS = ("device", "dtype", "batch", "path", "ms a frame", "fps", "to host: ms", "fps", "against plain", "peak memory", "PSNR dB")


@dataclass(frozen=True)
class Report:
    """A run of suites. `suite` as it was asked for; `machine` as in `machine_facts`; `settings` as they were; `took` in seconds."""

    suite: str
    machine: dict[str, Any]
    settings: dict[str, Any]
    measurements: tuple[Measurement, ...]
    took: float

    def table(self, *, markdown: bool = False) -> str:
        """One table; the columns of the gpu suite are others."""
        if all(row.suite == "gpu" for row in self.measurements):
            return format_table(_GPU_HEADERS, _gpu_rows(self.measurements), markdown=markdown)
        return format_table(_HEADERS, _rows(self.measurements), markdown=markdown)

    def remarks(self) -> list[str]:
        """Lines for below the table: the machine, the straight line through the clips, notes of the measured processes."""
        facts = self.machine
        lines = [
            f"{facts['cpu']}, {facts['cores']} cores, {facts['threads']} threads, {bytes_text(facts['ram_bytes'])}; {facts['os']}",
            f"Python {facts['python']}, torch {facts['torch']}; load {facts['load_average']} at the start; took {self.took:.0f} s",
        ]
        if (trend := self.trend()) is not None:
            lines += trend.sentences()
        for row in self.measurements:
            lines += [f"{row.suite}, {row.case}, {row.path}: {note}" for note in row.notes]
        return list(dict.fromkeys(lines))

    def trend(self) -> LengthTrend | None:
        """Of the fast clips; None with fewer than two lengths."""
        return length_trend([row for row in self.measurements if row.suite == "clip"])

    def as_json(self) -> dict[str, Any]:
        """Everything, in plain types."""
        trend = self.trend()
        return {
            "suite": self.suite,
            "machine": self.machine,
            "settings": self.settings,
            "took_seconds": round(self.took, 1),
            "measurements": [_as_json(row, self.measurements) for row in self.measurements],
            "clip_trend": None if trend is None else asdict(trend),
        }


def write_report(report: Report, folder: Path) -> list[Path]:
    """SUITE.json and, if clips were measured, clip_lengths.png, replacing older ones; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    written = [folder / f"{report.suite}.json"]
    written[0].write_text(json.dumps(report.as_json(), indent=1, allow_nan=False) + "\n", encoding="utf-8")
    clips = [row for row in report.measurements if row.suite == "clip"]
    if clips:
        written.append(plot_lengths(clips, report.trend(), folder / "clip_lengths.png"))
    return written


def _rows(measurements: Sequence[Measurement]) -> list[list[str]]:
    return [
        [
            row.suite,
            row.case,
            row.path,
            seconds_text(row.median),
            seconds_text(row.per_frame),
            number_text(row.fps),
            times_text(row.real_time_factor),
            bytes_text(row.peak_device_bytes or row.peak_bytes),
            times_text(times_plain(row, measurements)),
        ]
        for row in measurements
    ]


def _gpu_rows(measurements: Sequence[Measurement]) -> list[list[str]]:
    """Rows that did not run are left to the remarks."""
    plain = next((row.cost for row in measurements if row.path == "plain" and row.seconds), None)
    rows = []
    for row in (row for row in measurements if row.seconds):
        host = statistics.median(row.figures["host_seconds"]) / row.frames
        rows.append(
            [
                row.figures["device_name"],
                row.figures["dtype"],
                str(row.figures["batch"]),
                row.path,
                number_text(row.cost * 1000),
                number_text(row.fps),
                number_text(host * 1000),
                number_text(1 / host),
                times_text(None if plain is None else plain / row.cost),
                bytes_text(row.peak_device_bytes or row.peak_bytes),
                number_text(row.figures["psnr_db"]),
            ]
        )
    return rows


def _as_json(row: Measurement, others: Sequence[Measurement]) -> dict[str, Any]:
    found = asdict(row)
    if row.seconds:
        found |= {
            "median_seconds": row.median,
            "seconds_per_frame": row.per_frame,
            "fps": row.fps,
            "real_time_factor": row.real_time_factor,
            "times_plain": times_plain(row, others),
        }
    return found


def format_table(headers: Sequence[str], rows: Sequence[Sequence[str]], *, markdown: bool = False) -> str:
    """Columns as wide as their widest cell; those whose every cell begins with a digit, or is empty, stand to the right."""
    lines = [list(headers), *(list(row) for row in rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(headers))]
    right = [all(row[i][:1].isdecimal() or row[i] == _NOTHING for row in rows) for i in range(len(headers))]
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
        return _NOTHING
    return f"{three_digits(seconds * 1000)} ms" if seconds < 1 else f"{three_digits(seconds)} s"


def bytes_text(count: int | None) -> str:
    """In MB (2**20 bytes)."""
    return _NOTHING if count is None else f"{count / 2**20:.0f} MB"


def times_text(factor: float | None) -> str:
    """3.41x."""
    return _NOTHING if factor is None else f"{three_digits(factor)}x"


def number_text(number: float | None) -> str:
    """Three digits, or a dash."""
    return _NOTHING if number is None else three_digits(number)


def three_digits(number: float) -> str:
    """4.56, 45.6, 456, 4567."""
    return f"{number:.2f}" if abs(number) < 9.995 else f"{number:.1f}" if abs(number) < 99.95 else f"{number:.0f}"
