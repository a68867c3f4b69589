//! Helm releases: install, upgrade, uninstall, history, recorded as Helm records them.
