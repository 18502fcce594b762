//! What the program explains: the outline below its options, and a text for each topic.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::process;

use otp_emulator::Fault;

use crate::escape;

/// What stands below the options.
pub(crate) const OUTLINE: &str = "\
You can give each option as an environment variable too: OTP_EMULATOR_ and the name of the option in capitals, such
as OTP_EMULATOR_LISTEN=0.0.0.0:8443. The command line wins.

'otp-emulator help TOPIC' explains more:
  api          the service, and a first try with curl
  admin        the admin API: reset, SMS, users, journal, clock
  faults       failures that you can cause, for all requests or for one user or operation
  values       how to choose OTPs, tokens and recovery codes
  tls          the certificate, and how clients trust it
  containers   names, ports, health checks and variables
  environment  how to write options as variables";

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

/// Prints the text of a topic, or the list of topics, and ends the program.
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
                "otp-emulator: there is no topic '{}'; the topics are {}",
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
The API is the one of https://api.equinix.com/metal/v1, with the header X-Auth-Token:

  POST /user/otp/sms/receive         send an OTP by SMS                   204
  POST /user/otp/verify/OTP          verify an OTP, and start a session   204, X-Auth-Token
  GET  /user/otp/recovery-codes      read the recovery codes              200 JSON
  POST /user/otp/recovery-codes      replace the recovery codes           200 JSON

To try it, take CA_FILE, TOKEN, URL and ADMIN (the status page) from the first lines that the program prints. Then, in
a second terminal:

  curl --cacert CA_FILE -X POST -H \"X-Auth-Token: TOKEN\" URL/user/otp/sms/receive
  curl \"ADMIN/sms/next?wait=5\"
  curl --cacert CA_FILE -X POST -H \"X-Auth-Token: TOKEN\" URL/user/otp/verify/OTP

An error has the body {\"error\": \"...\"} or {\"errors\": [\"...\"]}:

  400  the OTP is wrong, expired or already used, or the user has two-factor authentication off
  401  the token is missing, unknown, expired or revoked
  404  the path does not exist
  405  the path has other methods; the header Allow lists them
  422  the request has a body; or, except when verifying, the user has two-factor authentication off; or an SMS is
       requested for a user with an app
  429  too many wrong OTPs, or too many requests; the header Retry-After says how many seconds to wait

With --seed and --standing-clock, codes and times are the same in every run.

The header Date is the date of the service's clock. Set Content-Length or Transfer-Encoding: chunked, not both: a
request with both is read by its chunks, and the connection is closed after the answer.
";

const ADMIN: &str = "\
The admin API is for tests in any language. ADMIN is the URL of the status page. ADMIN/openapi.json describes every
path, field and status.

  GET    /                           the status page, with masked secrets
  GET    /healthz, /readyz           200 as soon as the emulator is ready; needs no token
  GET    /ca.pem                     the certificate of the CA; needs no token
  GET    /openapi.json               the OpenAPI document of this API

  POST   /reset                      go back to the start; ?user=NAME resets one user only
  GET    /sms                        all SMS; ?user=NAME
  GET    /sms/next?user=NAME&wait=5  the next SMS, once; 204 if none comes in 5 s; &peek=true keeps it
  DELETE /sms                        delete all SMS; ?user=NAME
  GET    /users                      all users; /users/NAME for one
  POST   /users                      add a user: {\"two_factor\": \"sms\"}
  DELETE /users/NAME                 remove the user
  GET    /users/NAME/app-code        the code that the user's app shows now
  GET    /users/NAME/app-secret      the secret of the app, in base32
  GET    /users/NAME/recovery-codes  the valid codes; PUT {\"recovery_codes\": [\"abcde-fghij\"]} replaces them
  POST   /users/NAME/next            choose the next value: {\"otp\": \"123456\"}
  POST   /users/NAME/token           issue another token to the user
  DELETE /users/NAME/token           revoke the token that the user got last; ?after=60: it expires in 60 s
  DELETE /users/NAME/lockout         end the lockout after wrong OTPs
  DELETE /users/NAME/rate-limit      set the counter of the rate limit to 0
  DELETE /users/NAME/sessions        end the user's sessions
  POST   /tokens/revoke              revoke any token, also of a session: {\"token\": \"TOKEN\"}
  GET    /faults                     the armed faults, and all that exist
  POST   /faults/FAULT               arm a fault; ?user=NAME&operation=NAME&times=N
  DELETE /faults/FAULT               disarm it, by number or name; DELETE /faults disarms all
  GET    /journal                    what the service did; ?user=NAME&operation=NAME&outcome=NAME&since=NUMBER
  GET    /journal/count              the number of entries, by the same filters (not limit)
  POST   /journal/verify             compare the journal with what you expect
  DELETE /journal                    delete its entries
  GET    /clock                      the time of the service's clock
  POST   /clock/advance?seconds=N    advance the service's clock by N seconds, up to the year 9999

A new user has two_factor \"sms\", \"app\" or \"off\". All other fields are optional: name, phone, token, otp (sent in
every SMS) and recovery_codes.

A reset brings back the users, faults, settings and the date that were there at the start. It deletes sessions, OTPs,
SMS, lockouts, counted requests and the journal. With --seed, the service makes the same secrets again. A reset of one
user does this for that user only. So tests can run at the same time if each of them has its own user.

This checks that there was exactly one SMS to bob, and nothing else for bob, after entry 7 of the journal:

  curl -X POST ADMIN/journal/verify -d '{
    \"user\": \"bob\", \"since\": 7, \"expected\": [{\"outcome\": \"sms_sent\", \"count\": 1}]}'

The answer is 200 if this is true. Otherwise it is 409, with each difference and the most similar entries. Each entry
counts for one expectation. An expectation without count wants one entry, so you can also list what happened line by
line. The numbers of entries go on after a reset. If entries after \"since\" were deleted, the answer is 410.

An error has a status 4xx and the body {\"error\": \"...\"}. Unknown fields and parameters are errors. You can send HEAD
instead of GET. HEAD /sms/next does not take the SMS; it does not wait for one, and neither does peek=true.

The admin port answers to localhost, to IP addresses, and to the names of --admin-host and --host-name. With
--admin-token, programs send Authorization: Bearer TOKEN. A browser asks for a password: type the token.
";

const FAULTS: &str = "\
Faults, for --fault and for POST /faults/FAULT of the admin API. Each one really happens on the connection.

";

const NARROWED: &str = "
A fault that strikes once or a number of times strikes only calls of the four operations with a working token. So a
health check, a port scan or a wrong token does not use it up. A fault that strikes until it is disarmed strikes every
request, unless you narrow it.

  lost-sms, lost-verify, lost-regenerate and cut-regenerate strike one operation, after it succeeded.
  lost-reply strikes every operation that succeeded. cut-reply strikes those whose answer has a body.
  unavailable, status, lost-request, refused-connection, stale-connection and captive-portal strike before the service
  acts: the service does nothing.
  Over HTTP/2, refused-connection and stale-connection refuse the stream, so a client knows that nothing happened. Over
  HTTP/1.1 they close the connection, and a client cannot know.
  status takes a status from 200 to 599, slow takes seconds, unavailable takes a number of requests.

To narrow a fault, add one or more of these, each after a colon:

  user=NAME             only requests of this user
  operation=NAME        only receive_codes, find_ensure_otp, find_recovery_codes or regenerate_codes
  times=N               N times, 1 or more; times=always means until it is disarmed

  otp-emulator --fault status=429:user=bob:operation=receive_codes:times=2 --fault slow=0.5
  curl -X POST \"ADMIN/faults/status=429?user=bob&operation=receive_codes&times=2\"
";

const VALUES: &str = "\
You can choose values at the start:

  --token TOKEN                      the token of the first user
  --otp 123456                       the OTP in every SMS, for every user
  --recovery-codes aaaaa-1,bbbbb-2   the recovery codes of the first user

For another user:

  curl -X POST ADMIN/users -d '{
    \"two_factor\": \"sms\", \"name\": \"bob\", \"token\": \"bobs-token\", \"otp\": \"123456\",
    \"recovery_codes\": [\"aaaaa-1\", \"bbbbb-2\"]}'

For what the service makes next. Each value is used once, in the order in which you send them:

  curl -X POST ADMIN/users/bob/next -d '{\"otp\": \"654321\"}'
  curl -X POST ADMIN/users/bob/next -d '{\"recovery_codes\": [\"ccccc-3\"]}'
  curl -X POST ADMIN/users/bob/next -d '{\"session_token\": \"bobs-session\"}'

An OTP or recovery code has 1 to 64 characters: ASCII letters, digits, '-' and '_'. A token has 1 to 4096 visible ASCII
characters, without spaces. If the same OTP is sent in several SMS, it works once for each SMS. With --seed, values that
you did not choose are the same in every run.
";

const TLS: &str = "\
By default the emulator makes a new CA at each start. It writes the CA's certificate to a file: a new one in the
temporary folder, or the one of --ca-file. GET /ca.pem of the admin port returns the certificate too. Your client must
trust it:

  curl --cacert CA_FILE ...                    curl
  requests.post(url, verify='CA_FILE')         Python
  NODE_EXTRA_CA_CERTS=CA_FILE node test.js     Node.js
  SSL_CERT_FILE=CA_FILE ./test                 Go

The certificate is valid for localhost, 127.0.0.1, ::1, the address of --listen, and every --host-name.

  --cert FILE --key FILE   use your own certificate
  --plain                  use no TLS; HTTP/2 then works with prior knowledge only

A client chooses HTTP/1.1 or HTTP/2 by ALPN. The version of TLS is 1.2 or 1.3.
";

const CONTAINERS: &str = "\
In a container, the emulator must listen on all addresses. Other containers call it by its service name:

  services:
    emulator:
      image: otp-emulator
      environment:
        OTP_EMULATOR_LISTEN: 0.0.0.0:8443
        OTP_EMULATOR_ADMIN: 0.0.0.0:9000
        OTP_EMULATOR_HOST_NAME: emulator
        OTP_EMULATOR_TOKEN: a-token-for-tests

The service is then at https://emulator:8443/metal/v1, and the admin API at http://emulator:9000. Before your tests
start, wait until http://emulator:9000/readyz answers 200, and read the CA's certificate from
http://emulator:9000/ca.pem. For a health check, use /healthz. These three need no token and no known host name, and
use up no fault.

The crate's Containerfile builds an image with these two addresses and a health check. The health check is
'otp-emulator healthcheck', which needs neither a shell nor curl. The image runs without privileges on a read-only root.
There it writes no CA file, and prints a note. To share a file, mount a volume and set OTP_EMULATOR_CA_FILE.

Everybody who reaches the admin port can read every OTP. If programs or people other than your tests can reach it, set
OTP_EMULATOR_ADMIN_TOKEN.
";

const ENVIRONMENT: &str = "\
Each option has an environment variable: OTP_EMULATOR_, and the name of the option in capitals, with _ in place of -.

  --listen 0.0.0.0:8443          OTP_EMULATOR_LISTEN=0.0.0.0:8443
  --plain                        OTP_EMULATOR_PLAIN=true (true, yes, on, 1; false, no, off, 0)
  --fault lost-sms --fault slow  OTP_EMULATOR_FAULT=lost-sms,slow
  --admin-token TOKEN            OTP_EMULATOR_ADMIN_TOKEN=TOKEN
  --cors, --log                  OTP_EMULATOR_CORS=*, OTP_EMULATOR_LOG=text

The command line wins: a variable is ignored if you give its option, or an option that excludes it. With --no-admin,
for example, OTP_EMULATOR_ADMIN is ignored. Two variables that exclude each other are an error.

An empty variable counts as not set, and so does a variable that turns an option off. If you can repeat an option,
separate the values of its variable with commas.

Other variables are ignored. Kubernetes, for example, sets OTP_EMULATOR_SERVICE_HOST for a service of that name. --help
never prints the value of a variable, because it can be a secret.
";
