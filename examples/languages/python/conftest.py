"""The fixtures: one emulator for each worker, and one user for each test."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

import pytest

from otp_emulator import Emulator, User
from otp_service import OtpService

#: The program, by default the one on the PATH.
PROGRAM = os.environ.get("EMULATOR_PROGRAM", "otp-emulator")
#: The admin port of an emulator that is already running, such as http://emulator:9000 in compose.
RUNNING = os.environ.get("EMULATOR_ADMIN_URL")


@pytest.fixture(scope="session")
def emulator() -> Iterator[Emulator]:
    """One for each worker of pytest-xdist, or the running one for all workers."""
    token = os.environ.get("OTP_EMULATOR_ADMIN_TOKEN")
    if RUNNING:
        with Emulator.at(RUNNING, admin_token=token) as running:
            yield running
    else:
        with Emulator.start(program=PROGRAM, admin_token=token) as started:
            yield started


@pytest.fixture
def user(emulator: Emulator) -> Iterator[User]:
    """A user of this test only, so tests can run in parallel."""
    user = emulator.add_user()
    yield user
    user.remove()


@pytest.fixture
def service_of(emulator: Emulator) -> Iterator[Callable[..., OtpService]]:
    """Makes a client of the service for a user."""
    made: list[OtpService] = []

    def make(user: User, **settings: float) -> OtpService:
        made.append(OtpService(user.emulator.url, user.token, user.emulator.ca_file, **settings))
        return made[-1]

    yield make
    for service in made:
        service.close()


@pytest.fixture
def service(user: User, service_of: Callable[..., OtpService]) -> OtpService:
    return service_of(user)


@pytest.fixture
def own_emulator() -> Iterator[Emulator]:
    """An emulator for this test only, with a standing clock. Such a test may reset everything or advance the clock."""
    if RUNNING:
        pytest.skip("it needs its own emulator, and the running one is shared")
    with Emulator.start("--standing-clock", "--seed", "7", program=PROGRAM) as own:
        yield own
