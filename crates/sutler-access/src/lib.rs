//! IAM documents and the identity of pods: roles, trust, web identity.
