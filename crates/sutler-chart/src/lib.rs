//! Helm charts: load, merge values, render, exactly as Helm does.
