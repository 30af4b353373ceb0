"""What the artist reads: errors of float_core with advice for ComfyUI, texts without the server's folders, notes of the compiler."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from ..float_core import CalibrationError, CompileWarning, FaceNotFoundError, FloatError

# float_core's errors carry the facts; what to do about them is different in every front end.
ADVICE: dict[type[FloatError], str] = {
    FaceNotFoundError: "Set mode to box and give the face's box, or set mode to none to use the whole image.",
    CalibrationError: "The bundled model has a calibration. For another model, the README says how to make one.",
}


def advised(error: FloatError) -> str:
    """The error's message, and what to do about it in ComfyUI."""
    advice = [text for kind, text in ADVICE.items() if isinstance(error, kind)]
    said = str(error)
    return " ".join([said if said.endswith((".", "!", "?")) else f"{said}.", *advice]) if advice else said


def without_folders(text: str, folders: Mapping[str, str]) -> str:
    """The text with a short name in the place of each of these folders: where they are on the server is nobody's business."""
    for folder, name in sorted(folders.items(), key=lambda item: -len(item[0])):  # the inner ones first
        if folder.strip("/\\"):  # a home may be the root
            text = re.sub(r"(?<![\w.-])" + re.escape(folder) + r"(?![\w-])", name, text)
    return text


@contextmanager
def compile_notes(tell: Callable[[str], None]) -> Iterator[None]:
    """`tell` gets every CompileWarning of the block as soon as the block ends, once each; other warnings go where they went before."""
    caught: list[warnings.WarningMessage] = []
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", CompileWarning)
            yield
    finally:
        for text in dict.fromkeys(str(w.message) for w in caught if issubclass(w.category, CompileWarning)):
            tell(text)
        for w in caught:
            if not issubclass(w.category, CompileWarning):
                warnings.showwarning(w.message, w.category, w.filename, w.lineno)
