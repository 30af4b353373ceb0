"""A model hub on this machine, as small as huggingface_hub allows: HEAD with the hub's headers, large files by way of another server."""

import functools
import hashlib
import threading
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

COMMIT = "c0ffee" * 6 + "c0ff"
LOGIN_PAGE = b"<!DOCTYPE html><html><body>Please log in to this network</body></html>"
SMALL = 1000  # bytes: larger files are redirected


class Hub:
    """What it has, by "owner/name/file", what it does wrong, and what it was asked: (method, path, range, token)."""

    def __init__(self):
        self.files = {}
        self.sent_instead = {}  # file -> the bytes that come, whatever HEAD said
        self.answers = {}  # file -> (status, headers) instead of what is asked
        self.cut_at = None  # bytes after which a connection is closed
        self.knows_ranges = True
        self.before_piece = None  # called before every 64 KiB
        self.requests = []
        self.url = self.storage = ""

    def asked(self, method):
        return [(path, span) for verb, path, span, _ in self.requests if verb == method]


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def __init__(self, hub, *args):
        self.hub = hub
        super().__init__(*args)

    def log_message(self, *args):
        pass

    def do_HEAD(self):
        self.answer()

    def do_GET(self):
        self.answer()

    def answer(self):
        hub = self.hub
        hub.requests.append((self.command, self.path, self.headers.get("Range"), self.headers.get("Authorization")))
        name = self.path.strip("/").replace("resolve/main/", "").replace(f"resolve/{COMMIT}/", "").removeprefix("stored/")
        if name in hub.answers:
            self.reply(*hub.answers[name])
        elif name not in hub.files:
            self.reply(404, {"X-Error-Code": "EntryNotFound", "X-Error-Message": "Entry not found"})
        elif self.path.startswith("/stored/") or len(hub.files[name]) <= SMALL:
            self.send_file(name)
        else:
            body = hub.files[name]
            linked = {"X-Linked-ETag": f'"{hashlib.sha256(body).hexdigest()}"', "X-Linked-Size": str(len(body))}
            self.reply(302, {"Location": f"{hub.storage}/stored/{name}", "X-Repo-Commit": COMMIT, **linked})

    def reply(self, status, headers, body=b""):
        self.send_response(status)
        for key, value in {"Content-Length": str(len(body)), **headers}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def send_file(self, name):
        hub, claimed = self.hub, self.hub.files[name]
        body = hub.sent_instead.get(name, claimed) if self.command == "GET" else claimed
        span = self.headers.get("Range") if hub.knows_ranges else None
        start = int(span.removeprefix("bytes=").removesuffix("-")) if span else 0
        if start and start >= len(body):
            self.reply(416, {})
            return
        git_hash = hashlib.sha1(b"blob %d\0" % len(claimed) + claimed).hexdigest()
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(body) - start))
        self.send_header("ETag", f'"{git_hash}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()
        if self.command == "GET":
            self.send_pieces(body, start)

    def send_pieces(self, body, start):
        end = len(body) if self.hub.cut_at is None else min(self.hub.cut_at, len(body))
        for place in range(start, end, 1 << 16):
            if self.hub.before_piece is not None:
                self.hub.before_piece()
            self.wfile.write(body[place : min(place + (1 << 16), end)])
        if end < len(body):
            self.close_connection = True


@contextmanager
def serving(hub):
    """Serves it, with its storage on another port."""
    with ExitStack() as stack:
        servers = [ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, hub)) for _ in range(2)]
        for server in servers:
            server.daemon_threads = True
            server.handle_error = lambda *request: None  # clients hang up here
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
            thread.start()
            stack.callback(thread.join)
            stack.callback(server.server_close)
            stack.callback(server.shutdown)
        hub.url, hub.storage = (f"http://127.0.0.1:{server.server_port}" for server in servers)
        yield hub
