"""FLOATLambdaCurve: curves over time for directions of the model, as an edit that FLOAT Lambda Edit takes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..float_core import (
    AudioClip,
    FloatModel,
    LambdaCurve,
    MotionEdit,
    direction_name,
    edits_from_text,
    loudness_curve,
    plot_curves,
    waveform_peaks,
)
from ..float_core.motion_editing import scale_curves
from . import host_bridge, socket_types
from .comfy_api_v3 import io, schema
from .conversions import audio_to_clip, drawing_to_image
from .curve_sources import clip_length, given_values
from .lambda_settings import DIRECTIONS

PEAKS = 600  # of the waveform in the editor: more than its pixels
KEYFRAMES, VALUES, LOUDNESS = "keyframes", "values", "loudness"
FPS = 25.0  # where no motion and no model says it


class FLOATLambdaCurve(io.ComfyNode):
    """See the module. It takes lists as they come: another pack's floats may be one list, or many single numbers."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        """Its inputs and outputs."""
        return schema(
            node_id="FLOATLambdaCurve",
            display_name="FLOAT Lambda Curve",
            description="Moves directions of the model over time: by keyframes, by numbers of other nodes, or by the loudness of a sound.",
            search_aliases=["keyframes", "animation curve", "audio reactive"],
            is_input_list=True,
            inputs=[
                io.Combo.Input(
                    "source",
                    options=[KEYFRAMES, VALUES, LOUDNESS],
                    default=KEYFRAMES,
                    tooltip="keyframes: drawn in the node. values: numbers from other nodes. loudness: of the sound at audio.",
                ),
                io.String.Input(
                    "curves",
                    default="[]",
                    multiline=True,
                    tooltip='keyframes: the curves as text, [{"direction": 0, "curve": {"keyframes": [[0, 0], [1.5, 2, "smooth"]]}}]: '
                    "seconds, value, and how it goes on from there (linear, smooth, hold, bezier).",
                ),
                io.Int.Input(
                    "direction", default=0, min=0, max=DIRECTIONS - 1, step=1, tooltip="values, loudness: the direction that is moved."
                ),
                io.Float.Input(
                    "amount", default=1.0, min=-10.0, max=10.0, step=0.05, round=0.001, tooltip="Every value of the curves times this."
                ),
                io.Float.Input(
                    "attack", default=0.02, min=0.0, max=5.0, step=0.01, round=0.001, tooltip="loudness: seconds in which it rises."
                ),
                io.Float.Input(
                    "release", default=0.15, min=0.0, max=5.0, step=0.01, round=0.001, tooltip="loudness: seconds in which it falls."
                ),
                io.Float.Input(
                    "values",
                    default=0.0,
                    min=-1000.0,
                    max=1000.0,
                    step=0.01,
                    force_input=True,
                    optional=True,
                    tooltip="values: a list of numbers, however many: they are spread over the clip. One number holds all the time.",
                ),
                io.Audio.Input("audio", optional=True, tooltip="loudness: the sound. Also drawn behind the curves, and gives the length."),
                socket_types.Motion.Input("motion", optional=True, tooltip="The motion to be edited: gives the length and frame rate."),
                socket_types.Edit.Input("edits", optional=True, tooltip="Edits of another node, which come before these."),
                socket_types.Model.Input("model", optional=True, tooltip="Gives the names of the directions."),
            ],
            outputs=[
                socket_types.Edit.Output(display_name="edits", tooltip="For the input edits of FLOAT Lambda Edit."),
                io.Image.Output(display_name="plot", tooltip="The curves as an image."),
            ],
        )

    @classmethod
    def execute(
        cls, source: list[str], curves: list[str], direction: list[int], amount: list[float], values: Sequence[Any] = (), **given: list[Any]
    ) -> io.NodeOutput:
        """Makes them."""
        audio, motion, edits, model = (given.get(name, [None])[0] for name in ("audio", "motion", "edits", "model"))
        clip = audio_to_clip(audio) if audio is not None or source[0] == LOUDNESS else None
        core = model.core if model is not None else None
        fps = motion.fps if motion is not None else core.config.fps if core is not None else FPS
        if source[0] == KEYFRAMES:
            own = edits_from_text(curves[0])
        elif source[0] == VALUES:
            own = _along(direction[0], given_values(values))
        else:
            own = _along(direction[0], loudness_curve(audio_to_clip(audio), fps, attack=given["attack"][0], release=given["release"][0]))
        edited = (*(edits or ()), *scale_curves(own, amount[0]))
        frames = clip_length(edited, fps, motion, clip)
        plot = drawing_to_image(plot_curves(edited, frames, fps)).to(host_bridge.result_device())
        return io.NodeOutput(edited, plot, ui={"float_curve": [_shown(core, clip, frames, fps)]})


def _along(direction: int, curve: LambdaCurve) -> tuple[MotionEdit, ...]:
    return (MotionEdit(direction, curve=curve),)


def _shown(model: FloatModel | None, clip: AudioClip | None, frames: int, fps: float) -> dict[str, Any]:
    """What the editor in the browser draws: the length, the sound's waveform, the names of the directions."""
    count = DIRECTIONS if model is None else model.basis.shape[1]
    names = [direction_name(model.calibration if model is not None else None, k) for k in range(count)]
    duration = frames / fps
    peaks = waveform_peaks(clip, duration, PEAKS) if clip is not None else []
    return {"duration": duration, "fps": fps, "waveform": peaks, "names": names}
