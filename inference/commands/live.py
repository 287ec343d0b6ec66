"""`soliloquy live FILE|-`: frames while the sound goes on, as JSON lines or Live Link Face packets."""

from __future__ import annotations

import argparse
import errno
import json
import os
import sys
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..console import INTERRUPTED, OK
from ..errors import OutputError, UsageError
from ..files import output_error
from . import options

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Iterator

    from ..console import Console
    from ..live import LiveSettings
    from ..types import FaceMotion, FloatArray

_LIVE = """Turn speech into ARKit curves while it goes on.
A sound file is played block by block at its own speed, as if it were spoken; "-" takes sound from standard
input as it arrives: a WAV stream, or raw mono samples. Each frame is one line of JSON on standard output, or
with --udp one Live Link Face packet. A frame comes 200 ms after its sound, which the model hears ahead, plus
one block (--block), plus one frame of 20 ms where --fps is not 50.
"""
_DECIMALS = 4
_SHORTEST_BLOCK_S, _LONGEST_BLOCK_S = 0.001, 10.0
_LONGEST_RATE_PART = 1_001
"""Frame rates are written as fractions with denominators up to this one: 30000/1001."""


def add(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser("live", help="frames while the sound goes on", description=_LIVE)
    parser.set_defaults(run=run, json=False)
    parser.add_argument("input", metavar="FILE|-", help='a sound file, or "-" for standard input')
    parser.add_argument("--fast", action="store_true", help="play a file as fast as possible")
    parser.add_argument(
        "--block", type=_block, default=0.02, metavar="S", help="seconds of sound at a time, default 0.02"
    )
    raw = parser.add_argument_group("raw sound on standard input")
    raw.add_argument("--format", choices=("s16le", "f32le"), help="kind of samples, default s16le")
    raw.add_argument("--rate", type=_whole, metavar="HZ", help="samples per second, default 16000")
    out = parser.add_argument_group("what comes out")
    out.add_argument(
        "--all", action="store_true", help="all 52 channels in every line, not only those above 0"
    )
    out.add_argument(
        "--udp", type=_address, metavar="HOST:PORT", help="send Live Link Face packets there instead of lines"
    )
    out.add_argument("--subject", default="Soliloquy", metavar="NAME", help="name of the face in the packets")
    out.add_argument(
        "--fps", type=options.frame_rate, metavar="N", help="frames per second (24, 30000/1001); default 50"
    )
    shape = parser.add_argument_group("shape of the motion")
    shape.add_argument(
        "--gain",
        type=float,
        metavar="DB",
        help="fixed gain of the sound; without it the gain follows the speech, by at most 3 dB a second",
    )
    options.add_strengths(shape)
    options.add_blinks(shape)
    running = parser.add_argument_group("how it runs")
    options.add_model(running)
    running.add_argument("--quiet", action="store_true", help="print frames and errors only")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Play the sound to its end, or until the reader has gone or Ctrl-C."""
    options.products_on_one_thread()
    from ..live import latency_s, live_motion

    tell = (lambda _: None) if arguments.quiet else console.say
    settings = _settings(arguments)
    sink = _Packets(arguments, settings, tell) if arguments.udp else _Lines(all_channels=arguments.all)
    try:
        with _opened(arguments, tell) as blocks:
            from ..session import load_speech_model

            model = load_speech_model(
                arguments.model, threads=arguments.threads, device=arguments.device, notify=console.say
            )
            ahead_s = latency_s(model, arguments.block, settings.rate_hz)
            tell(f"Frames come {1e3 * ahead_s:.0f} ms after their sound ({_shares(arguments.block)})")
            if arguments.gain is not None and arguments.input != "-":
                settings = replace(settings, gain_db=0.0)  # the reader of the file has applied it
            for piece in live_motion(blocks, model, settings):
                sink.write(piece)
    except BrokenPipeError:
        pass
    except KeyboardInterrupt:
        tell("Stopped")
        return INTERRUPTED
    return OK


def _shares(block_s: float) -> str:
    return f"what the model hears ahead, and blocks of {1e3 * block_s:g} ms"


def _settings(arguments: argparse.Namespace) -> LiveSettings:
    from ..live import LiveSettings
    from ..performance.blinks import blink_seed

    is_file = arguments.input != "-"
    return LiveSettings(
        gain_db=arguments.gain,
        rate_hz=arguments.fps,
        controls=options.strengths(arguments),
        blinks=arguments.blinks,
        blink_strength=arguments.blink_strength,
        eyelid_offset=arguments.eyelids,
        seed=blink_seed(arguments.input, arguments.seed) if is_file else arguments.seed,
    )


@contextmanager
def _opened(arguments: argparse.Namespace, tell: Callable[[str], None]) -> Iterator[Iterator[FloatArray]]:
    """The blocks of the sound, in real time."""
    if arguments.input == "-":
        yield _standard_input(arguments)
        return
    if arguments.format or arguments.rate:
        raise UsageError(
            "--format and --rate are for raw sound on standard input",
            "Leave them out: a file says both itself",
        )
    from ..audio import open_audio
    from ..live import paced

    with open_audio(Path(arguments.input)) as reader:
        # The level of a whole recording is what live speech does not have. A fixed gain comes before the
        # reader's limiter, as in the other commands.
        reader.gain = 1.0 if arguments.gain is None else 10.0 ** (arguments.gain / 20.0)
        blocks = (clip.samples for clip in reader.blocks(arguments.block))
        yield blocks if arguments.fast else paced(blocks, late=lambda late_s: tell(_late(late_s)))


def _late(late_s: float) -> str:
    return f"The frames are {late_s:.1f} s late: whoever takes them, or this computer, is too slow"


def _standard_input(arguments: argparse.Namespace) -> Iterator[FloatArray]:
    from ..audio_stream import StreamFormat, stream_blocks

    if sys.stdin is None or sys.stdin.isatty():
        raise UsageError(
            "There is no sound on standard input",
            "Pipe it in, from arecord -t wav -f S16_LE -r 16000 for example",
        )
    raw = StreamFormat(arguments.format or "s16le", arguments.rate or 16_000)
    return stream_blocks(sys.stdin.buffer, raw, arguments.block)


class _Lines:
    """One JSON object per frame on stdout: `{"time_s": 0.02, "weights": {"jawOpen": 0.31}}`."""

    def __init__(self, *, all_channels: bool) -> None:
        self._all = all_channels

    def write(self, motion: FaceMotion) -> None:
        """Print the frames and hand them on at once.

        Raises:
            BrokenPipeError: the reader has gone.
            OutputError: the disk is full, ...
        """
        lines = []
        for time_s, row in zip(motion.times_s.tolist(), motion.values.tolist(), strict=True):
            weights = {
                channel: weight
                for channel, value in zip(motion.channels, row, strict=True)
                if (weight := round(value, _DECIMALS)) or self._all
            }
            lines.append(json.dumps({"time_s": round(time_s, 6), "weights": weights}) + "\n")
        try:
            sys.stdout.write("".join(lines))
            sys.stdout.flush()
        except OSError as error:
            _drop_stdout()
            if error.errno in (errno.EPIPE, errno.EINVAL):  # the second is Windows' word for it
                raise BrokenPipeError from error
            raise output_error(error, "standard output") from error


class _Packets:
    """One Live Link Face packet per frame to an address that the user gave."""

    def __init__(
        self, arguments: argparse.Namespace, settings: LiveSettings, tell: Callable[[str], None]
    ) -> None:
        import uuid

        from ..formats.live_link import VALUES

        self._host, self._port = arguments.udp
        self._subject = arguments.subject.encode("utf-8", "replace").decode()
        self._tell = tell
        self._refused = False
        self._columns = len(VALUES)
        # The same face from run to run: receivers tell devices apart by this.
        self._device = str(uuid.uuid5(uuid.NAMESPACE_OID, f"soliloquy/{self._subject}")).upper()
        if not 1 <= len(self._subject.encode()) <= 255:
            raise UsageError("The name of the subject must have 1 to 255 bytes", "Give another --subject")
        self._socket = self._connected()

    def _connected(self) -> socket.socket:
        import socket

        try:
            family, kind, protocol, _, address = socket.getaddrinfo(
                self._host, self._port, type=socket.SOCK_DGRAM
            )[0]
            made = socket.socket(family, kind, protocol)
            made.connect(address)
        except (OSError, UnicodeError) as error:
            raise self._failed(error) from error
        return made

    def _failed(self, error: Exception) -> OutputError:
        reason = getattr(error, "strerror", None) or error
        return OutputError(
            f"Packets cannot be sent to '{self._host}:{self._port}' ({reason})",
            "Check the address and the network",
        )

    def write(self, motion: FaceMotion) -> None:
        """Send the frames; a receiver that is not there yet is waited for."""
        from fractions import Fraction

        import numpy as np

        from ..formats.live_link import FaceFrame, encode

        rate = Fraction(motion.rate_hz).limit_denominator(_LONGEST_RATE_PART)
        for time_s, row in zip(motion.times_s.tolist(), motion.values, strict=True):
            values = np.pad(row, (0, self._columns - len(row)))  # the head and the eyes look ahead
            number = round(time_s * motion.rate_hz)
            packet = encode(FaceFrame(values, number, rate, self._device, self._subject))
            try:
                self._socket.send(packet)
            except (ConnectionRefusedError, ConnectionResetError):  # the second on Windows
                if not self._refused:
                    self._tell(f"Nothing receives at '{self._host}:{self._port}' yet; sending goes on")
                self._refused = True
            except OSError as error:
                raise self._failed(error) from error


def _drop_stdout() -> None:
    """After its reader has gone: nothing is left to be flushed, and to fail, when Python ends."""
    with suppress(OSError, ValueError, AttributeError):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)


def _address(text: str) -> tuple[str, int]:
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not host or not port.isascii() or not port.isdigit() or not 1 <= int(port) <= 65_535:
        raise argparse.ArgumentTypeError(f"'{text}' is not HOST:PORT, as in 192.168.0.5:11111")
    return host, int(port)


def _block(text: str) -> float:
    value = options.number(text, lambda: float(text))
    if not _SHORTEST_BLOCK_S <= value <= _LONGEST_BLOCK_S:
        raise argparse.ArgumentTypeError(f"must be {_SHORTEST_BLOCK_S} to {_LONGEST_BLOCK_S:g} seconds")
    return value


def _whole(text: str) -> int:
    return int(options.number(text, lambda: int(text)))
