//! Rows as `kubectl get` prints them.
