"""The code under test: a client of the OTP service, with `urllib3`. It does not depend on the emulator.

In your suite, replace it by your own program.
"""

from __future__ import annotations

import json
from typing import Any

import urllib3


class Refused(Exception):
    """The service answered and did not act."""

    def __init__(self, status: int, messages: list[str]):
        super().__init__(f"{status}: {'; '.join(messages)}")
        self.status = status


class Unknown(Exception):
    """It is unknown whether the service acted: the answer was lost, late or from something else."""


class OtpService:
    def __init__(self, url: str, token: str, ca_file: str, timeout: float = 5):
        self._url = url
        self._timeout = timeout
        self._token = token
        # A request on which the service may have acted must not be repeated.
        self._pool = urllib3.PoolManager(ca_certs=ca_file, retries=False)

    def close(self) -> None:
        self._pool.clear()

    def send_sms(self) -> None:
        self._call("POST", "/user/otp/sms/receive", 204)

    def verify(self, otp: str) -> str | None:
        """Verifies an OTP, a code of an app or a recovery code. Gives the token of the session, if there is one."""
        return self._call("POST", f"/user/otp/verify/{otp}", 204).headers.get("X-Auth-Token")

    def recovery_codes(self) -> list[str]:
        return self._codes("GET")

    def new_recovery_codes(self) -> list[str]:
        return self._codes("POST")

    def announced_end(self) -> str | None:
        """When the service says that it will end (RFC 8594)."""
        return self._call("GET", "/user/otp/recovery-codes", 200).headers.get("Sunset")

    def _codes(self, method: str) -> list[str]:
        body = _json(self._call(method, "/user/otp/recovery-codes", 200))
        codes = body.get("recovery_codes")
        if not isinstance(codes, list):
            raise Unknown("the answer holds no recovery codes")
        return codes

    def _call(self, method: str, path: str, expected: int) -> urllib3.BaseHTTPResponse:
        try:
            answer = self._pool.request(
                method, self._url + path, headers={"X-Auth-Token": self._token}, timeout=self._timeout, redirect=False
            )
        except urllib3.exceptions.HTTPError as lost:
            raise Unknown(type(lost).__name__) from lost
        if answer.status == expected:
            return answer
        if 400 <= answer.status < 500:
            body = _json(answer)
            messages = [body.get("error"), *body.get("errors", [])]
            raise Refused(answer.status, [message for message in messages if message])
        # A captive portal answers 200 with a page: that is not a success.
        raise Unknown(f"status {answer.status}")


def _json(answer: urllib3.BaseHTTPResponse) -> dict[str, Any]:
    try:
        body = json.loads(answer.data)
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}
