//! What a person does on the page and sees there, through the WebDriver.

use std::time::Duration;

use anyhow::{Result, bail};
use fantoccini::Locator;
use fantoccini::actions::{InputSource, KeyAction, KeyActions, MOUSE_BUTTON_LEFT, MouseActions, PointerAction};
use fantoccini::error::CmdError;

use super::{Desktop, PATIENCE};
use crate::world::wait_for;

impl Desktop {
    /// Opens an address, in a program that is a browser.
    ///
    /// # Errors
    /// When it does not load.
    pub async fn open(&self, url: &str) -> Result<()> {
        Ok(self.driver()?.goto(url).await?)
    }

    /// Waits for an element that can be clicked, and clicks it. A button that is disabled takes the click and does nothing, so it is
    /// waited for.
    ///
    /// # Errors
    /// When it does not come.
    pub async fn click(&self, css: &str) -> Result<()> {
        let clicked = wait_for(css, PATIENCE, || async {
            // an element can be redrawn between finding and clicking it
            match self.driver()?.find(Locator::Css(css)).await {
                Ok(element) => match element.prop("disabled").await {
                    Ok(Some(disabled)) if disabled == "true" => Ok(None),
                    _ => Ok(element.click().await.ok()),
                },
                Err(_) => Ok(None),
            }
        })
        .await;
        self.or_what_is_shown(clicked).await
    }

    /// Waits for a button with that text and clicks it.
    ///
    /// # Errors
    /// When it does not come.
    pub async fn click_text(&self, text: &str) -> Result<()> {
        self.click_text_of("button", text).await
    }

    /// Waits for an element of a kind with that text and clicks it.
    ///
    /// # Errors
    /// When it does not come.
    pub async fn click_text_of(&self, tag: &str, text: &str) -> Result<()> {
        let path = format!("//{tag}[contains(normalize-space(.), \"{text}\") and not(@disabled)]");
        let clicked = wait_for(text, PATIENCE, || async {
            match self.driver()?.find(Locator::XPath(&path)).await {
                Ok(element) => Ok(element.click().await.ok()),
                Err(_) => Ok(None),
            }
        })
        .await;
        self.or_what_is_shown(clicked).await
    }

    /// Waits until the window shows a text.
    ///
    /// # Errors
    /// When it does not; the message has what is shown instead.
    pub async fn sees(&self, text: &str) -> Result<()> {
        let seen = wait_for(text, PATIENCE, || async { Ok(self.text().await?.contains(text).then_some(())) }).await;
        self.or_what_is_shown(seen).await
    }

    async fn or_what_is_shown(&self, seen: Result<()>) -> Result<()> {
        match seen {
            Ok(()) => Ok(()),
            Err(error) => {
                self.picture("missing-text").ok();
                let logs = self.logs().unwrap_or_default(); // the failure matters more
                let last: Vec<&str> = logs.lines().rev().take(20).collect();
                let last: Vec<&str> = last.into_iter().rev().collect();
                // a window that is gone shows nothing; the log may say why
                let shown = self.text().await.unwrap_or_else(|gone| format!("nothing: {gone:#}"));
                bail!("{error:#}; the window shows:\n{shown}\nThe app's log ends so:\n{}", last.join("\n"))
            }
        }
    }

    /// Waits until the page holds a text, whether it is in sight or not.
    ///
    /// # Errors
    /// When it does not.
    pub async fn exists_text(&self, text: &str) -> Result<()> {
        let script = "return document.body.textContent + [...document.querySelectorAll('[placeholder]')].map(e => e.placeholder).join()";
        let seen = wait_for(text, PATIENCE, || async {
            Ok(self.script(script).await?.as_str().is_some_and(|all| all.contains(text)).then_some(()))
        })
        .await;
        self.or_what_is_shown(seen).await
    }

    /// Waits until the page holds an element.
    ///
    /// # Errors
    /// When it does not.
    pub async fn exists(&self, css: &str) -> Result<()> {
        self.becomes(&format!("return !!document.querySelector(`{css}`)"), true).await
    }

    /// Waits until the page holds no such element any more.
    ///
    /// # Errors
    /// When it stays.
    pub async fn exists_no_more(&self, css: &str) -> Result<()> {
        self.becomes(&format!("return !document.querySelector(`{css}`)"), true).await
    }

    /// Chooses an entry of a list by its value.
    ///
    /// # Errors
    /// When the list or the entry does not come.
    pub async fn choose(&self, css: &str, value: &str) -> Result<()> {
        let script = format!(
            "const list = document.querySelector(`{css}`);
            if (!list || ![...list.options].some(one => one.value === `{value}`)) return false;
            list.value = `{value}`;
            list.dispatchEvent(new Event('change', {{ bubbles: true }}));
            return true;"
        );
        self.becomes(&script, true).await
    }

    /// Waits until the window no longer shows a text.
    ///
    /// # Errors
    /// When it goes on showing it.
    pub async fn sees_no_more(&self, text: &str) -> Result<()> {
        let gone = wait_for(text, PATIENCE, || async { Ok((!self.text().await?.contains(text)).then_some(())) }).await;
        self.or_what_is_shown(gone).await
    }

    /// Everything that the window shows, as text.
    ///
    /// # Errors
    /// When the driver is gone.
    pub async fn text(&self) -> Result<String> {
        let value = self.script("return document.body ? document.body.innerText : ''").await?;
        Ok(value.as_str().unwrap_or_default().to_owned())
    }

    /// Runs a script in the window and answers what it returns.
    ///
    /// # Errors
    /// When it fails.
    pub async fn script(&self, script: &str) -> Result<serde_json::Value> {
        match self.driver()?.execute(script, Vec::new()).await {
            // some have no message, and say what is wrong by their kind alone
            Err(CmdError::Standard(error)) => bail!("the WebDriver says \"{}\": {}", error.error, error.message),
            other => Ok(other?),
        }
    }

    /// Waits until a script returns this. A text that is seen is no sign that everything of its screen is done: the focus moves and
    /// the canvas is drawn later.
    ///
    /// # Errors
    /// When it does not; the message has what it returns instead.
    pub async fn becomes(&self, script: &str, wanted: impl Into<serde_json::Value>) -> Result<()> {
        let wanted = wanted.into();
        let there = wait_for(script, PATIENCE, || async { Ok((self.script(script).await? == wanted).then_some(())) });
        let Err(error) = there.await else { return Ok(()) };
        let last = self.script(script).await.map_or_else(|gone| format!("{gone:#}"), |last| last.to_string());
        self.or_what_is_shown(Err(error.context(format!("it returns {last}, not {wanted}")))).await
    }

    /// Runs a script that calls its last argument when it is done, and answers what it was called with.
    ///
    /// # Errors
    /// When it fails.
    pub async fn script_async(&self, script: &str) -> Result<serde_json::Value> {
        Ok(self.driver()?.execute_async(script, Vec::new()).await?)
    }

    /// As [`Self::script_async`], with an argument for the script. It may take minutes.
    ///
    /// # Errors
    /// When it fails.
    pub async fn script_with(&self, script: &str, argument: serde_json::Value) -> Result<serde_json::Value> {
        let driver = self.driver()?;
        let minutes = Duration::from_secs(600);
        let timeouts = fantoccini::wd::TimeoutConfiguration::new(Some(minutes), Some(minutes), None);
        driver.update_timeouts(timeouts).await?;
        Ok(driver.execute_async(script, vec![argument]).await?)
    }

    /// Makes the window so many pixels wide and high.
    ///
    /// # Errors
    /// When the driver is gone.
    pub async fn resize(&self, width: u32, height: u32) -> Result<()> {
        Ok(self.driver()?.set_window_rect(0, 0, width, height).await?)
    }

    /// Where the middle of an element is on the page, in CSS pixels.
    ///
    /// # Errors
    /// When there is no such element.
    pub async fn centre(&self, css: &str) -> Result<(f32, f32)> {
        let script = format!(
            "const r = document.querySelector(`{css}`).getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]"
        );
        Ok(serde_json::from_value(self.script(&script).await?)?)
    }

    /// Goes to a screen by its address within the app, such as `/events`.
    ///
    /// # Errors
    /// When the driver is gone.
    pub async fn go(&self, route: &str) -> Result<()> {
        self.script(&format!("location.hash = '#{route}'")).await.map(drop)
    }

    /// Types into a field, in place of what it holds.
    ///
    /// # Errors
    /// When it does not come.
    pub async fn fill(&self, css: &str, text: &str) -> Result<()> {
        wait_for(css, PATIENCE, || async {
            let Ok(element) = self.driver()?.find(Locator::Css(css)).await else { return Ok(None) };
            // it can be redrawn between the steps; clearing it again starts over
            let typed = async {
                element.clear().await?;
                element.send_keys(text).await
            };
            Ok(typed.await.ok())
        })
        .await
    }

    /// Presses keys, wherever the focus is. Special keys are WebDriver's code points, as `\u{e004}` for Tab.
    ///
    /// # Errors
    /// When the driver is gone.
    pub async fn press(&self, keys: &str) -> Result<()> {
        wait_for("an element with the focus", PATIENCE, || async {
            // it can be redrawn between asking for it and typing
            match self.driver()?.active_element().await {
                Ok(element) => Ok(element.send_keys(keys).await.ok()),
                Err(_) => Ok(None),
            }
        })
        .await
    }

    /// Moves the pointer to a point of the page, in CSS pixels, as a hand does: not at once.
    ///
    /// # Errors
    /// When the driver is gone.
    pub async fn point(&self, at: (f32, f32)) -> Result<()> {
        self.hand(&[at], false).await
    }

    /// Presses the pointer's button at the first point and lets go at the last one.
    ///
    /// # Errors
    /// When the driver is gone.
    pub async fn drag(&self, points: &[(f32, f32)]) -> Result<()> {
        self.hand(points, true).await
    }

    /// As [`Desktop::drag`], with the shift key held.
    ///
    /// # Errors
    /// When the driver is gone.
    pub async fn drag_with_shift(&self, points: &[(f32, f32)]) -> Result<()> {
        let shift = |down: bool| {
            let value = '\u{e008}';
            let action = if down { KeyAction::Down { value } } else { KeyAction::Up { value } };
            KeyActions::new("keys".to_owned()).then(action)
        };
        self.driver()?.perform_actions(shift(true)).await?;
        self.hand(points, true).await?;
        Ok(self.driver()?.perform_actions(shift(false)).await?)
    }

    async fn hand(&self, points: &[(f32, f32)], pressed: bool) -> Result<()> {
        let mut hand = MouseActions::new("hand".to_owned());
        for (n, (x, y)) in points.iter().enumerate() {
            let duration = Some(Duration::from_millis(50));
            hand = hand.then(PointerAction::MoveTo { duration, x: f64::from(*x), y: f64::from(*y) });
            if pressed && n == 0 {
                hand = hand.then(PointerAction::Down { button: MOUSE_BUTTON_LEFT });
            }
        }
        if pressed {
            hand = hand.then(PointerAction::Up { button: MOUSE_BUTTON_LEFT });
        }
        Ok(self.driver()?.perform_actions(hand).await?)
    }
}
