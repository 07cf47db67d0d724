"""What the tests in Python share: starting and ending the program, certificates, curl and raw
requests. Needs WEFT_BIN; certificates need openssl."""

import asyncio
import os
import re
import signal
import ssl
import subprocess
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

WEFT = os.environ["WEFT_BIN"]
os.environ.setdefault("WEFT_SERVER__ALLOW_ROOT", "true")  # tests may be run by root
PATIENCE = 20  # seconds that nothing takes unless it is broken


class Certificate:
    """A certificate for localhost and 127.0.0.1 in a folder of its own."""

    def __init__(self):
        self._folder = tempfile.TemporaryDirectory(prefix="weft-e2e-")
        self.cert = str(Path(self._folder.name) / "cert.pem")
        self.key = str(Path(self._folder.name) / "key.pem")
        self.renew()

    def renew(self):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-days", "2", "-subj", "/CN=localhost", "-addext",
                        "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", self.key, "-out", self.cert],
                       check=True, stderr=subprocess.DEVNULL)

    @property
    def flags(self):
        return ["--tls-cert", self.cert, "--tls-key", self.key]

    def client(self):
        """A context that trusts nothing but this."""
        return ssl.create_default_context(cafile=self.cert)

    def remove(self):
        self._folder.cleanup()


class Server:
    """`weft COMMAND ...` on a free port, ready for connections; a context manager that stops it."""

    def __init__(self, *args, cwd=None, program=None, loud=False):
        """With `program`, that instead, which picks a free port by itself. `loud`: what it writes to standard error
        is more than a pipe takes, or not UTF-8; it is in `errors` at the end only."""
        command = [program, *args] if program else [WEFT, *args, "--port", "0"]
        self._log = tempfile.TemporaryFile("w+", errors="surrogateescape", newline="") if loud else None
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self._log or subprocess.PIPE,
                                        text=True, cwd=cwd)
        line = self.process.stdout.readline()
        found = re.fullmatch(r"listening on (\S+)\n", line)
        if not found:
            self.process.kill()
            raise AssertionError(f"unexpected first line {line!r}: {self.process.communicate()[1]}")
        self.url = found[1]
        self.port = urlsplit(self.url).port

    def internal(self):
        """The address of the internal listener, of which one of its first lines tells."""
        if self._log:
            with open(f"/proc/{self.process.pid}/fd/2", encoding="utf-8", errors="replace") as log:
                return self._find_internal(log)
        return self._find_internal(self.process.stderr)

    @staticmethod
    def _find_internal(lines):
        for line in lines:
            if found := re.search(r"metrics on (http://127\.0\.0\.1:\d+)/metrics", line):
                return found[1]
        raise AssertionError("no line tells of an internal listener")

    def signal(self, which):
        self.process.send_signal(which)

    def wait(self):
        """The exit code; what was written to standard error is then in `errors`."""
        self.output, self.errors = self.process.communicate(timeout=PATIENCE)
        if self._log:
            self._log.seek(0)
            self.errors = self._log.read()
            self._log.close()
            self._log = None
        return self.process.returncode

    def stop(self):
        self.signal(signal.SIGTERM)
        return self.wait()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.returncode is None:
            code = self.stop()
            assert code == 0, f"exit code {code}: {self.errors}"


def run(*command, text=None):
    """Runs a command to its end with `text` as input."""
    return subprocess.run(command, input=text or "", capture_output=True, text=True, timeout=PATIENCE,
                          errors="replace", check=False)


class Reply:
    def __init__(self, raw):
        head, _, self.body = raw.partition(b"\r\n\r\n")
        first, *fields = head.decode("latin-1").split("\r\n")
        self.status = int(first.split(" ", 2)[1])
        self.headers = {name.lower(): value.strip() for name, value in (field.split(":", 1) for field in fields)}


def curl(*args):
    """The reply that curl got; it never decodes, and follows nothing."""
    done = subprocess.run(["curl", "--http1.1", "-s", "-S", "-i", "-m", str(PATIENCE), *args], capture_output=True,
                          check=False)
    if not done.stdout.startswith(b"HTTP/"):
        raise AssertionError(f"curl: {done.stderr.decode()}")
    return Reply(done.stdout)


def upgrade_flags(**headers):
    """curl's flags for an upgrade request; None leaves a header out."""
    fields = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
              "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
    fields.update({name.replace("_", "-"): value for name, value in headers.items()})
    return [flag for name, value in fields.items() if value is not None for flag in ("-H", f"{name}: {value}")]


def patience():
    """Ends what is awaited inside when it takes for ever."""
    return asyncio.timeout(PATIENCE)
