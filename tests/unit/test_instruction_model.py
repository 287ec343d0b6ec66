"""A language model at an address that the user gives: its words are read; whatever fails, the user's are."""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from soliloquy.inference.instruction.language_model import prompt, read_with_model
from soliloquy.inference.instruction.reader import read
from soliloquy.inference.instruction.values import ACTIONS, EMOTIONS

GERMAN = "Ein trauriger Sprecher, die Augenbrauen gesenkt, der Kopf geneigt"
ENGLISH = "A sad speaker, brows quite lowered"


class Model(BaseHTTPRequestHandler):
    """Answers with the server's `reply`: status, bytes, and seconds to wait before each byte."""

    def do_POST(self):
        length = int(self.headers["Content-Length"])
        self.server.asked.append((self.path, json.loads(self.rfile.read(length))))
        status, body, drip_s = self.server.reply
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/elsewhere")
        self.end_headers()
        for start in range(0, len(body), 1 if drip_s else len(body) or 1):
            time.sleep(drip_s)
            try:
                self.wfile.write(body[start : start + (1 if drip_s else len(body))])
                self.wfile.flush()
            except OSError:
                return

    def log_message(self, *_):
        pass


@pytest.fixture
def model():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Model)
    server.daemon_threads = True
    server.asked, server.reply = [], (200, b"", 0.0)
    server.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def answer(text):
    return 200, json.dumps({"choices": [{"message": {"content": text}}]}).encode(), 0.0


def test_the_answer_is_read(model):
    model.reply = answer("A very sad speaker, brows lowered,\nhead tilted to the left.")
    reading = read_with_model(GERMAN, model.url, online=True, model="small")
    assert reading.instruction.values() == {
        "sadness": pytest.approx(0.85),
        "brows": pytest.approx(-0.7),
        "head_tilt": pytest.approx(-0.7),
    }
    assert "A very sad speaker" in reading.notices[0]
    path, asked = model.asked[0]
    assert path == "/v1/chat/completions"
    assert asked["model"] == "small"
    assert asked["messages"][-1] == {"role": "user", "content": GERMAN}


@pytest.mark.parametrize("tail", ["/", "/v1", "/v1/", "/v1/chat/completions"])
def test_the_address_may_be_written_in_full(model, tail):
    model.reply = answer("A neutral speaker.")
    reading = read_with_model(GERMAN, model.url + tail, online=True)
    assert model.asked[0][0] == "/v1/chat/completions"
    assert not reading.instruction.values()


def test_the_prompt_has_every_term():
    for name in (*EMOTIONS, *(action.plus for action in ACTIONS)):
        assert name in prompt()


@pytest.mark.parametrize(
    ("reply", "told"),
    [
        ((500, b"oh", 0.0), "error 500"),
        ((404, b"", 0.0), "error 404"),
        ((302, b"", 0.0), "error 302"),
        ((200, b"", 0.0), "cannot be read"),
        ((200, b"\xff\xfe garbage", 0.0), "cannot be read"),
        ((200, b"[" * 5000, 0.0), "cannot be read"),
        ((200, b"[]", 0.0), "cannot be read"),
        ((200, b'{"choices": []}', 0.0), "cannot be read"),
        ((200, b'{"choices": [{"message": {"content": 7}}]}', 0.0), "answers with nothing"),
        ((200, b'{"choices": [{"message": {"content": "  "}}]}', 0.0), "answers with nothing"),
        (answer("Lorem ipsum dolor sit amet consectetur."), "nothing that can be read"),
        ((200, b"x" * 1_100_000, 0.0), "too long"),
        ((200, b"x" * 1000, 0.05), "within 0.5 s"),
        ((200, b"x", 3.0), "within 0.5 s"),
    ],
)
def test_what_fails_is_told_and_the_words_are_read(model, reply, told):
    model.reply = reply
    before = time.monotonic()
    reading = read_with_model(ENGLISH, model.url, online=True, timeout_s=0.5)
    assert time.monotonic() - before < 2.0
    assert reading.instruction == read(ENGLISH).instruction
    assert len(reading.notices) == 1
    assert told in reading.notices[0]
    assert "read without it" in reading.notices[0]


def test_a_model_that_is_not_there_is_told():
    reading = read_with_model(ENGLISH, "http://127.0.0.1:9", online=True, timeout_s=2.0)
    assert reading.instruction == read(ENGLISH).instruction
    assert "does not answer" in reading.notices[0]


@pytest.mark.parametrize(
    "address",
    [
        "",
        "localhost:8080",
        "file:///etc/passwd",
        "ftp://host",
        "http://",
        "http://a:b",
        "http://[",
        "http://h:99999",
    ],
)
def test_only_web_addresses_are_asked(address):
    reading = read_with_model(ENGLISH, address, online=True)
    assert reading.instruction == read(ENGLISH).instruction
    assert "no address of a language model" in reading.notices[0]


def test_nothing_is_asked_where_online_access_is_off(model):
    reading = read_with_model(ENGLISH, model.url, online=False)
    assert model.asked == []
    assert reading.instruction == read(ENGLISH).instruction
    assert "Online access is off" in reading.notices[0]


def test_nothing_is_asked_about_no_words(model):
    assert read_with_model("  \n", model.url, online=True) == read("")
    assert model.asked == []
