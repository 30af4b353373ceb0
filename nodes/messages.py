"""What the artist reads: float_core's errors with advice for ComfyUI, its warnings, and neither with the server's folders."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..float_core import CalibrationError, FaceNotFoundError, FloatError

_OWN = tuple(str(Path(__file__).parent.parent / folder) for folder in ("float_core", "nodes"))

DEFECT = "This is a defect of FLOAT Portrait ({}): please report it. ComfyUI's log has the details."
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
def told_warnings(tell: Callable[[str], None]) -> Iterator[None]:
    """Inside, `tell` gets what this pack warns of, once each, when it does; other warnings go where they went before."""
    told: set[str] = set()
    with warnings.catch_warnings():
        plain = warnings.showwarning

        def show(message: Warning | str, category: type[Warning], filename: str, lineno: int, *where: Any, **named: Any) -> None:
            if not filename.startswith(_OWN):
                plain(message, category, filename, lineno, *where, **named)
            elif str(message) not in told:
                told.add(str(message))
                tell(str(message))

        warnings.filterwarnings("always", category=UserWarning, module=re.escape(__name__.split(".nodes.")[0]) + r"\.")
        warnings.showwarning = show
        yield
