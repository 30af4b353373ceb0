"""Changes of a motion along the model's directions: LambdaEdit by sliders, FLOATLambdaCurve by curves over time, which LambdaEdit takes."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from ..float_core import (
    EDIT_PRESETS,
    AudioClip,
    Calibration,
    FloatModel,
    MotionEdit,
    MotionSequence,
    SourceIdentity,
    direction_name,
    edit_motion,
    edits_from_text,
    loudness_curve,
    plot_curves,
    waveform_peaks,
)
from ..float_core.calibration import calibration_of
from ..float_core.motion_editing import scale_curves
from . import host_bridge, live_preview, socket_types
from .comfy_api_v3 import FloatNode, io
from .conversions import audio_to_clip, drawing_to_image
from .managed_model import ManagedModel
from .widget_values import DIRECTIONS, NO_PRESET, RANGES, LambdaSettings, curve_of_values, plot_frames

PEAKS = 600  # of the waveform in the editor: more than its pixels
KEYFRAMES, VALUES, LOUDNESS = "keyframes", "values", "loudness"
FPS = 25.0  # where no motion and no model says it


def _number(name: str, step: float, tooltip: str, *, slider: bool = False, optional: bool = True, **more: Any) -> io.Float.Input:
    """Optional, as everything that came after the first release: prompts saved before it do not have it."""
    default, low, high = RANGES[name]
    mode = io.NumberDisplay.slider if slider else io.NumberDisplay.number
    limits = {"default": default, "min": low, "max": high, "step": step, "round": 0.001}
    return io.Float.Input(name, **limits, display_mode=mode, tooltip=tooltip, optional=optional, **more)


@cache  # a schema is asked for often
def _bundled_calibration() -> Calibration | None:
    return calibration_of("mini")


def _slider(direction: int) -> io.Float.Input:
    named = direction_name(_bundled_calibration(), direction)
    tip = f"Added to coefficient {direction} from start to end. 0 changes nothing. In the bundled model: {named}. In other models, try it."
    return _number(f"lambda_{direction:02d}", 0.05, tip, slider=True, optional=False, display_name=f"λ{direction}")


class LambdaEdit(FloatNode):
    """Changes a motion along the directions of the model: a turned head, a smile, less movement."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return cls.schema(
            "FLOAT Lambda Edit",
            search_aliases=["expression editor", "edit motion", "head pose", "still head"],
            inputs=[
                socket_types.Model.Input("model", tooltip="From Load FLOAT Model, which has the directions."),
                socket_types.Motion.Input("motion", tooltip="From FLOAT Sample Motion, or from another FLOAT Lambda Edit."),
                *(_slider(direction) for direction in range(DIRECTIONS)),
                io.String.Input(
                    "edit",
                    display_name="edit as text",
                    optional=True,
                    default="",
                    multiline=True,
                    tooltip="More edits, as text: gain, freeze, limits, time ranges, for any direction. The panel in the node writes it.",
                ),
                io.Combo.Input(
                    "preset",
                    optional=True,
                    options=[NO_PRESET, *EDIT_PRESETS],
                    default=NO_PRESET,
                    tooltip="A ready edit, as far as the model's calibration allows. The node says how far that is. Sliders come on top.",
                ),
                _number("preset_strength", 0.05, "How much of the preset is used: 0 = nothing, 1 = all of it.", slider=True),
                _number("start", 0.04, "When the sliders begin to act, in seconds."),
                _number("end", 0.04, "When the sliders stop acting, in seconds. 0 = at the end of the motion."),
                _number("ease", 0.04, "Seconds in which the sliders fade in after start, and out before end."),
                _number("outside_scale", 0.05, "Scales the motion that no direction describes: 1 = unchanged, 0 = removed."),
                socket_types.Edit.Input("edits", optional=True, tooltip="Edits over time, from FLOAT Lambda Curve. They are applied last."),
                socket_types.Identity.Input(
                    "identity",
                    optional=True,
                    tooltip="Whose face the live preview shows. Usually known: needed only for a motion that two faces share.",
                ),
            ],
            outputs=[socket_types.Motion.Output(display_name="motion", tooltip="The edited motion.")],
            hidden=[io.Hidden.unique_id],
            not_idempotent=True,  # a copy of the node, or the node inside a subgraph, has to run too: the live preview is the node's own
        )

    @classmethod
    def execute(
        cls,
        model: ManagedModel,
        motion: MotionSequence,
        edits: tuple[MotionEdit, ...] | None = None,
        identity: SourceIdentity | None = None,
        **widgets: Any,
    ) -> io.NodeOutput:
        settings = LambdaSettings.of(widgets, model.core.calibration)
        curves = tuple(edits or ())
        edited = edit_motion(model.core, motion, (*settings.edits, *curves), outside_scale=settings.outside_scale)
        live_preview.remember_run(str(cls.hidden.unique_id), model, motion, identity, curves)
        # how far the preset reaches goes to the panel, and into the history of a run without a page
        return io.NodeOutput(edited, ui={"float_edit": [settings.note]})


class FLOATLambdaCurve(FloatNode):
    """Moves directions of the model over time: by keyframes, by numbers from other nodes, or by the loudness of audio."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return cls.schema(
            "FLOAT Lambda Curve",
            search_aliases=["keyframes", "animation curve", "audio reactive"],
            is_input_list=True,  # another pack's floats may be one list, or many single numbers
            inputs=[
                io.Combo.Input(
                    "source",
                    options=[KEYFRAMES, VALUES, LOUDNESS],
                    default=KEYFRAMES,
                    tooltip="keyframes: drawn in the node. values: numbers from other nodes. loudness: how loud the audio is.",
                ),
                io.String.Input(
                    "curves",
                    default="[]",
                    multiline=True,
                    tooltip='With keyframes: the curves as text, [{"direction": 0, "curve": {"keyframes": [[0, 0], [1.5, 2, "smooth"]]}}]: '
                    "seconds, value, and how the curve goes on from there (linear, smooth, hold, bezier).",
                ),
                io.Int.Input(
                    "direction",
                    default=0,
                    min=0,
                    max=DIRECTIONS - 1,
                    step=1,
                    tooltip="With values and loudness: the direction that is moved.",
                ),
                io.Float.Input(
                    "amount", default=1.0, min=-10.0, max=10.0, step=0.05, round=0.001, tooltip="Multiplies every value of the curves."
                ),
                io.Float.Input(
                    "attack", default=0.02, min=0.0, max=5.0, step=0.01, round=0.001, tooltip="With loudness: seconds in which it rises."
                ),
                io.Float.Input(
                    "release", default=0.15, min=0.0, max=5.0, step=0.01, round=0.001, tooltip="With loudness: seconds in which it falls."
                ),
                io.Float.Input(
                    "values",
                    default=0.0,
                    min=-1000.0,
                    max=1000.0,
                    step=0.01,
                    force_input=True,
                    optional=True,
                    tooltip="With values: any number of values, spread evenly over the motion. A single number holds all the time.",
                ),
                io.Audio.Input(
                    "audio",
                    optional=True,
                    tooltip="With loudness: the audio. Otherwise it is drawn behind the curves, and sets the length without a motion.",
                ),
                socket_types.Motion.Input("motion", optional=True, tooltip="The motion to edit. It sets the length and the frame rate."),
                socket_types.Edit.Input("edits", optional=True, tooltip="Edits from another node. They are applied before these."),
                socket_types.Model.Input("model", optional=True, tooltip="Has the names of the directions."),
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
        audio, motion, edits, model = (given.get(name, [None])[0] for name in ("audio", "motion", "edits", "model"))
        clip = audio_to_clip(audio) if audio is not None or source[0] == LOUDNESS else None
        core = model.core if model is not None else None
        fps = motion.fps if motion is not None else core.config.fps if core is not None else FPS
        if source[0] == KEYFRAMES:
            own = edits_from_text(curves[0])
        elif source[0] == VALUES:
            own = (MotionEdit(direction[0], curve=curve_of_values(values)),)
        else:
            loudness = loudness_curve(audio_to_clip(audio), fps, attack=given["attack"][0], release=given["release"][0])
            own = (MotionEdit(direction[0], curve=loudness),)
        edited = (*(edits or ()), *scale_curves(own, amount[0]))
        frames = plot_frames(edited, fps, motion, clip)
        plot = drawing_to_image(plot_curves(edited, frames, fps)).to(host_bridge.result_device())
        return io.NodeOutput(edited, plot, ui={"float_curve": [_for_the_editor(core, clip, frames, fps)]})


def _for_the_editor(model: FloatModel | None, clip: AudioClip | None, frames: int, fps: float) -> dict[str, Any]:
    """What the editor in the browser draws: the length, the audio's waveform, the names of the directions."""
    count = DIRECTIONS if model is None else model.basis.shape[1]
    names = [direction_name(model.calibration if model is not None else None, k) for k in range(count)]
    duration = frames / fps
    peaks = waveform_peaks(clip, duration, PEAKS) if clip is not None else []
    return {"duration": duration, "fps": fps, "waveform": peaks, "names": names}
