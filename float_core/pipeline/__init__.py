"""The public functions that need several networks: encode, sample, edit, render, and all of it in one call."""

from .animate import animate
from .direction_names import direction_group, direction_name, directions_of
from .encode import encode_audio, encode_identity, predict_emotion
from .motion_edits import edit_motion
from .render import render_frames
from .sample import sample_motion

__all__ = [
    "animate",
    "direction_group",
    "direction_name",
    "directions_of",
    "edit_motion",
    "encode_audio",
    "encode_identity",
    "predict_emotion",
    "render_frames",
    "sample_motion",
]
