"""FLOAT turns a portrait and a voice into a talking video. This file holds the public functions, types and errors.

The rooms below implement them. Two namespaces offer more than is listed here: `float_core.motion`, everything that can be done with a
motion, and `float_core.calibration`, what the directions of a basis do.
"""

from . import calibration as calibration
from . import motion_editing as motion
from .audio.emotion_timeline import EmotionKeyframe, emotion_keyframes_from_text, emotion_timeline
from .audio.speech_emotion import choose_emotion
from .audio.waveform import waveform_peaks
from .checkpoints.build_model import load_model, model_files
from .checkpoints.download import DOWNLOADS, download
from .checkpoints.save_weights import convert_model, save_model
from .config import (
    EMOTIONS,
    PRESETS,
    AutoencoderConfig,
    CompactAudioConfig,
    CompactEmotionConfig,
    EmotionConfig,
    ModelConfig,
    TransformerConfig,
    Wav2Vec2AudioConfig,
)
from .config import VERSION as __version__  # noqa: N811 (the name that Python expects)
from .errors import (
    AudioError,
    CalibrationError,
    CheckpointError,
    CompileWarning,
    FaceNotFoundError,
    FloatError,
    ImageError,
    OptionError,
    VideoError,
)
from .face.crop import prepare_image
from .face.detect import RETINAFACE_FILE
from .face.landmarks import FaceLandmarks, read_landmarks
from .media.downmix import mix_to_mono
from .media.read_audio import open_audio, read_audio
from .media.read_image import read_image
from .media.write_video import CONTAINERS as VIDEO_SUFFIXES
from .media.write_video import write_video
from .motion_editing import (
    EDIT_PRESETS,
    MotionNotes,
    direction_name,
    edit_motion,
    edits_from_text,
    edits_to_text,
    join_motions,
    load_motion,
    loop_motion,
    loudness_curve,
    mirror_motion,
    mix_motions,
    preset_edits,
    read_motion_notes,
    repair_seams,
    resample_motion,
    retarget_motion,
    save_motion,
    smooth_motion,
    stretch_motion,
    take_directions,
    trim_motion,
)
from .pipeline.animate import animate
from .pipeline.encode import encode_audio, encode_identity, predict_emotion
from .pipeline.long_audio import stream_audio_features
from .pipeline.memory_estimates import audio_memory, frame_memory, sampling_memory
from .pipeline.render import automatic_batch_size, render_frames
from .pipeline.sample import check_options as check_sampling
from .pipeline.sample import sample_motion
from .plots.basis_sheet import basis_sheet
from .plots.motion_plots import plot_curves, plot_motion
from .types import (
    AudioClip,
    AudioFeatures,
    AudioFile,
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
