//! Starts the running test again in a process of its own: with other environment variables, and with its
//! output in a file.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use crate::mismatch::{Check, Mismatch};
use crate::names;

/// Names the folder of the child. Only a process that was started here has it.
const FOLDER: &str = "OTP_CONFORMANCE_CHILD";

/// How long a child may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A run of a kit, in a test that can be started again.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Place {
    /// The test, as its harness knows it.
    pub(crate) test: String,
    /// The wire and the flavour.
    pub(crate) run: String,
    /// How many runs of this kind the test had before.
    before: usize,
}

impl Place {
    /// The next run of this kind in this test.
    pub(crate) fn next(test: &str, run: String) -> Self {
        static RUNS: Mutex<BTreeMap<(String, String), usize>> = Mutex::new(BTreeMap::new());
        let mut runs = RUNS.lock().unwrap_or_else(PoisonError::into_inner);
        let count = runs.entry((test.to_owned(), run.clone())).or_default();
        *count += 1;
        Self { test: test.to_owned(), run, before: *count - 1 }
    }
}

/// What a child is to do.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Job {
    place: Place,
    /// The case.
    pub(crate) case: String,
}

/// The job of this process, if it is a child.
pub(crate) fn job() -> Option<&'static Job> {
    static JOB: LazyLock<Option<Job>> = LazyLock::new(|| {
        let job = fs::read(folder()?.join("job")).ok()?;
        serde_json::from_slice(&job).ok()
    });
    JOB.as_ref()
}

/// The folder of this process, if it is a child.
pub(crate) fn folder() -> Option<PathBuf> {
    std::env::var_os(FOLDER).map(PathBuf::from)
}

impl Job {
    pub(crate) fn is_for(&self, place: &Place) -> bool {
        self.place == *place
    }
}

/// What a child has found.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Outcome {
    /// What was expected and seen, if something was wrong.
    pub(crate) wrong: Option<(String, String)>,
    /// What the parent must not find in its output.
    pub(crate) secrets: Vec<String>,
}

impl Outcome {
    /// Leaves it to the parent, and ends this process.
    pub(crate) fn leave(&self) -> ! {
        let written = folder().map(|folder| {
            let json = serde_json::to_vec(self).map_err(io::Error::other)?;
            // Whole or not at all.
            fs::write(folder.join("outcome.new"), json)?;
            fs::rename(folder.join("outcome.new"), folder.join("outcome"))
        });
        std::process::exit(if matches!(written, Some(Ok(()))) { 0 } else { 1 })
    }

    pub(crate) fn check(&self) -> Check {
        let wrong = self.wrong.clone();
        wrong.map_or(Ok(()), |(expected, seen)| Err(Mismatch::new(expected, seen)))
    }
}

/// What became of a child.
pub(crate) struct Ended {
    pub(crate) outcome: Outcome,
    /// Its standard output and standard error.
    pub(crate) output: String,
}

/// A folder that goes when it is dropped.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> io::Result<Self> {
        static NUMBER: Mutex<u32> = Mutex::new(0);
        let mut number = NUMBER.lock().unwrap_or_else(PoisonError::into_inner);
        *number += 1;
        let name = format!("otp-conformance-child-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        // What a process of the same id has left behind.
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder)?;
        Ok(Self(folder))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Starts the test of this place again, for one case.
pub(crate) async fn start(
    place: Place,
    case: &str,
    folder: &Folder,
    variables: Vec<(String, OsString)>,
    with_names: bool,
) -> Result<Ended, Mismatch> {
    let job = Job { place, case: case.to_owned() };
    let (done, over) = oneshot::channel();
    let path = folder.path().to_owned();
    let test = job.place.test.clone();
    std::thread::spawn(move || {
        let _ = done.send(run(&job, &path, variables, with_names));
    });
    let failed = |seen: String| {
        let expected =
            format!("the test `{test}`, started again with `{test} --exact`, to reach this kit");
        Err(Mismatch::new(expected, seen))
    };
    match over.await {
        Ok(Ok((Some(outcome), _, output))) => Ok(Ended { outcome, output }),
        Ok(Ok((None, status, output))) => {
            let chars = output.chars().count();
            let last: String = output.chars().skip(chars.saturating_sub(300)).collect();
            let ended = status.map_or("it did not end".to_owned(), |status| status.to_string());
            failed(format!("{ended}; its last words: {}", last.trim()))
        }
        Ok(Err(error)) => failed(format!("it cannot be started: {error}")),
        Err(_) => failed("the thread that watches it has gone".to_owned()),
    }
}

type Seen = (Option<Outcome>, Option<ExitStatus>, String);

fn run(
    job: &Job,
    folder: &Path,
    variables: Vec<(String, OsString)>,
    with_names: bool,
) -> io::Result<Seen> {
    fs::write(folder.join("job"), serde_json::to_vec(job).map_err(io::Error::other)?)?;
    let output = folder.join("output");
    let file = File::create(&output)?;
    let program = std::env::current_exe()?;
    let mut command = match with_names {
        true => names::command(&program, folder)?,
        false => Command::new(program),
    };
    let mut child = command
        // Programs without libtest ignore them, and reach the kit all the same.
        .args([&job.place.test, "--exact", "--nocapture", "--include-ignored"])
        .env(FOLDER, folder)
        .envs(variables)
        .stdin(Stdio::null())
        .stdout(file.try_clone()?)
        .stderr(file)
        .spawn()?;
    let status = ended(&mut child)?;
    let outcome = fs::read(folder.join("outcome")).ok();
    let outcome = outcome.and_then(|outcome| serde_json::from_slice(&outcome).ok());
    Ok((outcome, status, String::from_utf8_lossy(&fs::read(&output)?).into_owned()))
}

/// Waits for its end; none if it has to be ended.
fn ended(child: &mut Child) -> io::Result<Option<ExitStatus>> {
    let started = Instant::now();
    while started.elapsed() < PATIENCE {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    child.kill()?;
    child.wait()?;
    Ok(None)
}

/// The path of a test within its crate, from the name of a function in it.
#[doc(hidden)]
pub fn test_of<T>(_: T) -> &'static str {
    let name = std::any::type_name::<T>();
    let name = name.split_once("::").map_or(name, |(_, within)| within);
    let name = name.strip_suffix("::here").unwrap_or(name);
    name.split("::{{closure}}").next().unwrap_or(name)
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_test_has_its_own_name() {
        assert_eq!(crate::this_test!(), "child::tests::a_test_has_its_own_name");
        let within = || crate::this_test!();
        assert_eq!(within(), "child::tests::a_test_has_its_own_name");
    }

    #[tokio::test]
    async fn an_async_test_has_its_own_name() {
        assert_eq!(crate::this_test!(), "child::tests::an_async_test_has_its_own_name");
    }
}
