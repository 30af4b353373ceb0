"""The result as JSON and as Markdown tables, the first laid out like the paper's, with the paper's own rows above."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

from .confidence import Estimate
from .evaluate_clips import ROWS, SpeechResult

_PAPER = Path(__file__).with_name("paper_table.json")
_NO_WEIGHTS = "no weights"
_GIVE = {  # what a column needs
    "FID": "the package pytorch-fid",
    "FVD": "the package cd-fvd",
    "CSIM": "the package facenet-pytorch",
    "E-FID": "expressions of a 3D face model, as the features of a `FrameDistance`",
    "P-FID": "poses of a 3D face model, as the features of a `FrameDistance`",
    "LSE-D": "the packages syncnet-python and python-speech-features, and the file syncnet_v2.model",
    "LSE-C": "the same",
}
_NOTE = "Rows of the paper: {source}. They are of other videos, crops, codecs and weights than ours: not comparable across tables."


def paper_table() -> dict[str, Any]:
    """The paper's figures: `columns`, `rows` (name -> column -> HDTF and RAVDESS), ablations of `steps` and `guidance`."""
    return json.loads(_PAPER.read_text(encoding="utf-8"))


def to_json(result: SpeechResult) -> dict[str, Any]:
    """All figures; null where there is no number."""
    rows = {
        row: {name: {key: _number(value) for key, value in vars(found).items()} for name, found in measures.items()}
        for row, measures in result.rows.items()
    }
    pooled = {row: {name: _number(value) for name, value in measures.items()} for row, measures in result.pooled.items()}
    columns = paper_table()["columns"]
    missing = {column: _GIVE[column] for column in columns if not any(column in measures for measures in pooled.values())}
    clips = [
        {
            **{key: value for key, value in vars(clip).items() if key != "rows"},
            "rows": {row: {name: _number(value) for name, value in measures.items()} for row, measures in clip.rows.items()},
        }
        for clip in result.clips
    ]
    return {"measures": rows, "over all clips": pooled, "no weights": missing, "paper": paper_table(), "clips": clips}


def to_markdown(result: SpeechResult) -> str:
    """Two tables: networks' measures with the paper's rows, and all other measures with 95 % intervals over clips."""
    return f"{_paper_like(result)}\n\n{_own(result)}\n"


def _paper_like(result: SpeechResult) -> str:
    paper = paper_table()
    columns = paper["columns"]
    lines = [_line("", *columns), _line("---", *("---" for _ in columns))]
    lines += [_line(f"{name} (paper)", *("/".join(pair) for pair in pairs)) for name, pairs in paper["rows"].items()]
    for row, found in result.pooled.items():
        lines.append(_line(row, *(_short(found[column]) if column in found else _NO_WEIGHTS for column in columns)))
    missing = [column for column in columns if not any(column in found for found in result.pooled.values())]
    notes = [_NOTE.format(source=paper["source"])]
    if missing:
        notes.append("No weights were given for: " + "; ".join(f"{column} ({_GIVE[column]})" for column in missing) + ".")
    return "\n".join([*lines, "", *notes])


def _own(result: SpeechResult) -> str:
    """One line a measure, one column a row of the result."""
    rows = [*ROWS, *(row for row in result.rows if row not in ROWS)]
    names = dict.fromkeys(name for row in (ROWS[1], *rows) for name in result.rows[row])
    seconds = sum(clip.seconds for clip in result.clips)
    people = len({clip.speaker for clip in result.clips})
    lines = [f"{len(result.clips)} clips of {people} speakers, {seconds:.0f} s; mean and 95 % interval over clips", ""]
    lines += [_line("", *rows), _line("---", *("---" for _ in rows))]
    lines += [_line(name, *(_cell(result.rows[row].get(name)) for row in rows)) for name in names]
    columns = paper_table()["columns"]
    pooled = dict.fromkeys(name for found in result.pooled.values() for name in found if name not in columns)
    lines += [_line(name, *(_short(result.pooled[row][name]) for row in rows)) for name in pooled]
    return "\n".join(lines)


def _cell(found: Estimate | None) -> str:
    if found is None or not math.isfinite(found.mean):
        return "–"
    return _short(found.mean) + (f" [{_short(found.low)}, {_short(found.high)}]" if math.isfinite(found.low) else "")


def _short(value: float) -> str:
    if not math.isfinite(value):
        return "–"
    return f"{value:.1f}" if abs(value) >= 100 else f"{value:.2f}" if abs(value) >= 10 else f"{value:.3f}"


def _line(*cells: str) -> str:
    return "| " + " | ".join(cells) + " |"


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
