//! The program as in its container image: static, unprivileged, process 1, on an empty read-only root.

#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod support;

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use otp_core::secrecy::ExposeSecret;
use otp_core::{AuthToken, BaseUrl, Otp, OtpsApi, RecoveryCodeList};
use otp_hyper::HttpVersions;
use support::{Program, ask, client};

/// Mounts the folder read-only, and runs the program in it as process 1, without any privilege.
const AS_A_CONTAINER: &str = r#"
mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" || exit 99
root=$1
shift
exec setpriv --inh-caps=-all --bounding-set=-all,+sys_chroot,+setuid,+setgid --no-new-privs \
    chroot --userspec=65534:65534 --groups=65534 "$root" "$@"
"#;

/// Builds the static program as for the image, but unoptimised.
fn static_program() -> PathBuf {
    let host = Command::new(option_env!("RUSTC").unwrap_or("rustc")).arg("-vV").output().unwrap();
    let host = String::from_utf8(host.stdout).unwrap();
    let host = host.lines().find_map(|line| line.strip_prefix("host: ")).unwrap().to_owned();
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("static");
    let built = Command::new(env!("CARGO"))
        .args(["build", "--quiet", "--locked", "-p", "otp-emulator", "--features", "ring"])
        .args(["--bin", "otp-emulator", "--target", &host, "--target-dir"])
        .arg(&target)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("RUSTFLAGS", "-C target-feature=+crt-static")
        .env("CARGO_PROFILE_DEV_DEBUG", "0")
        .env("CARGO_PROFILE_DEV_STRIP", "symbols")
        .status()
        .unwrap();
    assert!(built.success());
    target.join(host).join("debug/otp-emulator")
}

/// A folder that contains the program and nothing else.
struct Root(PathBuf);

impl Root {
    fn with(program: &Path) -> Self {
        let root = std::env::temp_dir().join(format!("otp-emulator-root-{}", std::process::id()));
        fs::create_dir(&root).unwrap();
        // So that only the read-only file system prevents writing.
        fs::set_permissions(&root, fs::Permissions::from_mode(0o777)).unwrap();
        fs::copy(program, root.join("otp-emulator")).unwrap();
        Self(root)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("unshare");
        command
            .args(["--mount", "--pid", "--fork", "--kill-child", "sh", "-c", AS_A_CONTAINER, "sh"])
            .arg(&self.0)
            .arg("/otp-emulator")
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("TMPDIR", "/");
        command
    }

    fn files(&self) -> Vec<String> {
        let files = fs::read_dir(&self.0).unwrap();
        files.map(|file| file.unwrap().file_name().into_string().unwrap()).collect()
    }
}

impl Drop for Root {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A line of the status of this process.
fn status(process: u32, name: &str) -> String {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The program, which is the child of `unshare`.
fn child_of(process: u32) -> u32 {
    let children = fs::read_to_string(format!("/proc/{process}/task/{process}/children")).unwrap();
    children.trim().parse().unwrap()
}

#[test]
#[ignore = "needs root: .ci/run runs it"]
fn it_serves_as_process_1_without_privileges_from_an_empty_read_only_root() {
    let root = Root::with(&static_program());
    let mut command = root.command(&[]);
    command
        .env("OTP_EMULATOR_LISTEN", "127.0.0.1:0")
        .env("OTP_EMULATOR_ADMIN", "127.0.0.1:0")
        .env("OTP_EMULATOR_TOKEN", "a-token-for-tests");
    let mut program = Program::run(&mut command);
    let url = program.said("listening at");
    let admin: SocketAddr =
        program.said("status page").strip_prefix("http://").unwrap().parse().unwrap();

    let process = child_of(program.child.id());
    assert_eq!(status(process, "Uid:"), "65534 65534 65534 65534");
    assert_eq!(status(process, "Gid:"), "65534 65534 65534 65534");
    assert_eq!(status(process, "CapEff:"), "0000000000000000");
    assert!(status(process, "NSpid:").ends_with(" 1"), "{}", status(process, "NSpid:"));
    let note = program.complained("note: there is no CA file");
    assert!(note.contains("Read-only file system"), "{note}");
    assert!(note.contains(&format!("http://{admin}/ca.pem")), "{note}");

    let healthy = root.command(&["healthcheck", &admin.to_string()]).status().unwrap();
    assert!(healthy.success());

    let ca_pem = ask(admin, "GET", "/ca.pem", "", "").body;
    let token = AuthToken::new("a-token-for-tests").unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        for versions in [HttpVersions::Http1, HttpVersions::Http2] {
            let base_url = BaseUrl::new(&url).unwrap();
            let service = client(base_url, token.clone(), &ca_pem, versions);
            service.receive_codes().await.unwrap();
            let sms = ask(admin, "GET", "/sms/next?wait=5", "", "").json();
            service
                .find_ensure_otp(&Otp::new(sms["otp"].as_str().unwrap()).unwrap())
                .await
                .unwrap();
            let codes = |list: RecoveryCodeList| -> Vec<String> {
                list.codes().iter().map(|code| code.expose_secret().to_owned()).collect()
            };
            let old = codes(service.find_recovery_codes().await.unwrap());
            assert_ne!(codes(service.regenerate_codes().await.unwrap()), old);
        }
    });

    assert!(
        Command::new("kill").args(["-s", "TERM", &process.to_string()]).status().unwrap().success()
    );
    assert!(program.ended_within(Duration::from_secs(10)).success());
    assert_eq!(root.files(), ["otp-emulator"]);
}
