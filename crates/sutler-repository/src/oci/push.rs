//! Pushing: what a registry does not have yet, then the manifest under its tag (Helm's `Client.Push`).

use sutler_functions::url::Url;

use super::challenge::repository_scope;
use super::error::RegistryError;
use super::manifest::{Descriptor, MANIFEST_MEDIA_TYPE, Package};
use super::pull::check_header;
use super::reference::Reference;
use super::session::{Call, LONGEST_TRANSFER, escape};
use super::{RegistryClient, UNDERSCORE_REMARK};
use crate::transport::Method;

/// What a push did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pushed {
    /// The name under which it is found now.
    pub reference: String,
    /// The manifest's digest.
    pub digest: String,
}

impl RegistryClient<'_> {
    /// Pushes a chart to `registry.example.com/team/hub:1.2.3`. `remarks` gets what Helm writes to stderr.
    ///
    /// The tag is set last: whoever pulls it finds everything, or the chart of before.
    ///
    /// # Errors
    /// When the registry cannot be reached or refuses.
    pub fn push(&self, package: &Package, name: &str, remarks: &mut String) -> Result<Pushed, RegistryError> {
        let reference = Reference::parse(name)?;
        let manifest = &package.manifest;
        if !self.exists(&reference, &manifest.0, "manifests")? {
            for (descriptor, bytes) in package.parts() {
                if !self.exists(&reference, descriptor, "blobs")? {
                    self.upload(&reference, descriptor, bytes).map_err(|error| error.step("Push", "destination"))?;
                }
            }
        }
        self.tag(&reference, manifest).map_err(|error| error.step("Push", "destination"))?;
        let shown = reference.to_string();
        remarks.push_str(&format!("Pushed: {shown}\nDigest: {}\n", manifest.0.digest));
        if reference.tag.contains('_') {
            remarks.push_str(&format!("{shown} contains an underscore.\n{UNDERSCORE_REMARK}"));
        }
        Ok(Pushed { reference: shown, digest: manifest.0.digest.clone() })
    }

    fn exists(&self, reference: &Reference, descriptor: &Descriptor, kind: &str) -> Result<bool, RegistryError> {
        let url = self.url(reference, &format!("{kind}/{}", descriptor.digest));
        let mut call = Call::new(Method::Head, url, push_scope(reference));
        if kind == "manifests" {
            call.headers.push(("Accept", MANIFEST_MEDIA_TYPE));
        }
        let ask = || {
            let response = self.session.expect(&call, &self.store, &[200, 404])?;
            if response.status == 200 {
                check_header(&response, Method::Head, &descriptor.digest)?;
            }
            Ok(response.status == 200)
        };
        ask().map_err(|error: RegistryError| error.step("Exists", "destination"))
    }

    /// Sends bytes: asks where to, and puts them there.
    fn upload(&self, reference: &Reference, descriptor: &Descriptor, bytes: &[u8]) -> Result<(), RegistryError> {
        let begin = Call::new(Method::Post, self.url(reference, "blobs/uploads/"), push_scope(reference));
        let response = self.session.expect(&begin, &self.store, &[202])?;
        let location = response.header("location").unwrap_or_default();
        let malformed = |message: &str| RegistryError::Malformed {
            method: "POST",
            url: response.url.clone(),
            message: message.to_owned(),
        };
        if location.is_empty() {
            return Err(malformed("http: no Location header in response"));
        }
        let target = Url::parse(response.url.as_bytes())
            .and_then(|base| Ok(base.resolve(&Url::parse(location.as_bytes())?)))
            .map_err(|error| malformed(&error.to_string()))?
            .to_string();
        let separator = if target.contains('?') { '&' } else { '?' };
        let url = format!("{target}{separator}digest={}", escape(&descriptor.digest));
        let mut call = Call::new(Method::Put, url, push_scope(reference)).sent_by(reference.host());
        call.headers.push(("Content-Type", "application/octet-stream"));
        call.timeout = LONGEST_TRANSFER;
        call.body = bytes;
        self.session.expect(&call, &self.store, &[201])?;
        Ok(())
    }

    fn tag(&self, reference: &Reference, manifest: &(Descriptor, Vec<u8>)) -> Result<(), RegistryError> {
        let tag = reference.tag_or_digest()?;
        let url = self.url(reference, &format!("manifests/{tag}"));
        let mut call = Call::new(Method::Put, url, push_scope(reference));
        call.headers.push(("Content-Type", MANIFEST_MEDIA_TYPE));
        call.body = &manifest.1;
        let response = self.session.expect(&call, &self.store, &[201])?;
        check_header(&response, Method::Put, &manifest.0.digest)
    }
}

fn push_scope(reference: &Reference) -> String {
    repository_scope(&reference.repository, "pull,push")
}
