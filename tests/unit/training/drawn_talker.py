"""Videos of a face that is nothing but a code in the corner of the frame, and a tracker that reads it: the truth is known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction

import av
import numpy as np

from tests.unit.synthetic.conftest import make_mesh

SIZE, BLOCK, STEP = 192, 16, 10  # pixels of a frame and of a part of the code; gray levels between two values
RATE = 16000
LAYOUT, HEAD = make_mesh()


@dataclass(frozen=True)
class Look:
    """One frame. `gap`: between the lips, 0 to 20; `place`: of the face, 10 = the middle; `second`: 0 none, 1 beside, 2 in the crop, 3
    small and far behind; `yaw` in steps of 5 degrees; `background`: its gray."""

    gap: int = 0
    place: int = 10
    faces: int = 1
    second: int = 0
    yaw: int = 0
    background: int = 100


def draw(look: Look) -> np.ndarray:
    """(SIZE, SIZE, 3) uint8."""
    pixels = np.full((SIZE, SIZE, 3), look.background, np.uint8)
    for number, value in enumerate((look.faces, look.gap, look.place, look.second, look.yaw)):
        pixels[:BLOCK, number * BLOCK : (number + 1) * BLOCK] = value * STEP
    return pixels


class CodeTracker:
    """What the code says, as meshes."""

    looked = 0

    def __init__(self) -> None:
        self.layout = LAYOUT

    def restart(self) -> None:
        pass

    def find(self, pixels: np.ndarray) -> tuple[np.ndarray, ...]:
        type(self).looked += 1
        codes = [pixels[4 : BLOCK - 4, n * BLOCK + 4 : (n + 1) * BLOCK - 4].mean() for n in range(5)]
        faces, gap, place, second, yaw = (round(code / STEP) for code in codes)
        if not faces:
            return ()
        first = face(gap, (pixels.shape[1] / 2 + 2 * (place - 10), pixels.shape[0] / 2), 36, 5 * yaw)
        others = {1: ((-60, 96), 30), 2: ((first[:, 0].mean() + 40, 96), 34), 3: ((120, 60), 5)}
        return (first, face(0, *others[second], 0)) if second else (first,)


def face(gap: int, middle: tuple[float, float], unit: float, yaw: float) -> np.ndarray:
    """The test mesh in pixels, its lower inner lip down by `gap` hundredths of a head unit."""
    head = HEAD.copy()
    head[list(LAYOUT.lip_inner_lower[1:-1]), 1] += gap / 100
    angle = np.radians(yaw)
    turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    return head @ turn.T * unit + [*middle, 0]


def speech(seconds: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Lips (25 a second, 0 to 20) and the sound (RATE a second) that belongs to them."""
    random = np.random.default_rng(seed)
    fine = np.convolve(random.standard_normal(round(seconds * 100) + 40), np.hanning(18), "same")[20:-20]
    fine = np.clip(0.5 + 0.25 * fine / fine.std(), 0, 1)
    lips = np.rint(20 * fine[2::4]).astype(int)
    loud = np.interp(np.arange(round(seconds * RATE)) / RATE, (np.arange(len(fine)) + 0.5) / 100, fine)
    return lips, (0.3 * random.standard_normal(len(loud)) * 10 ** (1.5 * (loud - 1))).astype(np.float32)


def talk(seconds: float, seed: int = 0, look: Look = Look()) -> tuple[list[np.ndarray], np.ndarray]:
    """Frames of a face that speaks, and its sound."""
    lips, sound = speech(seconds, seed)
    return [draw(replace(look, gap=int(gap))) for gap in lips], sound


def write(path, frames, sound=None, *, times=None, turn=0):
    """A video; `times`: of the frames in milliseconds, else 25 a second."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as file:
        video = file.add_stream("libx264", rate=25, options={"crf": "6", "preset": "ultrafast"})
        video.height, video.width = frames[0].shape[:2]
        video.pix_fmt = "yuv420p"
        video.codec_context.time_base = Fraction(1, 1000)
        if turn:
            video.set_display_rotation(turn)
        audio = file.add_stream("pcm_s16le" if path.suffix == ".mkv" else "aac", rate=RATE, layout="mono") if sound is not None else None
        for number, pixels in enumerate(frames):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
            frame.pts, frame.time_base = int(40 * number if times is None else times[number]), Fraction(1, 1000)
            file.mux(video.encode(frame))
        file.mux(video.encode(None))
        if audio is not None:
            frame = av.AudioFrame.from_ndarray(np.asarray(sound, np.float32)[None], format="fltp", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = RATE, 0, Fraction(1, RATE)
            resampler = av.AudioResampler(format=audio.codec_context.format, layout="mono", rate=RATE, frame_size=1024)
            for part in (*resampler.resample(frame), *resampler.resample(None)):
                if part is not None:
                    file.mux(audio.encode(part))
            file.mux(audio.encode(None))
    return path
