//! The app's screens: starts in the webview.

fn main() {
    happening_ui::start();
}
