//! Links the program at a fixed address. A program that may be loaded anywhere has every pointer in its tables set right when
//! it starts: 38,000 of them here, on 165 pages, which takes longer than to render a chart.

use std::env::var;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    let target = |what: &str| var(format!("CARGO_CFG_TARGET_{what}")).unwrap_or_default();
    if target("OS") == "linux" && target("ENV") == "gnu" {
        println!("cargo:rustc-link-arg-bins=-no-pie");
    }
}
