"""All targets by name."""

from __future__ import annotations

from importlib import import_module

MODULES = ("sound", "speech", "curves", "rigs", "weights", "people", "lines", "batches")


def all_targets() -> dict[str, object]:
    """Imports every module of targets."""
    found: dict[str, object] = {}
    for name in MODULES:
        found |= import_module(f"targets.{name}").TARGETS
    return found
