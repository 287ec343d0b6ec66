"""A tiny actor that nobody is: a face of ellipses, a noisy plate, a memory and a renderer that mixes patches.

Everything in it has the shapes and the meaning of a real actor folder, so that what reads one can be tested
without a tracker, a trainer or a person. Needs OpenImageIO for plates of images, PyAV for movies, and onnx
for the renderer; callers skip where they are absent.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from soliloquy.inference.actor.crop import fit_crop, layout, sample, to_crop, upright
from soliloquy.inference.actor.folder import Actor, make_actor
from soliloquy.inference.actor.landmarks import LIPS_INNER, LIPS_OUTER, MOUTH_REGION
from soliloquy.inference.actor.media.plate import open_plate
from soliloquy.inference.actor.memory.bank import keys_of, save_memory
from soliloquy.inference.actor.painting.conditioning import GEOMETRY, INPUTS
from soliloquy.inference.actor.painting.renderer import CONTRACT, OUTPUT
from soliloquy.inference.actor.take import save_face, save_take
from soliloquy.inference.actor.types import POINTS, ActorFace, MemoryBank, Take
from soliloquy.inference.channels import ARKIT_52
from soliloquy.inference.session import CARD_KEY
from soliloquy.inference.types import FaceMotion

CONSENT = "A drawn face of these tests, nobody's: consents to everything"
RATE_HZ = 24.0
SIZE = 32
"""Side of the crop in pixels."""
WIDTH, HEIGHT = 160, 120
FOCAL_PX = 300.0
DISTANCE_CM = 60.0
COMPONENTS = 3


@dataclass(frozen=True)
class TinyActor:
    """What `make_tiny_actor` made: `plate` the folder of its PNG frames."""

    actor: Actor
    face: ActorFace
    take: Take
    bank: MemoryBank
    plate: Path


def tiny_face() -> ActorFace:
    """A face of ellipses, in centimetres; its expressions are jaw, width of the mouth, and cheeks."""
    random = np.random.default_rng(7)
    angle = random.uniform(0, 2 * np.pi, POINTS)
    identity = np.stack([6 * np.cos(angle), 8 * np.sin(angle), random.uniform(-3, 0, POINTS)], 1)
    identity[list(MOUTH_REGION)] = identity[list(MOUTH_REGION)] * 0.4 + [0, -4.2, 1]
    for ring, width, height in ((LIPS_OUTER, 2.4, 0.9), (LIPS_INNER, 1.7, 0.12)):
        turn = np.pi + np.linspace(0, 2 * np.pi, len(ring), endpoint=False)
        identity[list(ring)] = np.stack(
            [width * np.cos(turn), -4 + height * np.sin(turn), 2 - 0.1 * width * np.cos(turn) ** 2], 1
        )
    placed = {
        33: (-4.5, 2.5, 0), 133: (-1.6, 2.5, 0.4), 362: (1.6, 2.5, 0.4), 263: (4.5, 2.5, 0), 168: (0, 2.6, 1),
        6: (0, 2, 1.3), 197: (0, 1.2, 1.8), 195: (0, 0.6, 2.3), 5: (0, 0, 2.8), 4: (0, -0.5, 3.2),
        1: (0, -1, 3.2), 2: (0, -1.7, 2.6), 98: (-1.2, -1.4, 2), 327: (1.2, -1.4, 2), 10: (0, 7.5, 0),
        67: (-3, 6.5, -0.5), 297: (3, 6.5, -0.5), 127: (-6.5, 2, -3), 356: (6.5, 2, -3),
        152: (0, -7.5, 1), 13: (0, -3.94, 2), 14: (0, -4.06, 2), 61: (-2.4, -4, 1.8), 291: (2.4, -4, 1.8),
    }  # fmt: skip
    for point, place in placed.items():
        identity[point] = place
    used = {*placed, *MOUTH_REGION, *LIPS_OUTER, *LIPS_INNER}
    rings = np.array([i for i in range(468) if i not in used])[: 4 * 24].reshape(4, 24)
    turn = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    for ring, share in zip(rings, (1.0, 0.85, 0.6, 0.3), strict=True):
        flat = share * np.stack([6 * np.cos(turn), 8 * np.sin(turn)], 1)
        identity[ring] = np.c_[flat, np.full(24, 2.5 - 5 * share**2)]
    triangles = _triangles(rings)
    below = np.clip((-4.0 - identity[:, 1]) / 0.2, 0, 1)
    jaw = np.stack([0 * below, -0.5 * below, -0.1 * below], 1)
    mouth = np.zeros(POINTS)
    mouth[list(MOUTH_REGION)] = 1
    width = np.stack([0.1 * mouth * identity[:, 0], 0 * mouth, 0 * mouth], 1)
    cheeks = random.normal(0, 0.02, (POINTS, 3)) * mouth[:, None]
    arkit = np.zeros((53, COMPONENTS), np.float32)
    arkit[ARKIT_52.index("jawOpen"), 0] = 4.0
    arkit[ARKIT_52.index("mouthSmileLeft"), 1] = 1.0
    arkit[ARKIT_52.index("mouthSmileRight"), 1] = 1.0
    basis = np.stack([jaw, width, cheeks]).astype(np.float32)
    return ActorFace(identity.astype(np.float32), basis, triangles, arkit)


def _triangles(rings: np.ndarray) -> np.ndarray:
    """int32 [F, 3] between rings of vertices [R, K], the outermost first, and round the nose in the middle;
    counter-clockwise from the front."""
    found = []
    for outer, inner in pairwise(rings):
        for a, b, c, d in zip(outer, np.roll(outer, -1), inner, np.roll(inner, -1), strict=True):
            found += [(a, b, c), (b, d, c)]
    found += [(a, b, 4) for a, b in zip(rings[-1], np.roll(rings[-1], -1), strict=True)]
    return np.array(found, np.int32)


def tiny_expressions(count: int) -> np.ndarray:
    """float32 [count, COMPONENTS]: a mouth that opens and closes."""
    phase = np.arange(count) * 0.7
    return np.stack([1 - np.cos(phase), 0.5 * np.sin(phase), 0 * phase], 1).astype(np.float32)


def tiny_heads(count: int) -> np.ndarray:
    """float32 [count, 4, 4] camera <- head: turning a little, and moving across."""
    head = np.tile(np.eye(4, dtype=np.float32), (count, 1, 1))
    yaw = 0.05 * np.sin(np.arange(count) * 0.3)
    head[:, 0, 0] = head[:, 2, 2] = np.cos(yaw)
    head[:, 0, 2], head[:, 2, 0] = np.sin(yaw), -np.sin(yaw)
    head[:, 0, 3], head[:, 1, 3], head[:, 2, 3] = 0.3 * np.sin(np.arange(count) * 0.2), 1, -DISTANCE_CM
    return head


def project(face: ActorFace, expression: np.ndarray, head: np.ndarray) -> np.ndarray:
    """float32 [T, 478, 3] plate pixels, z as x, smaller is nearer."""
    placed = np.einsum("tij,tpj->tpi", head[:, :3, :3], face.vertices(expression)) + head[:, None, :3, 3]
    scale = FOCAL_PX / -placed[..., 2]
    across, down = WIDTH / 2 + placed[..., 0] * scale, HEIGHT / 2 - placed[..., 1] * scale
    return np.stack([across, down, -placed[..., 2] * scale - FOCAL_PX], 2).astype(np.float32)


def tiny_pictures(landmarks: np.ndarray) -> np.ndarray:
    """uint8 [T, HEIGHT, WIDTH, 3]: skin with texture, and a dark mouth where the landmarks have it."""
    down, across = np.mgrid[:HEIGHT, :WIDTH] + 0.5
    texture = 10 * np.sin(across / 6) * np.cos(down / 5) + 8 * np.sin(0.11 * across + 0.17 * down)
    ground = np.array([190.0, 150.0, 130.0]) + texture[..., None]
    frames = []
    for points in landmarks:
        picture = ground.copy()
        for ring, colour in ((LIPS_OUTER, (170, 80, 80)), (LIPS_INNER, (40, 15, 15))):
            low, high = points[list(ring), :2].min(0), points[list(ring), :2].max(0)
            middle, half = (low + high) / 2, np.maximum((high - low) / 2, 0.5)
            inside = ((across - middle[0]) / half[0]) ** 2 + ((down - middle[1]) / half[1]) ** 2 < 1
            picture[inside] = colour
        frames.append(np.clip(picture, 0, 255).astype(np.uint8))
    return np.stack(frames)


def write_plate(folder: Path, pictures: np.ndarray, first: int = 1) -> Path:
    """Frames as PNG files, numbered from `first`."""
    from soliloquy.inference.actor.media.images import write_png

    folder.mkdir(parents=True, exist_ok=True)
    for number, picture in enumerate(pictures, start=first):
        write_png(folder / f"plate.{number:04d}.png", picture)
    return folder


def tiny_take(face: ActorFace, frames: int, plate: Path, first: int = 1) -> Take:
    """The take of `tiny_pictures` in a folder; all of it sure."""
    expression, head = tiny_expressions(frames), tiny_heads(frames)
    with open_plate(plate) as opened:
        info = opened.info
    landmarks = project(face, expression, head)
    return take_of(face, expression, head, landmarks, plate=info.path.name, sha256=info.sha256, first=first)


def take_of(
    face: ActorFace,
    expression: np.ndarray,
    head: np.ndarray,
    landmarks: np.ndarray,
    *,
    plate: str,
    sha256: str,
    first: int = 1,
) -> Take:
    """A take with these values; all of it sure, its colours a little off the reference."""
    frames = len(expression)
    values = np.zeros((frames, len(ARKIT_52)), np.float32)
    values[:, ARKIT_52.index("jawOpen")] = expression[:, 0] / 4
    colour = np.zeros((frames, 3, 2), np.float32)
    colour[:, :, 0] = 0.9, 1.0, 1.1
    return Take(
        plate=plate,
        plate_sha256=sha256,
        size=(WIDTH, HEIGHT),
        numbers=np.arange(first, first + frames, dtype=np.int32),
        motion=FaceMotion(values, ARKIT_52, RATE_HZ),
        landmarks=landmarks,
        head=head,
        focal_px=FOCAL_PX,
        expression=expression,
        crop=fit_crop(landmarks, layout(upright(face.identity), SIZE), SIZE),
        colour=colour,
        confidence=np.ones(frames, np.float32),
        gaps=np.zeros(frames, np.uint8),
    )


def tiny_bank(actor: Actor, face: ActorFace, take: Take, pictures: np.ndarray, name: str) -> MemoryBank:
    """Every frame of the take, in reference colours."""
    gain = take.colour[:, None, None, :, 0]
    crops = np.stack([sample(p, t, SIZE) for p, t in zip(pictures, take.crop, strict=True)]) * gain
    return MemoryBank(
        actor=actor.identifier,
        keys=keys_of(face, take.expression, take.head),
        patches=np.clip(np.rint(crops), 0, 255).astype(np.uint8),
        points=to_crop(take.landmarks[:, list(MOUTH_REGION)], take.crop),
        take=np.zeros(len(take), np.uint16),
        frame=take.numbers,
        sharpness=np.ones(len(take), np.float32),
        takes=(name,),
    )


def write_renderer(path: Path, actor: str, *, size: int, keys: int, patches: int = 2, **card: object) -> None:
    """An ONNX renderer that fills the hole with the mean of the patches; `card` overrides its card."""
    import onnx
    from onnx import TensorProto, helper

    batch, count, side = "batch", "patches", "size"
    shapes = {
        "plate": (TensorProto.FLOAT, [batch, 4, side, side]),
        "geometry": (TensorProto.FLOAT, [batch, GEOMETRY, "half", "half"]),
        "patches": (TensorProto.UINT8, [batch, count, side, side, 3]),
        "places": (TensorProto.FLOAT, [batch, count, "nodes", "nodes", 2]),
        "distance": (TensorProto.FLOAT, [batch, count]),
    }
    constants = [
        helper.make_tensor("zero", TensorProto.INT64, [1], [0]),
        helper.make_tensor("three", TensorProto.INT64, [1], [3]),
        helper.make_tensor("four", TensorProto.INT64, [1], [4]),
        helper.make_tensor("one", TensorProto.INT64, [1], [1]),
        helper.make_tensor("white", TensorProto.FLOAT, [], [255.0]),
    ]
    nodes = [
        helper.make_node("Cast", ["patches"], ["cast"], to=TensorProto.FLOAT),
        helper.make_node("ReduceMean", ["cast", "one"], ["mean"], keepdims=0),
        helper.make_node("Transpose", ["mean"], ["turned"], perm=[0, 3, 1, 2]),
        helper.make_node("Div", ["turned", "white"], ["seen"]),
        helper.make_node("Slice", ["plate", "zero", "three", "one"], ["around"]),
        helper.make_node("Slice", ["plate", "three", "four", "one"], ["hole"]),
        helper.make_node("Mul", ["seen", "hole"], ["inside"]),
        helper.make_node("Add", ["around", "inside"], [OUTPUT]),
    ]
    graph = helper.make_graph(
        nodes,
        "tiny renderer",
        [helper.make_tensor_value_info(name, *shapes[name]) for name in INPUTS],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, [batch, 3, side, side])],
        constants,
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    model.ir_version = 9
    about = {
        "name": "tiny",
        "version": "1",
        "contract": CONTRACT,
        "actor": actor,
        "crop_size": size,
        "keys": keys,
        "patches": patches,
        **card,
    }
    helper.set_model_props(model, {CARD_KEY: json.dumps(about)})
    path.write_bytes(model.SerializeToString())
    onnx.checker.check_model(model)


def make_tiny_actor(folder: Path, frames: int = 8, *, renderer: bool = True) -> TinyActor:
    """An actor folder `folder/actor` with one take "one" of the plate `folder/plate`, memory and renderer."""
    face = tiny_face()
    expression, head = tiny_expressions(frames), tiny_heads(frames)
    pictures = tiny_pictures(project(face, expression, head))
    plate = write_plate(folder / "plate", pictures)
    take = tiny_take(face, frames, plate)
    actor = make_actor(folder / "actor", "Tiny", CONSENT, SIZE)
    save_face(actor, face)
    actor = save_take(actor, "one", take, plate)
    bank = tiny_bank(actor, face, take, pictures, "one")
    save_memory(actor, bank)
    if renderer:
        write_renderer(actor.renderer, actor.identifier, size=SIZE, keys=bank.keys.shape[1])
    return TinyActor(actor, face, take, bank, plate)


def tiny_motion(frames: int, rate_hz: float = RATE_HZ) -> FaceMotion:
    """A jaw that opens and closes twice a second."""
    values = np.zeros((frames, len(ARKIT_52)), np.float32)
    values[:, ARKIT_52.index("jawOpen")] = 0.25 - 0.25 * np.cos(4 * np.pi * np.arange(frames) / rate_hz)
    return FaceMotion(values, ARKIT_52, rate_hz)
