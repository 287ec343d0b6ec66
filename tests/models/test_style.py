"""The style prior: cases, diffusion, decoder, the shipped weights, and the rules that judge emotions."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from soliloquy.inference.channels import ARKIT_52
from soliloquy.inference.errors import ModelError
from soliloquy.inference.instruction.values import ACTION_NAMES, EMOTIONS, Instruction
from soliloquy.inference.performance.emotions import emotions, unit_weights
from soliloquy.inference.performance.style import PEOPLE, VALUES, draw_style, load_style_model
from soliloquy.models.emotion_rules import RULES, UNITS, recognise
from soliloquy.models.performance.head_measures import frechet
from soliloquy.models.performance.prior import DRAW_STEPS, PriorConfig, StylePrior, load_prior
from soliloquy.models.performance.style_cases import draw_cases
from soliloquy.models.performance.style_data import CORPORA, TOLD, People, load_people
from soliloquy.models.performance.style_study import gaussian
from soliloquy.models.train_style import SHIPPED_CHECKPOINT, TOLERANCE, difference, train

SHARED = Path(__file__).resolve().parents[3] / "shared"


def made_up_people(count=300):
    rng = np.random.default_rng(0)
    return People(
        rng.normal(0, 0.5, (count, len(PEOPLE))),
        rng.uniform(0, 1, (count, len(TOLD))),
        rng.integers(0, len(CORPORA), count),
        np.zeros(count, bool),
    )


@pytest.fixture(scope="module")
def model():
    return load_style_model()


def test_a_case_has_the_variants_and_the_head_of_its_emotion():
    people, rng = made_up_people(), np.random.default_rng(1)
    cases = draw_cases(people, 4000, rng)
    felt = cases.condition[:, : len(EMOTIONS)]
    heads = [PEOPLE.index(f"head_{axis}_range") for axis in ("pitch", "yaw", "roll")]
    ranges = cases.people[:, heads].mean(1)
    angry = felt[:, EMOTIONS.index("anger")] > 0.7
    assert ranges[angry].mean() > ranges[felt.sum(1) == 0.0].mean() + 0.15
    only = (felt[:, EMOTIONS.index("joy")] > 0.9) & (felt.sum(1) < 1.01)
    chosen = np.bincount(cases.others[only, :4].argmax(1), minlength=4) / only.sum()
    shares = [v.share for v in emotions()[EMOTIONS.index("joy")].variants]
    assert np.abs(chosen - shares).max() < 0.25


def test_a_head_that_is_turned_by_an_action_does_not_rest_turned():
    cases = draw_cases(made_up_people(), 4000, np.random.default_rng(2))
    told = cases.condition[:, len(EMOTIONS) + ACTION_NAMES.index("head_turn")] != 0.0
    rest = cases.people[:, PEOPLE.index("head_yaw_rest")]
    assert rest[told].std() < 0.5 * rest[~told].std()


def test_the_decoder_gives_back_what_was_encoded():
    people, prior = made_up_people(), StylePrior(PriorConfig())
    prior.fit_decoder(people.values, np.ones(len(people.values)))
    values = torch.from_numpy(people.values.astype(np.float32))
    code = prior.encode(values)
    assert code.std(0).numpy() == pytest.approx(1.0, abs=0.1)
    whole = prior.decode(torch.cat([code, torch.zeros(len(code), VALUES - len(PEOPLE))], dim=1))
    np.testing.assert_allclose(whole[:, : len(PEOPLE)].numpy(), people.values, atol=1e-3)


def test_training_lowers_the_loss_and_resumes_to_the_same_weights(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("soliloquy.models.train_style._KEEP_EVERY", 20)
    people = made_up_people()
    whole, _ = train(people, tmp_path / "whole", seed=3, steps=60)
    losses = [float(line.split()[-1]) for line in capsys.readouterr().out.splitlines()]
    assert losses[-1] < losses[0]

    class StopError(Exception):
        pass

    stops = iter([None, StopError()])

    def stop(*arguments):
        error = next(stops, None)
        keep(*arguments)
        if error:
            raise error

    from soliloquy.models import train_style

    keep = train_style.save_prior
    monkeypatch.setattr(train_style, "save_prior", stop)
    with pytest.raises(StopError):
        train(people, tmp_path / "parts", seed=3, steps=60)
    monkeypatch.setattr(train_style, "save_prior", keep)
    resumed, _ = train(people, tmp_path / "parts", seed=3, steps=60)
    for one, other in zip(whole.parameters(), resumed.parameters(), strict=True):
        torch.testing.assert_close(one, other)


def test_the_shipped_graph_is_the_shipped_checkpoint(model):
    from soliloquy.models.performance.prior import DrawStep

    prior, meta, _ = load_prior(SHIPPED_CHECKPOINT)
    assert difference(DrawStep(prior).eval(), model) < TOLERANCE
    assert model.card["version"] == meta["version"]
    assert int(model.card["levels"]) == DRAW_STEPS


def test_the_same_seed_is_the_same_style_and_another_another(model):
    sad = Instruction.of({"sadness": 0.8})
    assert draw_style(sad, 4, model) == draw_style(sad, 4, model)
    drawn = [draw_style(sad, seed, model) for seed in range(12)]
    assert len({style.head.amplitude for style in drawn}) == 12
    assert np.std([style.head.amplitude[1] for style in drawn]) > 0.1
    assert np.std([style.idle[0] for style in drawn]) > 0.1


def test_a_slider_that_moves_a_little_moves_the_style_a_little(model):
    for seed in range(5):
        one, other = (draw_style(Instruction.of({"joy": v}), seed, model) for v in (0.60, 0.61))
        assert np.abs(np.subtract(one.head.amplitude, other.head.amplitude)).max() < 0.2
        assert np.abs(np.subtract(one.variants[6], other.variants[6])).max() < 0.3


def test_every_variant_is_drawn_and_a_drawn_variant_stands_out(model):
    for e, emotion in enumerate(emotions()):
        drawn = np.array([
            draw_style(Instruction.of({emotion.name: 1.0}), seed, model).variants[e] for seed in range(60)
        ])  # fmt: skip
        often = np.bincount(drawn.argmax(axis=1), minlength=len(emotion.variants))
        assert (often > 0).all(), emotion.name
        assert drawn.max(axis=1).mean() > 0.6, emotion.name


def test_an_angry_head_moves_more_than_a_sad_one(model):
    def amplitude(name):
        drawn = [draw_style(Instruction.of({name: 1.0}), seed, model) for seed in range(40)]
        return np.mean([style.head.amplitude for style in drawn])

    assert amplitude("anger") > 1.2 * amplitude("sadness")


def test_weights_with_other_values_are_refused(tmp_path):
    import onnx
    from soliloquy.inference.performance.style import STYLE_WEIGHTS
    from soliloquy.inference.session import CARD_KEY

    graph = onnx.load(str(STYLE_WEIGHTS))
    for entry in graph.metadata_props:
        if entry.key == CARD_KEY:
            entry.value = json.dumps({**json.loads(entry.value), "people": ["brow_range"]})
    onnx.save(graph, str(tmp_path / "other.onnx"))
    with pytest.raises(ModelError, match="other style values"):
        load_style_model(tmp_path / "other.onnx")


def test_frechet_distance_is_zero_at_home_and_grows_away():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(2000, 4))
    choose = gaussian(values)
    again = choose(np.zeros((2000, 1)), rng)
    assert frechet(values, again) < 0.05
    assert frechet(values, values + 1.0) == pytest.approx(4.0, abs=0.05)


def test_people_of_the_corpora_are_measured_relative_to_their_mean():
    cache = Path("runs/style/people.npz")
    if not cache.exists():
        pytest.skip("no measured people: run models.train_style first")
    people = load_people(SHARED, cache)
    spoken = people.values[people.corpus == CORPORA.index("lrc_ar")]
    assert np.abs(spoken[:, : PEOPLE.index("head_pitch_rest")].mean(axis=0)).max() < 0.05
    assert 0.05 < people.held_out.mean() < 0.4


@pytest.mark.parametrize(("emotion", "units"), [
    ("joy", {"6": 0.8, "12": 0.8, "25": 0.5}), ("anger", {"4": 0.8, "7": 0.7, "24": 0.7}),
    ("sadness", {"1": 0.7, "4": 0.5, "15": 0.8, "17": 0.4}), ("disgust", {"9": 0.8, "10": 0.7, "17": 0.6}),
    ("amazement", {"1": 0.9, "2": 0.9, "5": 0.5, "25": 0.5, "26": 0.9}),
    ("fear", {"1": 0.8, "2": 0.4, "4": 0.5, "5": 0.8, "20": 0.7, "25": 0.6}),
    ("pain", {"4": 0.8, "6": 0.7, "9": 0.6, "26": 0.8, "43": 0.4}),
    ("grief", {"1": 0.8, "4": 0.6, "6": 0.8, "15": 0.8, "17": 0.5}),
])  # fmt: skip
def test_the_rules_tell_the_faces_of_their_own_sources(emotion, units):
    assert recognise(np.tile(unit_weights(units), (100, 1)), 50.0) == emotion


def test_the_rules_see_nothing_in_a_face_at_rest_or_one_that_only_blinks():
    face = np.zeros((200, len(ARKIT_52)), np.float32)
    assert recognise(face, 50.0) == ""
    face[50:60, ARKIT_52.index("eyeBlinkLeft")] = face[50:60, ARKIT_52.index("eyeBlinkRight")] = 1.0
    assert recognise(face, 50.0) == ""
    assert {unit for rule in RULES.values() for unit in rule if unit.isdigit()} <= {*UNITS, "38"}
