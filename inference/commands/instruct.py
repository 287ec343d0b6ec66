"""`soliloquy instruct a.wav`: what a voice suggests; `--text "..."`: what is read of words."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..console import OK, REFUSED, SOME_FAILED
from ..errors import SoliloquyError, UsageError
from . import options

if TYPE_CHECKING:
    from ..console import Console
    from ..instruction.reader import Reading
    from ..instruction.suggestion import Suggestion
    from ..instruction.values import Instruction
    from ..session import SpeechModel

_INSTRUCT = """Print the visual instruction that the voice of a recording suggests, phrase by phrase.
With --text print what is read of words, and what is not: `animate --instruction` reads them alike."""


def add(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "instruct", help="a performance in words: suggested by a voice, or read", description=_INSTRUCT
    )
    parser.set_defaults(run=run)
    parser.add_argument(
        "inputs", nargs="*", type=Path, metavar="SOUND", help="sound files, or folders of them"
    )
    parser.add_argument("--text", metavar="WORDS", help="read these words instead")
    parser.add_argument(
        "--model-address",
        metavar="URL",
        help="a language model (OpenAI's protocol) that puts the words, in any language, into terms first",
    )
    parser.add_argument("--model-name", default="", metavar="NAME", help="which of its models")
    options.add_model(parser.add_argument_group("how it runs"))
    parser.add_argument("--quiet", action="store_true", help="print results and errors only")
    parser.add_argument("--json", action="store_true", help="one JSON object per line on stdout")


def run(arguments: argparse.Namespace, console: Console) -> int:
    """Read the words, or hear every sound."""
    if arguments.text is not None:
        if arguments.inputs:
            raise UsageError("There are words and a sound", "Give either --text or sound files")
        _print_reading(_reading(arguments), as_json=arguments.json)
        return OK
    if arguments.model_address:
        raise UsageError("A language model reads words, and there are none", "Give them with --text")
    if not arguments.inputs:
        raise UsageError("There is nothing to instruct", "Give a sound file, or words with --text")
    return _suggest_all(arguments, console)


def _reading(arguments: argparse.Namespace) -> Reading:
    if arguments.model_address:
        from ..instruction.language_model import read_with_model

        return read_with_model(
            arguments.text, arguments.model_address, online=True, model=arguments.model_name
        )
    from ..instruction.reader import read

    return read(arguments.text)


def _print_reading(reading: Reading, *, as_json: bool) -> None:
    if as_json:
        spans = [{"start": span.start, **_told(span.instruction)} for span in reading.spans]
        told = _told(reading.instruction)
        extra = {"not_understood": reading.not_understood, "notices": reading.notices}
        print(json.dumps({"event": "reading", **told, "spans": spans, **extra}), flush=True)
        return
    for span in reading.spans:
        share = f"from {span.start:.0%} of the line on: " if len(reading.spans) > 1 else ""
        print(f"{share}{_told(span.instruction)['sentence']}\n  {_values_text(span.instruction)}")
    if reading.not_understood:
        print(f"not understood: {', '.join(reading.not_understood)}")
    for notice in reading.notices:
        print(notice)


def _suggest_all(arguments: argparse.Namespace, console: Console) -> int:
    from ..jobs import sound_files
    from ..session import load_speech_model

    sources = sound_files(arguments.inputs)
    model = load_speech_model(
        arguments.model, threads=arguments.threads, device=arguments.device, notify=console.say
    )
    failures = 0
    for source in sources:
        try:
            suggestions = _suggestions(source, model, console)
        except SoliloquyError as error:
            console.failed(source, error)
            failures += 1
            continue
        _print_suggestions(source, suggestions, as_json=arguments.json)
    if len(sources) == 1:
        return REFUSED if failures else OK
    return SOME_FAILED if failures else OK


def _suggestions(source: Path, model: SpeechModel, console: Console) -> tuple[Suggestion, ...]:
    from ..audio import open_audio
    from ..instruction.suggestion import join_voice, suggest
    from ..motion import stream_speech

    with open_audio(source) as reader:
        notices = list(reader.notices)
        prosody, visemes = join_voice(stream_speech(reader.blocks(), model))
    found = suggest(prosody, visemes)
    if not found:
        notices.append(f"There is too little speech in '{source}' to suggest anything.")
    for notice in notices:
        console.notice(source, notice)
    return found


def _print_suggestions(source: Path, suggestions: tuple[Suggestion, ...], *, as_json: bool) -> None:
    from ..instruction.suggestion import whole_of

    whole = _told(whole_of(suggestions))
    if as_json:
        spans = [
            {
                "start_s": s.start_s,
                "end_s": s.end_s,
                "confidence": round(s.confidence, 3),
                **_told(s.instruction),
            }
            for s in suggestions
        ]
        print(json.dumps({"event": "suggestion", "input": str(source), **whole, "spans": spans}), flush=True)
        return
    print(f"{source}: {whole['sentence']}")
    for s in suggestions:
        print(f"  {s.start_s:7.2f} to {s.end_s:7.2f} s, confidence {s.confidence:.2f}: ", end="")
        print(f"{_told(s.instruction)['sentence']}\n{'':29}{_values_text(s.instruction)}", flush=True)


def _told(instruction: Instruction) -> dict[str, Any]:
    from ..instruction.writer import write

    values = {name: round(value, 3) for name, value in instruction.values().items()}
    return {"sentence": write(instruction), "values": values, "intensity": round(instruction.intensity, 3)}


def _values_text(instruction: Instruction) -> str:
    told = _told(instruction)
    values = [f"{name} {value:g}" for name, value in told["values"].items()]
    if instruction.intensity < 1.0:
        values.append(f"intensity {told['intensity']:g}")
    return ", ".join(values) or "every value is 0"
