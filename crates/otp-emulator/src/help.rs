//! What `--help` teaches beyond the options.

use std::fmt::Write;

use otp_emulator::Fault;

pub(crate) fn lessons() -> String {
    let mut told = String::from(
        "The API, as https://api.equinix.com/metal/v1 has it, with the header X-Auth-Token:
  POST /user/otp/sms/receive         send an OTP by SMS              204
  POST /user/otp/verify/OTP          verify it, and get a session    204, X-Auth-Token
  GET  /user/otp/recovery-codes      read the recovery codes         200 JSON
  POST /user/otp/recovery-codes      replace them                    200 JSON

A first round, in a second terminal, with what was printed at the start:
  curl --cacert CA_FILE -X POST -H \"X-Auth-Token: TOKEN\" URL/user/otp/sms/receive
  curl \"ADMIN/sms/next?wait=5\"
  curl --cacert CA_FILE -X POST -H \"X-Auth-Token: TOKEN\" URL/user/otp/verify/OTP

The admin API, for tests in any language (ADMIN is the status page's URL):
  GET    /                           the status page, secrets masked
  GET    /sms                        every SMS
  GET    /sms/next?user=NAME&wait=5  the next SMS; 204 if none comes
  GET    /users                      the users
  POST   /users                      add one: {\"two_factor\": \"sms\", \"app\" or \"off\"}
  GET    /users/NAME/app-code        what the user's app shows
  GET    /users/NAME/app-secret      its secret, in base32
  POST   /users/NAME/token           give the user another token
  DELETE /users/NAME/token           revoke the user's last token; ?after=60 lets it expire
  POST   /tokens/revoke              revoke one, of a session too: {\"token\": \"TOKEN\"}
  GET    /faults                     those that are armed, and all that there are
  POST   /faults/FAULT               arm one
  DELETE /faults                     disarm all
  GET    /journal                    what the service did
  GET    /clock                      what the service's clock shows
  POST   /clock/advance?seconds=N    turn the service's clock on

A test whose times and codes are the same in every run starts it with --seed and --standing-clock.

Faults, for --fault and the admin API:
",
    );
    for fault in Fault::ALL {
        let _ = writeln!(told, "  {:<18} {}", fault.to_string(), fault.describe());
    }
    told
}
