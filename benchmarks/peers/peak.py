"""Memory of this process, as Linux counts it."""

from pathlib import Path


def restart() -> float:
    """Forget the peak so far, and return what is resident now, in MiB."""
    Path("/proc/self/clear_refs").write_text("5")
    return peak()


def peak() -> float:
    """Return the largest resident memory since `restart`, in MiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))/1024
