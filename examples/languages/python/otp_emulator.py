"""A client of otp-emulator for tests in Python. It needs Python 3.10 or later and nothing else: copy this file.

    with Emulator.start() as emulator:               # or Emulator.at("http://emulator:9000")
        user = emulator.add_user()
        my_program(emulator.url, user.token, emulator.ca_file)
        otp = user.next_sms()["otp"]
        user.verify({"outcome": "sms_sent"})         # exactly one SMS, and nothing else

The emulator describes its admin API at /openapi.json of the admin port.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode, urlsplit, urlunsplit

# Without a proxy: the emulator is on this machine or in this network.
_open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open


class EmulatorError(Exception):
    """The emulator did not start, or refused a call of the admin API. `status` is the HTTP status, if any."""

    def __init__(self, message: str, status: int | None = None):
        super().__init__(message)
        self.status = status


class Emulator:
    """A running emulator. Use it in a `with` statement, or call `close`."""

    def __init__(self, admin_url: str, url: str | None, admin_token: str | None, wait: float):
        self.admin_url = admin_url.rstrip("/")
        self._admin_token = admin_token
        self._process: subprocess.Popen[str] | None = None
        self._ca_file: str | None = None
        ready = self._until_ready(wait)
        #: Where the service is, up to and including /metal/v1.
        self.url = (url or self._seen_from_here(ready["base_url"])).rstrip("/")

    @classmethod
    def at(
        cls,
        admin_url: str,
        url: str | None = None,
        admin_token: str | None = None,
        wait: float = 30,
    ) -> Emulator:
        """Uses an emulator that is already running. Waits up to `wait` seconds until it is ready.

        Pass the service's `url` if its port is not the one that it listens on, as with published ports.
        """
        return cls(admin_url, url, admin_token, wait)

    @classmethod
    def start(
        cls, *arguments: str, program: str = "otp-emulator", admin_token: str | None = None, wait: float = 30
    ) -> Emulator:
        """Starts the program on free ports of this machine, with these arguments."""
        ports = ("--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0")
        environment = dict(os.environ)
        if admin_token is not None:
            environment["OTP_EMULATOR_ADMIN_TOKEN"] = admin_token
        process = subprocess.Popen(
            [program, *ports, *arguments], stdout=subprocess.PIPE, text=True, env=environment
        )
        try:
            emulator = cls(_announced(process), None, admin_token, wait)
        except BaseException:
            _stop(process)
            raise
        emulator._process = process
        return emulator

    def __enter__(self) -> Emulator:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Stops the program, if this object started it, and removes the file of the certificate."""
        if self._process:
            _stop(self._process)
            self._process = None
        if self._ca_file:
            os.unlink(self._ca_file)
            self._ca_file = None

    # Trust

    @property
    def ca_pem(self) -> str:
        """The certificate to trust, as PEM."""
        return self._ask("GET", "/ca.pem")

    @property
    def ca_file(self) -> str:
        """The same in a file, which `close` removes."""
        if self._ca_file is None:
            pem = self.ca_pem
            with tempfile.NamedTemporaryFile("w", prefix="otp-emulator-", suffix=".pem", delete=False) as file:
                file.write(pem)
            self._ca_file = file.name
        return self._ca_file

    # State

    def reset(self, user: str | None = None) -> None:
        """Resets everything to the state at the start, or one user."""
        self._ask("POST", "/reset", {"user": user})

    def add_user(self, two_factor: str = "sms", **fields: Any) -> User:
        """Adds a user. The fields may be name, phone, token, otp and recovery_codes."""
        added = self._ask("POST", "/users", body={"two_factor": two_factor, **fields})
        return User(self, added["name"], added["token"], added["app_secret"])

    def users(self) -> list[dict[str, Any]]:
        return self._ask("GET", "/users")

    def next_sms(self, user: str | None = None, wait: float = 5) -> dict[str, Any] | None:
        """The next SMS, each given once, or None if none comes within `wait` seconds."""
        return self._ask("GET", "/sms/next", {"user": user, "wait": wait}, timeout=wait + 10)

    def sms(self, user: str | None = None) -> list[dict[str, Any]]:
        """Every SMS, oldest first."""
        return self._ask("GET", "/sms", {"user": user})

    def arm(
        self, fault: str, user: str | None = None, operation: str | None = None, times: int | str | None = None
    ) -> dict[str, Any]:
        """Arms a fault, such as "lost-sms" or "status=429", for all users and operations unless narrowed."""
        query = {"user": user, "operation": operation, "times": times}
        return self._ask("POST", f"/faults/{_quoted(fault)}", query)

    def disarm(self, fault: str | int | None = None) -> None:
        """Disarms the faults of a name, the one of a number, or all."""
        self._ask("DELETE", "/faults" if fault is None else f"/faults/{_quoted(str(fault))}")

    def known_faults(self) -> list[str]:
        """The names of all faults there are."""
        return [known["fault"].split("=")[0] for known in self._ask("GET", "/faults")["known"]]

    def advance(self, seconds: float) -> None:
        """Advances the service's clock."""
        self._ask("POST", "/clock/advance", {"seconds": seconds})

    # What happened

    def journal(self, **filters: Any) -> list[dict[str, Any]]:
        """What the service did. The filters may be user, operation, outcome, since and limit."""
        return self._ask("GET", "/journal", filters)

    def verify(self, *expected: dict[str, Any], **scope: Any) -> None:
        """Fails with the differences unless exactly this happened.

        Each of `expected` is an object such as {"outcome": "sms_sent", "count": 1}. The scope may be user,
        operation, since and nothing_else.
        """
        try:
            self._ask("POST", "/journal/verify", body={"expected": list(expected), **scope})
        except EmulatorError as error:
            if error.status == 409:
                raise AssertionError(str(error)) from None
            raise

    # The wire

    def _ask(
        self,
        method: str,
        path: str,
        query: dict[str, Any] | None = None,
        body: Any = None,
        timeout: float = 10,
    ) -> Any:
        given = {name: value for name, value in (query or {}).items() if value is not None}
        url = f"{self.admin_url}{path}" + (f"?{urlencode(given)}" if given else "")
        request = urllib.request.Request(url, method=method)
        if self._admin_token:
            request.add_header("Authorization", f"Bearer {self._admin_token}")
        if body is not None:
            request.add_header("Content-Type", "application/json")
            request.data = json.dumps(body).encode()
        try:
            with _open(request, timeout=timeout) as answer:
                text, kind = answer.read().decode(), answer.headers.get_content_type()
        except urllib.error.HTTPError as refused:
            text = refused.read().decode()
            try:
                why = json.loads(text)["error"]
            except (ValueError, KeyError, TypeError):
                why = text
            raise EmulatorError(f"{method} {path}: {refused.code}: {why}", refused.code) from None
        if not text:
            return None
        return json.loads(text) if kind == "application/json" else text

    def _until_ready(self, wait: float) -> dict[str, Any]:
        give_up = time.monotonic() + wait
        while True:
            try:
                return self._ask("GET", "/readyz")
            except (OSError, EmulatorError) as error:
                if time.monotonic() > give_up:
                    raise EmulatorError(f"{self.admin_url} is not ready after {wait} s: {error}") from error
                time.sleep(0.05)

    def _seen_from_here(self, base_url: str) -> str:
        """/readyz reports a loopback URL. From another machine, the service has the host name of the admin port."""
        service, admin = urlsplit(base_url), urlsplit(self.admin_url)
        host = f"[{admin.hostname}]" if ":" in (admin.hostname or "") else admin.hostname
        return urlunsplit(service._replace(netloc=f"{host}:{service.port}"))


@dataclass
class User:
    """A user of the service. Tests with different users do not affect each other."""

    emulator: Emulator = field(repr=False)
    name: str
    token: str = field(repr=False)
    #: The secret of the user's authenticator app, in base32.
    app_secret: str | None = field(repr=False)

    def next_sms(self, wait: float = 5) -> dict[str, Any] | None:
        return self.emulator.next_sms(self.name, wait)

    def sms(self) -> list[dict[str, Any]]:
        return self.emulator.sms(self.name)

    def app_code(self) -> str:
        """What the user's authenticator app shows now."""
        return self.emulator._ask("GET", f"{self._path}/app-code")["otp"]

    def choose(self, **values: Any) -> None:
        """Sets what the service gives the user next: otp, recovery_codes or session_token."""
        self.emulator._ask("POST", f"{self._path}/next", body=values)

    def arm(self, fault: str, operation: str | None = None, times: int | str | None = None) -> None:
        """Arms a fault for this user's requests only."""
        self.emulator.arm(fault, self.name, operation, times)

    def journal(self, **filters: Any) -> list[dict[str, Any]]:
        return self.emulator.journal(user=self.name, **filters)

    def verify(self, *expected: dict[str, Any], **scope: Any) -> None:
        """Fails with the differences unless exactly this happened to the user."""
        self.emulator.verify(*expected, user=self.name, **scope)

    def reset(self) -> None:
        """Resets the user to the state when added, and disarms the faults for this user."""
        self.emulator.reset(self.name)

    def remove(self) -> None:
        self.emulator.reset(self.name)
        self.emulator._ask("DELETE", self._path)

    @property
    def _path(self) -> str:
        return f"/users/{_quoted(self.name)}"


def _quoted(segment: str) -> str:
    return quote(segment, safe="")


def _announced(process: subprocess.Popen[str]) -> str:
    """The URL of the admin port, which the program prints. The rest of its output need not be read."""
    assert process.stdout
    for line in process.stdout:
        if line.startswith("status page"):
            return line.split()[-1]
    raise EmulatorError(f"the emulator ended with {process.wait()}; what it said is above")


def _stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout:
        process.stdout.close()
