//! The template functions of Helm: sprig's and Helm's own.
