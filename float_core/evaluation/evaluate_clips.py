"""A model measured on real clips: all of them run, their measures gathered, with intervals over clips."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from ..progress import ProgressCallback, silent
from ..types import FloatModel
from .confidence import Estimate, estimate
from .network_metric import NetworkMetric
from .speech_runs import MODEL, TRUTH, WRONG, Case, RunSettings, run_case
from .spoken_clip import FPS, Tracker
from .track_distances import TrackDistances

ROWS = (TRUTH, MODEL, WRONG)


@dataclass(frozen=True)
class ClipResult:
    """One clip. `rows`: name of the row -> measure -> number, nan where there is none."""

    name: str
    speaker: str
    seconds: float
    rows: dict[str, dict[str, float]]


@dataclass(frozen=True)
class SpeechResult:
    """All clips. `rows` as in `ClipResult`, with intervals over clips; `pooled`: of measures that are taken over all clips at once."""

    clips: tuple[ClipResult, ...]
    rows: dict[str, dict[str, Estimate]]
    pooled: dict[str, dict[str, float]]


def evaluate_clips(
    model: FloatModel,
    cases: Iterable[Case],
    track: Tracker,
    settings: RunSettings = RunSettings(),  # noqa: B008 (frozen)
    *,
    metrics: Sequence[Callable[[], NetworkMetric]] = (),
    count: int = 0,
    on_progress: ProgressCallback = silent,
) -> SpeechResult:
    """Runs every case once; a case and its frames are held no longer than that. `metrics`: makers of measures that need weights, one for
    each row; `count`: how many cases there are, for the progress (stage "clips")."""
    clips: list[ClipResult] = []
    distances: dict[str, TrackDistances] = {}
    networks: dict[str, list[NetworkMetric]] = {}
    for case in cases:
        runs, true, tracks = run_case(model, case, track, settings)
        for name, run in runs.items():
            distances.setdefault(name, TrackDistances()).add(run.tracks, tracks.first(len(run.frames)))
            for metric in networks.setdefault(name, [make() for make in metrics]):
                metric.add(run.frames, true[: len(run.frames)], run.voice)
        rows = {name: run.measures for name, run in runs.items()}
        clips.append(ClipResult(case.clip.name, case.clip.speaker, len(true) / FPS, rows))
        on_progress("clips", len(clips), count)
    pooled = {name: found.result() for name, found in distances.items()}
    for name, made in networks.items():
        for metric in made:
            pooled[name] |= metric.result()
    return SpeechResult(tuple(clips), _estimates(clips), pooled)


def _estimates(clips: Sequence[ClipResult]) -> dict[str, dict[str, Estimate]]:
    found: dict[str, dict[str, list[float]]] = {}
    for clip in clips:
        for row, measures in clip.rows.items():
            for name, value in measures.items():
                found.setdefault(row, {}).setdefault(name, []).append(value)
    return {row: {name: estimate(values) for name, values in measures.items()} for row, measures in found.items()}
