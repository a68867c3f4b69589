//! Chart archives (`.tgz`): gzip and tar, with Helm's limits and path rules (Helm's `pkg/chart/loader/archive`).
//!
//! Reads ustar, PAX and GNU long names. Whatever the bytes, at most [`LARGEST_CHART`] bytes are unpacked.

use std::io::Read;

use flate2::read::MultiGzDecoder;
use jiff::Timestamp;
use thiserror::Error;

use super::{LARGEST_FILE, SourceFile};

/// The most that an archive may unpack to, in bytes: 100 MiB, as in Helm.
pub const LARGEST_CHART: u64 = 100 * 1024 * 1024;

/// Size of a tar block and of a tar header, in bytes.
const BLOCK: usize = 512;

/// Size of the part of a gzip header that is always there, in bytes.
const GZIP_HEADER: usize = 10;

/// Longest PAX record or GNU long name that is read, in bytes (Go's `maxSpecialFileSize`).
const LONGEST_SPECIAL: u64 = 1024 * 1024;

/// Why an archive is no chart archive. The texts are Helm's.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// The bytes are not gzip.
    #[error("gzip: invalid header")]
    NotGzip,
    /// The compressed data is damaged: the sum over what it unpacks to is another one.
    #[error("gzip: invalid checksum")]
    Checksum,
    /// The compressed data is damaged. Go tells the place, which this decompressor does not know.
    #[error("flate: corrupt input")]
    Gzip(std::io::Error),
    /// There are no bytes at all.
    #[error("EOF")]
    Nothing,
    /// The tar inside is damaged.
    #[error("archive/tar: invalid tar header")]
    Tar,
    /// The archive ends in the middle of a file.
    #[error("unexpected EOF")]
    CutShort,
    /// A file's path is absolute.
    #[error("chart illegally contains absolute paths")]
    AbsolutePath,
    /// A file stands outside the chart's folder.
    #[error("chart illegally contains content outside the base directory: {}", go_quoted(.0))]
    OutsideFolder(String),
    /// A file's path climbs out of the chart's folder.
    #[error("chart illegally references parent directory")]
    ParentFolder,
    /// A file's path begins with a drive letter.
    #[error("chart contains illegally named files")]
    DrivePath,
    /// Chart.yaml stands at the top, not in a folder.
    #[error("chart yaml not in base directory")]
    NoBaseFolder,
    /// All files together are larger than [`LARGEST_CHART`].
    #[error("decompressed chart is larger than the maximum size {LARGEST_CHART}")]
    ChartTooLarge,
    /// One file is larger than [`LARGEST_FILE`].
    #[error("decompressed chart file {} is larger than the maximum file size {LARGEST_FILE}", go_quoted(.0))]
    FileTooLarge(String),
    /// The archive holds no file.
    #[error("no files in chart archive")]
    Empty,
}

use crate::text::go_quoted;

/// The files of an archive, their names relative to the chart's folder, in the archive's order.
pub(crate) fn unpack(bytes: &[u8]) -> Result<Vec<SourceFile>, ArchiveError> {
    match bytes {
        [] => return Err(ArchiveError::Nothing),
        // Go reads a whole header before it looks at it.
        bytes if bytes.len() < GZIP_HEADER => return Err(ArchiveError::CutShort),
        [0x1f, 0x8b, 0x08, ..] => {}
        _ => return Err(ArchiveError::NotGzip),
    }
    // Headers and padding count too: a tar of a hundred million empty files must not be read to its end.
    let mut tar = Tar { input: MultiGzDecoder::new(bytes).take(2 * LARGEST_CHART) };
    let mut files = Vec::new();
    let mut remaining = LARGEST_CHART;
    while let Some(entry) = tar.next_entry()? {
        if entry.is_folder() {
            tar.skip(entry.size)?;
            continue;
        }
        let name = chart_path(&entry.name)?;
        if entry.size > remaining {
            return Err(ArchiveError::ChartTooLarge);
        }
        if entry.size > LARGEST_FILE {
            return Err(ArchiveError::FileTooLarge(entry.name));
        }
        // Links and devices have no content of their own; their size says nothing.
        let size = if entry.has_content() { entry.size } else { 0 };
        let mut data = tar.read(size)?;
        remaining -= size;
        if remaining == 0 {
            return Err(ArchiveError::ChartTooLarge);
        }
        super::strip_byte_order_mark(&mut data);
        files.push(SourceFile { name, data, modified: entry.modified });
    }
    if files.is_empty() { Err(ArchiveError::Empty) } else { Ok(files) }
}

/// The path of a file inside the chart: the archive's path without its first folder, checked as Helm checks it.
fn chart_path(name: &str) -> Result<String, ArchiveError> {
    let delimiter = if name.contains('\\') { '\\' } else { '/' };
    let (base, rest) = name.split_once(delimiter).unwrap_or((name, ""));
    let rest = rest.replace(delimiter, "/");
    if rest.starts_with('/') {
        return Err(ArchiveError::AbsolutePath);
    }
    let clean = crate::text::clean_path(&rest);
    if clean == "." {
        return Err(ArchiveError::OutsideFolder(name.to_owned()));
    }
    if clean.starts_with("..") {
        return Err(ArchiveError::ParentFolder);
    }
    let mut start = clean.chars();
    if start.next().is_some_and(|c| c.is_ascii_alphabetic()) && start.as_str().starts_with(":/") {
        return Err(ArchiveError::DrivePath);
    }
    if base == "Chart.yaml" {
        return Err(ArchiveError::NoBaseFolder);
    }
    Ok(clean)
}

/// What a tar header (and the extension headers before it) says of one entry.
struct Entry {
    name: String,
    size: u64,
    kind: u8,
    mode: u64,
    modified: Option<Timestamp>,
}

impl Entry {
    /// By its type; in the oldest archives, which have no types, by its name; or by its mode.
    fn is_folder(&self) -> bool {
        self.kind == b'5' || (self.kind == 0 && self.name.ends_with('/')) || self.mode & !0o7777 == 0o40000
    }

    fn has_content(&self) -> bool {
        !matches!(self.kind, b'1'..=b'6')
    }
}

/// A tar stream, read entry by entry; the caller reads or skips each entry's content before the next.
struct Tar<R> {
    input: R,
}

impl<R: Read> Tar<R> {
    /// The next file or folder; none at the end of the archive.
    fn next_entry(&mut self) -> Result<Option<Entry>, ArchiveError> {
        let mut long_name = None;
        let mut pax_size = None;
        let mut pax_modified = None;
        loop {
            let Some(header) = self.next_header()? else { return Ok(None) };
            let size = number(&header[124..136]).ok_or(ArchiveError::Tar)?;
            match header[156] {
                b'x' => {
                    for (key, value) in pax_records(&self.read_special(size)?)? {
                        match key.as_str() {
                            "path" => long_name = Some(value),
                            "size" => pax_size = Some(value.parse().map_err(|_| ArchiveError::Tar)?),
                            "mtime" => pax_modified = pax_time(&value),
                            _ => {}
                        }
                    }
                }
                b'L' => long_name = Some(c_text(&self.read_special(size)?)),
                // Sparse files, which no chart has and whose headers Go checks closely.
                b'S' => return Err(ArchiveError::Tar),
                // A global header or a long link name says nothing about a chart's files.
                b'g' | b'K' => {
                    self.read_special(size)?;
                }
                kind => {
                    let name = long_name.unwrap_or_else(|| header_name(&header));
                    let modified = pax_modified.or_else(|| {
                        let seconds = i64::try_from(number(&header[136..148])?).ok()?;
                        Timestamp::from_second(seconds).ok()
                    });
                    let mode = number(&header[100..108]).ok_or(ArchiveError::Tar)?;
                    return Ok(Some(Entry { name, size: pax_size.unwrap_or(size), kind, mode, modified }));
                }
            }
        }
    }

    /// The next header with a right checksum; none after the end mark (two blocks of zeros, of which the second may be missing) or
    /// at the end of the input.
    fn next_header(&mut self) -> Result<Option<[u8; BLOCK]>, ArchiveError> {
        let mut header = [0; BLOCK];
        match self.fill(&mut header)? {
            0 => return Ok(None),
            BLOCK => {}
            _ => return Err(ArchiveError::CutShort),
        }
        if header.iter().all(|byte| *byte == 0) {
            return match self.fill(&mut header)? {
                0 => Ok(None),
                BLOCK if header.iter().all(|byte| *byte == 0) => Ok(None),
                BLOCK => Err(ArchiveError::Tar),
                _ => Err(ArchiveError::CutShort),
            };
        }
        let sum: u64 = header
            .iter()
            .enumerate()
            .map(|(at, byte)| if (148..156).contains(&at) { u64::from(b' ') } else { u64::from(*byte) })
            .sum();
        if number(&header[148..156]) == Some(sum) { Ok(Some(header)) } else { Err(ArchiveError::Tar) }
    }

    fn read_special(&mut self, size: u64) -> Result<Vec<u8>, ArchiveError> {
        if size > LONGEST_SPECIAL { Err(ArchiveError::Tar) } else { self.read(size) }
    }

    /// The content of an entry, and the padding after it.
    fn read(&mut self, size: u64) -> Result<Vec<u8>, ArchiveError> {
        let mut data = Vec::new();
        let read = self.input.by_ref().take(size).read_to_end(&mut data).map_err(unzipping)?;
        if read as u64 != size {
            return Err(ArchiveError::CutShort);
        }
        self.skip_padding(size)?;
        Ok(data)
    }

    fn skip(&mut self, size: u64) -> Result<(), ArchiveError> {
        let skipped = std::io::copy(&mut self.input.by_ref().take(size), &mut std::io::sink()).map_err(unzipping)?;
        if skipped != size {
            return Err(ArchiveError::CutShort);
        }
        self.skip_padding(size)
    }

    fn skip_padding(&mut self, size: u64) -> Result<(), ArchiveError> {
        let mut padding = [0; BLOCK];
        let length = (BLOCK as u64 - size % BLOCK as u64) % BLOCK as u64;
        let part = &mut padding[..usize::try_from(length).expect("less than a block")];
        // The padding of the last entry may be missing at the end of the archive, as Go allows.
        self.fill(part)?;
        Ok(())
    }

    /// Fills the buffer as far as the input goes and says how far that was.
    fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, ArchiveError> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.input.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(unzipping(error)),
            }
        }
        Ok(filled)
    }
}

/// Why decompressing failed, by what the decompressor says.
fn unzipping(error: std::io::Error) -> ArchiveError {
    match error.kind() {
        std::io::ErrorKind::UnexpectedEof => ArchiveError::CutShort,
        std::io::ErrorKind::InvalidInput if error.to_string().contains("checksum") => ArchiveError::Checksum,
        _ => ArchiveError::Gzip(error),
    }
}

/// The name in a header: its prefix (ustar only) and its name.
fn header_name(header: &[u8; BLOCK]) -> String {
    let name = c_text(&header[..100]);
    let prefix = if header[257..263] == *b"ustar\0" { c_text(&header[345..500]) } else { String::new() };
    if prefix.is_empty() { name } else { format!("{prefix}/{name}") }
}

/// Bytes up to the first zero, as text.
fn c_text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

/// A number in a header: octal text, or big-endian after a first byte with its highest bit set.
fn number(field: &[u8]) -> Option<u64> {
    if field[0] & 0x80 != 0 {
        // A set second bit is a negative number, which no size or checksum is.
        if field[0] & 0x40 != 0 || field[1..].len() > 8 && field[1..field.len() - 8].iter().any(|byte| *byte != 0) {
            return None;
        }
        return Some(field[field.len() - 8..].iter().fold(0, |value, byte| value << 8 | u64::from(*byte)));
    }
    let text = c_text(field);
    let digits = text.trim_matches(' ');
    if digits.is_empty() { Some(0) } else { u64::from_str_radix(digits, 8).ok() }
}

/// The records of a PAX header: `LENGTH KEY=VALUE\n` each.
fn pax_records(mut bytes: &[u8]) -> Result<Vec<(String, String)>, ArchiveError> {
    let mut records = Vec::new();
    while !bytes.is_empty() {
        let space = bytes.iter().position(|byte| *byte == b' ').ok_or(ArchiveError::Tar)?;
        let length: usize =
            std::str::from_utf8(&bytes[..space]).ok().and_then(|text| text.parse().ok()).ok_or(ArchiveError::Tar)?;
        let record = bytes.get(space + 1..length).and_then(|record| record.strip_suffix(b"\n"));
        let record = std::str::from_utf8(record.ok_or(ArchiveError::Tar)?).map_err(|_| ArchiveError::Tar)?;
        let (key, value) = record.split_once('=').ok_or(ArchiveError::Tar)?;
        records.push((key.to_owned(), value.to_owned()));
        bytes = &bytes[length..];
    }
    Ok(records)
}

/// A PAX time: seconds with an optional fraction.
fn pax_time(text: &str) -> Option<Timestamp> {
    let (seconds, fraction) = text.split_once('.').unwrap_or((text, ""));
    let nanoseconds = format!("{:0<9.9}", fraction).parse().ok()?;
    Timestamp::new(seconds.parse().ok()?, nanoseconds).ok()
}

#[cfg(test)]
mod tests;
