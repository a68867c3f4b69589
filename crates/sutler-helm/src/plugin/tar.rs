//! A tar stream of a folder's entries as Go's `archive/tar` writes it: ustar, and a PAX header before what ustar cannot hold.

/// Size of a header and of the units that content is padded to, in bytes.
const BLOCK: usize = 512;
/// The largest number of an owner that ustar holds.
const LARGEST_OWNER: u64 = 0o7777777;
/// The latest time that ustar holds, in seconds.
const LATEST: i64 = 0o77777777777;

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Folder,
    Link,
    Pipe,
}

/// An entry without its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) name: String,
    pub(super) kind: Kind,
    /// Permissions, and the bits for set-uid, set-gid and sticky.
    pub(super) mode: u32,
    /// Numbers of user and group.
    pub(super) owner: [u64; 2],
    /// Names of user and group.
    pub(super) owner_name: [String; 2],
    /// When it was changed, in seconds since 1970.
    pub(super) modified: i64,
}

/// A tar stream in the making.
#[derive(Debug, Default)]
pub(super) struct Tar(Vec<u8>);

impl Tar {
    /// Adds an entry.
    pub(super) fn add(&mut self, header: &Header, data: &[u8]) {
        let split = split_name(&header.name);
        let mut records = Vec::new();
        let mut block = [0; BLOCK];
        match split {
            Some((prefix, name)) => {
                put(&mut block[345..500], prefix);
                put(&mut block[..100], name);
            }
            None => {
                records.push(("path", header.name.clone()));
                put(&mut block[..100], &ascii(&header.name));
            }
        }
        octal(&mut block[100..108], u64::from(header.mode));
        for (at, (number, key)) in header.owner.iter().zip(["uid", "gid"]).enumerate() {
            let fits = *number <= LARGEST_OWNER;
            if !fits {
                records.push((key, number.to_string()));
            }
            let start = 108 + 8 * at;
            octal(&mut block[start..start + 8], if fits { *number } else { 0 });
        }
        for (at, (name, key)) in header.owner_name.iter().zip(["uname", "gname"]).enumerate() {
            let start = 265 + 32 * at;
            if name.is_ascii() && name.len() <= 32 {
                put(&mut block[start..start + 32], name);
            } else {
                records.push((key, name.clone()));
                put(&mut block[start..start + 32], &ascii(name));
            }
        }
        octal(&mut block[124..136], data.len() as u64);
        let fits = (0..=LATEST).contains(&header.modified);
        if !fits {
            records.push(("mtime", header.modified.to_string()));
        }
        octal(&mut block[136..148], if fits { header.modified.unsigned_abs() } else { 0 });
        block[156] = match header.kind {
            Kind::File => b'0',
            Kind::Folder => b'5',
            Kind::Link => b'2',
            Kind::Pipe => b'6',
        };
        octal(&mut block[329..337], 0);
        octal(&mut block[337..345], 0);
        if !records.is_empty() {
            self.pax(&header.name, &mut records);
        }
        self.entry(block, data);
    }

    fn pax(&mut self, name: &str, records: &mut [(&str, String)]) {
        records.sort();
        let text: String = records.iter().map(|(key, value)| pax_record(key, value)).collect();
        let (folder, base) = name.rsplit_once('/').map_or(("", name), |(folder, base)| (folder, base));
        let about = if folder.is_empty() { String::new() } else { format!("{folder}/") } + "PaxHeaders.0/" + base;
        let about = ascii(&about);
        let mut block = [0; BLOCK];
        put(&mut block[..100], about[..about.len().min(100)].trim_end_matches('/'));
        for field in [100..108, 108..116, 116..124, 136..148] {
            octal(&mut block[field], 0);
        }
        octal(&mut block[124..136], text.len() as u64);
        block[156] = b'x';
        self.entry(block, text.as_bytes());
    }

    fn entry(&mut self, mut block: [u8; BLOCK], data: &[u8]) {
        block[257..265].copy_from_slice(b"ustar\x0000");
        block[148..156].fill(b' ');
        let sum: u64 = block.iter().map(|byte| u64::from(*byte)).sum();
        let digits = format!("{sum:06o}\0 ");
        block[148..156].copy_from_slice(digits.as_bytes());
        self.0.extend_from_slice(&block);
        self.0.extend_from_slice(data);
        self.0.resize(self.0.len().next_multiple_of(BLOCK), 0);
    }

    /// The whole stream.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.0.resize(self.0.len() + 2 * BLOCK, 0);
        self.0
    }
}

fn put(field: &mut [u8], text: &str) {
    let length = text.len().min(field.len());
    field[..length].copy_from_slice(&text.as_bytes()[..length]);
}

/// An octal number with zeros in front and a NUL behind.
fn octal(field: &mut [u8], number: u64) {
    let digits = format!("{number:0width$o}\0", width = field.len() - 1);
    put(field, &digits);
}

/// A name as prefix and name, where ustar can hold it.
fn split_name(name: &str) -> Option<(&str, &str)> {
    if !name.is_ascii() {
        return None;
    }
    if name.len() <= 100 {
        return Some(("", name));
    }
    let most = name.len().min(156);
    let at = name[..most].rfind('/')?;
    let (prefix, rest) = (&name[..at], &name[at + 1..]);
    (!prefix.is_empty() && !rest.is_empty() && prefix.len() <= 155 && rest.len() <= 100).then_some((prefix, rest))
}

/// A text without what is not ASCII.
fn ascii(text: &str) -> String {
    text.chars().filter(char::is_ascii).collect()
}

/// `LENGTH KEY=VALUE\n`, where the length counts itself.
fn pax_record(key: &str, value: &str) -> String {
    let rest = key.len() + value.len() + 3;
    let mut length = rest + rest.to_string().len();
    if length.to_string().len() > rest.to_string().len() {
        length += 1;
    }
    format!("{length} {key}={value}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pax_record_counts_its_own_length() {
        assert_eq!(pax_record("path", "a"), "9 path=a\n");
        assert_eq!(pax_record("path", "ab"), "11 path=ab\n");
        assert_eq!(pax_record("path", &"a".repeat(91)).len(), 101);
        assert!(pax_record("path", &"a".repeat(91)).starts_with("101 "));
    }

    #[test]
    fn long_names_are_split_where_ustar_can_hold_them() {
        let long = format!("{}/{}", "a".repeat(90), "b".repeat(60));
        assert_eq!(split_name(&long).unwrap(), ("a".repeat(90).as_str(), "b".repeat(60).as_str()));
        assert_eq!(split_name(&"a".repeat(101)), None);
        assert_eq!(split_name("é"), None);
    }
}
