"""The pack's entry point: which nodes there are, and what ComfyUI is told when it starts."""

from __future__ import annotations

from pathlib import Path

from . import host_bridge, live_routes
from .comfy_api_v3 import ComfyExtension, io
from .crop_face import FLOATCropFace
from .cut_motion import FLOATJoinMotion, FLOATLoopMotion, FLOATResampleMotion, FLOATStretchMotion, FLOATTrimMotion
from .edit_motion import LambdaEdit
from .emotion_mix import FLOATEmotionMix, FLOATEmotionTimeline
from .encode_audio import AudioFeatures
from .encode_source import EncodeSourceIdentity
from .lambda_curve import FLOATLambdaCurve
from .load_model import LoadFLOAT
from .mix_motion import FLOATMirrorMotion, FLOATMixMotion, FLOATRetargetMotion, FLOATTakeDirections
from .motion_files import FLOATLoadMotion, FLOATSaveMotion
from .render_frames import DecodeVideo
from .sample_motion import SampleMotionLatents
from .show_motion import FLOATBasisSheet, FLOATMotionPlot
from .smooth_motion import FLOATSmoothMotion
from .speech_emotion import Speech2Emotion

_ASSETS = Path(__file__).resolve().parent.parent / "assets"
SAMPLES = {  # the templates name these
    "float_portrait.jpg": _ASSETS / "portrait.jpg",
    "float_drawn_face.jpg": _ASSETS / "drawn_face.jpg",
    "float_voice.wav": _ASSETS / "voice.wav",
}


class FloatPortraitExtension(ComfyExtension):
    """This pack."""

    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        """All nodes."""
        return [
            LoadFLOAT,
            FLOATCropFace,
            EncodeSourceIdentity,
            AudioFeatures,
            Speech2Emotion,
            FLOATEmotionMix,
            FLOATEmotionTimeline,
            SampleMotionLatents,
            LambdaEdit,
            FLOATLambdaCurve,
            FLOATBasisSheet,
            FLOATMotionPlot,
            FLOATSaveMotion,
            FLOATLoadMotion,
            FLOATRetargetMotion,
            FLOATTrimMotion,
            FLOATJoinMotion,
            FLOATLoopMotion,
            FLOATStretchMotion,
            FLOATResampleMotion,
            FLOATMixMotion,
            FLOATTakeDirections,
            FLOATMirrorMotion,
            FLOATSmoothMotion,
            DecodeVideo,
        ]


async def comfy_entrypoint() -> FloatPortraitExtension:
    """Called once by ComfyUI. Registers the model folder, puts the samples where the templates can load them, and adds the routes of the
    live preview; here and not in `on_load`, which ComfyUI 0.8.0 does not call."""
    host_bridge.register_model_folder()
    host_bridge.offer_samples(SAMPLES)
    live_routes.register()
    return FloatPortraitExtension()
