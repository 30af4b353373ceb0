"""LambdaEdit's widget values as edits: the same for a run and for the live preview. Knows the widgets' names, no ComfyUI and no network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..float_core import EDIT_PRESETS, Calibration, MotionEdit, OptionError, edits_from_text, preset_edits

DIRECTIONS = 20  # of the released model and of the bundled one; the ids of the sliders are permanent
LIMIT = 10.0  # of a slider, in coefficient units
NO_PRESET = "none"
LONGEST_TEXT, MOST_EDITS = 1_000_000, 1000  # characters, and edits in them: what comes over the route must not keep the server busy
RANGES: dict[str, tuple[float, float, float]] = {  # name: default, lowest, highest
    **{f"lambda_{k:02d}": (0.0, -LIMIT, LIMIT) for k in range(DIRECTIONS)},
    "preset_strength": (1.0, 0.0, 1.0),
    "start": (0.0, 0.0, 36000.0),
    "end": (0.0, 0.0, 36000.0),
    "ease": (0.2, 0.0, 60.0),
    "outside_scale": (1.0, 0.0, 2.0),
}
TEXTS: dict[str, str] = {"edit": "", "preset": NO_PRESET}


@dataclass(frozen=True)
class LambdaSettings:
    """`edits` in the order in which they apply: preset, text, sliders. `note` says how far the preset reaches, or is ''."""

    edits: tuple[MotionEdit, ...]
    outside_scale: float
    note: str

    @classmethod
    def of(cls, values: Mapping[str, Any], calibration: Calibration | None) -> LambdaSettings:
        """From widget values by name; those that are left out have their defaults. Raises OptionError, naming the widget."""
        if unknown := sorted(set(values) - set(RANGES) - set(TEXTS)):
            expected = f"lambda_00 to lambda_19, {', '.join([*list(RANGES)[DIRECTIONS:], *TEXTS])}"
            raise OptionError(f"{', '.join(map(repr, unknown))[:200]}: no such widget; expected {expected}")
        numbers = {name: _number(name, values.get(name, default), low, high) for name, (default, low, high) in RANGES.items()}
        texts = {name: _text(name, values.get(name, default)) for name, default in TEXTS.items()}
        chosen, note = _preset(texts["preset"], calibration, numbers["preset_strength"])
        written = edits_from_text(texts["edit"])
        if len(written) > MOST_EDITS:
            raise OptionError(f"edit has {len(written)} edits; expected at most {MOST_EDITS}: curves say more with less")
        return cls((*chosen, *written, *_sliders(numbers)), numbers["outside_scale"], note)


def _sliders(numbers: Mapping[str, float]) -> list[MotionEdit]:
    start, end, ease = numbers["start"], numbers["end"] or None, numbers["ease"]  # 0 = to the end: a widget cannot be empty
    offsets = [numbers[f"lambda_{k:02d}"] for k in range(DIRECTIONS)]
    return [MotionEdit(k, offset, start=start, end=end, ease=ease) for k, offset in enumerate(offsets) if offset]


def _preset(name: str, calibration: Calibration | None, strength: float) -> tuple[tuple[MotionEdit, ...], str]:
    if name == NO_PRESET:
        return (), ""
    if name not in EDIT_PRESETS:
        raise OptionError(f"preset is {name[:100]!r}; expected {NO_PRESET}, {', '.join(EDIT_PRESETS)}")
    return preset_edits(name, calibration, strength)


def _number(name: str, value: object, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
        raise OptionError(f"{name} is {str(value)[:100]!r}; expected a number from {low:g} to {high:g}")
    return float(value)


def _text(name: str, value: object) -> str:
    if not isinstance(value, str) or len(value) > LONGEST_TEXT:
        found = f"{len(value)} characters long" if isinstance(value, str) else type(value).__name__
        raise OptionError(f"{name} is {found}; expected a text of up to {LONGEST_TEXT} characters")
    return value
