"""Nodes for the tests that look into a running ComfyUI: what comes over a socket, a device that runs out of memory, another model that
asks for room, and graphs that are made while they run."""

from __future__ import annotations

import hashlib
import logging
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from types import ModuleType
from typing import Any

import comfy.model_management as mm
import comfy.model_patcher
import torch
from comfy_api.latest import ComfyExtension, io
from comfy_execution.graph_utils import GraphBuilder

Model, Identity, Motion = io.Custom("FLOAT_MODEL"), io.Custom("FLOAT_IDENTITY"), io.Custom("FLOAT_MOTION")
GPU = torch.device("cpu", 0)  # not torch.device("cpu"): ComfyUI then makes room there as it does on a GPU
HUGE = 2**60


def pack_module(name: str) -> ModuleType:
    """A module of the pack under test, whatever its folder is called."""
    (found,) = (module for key, module in sys.modules.items() if key.endswith(name) and "custom_nodes" in key)
    return found


def patched_once(module: ModuleType, name: str, make: Callable[[Any, Callable[[], None]], Any]) -> None:
    """Puts `make(original, restore)` in the place of a function."""
    original = getattr(module, name)
    setattr(module, name, make(original, lambda: setattr(module, name, original)))


class Probe(io.ComfyNode):
    """Runs in every prompt."""

    @classmethod
    def fingerprint_inputs(cls, **_inputs: Any) -> float:
        return float("nan")


class TestTellImages(io.ComfyNode):
    """The size of an IMAGE, the mean of every image, and a hash of its bits."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(node_id="TestTellImages", category="test", inputs=[io.Image.Input("images")], outputs=[], is_output_node=True)

    @classmethod
    def execute(cls, images: torch.Tensor) -> io.NodeOutput:
        bits = hashlib.sha256(images.contiguous().numpy().tobytes()).hexdigest()
        means = images.mean(dim=(1, 2, 3)).tolist()
        return io.NodeOutput(ui={"shape": list(images.shape), "means": means, "bits": [bits]})


class TestNoMemory(Probe):
    """Lets a function of a node's module run out of memory at its next call; with `words`, as devices do that only say so.

    `render_frames` does so after `chunks` chunks, in every call with more than `room` frames at once, until one has been drawn to its end.
    The log tells what it does."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        inputs = [Model.Input("model"), io.String.Input("module"), io.String.Input("function")]
        inputs += [io.Int.Input(name, default=0, optional=True) for name in ("chunks", "room")]
        inputs += [io.String.Input("words", default="", optional=True)]
        return io.Schema(node_id="TestNoMemory", category="test", inputs=inputs, outputs=[Model.Output()])

    @classmethod
    def execute(cls, model: Any, module: str, function: str, chunks: int = 0, room: int = 0, words: str = "") -> io.NodeOutput:
        def failing(_original: Any, restore: Callable[[], None]) -> Any:
            def fail(*_: Any, **__: Any) -> Any:
                restore()
                raise RuntimeError(words) if words else torch.OutOfMemoryError("injected by a test")

            return fail

        def little(original: Any, restore: Callable[[], None]) -> Any:
            def draw(*args: Any, batch_size: int, **named: Any) -> Iterator[Any]:
                for number, chunk in enumerate(original(*args, batch_size=batch_size, **named)):
                    if batch_size > room and number == chunks:
                        logging.info("probe: no memory for %d", batch_size)
                        raise torch.OutOfMemoryError("injected by a test")
                    logging.info("probe: drew %d", len(chunk.frames))
                    yield chunk
                restore()

            return draw

        patched_once(pack_module(f".nodes.{module}"), function, little if function == "render_frames" else failing)
        return io.NodeOutput(model)


class TestFreeMemory(Probe):
    """The pack is told once that so many bytes are free."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        inputs = [Model.Input("model"), io.Int.Input("free", max=2**62)]
        return io.Schema(node_id="TestFreeMemory", category="test", inputs=inputs, outputs=[Model.Output()])

    @classmethod
    def execute(cls, model: Any, free: int) -> io.NodeOutput:
        def told(_original: Any, restore: Callable[[], None]) -> Any:
            def answer(_device: torch.device) -> int:
                restore()
                return free

            return answer

        patched_once(pack_module(".nodes.host_bridge"), "available_memory", told)
        return io.NodeOutput(model)


class TestNextPreview(Probe):
    """Lets the next live preview fail in that way, or take so many seconds: "TypeError", "RuntimeError", "memory" or "slow"."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        inputs = [Model.Input("model"), io.String.Input("how"), io.Float.Input("seconds", default=0.0, max=60.0, optional=True)]
        return io.Schema(node_id="TestNextPreview", category="test", inputs=inputs, outputs=[Model.Output()])

    @classmethod
    def execute(cls, model: Any, how: str, seconds: float = 0.0) -> io.NodeOutput:
        failures = {"TypeError": TypeError, "RuntimeError": RuntimeError, "memory": torch.OutOfMemoryError}

        def disturbed(original: Any, restore: Callable[[], None]) -> Any:
            def render(*args: Any, **named: Any) -> Any:
                restore()
                time.sleep(seconds)
                if how in failures:
                    raise failures[how]("injected by a test")
                return original(*args, **named)

            return render

        patched_once(pack_module(".nodes.live_preview"), "render_frames", disturbed)
        return io.NodeOutput(model)


class TestTellModel(io.ComfyNode):
    """What a model has. Runs again only when the model comes anew."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(node_id="TestTellModel", category="test", inputs=[Model.Input("model")], outputs=[], is_output_node=True)

    @classmethod
    def execute(cls, model: Any) -> io.NodeOutput:
        return io.NodeOutput(ui={"calibrated": [model.core.calibration is not None]})


class Paged(comfy.model_patcher.ModelPatcher):
    """As ComfyUI's own models are since 0.11 where its paging works."""

    def is_dynamic(self) -> bool:
        return True


class TestEviction(Probe):
    """Draws on a device that ComfyUI takes for a GPU, lets another model ask for more than there is, and draws again."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        inputs = [
            Model.Input("model"),
            Identity.Input("identity"),
            Motion.Input("motion"),
            io.Combo.Input("by", ["plain", "paged", "part"]),
        ]
        return io.Schema(node_id="TestEviction", category="test", inputs=inputs, outputs=[], is_output_node=True)

    @classmethod
    def execute(cls, model: Any, identity: Any, motion: Any, by: str) -> io.NodeOutput:
        managed = type(model).manage(model.core, GPU, torch.device("cpu"))
        patcher = managed.patcher_of("autoencoder")
        moves: list[str] = []
        network, move = patcher.model, patcher.model.to
        network.to = lambda *where, **named: (moves.append(str(where[0])), move(*where, **named))[1]
        try:
            before = _draw(managed, identity, motion)
            loaded = [_is_loaded(patcher)]
            moves.clear()
            evict(patcher, by)
            loaded.append(_is_loaded(patcher))
            away = list(moves)
            after = _draw(managed, identity, motion)
            loaded.append(_is_loaded(patcher))
        finally:
            del network.to
            mm.free_memory(HUGE, GPU)  # nothing of this stays
        return io.NodeOutput(ui={"loaded": loaded, "away": away, "same": [torch.equal(before, after)]})


def evict(patcher: Any, by: str) -> None:
    """By another model that needs more than there is, or, as ComfyUI does where less is needed, a part of this one."""
    if by == "part":
        (own,) = (entry for entry in mm.current_loaded_models if entry.model is patcher)
        own.model_unload(own.model_loaded_memory() // 2)
        return
    kind = Paged if by == "paged" else comfy.model_patcher.ModelPatcher
    other = kind(torch.nn.Linear(1, 1), load_device=GPU, offload_device=torch.device("cpu"), size=HUGE)
    mm.load_models_gpu([other])


def _is_loaded(patcher: Any) -> bool:
    return any(entry.model is patcher for entry in mm.current_loaded_models)


def _draw(managed: Any, identity: Any, motion: Any) -> torch.Tensor:
    render = pack_module(".nodes.generation_nodes").render_frames
    core = managed.ready("autoencoder", memory=2**20)
    few = replace(motion, latents=motion.latents[:, :3])
    return torch.cat([chunk.frames for chunk in render(core, identity, few, batch_size=2)])


class TestDecodeInside(io.ComfyNode):
    """A node that becomes a graph: a DecodeVideo whose images leave it as this node's output, without a link in any prompt."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        inputs = [Model.Input("model"), Identity.Input("identity"), Motion.Input("motion")]
        return io.Schema(node_id="TestDecodeInside", category="test", inputs=inputs, outputs=[io.Image.Output()], enable_expand=True)

    @classmethod
    def execute(cls, model: Any, identity: Any, motion: Any) -> io.NodeOutput:
        graph = GraphBuilder()
        decode = graph.node("DecodeVideo", model=model, identity=identity, motion=motion, batch_size=0)
        return io.NodeOutput(decode.out(0), expand=graph.finalize())


class TestLatecomer(Probe):
    """A node that becomes a graph after the DecodeVideo `decode` has run, and only then takes its images."""

    @classmethod
    def define_schema(cls) -> io.Schema:
        inputs = [io.Video.Input("video"), io.String.Input("decode")]
        return io.Schema(
            node_id="TestLatecomer", category="test", inputs=inputs, outputs=[io.Image.Output()], enable_expand=True, is_output_node=True
        )

    @classmethod
    def execute(cls, video: Any, decode: str) -> io.NodeOutput:
        graph = GraphBuilder()
        scaled = graph.node("ImageInvert", image=[decode, 0])
        return io.NodeOutput(scaled.out(0), expand=graph.finalize())


class _Pack(ComfyExtension):
    async def get_node_list(self) -> list[type[io.ComfyNode]]:
        return [
            TestTellImages,
            TestTellModel,
            TestNoMemory,
            TestNextPreview,
            TestFreeMemory,
            TestEviction,
            TestDecodeInside,
            TestLatecomer,
        ]


async def comfy_entrypoint() -> _Pack:
    """Called once by ComfyUI."""
    return _Pack()
