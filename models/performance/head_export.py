"""Generator of head motion to weight file: an ONNX Scan written out by hand, behind a gate.

The loop over steps is inside the graph, so that the file alone says how head motion is made.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

from ...inference.performance.head import CONTRACT, INPUTS, OUTPUTS
from ...inference.session import load_graph
from ..export import pass_gate, write_card
from .head_net import AXES, MANNERS, POSE_SCALE

if TYPE_CHECKING:
    from .head_net import HeadNet

TOLERANCE = 1e-3
"""In units of velocity, over 200 free steps. Measured below 1e-5: float32 sums in another order, fed back."""
_FLOAT = TensorProto.FLOAT


def _weights(net: HeadNet, gain: np.ndarray) -> dict[str, np.ndarray]:
    """Matrices as the graph uses them: rows times matrix."""
    state = {name: value.detach().numpy() for name, value in net.state_dict().items()}
    heard, noise = net.config.heard, net.config.noise
    given = state["given.weight"].T
    own = state["own.weight"].T.copy()
    own[:AXES] *= POSE_SCALE
    return {
        "sound_w": state["sound.weight"], "sound_b": state["sound.bias"],
        "given_heard": given[:heard], "given_noise": given[heard : heard + noise],
        "given_manner": given[heard + noise :], "given_b": state["given.bias"],
        "own_w": own, "recurrent_w": state["recurrent.weight"].T, "recurrent_b": state["recurrent.bias"],
        "velocity_w": state["velocity.weight"].T, "velocity_b": state["velocity.bias"],
        "keep": np.array([1.0 - net.config.leak], np.float32), "gain": gain,
    }  # fmt: skip


def _body(hidden: int) -> onnx.GraphProto:
    """One step: a GRU cell that knows its own last pose and velocity."""
    node = helper.make_node
    nodes = [
        node("Concat", ["pose_in", "velocity_in"], ["before"], axis=1),
        node("MatMul", ["before", "own_w"], ["own"]),
        node("Add", ["own", "given_t"], ["outer"]),
        node("Gemm", ["hidden_in", "recurrent_w", "recurrent_b"], ["inner"]),
        node("Split", ["outer", "thirds"], ["outer_gates", "outer_new"], axis=1),
        node("Split", ["inner", "thirds"], ["inner_gates", "inner_new"], axis=1),
        node("Add", ["outer_gates", "inner_gates"], ["gates_sum"]),
        node("Sigmoid", ["gates_sum"], ["gates"]),
        node("Split", ["gates", "halves"], ["reset", "update"], axis=1),
        node("Mul", ["reset", "inner_new"], ["kept_new"]),
        node("Add", ["outer_new", "kept_new"], ["new_sum"]),
        node("Tanh", ["new_sum"], ["new"]),
        node("Sub", ["hidden_in", "new"], ["change"]),
        node("Mul", ["update", "change"], ["carried"]),
        node("Add", ["new", "carried"], ["hidden_out"]),
        node("Gemm", ["hidden_out", "velocity_w", "velocity_b"], ["velocity_out"]),
        node("Mul", ["pose_in", "keep"], ["pose_kept"]),
        node("Add", ["pose_kept", "velocity_out"], ["pose_out"]),
        node("Squeeze", ["velocity_out", "first"], ["velocity_t"]),
    ]
    value = helper.make_tensor_value_info
    inputs = [value("hidden_in", _FLOAT, [1, hidden]), value("pose_in", _FLOAT, [1, AXES]),
              value("velocity_in", _FLOAT, [1, AXES]), value("given_t", _FLOAT, [3 * hidden])]  # fmt: skip
    outputs = [value("hidden_out", _FLOAT, [1, hidden]), value("pose_out", _FLOAT, [1, AXES]),
               value("velocity_out", _FLOAT, [1, AXES]), value("velocity_t", _FLOAT, [AXES])]  # fmt: skip
    return helper.make_graph(nodes, "step", inputs, outputs)


def _graph(net: HeadNet, gain: np.ndarray) -> onnx.ModelProto:
    config, node = net.config, helper.make_node
    nodes = [
        node("Transpose", ["features"], ["by_channel"], perm=[1, 0]),
        node("Unsqueeze", ["by_channel", "first"], ["batch"]),
        node("Conv", ["batch", "sound_w", "sound_b"], ["sound"]),
        node("Relu", ["sound"], ["sound_on"]),
        node("Squeeze", ["sound_on", "first"], ["sound_rows"]),
        node("Transpose", ["sound_rows"], ["heard"], perm=[1, 0]),
        node("MatMul", ["heard", "given_heard"], ["of_heard"]),
        node("MatMul", ["noise", "given_noise"], ["of_noise"]),
        node("Gemm", ["manner", "given_manner", "given_b"], ["of_manner"]),
        node("Add", ["of_heard", "of_noise"], ["of_both"]),
        node("Add", ["of_both", "of_manner"], ["given"]),
        node("Scan", ["hidden", "pose", "velocity", "given"],
             ["hidden_after", "pose_after", "velocity_after", "raw"], body=_body(config.hidden),
             num_scan_inputs=1),
        node("MatMul", ["manner", "gain"], ["gain_now"]),
        node("Mul", ["raw", "gain_now"], ["velocities"]),
    ]  # fmt: skip
    value = helper.make_tensor_value_info
    sizes = {"hidden": config.hidden, "pose": AXES, "velocity": AXES}
    inputs = [value("features", _FLOAT, ["rows", config.features]),
              value("noise", _FLOAT, ["steps", config.noise]), value("manner", _FLOAT, [1, len(MANNERS)]),
              *(value(name, _FLOAT, [1, size]) for name, size in sizes.items())]  # fmt: skip
    outputs = [value("velocities", _FLOAT, ["steps", AXES]),
               *(value(f"{name}_after", _FLOAT, [1, size]) for name, size in sizes.items())]  # fmt: skip
    constants = {name: array.astype(np.float32) for name, array in _weights(net, gain).items()}
    third = config.hidden
    integers = {"thirds": [2 * third, third], "halves": [third, third], "first": [0]}
    stored = [numpy_helper.from_array(np.ascontiguousarray(a), name) for name, a in constants.items()]
    stored += [numpy_helper.from_array(np.array(v, np.int64), name) for name, v in integers.items()]
    graph = helper.make_graph(nodes, "head", inputs, outputs, stored)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def _difference(net: HeadNet, path: Path, gain: np.ndarray) -> dict[str, float]:
    """Largest differences in velocity over random lengths: against torch, and in pieces against whole."""
    graph, random = load_graph(path, CONTRACT, INPUTS, OUTPUTS), np.random.default_rng(0)
    torch_worst = piece_worst = 0.0
    for _ in range(6):
        steps = int(random.integers(2, 200))
        features = random.normal(size=(net.before + steps, net.config.features)).astype(np.float32)
        noise = random.standard_normal((steps, net.config.noise)).astype(np.float32)
        manner = random.dirichlet(np.ones(len(MANNERS)), 1).astype(np.float32)
        with torch.inference_mode():
            wanted = net(torch.from_numpy(features)[None], torch.from_numpy(noise)[None],
                         torch.from_numpy(manner), net.start(1))[0][0].numpy() * (manner @ gain)  # fmt: skip
        whole = _run(graph, net, features, noise, manner, [steps])
        cut = int(random.integers(1, steps))
        pieces = _run(graph, net, features, noise, manner, [cut, steps])
        torch_worst = max(torch_worst, float(np.abs(whole - wanted).max()))
        piece_worst = max(piece_worst, float(np.abs(whole - pieces).max()))
    return {"onnxruntime against torch": torch_worst, "pieces against whole": piece_worst}


def _run(graph: Any, net: HeadNet, features: Any, noise: Any, manner: Any, ends: list[int]) -> np.ndarray:
    state = [x.numpy() for x in net.start(1)]
    made, start = [], 0
    for end in ends:
        velocity, *state = graph.run(
            features=features[start : net.before + end], noise=noise[start:end], manner=manner,
            hidden=state[0], pose=state[1], velocity=state[2],
        )  # fmt: skip
        made.append(velocity)
        start = end
    return np.concatenate(made)


def export_head(
    net: HeadNet, card: dict[str, Any], gain: np.ndarray, out: Path, log: TextIO | None = None
) -> bool:
    """Write the generator with its card to `out`; tells `log` the gate; False, with nothing written, when it
    fails.

    Args:
        net: the averaged generator.
        card: see `inference.performance.head.load_head_model`; `contract` and the sizes are added here.
        gain: [3, 3], per manner the factor of each axis that makes the spread of what it generates film's.
        out: the ONNX file.
    """
    config = net.config
    sizes = {
        "hidden": config.hidden, "noise": config.noise, "slow": config.slow, "before": net.before,
        "leak": config.leak,
    }  # fmt: skip
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent) as folder:
        candidate = Path(folder) / out.name
        onnx.save(_graph(net.eval(), gain), str(candidate))
        write_card(candidate, {"name": "soliloquy-head", "contract": CONTRACT, **card, **sizes})
        return pass_gate(_difference(net, candidate, gain), TOLERANCE, candidate, out, log)
