"""A login, an account recovery and a lost reply, by nothing but Python's own library."""

import http.client
import json
import ssl
import sys
from urllib.parse import urlsplit

service_url, ca_file, token, admin_url = sys.argv[1:]
service, admin = urlsplit(service_url), urlsplit(admin_url)
trusting = ssl.create_default_context(cafile=ca_file)


def call(method, path, token=token):
    connection = http.client.HTTPSConnection(service.hostname, service.port, context=trusting)
    connection.request(method, service.path + path, headers={"X-Auth-Token": token})
    answer = connection.getresponse()
    return answer.status, answer.headers, answer.read()


def ask(method, path, body=None):
    connection = http.client.HTTPConnection(admin.hostname, admin.port)
    connection.request(method, path, body=body)
    answer = connection.getresponse()
    text = answer.read()
    return answer.status, json.loads(text) if text else None


status, _, _ = call("POST", "/user/otp/sms/receive")
assert status == 204, status
_, sms = ask("GET", "/sms/next?wait=10")
status, headers, _ = call("POST", f"/user/otp/verify/{sms['otp']}")
assert status == 204, status
session = headers["X-Auth-Token"]

status, _, body = call("GET", "/user/otp/recovery-codes", session)
codes = json.loads(body)["recovery_codes"]
assert status == 200 and len(codes) == 10, body

status, _ = ask("POST", "/faults/lost-regenerate")
assert status == 201, status
try:
    call("POST", "/user/otp/recovery-codes")
except (http.client.RemoteDisconnected, ConnectionResetError, ssl.SSLError):
    pass
else:
    raise AssertionError("the reply was not lost")
_, _, body = call("GET", "/user/otp/recovery-codes")
assert json.loads(body)["recovery_codes"] != codes, "the codes did not change"

_, bob = ask("POST", "/users", json.dumps({"two_factor": "app", "name": "bob"}))
_, code = ask("GET", "/users/bob/app-code")
status, _, _ = call("POST", f"/user/otp/verify/{code['otp']}", bob["token"])
assert status == 204, status

_, journal = ask("GET", "/journal")
events = [entry["event"] for entry in journal]
assert "recovery codes regenerated" in events and "verified by app" in events, events
print("all as it should be")
