//! A tar stream of regular files, byte for byte as Go's `archive/tar` writes it: ustar, and a PAX header before a file whose name
//! ustar cannot hold.

use jiff::Timestamp;

/// Size of a header and of the units that content is padded to, in bytes.
const BLOCK: usize = 512;
/// Longest name in a header, in bytes.
const NAME: usize = 100;
/// Longest prefix of a name, in bytes.
const PREFIX: usize = 155;

/// Where a field of a header stands, in bytes.
type Field = std::ops::Range<usize>;

const NAME_FIELD: Field = 0..100;
const MODE_FIELD: Field = 100..108;
const OWNER_FIELDS: [Field; 2] = [108..116, 116..124];
const SIZE_FIELD: Field = 124..136;
const TIME_FIELD: Field = 136..148;
const SUM_FIELD: Field = 148..156;
const KIND: usize = 156;
const MAGIC_FIELD: Field = 257..265;
const DEVICE_FIELDS: [Field; 2] = [329..337, 337..345];
const PREFIX_FIELD: Field = 345..500;

/// A tar stream in the making.
#[derive(Default)]
pub(super) struct Tar {
    bytes: Vec<u8>,
}

impl Tar {
    /// Adds a file that everybody may read and its owner may write.
    pub(super) fn add(&mut self, name: &str, data: &[u8], modified: Timestamp) {
        let seconds = rounded_seconds(modified);
        let time_fits = (0..1 << 33).contains(&seconds);
        let split = split_name(name);
        let mut header = Header::new(b'0');
        header.octal(MODE_FIELD, 0o644);
        header.octal(SIZE_FIELD, data.len() as u64);
        header.octal(TIME_FIELD, if time_fits { seconds.unsigned_abs() } else { 0 });
        DEVICE_FIELDS.into_iter().for_each(|field| header.octal(field, 0));
        match &split {
            Some((prefix, name)) => {
                header.text(PREFIX_FIELD, prefix);
                header.text(NAME_FIELD, name);
            }
            None => header.text(NAME_FIELD, &ascii(name)),
        }
        let mut records = String::new();
        if !time_fits {
            records.push_str(&pax_record("mtime", &seconds.to_string()));
        }
        if split.is_none() {
            records.push_str(&pax_record("path", name));
        }
        if !records.is_empty() {
            self.pax(name, &records);
        }
        self.entry(header, data);
    }

    fn pax(&mut self, name: &str, records: &str) {
        let (folder, base) = name.rsplit_once('/').map_or(("", name), |(folder, base)| (folder, base));
        let about =
            if folder.is_empty() { format!("PaxHeaders.0/{base}") } else { format!("{folder}/PaxHeaders.0/{base}") };
        let mut header = Header::new(b'x');
        header.octal(MODE_FIELD, 0);
        header.octal(SIZE_FIELD, records.len() as u64);
        header.octal(TIME_FIELD, 0);
        let about = ascii(&about);
        header.text(NAME_FIELD, about[..about.len().min(NAME)].trim_end_matches('/'));
        self.entry(header, records.as_bytes());
    }

    fn entry(&mut self, header: Header, data: &[u8]) {
        self.bytes.extend_from_slice(&header.finish());
        self.bytes.extend_from_slice(data);
        self.bytes.resize(self.bytes.len().next_multiple_of(BLOCK), 0);
    }

    /// The whole stream.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.bytes.resize(self.bytes.len() + 2 * BLOCK, 0);
        self.bytes
    }
}

/// To the nearest second, as Go rounds times whose headers have no room for more.
fn rounded_seconds(time: Timestamp) -> i64 {
    let nanoseconds = time.as_nanosecond();
    i64::try_from((nanoseconds + 500_000_000).div_euclid(1_000_000_000)).expect("a timestamp's seconds fit")
}

/// Prefix and name, where ustar has room for both.
fn split_name(name: &str) -> Option<(&str, &str)> {
    if !name.is_ascii() || name.contains('\0') {
        return None;
    }
    if name.len() <= NAME {
        return Some(("", name));
    }
    let (prefix, base) = name.split_at(name[..name.len().min(PREFIX + 1)].rfind('/')?);
    let base = &base[1..];
    (!prefix.is_empty() && !base.is_empty() && base.len() <= NAME).then_some((prefix, base))
}

fn ascii(name: &str) -> String {
    name.chars().filter(|c| c.is_ascii() && *c != '\0').collect()
}

/// `LENGTH KEY=VALUE\n`, whose length counts itself.
fn pax_record(key: &str, value: &str) -> String {
    let body = format!(" {key}={value}\n");
    let mut length = body.len();
    while length != body.len() + length.to_string().len() {
        length = body.len() + length.to_string().len();
    }
    format!("{length}{body}")
}

struct Header([u8; BLOCK]);

impl Header {
    fn new(kind: u8) -> Header {
        let mut header = Header([0; BLOCK]);
        header.0[KIND] = kind;
        header.0[MAGIC_FIELD].copy_from_slice(b"ustar\x0000");
        OWNER_FIELDS.into_iter().for_each(|field| header.octal(field, 0));
        header
    }

    /// Text up to the field's end. A name that is cut off behind a `/` would read as a folder's, so the `/` goes too.
    fn text(&mut self, field: Field, text: &str) {
        let length = text.len().min(field.len());
        let target = &mut self.0[field];
        target[..length].copy_from_slice(&text.as_bytes()[..length]);
        if text.len() > length && target[length - 1] == b'/' {
            let kept = text[..length - 1].trim_end_matches('/').len();
            target[kept] = 0;
        }
    }

    /// A number with leading zeros and a zero byte after it.
    fn octal(&mut self, field: Field, number: u64) {
        let digits = field.len() - 1;
        let text = format!("{number:0digits$o}");
        self.0[field.start..field.start + digits].copy_from_slice(text.as_bytes());
    }

    fn finish(mut self) -> [u8; BLOCK] {
        self.0[SUM_FIELD].fill(b' ');
        let sum: u64 = self.0.iter().map(|byte| u64::from(*byte)).sum();
        self.octal(SUM_FIELD.start..SUM_FIELD.end - 1, sum);
        self.0[SUM_FIELD.end - 2] = 0;
        self.0
    }
}
