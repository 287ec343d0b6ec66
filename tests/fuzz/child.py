"""One target in a process of its own: guided by coverage where atheris is installed, blind otherwise.

Prints one line of JSON when it ends by itself; what a crash or a time limit leaves is read by `fuzz.py`.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import mmap
import random
import signal
import sys
import time
import warnings
from importlib.util import find_spec
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]  # and what all tests share

ANSWER = "fuzz-result "


def main() -> int:
    """Run one target."""
    parser = argparse.ArgumentParser()
    parser.add_argument("target")
    parser.add_argument("corpus", type=Path)
    parser.add_argument("found", type=Path)
    parser.add_argument("--seconds", type=float, default=0.0)
    parser.add_argument("--runs", type=int, default=0)
    parser.add_argument("--limit", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--blind", action="store_true")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable()
    blind = arguments.blind or find_spec("atheris") is None
    if not blind:
        import atheris

        target = _load(arguments.target, atheris)
    else:
        target = _load(arguments.target, None)
    missing = [name for name in target.needs if find_spec(name) is None]
    if missing:
        print(ANSWER + json.dumps({"skipped": f"needs {', '.join(missing)}"}), flush=True)
        return 0
    attack = _Attack(target, arguments)
    return attack.blindly() if blind else attack.guided(atheris)


def _load(name: str, atheris: object) -> object:
    """The target, with its modules instrumented where atheris is given."""
    from targets import all_targets

    target = all_targets()[name]
    if atheris is not None:
        import soliloquy.inference  # noqa: F401 - the package itself says nothing about coverage

        for module in [known for known in sys.modules if known.startswith(target.modules)]:
            del sys.modules[module]
        include = list(target.modules)
        with atheris.instrument_imports(include=include, enable_loader_override=False):
            for module in _modules(target.modules):
                __import__(module)
    return target


def _modules(prefixes: tuple[str, ...]) -> list[str]:
    """All modules whose names begin so."""
    import soliloquy

    root = Path(soliloquy.__file__).parent
    names = {
        ".".join(("soliloquy", *file.relative_to(root).with_suffix("").parts)).removesuffix(".__init__")
        for file in (root / "inference").rglob("*.py")
    }
    known = sorted(name for name in names if name.startswith(prefixes))
    return known + [prefix for prefix in prefixes if not prefix.startswith("soliloquy")]


class _Attack:
    def __init__(self, target: object, arguments: argparse.Namespace) -> None:
        import guard
        from target import folder

        self.target, self.arguments = target, arguments
        self.chance = random.Random(arguments.seed)
        self.work = folder()
        self.counts = _Counts(self.work / "counts")
        arguments.corpus.mkdir(parents=True, exist_ok=True)
        arguments.found.mkdir(parents=True, exist_ok=True)
        self.seeds = [*target.seeds(), *_regressions(arguments.target)]
        for seed in self.seeds:
            (arguments.corpus / hashlib.sha1(seed).hexdigest()).write_bytes(seed)
        self._check(self.seeds[0])  # loads what is loaded on demand, before it is watched
        self.counts.clear()
        guard.install(self.work, target.writes)
        guard.limit_memory()

    def _check(self, data: bytes) -> None:
        self.counts.add(self.target.check(data))

    def one(self, data: bytes) -> None:
        """Judge one input; the guard's own sentence is an error like any other."""
        from guard import guarded

        with guarded():
            self._check(data)

    def guided(self, atheris: object) -> int:
        """libFuzzer calls `one` until its time or its runs are over, and ends the process."""
        arguments, target = self.arguments, self.target
        options = [
            sys.argv[0],
            str(arguments.corpus),
            f"-artifact_prefix={arguments.found}/",
            f"-max_len={target.longest}",
            f"-timeout={arguments.limit}",
            f"-seed={arguments.seed}",
            "-rss_limit_mb=0",  # the guard's limit raises an error that says where
            "-print_final_stats=1",
            "-len_control=20",
        ]
        if target.words:
            words = ["".join(f"\\x{byte:02x}" for byte in word) for word in target.words]
            dictionary = arguments.corpus.parent / f"{arguments.target}.dict"
            dictionary.write_text("".join(f'"{word}"\n' for word in words), "ascii")
            options.append(f"-dict={dictionary}")
        if arguments.seconds:
            options.append(f"-max_total_time={max(1, round(arguments.seconds))}")
        if arguments.runs:
            options.append(f"-runs={arguments.runs}")
        mutator = self._mutator(atheris) if target.mutators else None
        atheris.Setup(options, self.one, **({"custom_mutator": mutator} if mutator else {}))
        atheris.Fuzz()
        return 0

    def _mutator(self, atheris: object) -> object:
        def mutate(data: bytes, most: int, seed: int) -> bytes:
            chance = random.Random(seed)
            if chance.random() < 0.6:
                changed = chance.choice(self.target.mutators)(
                    bytes(data),
                    chance,
                    lambda part: bytes(atheris.Mutate(part or b"x", max(64, 2 * len(part)))),
                )
                if changed is not None and 0 < len(changed) <= most:
                    return changed
            return bytes(atheris.Mutate(bytes(data), most))

        return mutate

    def blindly(self) -> int:
        """Mutations of the seeds, and of what was accepted, without knowing what they reach."""
        import mutate

        def change(data: bytes) -> bytes:
            return mutate.bytes_of(data, self.chance, self.target.words)

        started, count, pool = time.monotonic(), 0, list(self.seeds)
        limit = self.arguments.limit
        if hasattr(signal, "SIGALRM"):
            signal.signal(signal.SIGALRM, _too_long)
        while not self._over(count, started):
            if count < len(self.seeds):
                data = self.seeds[count]
            else:
                data = self.chance.choice(pool)
                for _ in range(self.chance.choice((1, 1, 2, 4))):
                    by_format = self.target.mutators and self.chance.random() < 0.6
                    other = (
                        self.chance.choice(self.target.mutators)(data, self.chance, change)
                        if by_format
                        else None
                    )
                    data = change(data) if other is None else other
                data = data[: self.target.longest]
            count += 1
            accepted = self.counts.accepted
            try:
                if hasattr(signal, "SIGALRM"):
                    signal.alarm(limit)
                self.one(data)
            except BaseException:
                (self.arguments.found / f"crash-{hashlib.sha1(data).hexdigest()}").write_bytes(data)
                raise
            finally:
                if hasattr(signal, "SIGALRM"):
                    signal.alarm(0)
            if self.counts.accepted > accepted and len(pool) < 500:
                pool.append(data)
        return 0

    def _over(self, count: int, started: float) -> bool:
        if self.arguments.runs:
            return count >= self.arguments.runs
        return time.monotonic() - started >= self.arguments.seconds


class _Counts:
    """How many inputs were accepted and refused, in a file that outlives the process."""

    def __init__(self, path: Path) -> None:
        path.write_bytes(bytes(16))
        self._kept = open(path, "r+b")  # noqa: PTH123, SIM115 - as long as the process
        self._map = mmap.mmap(self._kept.fileno(), 16)

    @property
    def accepted(self) -> int:
        return int.from_bytes(self._map[:8], "little")

    def add(self, accepted: bool) -> None:
        place = slice(0, 8) if accepted else slice(8, 16)
        self._map[place] = (int.from_bytes(self._map[place], "little") + 1).to_bytes(8, "little")

    def clear(self) -> None:
        self._map[:16] = bytes(16)


class _TooLongError(BaseException):
    """An input took longer than any may."""


def _too_long(*_: object) -> None:
    raise _TooLongError("time limit")


def _regressions(name: str) -> list[bytes]:
    folder = HERE / "regressions" / name
    return [path.read_bytes() for path in sorted(folder.iterdir())] if folder.is_dir() else []


if __name__ == "__main__":
    sys.exit(main())
