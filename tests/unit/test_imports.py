"""The import table: which part of the pack may import which. Read from the sources, so that nothing needs to be installed."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PUBLIC = "float_core"  # the package itself: its public functions
MOTION, CALIBRATION = "float_core.motion_editing", "float_core.calibration"  # the public namespaces: what their __init__ offers, no more
# Everything may import these; they import each other, torch, numpy, PIL and the standard library.
SHARED = {
    "types",
    "config",
    "errors",
    "frame_rate",
    "atomic_file",
    "progress",
    "argument_checks",
    "pixels",
    "chunks",
    "easing",
    "basis_fingerprint",
    "srgb",
}
ROOMS = {
    "motion_autoencoder": set(),
    "motion_flow": set(),
    "audio": set(),
    "face": set(),
    "media": set(),
    "motion_editing": {"evaluation"},
    "synthetic": {"face", "audio"},
    "checkpoints": {"motion_autoencoder", "motion_flow", "audio"},
    "pipeline": {"motion_autoencoder", "motion_flow", "audio", "face", "motion_editing"},
    "plots": {"pipeline", "motion_editing", "evaluation"},
    "calibration": {"synthetic", "face", "audio", "motion_autoencoder", "checkpoints", "pipeline"},
    "evaluation": {
        "pipeline",
        "face",
        "media",
        "audio",
        "synthetic",
    },  # drawn heads and voices: what is measured where there is no data set
    "training": {"motion_autoencoder", "motion_flow", "audio", "face", "media", "synthetic", "checkpoints", "evaluation"},
    PUBLIC: {"audio", "face", "media", "checkpoints", "pipeline", "motion_editing", "plots", "calibration"},
    "cli": {PUBLIC, MOTION, "training", "evaluation", "synthetic", "calibration", "allocator"},
    "nodes": {PUBLIC, MOTION, CALIBRATION},
    "allocator": set(),
    **{name: set() for name in SHARED},
}
HOST = {
    "comfy",
    "comfy_api",
    "comfy_api_nodes",
    "comfy_execution",
    "comfy_extras",
    "execution",
    "folder_paths",
    "node_helpers",
    "nodes",
    "server",
}
HOST_FILES = {"nodes/host_bridge.py", "nodes/comfy_api_v3.py"}  # the only ones that know ComfyUI
OUTSIDE = {"float_core", "benchmarks", "tests"}  # the first is imported relatively, the others do not ship
# Large or not always there: imported inside the function that needs them.
LATE = {
    "cv2",
    "facexlib",
    "huggingface_hub",
    "imageio",
    "imageio_ffmpeg",
    "matplotlib",
    "mediapipe",
    "pocketsphinx",
    "scipy",
    "skimage",
    "soxr",
    "torchaudio",
    "torchvision",
    "transformers",
}
IMPORT_SECONDS = 0.5  # of processor time, for `import float_core` beyond torch's own
TIMED = "import time, torch; begun = time.process_time(); import float_core; print(time.process_time() - begun)"


def sources() -> list[Path]:
    return sorted(path for folder in ("float_core", "nodes") for path in (ROOT / folder).rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def room_of(module: str) -> str:
    """float_core.pipeline.animate -> pipeline; float_core.__main__ -> cli; nodes.anything -> nodes."""
    top, _, rest = module.partition(".")
    if top != PUBLIC or not rest:
        return top
    name = rest.split(".")[0]
    return "cli" if name == "__main__" else name


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def own_imports(path: Path) -> Iterator[str]:
    """Full names of what a file imports from the pack, wherever in the file it stands."""
    package = path.relative_to(ROOT).parent.parts
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = ".".join((*package[: len(package) - node.level + 1], *(node.module or "").split("."))).strip(".")
            for alias in node.names:
                inner = ROOT.joinpath(*base.split("."), alias.name)
                yield f"{base}.{alias.name}" if inner.with_suffix(".py").is_file() or inner.is_dir() else base


def foreign_imports(tree: ast.AST) -> Iterator[str]:
    """Top package of every absolute import."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield node.module.split(".")[0]


def at_import(tree: ast.Module) -> ast.Module:
    """What runs when the module is imported: no function bodies, no TYPE_CHECKING blocks."""

    class Strip(ast.NodeTransformer):
        def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
            return None

        def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
            return None

        def visit_If(self, node: ast.If) -> ast.AST | None:
            return None if "TYPE_CHECKING" in ast.unparse(node.test) else self.generic_visit(node)

    return Strip().visit(tree)


def test_a_file_imports_only_what_its_room_may():
    wrong = set()
    for path in sources():
        room = room_of(module_of(path))
        allowed = ROOMS.get(room, set()) | SHARED | {room}
        wrong |= {(name_of(path), target) for target in own_imports(path) if not {room_of(target), target} & allowed}
    assert not wrong, f"ROOMS does not allow {sorted(wrong)}"


def test_the_table_names_every_room_and_no_other():
    rooms = {room_of(module_of(path)) for path in sources()}
    assert rooms <= set(ROOMS), f"give {sorted(rooms - set(ROOMS))} a line in ROOMS"
    assert set(ROOMS) - SHARED <= rooms, f"there is no {sorted(set(ROOMS) - SHARED - rooms)}: delete the line in ROOMS"


@pytest.mark.parametrize("path", sources(), ids=name_of)
def test_foreign_imports(path):
    tree = ast.parse(path.read_text())
    everywhere = set(foreign_imports(tree))
    assert not everywhere & OUTSIDE, f"imports inside the pack are relative, and what does not ship is not imported: {everywhere & OUTSIDE}"
    if name_of(path) not in HOST_FILES:
        assert not everywhere & HOST, f"only {sorted(HOST_FILES)} import ComfyUI"
    early = set(foreign_imports(at_import(tree)))
    assert not early & LATE, f"import {sorted(early & LATE)} inside the function that needs it"
    if room_of(module_of(path)) in SHARED:
        assert early <= set(sys.stdlib_module_names) | {"torch", "numpy", "PIL"}, (
            "what every room shares knows only arrays, images and the standard library"
        )


def said_by(code: str) -> str:
    """Stdout of a new Python in the repository's folder, which must not have complained about anything."""
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def test_importing_every_module_loads_no_optional_library():
    modules = [module_of(path) for path in sources() if path.is_relative_to(ROOT / PUBLIC) and path.name != "__main__.py"]
    loaded = said_by(f"import importlib, sys; [importlib.import_module(name) for name in {modules!r}]; print(*sys.modules)").split()
    assert not {name.split(".")[0] for name in loaded} & LATE


def test_importing_the_library_takes_no_time():
    assert min(float(said_by(TIMED)) for _ in range(2)) < IMPORT_SECONDS
