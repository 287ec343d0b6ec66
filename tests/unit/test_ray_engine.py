"""Batches on Ray: two nodes on this machine, compared with the local pool, and things that go wrong there."""

import os
import shutil
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
import ray_handlers
from batch_helpers import listed, manifest, sounds
from soliloquy.inference import cli, session, weight_files
from soliloquy.inference.batch import ray_engine, records
from soliloquy.inference.batch.types import BatchError, Task
from soliloquy.inference.commands import batch

WEIGHTS = {path.name: path for path in session.SPEECH_WEIGHTS.parent.glob("*.onnx")}
NODE = {"num_cpus": 1, "object_store_memory": 80 * 2**20}
slow = pytest.mark.slow


@pytest.fixture(scope="module")
def ray():
    """Ray, quiet and with a token of its own; its workers find the handlers of this folder."""
    before = dict(os.environ)
    os.environ |= {
        "RAY_USAGE_STATS_ENABLED": "0",
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN": os.urandom(32).hex(),
        "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")]),
    }
    pytest.importorskip("ray.cluster_utils")  # a folder called ray is a package to Python, too
    yield pytest.importorskip("ray")
    os.environ.clear()
    os.environ |= before


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("ray")


@pytest.fixture(scope="module")
def cluster(ray, folder):
    """A head with one processor and a node with another."""
    from ray.cluster_utils import Cluster

    os.environ["TEST_RAY_FOLDER"] = str(folder / "programs")
    with ray_engine._offline():
        nodes = Cluster(initialize_head=True, head_node_args={**NODE, "include_dashboard": False})
        nodes.add_node(**NODE)
    nodes.wait_for_nodes()
    yield nodes
    nodes.shutdown()


def tasks_of(folder, count, duration_s=0.4, model=None):
    """Tasks as `soliloquy batch` makes them, for sounds in a folder."""
    folder.mkdir(exist_ok=True)
    shots = listed(folder, count, duration_s)
    parser = cli._parser()
    arguments = parser.parse_args(["batch", str(shots), "--out", str(folder / "out")])
    made, _ = batch.listed_tasks(arguments, cli.Console(quiet=True, as_json=False))
    if model is None:
        return made
    return [Task(**{**vars(task), "options": {**task.options, "model": str(model)}}) for task in made]


def run(tasks, out, cluster, handlers=ray_handlers.telling, **settings):
    """The results by row, of a run on the cluster."""
    records.prepare(out)
    usual = {"address": cluster.address, "workers": None, "timeout_s": 120.0, "weights": WEIGHTS}
    working = ray_engine.run_ray(tasks, out, handlers, ray_handlers.programs, **{**usual, **settings})
    return {finished.result.task.row: finished for finished in working}


def told(found, what):
    notices = (notice.partition(" ") for one in found.values() for notice in one.result.notices)
    return [value for name, _, value in notices if name == what]


def states(found):
    return {row: one.result.state for row, one in sorted(found.items())}


@slow
def test_two_nodes_make_the_same_files_as_the_local_pool(cluster, tmp_path):
    shots = str(listed(tmp_path, 12))
    options = ["--instruction", "a sad speaker", "--delay", "0.02"]
    assert cli.main(["batch", shots, "--out", str(tmp_path / "local"), *options]) == 0
    on_ray = ["batch", shots, "--out", str(tmp_path / "ray"), "--engine", "ray", "--address", cluster.address]
    assert cli.main([*on_ray, *options]) == 0
    assert manifest(tmp_path / "ray") == manifest(tmp_path / "local")
    for path in sorted((tmp_path / "local").glob("*.csv")):
        assert path.read_bytes() == (tmp_path / "ray" / path.name).read_bytes()


@slow
def test_both_nodes_work_and_open_the_weights_from_their_object_store(cluster, folder, tmp_path):
    missing = tmp_path / "only in the store.onnx"
    tasks = tasks_of(tmp_path / "sounds", 12, model=missing)
    weights = {**WEIGHTS, weight_files.weights_key(missing): session.SPEECH_WEIGHTS}
    found = run(tasks, tmp_path / "out", cluster, ray_handlers.slow, weights=weights)
    assert set(states(found).values()) == {"done"}
    assert len(set(told(found, "node"))) == 2
    assert set(told(found, "shared")) == {"True"}
    # A worker keeps its session: no process for every chunk.
    assert len(set(told(found, "process"))) == 2


@slow
def test_a_row_that_kills_its_worker_hangs_or_breaks_fails_alone(cluster, tmp_path):
    tasks = tasks_of(tmp_path / "sounds", 9)
    found = run(tasks, tmp_path / "out", cluster, ray_handlers.deadly, timeout_s=3.0)
    failed = {row for row, state in states(found).items() if state == "failed"}
    assert failed == {2, 4, 6}
    assert len(found) == 9
    assert "was lost" in found[2].result.problem
    assert "no progress" in found[4].result.problem
    assert "unforeseen" in found[6].result.problem
    assert "seen before the fault" in found[6].printed
    assert "RuntimeError" in found[6].printed
    assert len(list((tmp_path / "out").glob("*.csv"))) == 6


@slow
def test_programs_of_their_own_work_on_the_nodes(cluster, folder, tmp_path):
    tasks = tasks_of(tmp_path / "sounds", 4)
    found = run(tasks, folder / "programs", cluster, ray_handlers.none)
    assert set(states(found).values()) == {"done"}
    assert len(list((folder / "programs").glob("*.csv"))) == 4


@slow
def test_closing_stops_the_work(ray, cluster, tmp_path):
    records.prepare(tmp_path / "out")
    tasks = tasks_of(tmp_path / "sounds", 30)
    working = ray_engine.run_ray(
        tasks, tmp_path / "out", ray_handlers.slow, ray_handlers.programs,
        address=cluster.address, workers=None, timeout_s=60.0, weights=WEIGHTS,
    )  # fmt: skip
    with closing(working):
        assert next(working).result.state == "done"
    assert not ray.is_initialized()
    time.sleep(1.0)
    made = len(list((tmp_path / "out").glob("*.csv")))
    time.sleep(2.0)
    assert len(list((tmp_path / "out").glob("*.csv"))) == made < 30


@slow
def test_progress_is_told_and_workers_limit_the_run(cluster, tmp_path):
    tasks = tasks_of(tmp_path / "sounds", 2, duration_s=240.0)
    shares = []
    found = run(
        tasks,
        tmp_path / "out",
        cluster,
        workers=1,
        progress=lambda task, share: shares.append((task.row, share)),
    )
    assert set(states(found).values()) == {"done"}
    assert shares
    assert all(0.0 <= share <= 1.0 for _, share in shares)
    assert len(set(told(found, "process"))) == 1


@slow
def test_another_version_on_a_node_is_a_sentence(cluster, tmp_path, monkeypatch):
    monkeypatch.setattr(ray_engine, "version", lambda: "99.0")
    with pytest.raises(BatchError, match=r"Node .* has Soliloquy .*, and this is 99\.0"):
        run(tasks_of(tmp_path / "sounds", 1), tmp_path / "out", cluster)


@slow
def test_a_folder_that_nodes_do_not_see_is_a_sentence(cluster, tmp_path, monkeypatch):
    monkeypatch.setattr(records, "prepare", lambda folder: None)
    with pytest.raises(BatchError, match="does not see the batch's folder"):
        run(tasks_of(tmp_path / "sounds", 1), tmp_path / "nowhere", cluster)


@slow
def test_a_node_killed_in_the_middle_loses_nothing(cluster, tmp_path, monkeypatch):
    begun_again, lost = [], ray_engine._Run._lost
    monkeypatch.setattr(
        ray_engine._Run,
        "_lost",
        lambda self, chunk, why: begun_again.append(len(chunk.left)) or lost(self, chunk, why),
    )
    monkeypatch.setattr(ray_engine, "_CHUNKS_PER_CPU", 1)
    node = cluster.add_node(**NODE)
    cluster.wait_for_nodes()
    tasks = tasks_of(tmp_path / "sounds", 30)
    out = tmp_path / "out"
    records.prepare(out)
    working = ray_engine.run_ray(
        tasks, out, ray_handlers.slow, ray_handlers.programs,
        address=cluster.address, workers=None, timeout_s=60.0, weights=WEIGHTS,
    )  # fmt: skip
    found = {}
    for finished in working:
        found[finished.result.task.row] = finished
        if node is not None and node.node_id in told(found, "node"):
            cluster.remove_node(node, allow_graceful=False)  # kill -9 of all its processes
            node = None
    assert node is None, "the third node was given no work"
    assert begun_again
    assert max(begun_again) > 1, "the node had nothing to lose"
    assert set(states(found).values()) == {"done"}
    assert sorted(found) == list(range(1, 31))
    assert cli.main(["batch", str(tmp_path / "sounds" / "shots.csv"), "--out", str(tmp_path / "local")]) == 0
    for path in sorted((tmp_path / "local").glob("*.csv")):
        assert path.read_bytes() == (out / path.name).read_bytes()
    assert len(list(out.glob("*.csv"))) == 30


@slow
def test_a_ray_of_our_own_starts_and_ends_with_the_run(ray, tmp_path, monkeypatch):
    started, init, before = [], ray.init, dict(os.environ)
    monkeypatch.setattr(ray, "init", lambda **how: started.append(dict(os.environ)) or init(**how))
    shots = str(listed(tmp_path, 4))
    arguments = ["batch", shots, "--out", str(tmp_path / "ray"), "--engine", "ray", "--workers", "2"]
    assert cli.main(arguments) == 0
    assert not ray.is_initialized()
    assert len(list((tmp_path / "ray").glob("*.csv"))) == 4
    shutil.rmtree(tmp_path / "ray" / ".soliloquy" / "logs", ignore_errors=True)
    assert cli.main(arguments) == 0  # all unchanged: no Ray is needed
    assert len(started) == 1
    assert started[0]["RAY_USAGE_STATS_ENABLED"] == "0"
    assert started[0]["http_proxy"] == started[0]["HTTPS_PROXY"] == "http://127.0.0.1:9"  # it asks no cloud
    assert os.environ.get("http_proxy") == before.get("http_proxy")


@pytest.mark.parametrize("address", ["here", "127.0.0.1:", "ray://127.0.0.1:10001", ":1", "127.0.0.1:port"])
def test_no_address_of_a_cluster(ray, address):
    with pytest.raises(BatchError, match="no address of a Ray cluster"):
        ray_engine._check_address(address)


@pytest.mark.parametrize("address", ["127.0.0.1:1", "127.0.0.1:99999", "no-such-host.invalid:6379"])
def test_a_cluster_that_cannot_be_reached(ray, tmp_path, address, capsys):
    shots = str(listed(tmp_path, 1))
    arguments = ["batch", shots, "--out", str(tmp_path / "out"), "--engine", "ray", "--address", address]
    assert cli.main(arguments) == 2
    assert f"'{address}' cannot be reached" in capsys.readouterr().err


def test_no_cluster_on_this_machine(ray, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", "")
    monkeypatch.setattr("ray._private.services.find_gcs_addresses", set)
    shots = str(listed(tmp_path, 1))
    arguments = ["batch", shots, "--out", str(tmp_path / "out"), "--engine", "ray", "--address", "auto"]
    assert cli.main(arguments) == 2
    assert "'auto' cannot be reached" in capsys.readouterr().err


def test_without_ray_a_sentence_says_how_to_get_it(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    shots = str(listed(tmp_path, 1))
    assert cli.main(["batch", shots, "--out", str(tmp_path / "out"), "--engine", "ray"]) == 2
    said = capsys.readouterr().err
    assert 'pip install "soliloquy[farm]"' in said
    assert "Traceback" not in said


def test_chunks_share_a_kind_and_leave_work_for_all(tmp_path):
    names = sounds(tmp_path, 1)
    kinds = ["curves"] * 100 + ["scene"] * 3
    tasks = [Task(kind, row, (f"{row}.x",), "", names[0]) for row, kind in enumerate(kinds, 1)]
    chunks = list(ray_engine._chunks(tasks, 2))
    assert [task for chunk in chunks for task in chunk] == tasks
    assert all(len({task.kind for task in chunk}) == 1 for chunk in chunks)
    assert [len(chunk) for chunk in chunks[-3:]] == [1, 1, 1]
    assert max(map(len, chunks)) <= 100 // 8
