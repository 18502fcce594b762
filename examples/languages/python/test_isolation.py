"""Reset between tests, and tests at the same time."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from otp_emulator import Emulator, EmulatorError


def test_reset_brings_everything_back_to_the_start(own_emulator: Emulator, service_of):
    start = own_emulator.users()
    for _ in range(2):
        bob = own_emulator.add_user(name="bob")
        own_emulator.arm("status=500", operation="receive_codes")
        own_emulator.advance(60)
        service_of(bob).recovery_codes()
        assert len(own_emulator.journal()) == 1

        own_emulator.reset()

        assert own_emulator.users() == start
        assert own_emulator.journal() == []
        assert own_emulator._ask("GET", "/faults")["armed"] == []


def test_a_user_who_is_reset_is_as_when_added(user, service):
    codes = service.recovery_codes()
    service.verify(codes[0])
    user.arm("lost-sms")
    user.reset()
    assert service.recovery_codes() == codes
    service.send_sms()
    user.verify({"outcome": "codes_read"}, {"outcome": "sms_sent"})


@pytest.mark.parametrize("number", range(8))
def test_tests_that_run_at_the_same_time_do_not_meet(number, user, service):
    """With `-n`, these run on several workers."""
    assert user.journal() == []
    user.choose(otp=f"90000{number}")
    service.send_sms()
    assert user.next_sms()["otp"] == f"90000{number}"
    service.verify(f"90000{number}")
    user.verify({"outcome": "sms_sent"}, {"outcome": "verified_by_sms"})


def test_many_users_log_in_at_once(emulator, service_of):
    def log_in(_: int) -> None:
        user = emulator.add_user()
        service = service_of(user)
        service.send_sms()
        service.verify(user.next_sms()["otp"])
        user.verify({"outcome": "sms_sent"}, {"outcome": "verified_by_sms"})
        user.remove()

    with ThreadPoolExecutor(16) as threads:
        list(threads.map(log_in, range(64)))


def test_a_wrong_expectation_says_what_happened_instead(user, service):
    service.send_sms()
    with pytest.raises(AssertionError) as failed:
        user.verify({"outcome": "codes_regenerated"})
    assert "sms_sent" in str(failed.value) or "SMS sent" in str(failed.value)


def test_a_misspelt_field_is_refused(emulator):
    with pytest.raises(EmulatorError) as refused:
        emulator.add_user(nmae="bob")
    assert refused.value.status == 400
