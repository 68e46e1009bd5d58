"""What holds for all tests."""

import os

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
