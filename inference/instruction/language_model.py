"""A language model that puts free words, in any language, into the terms that the reader reads.

Optional: the user gives the address of a server that speaks OpenAI's protocol, often on the same computer.
What it answers goes through `reader.read` like words typed by hand; whatever fails, the words are read as
they are, and one sentence says why.
"""

from __future__ import annotations

import json
import threading
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import replace
from http.client import HTTPException
from typing import TYPE_CHECKING, Any, Final

from ..errors import SoliloquyError
from .reader import MOST_WORDS, Reading, read
from .values import ACTIONS, EMOTIONS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

TIMEOUT_S: Final = 20.0
_MOST_BYTES: Final = 1_000_000
_MOST_SENT: Final = 20 * MOST_WORDS
_PATH: Final = "/v1/chat/completions"
_THIS_COMPUTER: Final = ("localhost", "127.0.0.1", "::1")
_DEGREES: Final = "slightly (0.2), mildly (0.3), fairly (0.45), quite (0.6), very (0.85), extremely (1)"


class AddressError(SoliloquyError):
    """A language model that cannot be asked, or whose answer is of no use."""


def read_with_model(
    text: str, address: str, *, online: bool, model: str = "", timeout_s: float = TIMEOUT_S
) -> Reading:
    """The instruction that a text in any language describes, with the help of a language model.

    Args:
        text: what the user writes.
        address: http or https address of the server, with or without `/v1/chat/completions`.
        online: whether the network may be used at all (in Blender: its online access).
        model: name of the model, where the server has several.
        timeout_s: seconds to wait for the whole answer.

    Returns:
        The reading of the model's words; where it cannot be had, that of the text itself, with a notice.
    """
    if not text.strip():
        return read(text)
    notices: list[str] = []
    try:
        if not online:
            raise offline()
        answer = _in_time(lambda: _ask(text[:_MOST_SENT], _endpoint(address), model, timeout_s), timeout_s)
        reading = read(answer)
        if reading.instruction == read("").instruction and not _says_neutral(answer):
            raise AddressError(
                "The language model answers with nothing that can be read", "Try another model"
            )
    except AddressError as error:
        plain = read(text)
        notices.append(f"{error} The words are read without it.")
        return replace(plain, notices=(*notices, *plain.notices))
    notices.append(f'The language model says: "{answer}"')
    return replace(reading, notices=(*notices, *reading.notices))


def offline() -> AddressError:
    """Why no model is asked where the network may not be used."""
    return AddressError(
        "Online access is off in Blender",
        "Switch on Allow Online Access below Preferences > System, also for a model on this computer",
    )


def _in_time(work: Callable[[], str], timeout_s: float) -> str:
    """What `work` returns; a server that sends a byte now and then is not waited for."""
    result: list[str] = []
    failure: list[AddressError] = []

    def run() -> None:
        try:
            result.append(work())
        except AddressError as error:
            failure.append(error)

    thread = threading.Thread(target=run, daemon=True, name="language model")
    thread.start()
    thread.join(timeout_s)
    if failure:
        raise failure[0]
    if not result:
        raise AddressError(
            f"The language model does not answer within {timeout_s:g} s", "Try again when it has loaded"
        )
    return result[0]


def _says_neutral(answer: str) -> bool:
    return "neutral" in answer.lower()


def _endpoint(address: str) -> str:
    """The full address.

    Raises:
        AddressError: not an http or https address.
    """
    try:
        parts = urllib.parse.urlsplit(address.strip())
        port_is_right = parts.port is None or parts.port > 0
    except ValueError:
        parts, port_is_right = urllib.parse.urlsplit(""), False
    if parts.scheme not in ("http", "https") or not parts.hostname or not port_is_right:
        raise AddressError(
            f"'{address}' is no address of a language model", "Write it as http://localhost:8080"
        )
    path = parts.path.rstrip("/")
    if not path.endswith("/chat/completions"):
        path = path.removesuffix("/v1") + _PATH
    return urllib.parse.urlunsplit((parts.scheme, parts.netloc, path, parts.query, ""))


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """The user has named one address: nothing is sent to another."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def _ask(text: str, endpoint: str, model: str, timeout_s: float) -> str:
    """The words that the model answers with."""
    body: dict[str, Any] = {
        "messages": [{"role": "system", "content": prompt()}, {"role": "user", "content": text}],
        "temperature": 0,
        "max_tokens": 300,
        "stream": False,
    }
    if model:
        body["model"] = model
    request = urllib.request.Request(
        endpoint, json.dumps(body).encode(), {"Content-Type": "application/json"}, method="POST"
    )
    handlers: list[urllib.request.BaseHandler] = [_NoRedirect()]
    if urllib.parse.urlsplit(endpoint).hostname in _THIS_COMPUTER:
        handlers.append(urllib.request.ProxyHandler({}))
    opener = urllib.request.build_opener(*handlers)
    try:
        with opener.open(request, timeout=timeout_s) as response:
            received = response.read(_MOST_BYTES + 1)
    except urllib.error.HTTPError as error:
        error.close()
        raise AddressError(
            f"The language model answers with error {error.code}", "Look at its server"
        ) from error
    except (OSError, HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise AddressError(
            f"The language model at {endpoint} does not answer ({reason})", "Start it, or change the address"
        ) from error
    if len(received) > _MOST_BYTES:
        raise AddressError("The answer of the language model is too long", "Try another model")
    return _content(received)


def _content(received: bytes) -> str:
    try:
        answer: Mapping[str, Any] = json.loads(received)
        content = answer["choices"][0]["message"]["content"]
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        raise AddressError(
            "The answer of the language model cannot be read", "Choose one that speaks the protocol of OpenAI"
        ) from error
    if not isinstance(content, str) or not content.strip():
        raise AddressError("The language model answers with nothing", "Try another model")
    return " ".join(content.split())


def prompt() -> str:
    """What the model is told: the terms that the reader reads."""
    emotions = ", ".join(EMOTIONS)
    terms = "; ".join(f"{action.plus}" + (f" / {action.minus}" if action.minus else "") for action in ACTIONS)
    return (
        "You direct the face of an animated speaker. Rewrite the user's direction, in whatever language, as "
        "ONE English sentence that names only what the user asks for, in these terms and no others. "
        f"Emotions: {emotions}. Movements: {terms}. "
        f"Degrees before each: {_DEGREES}. Join the phrases with commas; write 'then' between what follows "
        "in time. Left and right are the subject's. Example: 'A quite sad speaker, brows mildly lowered, "
        "slow nods.' Answer with the sentence alone."
    )
