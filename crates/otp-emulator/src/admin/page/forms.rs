//! What the page's forms do. They are the admin API in a form that a browser can send without JavaScript:
//! `application/x-www-form-urlencoded`, answered with the page.

use hyper::StatusCode;
use otp_core::Otp;
use otp_core::bytes::Bytes;
use otp_mock::{FakeOtps, Fault, ScopedFault};

use super::{StatusPage, View};
use crate::admin::{Answer, clock, parameter};

impl StatusPage {
    /// Does what this form says. The answer is the page: by a redirect, so that reloading it does nothing
    /// again, or at once if the form is refused or asks for an OTP.
    pub(in crate::admin) fn submit(
        &self,
        fake: &FakeOtps,
        form: &str,
        query: &str,
        body: &Bytes,
    ) -> Answer {
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
            "otp" => return self.show_otp(view, &fields),
            _ => {
                let why = "the page has no such form".to_owned();
                return Answer::Refused(StatusCode::NOT_FOUND, why);
            }
        };
        match done {
            Ok(()) => Answer::SeeOther(format!("/{}", view.query())),
            Err(why) => {
                let view = View { refused: Some(&why), ..view };
                Answer::Page(StatusCode::BAD_REQUEST, view.render())
            }
        }
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
fn arm(fake: &FakeOtps, fields: &str) -> Result<(), String> {
    let given = |name: &str| parameter(fields, name).filter(|value| !value.is_empty());
    let name = given("fault").unwrap_or_default();
    let written = match given(&name) {
        Some(number) => format!("{name}={number}"),
        None => name,
    };
    let fault = written.parse::<Fault>().map_err(|unknown| unknown.to_string())?;
    let mut fault = ScopedFault::from(fault);
    if let Some(user) = given("user") {
        if fake.of_user(&user).is_none() {
            return Err(format!("there is no user '{user}'"));
        }
        fault = fault.for_user(user);
    }
    if let Some(operation) = given("operation") {
        let known = fake.operations();
        let Some(endpoint) = known.iter().find(|endpoint| endpoint.name() == operation) else {
            return Err(format!("there is no operation '{operation}'"));
        };
        fault = fault.for_operation(endpoint);
    }
    match given("times").map(|times| times.parse()) {
        None => {}
        Some(Ok(times)) if times > 0 => fault = fault.times(times),
        Some(_) => return Err("times is how often the fault strikes, at least once".to_owned()),
    }
    fake.arm(fault);
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
