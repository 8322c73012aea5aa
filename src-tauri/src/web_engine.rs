//! Faults of WebKitGTK, the web engine of the app under Linux, and what the app does about them.

use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::{Duration, Instant};

use tauri::WebviewWindow;
use webkit2gtk::WebViewExt;

/// The engine's versions that get [`SETTINGS`]. Later ones may need what they switch off.
const FAULTY: &str = "2.50.";
/// Both interpreters of WebAssembly off, and no change of code within a running function.
const SETTINGS: [(&str, &str); 3] = [("JSC_useWasmIPInt", "0"), ("JSC_useWasmLLInt", "0"), ("JSC_useWasmOSR", "0")];

/// Most times that a window is loaded again within [`RELOADS_PERIOD`]: a page that crashes the engine each time is left alone.
const RELOADS_MAX: usize = 3;
const RELOADS_PERIOD: Duration = Duration::from_secs(60);

/// Starts the program once more, in this process, with settings that keep the engine from interpreting WebAssembly first and
/// replacing the code of functions while they run. On busy machines version 2.50 failed now and then around that: a crash in its
/// interpreter's `local.set`, or an access outside of the memory in code that is right. The engine reads the settings from the
/// environment only.
pub(crate) fn start_with_settings() {
    let is_faulty = tauri::webview_version().is_ok_and(|version| version.starts_with(FAULTY));
    if !is_faulty || SETTINGS.iter().any(|(name, _)| std::env::var_os(name).is_some()) {
        return;
    }
    let Ok(program) = std::env::current_exe() else { return };
    let arguments = std::env::args_os().skip(1);
    // returns only when it fails, and then the program goes on with the engine's defaults
    let error = Command::new(program).args(arguments).envs(SETTINGS).exec();
    eprintln!("Happening starts with the web engine's defaults: {error}");
}

/// Loads a window again when the process that shows its page has ended. Without that, the window stays blank.
pub(crate) fn reload_after_crash(window: &WebviewWindow) {
    let label = window.label().to_owned();
    let watched = window.with_webview(move |webview| {
        let reloads = std::cell::RefCell::new(Vec::new());
        webview.inner().connect_web_process_terminated(move |view, reason| {
            tracing::error!(window = label, ?reason, "a web process has ended");
            if may_reload(&mut reloads.borrow_mut(), Instant::now()) {
                view.reload();
            }
        });
    });
    if let Err(error) = watched {
        tracing::warn!(%error, "a crash of the web engine will not be noticed");
    }
}

/// Notes a reload, unless there were too many just now.
fn may_reload(reloads: &mut Vec<Instant>, now: Instant) -> bool {
    reloads.retain(|at| now.duration_since(*at) < RELOADS_PERIOD);
    let may = reloads.len() < RELOADS_MAX;
    if may {
        reloads.push(now);
    }
    may
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_that_crashes_each_time_is_left_alone() {
        let (mut reloads, start) = (Vec::new(), Instant::now());
        let mut may = |seconds| may_reload(&mut reloads, start + Duration::from_secs(seconds));
        assert_eq!([may(0), may(1), may(2), may(3), may(59)], [true, true, true, false, false]);
        assert_eq!([may(60), may(60)], [true, false]);
    }
}
