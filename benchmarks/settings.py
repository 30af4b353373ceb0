"""What is measured: suites, models, sizes and how often. Knows nothing of how."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from float_core.errors import OptionError

CPU_SUITES = ("decode", "sampling", "audio", "clip", "load", "first")
SUITES = ("cpu", "gpu", *CPU_SUITES)
RANDOM_MODEL = "float-512"  # the released architecture with random weights: speed does not depend on them, and no file is needed
BUNDLED_MODEL = "mini"
DTYPES = ("float32", "float16", "bfloat16")
ROOT = Path(__file__).resolve().parents[1]  # the repository
PORTRAIT, VOICE = ROOT / "assets" / "portrait.jpg", ROOT / "assets" / "voice.wav"
_NEED_A_FILE = ("clip", "load", "first")


@dataclass(frozen=True)
class BenchSettings:
    """How the suites are run. `models`: those of decode, sampling and audio; gpu takes the first, the rest takes the last, which needs
    a file. `device`: where the networks compute ("cpu", "cuda", ...). `runs`: measurements of decode, after one warm-up; the longer ones
    are measured `long_runs` times. `lengths`, `plain_lengths`: seconds of audio of whole clips, fast and plain; `audio_lengths`: of what
    the audio encoders hear; `first_length`: of the clip whose first frame is waited for. `sampling_frames`: of a sampled motion with
    random weights and with trained ones. `batches`, `dtypes`, `compiled`: what the gpu suite goes through."""

    models: tuple[str, ...] = (RANDOM_MODEL, BUNDLED_MODEL)
    device: str = "cpu"
    runs: int = 10
    long_runs: int = 3
    image: Path = PORTRAIT
    audio: Path = VOICE
    lengths: tuple[float, ...] = (10.0, 60.0, 600.0)
    plain_lengths: tuple[float, ...] = (10.0,)
    audio_lengths: tuple[float, ...] = (10.0, 60.0, 150.0)
    first_length: float = 60.0
    sampling_frames: tuple[int, int] = (50, 250)
    steps: int = 10
    batches: tuple[int, ...] = (1, 4, 8, 16, 32)
    dtypes: tuple[str, ...] = DTYPES
    compiled: tuple[bool, ...] = (False, True)

    def __post_init__(self) -> None:
        object.__setattr__(self, "models", tuple(_absolute(name) for name in self.models))
        for name in ("image", "audio"):
            object.__setattr__(self, name, Path(getattr(self, name)).absolute())
        for name in ("runs", "long_runs"):
            if getattr(self, name) < 1:
                raise OptionError(f"{name} is {getattr(self, name)}; expected 1 or more")
        for name in ("lengths", "plain_lengths", "audio_lengths"):
            if not all(0 < seconds <= 36000 for seconds in getattr(self, name)):
                raise OptionError(f"{name} are {getattr(self, name)}; expected seconds above 0, at most 36000")
        if not self.batches or min(self.batches) < 1:
            raise OptionError(f"batches are {self.batches}; expected whole numbers from 1")
        if unknown := set(self.dtypes) - set(DTYPES):
            raise OptionError(f"dtypes are {sorted(unknown)}; expected some of {', '.join(DTYPES)}")

    @property
    def file_model(self) -> str:
        """The model of the suites that start from a file. Raises OptionError where only random weights were asked for."""
        if self.models[-1] == RANDOM_MODEL:
            raise OptionError(
                f"{RANDOM_MODEL} has random weights and no file; the suites {', '.join(_NEED_A_FILE)} need one: "
                f"give --model {BUNDLED_MODEL} or a file, or choose the suite decode, sampling, audio or gpu"
            )
        return self.models[-1]


def _absolute(model: str) -> str:
    """A file's full path, since the measured processes run elsewhere; a name as it is."""
    return str(Path(model).absolute()) if Path(model).exists() else model


def suites_of(name: str) -> tuple[str, ...]:
    """The suites that a name stands for. Raises OptionError."""
    if name not in SUITES:
        raise OptionError(f"the suite is {name!r}; expected one of {', '.join(SUITES)}")
    return CPU_SUITES if name == "cpu" else (name,)
