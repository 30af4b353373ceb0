"""The public functions that need several networks (encode, sample, render, all of it in one call), and what can be done with motion:
edits, curves, timing, mixing, smoothing, files."""

from .animate import animate
from .basis_sheet import basis_sheet
from .curves import evaluate_curve, loudness_curve, scale_curves
from .direction_names import direction_group, direction_name, directions_of
from .edit_presets import EDIT_PRESETS, preset_edits
from .edit_text import edits_from_text, edits_to_text
from .encode import encode_audio, encode_identity, predict_emotion
from .long_audio import stream_audio_features
from .motion_edits import edit_motion
from .motion_files import MotionNotes, load_motion, read_motion_notes, save_motion
from .motion_mixing import mirror_motion, mix_motions, retarget_motion, take_directions
from .motion_plots import plot_curves, plot_motion
from .motion_smoothing import repair_seams, smooth_motion
from .motion_timing import exact_rate, frames_for, join_motions, loop_motion, resample_motion, stretch_motion, trim_motion
from .render import render_frames
from .sample import sample_motion

__all__ = [
    "EDIT_PRESETS",
    "MotionNotes",
    "animate",
    "basis_sheet",
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
    "load_motion",
    "loop_motion",
    "loudness_curve",
    "mirror_motion",
    "mix_motions",
    "plot_curves",
    "plot_motion",
    "predict_emotion",
    "preset_edits",
    "read_motion_notes",
    "render_frames",
    "repair_seams",
    "resample_motion",
    "retarget_motion",
    "sample_motion",
    "save_motion",
    "scale_curves",
    "smooth_motion",
    "stream_audio_features",
    "stretch_motion",
    "take_directions",
    "trim_motion",
]
