"""Where painted files come from: what is written, what is read, and what is noticed when somebody changes
it."""

from __future__ import annotations

import json
import re
import shutil
import stat
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

sys.path.append(str(Path(__file__).resolve().parents[1]))
pytest.importorskip("OpenImageIO")
pytest.importorskip("onnx")
pytest.importorskip("cryptography")

import actor_helpers as tiny
from soliloquy.inference.actor.folder import Actor, Consent
from soliloquy.inference.actor.media.exr import Window, write_exr
from soliloquy.inference.actor.media.images import read_channels, write_png
from soliloquy.inference.actor.painting.pass_jobs import DubJob, Line, paint_dub
from soliloquy.inference.actor.painting.passes import CHANNELS
from soliloquy.inference.actor.trust import credentials, provenance
from soliloquy.inference.actor.trust.credentials import CredentialsError, find_credentials
from soliloquy.inference.actor.trust.verification import State, verify
from soliloquy.inference.cli import main

CONSENT = Consent("Somebody agrees to these tests", "2026-01-01")
SOMEBODY = Actor(Path("nowhere"), "Somebody", CONSENT, 64, "1f2e")


@pytest.fixture(autouse=True)
def own_data(tmp_path_factory, monkeypatch):
    folder = tmp_path_factory.mktemp("data")
    monkeypatch.setenv("SOLILOQUY_DATA", str(folder))
    for name in ("SOLILOQUY_CERTIFICATE", "SOLILOQUY_KEY"):
        monkeypatch.delenv(name, raising=False)
    return folder


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A signed pass of eight frames."""
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SOLILOQUY_DATA", str(folder / "data"))
        actor = tiny.make_tiny_actor(folder)
        line = Line("curves", actor.actor.face, tiny.tiny_motion(8))
        job = DubJob(actor.actor.folder, actor.plate, line, folder / "pass")
        paint_dub(job, find_credentials())
    return folder / "pass"


@pytest.fixture
def folder(made, tmp_path):
    """A copy of it, to be spoiled."""
    return Path(shutil.copytree(made, tmp_path / "pass"))


def whole(pixels: np.ndarray) -> Window:
    return Window(pixels, 0, 0, pixels.shape[1], pixels.shape[0])


def state(path: Path) -> State:
    (verdict,) = verify(path)
    return verdict.state


def said(path: Path) -> str:
    (verdict,) = verify(path)
    return " ".join(verdict.findings)


def test_an_untouched_pass_is_intact_and_says_all(folder, capsys):
    assert main(["verify", str(folder)]) == 0
    shown = capsys.readouterr().out
    for fact in ("synthetic", "Soliloquy", "Tiny", tiny.CONSENT, "plate", "memory", "renderer", "curves"):
        assert fact in shown
    assert "self-signed" in shown
    assert "All 8 files are as they were made" in shown


def test_machines_are_told_the_same(folder, capsys):
    assert main(["verify", "--json", str(folder)]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["state"] == "intact"
    assert told["statement"]["synthetic"] is True
    assert told["statement"]["actor"]["name"] == "Tiny"
    assert set(told["statement"]["sources"]) == {"plate", "take", "memory", "renderer", "face", "curves"}


def test_a_single_frame_is_judged_with_the_list_beside_it(folder):
    assert state(folder / "pass.0003.exr") is State.INTACT
    assert "pixels are as they were made" in said(folder / "pass.0003.exr")
    assert "signature is valid" in said(folder / "pass.0003.exr")


def test_a_frame_alone_still_says_what_it_is(folder, tmp_path):
    alone = tmp_path / "alone.exr"
    shutil.copy(folder / "pass.0003.exr", alone)
    (verdict,) = verify(alone)
    assert verdict.state is State.INTACT
    assert verdict.statement["actor"]["name"] == "Tiny"
    assert tiny.CONSENT in verdict.statement["consent"]["statement"]
    assert "nothing is signed" in " ".join(verdict.findings)


def test_a_changed_pixel_is_noticed_even_alone(folder, tmp_path):
    from soliloquy.inference.actor.media.images import read_attributes

    channels, _ = read_channels(folder / "pass.0003.exr")
    texts = read_attributes(folder / "pass.0003.exr")
    pixels = np.stack([channels[name] for name in CHANNELS], 2).astype(np.float16)
    row, column = np.argwhere(channels["matte.V"] > 0.5)[0]
    pixels[row, column, 0] += np.float16(0.01)
    ours = {name: text for name, text in texts.items() if name.startswith("soliloquy:")}
    write_exr(tmp_path / "changed.exr", whole(pixels), CHANNELS, ours)
    assert state(tmp_path / "changed.exr") is State.CHANGED
    assert "pixels were changed" in said(tmp_path / "changed.exr")
    shutil.copy(tmp_path / "changed.exr", folder / "pass.0003.exr")
    assert "pass.0003.exr is changed" in said(folder)


SPOILT = ("byte", "missing", "added", "list", "actor", "unsigned", "signature", "both")


@pytest.mark.parametrize("spoil", SPOILT)
def test_what_somebody_did_to_a_pass_is_noticed(folder, spoil):
    sidecar, signature = folder / provenance.SIDECAR, folder / provenance.SIGNATURE
    if spoil == "byte":
        content = bytearray((folder / "pass.0002.exr").read_bytes())
        content[len(content) // 2] ^= 1
        (folder / "pass.0002.exr").write_bytes(content)
    elif spoil == "missing":
        (folder / "pass.0004.exr").unlink()
    elif spoil == "added":
        shutil.copy(folder / "pass.0004.exr", folder / "pass.0009.exr")
    elif spoil == "list":
        sidecar.write_text(sidecar.read_text().replace("pass.0004", "pass.0014"))
    elif spoil == "actor":
        sidecar.write_text(sidecar.read_text().replace("Tiny", "Nobody"))
    elif spoil == "unsigned":
        signature.unlink()
    elif spoil == "signature":
        signature.write_text("{}")
    else:
        sidecar.write_text("[]")
        signature.write_text("[]")
    # Without a signature the list still fits its files: that is said, and nothing is broken.
    assert state(folder) is (State.INTACT if spoil == "unsigned" else State.CHANGED)
    if spoil == "unsigned":
        assert "not signed" in said(folder)


def test_a_forger_with_a_key_of_their_own_cannot_pass_for_another(folder, monkeypatch, tmp_path):
    """Who signs anew has another fingerprint: it is shown."""
    before = said(folder)
    monkeypatch.setenv("SOLILOQUY_DATA", str(tmp_path / "another"))
    document = (folder / provenance.SIDECAR).read_bytes().replace(b"Tiny", b"Nobody")
    (folder / provenance.SIDECAR).write_bytes(document)
    signed = credentials.sign_bytes(find_credentials(), document)
    (folder / provenance.SIGNATURE).write_text(json.dumps(signed))
    after = said(folder)
    assert state(folder) is State.INTACT
    assert re.search(r"\((\w{16})\)", before)[1] != re.search(r"\((\w{16})\)", after)[1]


def test_names_that_lead_out_of_the_folder_are_refused(folder):
    sidecar = folder / provenance.SIDECAR
    document = json.loads(sidecar.read_text())
    document["files"]["../../secret"] = "0" * 64
    sidecar.write_text(json.dumps(document))
    assert state(folder) is State.CHANGED
    assert "leads out of its folder" in said(folder)


def test_pictures_without_credentials_have_none(tmp_path, capsys):
    write_png(tmp_path / "a.png", np.zeros((4, 4, 3), np.uint8))
    write_exr(tmp_path / "b.exr", whole(np.zeros((4, 4, 3), np.float16)), ("R", "G", "B"))
    (tmp_path / "c.txt").write_text("text")
    for name in ("a.png", "b.exr", "c.txt"):
        assert main(["verify", str(tmp_path / name)]) == 2
        assert "no credentials found" in capsys.readouterr().out
    assert main(["verify", str(tmp_path)]) == 2


def test_what_does_not_exist_is_refused_in_a_sentence(tmp_path, capsys):
    assert main(["verify", str(tmp_path / "none.mp4")]) == 2
    assert "does not exist" in capsys.readouterr().err


def test_exit_codes_of_several(folder, tmp_path):
    write_png(tmp_path / "a.png", np.zeros((4, 4, 3), np.uint8))
    assert main(["verify", str(folder), str(folder / "pass.0001.exr")]) == 0
    assert main(["verify", str(folder), str(tmp_path / "a.png")]) == 2
    (folder / "pass.0001.exr").unlink()
    assert main(["verify", str(folder), str(tmp_path / "a.png")]) == 1


def signed_png(path: Path, certificate=None, key=None) -> Path:
    what = provenance.provenance_of(SOMEBODY, "a test", {"plate": "ab" * 32})
    picture = np.random.default_rng(0).integers(0, 255, (40, 60, 3), dtype=np.uint8)
    write_png(path, picture, what.texts())
    provenance.sign_media(path, what, find_credentials(certificate, key))
    return path


def test_content_credentials_of_a_png(tmp_path):
    pytest.importorskip("c2pa")
    path = signed_png(tmp_path / "a.png")
    (verdict,) = verify(path)
    assert verdict.state is State.INTACT
    assert verdict.statement["actor"]["name"] == "Somebody"
    assert "content credentials are intact" in " ".join(verdict.findings)
    report = provenance.read_credentials(path)
    assert report["validation_state"] == "Valid"
    actions = next(
        one["data"]["actions"]
        for one in report["manifests"][report["active_manifest"]]["assertions"]
        if one["label"].startswith("c2pa.actions")
    )
    assert actions[0]["digitalSourceType"] == provenance.COMPOSITE
    assert [one.name for one in tmp_path.iterdir()] == ["a.png"]


def test_a_changed_png_is_noticed(tmp_path):
    pytest.importorskip("c2pa")
    path = signed_png(tmp_path / "a.png")
    content = bytearray(path.read_bytes())
    content[content.rindex(b"IDAT") + 20] ^= 1
    path.write_bytes(content)
    assert main(["verify", str(path)]) == 1
    assert "do not fit the file" in said(path)


def test_a_cut_png_is_noticed(tmp_path):
    pytest.importorskip("c2pa")
    path = signed_png(tmp_path / "a.png")
    path.write_bytes(path.read_bytes()[:-60])
    assert state(path) is State.CHANGED


def test_a_movie_carries_credentials_and_tags(tmp_path):
    pytest.importorskip("c2pa")
    pytest.importorskip("av")
    actor = tiny.make_tiny_actor(tmp_path)
    line = Line("curves", actor.actor.face, tiny.tiny_motion(8))
    movie = tmp_path / "dub.mp4"
    job = DubJob(actor.actor.folder, actor.plate, line, tmp_path / "pass", preview=movie)
    paint_dub(job, find_credentials())
    assert state(movie) is State.INTACT
    assert "content credentials are intact" in said(movie)
    content = bytearray(movie.read_bytes())
    content[content.index(b"mdat") + 200] ^= 1
    movie.write_bytes(content)
    assert state(movie) is State.CHANGED


def test_a_movie_that_lost_its_credentials_still_says_synthetic(tmp_path):
    pytest.importorskip("c2pa")
    pytest.importorskip("av")
    actor = tiny.make_tiny_actor(tmp_path)
    line = Line("curves", actor.actor.face, tiny.tiny_motion(8))
    movie = tmp_path / "dub.mp4"
    paint_dub(DubJob(actor.actor.folder, actor.plate, line, tmp_path / "pass", preview=movie), None)
    (verdict,) = verify(movie)
    assert verdict.state is State.INTACT
    assert verdict.statement["actor"]["name"] == "Tiny"
    assert "header alone can be forged" in " ".join(verdict.findings)


def test_an_own_key_is_made_once_and_is_nobody_elses(own_data):
    first, second = find_credentials(), find_credentials()
    assert first == second
    key = own_data / "credentials" / "key.pem"
    if sys.platform != "win32":
        assert stat.S_IMODE(key.stat().st_mode) == 0o600


def _studio(folder: Path, kind: str) -> tuple[Path, Path]:
    """A certificate of another issuer and its key."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
    from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

    makers = {
        "p256": lambda: ec.generate_private_key(ec.SECP256R1()),
        "p384": lambda: ec.generate_private_key(ec.SECP384R1()),
        "ed25519": ed25519.Ed25519PrivateKey.generate,
        "rsa": lambda: rsa.generate_private_key(65537, 2048),
        "p224": lambda: ec.generate_private_key(ec.SECP224R1()),
    }
    above, own = ec.generate_private_key(ec.SECP256R1()), makers[kind]()
    names = [
        x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Studio"),
                x509.NameAttribute(NameOID.COMMON_NAME, n),
            ]
        )
        for n in ("Studio signer", "Studio authority")
    ]
    now = datetime.now(UTC)

    def certificate(subject, public, is_authority):
        usage = dict.fromkeys(
            ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "encipher_only",
             "decipher_only"), False,
        )  # fmt: skip
        built = x509.CertificateBuilder(
            issuer_name=names[1],
            subject_name=subject,
            public_key=public,
            serial_number=x509.random_serial_number(),
            not_valid_before=now - timedelta(days=1),
            not_valid_after=now + timedelta(days=9),
        ).add_extension(x509.BasicConstraints(is_authority, None), critical=True)
        built = built.add_extension(
            x509.KeyUsage(
                digital_signature=not is_authority, key_cert_sign=is_authority, crl_sign=is_authority, **usage
            ),
            critical=True,
        )
        built = built.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(above.public_key()), critical=False
        )
        built = built.add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        if not is_authority:
            built = built.add_extension(
                x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), critical=False
            )
        return built.sign(above, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)

    chain = certificate(names[0], own.public_key(), False) + certificate(names[1], above.public_key(), True)
    private = own.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / f"{kind}.crt").write_bytes(chain)
    (folder / f"{kind}.key").write_bytes(private)
    return folder / f"{kind}.crt", folder / f"{kind}.key"


@pytest.mark.parametrize("kind", ["p256", "p384", "ed25519", "rsa"])
def test_a_studios_own_certificate_signs(tmp_path, kind):
    certificate, key = _studio(tmp_path, kind)
    given = find_credentials(certificate, key)
    signed = credentials.sign_bytes(given, b"content")
    checked = credentials.check_bytes(signed, b"content")
    assert checked.valid
    assert not checked.self_made
    assert checked.subject == "Studio signer"
    assert not credentials.check_bytes(signed, b"other content").valid
    pytest.importorskip("c2pa")
    path = signed_png(tmp_path / "a.png", certificate, key)
    assert "signed by 'Studio'" in said(path)


def test_certificates_that_cannot_sign_are_refused(tmp_path, monkeypatch):
    certificate, key = _studio(tmp_path, "p256")
    other, other_key = _studio(tmp_path, "p384")
    with pytest.raises(CredentialsError, match="together"):
        find_credentials(certificate)
    with pytest.raises(CredentialsError, match="does not belong"):
        find_credentials(certificate, other_key)
    with pytest.raises(CredentialsError, match="cannot be read"):
        find_credentials(key, certificate)
    with pytest.raises(CredentialsError, match="cannot be read"):
        find_credentials(tmp_path / "none", key)
    with pytest.raises(CredentialsError, match="kind"):
        find_credentials(*_studio(tmp_path, "p224"))
    monkeypatch.setenv("SOLILOQUY_CERTIFICATE", str(other))
    monkeypatch.setenv("SOLILOQUY_KEY", str(other_key))
    assert find_credentials().algorithm == "es384"


def test_a_chain_that_does_not_hold_together_is_not_valid(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    certificate, key = _studio(tmp_path / "a", "p256")
    foreign, _ = _studio(tmp_path / "b", "p256")
    marker = b"-----BEGIN CERTIFICATE-----"
    own, other = (path.read_bytes().split(marker) for path in (certificate, foreign))
    certificate.write_bytes(marker + own[1] + marker + other[2])
    signed = credentials.sign_bytes(find_credentials(certificate, key), b"content")
    assert not credentials.check_bytes(signed, b"content").valid


@given(st.integers(1, 12), st.integers(1, 12), st.integers(0, 10**6))
def test_the_hash_of_pixels_knows_every_change(height, width, seed):
    random = np.random.default_rng(seed)
    pixels = random.random((height, width, 5)).astype(np.float16) * (random.random((height, width, 1)) < 0.3)
    pixels = pixels.astype(np.float16)
    before = provenance.pixels_sha256(whole(pixels))
    left, top = random.integers(0, 4, 2)
    around = np.pad(pixels, ((top, 1), (left, 2), (0, 0)))
    part = Window(pixels, int(left), int(top), around.shape[1], around.shape[0])
    assert provenance.pixels_sha256(part) == provenance.pixels_sha256(whole(around))
    changed = pixels.copy()
    changed[random.integers(height), random.integers(width), random.integers(5)] += np.float16(1)
    assert provenance.pixels_sha256(whole(changed)) != before
    assert provenance.pixels_sha256(whole(np.pad(pixels, ((0, 1), (0, 0), (0, 0))))) != before


def test_without_the_packages_one_sentence_says_so(tmp_path, monkeypatch, folder):
    monkeypatch.setitem(sys.modules, "c2pa", None)
    write_png(tmp_path / "a.png", np.zeros((4, 4, 3), np.uint8))
    assert "c2pa does not load" in said(tmp_path / "a.png")
    monkeypatch.setitem(sys.modules, "cryptography", None)
    with pytest.raises(CredentialsError, match=r"soliloquy\[actor\]"):
        find_credentials()
