"""Downloads from a small server on this machine: whole files or none, continued where they stopped."""

import functools
import hashlib
import threading
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from float_core import CheckpointError, OptionError
from float_core.checkpoints.download import DOWNLOADS, download

BODY = bytes(range(256)) * 5000
PATH = "/xinntao/facexlib/releases/download/v0.1.0/detection_Resnet50_Final.pth"


class Site:
    """What the server has, what it does wrong, and what it was asked."""

    def __init__(self):
        self.files = {PATH: BODY}
        self.tag = '"v1"'
        self.cut_at = None
        self.requests = []


class Handler(BaseHTTPRequestHandler):
    def __init__(self, site, *args):
        self.site = site
        super().__init__(*args)

    def log_message(self, *args):
        pass

    def do_GET(self):
        site, wanted = self.site, self.headers.get("Range")
        site.requests.append((self.path, wanted))
        body = site.files.get(self.path)
        if body is None:
            self.send_error(404)
            return
        start = int(wanted.removeprefix("bytes=").removesuffix("-")) if wanted and self.headers.get("If-Range") == site.tag else 0
        if start >= len(body):
            self.send_error(416)
            return
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body) - start))
        self.send_header("ETag", site.tag)
        self.end_headers()
        self.wfile.write(body[start : site.cut_at])


@pytest.fixture
def site():
    return Site()


@contextmanager
def served(site):
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, site))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def url(site):
    with served(site) as address:
        yield address


def test_a_file_arrives_whole_and_is_fetched_once(tmp_path, site, url):
    steps = []
    (path,) = download("face-detector", tmp_path / "new", base_url=url, on_progress=lambda *step: steps.append(step))
    assert path == tmp_path / "new" / "detection_Resnet50_Final.pth"
    assert path.read_bytes() == BODY
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]
    assert steps[-1] == ("download detection_Resnet50_Final.pth", len(BODY), len(BODY))
    download("face-detector", tmp_path / "new", base_url=url)
    assert len(site.requests) == 1


def test_a_truncated_body_is_continued(tmp_path, site, url):
    site.cut_at = 700_000
    with pytest.raises(CheckpointError, match=f"stopped after 700000 of {len(BODY)}"):
        download("face-detector", tmp_path, base_url=url)
    assert not (tmp_path / "detection_Resnet50_Final.pth").exists()
    site.cut_at = None
    (path,) = download("face-detector", tmp_path, base_url=url)
    assert path.read_bytes() == BODY
    assert site.requests[-1][1] == "bytes=700000-"
    assert [entry.name for entry in tmp_path.iterdir()] == [path.name]


def test_another_version_on_the_server_starts_anew(tmp_path, site, url):
    site.cut_at = 700_000
    with pytest.raises(CheckpointError):
        download("face-detector", tmp_path, base_url=url)
    site.cut_at, site.tag, site.files[PATH] = None, '"v2"', BODY[::-1]
    (path,) = download("face-detector", tmp_path, base_url=url)
    assert path.read_bytes() == BODY[::-1]


def test_a_part_of_unknown_version_or_too_long_starts_anew(tmp_path, site, url):
    part = tmp_path / "detection_Resnet50_Final.pth.part"
    part.write_bytes(b"x" * 10)
    (path,) = download("face-detector", tmp_path, base_url=url)
    assert path.read_bytes() == BODY
    path.unlink()
    part.write_bytes(b"x" * (len(BODY) + 1))
    part.with_name(part.name + ".etag").write_text(site.tag)
    (path,) = download("face-detector", tmp_path, base_url=url)
    assert path.read_bytes() == BODY


def test_progress_that_raises_stops_and_leaves_nothing_finished(tmp_path, url):
    def stop(*_):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        download("face-detector", tmp_path, base_url=url, on_progress=stop)
    assert not (tmp_path / "detection_Resnet50_Final.pth").exists()


def test_a_second_choice_of_name_is_taken(tmp_path, site, url):
    repository = "/r-f/wav2vec-english-speech-emotion-recognition/resolve/main"
    site.files |= {f"{repository}/config.json": b"{}", f"{repository}/pytorch_model.bin": BODY}
    paths = download("speech-emotion", tmp_path, base_url=url)
    folder = tmp_path / "wav2vec-english-speech-emotion-recognition"
    assert paths == (folder / "config.json", folder / "pytorch_model.bin")
    asked = len(site.requests)
    assert download("speech-emotion", tmp_path, base_url=url) == paths
    assert len(site.requests) == asked


def test_sums_are_checked_where_they_are_known(tmp_path, url, monkeypatch):
    item = DOWNLOADS["face-detector"]

    def expect(digest):
        monkeypatch.setitem(DOWNLOADS, "face-detector", replace(item, files=(replace(item.files[0], sha256=digest),)))

    expect("0" * 64)
    with pytest.raises(CheckpointError, match="expected 0000"):
        download("face-detector", tmp_path, base_url=url)
    assert list(tmp_path.iterdir()) == []
    expect(hashlib.sha256(BODY).hexdigest())
    download("face-detector", tmp_path, base_url=url)


def test_no_network_and_not_found_and_unknown_names(tmp_path, site):
    with served(site) as gone, pytest.raises(CheckpointError, match="404"):
        download("float", tmp_path, base_url=gone)
    with pytest.raises(CheckpointError, match="cannot be read"):
        download("face-detector", tmp_path, base_url=gone, timeout=2)
    with pytest.raises(OptionError, match="face-detector"):
        download("everything", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_table_states_a_license_for_everything():
    for name, item in DOWNLOADS.items():
        assert item.name == name
        assert item.license
        assert item.host.startswith("https://")
        assert all(path.startswith("/") for file in item.files for path in file.paths)
