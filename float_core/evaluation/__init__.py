"""Measures of images and motion, and of what a model makes."""

from .image_measures import psnr, still_share
from .motion_measures import audio_gain, blinks_per_minute, closed_share, mouth_correlation, mouth_error, seam_ratio, temporal_spread
