"""Exceptions of a run."""

from __future__ import annotations


class ClusterError(RuntimeError):
    """The run cannot go on. What it has finished stays: the same call goes on from there."""


class RunChangedError(ClusterError, ValueError):
    """The folder holds a run of other frames, models or options."""
