//! What the page's forms do. They are the admin API in a form that a browser can send without JavaScript:
//! `application/x-www-form-urlencoded`, answered with the page.

use hyper::StatusCode;
use otp_core::Otp;
use otp_core::bytes::Bytes;
use otp_mock::{FakeOtps, Fault};

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
                fake.disarm_all();
                Ok(())
            }
            "clock" => clock::turn(fake, parameter(&fields, "seconds").as_deref()),
            "reset" => {
                fake.disarm_all();
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
        let name = parameter(fields, "user")?;
        let code = fake.of_user(&name)?.app_code()?;
        Some((self.key(("user", &name)), code))
    }
}

fn arm(fake: &FakeOtps, fields: &str) -> Result<(), String> {
    let name = parameter(fields, "fault").unwrap_or_default();
    let fault = match parameter(fields, "number") {
        Some(number) => format!("{name}={number}"),
        None => name,
    };
    fake.arm(fault.parse::<Fault>().map_err(|unknown| unknown.to_string())?);
    Ok(())
}
