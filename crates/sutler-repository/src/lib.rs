//! Chart repositories as Helm uses them: HTTP index files, OCI registries, `Chart.lock`, provenance, and the files and caches
//! shared with Helm. All I/O of charts beyond reading a folder or an archive is here.
