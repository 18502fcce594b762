"""The four operations."""

from __future__ import annotations

import pytest

from otp_emulator import Emulator
from otp_service import Refused


def test_an_otp_by_sms_verifies_once(user, service):
    service.send_sms()
    sms = user.next_sms()
    assert sms["user"] == user.name

    session = service.verify(sms["otp"])

    assert session
    with pytest.raises(Refused) as refused:
        service.verify(sms["otp"])
    assert refused.value.status == 400
    user.verify(
        {"outcome": "sms_sent"},
        {"outcome": "verified_by_sms"},
        {"outcome": "refused", "status": 400},
    )


def test_a_code_of_an_app_verifies(emulator, service_of):
    ann = emulator.add_user("app")
    service_of(ann).verify(ann.app_code())
    ann.verify({"outcome": "verified_by_app"})
    ann.remove()


def test_a_recovery_code_works_once_in_place_of_an_otp(user, service):
    codes = service.recovery_codes()
    assert len(codes) == 10

    service.verify(codes[0])

    assert service.recovery_codes() == codes[1:]
    user.verify({"outcome": "codes_read", "count": 2}, {"outcome": "verified_by_recovery_code"})


def test_new_recovery_codes_replace_the_old_ones(user, service):
    old = service.recovery_codes()
    new = service.new_recovery_codes()
    assert not set(old) & set(new)
    with pytest.raises(Refused):
        service.verify(old[0])
    service.verify(new[0])


def test_values_that_a_test_chose_come_back(user, service):
    user.choose(otp="123456", session_token="a-session")
    service.send_sms()
    assert user.next_sms()["otp"] == "123456"
    assert service.verify("123456") == "a-session"
    user.choose(recovery_codes=["aaaaa-1", "bbbbb-2"])
    assert service.new_recovery_codes() == ["aaaaa-1", "bbbbb-2"]


def test_five_wrong_otps_lock_the_user_out(user, service):
    statuses = []
    for _ in range(6):
        with pytest.raises(Refused) as refused:
            service.verify("000000x")
        statuses.append(refused.value.status)
    assert statuses[0] == 400 and statuses[-1] != 204
    assert next(one for one in user.emulator.users() if one["name"] == user.name)["locked_out"]
    user.reset()
    service.send_sms()
    service.verify(user.next_sms()["otp"])


def test_without_two_factor_no_sms_is_sent(emulator, service_of):
    off = emulator.add_user("off")
    with pytest.raises(Refused) as refused:
        service_of(off).send_sms()
    assert refused.value.status == 422
    assert off.next_sms(wait=0) is None
    off.remove()


def test_an_otp_is_too_late_after_its_lifetime(own_emulator: Emulator, service_of):
    user = own_emulator.add_user()
    service = service_of(user)
    service.send_sms()
    otp = user.next_sms()["otp"]
    own_emulator.advance(301)
    with pytest.raises(Refused) as refused:
        service.verify(otp)
    assert refused.value.status == 400
