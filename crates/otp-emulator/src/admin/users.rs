//! The users, and what the service holds of each.

use hyper::StatusCode;
use otp_core::bytes::Bytes;
use otp_core::secrecy::ExposeSecret;
use otp_core::{AuthToken, Otp, RecoveryCode};
use otp_mock::{FakeOtps, FakeUser, TwoFactor, UserState};
use serde_json::{Value, json};

use super::Answer;
use super::query::Fields;

/// The phone of a user who is added without one.
const PHONE: &str = "+1 555 0100";

/// The longest name and phone, in characters.
const MAX_TEXT: usize = 256;

/// The most recovery codes that a user may have.
const MAX_CODES: usize = 100;

pub(super) fn all(fake: &FakeOtps) -> Answer {
    Answer::Json(StatusCode::OK, fake.users().iter().map(user).collect())
}

pub(super) fn one(fake: &FakeOtps, name: &str) -> Result<Answer, Answer> {
    Ok(Answer::Json(StatusCode::OK, user(&state(fake, name)?)))
}

/// What the service holds of the user of this name.
fn state(fake: &FakeOtps, name: &str) -> Result<UserState, Answer> {
    let users = fake.users();
    users.into_iter().find(|user| user.name == name).ok_or_else(Answer::no_such_user)
}

fn user(user: &UserState) -> Value {
    let (two_factor, phone) = match &user.two_factor {
        TwoFactor::Sms { phone } => ("sms", Some(phone)),
        TwoFactor::App => ("app", None),
        _ => ("off", None),
    };
    json!({
        "name": user.name,
        "two_factor": two_factor,
        "phone": phone,
        "recovery_codes": user.recovery_codes.len(),
        "sessions": user.sessions,
        "wrong_otps": user.wrong_otps,
        "locked_out": user.locked_out,
    })
}

/// Adds the user of a JSON object.
pub(super) fn add(fake: &FakeOtps, body: &Bytes) -> Result<Answer, Answer> {
    let added = fake.try_add_user(wanted(body)?);
    let added = added.map_err(|taken| Answer::conflict(&taken.to_string()))?;
    let name = added.user().map(|user| user.name);
    let secret = added.app_secret();
    Ok(Answer::Json(
        StatusCode::CREATED,
        json!({
            "name": name,
            "token": added.token().expose_secret(),
            "app_secret": secret.as_ref().map(ExposeSecret::expose_secret),
        }),
    ))
}

fn wanted(body: &Bytes) -> Result<FakeUser, Answer> {
    let known = ["two_factor", "name", "phone", "token", "otp", "recovery_codes"];
    let fields = Fields::read(body, &known)?;
    let phone = short_text(&fields, "phone")?;
    let otp = otp(&fields)?;
    let mut user = match fields.text("two_factor")? {
        Some("sms") => FakeUser::with_phone(phone.unwrap_or(PHONE)),
        Some("app") => FakeUser::with_app(),
        Some("off") => FakeUser::without_two_factor(),
        _ => return Err(Answer::bad("two_factor is sms, app or off")),
    };
    if !matches!(fields.text("two_factor")?, Some("sms")) && (phone.is_some() || otp.is_some()) {
        return Err(Answer::bad("phone and otp are for a user whose two_factor is sms"));
    }
    if let Some(otp) = otp {
        user = user.with_otp(otp);
    }
    if let Some(codes) = recovery_codes(&fields)? {
        user = user.with_recovery_codes(codes);
    }
    if let Some(name) = short_text(&fields, "name")? {
        user = user.named(name);
    }
    if let Some(token) = token(&fields, "token")? {
        user = user.with_token(token);
    }
    Ok(user)
}

pub(super) fn remove(fake: &FakeOtps, name: &str) -> Result<Answer, Answer> {
    if fake.remove_user(name) { Ok(Answer::Nothing) } else { Err(Answer::no_such_user()) }
}

/// What the user's authenticator app shows.
pub(super) fn app_code(fake: &FakeOtps, name: &str) -> Result<Answer, Answer> {
    let code = named(fake, name)?.app_code().ok_or_else(no_app)?;
    Ok(Answer::Json(StatusCode::OK, json!({ "otp": code.expose_secret() })))
}

/// The secret of the user's authenticator app, in base32.
pub(super) fn app_secret(fake: &FakeOtps, name: &str) -> Result<Answer, Answer> {
    let secret = named(fake, name)?.app_secret().ok_or_else(no_app)?;
    Ok(Answer::Json(StatusCode::OK, json!({ "app_secret": secret.expose_secret() })))
}

/// The recovery codes that work, without an entry in the journal.
pub(super) fn codes(fake: &FakeOtps, name: &str) -> Result<Answer, Answer> {
    let user = state(fake, name)?;
    let codes: Vec<_> = user.recovery_codes.iter().map(ExposeSecret::expose_secret).collect();
    Ok(Answer::Json(StatusCode::OK, json!({ "recovery_codes": codes })))
}

/// Replaces the recovery codes.
pub(super) fn set_codes(fake: &FakeOtps, name: &str, body: &Bytes) -> Result<Answer, Answer> {
    let codes = recovery_codes(&Fields::read(body, &["recovery_codes"])?)?;
    let codes = codes.ok_or_else(|| Answer::bad("recovery_codes is an array of texts"))?;
    named(fake, name)?.set_recovery_codes(codes);
    Ok(Answer::Nothing)
}

/// Chooses what the service gives the user next.
pub(super) fn choose(fake: &FakeOtps, name: &str, body: &Bytes) -> Result<Answer, Answer> {
    let fields = Fields::read(body, &["otp", "recovery_codes", "session_token"])?;
    let chosen = (otp(&fields)?, recovery_codes(&fields)?, token(&fields, "session_token")?);
    let user = named(fake, name)?;
    if let (None, None, None) = chosen {
        return Err(Answer::bad("the body says otp, recovery_codes or session_token"));
    }
    let (otp, codes, session) = chosen;
    if otp.is_some() && !matches!(state(fake, name)?.two_factor, TwoFactor::Sms { .. }) {
        return Err(Answer::conflict("the user's two_factor is not sms"));
    }
    let chosen = user.try_choose(otp, codes, session);
    chosen.map(|()| Answer::Nothing).map_err(|why| Answer::conflict(&why.to_string()))
}

/// Does this to the user of this name.
pub(super) fn change(
    fake: &FakeOtps,
    name: &str,
    change: impl FnOnce(&FakeOtps),
) -> Result<Answer, Answer> {
    change(&named(fake, name)?);
    Ok(Answer::Nothing)
}

pub(super) fn named(fake: &FakeOtps, name: &str) -> Result<FakeOtps, Answer> {
    fake.of_user_ever(name).ok_or_else(Answer::no_such_user)
}

fn short_text<'f>(fields: &'f Fields, name: &str) -> Result<Option<&'f str>, Answer> {
    match fields.text(name)? {
        Some(text) if !(1..=MAX_TEXT).contains(&text.chars().count()) => {
            Err(Answer::bad(format!("{name} has 1 to {MAX_TEXT} characters")))
        }
        text => Ok(text),
    }
}

pub(super) fn token(fields: &Fields, name: &str) -> Result<Option<AuthToken>, Answer> {
    let token = fields.text(name)?.map(AuthToken::new).transpose();
    token.map_err(|error| Answer::bad(error.to_string()))
}

fn otp(fields: &Fields) -> Result<Option<Otp>, Answer> {
    fields.text("otp")?.map(read_otp).transpose()
}

/// Without the white space that a person may type.
fn read_otp(text: &str) -> Result<Otp, Answer> {
    let otp = Otp::new(text).ok().filter(|otp| otp.expose_secret() == text);
    otp.ok_or_else(|| {
        Answer::bad("an OTP or recovery code is 1 to 64 ASCII letters, digits, '-' or '_'")
    })
}

fn recovery_codes(fields: &Fields) -> Result<Option<Vec<RecoveryCode>>, Answer> {
    let refuse = || Answer::bad(format!("recovery_codes is an array of at most {MAX_CODES} texts"));
    let codes = match fields.get("recovery_codes") {
        None => return Ok(None),
        Some(Value::Array(codes)) if codes.len() <= MAX_CODES => codes.iter(),
        Some(_) => return Err(refuse()),
    };
    let codes = codes.map(|code| {
        let code = read_otp(code.as_str().ok_or_else(refuse)?)?;
        Ok(RecoveryCode::new(code.expose_secret()))
    });
    codes.collect::<Result<_, Answer>>().map(Some)
}

fn no_app() -> Answer {
    Answer::conflict("the user's two_factor is not app")
}
