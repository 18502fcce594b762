//! Options by variables of the environment. The command line wins.

use std::env;
use std::ffi::OsString;

use clap::builder::Resettable;
use clap::error::{ContextKind, ContextValue};
use clap::parser::ValueSource;
use clap::{Arg, ArgAction, ArgMatches, Command, Id};

use crate::values;

/// What every option's variable begins with.
const PREFIX: &str = "OTP_EMULATOR_";

/// Options whose value is a path, which need not be UTF-8.
const PATHS: [&str; 4] = ["cert", "key", "ca_file", "admin_token_file"];

/// Options that need another one.
const NEEDS: [(&str, &str); 3] =
    [("cert", "key"), ("key", "cert"), ("starts_at", "standing_clock")];

/// Why the program does not start, or what it prints in place of starting.
pub(crate) enum Refused {
    /// As clap says it, or a call for help.
    By(clap::Error),
    /// A sentence.
    Because(String),
}

impl From<clap::Error> for Refused {
    fn from(error: clap::Error) -> Self {
        Self::By(error)
    }
}

/// The options that were taken from the environment, each with its variable.
#[derive(Clone, Default)]
pub(crate) struct Environment(Vec<(String, String)>);

impl Environment {
    /// What a user wrote to give this option: its name, or its variable.
    pub(crate) fn written(&self, id: &str) -> String {
        match self.0.iter().find(|(taken, _)| taken == id) {
            Some((_, variable)) => variable.clone(),
            None => format!("--{}", id.replace('_', "-")),
        }
    }

    fn has(&self, id: &str) -> bool {
        self.0.iter().any(|(taken, _)| taken == id)
    }
}

/// Reads the command line and the environment. A variable counts as not set if it is empty, or if the command line has
/// its option or one that excludes it.
pub(crate) fn read(command: Command) -> Result<(ArgMatches, Environment), Refused> {
    let command = command.mut_args(|argument| match argument.get_action() {
        ArgAction::SetTrue => argument.value_parser(values::boolean),
        // So that -1 is a wrong value and no unknown option.
        _ => argument.allow_negative_numbers(true),
    });
    let none = || Resettable::<Id>::Reset;
    let alone =
        command.clone().mut_args(|argument| argument.conflicts_with(none()).requires(none()));
    let given = alone.try_get_matches()?;
    let is_given = |id: &Id| given.value_source(id.as_str()) == Some(ValueSource::CommandLine);

    let mut taken: Vec<&Arg> = Vec::new();
    for argument in command.get_arguments() {
        let Some(value) = value(argument) else { continue };
        let is_excluded = command
            .get_arguments()
            .any(|other| is_given(other.get_id()) && exclude(&command, argument, other));
        if is_given(argument.get_id()) || is_excluded || is_off(argument, &value) {
            continue;
        }
        if value.to_str().is_none() && !PATHS.contains(&argument.get_id().as_str()) {
            return Err(Refused::Because(format!("{} is not UTF-8", variable(argument))));
        }
        if let Some(other) = taken.iter().find(|other| exclude(&command, argument, other)) {
            return Err(Refused::Because(format!(
                "{} and {} exclude each other: set only one of them",
                variable(other),
                variable(argument)
            )));
        }
        taken.push(argument);
    }
    let environment = Environment(
        taken.iter().map(|argument| (argument.get_id().to_string(), variable(argument))).collect(),
    );
    for (id, needed) in NEEDS {
        if environment.has(id) && !environment.has(needed) && !is_given(&Id::from(needed)) {
            let (option, other) = (environment.written(id), environment.written(needed));
            let other_variable = format!("{PREFIX}{}", needed.to_ascii_uppercase());
            return Err(Refused::Because(format!("{option} needs {other} or {other_variable}")));
        }
    }
    let with_variables = command.clone().mut_args(|argument| {
        match environment.has(argument.get_id().as_str()) {
            // clap keeps names for as long as the program runs. It shows no value: it may be a secret.
            true => {
                let name: &'static str = variable(&argument).leak();
                argument.env(name).hide_env(true)
            }
            false => argument,
        }
    });
    let matches = with_variables.try_get_matches();
    Ok((matches.map_err(|error| by_variable(error, &taken))?, environment))
}

/// The variable of an option.
fn variable(argument: &Arg) -> String {
    let long = argument.get_long().unwrap_or_default();
    format!("{PREFIX}{}", long.replace('-', "_").to_ascii_uppercase())
}

/// What its variable holds. Compose sets a variable to nothing for `${X:-}`.
fn value(argument: &Arg) -> Option<OsString> {
    argument.get_long()?;
    env::var_os(variable(argument)).filter(|value| !value.is_empty())
}

fn exclude(command: &Command, one: &Arg, other: &Arg) -> bool {
    let excludes = |one: &Arg, other: &Arg| {
        let excluded = command.get_arg_conflicts_with(one);
        excluded.iter().any(|excluded| excluded.get_id() == other.get_id())
    };
    excludes(one, other) || excludes(other, one)
}

/// Whether this turns an option off, which is as if it were not set.
fn is_off(argument: &Arg, value: &OsString) -> bool {
    matches!(argument.get_action(), ArgAction::SetTrue)
        && value.to_str().is_some_and(|value| values::boolean(value) == Ok(false))
}

/// The error with the variable in place of the option, if it is about a variable.
fn by_variable(error: clap::Error, taken: &[&Arg]) -> Refused {
    let option = match error.get(ContextKind::InvalidArg) {
        Some(ContextValue::String(option)) => option.clone(),
        _ => return error.into(),
    };
    // Such as `--seed <NUMBER>`.
    let long = option.split([' ', '[', '=']).next().and_then(|option| option.strip_prefix("--"));
    let Some(argument) = taken.iter().find(|argument| argument.get_long() == long) else {
        return error.into();
    };
    let text = error.render().to_string();
    let text = text.split("\n\n").next().unwrap_or_default().trim_start_matches("error: ");
    Refused::Because(text.replace(&format!("'{option}'"), &format!("'{}'", variable(argument))))
}
