//! Templates from a grammar, which Go and this crate must execute alike.
