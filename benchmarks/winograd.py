"""The CPU's decoder with Winograd's convolutions and without, the frames of one batch in turn.

    ONEDNN_MAX_CPU_ISA=AVX2 python -m benchmarks.winograd --threads 1

With one thread it is the processor's time, which other programs change little; with more it is the time on the wall.
"""

from __future__ import annotations

import argparse
import os
import statistics
import time
from unittest.mock import patch

import torch

from float_core.allocator import keep_freed_memory
from float_core.motion_autoencoder.fast_decoders import styled_convolutions
from float_core.motion_autoencoder.fast_decoders.strip_decoder import StripDecoder, StripWeights

from .material import open_bench_model, portrait_in_motion
from .settings import RANDOM_MODEL, BenchSettings

_FRAMES = 2  # of a batch, as `render_frames` takes them for 512 x 512


def measure(runs: int, threads: int) -> tuple[dict[str, list[float]], float]:
    """Milliseconds a frame of every run, and how far apart the two are (relative)."""
    model = open_bench_model(RANDOM_MODEL, ["autoencoder"])
    identity, motion = portrait_in_motion(model, BenchSettings().image, _FRAMES)
    decoder, latents = model.require("autoencoder").dec, identity.latent + motion.latents[0]
    decoders = {"with": StripDecoder(StripWeights(decoder), identity.skips)}
    with patch.object(styled_convolutions, "pays", lambda *_: False):
        decoders["without"] = StripDecoder(StripWeights(decoder), identity.skips)
    images = [decode(latents) for decode in decoders.values()]
    clock = time.process_time if threads == 1 else time.perf_counter
    times: dict[str, list[float]] = {name: [] for name in decoders}
    for run in range(runs):
        for name in list(decoders)[:: 1 if run % 2 else -1]:
            began = clock()
            decoders[name](latents)
            times[name].append(1000 * (clock() - began) / _FRAMES)
    return times, float((images[0] - images[1]).norm() / images[1].norm())


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description="The CPU's decoder with Winograd's convolutions and without.")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--runs", type=int, default=15)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    keep_freed_memory()
    times, apart = measure(options.runs, options.threads)
    ratio = statistics.median(b / a for a, b in zip(times["with"], times["without"], strict=True))
    least, most = (min(times[name]) for name in ("with", "without"))
    print(f"oneDNN up to {os.environ.get('ONEDNN_MAX_CPU_ISA', 'what this processor has')}, {options.threads} threads:")
    print(f"with {least:.0f} ms a frame, without {most:.0f} ms (the fastest of {options.runs} runs)")
    print(f"{ratio:.2f} times as fast with it (median of the pairs)")
    print(f"the images differ by {apart:.1e}")


if __name__ == "__main__":
    main()
