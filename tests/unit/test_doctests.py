"""Every public function has an example in its docstring. The examples are run, and the programs in the README fit the library."""

from __future__ import annotations

import ast
import doctest
import inspect
import re
from collections.abc import Callable
from operator import attrgetter
from pathlib import Path

import pytest

import float_core

ROOT = Path(__file__).resolve().parents[2]
PUBLIC = {
    f"{value.__module__}.{name}": value
    for space in (float_core, float_core.motion, float_core.calibration)
    for name, value in vars(space).items()
    if not name.startswith("_") and inspect.isfunction(value)
}
OTHERS = {
    "SamplingOptions.of_quality": float_core.SamplingOptions.of_quality,
    "SamplingOptions.released": float_core.SamplingOptions.released,
}
PROGRAMS = re.findall(r"^```python\n(.*?)^```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("function", [*PUBLIC.values(), *OTHERS.values()], ids=[*PUBLIC, *OTHERS])
def test_the_example_of_a_public_function(function: Callable[..., object], tmp_path, monkeypatch):
    names = inspect.unwrap(function).__globals__
    (example,) = doctest.DocTestFinder(recurse=False).find(inspect.unwrap(function), "example", globs=dict(names))
    assert example.examples, "has no example in its docstring"
    for line in example.examples:
        compile(line.source, "example", "single")  # also those that are not run
    (tmp_path / "assets").symlink_to(ROOT / "assets")
    monkeypatch.chdir(tmp_path)
    report: list[str] = []
    result = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(example, out=report.append)
    assert not result.failed, "".join(report)


@pytest.mark.parametrize("program", PROGRAMS, ids=[program.split("\n")[0][:40] for program in PROGRAMS])
def test_a_program_in_the_readme_calls_what_is_there(program: str):
    calls = [node for node in ast.walk(ast.parse(program)) if isinstance(node, ast.Call)]
    ours = [call for call in calls if re.fullmatch(r"float_core(\.\w+)+", ast.unparse(call.func))]
    assert ours
    for call in ours:
        function = attrgetter(ast.unparse(call.func).partition(".")[2])(float_core)
        inspect.signature(function).bind(*call.args, **{str(keyword.arg): keyword.value for keyword in call.keywords})
