//! What the program explains: the outline below its options, and a text for each topic.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::process;

use otp_emulator::Fault;

use crate::escape;

/// What stands below the options.
pub(crate) const OUTLINE: &str = "\
Every option can be given in the environment: OTP_EMULATOR_ and its name in capitals, such as
OTP_EMULATOR_LISTEN=0.0.0.0:8443. An option of the command line wins.

More by 'otp-emulator help TOPIC':
  api          the service, and a first round with curl
  admin        the admin API: reset, SMS, users, journal, clock
  faults       what can go wrong, and how to narrow it to a user or an operation
  values       OTPs, tokens and recovery codes of your choice
  tls          the certificate, and how clients trust it
  containers   names, ports, health checks and variables
  environment  how options are written as variables";

/// A topic's name, and what writes its text.
type Topic = (&'static str, fn() -> String);

/// Every topic.
const TOPICS: [Topic; 7] = [
    ("api", || API.to_owned()),
    ("admin", || ADMIN.to_owned()),
    ("faults", faults),
    ("values", || VALUES.to_owned()),
    ("tls", || TLS.to_owned()),
    ("containers", || CONTAINERS.to_owned()),
    ("environment", || ENVIRONMENT.to_owned()),
];

/// Prints the text of a topic, or which topics there are, and ends the program.
pub(crate) fn topic(topic: Option<OsString>, extra: Option<OsString>) -> ! {
    if let Some(extra) = extra {
        let extra = escape::text(&extra.to_string_lossy());
        let _ = writeln!(
            io::stderr(),
            "otp-emulator: unexpected argument '{extra}': 'otp-emulator help' takes one topic"
        );
        process::exit(2);
    }
    let Some(topic) = topic else {
        let _ = writeln!(io::stdout(), "{OUTLINE}");
        process::exit(0);
    };
    match TOPICS.iter().find(|(name, _)| *name == topic) {
        Some((_, text)) => {
            // A pager that was left early is no error.
            let _ = writeln!(io::stdout(), "{}", text().trim_end());
            process::exit(0);
        }
        None => {
            let names: Vec<_> = TOPICS.iter().map(|(name, _)| *name).collect();
            let _ = writeln!(
                io::stderr(),
                "otp-emulator: there is no topic '{}'; there are {}",
                escape::text(&topic.to_string_lossy()),
                names.join(", ")
            );
            process::exit(2);
        }
    }
}

fn faults() -> String {
    let mut text = FAULTS.to_owned();
    for fault in Fault::ALL {
        let strikes = match fault.usual_times() {
            None => "until disarmed".to_owned(),
            Some(1) => "once".to_owned(),
            Some(times) => format!("{times} times"),
        };
        let _ = writeln!(text, "  {:<18} {strikes:<14}  {}", fault.to_string(), fault.describe());
    }
    text + NARROWED
}

const API: &str = "\
The API, as https://api.equinix.com/metal/v1 has it, with the header X-Auth-Token:

  POST /user/otp/sms/receive         send an OTP by SMS              204
  POST /user/otp/verify/OTP          verify it, and get a session    204, X-Auth-Token
  GET  /user/otp/recovery-codes      read the recovery codes         200 JSON
  POST /user/otp/recovery-codes      replace them                    200 JSON

A first round, in a second terminal, with what was printed at the start:

  curl --cacert CA_FILE -X POST -H \"X-Auth-Token: TOKEN\" URL/user/otp/sms/receive
  curl \"ADMIN/sms/next?wait=5\"
  curl --cacert CA_FILE -X POST -H \"X-Auth-Token: TOKEN\" URL/user/otp/verify/OTP

Refusals have the body {\"error\": \"...\"} or {\"errors\": [\"...\"]}:

  400  the OTP is wrong, expired or used
  401  the token is missing, unknown, expired or revoked
  404  there is no such path
  405  the path has other methods, which the header Allow lists
  422  two-factor authentication is off, or not by SMS; or the request has a body
  429  too many wrong OTPs, or the rate limit; Retry-After says how long to wait

A test whose times and codes are the same in every run starts it with --seed and --standing-clock.
";

const ADMIN: &str = "\
The admin API, for tests in any language. ADMIN is the URL of the status page. ADMIN/openapi.json describes it for
programs: every field, answer and status.

  GET    /                           the status page, secrets masked
  GET    /healthz, /readyz           200 when it answers; without a token
  GET    /ca.pem                     the certificate of its CA; without a token
  GET    /openapi.json               the OpenAPI document of this API

  POST   /reset                      everything as at the start; ?user=NAME resets one user
  GET    /sms                        every SMS; ?user=NAME
  GET    /sms/next?user=NAME&wait=5  the next SMS; 204 if none comes in 5 s; &peek=true leaves it there
  DELETE /sms                        forget them; ?user=NAME
  GET    /users                      the users; /users/NAME for one
  POST   /users                      add one: {\"two_factor\": \"sms\"}
  DELETE /users/NAME                 remove the user
  GET    /users/NAME/app-code        what the user's app shows
  GET    /users/NAME/app-secret      its secret, in base32
  GET    /users/NAME/recovery-codes  the codes that work; PUT {\"recovery_codes\": [\"abcde-fghij\"]} replaces them
  POST   /users/NAME/next            choose what comes next: {\"otp\": \"123456\"}
  POST   /users/NAME/token           give the user another token
  DELETE /users/NAME/token           revoke the user's last token; ?after=60 lets it expire
  DELETE /users/NAME/lockout         let the user verify again
  DELETE /users/NAME/rate-limit      forget the requests that were counted
  DELETE /users/NAME/sessions        end the user's sessions
  POST   /tokens/revoke              revoke one, of a session too: {\"token\": \"TOKEN\"}
  GET    /faults                     those that are armed, and all there are
  POST   /faults/FAULT               arm one; ?user=NAME&operation=NAME&times=N
  DELETE /faults/FAULT               disarm one, by its number or name; DELETE /faults disarms all
  GET    /journal                    what the service did; ?user=NAME&operation=NAME&outcome=NAME&since=NUMBER
  GET    /journal/count              how often, by the same parameters
  POST   /journal/verify             compare it with what you expect
  DELETE /journal                    forget it
  GET    /clock                      what the service's clock shows
  POST   /clock/advance?seconds=N    turn the service's clock on

In the object of a new user, two_factor is \"sms\", \"app\" or \"off\". Every other field may be missing: name, phone,
token, otp (the one in every SMS) and recovery_codes.

A reset brings back the users, faults and settings that were there at the start, and the clock's first date. Sessions,
OTPs, SMS, lockouts, counted requests and the journal are gone. With --seed, the same secrets follow again. A reset of
one user does this for that user alone, so that tests that run at the same time need only a user each.

Exactly one SMS to bob, and nothing else that concerns bob, since entry 7 of the journal:

  curl -X POST ADMIN/journal/verify -d '{
    \"user\": \"bob\", \"since\": 7, \"expected\": [{\"outcome\": \"sms_sent\", \"count\": 1}]}'

It is 200 if that is so, and else 409 with each difference and the entries that come nearest.

What it cannot do it refuses with 4xx and {\"error\": \"...\"}; so it does with a field or parameter that it does not
have. HEAD is answered wherever GET is, and takes no SMS.

It answers to localhost, to addresses, and to names given by --admin-host or --host-name. With --admin-token, programs
send Authorization: Bearer TOKEN, and a browser asks a person for it as the password.
";

const FAULTS: &str = "\
Faults, for --fault and for POST /faults/FAULT of the admin API. On a real connection they really happen.

";

const NARROWED: &str = "
What strikes once or a number of times strikes only requests that have a working token and are for one of the four
operations. So a health check, a port scan or a wrong token uses up no fault. What strikes until it is disarmed strikes
every request, unless it is narrowed.

  lost-sms, lost-verify, lost-regenerate and cut-regenerate are about one operation, which succeeds before they strike.
  lost-reply is about every operation that succeeds, cut-reply about those whose answer has a body.
  unavailable, status, lost-request, refused-connection, stale-connection and captive-portal strike in place of the
  service, which does not act.
  refused-connection and stale-connection refuse the stream over HTTP/2, so a client knows that nothing happened. Over
  HTTP/1.1 the connection is closed, and a client cannot know.
  status takes 200 to 599, slow takes seconds, unavailable takes a number of requests.

To narrow a fault, add to it, with colons:

  user=NAME             only this user's requests
  operation=NAME        only receive_codes, find_ensure_otp, find_recovery_codes or regenerate_codes
  times=N               so many times; times=always until it is disarmed

  otp-emulator --fault status=429:user=bob:operation=receive_codes:times=2 --fault slow=0.5
  curl -X POST \"ADMIN/faults/status=429?user=bob&operation=receive_codes&times=2\"
";

const VALUES: &str = "\
Values of your choice:

  --token TOKEN                      the token of the first user
  --otp 123456                       the OTP in every SMS, to every user
  --recovery-codes aaaaa-1,bbbbb-2   the recovery codes of the first user

  curl -X POST ADMIN/users -d '{
    \"two_factor\": \"sms\", \"name\": \"bob\", \"token\": \"bobs-token\", \"otp\": \"123456\",
    \"recovery_codes\": [\"aaaaa-1\", \"bbbbb-2\"]}'

What the service gives a user next; each is used once, in the order of the calls:

  curl -X POST ADMIN/users/bob/next -d '{\"otp\": \"654321\"}'
  curl -X POST ADMIN/users/bob/next -d '{\"recovery_codes\": [\"ccccc-3\"]}'
  curl -X POST ADMIN/users/bob/next -d '{\"session_token\": \"bobs-session\"}'

An OTP or recovery code is 1 to 64 ASCII letters, digits, '-' or '_'. A token is visible ASCII without spaces. An OTP
that is sent twice works once for each SMS. With --seed, what you did not choose is the same in every run.
";

const TLS: &str = "\
By default it makes a CA when it starts, forgets it when it stops, and writes the CA's certificate into a file: a new
one in the temporary folder, or the one of --ca-file. GET /ca.pem of the admin port gives it too. Clients must trust it:

  curl --cacert CA_FILE ...                    curl
  requests.post(url, verify='CA_FILE')         Python
  NODE_EXTRA_CA_CERTS=CA_FILE node test.js     Node.js
  SSL_CERT_FILE=CA_FILE ./test                 Go

The certificate is for localhost, 127.0.0.1, ::1, the address it listens on, and every --host-name.

  --cert FILE --key FILE   a certificate of your own
  --plain                  no TLS; HTTP/2 is then by prior knowledge

HTTP/1.1 and HTTP/2 are chosen by ALPN. TLS is 1.2 or 1.3.
";

const CONTAINERS: &str = "\
In a container it must listen on all addresses, and other containers call it by its name:

  services:
    emulator:
      image: otp-emulator
      environment:
        OTP_EMULATOR_LISTEN: 0.0.0.0:8443
        OTP_EMULATOR_ADMIN: 0.0.0.0:9000
        OTP_EMULATOR_HOST_NAME: emulator
        OTP_EMULATOR_TOKEN: a-token-for-tests

The service is then https://emulator:8443/metal/v1, and the admin API http://emulator:9000. A test waits until
http://emulator:9000/readyz answers 200, and reads http://emulator:9000/ca.pem to trust the certificate. /healthz is
for a health check: neither needs a token or a known host name, and neither uses up a fault.

The crate's Containerfile builds an image with these two addresses and a health check. The check is
'otp-emulator healthcheck', which needs neither a shell nor curl. The image runs unprivileged on a read-only root. There
it writes no CA file, and prints a note. To share a file, mount a volume and set OTP_EMULATOR_CA_FILE.

Everybody who reaches the admin port can read every OTP. Where others than your tests can, set
OTP_EMULATOR_ADMIN_TOKEN.
";

const ENVIRONMENT: &str = "\
Every option can be given in the environment: OTP_EMULATOR_, and the option's name in capitals with _ for -. An option
of the command line wins.

  --listen 0.0.0.0:8443          OTP_EMULATOR_LISTEN=0.0.0.0:8443
  --plain                        OTP_EMULATOR_PLAIN=true (true, yes, on, 1; false, no, off, 0)
  --fault lost-sms --fault slow  OTP_EMULATOR_FAULT=lost-sms,slow
  --admin-token TOKEN            OTP_EMULATOR_ADMIN_TOKEN=TOKEN

What is given several times has commas in a variable. Variables of other names are ignored: Kubernetes makes some
that begin the same, such as OTP_EMULATOR_SERVICE_HOST. No secret of the environment is shown by --help.
";
