//! The commands, one file each: arguments in, a library's call, the printer.

pub(crate) mod doctor;
pub(crate) mod down;
pub(crate) mod explain;
pub(crate) mod helm;
pub(crate) mod infra;
pub(crate) mod init;
pub(crate) mod kubeconfig;
pub(crate) mod lint;
pub(crate) mod lock;
pub(crate) mod plan;
pub(crate) mod ray;
pub(crate) mod render;
pub(crate) mod simulator;
pub(crate) mod status;
pub(crate) mod up;
