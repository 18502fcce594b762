//! What the page's forms do. They are the admin API in a form that a browser can send without JavaScript:
//! `application/x-www-form-urlencoded`, answered with the page.

use hyper::StatusCode;
use otp_core::Otp;
use otp_core::bytes::Bytes;
use otp_mock::FakeOtps;

use super::{StatusPage, View};
use crate::admin::query::parameter;
use crate::admin::{Answer, clock, faults};

impl StatusPage {
    /// Does what this form says; nothing if there is no such form. The answer is the page: by a redirect, so that
    /// reloading it does nothing again, or at once if the form is refused or asks for an OTP.
    pub(super) fn submit(
        &self,
        fake: &FakeOtps,
        form: &str,
        query: &str,
        body: &Bytes,
    ) -> Option<Result<Answer, Answer>> {
        let view = self.view(fake, query);
        let fields = String::from_utf8_lossy(body);
        let done = match form {
            "faults" => arm(fake, &fields),
            "disarm" => {
                disarm(fake, &fields);
                Ok(())
            }
            "clock" => clock::turn(fake, parameter(&fields, "seconds").as_deref()),
            "reset" => {
                fake.reset();
                Ok(())
            }
            "otp" => return Some(Ok(self.show_otp(view, &fields))),
            _ => return None,
        };
        Some(match done {
            Ok(()) => Ok(Answer::SeeOther(format!("/{}", view.query()))),
            Err(Answer::Refused(status, why)) => {
                let view = View { refused: Some(&why), ..view };
                Err(Answer::Page(status, view.render()))
            }
            Err(other) => Err(other),
        })
    }

    /// The page with the OTP that was asked for: of an SMS, or what a user's app shows.
    fn show_otp(&self, view: View<'_>, fields: &str) -> Answer {
        let refuse =
            |status, why| Answer::Page(status, View { refused: Some(why), ..view }.render());
        if !self.show_otps {
            let why = "this emulator shows no OTP here; start it with --show-otps";
            return refuse(StatusCode::FORBIDDEN, why);
        }
        let Some((key, otp)) = self.asked_for(view.fake, fields) else {
            return refuse(StatusCode::NOT_FOUND, "this OTP is gone");
        };
        Answer::Page(StatusCode::OK, View { revealed: Some((&key, &otp)), ..view }.render())
    }

    fn asked_for(&self, fake: &FakeOtps, fields: &str) -> Option<(String, Otp)> {
        if let Some(key) = parameter(fields, "sms") {
            let sms =
                fake.sms_outbox().into_iter().rev().find(|sms| self.key_of_sms(sms) == key)?;
            return Some((key, sms.otp));
        }
        let key = parameter(fields, "user")?;
        let user = fake.users().into_iter().find(|user| self.key_of_user(&user.name) == key)?;
        let code = fake.of_user(&user.name)?.app_code()?;
        Some((key, code))
    }
}

/// Arms the fault whose button was pressed, with the number in the field of its name.
fn arm(fake: &FakeOtps, fields: &str) -> Result<(), Answer> {
    let given = |name: &str| parameter(fields, name).filter(|value| !value.is_empty());
    let name = given("fault").unwrap_or_default();
    let fault = match given(&name) {
        Some(number) => format!("{name}={number}"),
        None => name,
    };
    let [user, operation, times] = ["user", "operation", "times"].map(given);
    if let Some(user) = user.as_ref().filter(|user| fake.of_user(user).is_none()) {
        return Err(Answer::bad(format!("there is no user '{user}'")));
    }
    let (user, operation, times) = (user.as_deref(), operation.as_deref(), times.as_deref());
    fake.arm(faults::scoped(fake, &fault, user, operation, times)?);
    Ok(())
}

/// Disarms the fault of this number, the test's own ones of this name, or all. What is gone already is as wanted.
fn disarm(fake: &FakeOtps, fields: &str) {
    match (parameter(fields, "number"), parameter(fields, "name")) {
        (Some(number), _) => {
            if let Ok(number) = number.parse() {
                fake.disarm(number);
            }
        }
        (None, Some(name)) => {
            fake.disarm_named(&name);
        }
        (None, None) => fake.disarm_all(),
    }
}
