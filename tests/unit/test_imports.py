"""The import table: which part of the pack may import which. Read from the sources, so that nothing needs to be installed."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Everything may import these. They know only torch and the standard library, and each other.
SHARED = {"types", "config", "errors", "frame_rate", "atomic_file", "progress", "argument_checks", "pixels", "chunks", "easing"}
PUBLIC = "float_core"  # the package itself: its public functions
ROOMS = {
    "motion_autoencoder": {"onednn"},
    "motion_flow": {"onednn"},
    "audio": set(),
    "face": set(),
    "media": set(),
    "motion_editing": {"evaluation", "audio", "checkpoints", "motion_autoencoder"},
    "checkpoints": {"motion_autoencoder", "motion_flow", "audio"},
    "pipeline": {"motion_autoencoder", "motion_flow", "audio", "face", "motion_editing"},
    "plots": {"pipeline", "motion_editing", "evaluation"},
    "synthetic": {"face", "audio"},
    "calibration": {"synthetic", "face", "motion_autoencoder", "checkpoints", "pipeline"},
    "evaluation": {"pipeline", "face", "media"},
    "training": {"motion_autoencoder", "motion_flow", "audio", "face", "media", "synthetic", "checkpoints", "evaluation"},
    "scale": {"pipeline", "checkpoints", "media", "face"},
    "benchmarks": {PUBLIC, "motion_autoencoder", "motion_flow", "audio", "checkpoints", "pipeline", "face", "media", "evaluation"},
    "cli": {PUBLIC, "pipeline", "checkpoints", "face", "media", "training", "evaluation", "synthetic", "calibration", "motion_editing"},
    "nodes": {PUBLIC, "pipeline", "checkpoints", "face", "media", "motion_editing", "calibration"},
    PUBLIC: {"pipeline", "checkpoints", "face", "media", "audio", "motion_editing", "calibration", "plots"},
    "allocator": set(),
    "onednn": set(),
    **{name: set() for name in SHARED},
}
ROOMS["cli"].add("allocator")
ROOMS["argument_checks"] = {"motion_editing", "motion_flow"}
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
OPTIONAL = {
    "av",
    "cv2",
    "facexlib",
    "huggingface_hub",
    "imageio",
    "imageio_ffmpeg",
    "matplotlib",
    "scipy",
    "skimage",
    "soxr",
    "torchaudio",
    "torchvision",
    "transformers",
}
PRINT_LOADED = "print(' '.join({name.split('.')[0] for name in sys.modules}))"


def sources() -> list[Path]:
    return sorted(path for folder in ("float_core", "nodes") for path in (ROOT / folder).rglob("*.py"))


def room_of(module: str) -> str:
    """float_core.pipeline.animate -> pipeline; float_core.cli.animate -> cli; nodes.anything -> nodes."""
    top, _, rest = module.partition(".")
    if top == "nodes" or not rest:
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


def foreign_imports(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and top package of every absolute import."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name.split(".")[0]) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield node.lineno, node.module.split(".")[0]


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


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_a_file_imports_only_what_its_room_may(path):
    room = room_of(module_of(path))
    allowed = ROOMS[room] | SHARED | {room}
    wrong = sorted({target for target in own_imports(path) if room_of(target) not in allowed})
    assert not wrong, f"{room} may import {sorted(allowed)}, but {path.name} imports {wrong}"


@pytest.mark.parametrize("path", sources(), ids=lambda path: str(path.relative_to(ROOT)))
def test_foreign_imports(path):
    name = path.relative_to(ROOT).as_posix()
    tree = ast.parse(path.read_text())
    everywhere = set(foreign_imports(tree))
    assert not [(line, top) for line, top in everywhere if top == "float_core"], f"{name}: imports inside the pack are relative"
    if name not in HOST_FILES:
        assert not [(line, top) for line, top in everywhere if top in HOST], f"{name}: only {sorted(HOST_FILES)} import ComfyUI"
    early = {top for _, top in foreign_imports(at_import(tree))}
    assert not early & OPTIONAL, f"{name}: import {sorted(early & OPTIONAL)} inside the function that needs it"
    if room_of(module_of(path)) in SHARED:
        assert early <= set(sys.stdlib_module_names) | {"torch"}, f"{name} imports only torch and the standard library"


def test_every_room_is_in_the_table():
    rooms = {path.name for path in (ROOT / "float_core").iterdir() if any(path.glob("*.py"))}
    assert rooms <= set(ROOMS)


def loaded_after(modules: list[str]) -> set[str]:
    """Top packages in sys.modules of a new Python that imported `modules`; it must not have said anything."""
    code = f"import importlib, sys; [importlib.import_module(name) for name in {modules!r}]; {PRINT_LOADED}"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    return set(done.stdout.split())


def test_importing_the_library_loads_no_optional_one():
    assert not loaded_after(["float_core", "float_core.cli.main"]) & OPTIONAL


def test_importing_every_module_loads_no_optional_one():
    modules = [module_of(path) for path in sources() if path.is_relative_to(ROOT / "float_core") and path.name != "__main__.py"]
    assert not loaded_after(modules) & OPTIONAL
