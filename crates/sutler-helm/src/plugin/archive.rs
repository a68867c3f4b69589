//! A plugin's archive: a gzipped tar, unpacked with nothing of it landing outside its folder.

use std::io::Read as _;
use std::path::Path;

use flate2::read::MultiGzDecoder;
use thiserror::Error;

use super::folders::{builder, make_folders};
use crate::settings::join;

/// The largest archive that is unpacked, in bytes of its content.
const LARGEST: u64 = 512 << 20;

/// Why an archive cannot be unpacked. The texts are Helm's, and Go's for what is no archive.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// It is not gzipped, or the compressed data is damaged or cut off.
    #[error("{0}")]
    Gzip(&'static str),
    /// It is no tar.
    #[error("archive/tar: invalid tar header")]
    Tar,
    /// It ends too early.
    #[error("unexpected EOF")]
    CutShort,
    /// It is larger than anything that is a plugin.
    #[error("the archive holds more than {LARGEST} bytes")]
    TooLarge,
    /// A path leads elsewhere.
    #[error("path {0}, which is illegal")]
    Path(&'static str),
    /// Something that is neither a file nor a folder.
    #[error("unknown type: {kind:b} in {name}")]
    Kind {
        /// The entry's type.
        kind: u8,
        /// Its path.
        name: String,
    },
    /// A file cannot be written.
    #[error("{0}")]
    Write(String),
}

/// An entry of an archive.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) name: String,
    kind: u8,
    mode: u32,
    pub(super) data: Vec<u8>,
}

/// What an archive holds.
#[derive(Debug, Default)]
pub(super) struct Listing {
    /// The entries, in order, as far as they can be read.
    pub(super) entries: Vec<Entry>,
    /// Why not all of them can.
    pub(super) broken: Option<ArchiveError>,
}

/// How folders are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Folders {
    /// Where they are missing, as Helm 4 makes them.
    AsNeeded,
    /// As Helm 3 makes them: each that the archive lists, which must not be there yet, and no others.
    AsListed,
}

const BLOCK: usize = 512;
/// Longest PAX record or GNU long name that is read, in bytes (Go's `maxSpecialFileSize`).
const LONGEST_SPECIAL: usize = 1 << 20;

impl Listing {
    /// Reads an archive.
    pub(super) fn of(bytes: &[u8]) -> Listing {
        let mut listing = Listing::default();
        let mut tar = Vec::new();
        let damage = unzip(bytes, &mut tar).err();
        listing.broken = listing.read(&tar, damage).err();
        listing
    }

    /// Reads a tar stream, which `damage` ends where it is not whole.
    fn read(&mut self, tar: &[u8], damage: Option<ArchiveError>) -> Result<(), ArchiveError> {
        let cut = || damage.clone().unwrap_or(ArchiveError::CutShort);
        let mut rest = tar;
        let mut long_name = None;
        let mut pax_size = None;
        loop {
            let Some(header) = rest.first_chunk::<BLOCK>() else {
                return match damage {
                    None if rest.is_empty() => Ok(()),
                    _ => Err(cut()),
                };
            };
            rest = &rest[BLOCK..];
            if header.iter().all(|byte| *byte == 0) {
                return match rest.first_chunk::<BLOCK>() {
                    Some(second) if second.iter().any(|byte| *byte != 0) => Err(ArchiveError::Tar),
                    Some(_) => Ok(()),
                    None if rest.is_empty() && damage.is_none() => Ok(()),
                    None => Err(cut()),
                };
            }
            check_sum(header)?;
            let kind = header[156];
            let size = if is_header_only(kind) { Some(0) } else { pax_size.take().or(number(&header[124..136])) };
            let size = usize::try_from(size.ok_or(ArchiveError::Tar)?).map_err(|_| ArchiveError::Tar)?;
            let is_special = matches!(kind, b'L' | b'K' | b'x' | b'g');
            if is_special && size > LONGEST_SPECIAL {
                return Err(ArchiveError::Tar);
            }
            let data = rest.get(..size).ok_or_else(cut)?;
            // The padding of the last entry may be missing.
            rest = rest.get(size.next_multiple_of(BLOCK)..).unwrap_or_default();
            match kind {
                b'L' => long_name = Some(text(data)),
                b'x' => {
                    for (key, value) in pax_records(data).ok_or(ArchiveError::Tar)? {
                        match key {
                            "path" if !value.is_empty() => long_name = Some(value.to_owned()),
                            "size" => pax_size = Some(value.parse().map_err(|_| ArchiveError::Tar)?),
                            _ => {}
                        }
                    }
                }
                b'g' | b'K' => {}
                kind => {
                    let name = long_name.take().unwrap_or_else(|| header_name(header));
                    let mode = number(&header[100..108]).ok_or(ArchiveError::Tar)?;
                    let kind = match kind {
                        // The oldest archives have no types.
                        0 if name.ends_with('/') => b'5',
                        0 => b'0',
                        kind => kind,
                    };
                    // Only the lowest bits are kept, whatever else there is.
                    let mode = u32::try_from(mode & 0o777).expect("nine bits");
                    self.entries.push(Entry { name, kind, mode, data: data.to_vec() });
                }
            }
        }
    }

    /// The first file of that name, in whatever folder.
    ///
    /// # Errors
    /// When it is not there because the archive cannot be read so far.
    pub(super) fn find(&self, name: &str) -> Result<Option<&Entry>, ArchiveError> {
        match self.entries.iter().find(|entry| entry.name.trim_end_matches('/').rsplit('/').next() == Some(name)) {
            Some(entry) => Ok(Some(entry)),
            None => self.broken.clone().map_or(Ok(None), Err),
        }
    }

    /// Whether a folder that the archive lists is there already below `place`, which Helm 3 does not take.
    ///
    /// # Errors
    /// One is.
    pub(super) fn check_folders(&self, place: &Path, shown: &str) -> Result<(), ArchiveError> {
        for entry in self.entries.iter().filter(|entry| entry.kind == b'5') {
            let name = inner_path(&entry.name)?;
            if place.join(&name).exists() {
                return Err(ArchiveError::Write(format!("mkdir {}: file exists", join(&[shown, &name]))));
            }
        }
        Ok(())
    }

    /// Writes the entries below a folder, which is called `shown` in messages, as Helm's `TarGzExtractor`.
    ///
    /// # Errors
    /// A path that leads elsewhere, what is neither file nor folder, an archive that is damaged. What was written stays.
    pub(super) fn unpack(&self, folder: &Path, shown: &str, folders: Folders) -> Result<(), ArchiveError> {
        let failed = |action: &str, name: &str, error: &std::io::Error| {
            ArchiveError::Write(format!("{action} {}: {}", join(&[shown, name]), sutler_chart::io_message(error)))
        };
        let make = |name: &str| {
            make_folders(&folder.join(name), Path::new(&join(&[shown, name]))).map_err(ArchiveError::Write)
        };
        make("")?;
        for entry in &self.entries {
            let name = inner_path(&entry.name)?;
            let path = folder.join(&name);
            match entry.kind {
                b'5' if folders == Folders::AsListed => {
                    builder().create(&path).map_err(|error| failed("mkdir", &name, &error))?;
                }
                b'5' => make(&name)?,
                b'0' => {
                    if let Some((parent, _)) = name.rsplit_once('/').filter(|_| folders == Folders::AsNeeded) {
                        make(parent)?;
                    }
                    write(&path, entry).map_err(|error| failed("open", &name, &error))?;
                }
                kind => return Err(ArchiveError::Kind { kind, name: entry.name.clone() }),
            }
        }
        self.broken.clone().map_or(Ok(()), Err)
    }
}

/// Where an entry belongs, relative to the folder; empty for the folder itself. As Helm's `cleanJoin`.
fn inner_path(name: &str) -> Result<String, ArchiveError> {
    if name.contains(':') {
        return Err(ArchiveError::Path("contains ':'"));
    }
    let name = name.replace('\\', "/");
    if name.split('/').any(|part| part == "..") {
        return Err(ArchiveError::Path("contains '..'"));
    }
    if name.starts_with('/') {
        return Err(ArchiveError::Path("is absolute"));
    }
    let parts: Vec<&str> = name.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    Ok(parts.join("/"))
}

/// Writes a file with the mode that the archive tells, as far as the process lets it.
fn write(path: &Path, entry: &Entry) -> std::io::Result<()> {
    use std::io::Write as _;
    let mut options = std::fs::OpenOptions::new();
    // Neither Helm cuts a file off that an archive holds twice.
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(entry.mode);
    }
    options.open(path)?.write_all(&entry.data)
}

/// Decompresses; what could be read stays where the rest is damaged.
fn unzip(bytes: &[u8], tar: &mut Vec<u8>) -> Result<(), ArchiveError> {
    // A gzip header has ten bytes; Go reads it whole before it looks at it.
    match bytes {
        [] => return Err(ArchiveError::Gzip("EOF")),
        bytes if bytes.len() < 10 => return Err(ArchiveError::Gzip("unexpected EOF")),
        [0x1f, 0x8b, 0x08, ..] => {}
        _ => return Err(ArchiveError::Gzip("gzip: invalid header")),
    }
    MultiGzDecoder::new(bytes).take(LARGEST + 1).read_to_end(tar).map_err(|error| match error.kind() {
        std::io::ErrorKind::UnexpectedEof => ArchiveError::CutShort,
        std::io::ErrorKind::InvalidInput if error.to_string().contains("checksum") => {
            ArchiveError::Gzip("gzip: invalid checksum")
        }
        // Go tells the place, which this decompressor does not know.
        _ => ArchiveError::Gzip("flate: corrupt input"),
    })?;
    if tar.len() as u64 > LARGEST { Err(ArchiveError::TooLarge) } else { Ok(()) }
}

/// Links, devices, folders and pipes have no content, whatever their size says.
fn is_header_only(kind: u8) -> bool {
    matches!(kind, b'1'..=b'6')
}

fn check_sum(header: &[u8; BLOCK]) -> Result<(), ArchiveError> {
    let counted = |(at, byte): (usize, &u8)| if (148..156).contains(&at) { u64::from(b' ') } else { u64::from(*byte) };
    let sum: u64 = header.iter().enumerate().map(counted).sum();
    if number(&header[148..156]) == Some(sum) { Ok(()) } else { Err(ArchiveError::Tar) }
}

/// The name in a header: its prefix (ustar only) and its name.
fn header_name(header: &[u8; BLOCK]) -> String {
    let name = text(&header[..100]);
    let prefix = if header[257..263] == *b"ustar\0" { text(&header[345..500]) } else { String::new() };
    if prefix.is_empty() { name } else { format!("{prefix}/{name}") }
}

/// A text that ends at the first NUL.
fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

/// A number in a header: octal text, or big-endian after a first byte with its highest bit set.
fn number(field: &[u8]) -> Option<u64> {
    let (head, tail) = field.split_at(field.len() - 8);
    if field[0] & 0x80 != 0 {
        let is_small = match head {
            [] => false,
            [first, rest @ ..] => *first == 0x80 && rest.iter().all(|byte| *byte == 0),
        };
        return is_small.then(|| tail.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)));
    }
    let text = text(field);
    let digits = text.trim_matches(' ');
    if digits.is_empty() { Some(0) } else { u64::from_str_radix(digits, 8).ok() }
}

/// The records of a PAX header, `LENGTH KEY=VALUE\n` each; none where they are malformed.
fn pax_records(mut bytes: &[u8]) -> Option<Vec<(&str, &str)>> {
    let mut records = Vec::new();
    while !bytes.is_empty() {
        let space = bytes.iter().position(|byte| *byte == b' ')?;
        let length: usize = std::str::from_utf8(&bytes[..space]).ok()?.parse().ok()?;
        let record = bytes.get(space + 1..length)?.strip_suffix(b"\n")?;
        records.push(std::str::from_utf8(record).ok()?.split_once('=')?);
        bytes = &bytes[length..];
    }
    Some(records)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leads_out_of_the_folder() {
        for (name, expect) in [
            ("a/./b//c", Ok("a/b/c")),
            ("./", Ok("")),
            ("a\\b", Ok("a/b")),
            ("../a", Err("path contains '..', which is illegal")),
            ("a\\..\\b", Err("path contains '..', which is illegal")),
            ("/a", Err("path is absolute, which is illegal")),
            ("c:/a", Err("path contains ':', which is illegal")),
        ] {
            let found = inner_path(name).map_err(|error| error.to_string());
            assert_eq!(found.as_deref().map_err(String::as_str), expect, "{name}");
        }
    }

    #[test]
    fn what_is_no_archive_is_told_as_go_tells_it() {
        for (bytes, expect) in [
            (&b""[..], "EOF"),
            (b"x\n", "unexpected EOF"),
            (b"hello world", "gzip: invalid header"),
            (b"\x1f\x8b\x08\0\0\0\0\0\0\0", "unexpected EOF"),
        ] {
            let broken = Listing::of(bytes).broken.map(|error| error.to_string());
            assert_eq!(broken.as_deref(), Some(expect), "{bytes:?}");
        }
    }

    #[test]
    fn numbers_of_headers_are_octal_or_big_endian() {
        assert_eq!(number(b"0000644\0"), Some(0o644));
        assert_eq!(number(b"        "), Some(0));
        assert_eq!(number(b"9"[..].repeat(8).as_slice()), None);
        assert_eq!(number(&[0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2]), Some(258));
        assert_eq!(number(&[0xff; 12]), None);
    }
}
