"""Hands the version number of blender_manifest.toml to pip; everything else is in pyproject.toml."""

import tomllib
from pathlib import Path

from setuptools import setup

manifest = tomllib.loads((Path(__file__).parent / "blender_manifest.toml").read_text("utf-8"))
setup(version=manifest["version"])
