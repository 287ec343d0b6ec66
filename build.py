#!/usr/bin/env python3
"""Set up, show, check and package Soliloquy. Needs Python 3.11 and its standard library, nothing else.

python3 build.py setup             make .venv (quick when nothing changed)
python3 build.py demo              animate a sample on the embedded head -> out/demo.{mp4,blend,csv}
python3 build.py test [--fast]     every check and test
python3 build.py build             the extension, one zip per platform, with sums -> dist/
python3 build.py release           the same from a clean commit with a CHANGELOG entry, built twice
"""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

if sys.version_info < (3, 11):  # noqa: UP036 - an older Python must get this far to be told
    sys.exit(
        f"build.py needs Python 3.11, but this is Python {sys.version_info[0]}.{sys.version_info[1]}.\n"
        "Run it as `python3.11 build.py ...` (Debian 12: `sudo apt-get install python3 python3-venv`)."
    )

from build_tools import checks, demo, environment, package, release, wheels
from build_tools.common import BuildError, say


def main(argv: list[str] | None = None) -> int:
    """Run one sub-command.

    Returns:
        Exit status: 0 fine, 1 a check failed, 2 the user can mend something, 130 stopped.
    """
    arguments = _parser().parse_args(argv)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # stopped by a machine: clean up as for Ctrl-C
    try:
        status: int = arguments.run(arguments)
    except BuildError as error:
        print(f"build.py: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("build.py: stopped", file=sys.stderr)
        return 130
    return status


def _setup(arguments: argparse.Namespace) -> int:
    wanted = environment.FULL if arguments.full else environment.DEMO
    environment.check_system(opengl=arguments.full)
    environment.ensure(wanted)
    say(f"{wanted.folder} is up to date")
    return 0


def _demo(arguments: argparse.Namespace) -> int:
    return demo.run(audio=arguments.audio, out=arguments.out, engine=arguments.engine, size_px=arguments.size)


def _build(arguments: argparse.Namespace) -> int:
    environment.check_system(opengl=False)
    environment.ensure(environment.DEMO)
    if arguments.update_wheels:
        wheels.update_lock()
    say("Building the extension")
    validators = release.validators(arguments.blender, with_4_5=environment.BLENDER_4_5.python.exists())
    package.build_zips(arguments.platform or wheels.PLATFORMS, validators=validators)
    return 0


def _release(arguments: argparse.Namespace) -> int:
    return release.run(arguments.blender)


def _test(arguments: argparse.Namespace) -> int:
    return checks.run(fast=arguments.fast)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="build.py", description="Set up, show, check and package Soliloquy")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    setup = commands.add_parser("setup", help="make the virtual environment .venv, or bring it up to date")
    setup.add_argument("--full", action="store_true", help="with torch and the test tools too")
    setup.set_defaults(run=_setup)

    show = commands.add_parser("demo", help="animate speech on the embedded head and render it")
    show.add_argument("--audio", type=Path, metavar="FILE", help="any recording (default: embedded speech)")
    show.add_argument("--out", type=Path, default=Path("out"), metavar="DIR", help="output folder (out)")
    show.add_argument(
        "--engine", choices=demo.ENGINES, default=demo.ENGINES[0],
        help="Blender's renderer (cycles); workbench is quick and plain",
    )  # fmt: skip
    show.add_argument("--size", type=_size_px, default=540, metavar="PX", help="side of the picture (540)")
    show.set_defaults(run=_demo)

    test = commands.add_parser("test", help="run every check and test; the last line counts them")
    test.add_argument("--fast", action="store_true", help="only style, types and quick unit tests")
    test.set_defaults(run=_test)

    build = commands.add_parser("build", help="build and validate the extension zips in dist/")
    build.add_argument("--platform", action="append", choices=list(wheels.PLATFORMS), help="only this one")
    build.add_argument("--update-wheels", action="store_true", help="write wheels.lock anew from the pins")
    build.set_defaults(run=_build)

    ship = commands.add_parser(
        "release", help="build what is published: a clean commit, every platform, twice"
    )
    ship.set_defaults(run=_release)
    for command in (build, ship):
        command.add_argument(
            "--blender", action="append", default=[], metavar="PROGRAM",
            help="an installed Blender that has to accept the zips too (can be given several times)",
        )  # fmt: skip
    return parser


def _size_px(text: str) -> int:
    size = int(text)
    if not 64 <= size <= 4096:
        raise argparse.ArgumentTypeError("the size must be 64 to 4096 pixels")
    return size


if __name__ == "__main__":
    sys.exit(main())
