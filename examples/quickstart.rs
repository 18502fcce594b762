//! The four operations, step by step.
//!
//! Without arguments it starts an emulator of the service in this process and talks to it over TLS: no
//! account, no network. With `--base-url`, and a token in `METAL_AUTH_TOKEN`, it talks to a real one, and
//! asks for the OTP that arrives on the phone.

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use otp_core::operation::{FindEnsureOtp, FindRecoveryCodes, ReceiveCodes, RegenerateCodes};
use otp_core::secrecy::ExposeSecret;
use otp_core::{AuthToken, BaseUrl, Effect, Metadata, Otp, OtpsApi, OtpsClient, RecoveryCodeList};
use otp_emulator::Emulator;
use otp_hyper::{HyperTransport, Roots};

/// The four operations of the OTP API, told step by step.
#[derive(Parser)]
#[command(version)]
struct Options {
    /// A real service instead of the emulator; its token is read from `METAL_AUTH_TOKEN`.
    #[arg(long)]
    base_url: Option<BaseUrl>,

    /// Show the recovery codes. Whoever sees one can get into the account.
    #[arg(long)]
    show_codes: bool,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match tell(Options::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // There may be nobody to tell.
            let _ = writeln!(io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

async fn tell(options: Options) -> Result<(), Box<dyn Error>> {
    let out: &mut dyn Write = &mut Out;
    let (client, emulator) = match options.base_url {
        Some(url) => (real_client(url)?, None),
        None => {
            let emulator = Emulator::start()?;
            (client_of(&emulator)?, Some(emulator))
        }
    };
    writeln!(out, "The OTP API, at {}", client.config().base_url())?;
    if emulator.is_some() {
        writeln!(out, "(an emulator of the service in this process; the connection is real TLS)")?;
    }

    let phone = |out: &mut dyn Write| match &emulator {
        Some(emulator) => {
            let sms = emulator.fake().last_sms().ok_or("no SMS was sent")?;
            writeln!(out, "   the phone {} shows: {}", sms.to, sms.otp.expose_secret())?;
            Ok(sms.otp)
        }
        None => ask_for_otp(out),
    };
    four_operations(&client, out, phone, emulator.is_some(), options.show_codes).await?;

    writeln!(out, "\nThat is the whole API.")?;
    Ok(())
}

async fn four_operations(
    client: &OtpsClient,
    out: &mut dyn Write,
    phone: impl FnOnce(&mut dyn Write) -> Result<Otp, Box<dyn Error>>,
    verify_twice: bool,
    show_codes: bool,
) -> Result<RecoveryCodeList, Box<dyn Error>> {
    writeln!(out, "\n1. receive_codes: send me a one-time password by SMS")?;
    match client.call(ReceiveCodes).send().await {
        Ok(answer) => writeln!(out, "   {}", told(&answer.metadata))?,
        Err(error) if error.effect() == Effect::NotApplied => return Err(error.into()),
        // An SMS is on its way, or it may be: the sentence says to look at the phone.
        Err(error) => writeln!(out, "   {error}")?,
    }
    let otp = phone(out)?;

    writeln!(out, "\n2. find_ensure_otp: verify it")?;
    let answer = client.call(FindEnsureOtp::new(otp.clone())).send().await?;
    writeln!(out, "   {}", told(&answer.metadata))?;
    writeln!(out, "   the OTP was right, and is used up")?;
    if answer.value.session_token().is_some() {
        writeln!(out, "   the service gave a session token back")?;
    }
    if verify_twice {
        writeln!(out, "   once more with the same OTP, to see it refused:")?;
        if let Err(error) = client.find_ensure_otp(&otp).await {
            writeln!(out, "   {error}")?;
        }
    }

    writeln!(out, "\n3. find_recovery_codes: the way in without the phone")?;
    let answer = client.call(FindRecoveryCodes).send().await?;
    writeln!(out, "   {}", told(&answer.metadata))?;
    show(out, &answer.value, show_codes)?;
    let old = answer.value;

    writeln!(out, "\n4. regenerate_codes: replace them, in case somebody saw them")?;
    let (new, said) = match client.call(RegenerateCodes).send().await {
        Ok(answer) => (answer.value, told(&answer.metadata)),
        Err(error) if error.effect() == Effect::NotApplied => return Err(error.into()),
        Err(error) => match client.find_recovery_codes().await {
            Ok(now) if now.iter().any(|code| !old.codes().contains(code)) => {
                (now, error.to_string())
            }
            _ => return Err(error.into()),
        },
    };
    let kept = new.iter().filter(|code| old.codes().contains(code)).count();
    writeln!(out, "   {said}")
        .and_then(|()| show(out, &new, show_codes))
        .and_then(|()| writeln!(out, "   {kept} of the old ones still work"))
        .map_err(|error| {
            format!("the codes were replaced; {error}; read them with find_recovery_codes")
        })?;
    Ok(new)
}

fn client_of(emulator: &Emulator) -> Result<OtpsClient, otp_core::Error> {
    let transport = HyperTransport::builder().roots(Roots::pem(emulator.ca_pem())?).build()?;
    OtpsClient::builder(transport, emulator.token()).base_url(emulator.base_url()).build()
}

fn real_client(url: BaseUrl) -> Result<OtpsClient, Box<dyn Error>> {
    let token = std::env::var("METAL_AUTH_TOKEN")
        .map_err(|_| "put the token of your account into METAL_AUTH_TOKEN")?;
    let transport = HyperTransport::new()?;
    Ok(OtpsClient::builder(transport, AuthToken::new(token)?).base_url(url).build()?)
}

/// Asks until what was typed can be an OTP.
fn ask_for_otp(out: &mut dyn Write) -> Result<Otp, Box<dyn Error>> {
    loop {
        write!(out, "   what does the phone show? ")?;
        out.flush()?;
        let mut typed = String::new();
        if io::stdin().read_line(&mut typed)? == 0 {
            return Err("no OTP was typed".into());
        }
        match Otp::new(typed) {
            Ok(otp) => return Ok(otp),
            Err(error) => writeln!(out, "   {error}")?,
        }
    }
}

fn told(metadata: &Metadata) -> String {
    let mut told = metadata.status().to_string();
    if let Some(id) = metadata.request_id() {
        told += &format!(", request {id}");
    }
    if metadata.attempts() > 1 {
        told += &format!(", after {} attempts", metadata.attempts());
    }
    told
}

fn show(out: &mut dyn Write, codes: &RecoveryCodeList, openly: bool) -> io::Result<()> {
    let hint = if openly { "" } else { " (--show-codes shows them)" };
    writeln!(out, "   {} codes{hint}:", codes.len())?;
    for line in codes.codes().chunks(5) {
        let shown = line
            .iter()
            .map(|code| if openly { code.expose_secret() } else { "•••••-•••••" });
        writeln!(out, "   {}", shown.collect::<Vec<_>>().join("  "))?;
    }
    Ok(())
}

/// Standard output. An error says that it was about printing.
struct Out;

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        io::stdout().write(bytes).map_err(cannot_print)
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stdout().flush().map_err(cannot_print)
    }
}

fn cannot_print(error: io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot print: {error}"))
}
