//! Starts the app's screens in the webview.

fn main() {
    happening_ui::start();
}
