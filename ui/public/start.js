import init from "/happening_ui.js";

// A trap of WebAssembly stops the screens for good: a panic ends in one, and so does a fault of the web engine. It is handled
// here and not in Rust, because nothing of the screens can be relied on any more.
function stopped(error) {
  if (!(error instanceof WebAssembly.RuntimeError) || document.querySelector("#breakdown")) return;
  window.__TAURI__?.core.invoke("broke_down", { message: `${error.message}\n${error.stack}` });
  const add = (parent, tag, className, text = "") => {
    const element = document.createElement(tag);
    element.className = className;
    element.textContent = text;
    return parent.appendChild(element);
  };
  const dialog = add(document.body, "dialog", "dialog");
  dialog.id = "breakdown";
  dialog.role = "alertdialog";
  dialog.setAttribute("aria-labelledby", "breakdown-title");
  add(add(dialog, "header", "dialog-head"), "h2", "", "This window has stopped working").id = "breakdown-title";
  const words = "The fault is in the app, and is noted in its log. If you have just booked or changed something, look whether it "
    + "was done before you do it again.";
  add(add(dialog, "div", "dialog-body"), "p", "", words);
  const again = add(add(dialog, "footer", "dialog-foot"), "button", "button primary", "Load the window again");
  again.addEventListener("click", () => location.reload());
  dialog.addEventListener("cancel", (event) => event.preventDefault());
  dialog.showModal();
}

addEventListener("error", (event) => stopped(event.error));
addEventListener("unhandledrejection", (event) => stopped(event.reason));

init({ module_or_path: "/happening_ui_bg.wasm" });
