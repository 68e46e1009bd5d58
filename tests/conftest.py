"""What holds for all tests."""

import gc
import os
from pathlib import Path

# before NumPy is imported: two processes run tests on two cores, and threads of BLAS that compete for them make small products
# ten times slower
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import pytest  # noqa: E402

from neurosim.simulator import epochs  # noqa: E402


@pytest.fixture(scope="session", autouse=True)
def threads_are_used():
    """Let networks run on as many threads as a test asks for, however little each of them has to do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(epochs, "WORTH", 1e-9)
        yield


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark variants that are for the slow suite, and keep tests that share what they have run in one process.

    Those of a file share a process, and all that use a run of a published model.
    """
    lines = (Path(__file__).parent / "slow_variants.txt").read_text(encoding="utf-8").splitlines()
    beginnings = tuple(line for line in lines if line and not line.startswith("#"))
    for item in items:
        if item.nodeid.startswith(beginnings):
            item.add_marker(pytest.mark.slow)
    if not config.option.file_or_dir:
        for beginning in beginnings:
            if not any(item.nodeid.startswith(beginning) for item in items):
                raise pytest.UsageError(f"tests/slow_variants.txt: there is no test {beginning}. Correct or delete the line.")
    if config.pluginmanager.hasplugin("xdist"):
        for item in items:
            group = "published models" if hasattr(item.module, "outcome") else item.nodeid.partition("::")[0]
            item.add_marker(pytest.mark.xdist_group(group))


def pytest_collection_finish() -> None:
    """Leave the thousands of collected tests out of every later search for garbage, of which compiling makes many."""
    gc.collect()
    gc.freeze()
