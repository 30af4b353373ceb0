"""The errors that float_core raises on purpose. Each message says what was found, what was expected and what to do."""


class FloatError(Exception):
    """Base of every error that float_core raises on purpose."""


class CheckpointError(FloatError):
    """A weight file is missing, damaged, incomplete or does not fit the architecture."""


class AudioError(FloatError):
    """A sound cannot be read or used: no samples, a bad rate, values that are not finite."""


class ImageError(FloatError):
    """An image cannot be read or used: wrong shape, wrong range, an empty crop."""


class FaceNotFoundError(ImageError):
    """No face was detected, or not the one that was asked for."""


class CompileWarning(UserWarning):
    """torch.compile was asked for and is not used; the work goes on without it."""


class OptionError(FloatError, ValueError):
    """An argument is outside of what is allowed."""


class CalibrationError(OptionError):
    """What was asked for needs a calibration of the model's directions, and there is none, or it is for another basis."""


class VideoError(FloatError):
    """A video cannot be written or read."""
