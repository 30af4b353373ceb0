"""What every test shares: where the reference numbers are, and how many threads torch may use."""

import os
from pathlib import Path

import pytest
import torch

MAX_THREADS = 4  # small networks get slower, not faster, on more


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Says loudly what did not run: for want of a program of the system, or as this system is another than the one a test is about."""
    skipped = terminalreporter.stats.get("skipped", [])
    if skipped:
        reasons = sorted({report.longrepr[2].removeprefix("Skipped: ") for report in skipped})
        terminalreporter.write_line(f"DID NOT RUN: {len(skipped)} tests: {'; '.join(reasons)}", red=True, bold=True)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """With FLOAT_NO_SKIPS=1 a test that did not run is a failure, so that nothing that is missing counts as a pass."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if exitstatus == 0 and os.environ.get("FLOAT_NO_SKIPS") == "1" and reporter is not None and reporter.stats.get("skipped"):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


@pytest.fixture(scope="session", autouse=True)
def _few_threads() -> None:
    processes = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", 1))  # they share the cores
    torch.set_num_threads(max(1, min(MAX_THREADS, torch.get_num_threads() // processes)))


@pytest.fixture(scope="session")
def reference() -> Path:
    """The folder of the reference numbers: FLOAT_REFERENCE, or the copy that comes with the tests."""
    folder = Path(os.environ.get("FLOAT_REFERENCE") or Path(__file__).parent / "parity" / "data")
    assert (folder / "checkpoint_layout.json").is_file(), f"no reference numbers in {folder}"
    return folder
