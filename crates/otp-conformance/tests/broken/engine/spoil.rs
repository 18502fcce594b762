//! What can be made of a request, and of what was answered to it before.

use std::io::{self, Write};

use http::header::{ACCEPT_LANGUAGE, CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode};
use otp_core::Response;
use otp_core::bytes::Bytes;

use super::Inner;
use crate::wrapper::changed_target;

/// A path without its dots, as RFC 3986 §5.2.4 does it for references.
fn without_dots(path: &str, is_dots: impl Fn(&str) -> usize) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/').skip(1) {
        match is_dots(segment) {
            1 => {}
            2 => _ = kept.pop(),
            _ => kept.push(segment),
        }
    }
    format!("/{}", kept.join("/"))
}

impl Inner {
    /// What goes wrong with a request.
    pub fn spoil(&self, http: &mut Request<Bytes>) {
        let target = |path: &str, query: Option<&str>| match query {
            Some(query) => format!("{path}?{query}"),
            None => path.to_owned(),
        };
        let spoiled = changed_target(http.uri(), |whole| {
            let (path, query) = match whole.split_once('?') {
                Some((path, query)) => (path, Some(query)),
                None => (whole, None),
            };
            match self.flaw {
                "dots in a path are resolved" => {
                    let dots = |segment: &str| match segment {
                        "." => 1,
                        ".." => 2,
                        _ => 0,
                    };
                    target(&without_dots(path, dots), query)
                }
                "encoded dots in a path are resolved" => {
                    let dots = |segment: &str| match segment.to_lowercase().as_str() {
                        "%2e" => 1,
                        "%2e%2e" | ".%2e" => 2,
                        _ => 0,
                    };
                    target(&without_dots(path, dots), query)
                }
                "two slashes are one" => target(&path.replace("//", "/"), query),
                "a slash at the end is dropped" => target(path.trim_end_matches('/'), query),
                "what need not be encoded is decoded" => whole.replace("%41", "A"),
                "percent-encoding is made lower case" => whole.replace("%C3%AB", "%c3%ab"),
                "parameters of a path are dropped" => {
                    target(path.split(';').next().unwrap(), query)
                }
                "an encoded slash is a slash" => target(&path.replace("%2F", "/"), query),
                "a plus in a path is a space" => target(&path.replace('+', "%20"), query),
                "an empty part of a query is dropped" => {
                    target(path, query.map(|query| query.replace("&&", "&")).as_deref())
                }
                "a question mark in a query is encoded" => {
                    target(path, query.map(|query| query.replace('?', "%3F")).as_deref())
                }
                "brackets in a query are encoded" => {
                    let encoded = query.map(|query| query.replace('[', "%5B").replace(']', "%5D"));
                    target(path, encoded.as_deref())
                }
                "the parts of a query are sorted" => {
                    let sorted = query.map(|query| {
                        let mut parts: Vec<_> = query.split('&').collect();
                        parts.sort_unstable();
                        parts.join("&")
                    });
                    target(path, sorted.as_deref())
                }
                "a name without a value gets an empty one" => match query {
                    Some("b") => format!("{path}?b="),
                    _ => whole.to_owned(),
                },
                "a quote in a query is encoded" => {
                    target(path, query.map(|query| query.replace('\'', "%27")).as_deref())
                }
                "a quote in a path is encoded" => target(&path.replace('\'', "%27"), query),
                "a mark in a path is encoded twice" => target(&path.replace('|', "%257C"), query),
                "braces in a path are dropped" => target(&path.replace(['{', '}'], ""), query),
                "a path is 4 KiB at most" => target(&path[..path.len().min(4096)], query),
                "a query is 4 KiB at most" => {
                    target(path, query.map(|query| &query[..query.len().min(4096)]))
                }
                "a path has 1000 segments at most" => {
                    let segments: Vec<_> = path.split('/').take(1000).collect();
                    target(&segments.join("/"), query)
                }
                _ => whole.to_owned(),
            }
        });
        *http.uri_mut() = spoiled;
        let method = http.method().as_str();
        match self.flaw {
            "a method is in capitals" => {
                *http.method_mut() = method.to_uppercase().parse().unwrap();
            }
            "a method that is not known is a GET" => {
                let known = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];
                if !known.contains(&method) {
                    *http.method_mut() = Method::GET;
                }
            }
            _ => {}
        }
        let get = http.method() == Method::GET;
        let add = |http: &mut Request<Bytes>, name, value: &'static str| {
            http.headers_mut().insert(name, HeaderValue::from_static(value));
        };
        match self.flaw {
            "a GET has a content type" if get => add(http, CONTENT_TYPE, "application/json"),
            "a GET has a language" if get => add(http, ACCEPT_LANGUAGE, "en"),
            "a GET wants nothing from a cache" if get => add(http, CACHE_CONTROL, "no-cache"),
            "a DELETE has an origin" if http.method() == Method::DELETE => {
                add(http, HeaderName::from_static("origin"), "https://localhost");
            }
            "an entity tag is sent back" => {
                let kept = self.cache.lock().unwrap().get(http.uri().path()).cloned();
                if let Some(tag) = kept.and_then(|kept| kept.headers().get(ETAG).cloned()) {
                    http.headers_mut().entry(IF_NONE_MATCH).or_insert(tag);
                }
            }
            _ => {}
        }
    }

    /// Says on standard output or standard error what goes on.
    pub fn print(&self, http: &Request<Bytes>) {
        match self.flaw {
            "URLs are printed" => println!("{} {}", http.method(), http.uri()),
            "requests are printed to standard error" => {
                // As bytes, the way a C library does.
                let line = format!("> {:?}\n", http.headers()["x-auth-token"].as_bytes());
                let _ = io::stderr().write_all(line.as_bytes());
            }
            "a panic in a thread has the URL" => {
                let url = http.uri().to_string();
                let thread = std::thread::spawn(move || panic!("cannot watch {url}"));
                let _ = thread.join();
            }
            _ => {}
        }
    }

    /// The fields of a request, and what is made of them.
    pub fn fields(&self, headers: &HeaderMap) -> Vec<(HeaderName, HeaderValue)> {
        let all = headers.iter().map(|(name, value)| (name.clone(), value.clone()));
        let odd = |name: &HeaderName| {
            name.as_str().bytes().any(|byte| !byte.is_ascii_alphanumeric() && byte != b'-')
        };
        match self.flaw {
            "a value beyond ASCII is left out" => {
                all.filter(|(_, value)| value.as_bytes().is_ascii()).collect()
            }
            "a name of odd characters is left out" => all.filter(|(name, _)| !odd(name)).collect(),
            "a value of 4 KiB is left out" => {
                all.filter(|(_, value)| value.len() <= 4096).collect()
            }
            "50 headers are enough for a request" => all.take(50).collect(),
            _ => all.map(|(name, value)| (name, self.spoiled_value(&value))).collect(),
        }
    }

    fn spoiled_value(&self, value: &HeaderValue) -> HeaderValue {
        let bytes = value.as_bytes();
        let spoiled = match self.flaw {
            "a tab in a value is a space" => {
                bytes.iter().map(|byte| if *byte == b'\t' { b' ' } else { *byte }).collect()
            }
            "empty members of a list are left out" => {
                let members = bytes.split(|byte| *byte == b',').filter(|own| !own.is_empty());
                if bytes.contains(&b',') {
                    members.collect::<Vec<_>>().join(&b',')
                } else {
                    bytes.to_vec()
                }
            }
            "quotes in a value are closed" if bytes.starts_with(b"\"a") => [bytes, b"\""].concat(),
            "a value is decoded and encoded" => {
                let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
                text.into_bytes()
            }
            "a value is made UTF-8" => String::from_utf8_lossy(bytes).into_owned().into_bytes(),
            "a value is percent-decoded" => {
                String::from_utf8_lossy(bytes).replace("%20", " ").into_bytes()
            }
            _ => bytes.to_vec(),
        };
        HeaderValue::from_bytes(&spoiled).unwrap()
    }

    /// The body of a request, and what is made of it.
    pub fn spoiled_body(&self, http: &Request<Bytes>) -> Vec<u8> {
        let body = http.body();
        let no_body = body.is_empty();
        match self.flaw {
            "a GET has no body" if http.method() == Method::GET => Vec::new(),
            "OPTIONS has no body" if http.method() == Method::OPTIONS => Vec::new(),
            "a DELETE has no body" if http.method() == Method::DELETE => Vec::new(),
            "an empty PATCH is an empty object" if no_body && http.method() == Method::PATCH => {
                b"{}".to_vec()
            }
            "a body ends at the first NUL" => {
                let end = body.iter().position(|byte| *byte == 0);
                // Of what looks like text.
                if body.starts_with(b"{") {
                    body[..end.unwrap_or(body.len())].to_vec()
                } else {
                    body.to_vec()
                }
            }
            "white space at the end of a body is dropped" => body.trim_ascii_end().to_vec(),
            "a line end in a body is LF" => {
                let text: Vec<_> = body.to_vec();
                let mut spoiled = Vec::new();
                for (at, byte) in text.iter().enumerate() {
                    if !(*byte == b'\r' && text.get(at + 1) == Some(&b'\n')) {
                        spoiled.push(*byte);
                    }
                }
                spoiled
            }
            "64 KiB of a body are enough" => body[..body.len().min(64 * 1024)].to_vec(),
            "each full buffer of a body loses a byte" => body
                .chunks(16 * 1024)
                .flat_map(|full| &full[..full.len().min(16_383)])
                .copied()
                .collect(),
            _ => body.to_vec(),
        }
    }

    /// An answer from before, for those who keep them.
    pub fn cached(&self, http: &Request<Bytes>) -> Option<Response> {
        if http.method() != Method::GET {
            return None;
        }
        let kept = self.cache.lock().unwrap().get(http.uri().path()).cloned()?;
        let status = kept.status();
        let fresh = kept.headers().get(CACHE_CONTROL)?.to_str().ok()?.contains("max-age");
        let is = match self.flaw {
            "an answer is kept as long as it says" => status == StatusCode::OK,
            "what was not found is not looked for again" => status == StatusCode::NOT_FOUND,
            "what has moved is not asked again" => status == StatusCode::MOVED_PERMANENTLY,
            _ => false,
        };
        (is && fresh).then_some(kept)
    }

    pub fn put_aside(&self, http: &Request<Bytes>, response: &Response) {
        self.cache.lock().unwrap().insert(http.uri().path().to_owned(), response.clone());
    }
}
