"""Who takes an output, read from a prompt's links."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

import pytest


@pytest.fixture(scope="module")
def links(pack: ModuleType) -> ModuleType:
    return importlib.import_module(f"{pack.__name__}.nodes.prompt_links")


def parts(**inputs: Any) -> list[dict[str, Any]]:
    return [{"class_type": "Load", "inputs": {}}, {"class_type": "Save"}, {"class_type": "Preview", "inputs": inputs}]


def test_a_link_to_the_output(links: ModuleType) -> None:
    assert links.takes_output(parts(number=3, images=["7", 0]), "7", 0)


def test_links_to_other_outputs_and_nodes_are_not_meant(links: ModuleType) -> None:
    assert not links.takes_output(parts(video=["7", 1], other=["70", 0]), "7", 0)
    assert not links.takes_output([], "7", 0)


@pytest.mark.parametrize("value", ["7", ["7"], ["7", "0"], ["7", False], ["7", 0, 0], [["7", 0], 0], None, 0, {"7": 0}])
def test_values_that_look_like_links(links: ModuleType, value: object) -> None:
    assert not links.takes_output(parts(value=value), "7", 0)


def test_ids_inside_subgraphs_and_of_dynamic_inputs(links: ModuleType) -> None:
    assert links.takes_output(parts(**{"values.value0": ["12:7", 0]}), "12:7", 0)


def test_an_id_that_an_api_client_gives_as_a_number(links: ModuleType) -> None:
    assert links.takes_output(parts(images=[7, 0]), "7", 0)
