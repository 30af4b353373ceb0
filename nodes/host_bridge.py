"""The rest of ComfyUI, for the rest of this folder: folders, devices, model management, progress, interrupts and notes.

The only file that imports `comfy`, `comfy_execution`, `folder_paths` or `server`. Knows no node and no network.
"""

from __future__ import annotations

import itertools
import json
import logging
import os
import shutil
import time
import uuid
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import comfy.model_management as mm
import comfy.model_patcher
import comfy.utils
import folder_paths
import torch
from aiohttp import web
from comfy_execution.graph_utils import ExecutionBlocker
from comfy_execution.progress import get_progress_state
from comfy_execution.utils import get_executing_context
from PIL import Image
from server import PromptServer
from torch import nn

from ..float_core import RETINAFACE_FILE, OptionError
from ..float_core.pixels import to_rows
from .frame_stream import takes_output
from .memory import container_room
from .messages import DEFECT, without_folders

MODEL_FOLDER = "float"
MOTION_SUFFIX = ".safetensors"
MODEL_EXTENSIONS = {".safetensors", ".sft", ".pth", ".pt", ".ckpt", ".bin"}
PREVIEW_SECONDS = 0.5  # between two previews: each is a JPEG over the wire
PREVIEW_SIZE = 512
NO_MEMORY = ("out of memory", "not enough memory", "can't allocate memory")  # as MPS and the processor's allocator say it

_log = logging.getLogger(__name__)
_pack = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Request:
    """What the page asks: its `query`, and the `body`, None where it is too large."""

    query: Mapping[str, str]
    body: bytes | None


@dataclass(frozen=True)
class Answer:
    """What it is told."""

    status: int
    body: bytes
    kind: str


def serve(method: str, path: str, answer: Callable[[Request], Awaitable[Answer]], largest: int = 2**16) -> None:
    """Adds a route with bodies of up to `largest` bytes to ComfyUI's server, unless it is there (the pack stands twice in custom_nodes):
    a second one would stop its start."""
    routes = PromptServer.instance.routes
    if any(getattr(known, "path", None) == path and getattr(known, "method", None) == method for known in routes):
        _log.warning("FLOAT: %s %s is there already: is this pack installed twice?", method, path)
        return

    async def handle(request: web.Request) -> web.Response:
        try:
            given = await answer(Request(dict(request.query), await _body(request, largest)))
        except Exception as error:  # noqa: BLE001 (a defect of ours: the log has it whole, and the page is told)
            _log.exception("FLOAT: %s %s failed", method, path)
            given = Answer(500, json.dumps({"error": DEFECT.format(type(error).__name__), "code": "defect"}).encode(), "application/json")
        return web.Response(status=given.status, body=given.body, content_type=given.kind, headers={"Cache-Control": "no-store"})

    routes.route(method, path)(handle)


async def _body(request: web.Request, largest: int) -> bytes | None:
    """At most so many bytes; None for more, of which no more is read."""
    body = b""
    async for piece in request.content.iter_chunked(2**16):
        body += piece
        if len(body) > largest:
            return None
    return body


def is_running() -> bool:
    """Whether ComfyUI works on a prompt."""
    queue = PromptServer.instance.prompt_queue
    with queue.mutex:
        return bool(queue.currently_running)


def register_model_folder() -> None:
    """Makes `models/float` a model folder of ComfyUI. The user's extra_model_paths.yaml may have named it already."""
    folder_paths.add_model_folder_path(MODEL_FOLDER, str(Path(folder_paths.models_dir) / MODEL_FOLDER))
    paths, extensions = folder_paths.folder_names_and_paths[MODEL_FOLDER]
    folder_paths.folder_names_and_paths[MODEL_FOLDER] = (paths, {*extensions, *MODEL_EXTENSIONS})


def model_files() -> list[str]:
    """Weight files in the model folder, without the face detector's and those of the audio networks' own folders (which hold a
    config.json)."""
    names = folder_paths.get_filename_list(MODEL_FOLDER)
    return [name for name in names if Path(name).name != RETINAFACE_FILE and not _inside_network_folder(name)]


def _inside_network_folder(name: str) -> bool:
    return Path(name).parent != Path() and (Path(model_path(name)).parent / "config.json").is_file()


def model_path(name: str) -> str:
    """The full path of a file in the model folder."""
    return str(folder_paths.get_full_path_or_raise(MODEL_FOLDER, name))


def fingerprint(files: Iterable[Path]) -> tuple[tuple[str, int, int], ...]:
    """What is different once one of the files has come, gone or changed. ComfyUI writes it into the prompt: no folders of the server."""
    seen = [(for_the_page(str(file)), file.stat()) for file in files]
    return tuple((name, found.st_size, found.st_mtime_ns) for name, found in seen)


def detector_folder() -> Path | None:
    """Where the face detector's weights are: in the model folder, or in models/facedetection, where other packs keep them."""
    folders = [*map(Path, folder_paths.get_folder_paths(MODEL_FOLDER)), Path(folder_paths.models_dir) / "facedetection"]
    return next((folder for folder in folders if (folder / RETINAFACE_FILE).is_file()), None)


def offer_samples(samples: dict[str, Path]) -> None:
    """Copies each sample into ComfyUI's input folder under its name, unless a file of that name is there: Load Image and Load Audio
    read from nowhere else."""
    for name, source in samples.items():
        target = Path(folder_paths.get_input_directory()) / name
        try:
            if not target.exists():
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, target)
        except OSError as error:
            _log.warning("FLOAT: the sample %s could not be put into the input folder: %s", name, error)


def new_output_file(prefix: str, suffix: str) -> Path:
    """A new, numbered path in ComfyUI's output folder. `prefix` may name folders there, and %year% and the like, as in Save Image."""
    folder, name, counter, _, _ = folder_paths.get_save_image_path(prefix, folder_paths.get_output_directory())
    return Path(folder) / f"{name}_{counter:05}_{suffix}"


def motion_files() -> list[str]:
    """Motion files of the input and the output folder and of the folders right inside them, those of the output folder marked as
    ComfyUI marks them: "motion/float_00001_.safetensors [output]"."""
    names: list[str] = []
    for folder, mark in ((folder_paths.get_input_directory(), ""), (folder_paths.get_output_directory(), " [output]")):
        found = [path for pattern in ("*", "*/*") for path in Path(folder).glob(pattern + MOTION_SUFFIX)]
        names += sorted(path.relative_to(folder).as_posix() + mark for path in found)
    return names


def annotated_file(name: str) -> Path:
    """The file that a name such as "walk.safetensors [output]" means; without a mark it is in the input folder. Raises OptionError when
    it is outside of that folder, or not there."""
    plain, marked = folder_paths.annotated_filepath(name)
    folder = Path(marked or folder_paths.get_input_directory()).absolute()
    path = Path(os.path.normpath(folder / plain))  # not resolved: a folder in there may be a link of the user's
    if not path.is_relative_to(folder) or path.suffix != MOTION_SUFFIX:
        raise OptionError(f"{name!r} is no motion file; expected a {MOTION_SUFFIX} file inside ComfyUI's input or output folder")
    if not path.is_file():
        raise OptionError(f"there is no file {name!r}; save one with FLOAT Save Motion, then press R to refresh the list")
    return path


def temporary_file(suffix: str) -> Path:
    """A new path in ComfyUI's temp folder, which ComfyUI empties when it starts."""
    folder = Path(folder_paths.get_temp_directory())
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"float_{uuid.uuid4().hex}{suffix}"


def compute_device(choice: str) -> torch.device:
    """ "auto": where ComfyUI computes. "cpu": the processor."""
    return torch.device("cpu") if choice == "cpu" else mm.get_torch_device()


def storage_device(choice: str) -> torch.device:
    """Where weights wait until they are used."""
    return torch.device("cpu") if choice == "cpu" else mm.unet_offload_device()


def result_device() -> torch.device:
    """Where results wait for the next node."""
    return mm.intermediate_device()


def make_patcher(network: nn.Module, device: torch.device, storage: torch.device) -> Any:
    """ComfyUI's manager of one network: the plain one. The other, CoreModelPatcher, pages the weights of ComfyUI's own layers; of ours it
    would hold all on the device as long as they are in use anywhere, however much memory other models ask for."""
    return comfy.model_patcher.ModelPatcher(network, load_device=device, offload_device=storage)


def load_networks(patchers: Sequence[Any], memory: int) -> None:
    """Brings whole networks to their device, after making room there for them and for `memory` bytes of activations."""
    mm.load_models_gpu(list(patchers), memory_required=memory)
    for patcher in patchers:
        network: nn.Module = patcher.model
        # A partial load moves leaf modules only, and skips those that are not ComfyUI's own: these networks are small, so move the rest.
        if any(t.device != patcher.load_device for t in itertools.chain(network.parameters(), network.buffers())):
            network.to(patcher.load_device)


def is_out_of_memory(error: Exception) -> bool:
    """Whether the device ran out of memory: by ComfyUI's word, or by torch's own on devices where it raises a RuntimeError only."""
    check = getattr(mm, "is_oom", None)  # 0.8.0 has the exception only
    known = check(error) if check is not None else isinstance(error, mm.OOM_EXCEPTION)
    return bool(known) or (isinstance(error, RuntimeError) and any(words in str(error).lower() for words in NO_MEMORY))


def out_of_memory(message: str) -> Exception:
    """The error by which ComfyUI knows that it should unload its models, with words of ours."""
    return mm.OOM_EXCEPTION(message)


def free_memory() -> None:
    """Gives memory that torch holds but does not use back to the device."""
    mm.soft_empty_cache()


def available_memory(device: torch.device) -> int:
    """Bytes that can still be taken on that device."""
    free = int(mm.get_free_memory(device))
    room = container_room() if device.type == "cpu" else None
    return free if room is None else min(free, room)


def is_taken(output: int) -> bool:
    """Whether the running prompt takes that output of the running node. True where that cannot be known: outside of a prompt, and for
    a node that another one has made, which may hand the output on without a link. Also answers while ComfyUI asks for a fingerprint."""
    context, progress = get_executing_context(), get_progress_state()
    prompt = getattr(progress, "dynprompt", None)
    if context is None or prompt is None or progress.prompt_id != context.prompt_id:
        return True
    if prompt.get_parent_node_id(context.node_id) is not None:
        return True
    return takes_output(map(prompt.get_node, prompt.all_node_ids()), context.node_id, output)


def blocked(reason: str) -> Any:
    """In place of an output that is not there: whoever should get it does not run, and shows the reason."""
    return ExecutionBlocker(reason)


def check_interrupt(*_progress: object) -> None:
    """An `on_progress` that only stops the work when the user has asked for it."""
    mm.throw_exception_if_processing_interrupted()


class NodeProgress:
    """The running node's progress bar, as an `on_progress`; stops the work when the user has asked for it."""

    def __init__(self) -> None:
        self._bar = comfy.utils.ProgressBar(1)
        self._next_preview = 0.0

    def __call__(self, _stage: str, done: int, total: int) -> None:
        """Reports `done` of `total`."""
        check_interrupt()
        self._bar.update_absolute(done, total)

    def show(self, done: int, total: int, frame: torch.Tensor) -> None:
        """As the call, and now and then shows the frame (3, H, W) in [-1, 1] on the node."""
        check_interrupt()
        preview = None
        if time.monotonic() >= self._next_preview:
            self._next_preview = time.monotonic() + PREVIEW_SECONDS
            preview = ("JPEG", Image.fromarray(to_rows(frame)), PREVIEW_SIZE)
        self._bar.update_absolute(done, total, preview)


def tell_user(note: str) -> None:
    """A line in the log and on the running node."""
    _log.info("FLOAT: %s", note)
    context = get_executing_context()
    if context is not None:
        PromptServer.instance.send_progress_text(for_the_page(note), context.node_id, PromptServer.instance.client_id)


def for_the_page(text: str) -> str:
    """The text without the folders of this server: models/float/x.safetensors is enough to know a file by."""
    folders = {str(_pack): "float-portrait", str(Path.home()): "~", folder_paths.base_path: "ComfyUI"}
    folders |= dict.fromkeys(folder_paths.get_folder_paths(MODEL_FOLDER), f"models/{MODEL_FOLDER}")
    folders |= {folder_paths.models_dir: "models", folder_paths.get_temp_directory(): "temp"}
    folders |= {folder_paths.get_input_directory(): "input", folder_paths.get_output_directory(): "output"}
    return without_folders(text, folders)
