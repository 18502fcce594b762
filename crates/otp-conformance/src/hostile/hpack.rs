//! Reads HPACK field blocks (RFC 7541), so that a server that works frame by frame can record requests.

use std::collections::VecDeque;

/// What a field block may hold at most: a client of a test sends far less.
const MOST: usize = 1024 * 1024;

/// A field block that RFC 7541 does not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed(pub &'static str);

/// A field as it was sent: name and value.
pub type Field = (Vec<u8>, Vec<u8>);

/// Decodes the blocks of one connection, one after the other.
#[derive(Debug)]
pub struct Decoder {
    /// The newest entry first.
    table: VecDeque<Field>,
    size: usize,
    limit: usize,
    /// What the peer may raise `limit` to.
    most: usize,
}

impl Default for Decoder {
    fn default() -> Self {
        Self { table: VecDeque::new(), size: 0, limit: 4096, most: 4096 }
    }
}

impl Decoder {
    /// Applies a `SETTINGS_HEADER_TABLE_SIZE` that the peer has acknowledged.
    pub fn set_most(&mut self, bytes: usize) {
        self.most = bytes;
        self.limit = self.limit.min(bytes);
        self.evict();
    }

    /// The fields of a complete block.
    ///
    /// # Errors
    ///
    /// A block that cannot be decoded.
    pub fn decode(&mut self, block: &[u8]) -> Result<Vec<Field>, Malformed> {
        let mut fields = Vec::new();
        let mut total = 0;
        let mut rest = block;
        while let Some(first) = rest.first().copied() {
            if first & 0x80 != 0 {
                let index = integer(&mut rest, 7)?;
                fields.push(self.entry(index)?);
            } else if first & 0xe0 == 0x20 {
                let limit = integer(&mut rest, 5)?;
                if limit > self.most {
                    return Err(Malformed("a table larger than the settings allow"));
                }
                self.limit = limit;
                self.evict();
            } else {
                let is_indexed = first & 0x40 != 0;
                let index = integer(&mut rest, if is_indexed { 6 } else { 4 })?;
                let name = match index {
                    0 => string(&mut rest)?,
                    index => self.entry(index)?.0,
                };
                let field = (name, string(&mut rest)?);
                if is_indexed {
                    self.insert(field.clone());
                }
                fields.push(field);
            }
            total += fields.last().map_or(0, size);
            if total > MOST {
                return Err(Malformed("a block that is far too large"));
            }
        }
        Ok(fields)
    }

    fn entry(&self, index: usize) -> Result<Field, Malformed> {
        match index.checked_sub(1).and_then(|at| STATIC.get(at)) {
            Some((name, value)) => Ok((name.as_bytes().to_vec(), value.as_bytes().to_vec())),
            None => {
                let at = index.checked_sub(STATIC.len() + 1);
                let found = at.and_then(|at| self.table.get(at));
                found.cloned().ok_or(Malformed("an index without an entry"))
            }
        }
    }

    fn insert(&mut self, field: Field) {
        self.size += size(&field);
        self.table.push_front(field);
        self.evict();
    }

    fn evict(&mut self) {
        while self.size > self.limit {
            let Some(oldest) = self.table.pop_back() else { return };
            self.size -= size(&oldest);
        }
    }
}

/// Counted as RFC 7541 §4.1 counts.
fn size((name, value): &Field) -> usize {
    name.len() + value.len() + 32
}

fn byte(rest: &mut &[u8]) -> Result<u8, Malformed> {
    let (first, others) = rest.split_first().ok_or(Malformed("a block that is cut off"))?;
    *rest = others;
    Ok(*first)
}

/// An integer with a prefix of so many bits (RFC 7541 §5.1).
fn integer(rest: &mut &[u8], prefix: u32) -> Result<usize, Malformed> {
    let most = (1_usize << prefix) - 1;
    let mut value = usize::from(byte(rest)?) & most;
    if value < most {
        return Ok(value);
    }
    for shift in (0..28).step_by(7) {
        let next = usize::from(byte(rest)?);
        value += (next & 0x7f) << shift;
        if next & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err(Malformed("an integer that is far too large"))
}

/// A string, plain or Huffman coded (RFC 7541 §5.2).
fn string(rest: &mut &[u8]) -> Result<Vec<u8>, Malformed> {
    let is_coded = rest.first().is_some_and(|first| first & 0x80 != 0);
    let length = integer(rest, 7)?;
    let Some((text, others)) = rest.split_at_checked(length) else {
        return Err(Malformed("a block that is cut off"));
    };
    *rest = others;
    if is_coded { huffman(text) } else { Ok(text.to_vec()) }
}

/// Decodes a canonical code bit by bit: the codes of one length follow one another in the order of
/// `SYMBOLS`, and the first of a length follows the last of the length before.
fn huffman(text: &[u8]) -> Result<Vec<u8>, Malformed> {
    let mut decoded = Vec::new();
    let (mut code, mut first, mut index, mut length) = (0_usize, 0_usize, 0_usize, 0_usize);
    let mut padding = true;
    for byte in text {
        for bit in (0..8).rev() {
            let one = byte >> bit & 1;
            padding &= one == 1;
            code = code << 1 | usize::from(one);
            first <<= 1;
            length += 1;
            let Some(count) = COUNTS.get(length - 1).copied() else {
                return Err(Malformed("a Huffman code that has no symbol"));
            };
            if code >= first && code - first < count {
                decoded.push(SYMBOLS[index + code - first]);
                (code, first, index, length, padding) = (0, 0, 0, 0, true);
            } else {
                index += count;
                first += count;
            }
        }
    }
    // What is left must be the start of the code for the end: ones, and fewer than eight.
    match padding && length < 8 {
        true => Ok(decoded),
        false => Err(Malformed("a Huffman code that is cut off")),
    }
}

/// How many symbols have a code of 1 bit, 2 bits, and so on (RFC 7541, Appendix B).
const COUNTS: [usize; 28] =
    [0, 0, 0, 0, 10, 26, 32, 6, 0, 5, 3, 2, 6, 2, 3, 0, 0, 0, 3, 8, 13, 26, 29, 12, 4, 15, 19, 29];

/// The symbols in the order of their codes. The three of 30 bits are controls that no field may have.
const SYMBOLS: [u8; 253] = [
    48, 49, 50, 97, 99, 101, 105, 111, 115, 116, // 5 bits
    32, 37, 45, 46, 47, 51, 52, 53, 54, 55, 56, 57, 61, 65, 95, 98, 100, 102, 103, 104, 108, 109,
    110, 112, 114, 117, // 6
    58, 66, 67, 68, 69, 70, 71, 72, 73, 74, 75, 76, 77, 78, 79, 80, 81, 82, 83, 84, 85, 86, 87, 89,
    106, 107, 113, 118, 119, 120, 121, 122, // 7
    38, 42, 44, 59, 88, 90, // 8
    33, 34, 40, 41, 63, // 10
    39, 43, 124, // 11
    35, 62, // 12
    0, 36, 64, 91, 93, 126, // 13
    94, 125, // 14
    60, 96, 123, // 15
    92, 195, 208, // 19
    128, 130, 131, 162, 184, 194, 224, 226, // 20
    153, 161, 167, 172, 176, 177, 179, 209, 216, 217, 227, 229, 230, // 21
    129, 132, 133, 134, 136, 146, 154, 156, 160, 163, 164, 169, 170, 173, 178, 181, 185, 186, 187,
    189, 190, 196, 198, 228, 232, 233, // 22
    1, 135, 137, 138, 139, 140, 141, 143, 147, 149, 150, 151, 152, 155, 157, 158, 165, 166, 168,
    174, 175, 180, 182, 183, 188, 191, 197, 231, 239, // 23
    9, 142, 144, 145, 148, 159, 171, 206, 215, 225, 236, 237, // 24
    199, 207, 234, 235, // 25
    192, 193, 200, 201, 202, 205, 210, 213, 218, 219, 238, 240, 242, 243, 255, // 26
    203, 204, 211, 212, 214, 221, 222, 223, 241, 244, 245, 246, 247, 248, 250, 251, 252, 253,
    254, // 27
    2, 3, 4, 5, 6, 7, 8, 11, 12, 14, 15, 16, 17, 18, 19, 20, 21, 23, 24, 25, 26, 27, 28, 29, 30,
    31, 127, 220, 249, // 28
];

/// The static table (RFC 7541, Appendix A).
const STATIC: [(&str, &str); 61] = [
    (":authority", ""),
    (":method", "GET"),
    (":method", "POST"),
    (":path", "/"),
    (":path", "/index.html"),
    (":scheme", "http"),
    (":scheme", "https"),
    (":status", "200"),
    (":status", "204"),
    (":status", "206"),
    (":status", "304"),
    (":status", "400"),
    (":status", "404"),
    (":status", "500"),
    ("accept-charset", ""),
    ("accept-encoding", "gzip, deflate"),
    ("accept-language", ""),
    ("accept-ranges", ""),
    ("accept", ""),
    ("access-control-allow-origin", ""),
    ("age", ""),
    ("allow", ""),
    ("authorization", ""),
    ("cache-control", ""),
    ("content-disposition", ""),
    ("content-encoding", ""),
    ("content-language", ""),
    ("content-length", ""),
    ("content-location", ""),
    ("content-range", ""),
    ("content-type", ""),
    ("cookie", ""),
    ("date", ""),
    ("etag", ""),
    ("expect", ""),
    ("expires", ""),
    ("from", ""),
    ("host", ""),
    ("if-match", ""),
    ("if-modified-since", ""),
    ("if-none-match", ""),
    ("if-range", ""),
    ("if-unmodified-since", ""),
    ("last-modified", ""),
    ("link", ""),
    ("location", ""),
    ("max-forwards", ""),
    ("proxy-authenticate", ""),
    ("proxy-authorization", ""),
    ("range", ""),
    ("referer", ""),
    ("refresh", ""),
    ("retry-after", ""),
    ("server", ""),
    ("set-cookie", ""),
    ("strict-transport-security", ""),
    ("transfer-encoding", ""),
    ("user-agent", ""),
    ("vary", ""),
    ("via", ""),
    ("www-authenticate", ""),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<u8> = text.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
        let byte = |pair| u8::from_str_radix(&String::from_utf8_lossy(pair), 16);
        digits.chunks(2).map(|pair| byte(pair).expect("hexadecimal digits")).collect()
    }

    fn texts(fields: &[Field]) -> Vec<String> {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        fields.iter().map(|(name, value)| format!("{}: {}", text(name), text(value))).collect()
    }

    /// RFC 7541, Appendix C.4: three requests with Huffman coding on one connection.
    #[test]
    fn the_examples_of_the_rfc_are_decoded() -> Result<(), Malformed> {
        let mut decoder = Decoder::default();
        let first = decoder.decode(&hex("828684418cf1e3c2e5f23a6ba0ab90f4ff"))?;
        let start = [":method: GET", ":scheme: http", ":path: /", ":authority: www.example.com"];
        assert_eq!(texts(&first), start);
        let second = decoder.decode(&hex("828684be5886a8eb10649cbf"))?;
        assert_eq!(texts(&second)[..4], start);
        assert_eq!(texts(&second)[4], "cache-control: no-cache");
        let third = decoder.decode(&hex("828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf"))?;
        assert_eq!(texts(&third)[3..], [start[3], "custom-key: custom-value"]);
        assert_eq!(decoder.size, 164);
        Ok(())
    }

    #[test]
    fn a_smaller_table_loses_its_oldest_entries() -> Result<(), Malformed> {
        let mut decoder = Decoder::default();
        decoder.decode(&hex("4001610162 4001630164"))?;
        assert_eq!(texts(&decoder.decode(&[0xbf])?), ["a: b"]);
        decoder.set_most(40);
        assert_eq!(texts(&decoder.decode(&[0xbe])?), ["c: d"]);
        assert_eq!(decoder.decode(&[0xbf]), Err(Malformed("an index without an entry")));
        // 31 + 10 is more than 40.
        assert!(decoder.decode(&[0x3f, 10]).is_err());
        Ok(())
    }

    #[test]
    fn what_is_malformed_is_an_error() {
        for block in ["80", "ff", "ffffffffffff7f", "4003616263", "00 01", "40 81ff 00", "3fe2ff01"]
        {
            assert!(Decoder::default().decode(&hex(block)).is_err(), "{block}");
        }
    }
}
