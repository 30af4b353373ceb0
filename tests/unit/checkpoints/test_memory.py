"""Memory while loading: a file of 300 MB, every weight touched, in a process of its own."""

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from float_core.config import TransformerConfig
from float_core.motion_flow.transformer import FlowMatchingTransformer

ROOT = Path(__file__).parents[3]
MEASURE = """
import sys
import torch
from float_core.checkpoints.build_model import load_model

def peak():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) * 1024

load_model(sys.argv[2])  # what is needed once: imports, thread pools
before = peak()
model = load_model(sys.argv[1], dtype=getattr(torch, sys.argv[3]))
assert all(bool(torch.isfinite(parameter.sum())) for parameter in model.transformer.parameters())
print(peak() - before)
"""


def transformer_file(path, hidden, depth):
    with torch.device("meta"):
        network = FlowMatchingTransformer(TransformerConfig(hidden_size=hidden, depth=depth, heads=hidden // 128))
    save_file({f"fmt.{name}": torch.zeros(tensor.shape) for name, tensor in network.named_parameters()}, path)
    return path


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from /proc")
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
def test_peak_memory_is_at_most_the_file_and_a_fifth(tmp_path, dtype):
    large = transformer_file(tmp_path / "large.safetensors", 1024, 4)
    small = transformer_file(tmp_path / "small.safetensors", 128, 1)
    size = large.stat().st_size
    assert size > 300e6
    command = [sys.executable, "-c", MEASURE, str(large), str(small), dtype]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert int(result.stdout) <= 1.2 * size
