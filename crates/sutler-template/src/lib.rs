//! Go's text/template language and its values, in Rust.
