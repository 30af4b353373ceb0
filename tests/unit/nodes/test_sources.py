"""What holds for every node, read from the sources: short, thin, and none of ComfyUI's old ways."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest

from tests.node_ids import NODE_IDS

ROOT = Path(__file__).resolve().parents[3]
LONGEST_EXECUTE = 25
SOURCES = sorted((ROOT / "nodes").glob("*.py"))


def test_every_execute_is_short() -> None:
    lengths = {
        f"{path.name}:{part.lineno}": part.end_lineno - part.lineno + 1
        for path in SOURCES
        for part in ast.walk(ast.parse(path.read_text()))
        if isinstance(part, ast.FunctionDef) and part.name == "execute"
    }
    assert len(lengths) == len(NODE_IDS)
    assert {where: length for where, length in lengths.items() if length > LONGEST_EXECUTE} == {}


def test_node_ids_are_the_agreed_ones_and_have_their_pages() -> None:
    ids = {found for path in SOURCES for found in re.findall(r'node_id="(\w+)"', path.read_text())}
    assert ids == NODE_IDS
    assert {page.stem for page in (ROOT / "web" / "docs").glob("*.md")} == NODE_IDS
    assert set(json.loads((ROOT / "node_list.json").read_text())) == NODE_IDS


@pytest.mark.parametrize("path", [ROOT / "__init__.py", *SOURCES], ids=lambda path: path.name)
def test_no_old_ways(path: Path) -> None:
    text = path.read_text()
    assert "NODE_CLASS_MAPPINGS" not in text, "ComfyUI would ignore comfy_entrypoint"
    assert ".cuda(" not in text
    assert "backends" not in text, "global settings of torch belong to ComfyUI"


def test_the_template_has_a_image() -> None:
    for workflow in (ROOT / "workflows").glob("*.json"):
        assert workflow.with_suffix(".jpg").is_file()
