"""A real ComfyUI server as a subprocess, and a client of it that sees what the browser sees."""

from __future__ import annotations

import asyncio
import json
import shutil
import socket
import subprocess
import sys
import time
import urllib.parse
import urllib.request
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from .checkouts import Checkout

REPOSITORY = Path(__file__).resolve().parents[2]
PACK_NAME = "any-Name.1"  # the folder's name must not matter (with a space in it, aiohttp serves no help pages)
START_SECONDS, RUN_SECONDS = 600, 600  # on a busy machine; usually 15 and 5
TEXT_EVENT = 3
PREVIEW_EVENTS = (1, 2, 4)
Json = dict[str, Any]
When = Callable[[str, Json], bool]


def node(prompt: Json, kind: str) -> Json:
    """The inputs of the only node of that class."""
    found: list[Json] = [part["inputs"] for part in prompt.values() if part["class_type"] == kind]
    assert len(found) == 1, (kind, len(found))
    return found[0]


def node_id(prompt: Json, kind: str) -> str:
    """The id of the only node of that class."""
    (found,) = (key for key, part in prompt.items() if part["class_type"] == kind)
    return str(found)


@dataclass
class Run:
    """What a client saw of one prompt. `stopped_after`: seconds from the interrupt to the server's word that it stopped;
    `work_after`: the processor time that the server took meanwhile, which is less on a busy machine."""

    events: list[tuple[str, Json]] = field(default_factory=list)
    previews: int = 0
    notes: list[str] = field(default_factory=list)
    history: Json = field(default_factory=dict)
    refused: Json | None = None
    stopped_after: float | None = None
    work_after: float = 0.0

    def of(self, kind: str) -> list[Json]:
        """The data of all events of that kind."""
        return [data for name, data in self.events if name == kind]

    @property
    def outputs(self) -> Json:
        """What each node showed, by its id."""
        return self.history.get("outputs", {})

    @property
    def error(self) -> str:
        """What the user reads when the run fails, or ''."""
        return " ".join(f"{data['exception_type']}: {data['exception_message']}" for data in self.of("execution_error"))

    @property
    def cached(self) -> set[str]:
        """Nodes that were not computed again."""
        return {node for data in self.of("execution_cached") for node in data["nodes"]}


class ComfyServer:
    """Starts on entering, ends on leaving. `base` holds its models, input, output and temp folders; `pack` is what it loads."""

    def __init__(self, checkout: Checkout, base: Path, pack: Path = REPOSITORY) -> None:
        self.checkout, self.base, self.log_file = checkout, base, base / "server.log"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        (base / "custom_nodes").mkdir(parents=True)
        (base / "custom_nodes" / PACK_NAME).symlink_to(pack, target_is_directory=True)

    def __enter__(self) -> ComfyServer:
        command = [sys.executable, "main.py", "--cpu", "--listen", "127.0.0.1", "--port", str(self.port), "--disable-auto-launch"]
        command += ["--base-directory", str(self.base), "--database-url", "sqlite:///:memory:", "--disable-api-nodes"]
        with self.log_file.open("w") as log:
            self.process = subprocess.Popen(command, cwd=self.checkout.folder, stdout=log, stderr=subprocess.STDOUT)
        deadline = time.monotonic() + START_SECONDS
        while self.process.poll() is None and time.monotonic() < deadline:
            try:
                self.object_info = self.get("/object_info")
            except OSError:
                time.sleep(0.3)
            else:
                return self
        self.__exit__()
        raise RuntimeError(f"ComfyUI {self.checkout.version} did not start:\n{self.log[-4000:]}")

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    @property
    def log(self) -> str:
        """All that the server printed."""
        return self.log_file.read_text(errors="replace")

    def processor_seconds(self) -> float:
        """Processor time of the server so far."""
        import psutil  # comes with ComfyUI's requirements

        times = psutil.Process(self.process.pid).cpu_times()
        return float(times.user + times.system)

    def url(self, path: str) -> str:
        """The full address of a path."""
        return f"http://127.0.0.1:{self.port}{urllib.parse.quote(path, safe='/?=&')}"

    def read(self, path: str) -> bytes:
        """The answer to GET."""
        with urllib.request.urlopen(self.url(path), timeout=30) as answer:
            return bytes(answer.read())

    def get(self, path: str) -> Any:
        """The JSON answer to GET."""
        return json.loads(self.read(path))

    def put_input(self, file: Path) -> str:
        """Copies a file into the input folder; returns its name there."""
        shutil.copyfile(file, self.base / "input" / file.name)
        return file.name

    def run(self, prompt: Json, *, interrupt_when: When | None = None) -> Run:
        """Queues a prompt and waits for its end. Interrupts at the first event for which `interrupt_when(kind, data)` holds."""
        return asyncio.run(asyncio.wait_for(self._run(prompt, interrupt_when), RUN_SECONDS))

    async def _run(self, prompt: Json, interrupt_when: When | None) -> Run:
        import aiohttp  # comes with ComfyUI's requirements

        run, client = Run(), uuid.uuid4().hex
        async with aiohttp.ClientSession() as session, session.ws_connect(self.url(f"/ws?clientId={client}")) as socket_:
            async with session.post(self.url("/prompt"), json={"prompt": prompt, "client_id": client}) as answer:
                queued = await answer.json()
            if "prompt_id" not in queued or queued.get("node_errors"):
                run.refused = queued
                return run
            interrupted_at, worked = None, 0.0
            async for message in socket_:
                if message.type == aiohttp.WSMsgType.BINARY:
                    _take_binary(run, message.data)
                    continue
                event = json.loads(message.data)
                kind, data = event["type"], event["data"]
                run.events.append((kind, data))
                if interrupt_when is not None and interrupted_at is None and interrupt_when(kind, data):
                    interrupted_at, worked = time.monotonic(), self.processor_seconds()
                    await session.post(self.url("/interrupt"), json={})
                if kind == "execution_interrupted" and interrupted_at is not None:
                    run.stopped_after = time.monotonic() - interrupted_at
                    run.work_after = self.processor_seconds() - worked
                if kind in ("execution_success", "execution_error", "execution_interrupted"):
                    break
            for _ in range(50):  # the history is written a moment after the event
                async with session.get(self.url(f"/history/{queued['prompt_id']}")) as answer:
                    history = await answer.json()
                if history:
                    run.history = history[queued["prompt_id"]]
                    break
                await asyncio.sleep(0.1)
        return run


def _take_binary(run: Run, data: bytes) -> None:
    kind = int.from_bytes(data[:4], "big")
    if kind == TEXT_EVENT:
        length = int.from_bytes(data[4:8], "big")
        run.notes.append(data[8 + length :].decode())
    run.previews += kind in PREVIEW_EVENTS
