"""How the mouth goes through sounds, as fitted to real tracks: what each viseme adds before, in and after its time.

A table of numbers, `coarticulation.json`; `training.fit_coarticulation` makes it. It knows frames and visemes, no phonemes.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

TABLE = Path(__file__).with_name("coarticulation.json")
CURVES = ("opening", "mouth_wide", "smile")  # between the lips, in head units; the rig's controls


@dataclass(frozen=True, eq=False)
class Coarticulation:
    """`weights` (2 R + 1, visemes, 3): what a viseme that fills the frame R before, ..., R after adds to CURVES at 25 frames a second;
    `gain` (3,): by how much real curves spread more than these sums, which are means; `made`: the command and the material."""

    weights: np.ndarray
    gain: np.ndarray
    made: str

    def curves(self, occupancy: np.ndarray) -> np.ndarray:
        """(T, 3) of CURVES for the share of each frame that each viseme fills, (T, visemes), the first of which is silence: 0 in it."""
        return (lagged(occupancy, len(self.weights) // 2) @ self.weights.reshape(-1, len(CURVES)) - self.weights[:, 0].sum(0)) * self.gain

    def save(self, path: Path) -> None:
        """Writes the table, four digits a number."""
        data = {**asdict(self), "curves": CURVES, "weights": np.round(self.weights, 4).tolist(), "gain": np.round(self.gain, 3).tolist()}
        path.write_text(json.dumps(data) + "\n")


def lagged(occupancy: np.ndarray, reach: int) -> np.ndarray:
    """(T, visemes) to (T, (2 reach + 1) visemes): the frames from `reach` before to `reach` after each one; silence beyond the ends."""
    silence = np.zeros((reach, occupancy.shape[1]))
    silence[:, 0] = 1
    padded = np.concatenate([silence, occupancy, silence])
    return np.concatenate([padded[shift : shift + len(occupancy)] for shift in range(2 * reach + 1)], axis=1)


@lru_cache(maxsize=1)
def read_coarticulation(path: Path = TABLE) -> Coarticulation:
    """The table of this package, or another one."""
    data = json.loads(path.read_text())
    return Coarticulation(np.array(data["weights"]), np.array(data["gain"]), data["made"])
