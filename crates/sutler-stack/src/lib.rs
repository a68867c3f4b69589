//! stack.yaml: parse, check, plan, up, status, down.
