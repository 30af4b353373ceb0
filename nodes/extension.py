"""The pack's entry point: which nodes there are, and what ComfyUI is told when it starts."""

from __future__ import annotations

from pathlib import Path

from . import host_bridge, live_routes
from .comfy_api_v3 import ComfyExtension, io
from .crop_face import FLOATCropFace
from .edit_motion import LambdaEdit
from .encode_audio import AudioFeatures
from .encode_source import EncodeSourceIdentity
from .load_model import LoadFLOAT
from .render_frames import DecodeVideo
from .sample_motion import SampleMotionLatents
from .speech_emotion import Speech2Emotion

_ASSETS = Path(__file__).resolve().parent.parent / "assets"
SAMPLES = {"float_portrait.jpg": _ASSETS / "portrait.jpg", "float_voice.wav": _ASSETS / "voice.wav"}  # the template Talk names these


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
            SampleMotionLatents,
            LambdaEdit,
            DecodeVideo,
        ]


async def comfy_entrypoint() -> FloatPortraitExtension:
    """Called once by ComfyUI. Registers the model folder, and puts the sample portrait and voice where the template Talk can load them, and
    adds the routes of the live picture; here and not in `on_load`, which ComfyUI 0.8.0 does not call."""
    host_bridge.register_model_folder()
    host_bridge.offer_samples(SAMPLES)
    live_routes.register()
    return FloatPortraitExtension()
