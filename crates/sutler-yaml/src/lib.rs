//! YAML as Helm reads it (with positions) and as Go's yaml package writes it.
