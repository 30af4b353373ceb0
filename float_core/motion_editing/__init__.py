"""What can be done with a motion after it is sampled: edits, curves, timing, mixing, smoothing, files. None of it needs a network."""

from ..frame_rate import exact_rate, frames_for
from .curves import evaluate_curve, loudness_curve, scale_curves
from .direction_names import direction_group, direction_name, directions_of
from .edit_presets import EDIT_PRESETS, preset_edits
from .edit_text import edits_from_text, edits_to_text
from .motion_edits import edit_motion
from .motion_files import MotionNotes, load_motion, read_motion_notes, save_motion
from .motion_mixing import mirror_motion, mix_motions, retarget_motion, take_directions
from .motion_smoothing import repair_seams, smooth_motion
from .motion_timing import join_motions, loop_motion, resample_motion, stretch_motion, trim_motion
