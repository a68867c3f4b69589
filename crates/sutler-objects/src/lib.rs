//! Kubernetes objects as data: kinds, quantities, selectors, patches, server-side apply, readiness.
