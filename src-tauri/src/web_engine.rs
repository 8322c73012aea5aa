//! Faults of WebKitGTK, the web engine of the app under Linux, and what the app does about them.

use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::{Duration, Instant};

use tauri::WebviewWindow;
use webkit2gtk::WebViewExt;

/// The engine's versions whose interpreter is switched off. Later ones may have no other interpreter to use instead.
const FAULTY: &str = "2.50.";
/// Switches that interpreter off.
const INTERPRETER_OFF: (&str, &str) = ("JSC_useWasmIPInt", "0");

/// Most times that a window is loaded again within [`RELOADS_PERIOD`]: a page that crashes the engine each time is left alone.
const RELOADS_MAX: usize = 3;
const RELOADS_PERIOD: Duration = Duration::from_secs(60);

/// Starts the program once more, in this process, without the engine's in-place interpreter of WebAssembly (IPInt). With it,
/// version 2.50 crashed in about one of fifty windows on a busy machine, in a local.set of the interpreter; the older
/// interpreter takes its place. The engine reads the setting from the environment only.
pub(crate) fn start_without_faulty_interpreter() {
    let (name, value) = INTERPRETER_OFF;
    let is_faulty = tauri::webview_version().is_ok_and(|version| version.starts_with(FAULTY));
    if !is_faulty || std::env::var_os(name).is_some() {
        return;
    }
    let Ok(program) = std::env::current_exe() else { return };
    let arguments = std::env::args_os().skip(1);
    // returns only when it fails, and then the program goes on with the interpreter
    let error = Command::new(program).args(arguments).env(name, value).exec();
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
