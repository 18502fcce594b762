//! Searches all writable memory of this process.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use otp_core::secrecy::zeroize::Zeroize;

use crate::masked::Masked;

/// What is read at a time, and how much of it is read again with the next: longer than any needle, with room
/// to look at what stands before one.
const CHUNK: usize = 64 * 1024;
const OVERLAP: usize = 1024;

/// No secret has a shorter run of letters and digits than this.
pub const SHORTEST: usize = 12;

/// One form of one secret.
#[derive(Debug)]
pub struct Needle {
    /// Which secret it is, such as `token`.
    pub kind: String,
    /// In which form, such as `base64`.
    pub form: String,
    /// What to search for.
    pub bytes: Masked,
}

/// A copy that was found.
#[derive(Debug)]
pub struct Copy {
    /// Which needle it is.
    pub needle: usize,
    /// Where it is: the name of the mapping.
    pub place: String,
    /// The text around it, with the copy itself and all that is no text left out.
    pub around: String,
}

/// Searches. It finds no needle in its own buffers, since it leaves these out.
#[derive(Debug)]
pub struct Scanner {
    needles: Vec<Needle>,
    /// By their first byte.
    starts: Vec<Vec<usize>>,
    buffer: Vec<u8>,
}

impl Scanner {
    /// A search for these.
    pub fn new(needles: Vec<Needle>) -> Self {
        let mut starts = vec![Vec::new(); 256];
        for (at, needle) in needles.iter().enumerate() {
            if let Some(first) = needle.bytes.first() {
                starts[usize::from(first)].push(at);
            }
        }
        Self { needles, starts, buffer: vec![0; CHUNK + OVERLAP] }
    }

    /// What is searched for.
    pub fn needles(&self) -> &[Needle] {
        &self.needles
    }

    /// Every copy that is in memory now.
    ///
    /// # Errors
    ///
    /// If the system does not show this process's memory to it.
    pub fn scan(&mut self) -> io::Result<Vec<Copy>> {
        let maps = std::fs::read_to_string("/proc/self/maps")?;
        let memory = File::open("/proc/self/mem")?;
        let own = self.buffer.as_ptr().addr();
        let own = own..own + self.buffer.len();
        let mut found = Vec::new();
        for (start, end, place) in maps.lines().filter_map(writable) {
            // Before and after the own buffer.
            for (start, end) in [(start, end.min(own.start)), (start.max(own.end), end)] {
                if start < end {
                    self.scan_range(&memory, start, end, place, &mut found);
                }
            }
        }
        self.buffer.as_mut_slice().zeroize();
        Ok(found)
    }

    fn scan_range(
        &mut self,
        memory: &File,
        start: usize,
        end: usize,
        place: &str,
        found: &mut Vec<Copy>,
    ) {
        let mut at = start;
        while at < end {
            // A little of what came before, for the text around a copy.
            let from = at.saturating_sub(OVERLAP / 2).max(start);
            let wanted = (end - from).min(self.buffer.len());
            // What cannot be read, such as a guard page, holds nothing.
            let Ok(read) = memory.read_at(&mut self.buffer[..wanted], from as u64) else { return };
            let fresh = at - from;
            let last = from + read >= end || read < wanted;
            // What starts in the last part is found with the next chunk, where it is whole.
            let until = if last { read } else { read.saturating_sub(OVERLAP / 2) };
            for offset in fresh..until {
                let byte = self.buffer[offset];
                for needle in &self.starts[usize::from(byte)] {
                    let bytes = &self.needles[*needle].bytes;
                    if bytes.starts(&self.buffer[offset..read]) {
                        let around = around(&self.buffer[..read], offset, bytes.len());
                        found.push(Copy { needle: *needle, place: place.to_owned(), around });
                    }
                }
            }
            if last || until <= fresh {
                return;
            }
            at = from + until;
        }
    }
}

fn writable(line: &str) -> Option<(usize, usize, &str)> {
    let mut fields = line.split_ascii_whitespace();
    let (start, end) = fields.next()?.split_once('-')?;
    let allowed = fields.next()?;
    if !allowed.starts_with("rw") {
        return None;
    }
    let place = fields.nth(3).unwrap_or("anonymous");
    Some((usize::from_str_radix(start, 16).ok()?, usize::from_str_radix(end, 16).ok()?, place))
}

/// A short text around a copy, to tell whose buffer it is. A run of letters and digits that is as long as the
/// shortest secret may be one, and is left out: the next search would find this text.
fn around(bytes: &[u8], offset: usize, length: usize) -> String {
    let readable = |bytes: &[u8]| -> String {
        let text: String = bytes
            .iter()
            .map(
                |byte| {
                    if byte.is_ascii_graphic() || *byte == b' ' { char::from(*byte) } else { '.' }
                },
            )
            .collect();
        let words = text.split_inclusive(|c: char| !c.is_ascii_alphanumeric());
        let long = |word: &str| word.bytes().filter(u8::is_ascii_alphanumeric).count() >= SHORTEST;
        words.map(|word| if long(word) { "…" } else { word }).collect()
    };
    let before = &bytes[offset.saturating_sub(56)..offset];
    let after = &bytes[offset + length..(offset + length + 24).min(bytes.len())];
    format!("{}<copy>{}", readable(before), readable(after))
}
