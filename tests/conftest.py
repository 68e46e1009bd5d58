"""What holds for all tests."""

import pytest

from neurosim.simulator import epochs


@pytest.fixture(scope="session", autouse=True)
def threads_are_used():
    """Let networks run on as many threads as a test asks for, however little each of them has to do."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(epochs, "WORTH", 1e-9)
        yield
