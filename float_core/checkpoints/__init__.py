"""Weight files to models and back: recognising layouts, reading sizes, strict loading, saving, downloading on request.

Nothing is fetched from anywhere without a call of `download`.
"""

from ..motion_autoencoder import basis_fingerprint, same_basis
from .build_model import EmotionLoader, load_model
from .calibration_file import calibration_path, read_calibration, save_calibration
from .download import DOWNLOADS, Download, download
from .save_weights import save_model

__all__ = [
    "DOWNLOADS",
    "Download",
    "EmotionLoader",
    "basis_fingerprint",
    "calibration_path",
    "download",
    "load_model",
    "read_calibration",
    "same_basis",
    "save_calibration",
    "save_model",
]
