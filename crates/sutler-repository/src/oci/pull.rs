//! Pulling: a manifest, and of what it points to that which a chart has (Helm's `Client.Pull`).

use std::collections::BTreeSet;

use super::challenge::repository_scope;
use super::error::RegistryError;
use super::manifest::{
    CHART_MEDIA_TYPE, CONFIG_MEDIA_TYPE, Descriptor, INDEX_MEDIA_TYPE, Index, LEGACY_CHART_MEDIA_TYPE,
    MANIFEST_MEDIA_TYPE, Manifest, PROVENANCE_MEDIA_TYPE, digest_like,
};
use super::reference::{Reference, check_digest};
use super::session::{Call, LARGEST_METADATA, LONGEST_TRANSFER};
use super::{RegistryClient, UNDERSCORE_REMARK};
use crate::cache::{CHART, ContentCache, Digest};
use crate::transport::{LARGEST_BODY, Method, Response};

/// Manifests that are understood, as Helm's library lists them.
const ACCEPT: &str = "application/vnd.docker.distribution.manifest.v2+json, \
     application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.oci.image.manifest.v1+json, \
     application/vnd.oci.image.index.v1+json, application/vnd.oci.artifact.manifest.v1+json";

/// How many manifests an index may point to.
const MOST_MANIFESTS: usize = 1000;

/// So many bytes more than announced are read, to tell of them in Helm's words.
const SLACK: u64 = 64 * 1024;

/// What to pull of a chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Its archive.
    Chart,
    /// Its provenance file.
    Provenance,
}

/// A chart, or its provenance, from a registry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pulled {
    /// The name under which it was found.
    pub reference: String,
    /// The manifest and its descriptor.
    pub manifest: (Descriptor, Vec<u8>),
    /// Chart.yaml as JSON.
    pub config: (Descriptor, Vec<u8>),
    /// What was asked for.
    pub content: (Descriptor, Vec<u8>),
}

impl RegistryClient<'_> {
    /// Pulls a part of a chart: `registry.example.com/team/hub:1.2.3`, with or without `oci://`, with a tag or `@` and a digest.
    ///
    /// All digests are checked. An archive that `cache` holds is not sent for. `remarks` gets what Helm writes to stderr.
    ///
    /// # Errors
    /// When the registry cannot be reached or refuses, when other bytes come than were announced, when it is no chart.
    pub fn pull(
        &self,
        name: &str,
        part: Part,
        cache: Option<&ContentCache>,
        remarks: &mut String,
    ) -> Result<Pulled, RegistryError> {
        let reference = Reference::parse(name)?;
        if reference.tag.is_empty() && !reference.digest.is_empty() {
            reference.tag_or_digest()?;
        }
        let root = self.manifest(&reference)?;
        let mut found = Found { manifests: Vec::new(), blobs: Vec::new(), seen: BTreeSet::new(), part };
        found.seen.insert(root.0.digest.clone());
        self.walk(&reference, &root, &mut found)?;

        let least = 2;
        let count = found.manifests.len() + found.blobs.len();
        if count < least {
            return Err(RegistryError::NoChart(format!(
                "manifest does not contain minimum number of descriptors ({least}), descriptors found: {count}"
            )));
        }
        let config = found.last(&[CONFIG_MEDIA_TYPE]);
        let content = match part {
            Part::Chart => found.last(&[CHART_MEDIA_TYPE, LEGACY_CHART_MEDIA_TYPE]),
            Part::Provenance => found.last(&[PROVENANCE_MEDIA_TYPE]),
        };
        if content.is_some_and(|descriptor| descriptor.media_type == LEGACY_CHART_MEDIA_TYPE) {
            remarks.push_str(&format!("Warning: chart media type {LEGACY_CHART_MEDIA_TYPE} is deprecated\n"));
        }
        let config = config.ok_or_else(|| {
            RegistryError::NoChart(format!("could not load config with mediatype {CONFIG_MEDIA_TYPE}"))
        })?;
        let content = content.ok_or_else(|| {
            let wanted = match part {
                Part::Chart => CHART_MEDIA_TYPE,
                Part::Provenance => PROVENANCE_MEDIA_TYPE,
            };
            RegistryError::NoChart(format!("manifest does not contain a layer with mediatype {wanted}"))
        })?;
        let (config, content) = (config.clone(), content.clone());

        let config_bytes = self.blob(&reference, &config)?;
        serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(&config_bytes).map_err(|error| {
            RegistryError::Json(format!("the chart's description {} is no object of JSON: {error}", config.digest))
        })?;
        let content_bytes = match cached(&content, part, cache) {
            Some(bytes) => bytes,
            None => self.blob(&reference, &content)?,
        };
        let shown = reference.to_string();
        remarks.push_str(&format!("Pulled: {shown}\nDigest: {}\n", root.0.digest));
        if shown.contains('_') {
            remarks.push_str(&format!("{shown} contains an underscore.\n{UNDERSCORE_REMARK}"));
        }
        Ok(Pulled {
            reference: shown,
            manifest: root,
            config: (config, config_bytes),
            content: (content, content_bytes),
        })
    }

    /// The manifest that a reference names, its digest checked.
    pub(super) fn manifest(&self, reference: &Reference) -> Result<(Descriptor, Vec<u8>), RegistryError> {
        let fetch = || -> Result<(Descriptor, Vec<u8>), RegistryError> {
            let wanted = reference.tag_or_digest()?;
            let mut call =
                Call::new(Method::Get, self.url(reference, &format!("manifests/{wanted}")), pull_scope(reference));
            call.headers.push(("Accept", ACCEPT));
            let response = self.session.expect(&call, &self.store, &[200, 404])?;
            if response.status == 404 {
                return Err(RegistryError::NotFound(reference.to_string()));
            }
            let expected = Some(reference.digest.as_str()).filter(|_| reference.tag.is_empty());
            Ok((describe(&response, expected)?, response.body))
        };
        let (descriptor, body) = fetch().map_err(|error| error.step("FetchReference", "source"))?;
        descriptor.check(&body).map_err(|error| RegistryError::from(error).step("Successors", "source"))?;
        Ok((descriptor, body))
    }

    /// Collects what a manifest, or an index of manifests, points to and a chart may have.
    fn walk(
        &self,
        reference: &Reference,
        root: &(Descriptor, Vec<u8>),
        found: &mut Found,
    ) -> Result<(), RegistryError> {
        let not_json = |what: &Descriptor, error: serde_json::Error| {
            RegistryError::Json(format!("the manifest {} is no manifest: {error}", what.digest))
                .step("Successors", "source")
        };
        match root.0.media_type.as_str() {
            MANIFEST_MEDIA_TYPE => {
                let manifest: Manifest = serde_json::from_slice(&root.1).map_err(|error| not_json(&root.0, error))?;
                found.add(manifest);
                found.manifests.push(root.0.clone());
            }
            INDEX_MEDIA_TYPE => {
                let index: Index = serde_json::from_slice(&root.1).map_err(|error| not_json(&root.0, error))?;
                for descriptor in index.manifests.iter().take(MOST_MANIFESTS) {
                    if descriptor.media_type != MANIFEST_MEDIA_TYPE || !found.seen.insert(descriptor.digest.clone()) {
                        continue;
                    }
                    let bytes = self.bytes_of(reference, descriptor, "manifests")?;
                    let manifest = serde_json::from_slice(&bytes).map_err(|error| not_json(descriptor, error))?;
                    found.add(manifest);
                    found.manifests.push(descriptor.clone());
                }
                found.manifests.push(root.0.clone());
            }
            _ => {
                let Descriptor { media_type, digest, .. } = &root.0;
                return Err(RegistryError::NoChart(format!(
                    "unable to retrieve blob with digest {digest}: {digest}: {media_type}: not found"
                )));
            }
        }
        Ok(())
    }

    pub(super) fn blob(&self, reference: &Reference, descriptor: &Descriptor) -> Result<Vec<u8>, RegistryError> {
        self.bytes_of(reference, descriptor, "blobs")
    }

    /// The bytes that a descriptor points to.
    fn bytes_of(&self, reference: &Reference, descriptor: &Descriptor, kind: &str) -> Result<Vec<u8>, RegistryError> {
        let fetch = || -> Result<Vec<u8>, RegistryError> {
            let digest = &descriptor.digest;
            // A digest becomes part of a URL: what is none must not lead elsewhere.
            check_digest(digest).map_err(|error| super::manifest::ContentError::Digest(digest.clone(), error))?;
            let mut call =
                Call::new(Method::Get, self.url(reference, &format!("{kind}/{digest}")), pull_scope(reference));
            if kind == "manifests" {
                call.headers.push(("Accept", &descriptor.media_type));
            } else {
                // Not much more than was announced: whoever sends more lies.
                call.largest_body = LARGEST_BODY.min(u64::try_from(descriptor.size).unwrap_or(0) + SLACK);
                call.timeout = LONGEST_TRANSFER;
            }
            let response = self.session.expect(&call, &self.store, &[200, 404])?;
            if response.status == 404 {
                return Err(RegistryError::NotFound(digest.clone()));
            }
            let announced = response.header("content-length").and_then(|length| length.parse::<i64>().ok());
            if announced.is_some_and(|length| length != descriptor.size) {
                let message = "mismatch Content-Length".to_owned();
                return Err(RegistryError::Malformed { method: "GET", url: response.url, message });
            }
            check_header(&response, Method::Get, digest)?;
            Ok(response.body)
        };
        let bytes = fetch().map_err(|error| error.step("Fetch", "source"))?;
        descriptor.check(&bytes).map_err(|error| RegistryError::from(error).step("Push", "destination"))?;
        Ok(bytes)
    }

    /// The descriptor of the manifest that a reference names, without the manifest itself.
    pub(super) fn describe(&self, reference: &Reference) -> Result<Descriptor, RegistryError> {
        let wanted = reference.tag_or_digest()?;
        let mut call =
            Call::new(Method::Head, self.url(reference, &format!("manifests/{wanted}")), pull_scope(reference));
        call.headers.push(("Accept", ACCEPT));
        let response = self.session.expect(&call, &self.store, &[200, 404])?;
        if response.status == 404 {
            return Err(RegistryError::NotFound(reference.to_string()));
        }
        let digest = response.header("docker-content-digest").unwrap_or_default().to_owned();
        if digest.is_empty() {
            let message = "HTTP HEAD request missing required header \"Docker-Content-Digest\"".to_owned();
            return Err(RegistryError::Malformed { method: "HEAD", url: response.url, message });
        }
        Ok(Descriptor { media_type: String::new(), digest, size: 0 })
    }
}

/// What was found below a manifest.
struct Found {
    manifests: Vec<Descriptor>,
    /// Of the media types that the part of a chart has.
    blobs: Vec<Descriptor>,
    seen: BTreeSet<String>,
    part: Part,
}

impl Found {
    fn add(&mut self, manifest: Manifest) {
        let wanted: &[&str] = match self.part {
            Part::Chart => &[CONFIG_MEDIA_TYPE, CHART_MEDIA_TYPE, LEGACY_CHART_MEDIA_TYPE],
            Part::Provenance => &[CONFIG_MEDIA_TYPE, PROVENANCE_MEDIA_TYPE],
        };
        for descriptor in std::iter::once(manifest.config).chain(manifest.layers) {
            if wanted.contains(&descriptor.media_type.as_str()) && self.seen.insert(descriptor.digest.clone()) {
                self.blobs.push(descriptor);
            }
        }
    }

    fn last(&self, media_types: &[&str]) -> Option<&Descriptor> {
        self.blobs.iter().rev().find(|descriptor| media_types.contains(&descriptor.media_type.as_str()))
    }
}

fn cached(descriptor: &Descriptor, part: Part, cache: Option<&ContentCache>) -> Option<Vec<u8>> {
    let digest = Digest::parse(&descriptor.digest).ok().filter(|_| part == Part::Chart)?;
    let bytes = std::fs::read(cache?.get(&digest, CHART)?).ok()?;
    descriptor.check(&bytes).is_ok().then_some(bytes)
}

pub(super) fn pull_scope(reference: &Reference) -> String {
    repository_scope(&reference.repository, "pull")
}

/// The descriptor of a manifest that came, by what the answer says and what was asked for.
fn describe(response: &Response, expected: Option<&str>) -> Result<Descriptor, RegistryError> {
    let malformed = |message: String| RegistryError::Malformed { method: "GET", url: response.url.clone(), message };
    let media_type = response.header("content-type").unwrap_or_default();
    let media_type = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if media_type.is_empty() {
        return Err(malformed("invalid response `Content-Type` header; mime: no media type".to_owned()));
    }
    let size = i64::try_from(response.body.len()).unwrap_or(i64::MAX);
    debug_assert!(response.body.len() as u64 <= LARGEST_METADATA);
    let announced = response.header("docker-content-digest").filter(|digest| !digest.is_empty());
    if let Some(Err(error)) = announced.map(check_digest) {
        let header = announced.unwrap_or_default();
        let message = format!("invalid response header value: `Docker-Content-Digest: {header}`; {error}");
        return Err(malformed(message));
    }
    let digest = match announced {
        Some(digest) => digest.to_owned(),
        None => digest_like(expected.unwrap_or_default(), &response.body),
    };
    if let Some(expected) = expected.filter(|expected| *expected != digest) {
        return Err(mismatch(response, Method::Get, &digest, expected));
    }
    Ok(Descriptor { media_type, digest, size })
}

/// Refuses an answer that says of itself that it is something else.
pub(super) fn check_header(response: &Response, method: Method, expected: &str) -> Result<(), RegistryError> {
    match response.header("docker-content-digest").filter(|digest| !digest.is_empty() && *digest != expected) {
        None => Ok(()),
        Some(digest) if check_digest(digest).is_err() => {
            let message = format!("invalid response header: `Docker-Content-Digest: {digest}`");
            Err(RegistryError::Malformed { method: method.as_str(), url: response.url.clone(), message })
        }
        Some(digest) => Err(mismatch(response, method, digest, expected)),
    }
}

fn mismatch(response: &Response, method: Method, received: &str, expected: &str) -> RegistryError {
    let message = format!(
        "invalid response; digest mismatch in Docker-Content-Digest: received {} when expecting {}",
        sutler_chart::go_quoted(received),
        sutler_chart::go_quoted(expected)
    );
    RegistryError::Malformed { method: method.as_str(), url: response.url.clone(), message }
}
