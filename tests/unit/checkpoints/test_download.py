"""Downloads from a small hub on this machine: whole files or none, continued where they stopped, and what they claim to be."""

import errno
import hashlib
import json
import os
import subprocess
import sys
import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from float_core import CheckpointError, OptionError
from float_core.checkpoints import fetch_file as fetching
from float_core.checkpoints.download import DOWNLOADS, download
from float_core.checkpoints.fetch_file import Version

from .small_hub import COMMIT, LOGIN_PAGE, Hub, serving

BODY = (16).to_bytes(8, "little") + b'{"a":0         }' + bytes(range(256)) * 5000  # begins as a safetensors file
OTHER = BODY[:24] + BODY[24:][::-1]
PICKLE = b"PK\x03\x04" + bytes(range(256)) * 5000
CONFIG = b'{"model_type": "wav2vec2"}'
FLOAT, EMOTION = "set-soft/float/FLOAT.safetensors", "r-f/wav2vec-english-speech-emotion-recognition"


@pytest.fixture
def hub(monkeypatch):
    """Serves one; the client takes pieces of 64 KiB, has no token, and waits for nothing."""
    from huggingface_hub import constants, file_download

    for module in (constants, file_download):
        monkeypatch.setattr(module, "DOWNLOAD_CHUNK_SIZE", 1 << 16, raising=False)
    monkeypatch.setattr(file_download.time, "sleep", lambda seconds: None)
    monkeypatch.setenv("HF_HUB_DISABLE_IMPLICIT_TOKEN", "1")
    hub = Hub()
    hub.files[FLOAT] = BODY
    with serving(hub):
        yield hub


def fetch(hub, folder, name="float", **options):
    return download(name, folder, endpoint=hub.url, **options)[-1]


def stop_at(limit, error):
    def on_progress(stage, done, total):
        if done >= limit:
            raise error

    return on_progress


def names(folder):
    return sorted(entry.name for entry in folder.iterdir())


def test_a_file_arrives_whole_with_a_record_and_is_fetched_once(tmp_path, hub):
    steps = []
    path = fetch(hub, tmp_path / "new", on_progress=lambda *step: steps.append(step))
    assert path == tmp_path / "new" / "FLOAT.safetensors"
    assert path.read_bytes() == BODY and not path.is_symlink()
    assert names(path.parent) == ["FLOAT.safetensors", "FLOAT.safetensors.download.json"]
    record = json.loads((path.parent / "FLOAT.safetensors.download.json").read_text())
    assert (record["commit"], record["size"], record["sha256"]) == (COMMIT, len(BODY), hashlib.sha256(BODY).hexdigest())
    assert steps[0] == ("download", 0, len(BODY)) and steps[-1] == ("download", len(BODY), len(BODY))
    assert len(steps) > 10 and [step[1] for step in steps] == sorted(step[1] for step in steps)
    asked = len(hub.requests)
    assert fetch(hub, tmp_path / "new") == path
    assert len(hub.requests) == asked


def test_a_folder_of_a_network_takes_the_weights_that_are_there(tmp_path, hub):
    hub.files |= {f"{EMOTION}/config.json": CONFIG, f"{EMOTION}/pytorch_model.bin": PICKLE}
    paths = download("speech-emotion", tmp_path, endpoint=hub.url)
    folder = tmp_path / "wav2vec-english-speech-emotion-recognition"
    assert paths == (folder / "config.json", folder / "pytorch_model.bin")
    assert [path.read_bytes() for path in paths] == [CONFIG, PICKLE]
    asked = len(hub.requests)
    assert download("speech-emotion", tmp_path, endpoint=hub.url) == paths
    assert len(hub.requests) == asked


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("stopped by the user"), BrokenPipeError(32, "the bar's pipe")])
def test_progress_that_raises_stops_and_the_next_call_goes_on(tmp_path, hub, error):
    with pytest.raises(type(error)) as raised:
        fetch(hub, tmp_path, on_progress=stop_at(300_000, error))
    assert raised.value is error
    (part,) = (entry for entry in tmp_path.iterdir() if entry.suffix == ".part")
    assert BODY.startswith(part.read_bytes()) and part.stat().st_size >= 300_000
    steps = []
    path = fetch(hub, tmp_path, on_progress=lambda *step: steps.append(step[1]))
    assert path.read_bytes() == BODY
    assert hub.asked("GET")[-1][1] == f"bytes={steps[0]}-" and steps[0] >= 300_000
    assert names(tmp_path) == ["FLOAT.safetensors", "FLOAT.safetensors.download.json"]


def test_a_stream_that_breaks_is_continued_by_the_next_call(tmp_path, hub):
    hub.cut_at = 700_000
    with pytest.raises(CheckpointError, match="next call goes on"):
        fetch(hub, tmp_path)
    assert not (tmp_path / "FLOAT.safetensors").exists()
    hub.cut_at = None
    asked = len(hub.requests)
    assert fetch(hub, tmp_path).read_bytes() == BODY
    spans = [span for method, path, span, _ in hub.requests[asked:] if method == "GET" and path.startswith("/stored/")]
    assert len(spans) == 1 and 600_000 <= int(spans[0].removeprefix("bytes=").removesuffix("-")) <= 700_000


@pytest.mark.parametrize("left", [b"x" * 10, b"x" * (len(BODY) + 1)])
def test_another_version_at_the_hub_starts_anew(tmp_path, hub, left):
    with pytest.raises(KeyboardInterrupt):
        fetch(hub, tmp_path, on_progress=stop_at(300_000, KeyboardInterrupt()))
    (tmp_path / "FLOAT.safetensors.part").write_bytes(left)
    hub.files[FLOAT] = OTHER
    assert fetch(hub, tmp_path).read_bytes() == OTHER
    assert names(tmp_path) == ["FLOAT.safetensors", "FLOAT.safetensors.download.json"]


def test_a_server_without_ranges_spoils_nothing(tmp_path, hub):
    with pytest.raises(KeyboardInterrupt):
        fetch(hub, tmp_path, on_progress=stop_at(300_000, KeyboardInterrupt()))
    hub.knows_ranges = False
    try:
        path = fetch(hub, tmp_path)
    except CheckpointError:  # older clients of the hub put the whole file behind the part; that is noticed
        assert not (tmp_path / "FLOAT.safetensors").exists()
        path = fetch(hub, tmp_path)
    assert path.read_bytes() == BODY


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (LOGIN_PAGE, "web page"),
        (LOGIN_PAGE + b" " * (len(BODY) - len(LOGIN_PAGE)), "web page"),
        (b'{"error": "rate limit"}', "JSON text"),
        (OTHER, "the hash"),
        (BODY + b"more", "bytes, expected|stopped"),
        (b"", "empty|stopped"),
    ],
)
def test_what_is_not_the_file_gets_neither_its_name_nor_kept(tmp_path, hub, body, says):
    hub.sent_instead[FLOAT] = body
    with pytest.raises(CheckpointError, match=says):
        fetch(hub, tmp_path)
    assert [name for name in names(tmp_path) if not name.endswith(".lock")] == []
    del hub.sent_instead[FLOAT]
    assert fetch(hub, tmp_path).read_bytes() == BODY


def test_small_files_are_checked_by_their_git_hash(tmp_path, hub):
    files = {f"{EMOTION}/config.json": CONFIG, f"{EMOTION}/model.safetensors": BODY}
    hub.files |= files
    for wrong, says in ((CONFIG.replace(b"2", b"3"), "the hash"), (LOGIN_PAGE[: len(CONFIG)], "no JSON text")):
        hub.sent_instead[f"{EMOTION}/config.json"] = wrong
        with pytest.raises(CheckpointError, match=says):
            download("speech-emotion", tmp_path, endpoint=hub.url)
    hub.sent_instead.clear()
    assert [path.read_bytes() for path in download("speech-emotion", tmp_path, endpoint=hub.url)] == list(files.values())


def test_a_hub_that_holds_something_else_under_that_name(tmp_path, hub):
    hub.files[FLOAT] = LOGIN_PAGE * 100
    with pytest.raises(CheckpointError, match="web page"):
        fetch(hub, tmp_path)


def test_a_login_page_instead_of_the_hub(tmp_path, hub):
    hub.answers[FLOAT] = (200, {"Content-Type": "text/html"})
    with pytest.raises(CheckpointError, match="does not answer as a model hub"):
        fetch(hub, tmp_path)
    assert names(tmp_path) == []


@pytest.mark.parametrize("change", [lambda path: path.write_bytes(OTHER), lambda path: os.truncate(path, 100)])
def test_a_file_that_changed_since_it_came_is_told_and_kept(tmp_path, hub, change):
    path = fetch(hub, tmp_path)
    change(path)
    found = path.read_bytes()
    with pytest.raises(CheckpointError, match=r"FLOAT\.safetensors is not .*expected"):
        fetch(hub, tmp_path)
    assert path.read_bytes() == found


def test_a_file_without_a_record_is_compared_with_the_hub(tmp_path, hub):
    path = tmp_path / "FLOAT.safetensors"
    for body in (OTHER, BODY[:1000], LOGIN_PAGE):
        path.write_bytes(body)
        with pytest.raises(CheckpointError, match=r"FLOAT\.safetensors is not .*expected"):
            fetch(hub, tmp_path)
        assert path.read_bytes() == body
    path.write_bytes(BODY)
    (tmp_path / "FLOAT.safetensors.download.json").write_text("{")
    assert fetch(hub, tmp_path) == path
    assert hub.asked("GET") == []
    asked = len(hub.requests)
    assert fetch(hub, tmp_path) == path
    assert len(hub.requests) == asked


def test_a_file_that_cannot_be_compared_is_kept_with_a_note(tmp_path, hub):
    path = tmp_path / "FLOAT.safetensors"
    path.write_bytes(BODY)
    with pytest.warns(UserWarning, match="could not be checked"):
        assert download("float", tmp_path, endpoint="http://127.0.0.1:9") == (path,)
    assert names(tmp_path) == ["FLOAT.safetensors"]  # no hash that nobody stated
    path.write_bytes(LOGIN_PAGE)
    with pytest.raises(CheckpointError, match="web page"):
        download("float", tmp_path, endpoint="http://127.0.0.1:9")


def test_two_at_once_end_with_one_whole_file(tmp_path, hub):
    started, second_waits = threading.Event(), threading.Event()

    def first_piece():
        started.set()
        second_waits.wait(5)

    hub.before_piece = first_piece
    results, waited = [], []

    def second_progress(stage, done, total):
        waited.append(done)
        second_waits.set()

    def run(on_progress):
        results.append(fetch(hub, tmp_path, on_progress=on_progress))

    first = threading.Thread(target=run, args=(None,))
    first.start()
    assert started.wait(10)
    second = threading.Thread(target=run, args=(second_progress,))
    second.start()
    for thread in (first, second):
        thread.join(30)
    assert results == [tmp_path / "FLOAT.safetensors"] * 2 and results[0].read_bytes() == BODY
    assert len(waited) >= 1
    assert len([path for path, _ in hub.asked("GET") if path.startswith("/stored/")]) == 1
    assert names(tmp_path) == ["FLOAT.safetensors", "FLOAT.safetensors.download.json"]


def test_who_waits_for_another_download_can_be_stopped(tmp_path, hub):
    with fetching._taking_turns(tmp_path / "FLOAT.safetensors", lambda: None), pytest.raises(KeyboardInterrupt):
        fetch(hub, tmp_path, on_progress=stop_at(0, KeyboardInterrupt()))


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        ((404, {"X-Error-Code": "EntryNotFound"}), r"404.*moved"),
        ((404, {"X-Error-Code": "RevisionNotFound"}), r"404.*moved"),
        ((401, {"X-Error-Code": "RepoNotFound", "X-Error-Message": "Repository not found"}), "401.*Repository not found.*HF_TOKEN"),
        ((401, {"X-Error-Message": "Invalid credentials in Authorization header"}), "401.*Invalid credentials"),
        ((403, {"X-Error-Code": "GatedRepo", "X-Error-Message": "Access is restricted"}), "403.*restricted.*terms"),
        ((503, {}), "503.*later"),
    ],
)
@pytest.mark.parametrize("later", [False, True])
def test_refusals_are_explained(tmp_path, hub, answer, says, later):
    """`later`: the hub describes the file, but its storage refuses it."""
    if later:
        hub.before_piece = None
        real = Version(f"{hub.storage}/x", len(BODY), hashlib.sha256(BODY).hexdigest())
        hub.answers["x"] = answer
        with pytest.raises(CheckpointError, match=says):
            fetching.fetch_file(real, tmp_path / "FLOAT.safetensors")
    else:
        hub.answers[FLOAT] = answer
        with pytest.raises(CheckpointError, match=says):
            fetch(hub, tmp_path)
    assert not (tmp_path / "FLOAT.safetensors").exists()


def test_no_network_and_unknown_names(tmp_path):
    with pytest.raises(CheckpointError, match=r"cannot be read.*network"):
        download("float", tmp_path / "new", endpoint="http://127.0.0.1:9")
    with pytest.raises(OptionError, match="face-detector"):
        download("everything", tmp_path)
    assert names(tmp_path) == []


def test_a_full_disk_is_told_and_what_came_is_kept(tmp_path, hub, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setattr(fetching.shutil, "disk_usage", lambda path: SimpleNamespace(free=1000))
        with pytest.raises(CheckpointError, match="0 MiB free, 1 MiB are needed"):
            fetch(hub, tmp_path)
    whole = fetching._PartFile.write

    def full(self, data):
        if self.tell() > 300_000:
            raise OSError(errno.ENOSPC, "No space left on device")
        return whole(self, data)

    with monkeypatch.context() as patch:
        patch.setattr(fetching._PartFile, "write", full)
        with pytest.raises(CheckpointError, match="disk is full"):
            fetch(hub, tmp_path)
    assert fetch(hub, tmp_path).read_bytes() == BODY
    assert hub.asked("GET")[-1][1].startswith("bytes=3")


def test_a_folder_that_cannot_be_made(tmp_path, hub):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(CheckpointError, match="cannot be written"):
        fetch(hub, tmp_path / "file" / "models")


def test_a_token_goes_to_the_hub_only(tmp_path, hub, monkeypatch):
    monkeypatch.delenv("HF_HUB_DISABLE_IMPLICIT_TOKEN")
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_DISABLE_IMPLICIT_TOKEN", False)
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    fetch(hub, tmp_path)
    tokens = {path.startswith("/stored/"): token for _, path, _, token in hub.requests}
    assert tokens == {False: "Bearer hf_secret", True: None}
    elsewhere = Version(f"{hub.storage}/stored/{FLOAT}", len(BODY), hashlib.sha256(BODY).hexdigest())
    asked = len(hub.requests)
    fetching.fetch_file(elsewhere, tmp_path / "again.safetensors")
    assert [request[3] for request in hub.requests[asked:]] == [None]


def test_a_file_of_another_host_is_checked_by_the_sum_that_is_known(tmp_path, hub, monkeypatch):
    hub.files["detection_Resnet50_Final.pth"] = PICKLE
    item = DOWNLOADS["face-detector"]

    def expect(content):
        known = Version(f"{hub.storage}/stored/detection_Resnet50_Final.pth", len(content), hashlib.sha256(content).hexdigest())
        monkeypatch.setitem(DOWNLOADS, "face-detector", replace(item, elsewhere=known))

    expect(PICKLE[::-1])
    with pytest.raises(CheckpointError, match="the hash"):
        download("face-detector", tmp_path)
    expect(PICKLE)
    (path,) = download("face-detector", tmp_path)
    assert path == tmp_path / "detection_Resnet50_Final.pth" and path.read_bytes() == PICKLE
    assert {request[0] for request in hub.requests} == {"GET"}


def test_the_command_with_the_hubs_own_environment_variables(tmp_path, hub):
    command = [sys.executable, "-m", "float_core", "download", "float", "--to", str(tmp_path / "models")]
    root = Path(__file__).parents[3]

    def run(**variables):
        return subprocess.run(command, cwd=root, env=os.environ | variables, capture_output=True, text=True, timeout=120)

    done = run(HF_ENDPOINT=hub.url, HF_HUB_OFFLINE="1")
    assert done.returncode == 2 and "HF_HUB_OFFLINE" in done.stderr and "Traceback" not in done.stderr
    done = run(HF_ENDPOINT=hub.url)
    assert (done.returncode, done.stdout) == (0, f"{tmp_path / 'models' / 'FLOAT.safetensors'}\n"), done.stderr
    assert "non-commercial" in done.stderr


def test_the_table_states_a_license_for_everything():
    for name, item in DOWNLOADS.items():
        assert item.name == name and item.license and item.files
        assert bool(item.elsewhere) != bool(item.repository)
        if item.elsewhere:
            assert item.elsewhere.url.startswith("https://") and len(item.elsewhere.etag) == 64
