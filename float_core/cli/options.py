"""Options that several commands share, and how option texts become values. Knows the public types, not the networks."""

from __future__ import annotations

import argparse
import math
from fractions import Fraction
from pathlib import Path

import torch

from ..argument_checks import check_whole
from ..errors import OptionError
from ..frame_rate import HIGHEST_RATE, LOWEST_RATE, exact_rate
from ..types import FloatModel, MotionEdit

DTYPES = ("float32", "float16", "bfloat16")
TRAINING = Path(__file__).parents[1] / "training"


def add_model_options(parser: argparse.ArgumentParser) -> None:
    """Which weights, and where and in what precision they compute."""
    group = parser.add_argument_group("model")
    group.add_argument(
        "--model", default="mini", metavar="NAME|FILE", help="a weight file, or a bundled model's name (default: %(default)s)"
    )
    add_part_options(group)
    add_device_options(group)


def add_weights(parser: argparse.ArgumentParser, metavar: str) -> None:
    """The weights as the command's first word, and the folders of networks that they may lack."""
    parser.add_argument("model", metavar=metavar, help="a weight file, a folder of parts, or a bundled model's name")
    add_part_options(parser)


def add_part_options(group: argparse._ActionsContainer) -> None:
    """Folders of the networks that a weight file may lack."""
    group.add_argument(
        "--audio-encoder", type=Path, metavar="FOLDER", help="wav2vec2 folder (config.json and weights) for a file without it"
    )
    group.add_argument(
        "--emotion-model", type=Path, metavar="FOLDER", help="speech emotion folder (config.json and weights) for a file without it"
    )


def add_device_options(group: argparse._ActionsContainer) -> None:
    """Where and in what precision the networks compute."""
    group.add_argument("--device", default="auto", help="cpu, cuda, cuda:1, mps ... (default: auto, a GPU if there is one)")
    group.add_argument("--dtype", choices=DTYPES, default="float32", help="precision that the networks compute in (default: %(default)s)")


def model_inputs(options: argparse.Namespace) -> list[Path]:
    """Every file that the model of these options may be read from. Raises CheckpointError or OptionError where there is none."""
    from .. import model_files

    files = list(model_files(options.model))
    for folder in filter(None, (options.audio_encoder, options.emotion_model)):
        if not folder.is_dir():
            raise OptionError(f"{folder} is no folder; expected one with config.json and weights")
        files += [path for path in folder.iterdir() if path.is_file()]
    return files


def open_model(options: argparse.Namespace) -> FloatModel:
    """The model that the options of `add_model_options` name."""
    from .. import load_model

    return load_model(
        options.model,
        audio_encoder=options.audio_encoder,
        emotion_model=options.emotion_model,
        device=device(options.device),
        dtype=getattr(torch, options.dtype),
    )


def image_size(model: FloatModel) -> int:
    """Pixels of the model's images. Raises CheckpointError for a model that has none."""
    model.require("autoencoder")
    assert model.config.autoencoder is not None
    return model.config.autoencoder.size


def device(name: str) -> torch.device:
    """The device of that name. Raises OptionError if this machine does not have it."""
    if name == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        torch.empty(0, device=name)
    except (RuntimeError, AssertionError) as error:  # torch raises either for a device that it lacks
        raise OptionError(f"--device {name} cannot be used here: {str(error).splitlines()[0]}") from error
    return torch.device(name)


def check_seed(seed: int) -> None:
    """For commands that make several seeds out of one."""
    check_whole("--seed", seed, low=0, high=2**31 - 1)


def box(text: str) -> tuple[int, int, int, int]:
    """`x1,y1,x2,y2` in pixels."""
    numbers = [int(_number(part, text)) for part in text.split(",")]  # the crop rule cuts coordinates to integers
    if len(numbers) != 4 or numbers[2] <= numbers[0] or numbers[3] <= numbers[1]:
        raise argparse.ArgumentTypeError(f"{text!r} is not a box; expected x1,y1,x2,y2 with x1 < x2 and y1 < y2")
    return numbers[0], numbers[1], numbers[2], numbers[3]


def frame_rate(text: str) -> Fraction:
    """`60`, `29.97` or `30000/1001`, from 10 to 120."""
    try:
        rate = exact_rate(Fraction(text)) if len(text) <= 12 and "e" not in text.lower() else Fraction(0)
    except (ValueError, ZeroDivisionError):  # an OptionError is a ValueError
        rate = Fraction(0)
    if not LOWEST_RATE <= rate <= HIGHEST_RATE:
        raise argparse.ArgumentTypeError(f"{text!r} is not a frame rate; expected 10 to 120, e.g. 60, 29.97 or 30000/1001")
    return rate


def motion_edit(text: str) -> MotionEdit:
    """`0=+1.5`: an offset along a direction."""
    direction, separator, offset = text.partition("=")
    if not separator or not direction.strip().isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is not an edit; expected DIRECTION=OFFSET, e.g. 0=+1.5")
    return MotionEdit(int(direction), _number(offset, text))


def _number(text: str, whole: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not abs(number) <= 1e6:
        raise argparse.ArgumentTypeError(f"{text!r} in {whole!r} is not a number of at most 1e6")
    return number


def require_training() -> None:
    """Raises OptionError where the training code is not there."""
    if not (TRAINING / "__init__.py").is_file():
        raise OptionError(
            "this copy of float_core comes without its training code, as ComfyUI's registry delivers it. "
            "Clone the repository, or install float-portrait with pip"
        )
