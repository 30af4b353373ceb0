"""What pyproject.toml says to package indexes and to ComfyUI's registry, against what is there."""

import ast
import json
import re
import sys
from pathlib import Path

import pytest
from PIL import Image

from float_core.config import VERSION

from ..node_ids import NODE_IDS

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT, COMFY = PYPROJECT["project"], PYPROJECT["tool"]["comfy"]
WORKFLOWS = ROOT / ".github" / "workflows"
GPUS = {"GPU :: NVIDIA CUDA", "GPU :: AMD ROCm", "GPU :: Intel Arc", "NPU :: Huawei Ascend", "GPU :: Apple Metal"}


def test_one_version():
    assert PROJECT["version"] == VERSION
    assert re.fullmatch(r"\d+\.\d+\.\d+", VERSION)
    assert f"## {VERSION}\n" in (ROOT / "CHANGELOG.md").read_text()


def test_dependencies_are_those_of_requirements_txt():
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    assert PROJECT["dependencies"] == [line for line in lines if line and not line.startswith("#")]
    assert "dynamic" not in PROJECT


def test_what_the_registry_reads():
    assert re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", PROJECT["name"]) and "comfy" not in PROJECT["name"]
    assert PROJECT["license"] == "Apache-2.0" and (ROOT / "LICENSE").is_file()
    assert {"Repository", "Documentation", "Bug Tracker", "Issues"} <= set(PROJECT["urls"])
    assert {"face", "train"} <= set(PROJECT["optional-dependencies"])
    assert COMFY["PublisherId"] and COMFY["DisplayName"]
    assert all((ROOT / folder).is_dir() for folder in COMFY["includes"])
    systems = {"POSIX :: Linux", "Microsoft :: Windows", "MacOS"}
    assert {one.removeprefix("Operating System :: ") for one in PROJECT["classifiers"] if one.startswith("Operating System")} == systems
    gpus = {one.removeprefix("Environment :: ") for one in PROJECT["classifiers"] if one.startswith("Environment")}
    assert gpus and gpus <= GPUS, "the registry knows these names only"


def test_python_versions_are_those_of_the_makefile():
    versions = [one.rsplit(" ", 1)[1] for one in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", one)]
    low, high = re.search(r"\((3), (\d+)\) <= sys.version_info\[:2\] <= \(3, (\d+)\)", (ROOT / "Makefile").read_text()).group(2, 3)
    assert versions == [f"3.{minor}" for minor in range(int(low), int(high) + 1)]
    assert PROJECT["requires-python"] == f">=3.{low}"


@pytest.mark.parametrize(("key", "file"), [("Icon", "assets/icon.png"), ("Banner", "assets/banner.jpg")])
def test_drawings_are_those_of_the_repository(key, file):
    owner = PROJECT["urls"]["Repository"].removeprefix("https://github.com/")
    assert COMFY[key] == f"https://raw.githubusercontent.com/{owner}/main/{file}"
    with Image.open(ROOT / file) as image:
        width, height = image.size
        if key == "Icon":
            assert width == height <= 400
            assert image.mode == "RGBA" and image.getpixel((0, 0))[3] == 0, "round corners, for light pages and dark ones"
        else:
            assert width * 9 == height * 21


def test_the_oldest_comfyui_is_one_that_is_tested():
    oldest = COMFY["requires-comfyui"].removeprefix(">=")
    assert f"v{oldest}" in (WORKFLOWS / "test.yml").read_text()
    assert f"ComfyUI {oldest} or newer" in (ROOT / "README.md").read_text()


def test_published_is_only_what_passed_the_tests():
    text = (WORKFLOWS / "publish.yml").read_text()
    assert "needs: test" in text and "uses: ./.github/workflows/test.yml" in text
    assert "REGISTRY_ACCESS_TOKEN" in text and "config.VERSION" in text


def test_the_list_for_comfyui_manager_names_every_node():
    texts = json.loads((ROOT / "node_list.json").read_text())
    assert set(texts) == NODE_IDS
    stored = json.loads((ROOT / "locales" / "en" / "nodeDefs.json").read_text())
    assert texts == {name: text["description"] for name, text in stored.items()}, "run python -m tests.comfyui.write_locales"


def test_a_node_s_class_has_its_id():
    """ComfyUI-Manager and the registry read class names."""
    classes = {
        node.name
        for path in (ROOT / "nodes").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef) and any(ast.unparse(base) in ("FloatNode", "io.ComfyNode") for base in node.bases)
    }
    assert classes - {"FloatNode"} == NODE_IDS
