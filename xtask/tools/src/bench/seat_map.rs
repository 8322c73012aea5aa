//! `bench seat-map`: measures the seat map in the real app's window, without services.

use anyhow::{Context, Result, ensure};
use happening_stack::progress::{say, step};
use happening_stack::project::target;
use happening_tests::desktop::Desktop;
use serde_json::{Value, json};

use super::report_as;

const HALLS: [i32; 2] = [10_000, 100_000];

/// Draws the map, puts bare pixels of the same size, and builds a grid of elements. Answers medians of `runs` runs, in
/// milliseconds.
const MEASURE: &str = r#"
const [seats, runs] = [arguments[0], 15], done = arguments[arguments.length - 1];
const median = list => list.sort((a, b) => a - b)[Math.floor(list.length / 2)];
const timed = work => { const start = performance.now(); work(); return performance.now() - start; };
// the engine's clock is coarse, so each time is that of many runs
const many = work => {
    let repeats = 1;
    while (timed(() => { for (let n = 0; n < repeats; n++) work(); }) < 40) repeats *= 2;
    return median(Array.from({ length: runs }, () => timed(() => { for (let n = 0; n < repeats; n++) work(); }) / repeats));
};
// what a person sees: how long a frame takes while each shows something else
const paced = async work => {
    const start = performance.now();
    for (let n = 0; n < 60; n++) { work(); await new Promise(requestAnimationFrame); }
    return (performance.now() - start) / 60;
};
const frame = () => new Promise(next => requestAnimationFrame(() => requestAnimationFrame(next)));
(async () => {
    const { SeatMapBench } = await import('/happening_ui.js');
    const [canvas, words] = ['canvas', 'canvas'].map(name => {
        const element = document.createElement(name);
        element.style.cssText = 'position:fixed;inset:0;width:900px;height:640px';
        document.body.append(element);
        return element;
    });
    await frame();
    let bench;
    const first = timed(() => { bench = new SeatMapBench(seats, 900, 640); bench.draw(canvas, words); });
    await frame();
    const changed = one_of => { bench.will_change(one_of); return many(() => { bench.change(); bench.draw(canvas, words); }); };
    const redraw = changed(1e9), update = changed(100), all = changed(1);
    const anew = many(() => { bench.turn(); bench.draw(canvas, words); });
    const context = canvas.getContext('2d');
    const pixels = new ImageData(canvas.width, canvas.height);
    pixels.data.fill(200);
    const bare = many(() => context.putImageData(pixels, 0, 0));
    const pan = await paced(() => { bench.turn(); bench.draw(canvas, words); });
    const still = await paced(() => context.putImageData(pixels, 0, 0));
    const close = timed(() => { canvas.remove(); words.remove(); document.body.offsetHeight; });

    const sheet = document.styleSheets[0];
    for (const rule of ['.grid-bench{position:fixed;inset:0;overflow:auto;line-height:0}', '.grid-bench i{display:inline-block;width:8px;height:8px;margin:1px;background:#4c6f66}', '.grid-bench.other i{background:#c2bbab}', '.grid-bench i.taken{background:#a93420}'])
        sheet.insertRule(rule, sheet.cssRules.length);
    const grid = document.createElement('div');
    grid.className = 'grid-bench';
    const build = timed(() => {
        for (let n = 0; n < seats; n++) grid.append(document.createElement('i'));
        document.body.append(grid);
        grid.offsetHeight;
    });
    await frame();
    const look = () => getComputedStyle(grid.lastChild).backgroundColor + grid.offsetHeight;
    const restyle = median(Array.from({ length: 5 }, () => timed(() => { grid.classList.toggle('other'); look(); })));
    const some = [...grid.children].filter((_, n) => n % 100 === 0);
    const partly = median(Array.from({ length: 5 }, () => timed(() => { some.forEach(one => one.classList.toggle('taken')); look(); })));
    // taking 100,000 elements away takes minutes in this engine; the window's end does it
    const remove = seats > 20000 ? null : timed(() => { grid.remove(); document.body.offsetHeight; });
    done({ seats, first, redraw, update, all, anew, bare, pan, still, close, grid: { build, restyle, partly, remove } });
})().catch(error => done({ failed: String(error) }));
"#;

/// Runs the benchmark.
///
/// # Errors
/// When the app does not start or the script fails.
pub(super) async fn run() -> Result<()> {
    let folder = target().join("bench-desktop");
    let app = target().join("debug/happening");
    let mut figures = Vec::new();
    step("Drawing");
    for seats in HALLS {
        // a new window for each hall, so that garbage of one does not slow the next
        let mut desktop = Desktop::at(&folder, &app, "http://127.0.0.1:9", false).await?;
        desktop.start_app().await?;
        desktop.sees("Your seat, or your place in line.").await?;
        let measured = desktop.script_with(MEASURE, json!(seats)).await?;
        ensure!(measured.get("failed").is_none(), "the script failed: {measured}");
        say(&line(&measured).context("figures are missing")?);
        figures.push(measured);
    }
    report_as("seat-map", &json!(figures))
}

fn line(measured: &Value) -> Option<String> {
    let of = |name: &str| measured[name].as_f64();
    let grid = |name: &str| measured["grid"][name].as_f64();
    let (redraw, bare, restyle) = (of("redraw")?, of("bare")?, grid("restyle")?);
    Some(format!(
        "{} seats: first paint {:.1} ms, redraw for a seat {redraw:.2} ms ({:.2} x bare pixels of {bare:.3} ms, {:.4} x the grid's restyle of {restyle:.1} ms), \
        for all seats {:.3} ms ({:.2} x bare, {:.4} x restyle), of another view {:.2} ms ({:.1} x bare, {:.4} x restyle), for 1 % {:.1} ms (grid {:.1} ms), a frame of moving {:.1} ms (of bare pixels {:.1} ms), close {:.1} ms (grid {})",
        measured["seats"],
        of("first")?,
        redraw / bare,
        redraw / restyle,
        of("all")?,
        of("all")? / bare,
        of("all")? / restyle,
        of("anew")?,
        of("anew")? / bare,
        of("anew")? / restyle,
        of("update")?,
        grid("partly")?,
        of("pan")?,
        of("still")?,
        of("close")?,
        grid("remove").map_or_else(|| "not measured".to_owned(), |ms| format!("{ms:.0} ms")),
    ))
}
