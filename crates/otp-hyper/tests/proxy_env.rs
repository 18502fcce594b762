//! `proxy_from_env` takes the way that curl takes in the same environment, or refuses.
//!
//! The table holds the decisions. One test compares them with this crate, another one with the curl that is installed.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::io::{self, Read};
use std::net::{Ipv4Addr, TcpListener};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use otp_core::{
    AuthToken, BaseUrl, Effect, Error, ErrorKind, OtpsApi, OtpsClient, RetryPolicy, async_trait,
};
use otp_hyper::{Connector, HyperTransport, Roots, Stream, Target};

/// Where the connection goes.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Way {
    Direct,
    /// To this proxy.
    Proxy(String),
    /// Nowhere: it is an error.
    Refused,
}

/// What curl does.
#[derive(Clone, Debug)]
enum Curl {
    Same,
    /// This, for a reason that the docs of `proxy_from_env` give.
    Differs(Way),
    /// It depends on curl's version.
    Varies,
}

struct Row {
    environment: Vec<(&'static str, &'static str)>,
    url: &'static str,
    way: Way,
    curl: Curl,
}

const S: &str = "https://service.example.com";
const HTTP: &str = "http://service.example.com";
const V4: &str = "https://127.1.2.3";
const V6: &str = "https://[::1]";

const A: &str = "http://a.test:3128";
const B: &str = "http://b.test:3129";

fn rows() -> Vec<Row> {
    let a = || Way::Proxy("a.test:3128".to_owned());
    let b = || Way::Proxy("b.test:3129".to_owned());
    let at = |place: &str| Way::Proxy(place.to_owned());
    let (direct, refused) = (|| Way::Direct, || Way::Refused);
    let row = |environment: &[(&'static str, &'static str)], url, way| Row {
        environment: environment.to_vec(),
        url,
        way,
        curl: Curl::Same,
    };
    let differs = |row: Row, way| Row { curl: Curl::Differs(way), ..row };
    let varies = |row: Row| Row { curl: Curl::Varies, ..row };
    let no = |no: &'static str, url, way| row(&[("https_proxy", A), ("no_proxy", no)], url, way);
    let value = |value: &'static str, way| row(&[("https_proxy", value)], S, way);
    vec![
        // Which variable.
        row(&[], S, direct()),
        row(&[], HTTP, direct()),
        row(&[("https_proxy", A)], S, a()),
        row(&[("HTTPS_PROXY", A)], S, a()),
        row(&[("https_proxy", A)], HTTP, direct()),
        row(&[("http_proxy", A)], HTTP, a()),
        row(&[("http_proxy", A)], S, direct()),
        row(&[("HTTP_PROXY", A)], HTTP, direct()),
        row(&[("HTTP_PROXY", A)], S, direct()),
        row(&[("all_proxy", A)], S, a()),
        row(&[("all_proxy", A)], HTTP, a()),
        row(&[("ALL_PROXY", A)], S, a()),
        row(&[("ALL_PROXY", A)], HTTP, a()),
        row(&[("https_proxy", A), ("http_proxy", B)], S, a()),
        row(&[("https_proxy", A), ("http_proxy", B)], HTTP, b()),
        row(&[("https_proxy", A), ("all_proxy", B)], S, a()),
        row(&[("https_proxy", A), ("all_proxy", B)], HTTP, b()),
        row(&[("Https_Proxy", A)], S, direct()),
        // Both cases at once.
        row(&[("https_proxy", A), ("HTTPS_PROXY", B)], S, a()),
        row(&[("HTTPS_PROXY", B), ("https_proxy", A)], S, a()),
        row(&[("all_proxy", A), ("ALL_PROXY", B)], S, a()),
        row(&[("http_proxy", A), ("HTTP_PROXY", B)], HTTP, a()),
        row(&[("HTTP_PROXY", B), ("ALL_PROXY", A)], HTTP, a()),
        row(&[("HTTPS_PROXY", A), ("all_proxy", B)], S, a()),
        row(&[("https_proxy", A), ("no_proxy", "other.test"), ("NO_PROXY", "*")], S, a()),
        row(&[("https_proxy", A), ("no_proxy", "*"), ("NO_PROXY", "other.test")], S, direct()),
        row(&[("https_proxy", A), ("NO_PROXY", "service.example.com")], S, direct()),
        // Empty ones are not set.
        row(&[("https_proxy", "")], S, direct()),
        row(&[("https_proxy", ""), ("HTTPS_PROXY", A)], S, a()),
        row(&[("HTTPS_PROXY", ""), ("https_proxy", A)], S, a()),
        row(&[("https_proxy", ""), ("HTTPS_PROXY", ""), ("all_proxy", A)], S, a()),
        row(&[("https_proxy", ""), ("all_proxy", ""), ("ALL_PROXY", A)], S, a()),
        row(&[("http_proxy", ""), ("all_proxy", A)], HTTP, a()),
        row(&[("https_proxy", A), ("no_proxy", ""), ("NO_PROXY", "*")], S, direct()),
        row(&[("https_proxy", A), ("no_proxy", "")], S, a()),
        // A program behind a web server.
        row(&[("REQUEST_METHOD", "GET"), ("https_proxy", A)], S, a()),
        row(&[("REQUEST_METHOD", "GET"), ("HTTPS_PROXY", A)], S, a()),
        row(&[("REQUEST_METHOD", "GET"), ("http_proxy", A)], HTTP, a()),
        row(&[("REQUEST_METHOD", "GET"), ("ALL_PROXY", A), ("HTTP_PROXY", B)], HTTP, a()),
        // What a value may look like.
        value("a.test:3128", a()),
        value("http://a.test:3128/", a()),
        value("http://a.test:3128/path?query#fragment", a()),
        value("HTTP://a.test:3128", a()),
        value("http://user:pass@a.test:3128", a()),
        value("user:p%40ss@a.test:3128/", a()),
        value("http://user@a.test:3128", a()),
        value("http://127.0.0.1:3128", at("127.0.0.1:3128")),
        value("http://[::1]:3128", at("::1:3128")),
        value("[::1]:3128", at("::1:3128")),
        value("a.test", at("a.test:1080")),
        value("http://a.test", at("a.test:1080")),
        value("http://a.test/", at("a.test:1080")),
        value("https://a.test", at("a.test:443")),
        value("https://a.test:3128", a()),
        value(" ", refused()),
        value("\t", refused()),
        value(" http://a.test:3128", refused()),
        value("http://a.test:3128 ", refused()),
        value("http://a.test:3128\n", refused()),
        value("http://a.test: 3128", refused()),
        value("http://", refused()),
        value("http://:3128", refused()),
        value("http://a.test:99999", refused()),
        value("http://a.test:x", refused()),
        value("a.test:", refused()),
        value("ftp://a.test:3128", refused()),
        value("nonsense://a.test:3128", refused()),
        value("\"http://a.test:3128\"", refused()),
        // SOCKS is not spoken here.
        differs(value("socks5://a.test:3128", refused()), a()),
        differs(value("socks5h://a.test:3128", refused()), a()),
        differs(value("socks4://a.test:3128", refused()), a()),
        // What curl makes a URL of.
        differs(value("http:/a.test:3128", refused()), a()),
        differs(value("http:///a.test:3128", refused()), a()),
        differs(value("http://a.test:", refused()), at("a.test:1080")),
        // curl guesses the scheme by such a name.
        differs(value("ftp.a.test:3128", at("ftp.a.test:3128")), refused()),
        // A value that is not read may be anything.
        row(&[("https_proxy", A), ("HTTPS_PROXY", "nonsense://")], S, a()),
        row(&[("https_proxy", A), ("all_proxy", "socks5://b.test:1")], S, a()),
        row(&[("https_proxy", A), ("http_proxy", "nonsense://")], S, a()),
        row(&[("https_proxy", A), ("http_proxy", "nonsense://")], HTTP, refused()),
        row(&[("HTTPS_PROXY", A), ("ALL_PROXY", "nonsense://x")], S, a()),
        row(&[("HTTPS_PROXY", A), ("ALL_PROXY", "nonsense://x")], HTTP, refused()),
        row(&[("http_proxy", "nonsense://x"), ("no_proxy", "*")], HTTP, direct()),
        // It is refused when the transport is built, which knows no host.
        differs(row(&[("https_proxy", "nonsense://x"), ("no_proxy", "*")], S, refused()), direct()),
        // Hosts without a proxy.
        no("*", S, direct()),
        no("*", V4, direct()),
        no(" *", S, a()),
        no("*,other.test", S, a()),
        no("service.example.com", S, direct()),
        no("SERVICE.Example.COM", S, direct()),
        no("example.com", S, direct()),
        no(".example.com", S, direct()),
        no(".com", S, direct()),
        no("service.example.com.", S, direct()),
        no(".example.com.", S, direct()),
        no("service.example.com", "https://service.example.com.", direct()),
        no("example.com", "https://EXAMPLE.com", direct()),
        no(".example.com", "https://example.com", direct()),
        no("example.com", "https://nonexample.com", a()),
        no("www.example.com", "https://example.com", a()),
        no("*.example.com", S, a()),
        no("service.example.com:443", S, a()),
        no("service.example.com:8443", "https://service.example.com:8443", a()),
        no("https://service.example.com", S, a()),
        no("service.example.com", "https://service.example.com:8443", direct()),
        no("other.test,service.example.com", S, direct()),
        no("other.test, service.example.com", S, direct()),
        no(" service.example.com , other.test", S, direct()),
        no("service.example.com,", S, direct()),
        no("other.test", S, a()),
        no(",", S, a()),
        no(".", S, a()),
        varies(no("other.test service.example.com", S, direct())),
        varies(no("other.test another.test\tservice.example.com", S, direct())),
        varies(no("one.test two.test, service.example.com", S, direct())),
        varies(no(",,service.example.com", S, direct())),
        no("127.0.0.0/8", V4, direct()),
        no("127.1.2.0/23", V4, direct()),
        no("127.1.0.0/24", V4, a()),
        no("10.0.0.0/8,127.0.0.0/8", V4, direct()),
        no("10.0.0.0/8", V4, a()),
        no("127.0.0.0/33", V4, a()),
        varies(no("0.0.0.0/0", V4, a())),
        no("127.1.2.3", V4, direct()),
        no("127.1.2.3/32", V4, direct()),
        no("2.3", V4, a()),
        no("127.1.2", V4, a()),
        no("127.0.0.0/8", "https://127.1.2.3.test", a()),
        no("::1", V6, direct()),
        no("[::1]", V6, a()),
        no("::2", V6, a()),
        // curl compares these as text, unless it is new.
        varies(no("0:0:0:0:0:0:0:1", V6, direct())),
        varies(no("::/16", V6, direct())),
        no("fd00::/8", V6, a()),
        // `http` on loopback is this machine, whatever stands there.
        differs(row(&[("http_proxy", A)], "http://127.0.0.1", direct()), a()),
        differs(row(&[("all_proxy", A)], "http://localhost", direct()), a()),
        row(&[("https_proxy", A)], "https://localhost", a()),
    ]
}

#[test]
fn the_table_is_what_is_decided_here() {
    let mut wrong = Vec::new();
    let rows = rows();
    assert!(rows.len() > 100, "{}", rows.len());
    for row in &rows {
        // Each in a process of its own, since the environment is one for all threads.
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["--ignored", "--exact", "child", "--nocapture"]).env_clear();
        // Windows needs it to start anything.
        child.envs(std::env::var_os("SystemRoot").map(|root| ("SystemRoot", root)));
        child.envs(row.environment.iter().copied()).env(URL, row.url);
        let output = child.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{:?}: {said}", row.environment);
        let way = match said.split_once("way: ").unwrap().1.lines().next().unwrap() {
            "direct" => Way::Direct,
            "refused" => Way::Refused,
            proxy => Way::Proxy(proxy.to_owned()),
        };
        if way != row.way {
            wrong.push(format!("{:?} {}: {way:?}, not {:?}", row.environment, row.url, row.way));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The URL that the child process calls.
const URL: &str = "OTP_TEST_URL";

/// The error says which variable is wrong.
fn is_named(error: &Error) -> bool {
    error.to_string().to_lowercase().contains("_proxy is not the url of an http proxy")
}

/// Remembers where connections would go, and makes none.
#[derive(Clone, Default)]
struct Recording(Arc<Mutex<Vec<Target>>>);

#[async_trait]
impl Connector for Recording {
    async fn connect(&self, target: &Target) -> io::Result<Box<dyn Stream>> {
        self.0.lock().unwrap().push(target.clone());
        Err(io::ErrorKind::ConnectionRefused.into())
    }
}

#[tokio::test]
#[ignore = "run by the test above, with its environment"]
async fn child() {
    let Ok(url) = std::env::var(URL) else { return };
    let connector = Recording::default();
    let transport = HyperTransport::builder()
        .roots(Roots::pem(include_str!("data/ca.pem")).unwrap())
        .connector(connector.clone())
        .proxy_from_env()
        .build();
    let transport = match transport {
        Ok(transport) => transport,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            assert!(is_named(&error), "{error}");
            println!("\nway: refused");
            return;
        }
    };
    let url = BaseUrl::dangerously_in_the_clear(url).unwrap();
    let host = url.authority().host().trim_matches(['[', ']']).to_owned();
    let client = OtpsClient::builder(transport, AuthToken::new("a-t0ken").unwrap())
        .base_url(url)
        .retry(RetryPolicy::never())
        .build()
        .unwrap();
    let error = client.receive_codes().await.unwrap_err();
    assert_eq!((error.kind(), error.effect()), (ErrorKind::Connect, Effect::NotApplied));
    let asked = connector.0.lock().unwrap();
    match &asked[..] {
        [] => {
            assert!(is_named(&error), "{error}");
            println!("\nway: refused");
        }
        [target] if target.host == host => println!("\nway: direct"),
        [target] => println!("\nway: {}:{}", target.host, target.port),
        more => panic!("{more:?}"),
    }
}

/// Counts the connections to a port, and answers none.
struct Counting {
    port: u16,
    connections: Arc<Mutex<usize>>,
}

impl Counting {
    fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let connections = Arc::new(Mutex::new(0));
        let counted = Arc::clone(&connections);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                *counted.lock().unwrap() += 1;
                // Until it has said what it wants, so that it is closed and not reset.
                let _ = stream.set_read_timeout(Some(Duration::from_secs(5)));
                let _ = stream.read(&mut [0; 4096]);
            }
        });
        Self { port, connections }
    }

    fn take(&self) -> usize {
        std::mem::take(&mut *self.connections.lock().unwrap())
    }
}

/// The way that curl takes.
fn curl(row: &Row, [direct, a, b]: [&Counting; 3]) -> Way {
    let mut curl = Command::new("curl");
    // No file of settings, and no name is looked up.
    curl.args(["--disable", "--silent", "--verbose", "--max-time", "20", "--output", "/dev/null"]);
    for (host, port) in [("a.test", a.port), ("b.test", b.port)] {
        for port in [port, 80, 443, 1080] {
            curl.args(["--resolve", &format!("{host}:{port}:127.0.0.1")]);
        }
    }
    curl.args(["--connect-to", &format!("::127.0.0.1:{}", direct.port), row.url]);
    curl.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    for (name, value) in &row.environment {
        let value = value.replace("3128", &a.port.to_string()).replace("3129", &b.port.to_string());
        curl.env(name, value);
    }
    let output = curl.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    let tried = said.lines().filter_map(|line| {
        let (_, place) = line.split_once("Trying ")?;
        place.trim_end_matches("...").rsplit_once(':')?.1.parse::<u16>().ok()
    });
    let tried = Vec::from_iter(tried);
    let counted = [direct.take(), a.take(), b.take()];
    // The host of the proxy is only to be read; the port that was connected to is counted.
    let mut variables = said.lines().filter_map(|line| {
        let (name, value) = line.split_once("Uses proxy env variable ")?.1.split_once(" == ")?;
        (!name.eq_ignore_ascii_case("no_proxy")).then_some(value)
    });
    let variable = variables.next_back().unwrap_or_default();
    let proxy = |port: u16| {
        let hosts = ["a.test", "b.test", "[::1]", "127.0.0.1"];
        let host = hosts.into_iter().find(|host| variable.contains(host));
        Way::Proxy(format!("{}:{port}", host.unwrap_or_default().trim_matches(['[', ']'])))
    };
    match (counted, &tried[..]) {
        ([1, 0, 0], _) => Way::Direct,
        ([0, 1, 0], _) => proxy(3128),
        ([0, 0, 1], _) => proxy(3129),
        ([0, 0, 0], []) => Way::Refused,
        // Nothing of this test listens there.
        ([0, 0, 0], [port, ..]) if *port == a.port => proxy(3128),
        ([0, 0, 0], [port, ..]) => proxy(*port),
        other => panic!("{:?} {}: {other:?}\n{said}", row.environment, row.url),
    }
}

#[test]
#[ignore = "needs curl"]
fn the_table_is_what_curl_decides() {
    let version = Command::new("curl").arg("--version").output().unwrap();
    println!("{}", String::from_utf8_lossy(&version.stdout).lines().next().unwrap());
    let counting = [Counting::start(), Counting::start(), Counting::start()];
    let mut wrong = Vec::new();
    for row in rows() {
        let way = curl(&row, counting.each_ref());
        let expected = match &row.curl {
            Curl::Same => &row.way,
            Curl::Differs(way) => {
                assert_ne!(*way, row.way, "{:?}", row.environment);
                way
            }
            Curl::Varies => {
                println!("{:?} {}: {way:?}", row.environment, row.url);
                continue;
            }
        };
        if way != *expected {
            wrong
                .push(format!("{:?} {}: curl {way:?}, not {expected:?}", row.environment, row.url));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
