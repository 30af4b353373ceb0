"""What the directions of a basis do: measured by `calibrate`, kept in a file beside the weights, and tied to one basis."""

from ..checkpoints.calibration_file import calibration_path, read_calibration, save_calibration
from ..motion_autoencoder.motion_basis import basis_fingerprint, same_basis
from .measure_directions import NaturalRange, calibrate
