//! The operating systems that keep their roots in files.

use std::path::Path;

use otp_core::Error;
use rustls::RootCertStore;
use rustls_native_certs::{ErrorKind, load_certs_from_paths};

use crate::error::invalid_input;

/// Where distributions keep all their roots in one file.
const FILES: [&str; 8] = [
    "/etc/ssl/certs/ca-certificates.crt", // Debian, Arch, Gentoo, NixOS
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", // Fedora, RHEL
    "/etc/pki/tls/certs/ca-bundle.crt",   // older ones of these
    "/etc/ssl/ca-bundle.pem",             // openSUSE
    "/etc/ssl/cert.pem",                  // Alpine, the BSDs
    "/etc/openssl/certs/ca-certificates.crt", // NetBSD
    "/usr/local/share/certs/ca-root-nss.crt", // FreeBSD's package
    "/usr/local/etc/ssl/cert.pem",        // and its older place
];

/// Where they keep each in a file of its own.
const FOLDERS: [&str; 2] = ["/etc/ssl/certs", "/etc/pki/tls/certs"];

/// The roots of this machine.
///
/// # Errors
///
/// There are none, or they cannot be read.
pub(super) fn roots() -> Result<RootCertStore, Error> {
    roots_in(&FILES, &FOLDERS)
}

/// The roots of the first place that holds one that can be read.
fn roots_in(
    files: &[impl AsRef<Path>],
    folders: &[impl AsRef<Path>],
) -> Result<RootCertStore, Error> {
    let files = files.iter().map(AsRef::as_ref).map(|file| (file, Some(file), None));
    let folders = folders.iter().map(AsRef::as_ref).map(|folder| (folder, None, Some(folder)));
    // What is wrong with the first place that is there and cannot be read.
    let mut unreadable = None;
    for (place, file, folder) in files.chain(folders) {
        match place.try_exists() {
            Ok(true) => {}
            Ok(false) => continue,
            Err(error) => {
                unreadable.get_or_insert_with(|| format!("{}: {error}", place.display()));
                continue;
            }
        }
        let found = load_certs_from_paths(file, folder);
        let mut roots = RootCertStore::empty();
        // What cannot be read of the system's certificates is not trusted, and no more than that.
        let (_, refused) = roots.add_parsable_certificates(found.certs);
        if !roots.is_empty() {
            return Ok(roots);
        }
        let why = match found.errors.first().map(|error| &error.kind) {
            Some(ErrorKind::Io { inner, path }) => format!("{}: {inner}", path.display()),
            // In words that quote nothing of the text.
            Some(_) => format!("{}: it is not valid PEM", place.display()),
            None if refused > 0 => {
                format!("{}: it holds no X.509 certificate", place.display())
            }
            // It is empty.
            None => continue,
        };
        unreadable.get_or_insert(why);
    }
    Err(invalid_input(match unreadable {
        None => "no root certificates are on this machine; install them (often the package \
                 'ca-certificates'), or give the builder its 'roots'"
            .to_owned(),
        Some(why) => format!(
            "the root certificates of this machine cannot be read: {why}; repair them (often by \
             installing the package 'ca-certificates' again), or give the builder its 'roots'"
        ),
    }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use std::fs;

    use otp_core::{Effect, ErrorKind};
    use otp_test_certificates::Authority;
    use tempfile::TempDir;

    use super::*;

    const NONE: &str = "no root certificates are on this machine; install them (often the package \
                        'ca-certificates'), or give the builder its 'roots'; nothing was sent";

    /// A machine with these files.
    struct Machine(TempDir);

    impl Machine {
        fn with(files: &[(&str, &str)]) -> Self {
            let root = TempDir::new().unwrap();
            for (file, text) in files {
                let file = root.path().join(file);
                fs::create_dir_all(file.parent().unwrap()).unwrap();
                fs::write(file, text).unwrap();
            }
            Self(root)
        }

        fn path(&self, of: &str) -> String {
            self.0.path().join(of).to_str().unwrap().to_owned()
        }

        /// What the user reads, with `/` for the machine's root.
        fn refusal(&self, files: &[&str], folders: &[&str]) -> String {
            let error = self.roots(files, folders).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert_eq!(error.effect(), Effect::NotApplied);
            error.to_string().replace(self.0.path().to_str().unwrap(), "")
        }

        fn roots(&self, files: &[&str], folders: &[&str]) -> Result<RootCertStore, Error> {
            let paths = |of: &[&str]| of.iter().map(|path| self.path(path)).collect::<Vec<_>>();
            let (files, folders) = (paths(files), paths(folders));
            roots_in(&files, &folders)
        }
    }

    fn unreadable(why: &str) -> String {
        format!(
            "the root certificates of this machine cannot be read: {why}; repair them (often by \
             installing the package 'ca-certificates' again), or give the builder its 'roots'; \
             nothing was sent"
        )
    }

    #[test]
    fn a_machine_without_roots_says_what_to_install() {
        let machine = Machine::with(&[]);
        assert_eq!(machine.refusal(&["ca.crt"], &["certs"]), NONE);
    }

    #[test]
    fn an_empty_store_counts_as_none() {
        let machine = Machine::with(&[("ca.crt", "")]);
        fs::create_dir(machine.path("certs")).unwrap();
        assert_eq!(machine.refusal(&["ca.crt"], &["certs"]), NONE);
    }

    #[test]
    fn an_unreadable_store_is_named_with_the_reason() {
        let broken = "-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n";
        let not_x509 = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let files = [("broken.crt", broken), ("other.crt", not_x509), ("certs/a.pem", broken)];
        let machine = Machine::with(&files);

        let said = machine.refusal(&["broken.crt"], &[]);
        assert_eq!(said, unreadable("/broken.crt: it is not valid PEM"));
        let said = machine.refusal(&["other.crt"], &[]);
        assert_eq!(said, unreadable("/other.crt: it holds no X.509 certificate"));
        let said = machine.refusal(&[], &["certs"]);
        assert_eq!(said, unreadable("/certs: it is not valid PEM"));
        // The system's own words for a folder in a file's place, and for a file in a folder's.
        for (files, folders) in [(&["certs"][..], &[][..]), (&[], &["broken.crt"])] {
            let said = machine.refusal(files, folders);
            let place = files.iter().chain(folders).next().unwrap();
            let begin = format!("the root certificates of this machine cannot be read: /{place}: ");
            assert!(said.starts_with(&begin) && said.contains("(os error "), "{said}");
        }
        // It cannot even be told whether it is there.
        let said = machine.refusal(&["broken.crt/ca.crt"], &[]);
        assert!(said.contains("cannot be read: /broken.crt/ca.crt: "), "{said}");
        // The first place that is there is the one to repair.
        let said = machine.refusal(&["absent.crt", "other.crt", "broken.crt"], &["certs"]);
        assert_eq!(said, unreadable("/other.crt: it holds no X.509 certificate"));
    }

    #[test]
    fn the_first_place_with_a_readable_root_is_taken() {
        let (one, two) = (Authority::new("one").unwrap(), Authority::new("two").unwrap());
        let machine = Machine::with(&[
            ("broken.crt", "-----BEGIN CERTIFICATE-----\n!!!\n"),
            ("one.crt", one.pem()),
            ("two.crt", two.pem()),
            ("certs/one.pem", one.pem()),
            ("certs/two.pem", two.pem()),
        ]);
        let roots = |files: &[&str], folders: &[&str]| machine.roots(files, folders).unwrap().roots;
        let of_one = roots(&["one.crt"], &[]);
        assert_eq!(of_one.len(), 1);
        assert_eq!(roots(&["absent.crt", "broken.crt", "one.crt", "two.crt"], &["certs"]), of_one);
        assert_ne!(roots(&["two.crt", "one.crt"], &[]), of_one);
        assert_eq!(roots(&["broken.crt"], &["absent", "certs"]).len(), 2);
    }
}
