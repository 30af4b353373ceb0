"""FLOAT: a portrait and a voice become a talking video. These are the public functions, types and errors.

The types and errors are imported at once (they need torch only); the functions on first use, so that `import float_core` stays cheap
and pulls in no optional library. How anything is done is in the rooms below, not here.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from .config import (
    EMOTIONS,
    PRESETS,
    AutoencoderConfig,
    CompactAudioConfig,
    EmotionConfig,
    ModelConfig,
    TransformerConfig,
    Wav2Vec2AudioConfig,
)
from .errors import AudioError, CheckpointError, FaceNotFoundError, FloatError, OptionError, PictureError, VideoError
from .types import (
    AudioClip,
    AudioFeatures,
    Calibration,
    CropTransform,
    DirectionCalibration,
    DirectionLabel,
    EmotionCondition,
    FaceCrop,
    FloatModel,
    FrameChunk,
    Keyframe,
    LambdaCurve,
    MotionEdit,
    MotionSequence,
    Provenance,
    SamplingOptions,
    SourceIdentity,
)

if TYPE_CHECKING:
    from .audio import choose_emotion
    from .checkpoints import basis_fingerprint, calibration_path, load_model, read_calibration, same_basis, save_calibration, save_model
    from .face import prepare_picture
    from .pipeline import (
        animate,
        direction_group,
        direction_name,
        directions_of,
        edit_motion,
        edits_from_text,
        edits_to_text,
        encode_audio,
        encode_identity,
        evaluate_curve,
        exact_rate,
        frames_for,
        join_motions,
        loop_motion,
        loudness_curve,
        predict_emotion,
        render_frames,
        resample_motion,
        sample_motion,
        stretch_motion,
        trim_motion,
    )
    from .video import read_audio, read_picture, write_video

__version__ = "0.1.0"

_FUNCTIONS = {  # name -> the room that holds it
    "animate": "pipeline",
    "basis_fingerprint": "checkpoints",
    "calibration_path": "checkpoints",
    "choose_emotion": "audio",
    "direction_group": "pipeline",
    "direction_name": "pipeline",
    "directions_of": "pipeline",
    "edit_motion": "pipeline",
    "edits_from_text": "pipeline",
    "edits_to_text": "pipeline",
    "encode_audio": "pipeline",
    "encode_identity": "pipeline",
    "evaluate_curve": "pipeline",
    "exact_rate": "pipeline",
    "frames_for": "pipeline",
    "join_motions": "pipeline",
    "load_model": "checkpoints",
    "loop_motion": "pipeline",
    "loudness_curve": "pipeline",
    "predict_emotion": "pipeline",
    "prepare_picture": "face",
    "read_audio": "video",
    "read_calibration": "checkpoints",
    "read_picture": "video",
    "render_frames": "pipeline",
    "resample_motion": "pipeline",
    "same_basis": "checkpoints",
    "sample_motion": "pipeline",
    "save_calibration": "checkpoints",
    "save_model": "checkpoints",
    "stretch_motion": "pipeline",
    "trim_motion": "pipeline",
    "write_video": "video",
}

__all__ = [
    "EMOTIONS",
    "PRESETS",
    "AudioClip",
    "AudioError",
    "AudioFeatures",
    "AutoencoderConfig",
    "Calibration",
    "CheckpointError",
    "CompactAudioConfig",
    "CropTransform",
    "DirectionCalibration",
    "DirectionLabel",
    "EmotionCondition",
    "EmotionConfig",
    "FaceCrop",
    "FaceNotFoundError",
    "FloatError",
    "FloatModel",
    "FrameChunk",
    "Keyframe",
    "LambdaCurve",
    "ModelConfig",
    "MotionEdit",
    "MotionSequence",
    "OptionError",
    "PictureError",
    "Provenance",
    "SamplingOptions",
    "SourceIdentity",
    "TransformerConfig",
    "VideoError",
    "Wav2Vec2AudioConfig",
    "animate",
    "basis_fingerprint",
    "calibration_path",
    "choose_emotion",
    "direction_group",
    "direction_name",
    "directions_of",
    "edit_motion",
    "edits_from_text",
    "edits_to_text",
    "encode_audio",
    "encode_identity",
    "evaluate_curve",
    "exact_rate",
    "frames_for",
    "join_motions",
    "load_model",
    "loop_motion",
    "loudness_curve",
    "predict_emotion",
    "prepare_picture",
    "read_audio",
    "read_calibration",
    "read_picture",
    "render_frames",
    "resample_motion",
    "same_basis",
    "sample_motion",
    "save_calibration",
    "save_model",
    "stretch_motion",
    "trim_motion",
    "write_video",
]


def __getattr__(name: str) -> Any:
    """A public function, imported from its room on first use."""
    if name not in _FUNCTIONS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    function = getattr(import_module(f".{_FUNCTIONS[name]}", __name__), name)
    globals()[name] = function
    return function


def __dir__() -> list[str]:
    return sorted(set(globals()) | set(__all__))
