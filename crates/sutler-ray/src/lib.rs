//! Ray clusters on Kubernetes: size, bring up, take down.
