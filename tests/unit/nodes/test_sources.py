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
WEB = ROOT / "web"
PAGES = [*sorted((WEB / "docs").glob("*.md")), *sorted((WEB / "js").glob("*.js")), ROOT / "locales" / "en" / "nodeDefs.json"]


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
    kinds = [part for path in SOURCES for part in ast.walk(ast.parse(path.read_text())) if isinstance(part, ast.ClassDef)]
    nodes = {part.name: part for part in kinds if any(ast.unparse(base) == "FloatNode" for base in part.bases)}
    assert set(nodes) == NODE_IDS, "a node's class is named as its id"
    assert [name for name, part in nodes.items() if not ast.get_docstring(part)] == [], "what the artist reads about it"
    assert {page.stem for page in (ROOT / "web" / "docs").glob("*.md")} == NODE_IDS
    assert set(json.loads((ROOT / "node_list.json").read_text())) == NODE_IDS


@pytest.mark.parametrize("path", [ROOT / "__init__.py", *SOURCES], ids=lambda path: path.name)
def test_no_old_ways(path: Path) -> None:
    text = path.read_text()
    assert "NODE_CLASS_MAPPINGS" not in text, "ComfyUI would ignore comfy_entrypoint"
    assert ".cuda(" not in text
    assert "backends" not in text, "global settings of torch belong to ComfyUI"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.name)
def test_no_text_speaks_of_the_command_line(path: Path) -> None:
    texts = [part.value for part in ast.walk(ast.parse(path.read_text())) if isinstance(part, ast.Constant) and isinstance(part.value, str)]
    assert [text for text in texts if "python -m" in text or " --" in text or text.startswith("--")] == []


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_what_artists_read_is_in_the_words_of_the_field(path: Path) -> None:
    text = path.read_text()
    assert re.findall(r"\b(pictures?|sounds?|colours?|licences?|neighbours?|behaviours?)\b", text, re.IGNORECASE) == []
    assert path.suffix == ".js" or re.findall(r"python -m|(?<![\w-])--\w+", text) == [], "command line options are no node's business"


def test_every_template_has_an_image() -> None:
    for workflow in (ROOT / "workflows").glob("*.json"):
        assert workflow.with_suffix(".jpg").is_file()
