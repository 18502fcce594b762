"""Every fault, and what a program should do about it. Each is armed for the user of its test only."""

from __future__ import annotations

import time

import pytest

from otp_service import Refused, Unknown


def lost_sms(user, service):
    with pytest.raises(Unknown):
        service.send_sms()
    # The SMS was sent: look at the phone before you ask again.
    service.verify(user.next_sms()["otp"])
    user.verify(
        {"outcome": "sms_sent"},
        {"outcome": "struck", "fault": "lost-sms"},
        {"outcome": "verified_by_sms"},
    )


def lost_verify(user, service):
    service.send_sms()
    otp = user.next_sms()["otp"]
    with pytest.raises(Unknown):
        service.verify(otp)
    # The OTP is used up, so a second failure proves nothing: ask for a new one.
    with pytest.raises(Refused):
        service.verify(otp)
    service.send_sms()
    service.verify(user.next_sms()["otp"])


def lost_regenerate(user, service):
    old = service.recovery_codes()
    with pytest.raises(Unknown):
        service.new_recovery_codes()
    # Read the codes and compare.
    assert service.recovery_codes() != old


def lost_reply(user, service):
    with pytest.raises(Unknown):
        service.recovery_codes()
    user.verify({"outcome": "codes_read"}, {"outcome": "struck", "fault": "lost-reply"})


def cut_reply(user, service):
    with pytest.raises(Unknown):
        service.recovery_codes()
    assert len(service.recovery_codes()) == 10


def not_sent(user, service):
    """The service did not act. Over HTTP/1.1 the client cannot know that."""
    with pytest.raises(Unknown):
        service.send_sms()
    assert user.next_sms(wait=0) is None
    service.send_sms()
    assert user.next_sms()


def unavailable(user, service):
    for _ in range(2):
        with pytest.raises(Unknown, match="503"):
            service.send_sms()
    service.send_sms()
    assert len(user.sms()) == 1


def status(user, service):
    with pytest.raises(Refused) as refused:
        service.send_sms()
    assert refused.value.status == 429
    service.send_sms()
    assert len(user.sms()) == 1


def slow(user, service):
    started = time.monotonic()
    service.send_sms()
    assert time.monotonic() - started >= 0.3


def captive_portal(user, service):
    # A page with 200 is not a login.
    with pytest.raises(Unknown, match="200"):
        service.verify("123456")
    with pytest.raises(Unknown):
        service.recovery_codes()
    user.reset()
    service.send_sms()


def sunset(user, service):
    assert service.announced_end() == "Tue, 30 Jun 2026 23:59:59 GMT"


#: Each fault, and the test for it.
FAULTS = {
    "lost-sms": lost_sms,
    "lost-verify": lost_verify,
    "lost-regenerate": lost_regenerate,
    "cut-regenerate": lost_regenerate,
    "lost-reply": lost_reply,
    "cut-reply": cut_reply,
    "lost-request": not_sent,
    "stale-connection": not_sent,
    "refused-connection": not_sent,
    "unavailable=2": unavailable,
    "status=429": status,
    "slow=0.3": slow,
    "captive-portal": captive_portal,
    "sunset": sunset,
}


@pytest.mark.parametrize("fault", FAULTS)
def test_fault(fault, user, service):
    user.arm(fault)
    FAULTS[fault](user, service)


def test_every_fault_of_the_emulator_is_tested(emulator):
    assert {fault.split("=")[0] for fault in FAULTS} == set(emulator.known_faults())


def test_an_answer_that_is_too_late_is_unknown(user, service_of):
    user.arm("slow=2")
    with pytest.raises(Unknown, match="ReadTimeoutError"):
        service_of(user, timeout=0.3).send_sms()
    assert user.next_sms(), "the service acted at once"


def test_a_fault_can_be_narrowed_to_an_operation_and_a_number(user, service):
    user.arm("status=500", operation="find_recovery_codes", times=2)
    service.send_sms()
    for _ in range(2):
        with pytest.raises(Unknown, match="500"):
            service.recovery_codes()
    service.recovery_codes()


def test_a_fault_of_one_user_does_not_strike_another(emulator, user, service_of):
    other = emulator.add_user()
    other.arm("captive-portal")
    service_of(user).send_sms()
    with pytest.raises(Unknown):
        service_of(other).send_sms()
    other.remove()
