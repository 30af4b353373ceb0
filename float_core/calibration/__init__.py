"""What the directions of a basis do: measured by `calibrate` and kept in a file beside the weights. A calibration belongs to one basis."""

from ..basis_fingerprint import basis_fingerprint, same_basis
from ..checkpoints.calibration_file import calibration_of, calibration_path, read_calibration, save_calibration
from .measure_directions import calibrate
from .natural_range import NaturalRange, sampled_range, synthetic_voices
