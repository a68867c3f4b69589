//! What the linter says of charts, rule by rule.
