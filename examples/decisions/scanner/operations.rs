//! What a call of the service looks like.

use std::collections::BTreeSet;

use proc_macro2::{TokenStream, TokenTree};

use super::units::Unit;

/// The four operations, and those that `examples/larger_sdk` adds.
const METHODS: [&str; 11] = [
    "find_ensure_otp",
    "find_recovery_codes",
    "receive_codes",
    "regenerate_codes",
    "find_user",
    "find_keys",
    "create_key",
    "delete_key",
    "find_projects",
    "enable_app",
    "disable_app",
];
const TYPES: [&str; 11] = [
    "FindEnsureOtp",
    "FindRecoveryCodes",
    "ReceiveCodes",
    "RegenerateCodes",
    "FindUser",
    "FindKeys",
    "CreateKey",
    "DeleteKey",
    "FindProjects",
    "EnableApp",
    "DisableApp",
];

const COMMON: [&str; 10] =
    ["main", "run", "start", "open", "call", "calls", "new", "send", "outcome", "client"];

/// The names of the operations, and of the functions of one example that call them.
#[derive(Clone, Debug)]
pub struct Operations {
    names: BTreeSet<String>,
}

impl Operations {
    /// The operations themselves.
    pub fn of_the_service() -> Self {
        Self { names: METHODS.iter().copied().map(str::to_owned).collect() }
    }

    /// These, and every function that calls one of them: its caller can ignore an outcome as well.
    pub fn and_their_callers(mut self, units: &[Unit]) -> Self {
        let all = &mut self;
        loop {
            let callers: Vec<String> = units
                .iter()
                .filter(|unit| unit.returns && !all.has(&unit.name) && all.called_in(&unit.code))
                .map(|unit| unit.name.clone())
                .collect();
            if callers.is_empty() {
                return self;
            }
            all.names.extend(callers);
        }
    }

    /// These, and the functions of the other files of a program that call one of them. Some names are of too
    /// many functions to tell anything.
    pub fn and_those_of(mut self, file: &[Unit]) -> Self {
        let known = self.clone().and_their_callers(file);
        self.names.extend(known.names.into_iter().filter(|name| !COMMON.contains(&&**name)));
        self
    }

    pub fn has(&self, name: &str) -> bool {
        self.names.contains(name)
    }

    /// Whether the code calls one of them, makes a `.call(…)` of any operation, or goes step by step.
    pub fn called_in(&self, tokens: &TokenStream) -> bool {
        self.named_in(tokens)
            || any(tokens, &|before, name, called| {
                (name == "call" && before == Some('.') && called) || name == "Exchange"
            })
    }

    /// Whether the code names one of them after a `.` or `::`, or calls it.
    pub fn named_in(&self, tokens: &TokenStream) -> bool {
        any(tokens, &|before, name, called| {
            self.has(name) && (matches!(before, Some('.' | ':')) || called)
        })
    }

    /// Those that get another name, by `use` or as a pointer.
    pub fn renamed_in(&self, tokens: &TokenStream) -> Vec<String> {
        let tokens: Vec<TokenTree> = tokens.clone().into_iter().collect();
        let mut renamed = Vec::new();
        for token in &tokens {
            if let TokenTree::Group(group) = token {
                renamed.extend(self.renamed_in(&group.stream()));
            }
        }
        for pair in tokens.windows(2) {
            if let [TokenTree::Ident(name), TokenTree::Ident(keyword)] = pair {
                if keyword == "as" && self.has(&plain(name)) {
                    renamed.push(plain(name));
                }
            }
        }
        renamed
    }
}

/// Whether this holds for any name in the code that it does not declare: the mark before it, the name, and
/// whether parentheses or braces follow.
fn any(tokens: &TokenStream, holds: &impl Fn(Option<char>, &str, bool) -> bool) -> bool {
    let tokens: Vec<TokenTree> = tokens.clone().into_iter().collect();
    tokens.iter().enumerate().any(|(at, token)| match token {
        TokenTree::Group(group) => any(&group.stream(), holds),
        TokenTree::Ident(name) => {
            let before = at.checked_sub(1).and_then(|at| tokens.get(at));
            let mark = match before {
                Some(TokenTree::Punct(mark)) => Some(mark.as_char()),
                _ => None,
            };
            let called = matches!(tokens.get(at + 1), Some(TokenTree::Group(_)));
            let declared = matches!(before, Some(TokenTree::Ident(keyword)) if keyword == "fn");
            !declared && holds(mark, &plain(name), called)
        }
        _ => false,
    })
}

/// Whether it is an example of the service at all: it calls an operation, or names its type.
pub fn concerns(tokens: &TokenStream) -> bool {
    Operations::of_the_service().named_in(tokens) || mentions(tokens, &TYPES)
}

fn mentions(tokens: &TokenStream, names: &[&str]) -> bool {
    tokens.clone().into_iter().any(|token| match token {
        TokenTree::Group(group) => mentions(&group.stream(), names),
        TokenTree::Ident(name) => names.contains(&plain(&name).as_str()),
        _ => false,
    })
}

/// Whether text that is not Rust has the call of an operation.
pub fn written_in(text: &str) -> bool {
    METHODS.iter().any(|method| text.contains(&format!("{method}(")))
}

/// `r#name` is `name`.
pub fn plain(name: &proc_macro2::Ident) -> String {
    let name = name.to_string();
    name.strip_prefix("r#").map_or_else(|| name.clone(), str::to_owned)
}
