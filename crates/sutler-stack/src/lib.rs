//! stack.yaml: parse, check, plan, up, status, down.
//!
//! ```text
//! text ──file──▶ ReadFile ──stack──▶ Stack
//! ```

pub mod access;
pub mod adopt;
pub mod apply;
pub mod charts;
pub mod cloud;
pub mod contracts;
pub mod doctor;
pub mod eks;
pub mod event;
pub mod exposure;
pub mod file;
pub mod globals;
pub mod helmfile;
pub mod hubs;
pub mod infra;
pub mod init;
pub mod inputs;
pub mod kubeconfig;
pub mod lint;
pub mod load;
pub mod lock;
pub mod moving;
pub mod names;
pub mod observe;
pub mod observed;
pub mod operate;
pub mod outside;

pub mod permissions;
pub mod pins;
pub mod plan;
pub mod pods;
pub mod preflight;
pub mod prepare;
pub mod reach;
pub mod remote;
pub mod render;
pub mod root_module;
pub mod secrets;
pub mod session;
pub mod stack;
pub mod status;
pub mod tables;
pub mod world;
