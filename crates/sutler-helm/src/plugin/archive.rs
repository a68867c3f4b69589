//! A plugin's archive: a gzipped tar, unpacked with nothing of it landing outside its folder.

use std::io::Read as _;
use std::path::{Component, Path};

use flate2::read::MultiGzDecoder;
use thiserror::Error;

/// The largest archive that is unpacked, in bytes of its content.
const LARGEST: u64 = 512 << 20;

/// Why an archive cannot be unpacked. The texts are Helm's, and Go's for what is no archive.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// It is not gzipped.
    #[error("{0}")]
    Gzip(&'static str),
    /// It ends too early, or is no tar.
    #[error("archive/tar: invalid tar header")]
    Tar,
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
pub(super) struct Entry {
    pub(super) name: String,
    kind: u8,
    mode: u32,
    pub(super) data: Vec<u8>,
}

const BLOCK: usize = 512;

/// The entries, in order.
pub(super) fn entries(bytes: &[u8]) -> Result<Vec<Entry>, ArchiveError> {
    let mut tar = Vec::new();
    let mut reader = MultiGzDecoder::new(bytes).take(LARGEST + 1);
    // A gzip header has ten bytes.
    let header = match bytes.len() {
        0 => "EOF",
        1..10 => "unexpected EOF",
        _ if !bytes.starts_with(&[0x1f, 0x8b]) => "gzip: invalid header",
        _ => "unexpected EOF",
    };
    reader.read_to_end(&mut tar).map_err(|_| ArchiveError::Gzip(header))?;
    if tar.len() as u64 > LARGEST {
        return Err(ArchiveError::TooLarge);
    }
    let mut entries = Vec::new();
    let mut rest = &tar[..];
    let mut long_name = None;
    while rest.len() >= BLOCK {
        let (header, after) = rest.split_at(BLOCK);
        if header.iter().all(|byte| *byte == 0) {
            break;
        }
        let size =
            usize::try_from(octal(&header[124..136]).ok_or(ArchiveError::Tar)?).map_err(|_| ArchiveError::Tar)?;
        if after.len() < size {
            return Err(ArchiveError::Tar);
        }
        let data = &after[..size];
        rest = after.get(size.div_ceil(BLOCK) * BLOCK..).unwrap_or_default();
        let kind = header[156];
        match kind {
            b'L' => long_name = Some(text(data)),
            b'x' => long_name = pax_path(data).or(long_name),
            b'g' => {}
            _ => {
                let prefix = if &header[257..262] == b"ustar" { text(&header[345..500]) } else { String::new() };
                let name = match (long_name.take(), prefix) {
                    (Some(name), _) => name,
                    (None, prefix) if prefix.is_empty() => text(&header[..100]),
                    (None, prefix) => format!("{prefix}/{}", text(&header[..100])),
                };
                let mode = octal(&header[100..108]).and_then(|mode| u32::try_from(mode).ok()).unwrap_or(0o644);
                let kind = if kind == 0 { b'0' } else { kind };
                entries.push(Entry { name, kind, mode, data: data.to_vec() });
            }
        }
    }
    Ok(entries)
}

/// Writes the entries below a folder.
pub(super) fn unpack(entries: &[Entry], folder: &Path) -> Result<(), ArchiveError> {
    let failed = |path: &Path, error: std::io::Error| {
        ArchiveError::Write(format!("open {}: {}", path.display(), sutler_chart::io_message(&error)))
    };
    for entry in entries {
        let name = entry.name.replace('\\', "/");
        if name.contains(':') {
            return Err(ArchiveError::Path("contains ':'"));
        }
        if name.split('/').any(|part| part == "..") {
            return Err(ArchiveError::Path("contains '..'"));
        }
        if name.starts_with('/') || Path::new(&name).components().any(|part| matches!(part, Component::Prefix(_))) {
            return Err(ArchiveError::Path("is absolute"));
        }
        let path = folder.join(&name);
        match entry.kind {
            b'5' => std::fs::create_dir_all(&path).map_err(|error| failed(&path, error))?,
            b'0' => {
                if let Some(parent) = path.parent() {
                    std::fs::create_dir_all(parent).map_err(|error| failed(parent, error))?;
                }
                std::fs::write(&path, &entry.data).map_err(|error| failed(&path, error))?;
                set_mode(&path, entry.mode).map_err(|error| failed(&path, error))?;
            }
            kind => return Err(ArchiveError::Kind { kind, name: entry.name.clone() }),
        }
    }
    Ok(())
}

#[cfg(unix)]
fn set_mode(path: &Path, mode: u32) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode & 0o755))
}

#[cfg(not(unix))]
fn set_mode(_: &Path, _: u32) -> std::io::Result<()> {
    Ok(())
}

/// A text that ends at the first NUL.
fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8_lossy(&bytes[..end]).into_owned()
}

fn octal(field: &[u8]) -> Option<u64> {
    let digits = text(field);
    let digits = digits.trim();
    if digits.is_empty() { Some(0) } else { u64::from_str_radix(digits, 8).ok() }
}

/// The path that a pax header names.
fn pax_path(mut data: &[u8]) -> Option<String> {
    while let Some(space) = data.iter().position(|byte| *byte == b' ') {
        let length: usize = std::str::from_utf8(&data[..space]).ok()?.parse().ok()?;
        let record = data.get(space + 1..length.checked_sub(1)?)?;
        if let Some(path) = record.strip_prefix(b"path=") {
            return Some(String::from_utf8_lossy(path).into_owned());
        }
        data = data.get(length..)?;
    }
    None
}
