"""The network's shape arithmetic, its memory, and the export gate on a small random network."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from soliloquy.inference.errors import ModelError
from soliloquy.inference.session import load_speech_model
from soliloquy.models.data.arkit_fit import ict_lip_basis
from soliloquy.models.export import export, gate
from soliloquy.models.speech.checkpoint import load_checkpoint, save_checkpoint
from soliloquy.models.speech.frontend import MELS
from soliloquy.models.speech.memory import ImplicitMemory
from soliloquy.models.speech.net import (
    APERTURE_AT_REST_MM,
    APERTURE_MM,
    SpeechNet,
    SpeechNetConfig,
)

SHARED = Path(__file__).parents[3] / "shared"
SMALL = SpeechNetConfig(
    width=16, head_width=12, encoder_layers=1, head_layers=3, memory_slots=5, right_context=1600
)


@pytest.fixture(scope="module")
def net() -> SpeechNet:
    torch.manual_seed(3)
    net = SpeechNet(SMALL)
    with torch.no_grad():
        net.decode.bias.fill_(0.4)  # so that the clamp at 0 does not hide differences
        net.decode.weight.mul_(30)  # an untrained decoder hardly moves
    return net.eval()


@pytest.mark.parametrize("extra", [0, 1, 319, 320, 6400])
def test_one_frame_per_hop_beyond_the_receptive_field(net: SpeechNet, extra: int) -> None:
    assert net.predict(torch.zeros(1, net.receptive_field + extra)).shape == (1, extra // 320 + 1, 15)


def test_a_frame_hears_nothing_outside_its_receptive_field(net: SpeechNet) -> None:
    field = net.receptive_field
    samples = torch.randn(1, field + 20 * 320) * 0.1
    changed = samples.clone()
    changed[:, : 10 * 320] = 0  # before the field of frame 10
    changed[:, 10 * 320 + field :] = 0  # and after it
    before, after = net(samples).controls[0], net(changed).controls[0]
    assert torch.allclose(before[10], after[10], atol=1e-5)
    assert not torch.allclose(before[9], after[9], atol=1e-5)


def test_memory_addresses_sum_to_one_and_add_a_mixture_of_values() -> None:
    memory = ImplicitMemory(7, 4)
    x = torch.randn(2, 4, 9)
    address = memory.address(x)
    assert torch.allclose(address.sum(1), torch.ones(2, 9), atol=1e-6)
    assert torch.allclose(
        memory(x, address) - x, torch.einsum("bmt,mc->bct", address, memory.values), atol=1e-6
    )


def test_mouth_close_never_exceeds_jaw_open(net: SpeechNet) -> None:
    controls = net.predict(torch.randn(1, net.receptive_field + 32_000))
    assert (controls[..., 1] <= controls[..., 0]).all()


def test_the_apertures_in_the_graph_are_those_of_the_ict_face() -> None:
    if not (SHARED / "data" / "ict_facekit").exists():
        pytest.skip("the data sets are not beside the project")
    rest, basis = ict_lip_basis(SHARED)
    assert np.allclose(basis[0], APERTURE_MM, atol=0.06)
    assert rest[0] == pytest.approx(APERTURE_AT_REST_MM, abs=0.01)


@pytest.mark.parametrize(
    ("jaw", "closing", "apart_mm"), [(0.02, 0.0, 0.6), (0.05, 0.0, 0.52), (0.2, 0.0, 7.3), (0.2, 1.0, 0.0)]
)
def test_nearly_closed_lips_meet_sooner_where_a_closure_is_heard(
    net: SpeechNet, jaw: float, closing: float, apart_mm: float
) -> None:
    controls = torch.zeros(1, 1, 15)
    controls[..., 0] = jaw
    sealed = net.seal(controls, torch.full((1, 1), closing))
    left_mm = APERTURE_AT_REST_MM + float((sealed * net.aperture_mm).sum())
    assert left_mm == pytest.approx(apart_mm, abs=0.3)
    assert float(sealed[..., 0]) == pytest.approx(jaw)


def test_another_mouth_is_a_mixture_of_the_persons_and_leaves_them_as_they_are() -> None:
    torch.manual_seed(5)
    net = SpeechNet(replace(SMALL, speaker_shares=(0.5, 0.5, 0.0))).eval()
    torch.nn.init.normal_(net.corrections)
    mel = torch.randn(3, MELS, 200)
    persons = net.forward_mel(mel, torch.arange(3)).controls
    third = net.forward_mel(mel, torch.full((3,), 2)).controls
    net.read_as((0.0, 0.0, 1.0))
    assert torch.allclose(net.forward_mel(mel, torch.arange(3)).controls, persons, atol=1e-4)
    assert torch.allclose(net.forward_mel(mel).controls, third, atol=1e-4)


def test_checkpoint_round_trip_and_export_gate(net: SpeechNet, tmp_path: Path) -> None:
    meta = {"version": "0.0.0", "training_data": "none"}
    save_checkpoint(tmp_path / "checkpoint.pt", net, meta)
    loaded, meta_back = load_checkpoint(tmp_path / "checkpoint.pt")
    assert meta_back == meta
    assert all(
        torch.equal(a, b)
        for a, b in zip(net.state_dict().values(), loaded.state_dict().values(), strict=True)
    )
    weights = tmp_path / "small.onnx"
    assert export(tmp_path, weights)
    assert load_speech_model(weights).card.right_context == SMALL.right_context
    assert list(tmp_path.glob("*.onnx")) == [weights]


def test_the_gate_sees_a_wrong_weight(net: SpeechNet, tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "checkpoint.pt", net, {"version": "0.0.0", "training_data": "none"})
    export(tmp_path, tmp_path / "small.onnx")
    other = SpeechNet(SMALL).eval()
    other.load_state_dict(net.state_dict())
    with torch.no_grad():
        other.decode.bias += 0.01
    assert gate(other, load_speech_model(tmp_path / "small.onnx"))["onnxruntime against torch"] > 1e-4


def test_a_truncated_weight_file_is_refused_by_name(net: SpeechNet, tmp_path: Path) -> None:
    save_checkpoint(tmp_path / "checkpoint.pt", net, {"version": "0.0.0", "training_data": "none"})
    weights = tmp_path / "small.onnx"
    export(tmp_path, weights)
    weights.write_bytes(weights.read_bytes()[:-1000])
    with pytest.raises(ModelError, match=r"small\.onnx is damaged"):
        load_speech_model(weights)


def test_untrained_outputs_differ_between_sounds(net: SpeechNet) -> None:
    rng = np.random.default_rng(1)
    a, b = (
        torch.from_numpy(rng.standard_normal((1, net.receptive_field)).astype(np.float32)) for _ in range(2)
    )
    assert not torch.equal(net(a).controls, net(b).controls)
