"""Who may import whom, read from the source; and what importing the package costs."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
HEAVY = (
    "bpy", "torch", "onnxruntime", "soundfile", "soxr", "av", "scipy", "librosa", "matplotlib",
    "mediapipe", "cv2", "OpenImageIO", "c2pa", "cryptography", "ray",
)  # fmt: skip

FORBIDDEN = {
    "inference": {
        "bpy",
        "bmesh",
        "mathutils",
        "aud",
        "gpu",
        "torch",
        "models",
        "blender_addon",
        "tests",
        "scipy",
        "librosa",
        "skimage",
        "PIL",
    },
    "blender_addon": {"torch", "onnxruntime", "models", "tests", "scipy", "librosa"},
    "models": {"bpy", "bmesh", "blender_addon", "tests"},
    "__init__.py": {"bpy", "torch", "onnxruntime", "models", "tests"},
    "__main__.py": {"bpy", "torch", "onnxruntime", "models", "blender_addon", "tests"},
    "build.py": {"inference", "blender_addon", "models", "bpy", "torch", "onnxruntime", "soliloquy"},
}
SOLE_IMPORTERS = {
    "onnxruntime": {"inference/session.py"},
    "soundfile": {"inference/audio_soundfile.py"},
    "mediapipe": {"inference/actor/capture/tracking.py"},
    "cv2": {"inference/actor/capture/tracking.py"},
    "OpenImageIO": {"inference/actor/media/images.py"},
    "c2pa": {"inference/actor/trust/provenance.py"},
    "ray": {"inference/batch/ray_engine.py"},
    "cryptography": {"inference/actor/trust/credentials.py"},
    "av": {
        "inference/audio_video.py",
        "inference/actor/media/movies.py",
        "inference/actor/media/movie_writer.py",
    },
}

# fmt: off
LAYERS = (
    {"errors", "channels", "types", "version", "visemes", "protobuf", "rig_source", "rig_assign", "rotation"},
    {
        "timing", "lip_basis", "alignment", "transcript", "prosody", "bezier", "key_reduction",
        "instruction", "weight_check",
    },
    {"loudness", "files", "names", "safe_names", "weight_files", "contacts", "rig_solve", "rig_movements"},
    {"audio", "session", "curves", "articulation", "rig_json", "rig_names", "rig_geometry"},
    {"retarget", "readback", "compose", "formats", "rig_align", "rig_bones", "rig_shapes"},
    {"rig_basis", "rig_face", "rig_groups"},
    {"rig_solved"},
    {"motion", "rig_match"},
    {"performance", "parts", "hearing"},
    {"pipeline", "jobs", "console", "memory_study", "motion_pack"},
    {"memory_plot", "live", "reapply"},
    {"actor"},
    {"batch"},
    {"farm"},
    {"commands"},
    {"cli"},
    {"__main__"},
)
# fmt: on
"""Lowest first: a module of inference imports from lower layers only. `audio` stands for `audio_...` too."""


def family(module):
    return "audio" if module.startswith("audio_") else module


def sources(part):
    path = ROOT / part
    return sorted(path.rglob("*.py")) if path.is_dir() else [path]


def imported(file):
    """(module path from the root for relative imports, line) of everything a file imports, functions too."""
    package = file.relative_to(ROOT).parent.parts
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"), str(file))):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module, node.lineno
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1]
            stem = [*base, *(node.module or "").split(".")] if node.module else [*base]
            if node.module:
                yield ".".join(stem), node.lineno
            else:
                yield from ((".".join([*stem, alias.name]), node.lineno) for alias in node.names)


def own(name):
    """Path inside the repository of a module name, however it is reached."""
    return name.removeprefix("soliloquy.")


@pytest.mark.parametrize("part", FORBIDDEN)
def test_no_import_crosses_a_border(part):
    files = sources(part)
    assert files
    for file in files:
        for name, line in imported(file):
            top = own(name).split(".")[0]
            assert top not in FORBIDDEN[part], f"{file.relative_to(ROOT)}:{line} imports {name}"


@pytest.mark.parametrize("part", ["inference", "blender_addon", "__init__.py", "__main__.py"])
def test_the_package_is_never_imported_by_its_own_name(part):
    for file in sources(part):
        for name, line in imported(file):
            assert not name.startswith("soliloquy"), f"{file.relative_to(ROOT)}:{line}: use a relative import"


def test_some_libraries_have_one_importer():
    for part in ("inference", "blender_addon"):
        for file in sources(part):
            where = file.relative_to(ROOT).as_posix()
            for name, line in imported(file):
                allowed = SOLE_IMPORTERS.get(name.split(".")[0])
                assert allowed is None or where in allowed, f"{where}:{line} imports {name}"


def test_inference_is_built_in_layers():
    rank = {name: i for i, layer in enumerate(LAYERS) for name in layer}
    for file in sources("inference"):
        parts = file.relative_to(ROOT / "inference").with_suffix("").parts
        module = family(parts[0])
        if module == "__init__":
            continue
        assert module in rank, f"give inference/{'/'.join(parts)}.py its place in LAYERS"
        for name, line in imported(file):
            path = own(name).split(".")
            if path[0] != "inference" or len(path) == 1 or family(path[1]) == module:
                continue
            assert rank[family(path[1])] < rank[module], (
                f"inference/{'/'.join(parts)}.py:{line} imports {name} upwards"
            )


def test_blender_versions_are_looked_at_in_one_place():
    for file in sources("blender_addon"):
        if file.name == "compat.py":
            continue
        text = file.read_text(encoding="utf-8")
        assert "app.version" not in text, f"{file.relative_to(ROOT)} looks at the Blender version"


def inference_modules():
    files = [f for f in sources("inference") if f.name not in ("__init__.py", "__main__.py")]
    return [".".join(("soliloquy", *f.relative_to(ROOT).with_suffix("").parts)) for f in files]


def test_importing_every_module_loads_no_heavy_library():
    code = (
        f"import sys, soliloquy\nfor name in {inference_modules()!r}: __import__(name)\n"
        f"print(*[heavy for heavy in {HEAVY!r} if heavy in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == []


def test_reading_a_command_line_loads_no_numpy():
    code = "import sys; from soliloquy.inference.cli import main; main(['-h']); print('numpy' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.split()[-1] == "False"


def test_importing_the_package_itself_loads_nothing_but_itself():
    code = "import sys, soliloquy; print(*{'numpy', 'bpy', 'soliloquy.inference'} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout.split() == []
