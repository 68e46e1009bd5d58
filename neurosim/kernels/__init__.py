"""Compiled kernels: functions of numbers and arrays; no object of the package enters here."""
