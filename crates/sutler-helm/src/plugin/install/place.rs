//! From an archive to a plugin in its place: unpacked, its root found, copied; the archive is kept beside it.

use std::fs;
use std::path::{Path, PathBuf};

use sutler_chart::{Compatibility, io_message};
use sutler_repository::cache::{Mode, write_whole};

use super::super::Tell;
use super::super::archive::{ArchiveError, Folders, Listing};
use super::super::copy::{copy_whole, plain, temporary_in};
use super::super::folders::make_folders;
use super::super::{Metadata, PLUGIN_FILE, Plugin};
use super::{InstallError, Outside, Package, Source, SourceKind, with_ending};
use crate::settings::join;

/// What the archive's first plugin.yaml says.
pub(super) fn metadata_of(listing: &Listing) -> Result<Metadata, InstallError> {
    let found = listing.find(PLUGIN_FILE).map_err(InstallError::ReadArchive)?;
    Metadata::read(&found.ok_or(InstallError::NoMetadataInArchive)?.data).map_err(InstallError::Metadata)
}

/// Where an archive was unpacked to, and what that is called.
struct Unpacked {
    /// The folder it is in, which is gone when this is dropped.
    _beside: tempfile::TempDir,
    /// Where it is.
    folder: PathBuf,
    /// Where it will be, or is said to be.
    shown: String,
}

impl Source {
    /// Unpacks a package and puts it into its place. Either all of it is there afterwards, or nothing.
    pub(super) fn place(&self, package: &Package, outside: &Outside, tell: &mut Tell<'_>) -> Result<(), InstallError> {
        let is_v4 = outside.compatibility == Compatibility::V4;
        let listing = Listing::of(&package.archive);
        let kept = match is_v4 {
            false => None,
            true => {
                let metadata = metadata_of(&listing)?;
                Some(PathBuf::from(join(&[
                    &outside.homes.data,
                    &format!("{}-{}.tgz", metadata.name, metadata.version),
                ])))
            }
        };
        let unpacked = self.unpack(&listing, outside)?;
        let root = self.root(&unpacked, outside.compatibility)?;
        if let SourceKind::Web { .. } | SourceKind::Registry { .. } = self.kind {
            replace(&unpacked.folder, Path::new(&unpacked.shown))?;
        }
        let shown = if root.is_empty() { unpacked.shown } else { join(&[&unpacked.shown, &root]) };
        tell("copying", &[("source", shown.clone()), ("path", self.path.display().to_string())]);
        if let Some(kept) = &kept {
            keep(kept, package)?;
        }
        copy_whole(Path::new(&shown), &self.path).inspect_err(|_| {
            // An archive without its plugin is not kept; what cannot be removed either cannot be helped.
            if let Some(kept) = &kept {
                drop(fs::remove_file(kept));
                drop(fs::remove_file(with_ending(kept, ".prov")));
            }
        })?;
        Ok(())
    }

    fn unpack(&self, listing: &Listing, outside: &Outside) -> Result<Unpacked, InstallError> {
        let (action, cache) = match &self.kind {
            SourceKind::Web { cache } => ("extracting files from archive", cache),
            SourceKind::Registry { cache } => ("failed to extract plugin", cache),
            _ => {
                let beside = extraction_folder(outside)?;
                let folder = beside.path().to_owned();
                let shown = folder.display().to_string();
                listing
                    .unpack(&folder, &shown, Folders::AsNeeded)
                    .map_err(|source| InstallError::Unpack { action: "failed to extract archive", source })?;
                return Ok(Unpacked { _beside: beside, folder, shown });
            }
        };
        let failed = |source| InstallError::Unpack { action, source };
        let caches = Path::new(&outside.homes.cache);
        make_folders(caches, Path::new(cache)).map_err(|reason| match self.kind {
            SourceKind::Registry { .. } => InstallError::File(format!("failed to create cache directory: {reason}")),
            _ => failed(ArchiveError::Write(reason)),
        })?;
        let beside = temporary_in(caches, ".unpacking-")?;
        let folder = beside.path().join("plugin");
        let folders = match outside.compatibility {
            Compatibility::V4 => Folders::AsNeeded,
            Compatibility::V3 => {
                // Helm 3 unpacks over what an earlier installation left there, and does not take that well.
                listing.check_folders(Path::new(cache), cache).map_err(failed)?;
                Folders::AsListed
            }
        };
        listing.unpack(&folder, cache, folders).map_err(failed)?;
        Ok(Unpacked { _beside: beside, folder, shown: cache.clone() })
    }

    /// The folder of the plugin within what was unpacked; empty for that itself.
    fn root(&self, unpacked: &Unpacked, compatibility: Compatibility) -> Result<String, InstallError> {
        let Unpacked { folder, shown, .. } = unpacked;
        let has_plugin = |folder: &Path| folder.join(PLUGIN_FILE).exists();
        if let SourceKind::Archive = self.kind {
            let inner = folder.join(&self.name);
            let folder = inner.display().to_string();
            return if has_plugin(&inner) { Ok(self.name.clone()) } else { Err(InstallError::OtherFolder { folder }) };
        }
        if compatibility == Compatibility::V3 {
            return if has_plugin(folder) { Ok(String::new()) } else { Err(InstallError::NoMetadata) };
        }
        let root = if has_plugin(folder) {
            String::new()
        } else {
            let folders = folders_in(folder)?;
            folders.into_iter().find(|name| has_plugin(&folder.join(name))).ok_or_else(|| match self.kind {
                SourceKind::Registry { .. } => InstallError::NoMetadata,
                _ => InstallError::TooDeep { folder: shown.clone() },
            })?
        };
        // Where the folder has another name than the archive, Helm looks whether the plugin can be loaded.
        if let SourceKind::Web { .. } = self.kind
            && root != self.name
        {
            let loaded = Plugin::load(&folder.join(&root), compatibility);
            let real = folder.display().to_string();
            loaded.map_err(|error| InstallError::Load {
                folder: join(&[shown, &root]),
                reason: sutler_chart::error_chain(&error).replace(&real, shown),
            })?;
        }
        Ok(root)
    }
}

/// The names of the folders in a folder, sorted.
fn folders_in(folder: &Path) -> Result<Vec<String>, InstallError> {
    let failed =
        |error: std::io::Error| InstallError::File(format!("open {}: {}", folder.display(), io_message(&error)));
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    names.sort();
    Ok(names)
}

/// Puts a folder into the place of another, or where none is.
fn replace(folder: &Path, place: &Path) -> Result<(), InstallError> {
    let failed = |action: &str, error: std::io::Error| {
        InstallError::File(format!("{action} {}: {}", place.display(), io_message(&error)))
    };
    match fs::remove_dir_all(place) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed("unlinkat", error)),
        _ => {}
    }
    fs::rename(folder, place).map_err(|error| failed("rename", error))
}

/// Keeps the archive and its provenance, so that the signature can be shown later.
fn keep(kept: &Path, package: &Package) -> Result<(), InstallError> {
    if let Some(folder) = kept.parent() {
        make_folders(folder, folder)
            .map_err(|reason| InstallError::File(format!("failed to create plugins directory: {reason}")))?;
    }
    write_whole(kept, &package.archive, Mode::Shared).map_err(InstallError::Keep)?;
    if let Some(provenance) = &package.provenance {
        write_whole(&with_ending(kept, ".prov"), provenance, Mode::Shared).map_err(InstallError::Keep)?;
    }
    Ok(())
}

/// A folder in the system's place for what is gone soon, named as Helm names it.
fn extraction_folder(outside: &Outside) -> Result<tempfile::TempDir, InstallError> {
    const MOST_TRIES: u32 = 10_000;
    const FAILED: &str = "failed to create temp directory";
    let place = &outside.homes.temporary;
    place
        .metadata()
        .map_err(|error| InstallError::File(format!("{FAILED}: stat {}: {}", place.display(), io_message(&error))))?;
    let mut reason = std::io::Error::from(std::io::ErrorKind::AlreadyExists);
    for number in 0..MOST_TRIES {
        let name = format!("helm-plugin-extract-{}", outside.seed.wrapping_add(number));
        match tempfile::Builder::new().prefix(&name).rand_bytes(0).tempdir_in(place) {
            Ok(folder) => return Ok(folder),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(error) => {
                reason = plain(&error);
                break;
            }
        }
    }
    let path = place.join(format!("helm-plugin-extract-{}", outside.seed));
    Err(InstallError::File(format!("{FAILED}: mkdir {}: {}", path.display(), io_message(&reason))))
}
