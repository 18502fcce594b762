//! Where clients find the certificate of the CA.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use otp_test_certificates::Provider;

/// The file that has to go when the program ends, however it ends.
static OWN: Mutex<Own> = Mutex::new(Own::NotYet);

enum Own {
    NotYet,
    Written(PathBuf),
    /// The program is ending: there shall be none any more.
    Gone,
}

/// The file with the certificate. One that nobody named has a name that nobody can guess, and goes when
/// this is dropped.
pub(crate) struct CaFile {
    path: PathBuf,
    is_own: bool,
}

impl CaFile {
    /// # Errors
    ///
    /// A sentence, if the file cannot be written.
    pub(crate) fn write(named: Option<&Path>, pem: &str) -> Result<Self, String> {
        let (path, written) = match named {
            Some(path) => (path.to_owned(), fs::write(path, pem)),
            None => {
                let path = own_path()?;
                let written = create(&path, pem);
                (path, written)
            }
        };
        written.map_err(|error| format!("cannot write {}: {error}", path.display()))?;
        Ok(Self { path, is_own: named.is_none() })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for CaFile {
    fn drop(&mut self) {
        if self.is_own {
            remove_for_good();
        }
    }
}

/// Removes the file that nobody named, and lets none be written from now on. It may be called from any thread.
pub(crate) fn remove_for_good() {
    if let Own::Written(path) = std::mem::replace(&mut *own(), Own::Gone) {
        // Somebody may have cleared the folder already.
        let _ = fs::remove_file(path);
    }
}

fn own() -> MutexGuard<'static, Own> {
    OWN.lock().unwrap_or_else(PoisonError::into_inner)
}

fn own_path() -> Result<PathBuf, String> {
    let mut random = [0; 16];
    let provider = Provider::of_this_program().map_err(|error| error.to_string())?.crypto();
    provider.secure_random.fill(&mut random).map_err(|_| "there is no randomness".to_owned())?;
    let name = format!("otp-emulator-{:032x}.pem", u128::from_ne_bytes(random));
    Ok(std::env::temp_dir().join(name))
}

/// Writes a file that was not there; it follows no link.
fn create(path: &Path, pem: &str) -> io::Result<()> {
    let mut own = own();
    if matches!(*own, Own::Gone) {
        return Err(io::Error::other("the program is ending"));
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    *own = Own::Written(path.to_owned());
    file.write_all(pem.as_bytes())
}

/// The note to print if the file of the temporary folder cannot be written, as in a container with a read-only root. The
/// admin port serves the certificate too, so the emulator starts all the same.
///
/// # Errors
///
/// A sentence, if the file was chosen by `--ca-file`, or if there is no admin port.
pub(crate) fn instead(
    why: String,
    is_named: bool,
    admin_url: Option<String>,
) -> Result<String, String> {
    match admin_url {
        _ if is_named => Err(why),
        Some(url) => {
            Ok(format!("note: there is no CA file ({why}): take the certificate from {url}/ca.pem"))
        }
        None => Err(format!(
            "{why}; name a file by --ca-file or another folder by TMPDIR, or open the admin port, which gives the \
             certificate at /ca.pem"
        )),
    }
}
