"""What the source may not hold: ways in which a file that is read could become code that runs."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(
    path
    for part in ("inference", "blender_addon", "__init__.py", "__main__.py")
    for path in ([ROOT / part] if part.endswith(".py") else (ROOT / part).rglob("*.py"))
)
MODULES = {
    "pickle", "_pickle", "cPickle", "cloudpickle", "dill", "shelve", "marshal", "joblib", "jsonpickle",
    "yaml", "xmlrpc", "tarfile", "code", "imp", "runpy",
}  # fmt: skip
"""Their readers run what they read, or (tarfile) write where it says."""
CALLS = {"eval", "exec", "compile", "__import__"}
METHODS = {"extractall", "mktemp", "fromregex"}


def faults(source: str) -> list[str]:
    """One sentence for everything that must not be there."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found += [f"imports {one.name}" for one in node.names if one.name.split(".")[0] in MODULES]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            if (node.module or "").split(".")[0] in MODULES:
                found.append(f"imports {node.module}")
        elif isinstance(node, ast.Call):
            found += called(node)
    return found


def called(node: ast.Call) -> list[str]:
    """What is wrong with a call."""
    found = []
    if isinstance(node.func, ast.Name) and node.func.id in CALLS:
        found.append(f"calls {node.func.id}")
    method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
    owner = node.func.value if isinstance(node.func, ast.Attribute) else None
    if method in METHODS or (
        method in ("system", "popen") and isinstance(owner, ast.Name) and owner.id == "os"
    ):
        found.append(f"calls {method}")
    for keyword in node.keywords:
        value = keyword.value.value if isinstance(keyword.value, ast.Constant) else None
        if keyword.arg == "allow_pickle" and value is not False:
            found.append("allows pickles")
        if keyword.arg == "shell" and value is not False:
            found.append("starts a shell")
    of_numpy = isinstance(owner, ast.Name) and owner.id in ("np", "numpy")
    named = {keyword.arg for keyword in node.keywords}
    if of_numpy and method == "fromstring":
        found.append("calls fromstring")
    if of_numpy and method == "load" and "allow_pickle" not in named:
        # False is numpy's default, but arrays that are read from a file say so.
        found.append("np.load does not say allow_pickle=False")
    return found


def test_files_were_found():
    assert len(FILES) > 200


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(ROOT).as_posix())
def test_nothing_that_is_read_can_run(file):
    assert faults(file.read_text("utf-8")) == []


@pytest.mark.parametrize(
    "source",
    [
        "import pickle",
        "from pickle import loads",
        "import a, yaml",
        "eval('1')",
        "exec(text)",
        "np.load(p)",
        "np.load(p, allow_pickle=True)",
        "np.load(p, allow_pickle=flag)",
        "run(c, shell=True)",
        "z.extractall(p)",
        "os.system(c)",
        "def f():\n    from marshal import loads",
        "tempfile.mktemp()",
        "import tarfile",
    ],
)
def test_the_test_sees(source):
    assert faults(source)


@pytest.mark.parametrize(
    "source",
    ["re.compile('x')", "np.load(p, allow_pickle=False)", "import json", "run(c, shell=False)", "m.eval()"],
)
def test_the_test_lets_pass(source):
    assert faults(source) == []
