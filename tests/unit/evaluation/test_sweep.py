"""A setting at several values: every value samples anew, and the rows become JSON and a plot."""

from __future__ import annotations

import numpy as np
import pytest

from float_core.errors import OptionError
from float_core.evaluation.confidence import estimate
from float_core.evaluation.evaluate_clips import SpeechResult, evaluate_clips
from float_core.evaluation.report import to_json, to_markdown
from float_core.evaluation.speech_runs import Case, RunSettings
from float_core.evaluation.spoken_clip import FaceTracks, SpokenClip
from float_core.evaluation.sweep import Sweep, plot_sweep, sweep_rows
from float_core.types import SamplingOptions
from tests.unit.cli.test_motion_options import tiny_model


def colors(frames: np.ndarray) -> FaceTracks:
    return FaceTracks.of_rows([np.repeat(frame.mean((0, 1)), 2) for frame in frames])


class Counted:
    """A measure by a network that looks at the first frames' brightness."""

    names = ("FID",)

    def __init__(self) -> None:
        self.found: list[float] = []

    def add(self, made, true, voice) -> None:
        assert made.shape == true.shape == (15, 16, 16, 3) and len(voice) == 15 * 640
        self.found.append(float(made.mean()))

    def result(self) -> dict[str, float]:
        return {"FID": float(np.mean(self.found))}


def test_every_value_is_a_row_of_its_own():
    random = np.random.default_rng(0)
    sweep = Sweep("audio_guidance", (0, 1.5, 9))
    settings = RunSettings(SamplingOptions(steps=2), codec=None, seeds=0, variants=sweep.variants(SamplingOptions(steps=2)))
    clips = [
        SpokenClip(name, name, "", random.integers(0, 255, (15, 16, 16, 3), np.uint8), random.standard_normal(9600).astype(np.float32), ())
        for name in "ab"
    ]
    cases = [Case(clip, random.standard_normal(5000).astype(np.float32)) for clip in clips]
    cases.append(Case(clips[0], cases[0].wrong_voice, random.integers(0, 255, (24, 24, 3), np.uint8)))
    result = evaluate_clips(tiny_model(), cases, colors, settings, metrics=[Counted])
    names = ["real video", "model", "audio_guidance = 0", "audio_guidance = 1.5", "audio_guidance = 9", "wrong voice"]
    assert list(result.rows) == list(result.pooled) == names
    assert len({result.pooled[name]["FID"] for name in names}) == 6
    assert [row["audio_guidance"] for row in sweep_rows(sweep, result)] == [0, 1.5, 9]
    assert result.rows["real video"]["lip r"].mean == 1 and result.rows["real video"]["lip r"].clips == 3
    assert result.rows["model"]["PSNR (dB)"].clips == 2  # not where another person was driven
    (line,) = [line for line in to_markdown(result).splitlines() if line.startswith("| model |")]
    assert line.count("no weights") == 6 and "FID" not in to_json(result)["no weights"]
    assert "diversity over seeds" not in result.rows["model"] and result.rows["model"]["seam ratio"].clips == 3


def test_a_plot_shows_the_measures_that_there_are():
    sweep = Sweep("steps", (2, 5, 10))
    rows = {sweep.row(value): {"lip r": estimate([0.1 * value, 0.2]), "seam ratio": estimate([1.0, 2.0])} for value in sweep.values}
    rows["real video"] = {"lip r": estimate([1.0, 1.0])}
    pooled = {row: {"FVD": 100.0} for row in rows}
    small = plot_sweep(sweep, SpeechResult((), rows, {row: {} for row in rows}))
    whole = plot_sweep(sweep, SpeechResult((), rows, pooled))
    assert small.size == whole.size == (1260, 280)
    dark = [np.asarray(image.convert("L"))[:, 950:].min() for image in (small, whole)]
    assert dark[0] == 255 and dark[1] < 100  # three panels, or two
    assert sweep_rows(sweep, SpeechResult((), rows, pooled))[1] == {"steps": 5, "lip r": pytest.approx(0.35), "seam ratio": 1.5, "FVD": 100}


def test_what_cannot_be_swept():
    with pytest.raises(OptionError, match="expected one of steps"):
        Sweep("seed", (1, 2))
    with pytest.raises(OptionError, match="two values or more"):
        Sweep("steps", (1, 1))
    with pytest.raises(OptionError, match="steps"):
        Sweep("steps", (1.5, 2)).variants(SamplingOptions())
