//! Helm's command line: what is typed after `helm` comes in, and what Helm would print and answer comes out.
