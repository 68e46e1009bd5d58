"""Compiled kernels: functions of numbers and arrays, compiled by Numba; no object of the package enters here."""
