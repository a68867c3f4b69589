//! Helm 3's log of what happens (`--debug`): each line with the place in Helm's source that says it, and the time.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use sutler_chart::{Remark, go_quoted};

/// The line that Helm 3.18.0 writes for a remark of level debug that a command makes; none where it says nothing.
pub(crate) fn line(remark: &Remark, command: &str, now: Timestamp) -> Option<String> {
    let detail = |at: usize| remark.details.get(at).map_or("", |(_, value)| value.as_str());
    let (place, text) = match remark.message.as_str() {
        "Original chart version" => ("install.go:225", format!("Original chart version: {}", go_quoted(detail(0)))),
        "original chart version" => {
            let place = if command == "search repo" { "search_repo.go:133" } else { "show.go:214" };
            (place, format!("Original chart version: {}", go_quoted(detail(0))))
        }
        "setting version to >0.0.0-0" => {
            let place = match command {
                "search repo" => "search_repo.go:140",
                "pull" => "pull.go:63",
                "template" => "install.go:227",
                _ => "show.go:216",
            };
            (place, remark.message.clone())
        }
        "setting version to >0.0.0" => ("search_repo.go:143", remark.message.clone()),
        "Chart path" => ("install.go:242", format!("CHART PATH: {}\n", detail(0))),
        "pluginDirs" => ("plugin_list.go:35", format!("pluginDirs: {}", detail(0))),
        "loading plugin" => {
            let place = if command == "plugin update" { "plugin_update.go:107" } else { "plugin_install.go:82" };
            (place, format!("loading plugin from {}", detail(0)))
        }
        "loading installer plugins" => {
            ("plugin_uninstall.go:63", format!("loading installed plugins from {}", detail(0)))
        }
        "loading installed plugins" => ("plugin_update.go:65", format!("loading installed plugins from {}", detail(0))),
        _ => return installing(remark),
    };
    Some(stamped(place, &text, now))
}

/// The line of an installer, which has its own log, without the time.
fn installing(remark: &Remark) -> Option<String> {
    let detail = |at: usize| remark.details.get(at).map_or("", |(_, value)| value.as_str());
    let (place, text) = match remark.message.as_str() {
        "symlinking" => ("local_installer.go:60", format!("symlinking {} to {}", detail(0), detail(1))),
        "copying" => ("http_installer.go:147", format!("copying {} to {}", detail(0), detail(1))),
        "copying files" => ("vcs_installer.go:91", format!("copying {} to {}", detail(0), detail(1))),
        "cloning" => ("vcs_installer.go:159", format!("cloning {} to {}", detail(0), detail(1))),
        // Of a clone in the cache the place is known, too.
        "updating" if remark.details.len() > 1 => ("vcs_installer.go:162", format!("updating {}", detail(0))),
        "updating" => ("vcs_installer.go:97", format!("updating {}", detail(0))),
        "found refs" => ("vcs_installer.go:131", format!("found refs: {}", detail(0))),
        "setting to version" => ("vcs_installer.go:142", format!("setting to {}", detail(0))),
        "setting version" => ("vcs_installer.go:152", format!("setting version to {}", go_quoted(detail(0)))),
        _ => return None,
    };
    Some(format!("[debug] {place}: {text}"))
}

/// What Helm 3 writes of the error that a command ended with. Helm shows the places of its own source below, which there are not.
pub(crate) fn failure(text: &str, now: Timestamp) -> String {
    stamped("helm.go:92", text, now)
}

/// A line with the time as Go's `Time.String` has it; the monotonic clock that ends it stands still here.
fn stamped(place: &str, text: &str, now: Timestamp) -> String {
    let time = now.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M:%S%.f %z %Z");
    format!("{place}: {time} m=+0.000000000 [debug] {text}")
}
