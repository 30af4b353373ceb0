"""The errors that float_core raises on purpose. Each message says what was found, what was expected and what to do."""


class FloatError(Exception):
    """Base of every error that float_core raises on purpose."""


class CheckpointError(FloatError):
    """A weight file is missing, damaged, incomplete or does not fit the architecture."""


class AudioError(FloatError):
    """Audio cannot be read or used: no samples, a bad sample rate, values that are not finite."""


class ImageError(FloatError):
    """An image cannot be read or used: wrong shape, wrong range, an empty crop."""


class FaceNotFoundError(ImageError):
    """No face was detected, or the face that was asked for does not exist."""


class CompileWarning(UserWarning):
    """torch.compile was asked for but cannot be used; the work goes on without it."""


class OptionError(FloatError, ValueError):
    """An argument has a wrong type or a value that is not allowed."""


class CalibrationError(OptionError):
    """A calibration of the model's directions is needed, but there is none or it belongs to another basis."""


class VideoError(FloatError):
    """A video cannot be written or read."""
