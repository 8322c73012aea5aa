import init from "/happening_ui.js";

init({ module_or_path: "/happening_ui_bg.wasm" });
