"""Windows that slide over images: where they lie, their values as rows, and the way back.

Images are stored with channels last, (samples, height, width, channels), so that every position of a window is a row and a
convolution is the product of rows with a matrix.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.errors import ParameterError

#: bytes of rows that are made at a time: small enough for a cache, whatever the number of samples
CHUNK = 4 * 2**20


@dataclass(frozen=True)
class Windows:
    """Windows of kernel (kh, kw) over images (height, width), `dilation` apart within, `stride` apart between.

    Attributes:
        image: height and width.
        kernel, stride, dilation: along height and width.
        padding: rows above and below, columns left and right.
        places: how many windows there are along height and width.
    """

    image: tuple[int, int]
    kernel: tuple[int, int]
    stride: tuple[int, int]
    dilation: tuple[int, int]
    padding: tuple[tuple[int, int], tuple[int, int]]
    places: tuple[int, int]

    def padded(self, x: np.ndarray, value: float = 0.0) -> np.ndarray:
        """Return images (n, height, width, channels) with their border of `value`."""
        (top, bottom), (left, right) = self.padding
        if not (top or bottom or left or right):
            return x
        n, height, width, channels = x.shape
        y = np.full((n, height + top + bottom, width + left + right, channels), value, x.dtype)
        y[:, top:top + height, left:left + width] = x
        return y

    def cut(self, x: np.ndarray) -> np.ndarray:
        """Return images without their border: the way back from `padded`."""
        (top, _), (left, _) = self.padding
        return x[:, top:top + self.image[0], left:left + self.image[1]]

    def view(self, x: np.ndarray) -> np.ndarray:
        """Return a view (n, rows, columns, kh, kw, channels) of padded images: the values in each window."""
        a, b, c, d = x.strides
        return np.lib.stride_tricks.as_strided(
            x, (x.shape[0], *self.places, *self.kernel, x.shape[3]),
            (a, b*self.stride[0], c*self.stride[1], b*self.dilation[0], c*self.dilation[1], d), writeable=False)

    def under(self, i: int, j: int) -> tuple[slice, slice, slice]:
        """Return the index of what element (i, j) of the windows lies on, in padded images."""
        (p, q), (s, t), (d, e) = self.places, self.stride, self.dilation
        return slice(None), slice(i*d, i*d + s*(p - 1) + 1, s), slice(j*e, j*e + t*(q - 1) + 1, t)

    def spread(self, rows: np.ndarray) -> np.ndarray:
        """Return images in which the values of all windows (n, rows, columns, kh, kw, channels) are summed where they lie."""
        (top, bottom), (left, right) = self.padding
        y = np.zeros((rows.shape[0], self.image[0] + top + bottom, self.image[1] + left + right, rows.shape[5]), rows.dtype)
        for i in range(self.kernel[0]):
            for j in range(self.kernel[1]):
                y[self.under(i, j)] += rows[:, :, :, i, j]
        return self.cut(y)

    def samples(self, channels: int, itemsize: int) -> int:
        """Return for how many samples the rows take about `CHUNK` bytes, at least 1."""
        one = self.places[0]*self.places[1]*self.kernel[0]*self.kernel[1]*channels*itemsize
        return max(1, CHUNK//max(one, 1))


def windows(name: str, image: tuple[int, int], kernel: tuple[int, int], stride: Any, padding: Any,
            dilation: Any = 1) -> Windows:
    """Return the windows for an image.

    Args:
        name: of the operation, for messages.
        stride, dilation: number, or one along height and one along width.
        padding: "valid" for none; "same" for as many places as image/stride, rounded up; a number; (rows, columns); or
            ((above, below), (left, right)).

    Raises:
        ParameterError: numbers that are not whole, too small ones, or a kernel larger than the padded image.
    """
    steps, gaps = _pair(name, "stride", stride, 1), _pair(name, "dilation", dilation, 1)
    span = tuple((k - 1)*d + 1 for k, d in zip(kernel, gaps))
    if padding == "same":
        missing = [max((-(-n//s) - 1)*s + w - n, 0) for n, s, w in zip(image, steps, span)]
        border = tuple((m//2, m - m//2) for m in missing)
    elif padding == "valid":
        border = ((0, 0), (0, 0))
    elif isinstance(padding, str):
        raise ParameterError(f"{name}: padding={padding!r} is not known. Use 'same', 'valid', a number or pairs of numbers.")
    elif not isinstance(padding, (int, np.integer)) and len(padding) == 2 and not isinstance(padding[0], (int, np.integer)):
        border = tuple(_pair(name, "padding", p, 0) for p in padding)
    else:
        border = tuple((p, p) for p in _pair(name, "padding", padding, 0))
    room = tuple(n + a + b for n, (a, b) in zip(image, border))
    if any(w > r for w, r in zip(span, room)) or min(kernel) < 1:
        raise ParameterError(f"{name}: a window of {span[0]} x {span[1]} does not fit an image of {room[0]} x {room[1]} (with "
                             "padding). Use a smaller kernel or dilation, or more padding.")
    places = tuple((r - w)//s + 1 for r, w, s in zip(room, span, steps))
    return Windows(tuple(image), tuple(kernel), steps, gaps, border, places)


def _pair(name: str, what: str, given: Any, least: int) -> tuple[int, int]:
    pair = (given, given) if isinstance(given, (int, np.integer)) else tuple(given) if isinstance(given, (tuple, list)) else ()
    if len(pair) != 2 or any(not isinstance(p, (int, np.integer)) or p < least for p in pair):
        raise ParameterError(f"{name}: {what}={given!r} must be a whole number of at least {least}, or a pair of such.")
    return int(pair[0]), int(pair[1])
