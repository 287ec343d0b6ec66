"""Which device runs the model; and what the shipped weights promise whatever the sound."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
from fake_model import CARD, LoudnessGraph
from hypothesis import given, settings
from hypothesis import strategies as st
from soliloquy.inference import session
from soliloquy.inference.audio import read_audio
from soliloquy.inference.channels import ARKIT_52, LIPS
from soliloquy.inference.errors import ModelError
from soliloquy.inference.pipeline import AnimateSettings, animate_file, collect
from soliloquy.inference.session import load_speech_model

SAMPLE = Path(__file__).resolve().parents[2] / "blender_addon" / "assets" / "sample.flac"
CPU, CUDA, DML = "CPUExecutionProvider", "CUDAExecutionProvider", "DmlExecutionProvider"
shipped = pytest.mark.skipif(not session.SPEECH_WEIGHTS.is_file(), reason="the shipped weights are not there")


class Meta:
    custom_metadata_map = {session.CARD_KEY: ""}  # noqa: RUF012


class Port:
    def __init__(self, name, shape):
        self.name, self.shape = name, shape


class FakeRuntime:
    """Stands where onnxruntime stands: `behaviour` says per provider what happens to a session on it."""

    class SessionOptions:
        enable_mem_pattern = True

    def __init__(self, offered, behaviour=None):
        self.offered, self.behaviour = offered, behaviour or {}
        self.asked = []

    def get_available_providers(self):
        return self.offered

    def InferenceSession(self, graph, options, providers, enable_fallback=1):  # noqa: N802  onnxruntime's name
        names = [p if isinstance(p, str) else p[0] for p in providers]
        assert names[-1] == CPU
        self.asked.append((names[0], options.enable_mem_pattern))
        does = self.behaviour.get(names[0], "works")
        if does == "raises":
            if enable_fallback and names[0] != CPU:
                print("EP Error: as the real one prints")
                return FakeSession(CPU, "works")
            raise RuntimeError("no such library: libcudnn.so\nand forty more lines")
        return FakeSession(CPU if does == "drops out" else names[0], does)


class FakeSession(LoudnessGraph):
    def __init__(self, provider, does):
        self.provider, self.does = provider, does

    def get_providers(self):
        return [self.provider, CPU]

    def get_modelmeta(self):
        return Meta()

    def get_inputs(self):
        return [Port("samples", [1, None])]

    def get_outputs(self):
        return [Port(name, [1, None, len(ARKIT_52)]) for name in session.OUTPUTS]

    def run(self, outputs, feed):
        if self.does == "cannot run" or (self.does == "stops" and feed["samples"].shape[1] > 16_000):
            raise RuntimeError("out of memory")
        values = super().run(outputs, feed)
        return [np.full_like(v, np.nan) for v in values] if self.does == "gives NaN" else values


def opened(monkeypatch, tmp_path, device, offered, **behaviour):
    """(model, sentences, providers asked for)."""
    runtime = FakeRuntime(offered, behaviour)
    monkeypatch.setattr(session, "_import_onnxruntime", lambda: runtime)
    monkeypatch.setattr(session, "_read_card", lambda *_: CARD)
    (tmp_path / "w.onnx").write_bytes(b"")  # an empty message is a graph, as far as can be seen
    said = []
    model = load_speech_model(tmp_path / "w.onnx", device=device, notify=said.append)
    return model, said, runtime.asked


@pytest.mark.parametrize("device", ["auto", "cpu"])
def test_the_cpu_runs_the_model_unless_a_gpu_is_asked_for(monkeypatch, tmp_path, device):
    model, said, asked = opened(monkeypatch, tmp_path, device, [CUDA, CPU])
    assert (model.provider, said, asked) == (CPU, [], [(CPU, True)])


def test_cuda_comes_first_whatever_the_order_of_the_offer(monkeypatch, tmp_path):
    model, said, _ = opened(monkeypatch, tmp_path, "gpu", ["AzureExecutionProvider", DML, CUDA, CPU])
    assert (model.provider, said) == (CUDA, [])


@pytest.mark.parametrize("does", ["raises", "drops out", "cannot run", "gives NaN"])
def test_a_provider_that_fails_makes_room_for_the_next_and_says_why(monkeypatch, tmp_path, does, capsys):
    model, said, asked = opened(monkeypatch, tmp_path, "gpu", [DML, CUDA, CPU], CUDAExecutionProvider=does)
    assert model.provider == DML
    assert asked[1:] == [(CUDA, True), (DML, False)]
    assert len(said) == 1
    assert said[0].startswith(CUDA)
    assert len(said[0].splitlines()) == 1
    model, said, _ = opened(monkeypatch, tmp_path, "gpu", [CUDA, CPU], CUDAExecutionProvider=does)
    assert (model.provider, len(said)) == (CPU, 1)
    assert capsys.readouterr().out == ""


def test_without_any_gpu_provider_the_cpu_is_used_with_a_notice(monkeypatch, tmp_path):
    model, said, _ = opened(monkeypatch, tmp_path, "gpu", ["AzureExecutionProvider", CPU])
    assert model.provider == CPU
    assert "no GPU provider" in said[0]


def test_a_gpu_that_stops_on_the_way_is_one_sentence(monkeypatch, tmp_path):
    model, said, _ = opened(monkeypatch, tmp_path, "gpu", [CUDA, CPU], CUDAExecutionProvider="stops")
    assert (model.provider, said) == (CUDA, [])
    with pytest.raises(ModelError, match="out of memory"):
        model.run(np.zeros(16_001, np.float32))


def test_a_file_that_the_cpu_cannot_open_is_damaged_on_every_device(monkeypatch, tmp_path):
    for device in session.DEVICES:
        with pytest.raises(ModelError, match=r"w\.onnx is damaged"):
            opened(monkeypatch, tmp_path, device, [CUDA, CPU], CPUExecutionProvider="raises")
    with pytest.raises(ValueError, match="device"):
        load_speech_model(device="tpu")


def test_the_real_runtime_takes_the_options_of_every_device(monkeypatch):
    if not session.SPEECH_WEIGHTS.is_file():
        pytest.skip("the shipped weights are not there")
    said = []
    own = load_speech_model()
    asked = load_speech_model(device="gpu", notify=said.append)
    assert own.provider == CPU
    assert (asked.provider == CPU) == bool(said)
    sound = np.random.default_rng(0).normal(0.0, 0.06, 32_000).astype(np.float32)
    np.testing.assert_allclose(asked.run(sound).weights, own.run(sound).weights, atol=2e-3)


@pytest.fixture(scope="module")
def model():
    return load_speech_model()


def animated(path, model):
    return collect(animate_file(path, model, AnimateSettings(rate_hz=60.0))).values


@shipped
def test_the_same_sound_gives_the_same_bits(model, tmp_path):
    shutil.copy(SAMPLE, tmp_path / SAMPLE.name)
    first = animated(SAMPLE, model)
    np.testing.assert_array_equal(animated(SAMPLE, model), first)
    np.testing.assert_array_equal(animated(tmp_path / SAMPLE.name, load_speech_model()), first)


@shipped
@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_a_file_at_half_or_double_loudness_moves_the_lips_alike(model, tmp_path, factor):
    clip = read_audio(SAMPLE)
    quiet = clip.samples * np.float32(0.4 / np.abs(clip.samples).max())
    lips = [ARKIT_52.index(channel) for channel in (*LIPS, "jawOpen")]
    moved = []
    for gain in (1.0, factor):
        path = tmp_path / f"{gain}" / "line.wav"  # the same name: the same blinks
        path.parent.mkdir()
        soundfile.write(path, quiet * np.float32(gain), clip.rate_hz, subtype="PCM_16")
        moved.append(animated(path, model)[:, lips])
    assert moved[0].max() > 0.2
    assert np.abs(moved[1] - moved[0]).mean() < 0.1 * moved[0].mean()


@st.composite
def sounds(draw):
    """float32 [N] of half a second: noise of any level, with offset, clipped, buzzing, or all of it."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    times_s = np.arange(draw(st.integers(1, 8_000))) / 16_000
    noise = rng.normal(0.0, 10.0 ** draw(st.floats(-6.0, 1.0)), len(times_s))
    buzz = draw(st.floats(0.0, 2.0)) * np.sign(np.sin(2 * np.pi * draw(st.floats(0.0, 8_000.0)) * times_s))
    offset = draw(st.floats(-2.0, 2.0))
    return np.clip(noise + buzz + offset, -1.0, 1.0).astype(np.float32)


@shipped
@settings(max_examples=30)
@given(sound=sounds())
def test_weights_stay_within_0_and_1_whatever_the_sound(model, sound):
    padded = np.pad(sound, (model.receptive_field, model.receptive_field))
    heard = model.run(padded)
    assert heard.weights.min() >= 0.0
    assert heard.weights.max() <= 1.0
    np.testing.assert_allclose(heard.visemes.sum(axis=1), 1.0, atol=1e-4)


@shipped
@settings(max_examples=8)
@given(sound=sounds(), subtype=st.sampled_from(["PCM_16", "FLOAT", "PCM_U8"]))
def test_so_do_those_of_a_file(model, sound, subtype, tmp_path_factory):
    path = tmp_path_factory.mktemp("sound") / "a.wav"
    soundfile.write(path, sound, 16_000, subtype=subtype)
    values = animated(path, model)
    assert np.isfinite(values).all()
    assert values.min() >= 0.0
    assert values.max() <= 1.0
