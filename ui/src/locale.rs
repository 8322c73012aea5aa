//! Formats numbers, lists and dates: in English, like the texts, by the customs of this machine's region.

use chrono::{DateTime, Utc};

#[cfg(target_arch = "wasm32")]
pub(crate) use self::intl::{date, date_in, hour, list, number, own_zone};
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use self::plain::{date, date_in, hour, list, number, own_zone};

/// The parts of a date to show, as options of `Intl.DateTimeFormat`.
pub(crate) type DateParts<'p> = &'p [(&'p str, &'p str)];

/// The locale for a machine's locale: `de-DE` becomes `en-DE`, English as it is written in Germany. A locale without a
/// region becomes `en-GB`, like the texts.
#[cfg(any(test, target_arch = "wasm32"))]
fn for_machine(language: &str) -> String {
    let letters = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_alphabetic());
    let digits = |part: &str| part.len() == 3 && part.bytes().all(|byte| byte.is_ascii_digit());
    let region = language.split(['-', '_']).skip(1).find(|part| letters(part) || digits(part));
    format!("en-{}", region.unwrap_or("GB"))
}

#[cfg(target_arch = "wasm32")]
mod intl {
    use std::cell::RefCell;
    use std::collections::HashMap;

    use js_sys::{Array, Function, Intl, Object, Reflect};
    use wasm_bindgen::{JsCast, JsValue};

    use super::{DateParts, DateTime, Utc, for_machine};

    /// Most formatters that are kept. A person meets few time zones, and a screen shows few formats of dates.
    const FORMATS_MAX: usize = 256;
    const ZONE_KEPT_MS: f64 = 60_000.0;

    thread_local! {
        static TAG: String = known(for_machine(&gloo::utils::window().navigator().language().unwrap_or_default()));
        static NUMBERS: Function = Intl::NumberFormat::new(&locales(), &Object::new()).format();
        static HOUR: &'static str = hour_of(&locales());
        static FORMATS: RefCell<HashMap<String, Option<Function>>> = RefCell::default();
        static OWN_ZONE: RefCell<Option<(f64, String)>> = RefCell::default();
        static LISTS: Intl::ListFormat = Intl::ListFormat::new(&locales(), &Object::new());
    }

    /// The locale itself if the browser knows it, else `en-GB`, like the texts. Otherwise, the browser would use
    /// American customs for a region that it does not know.
    fn known(tag: String) -> String {
        let format = Intl::DateTimeFormat::new(&Array::of1(&tag.as_str().into()), &Object::new());
        let taken = Reflect::get(&format.resolved_options(), &"locale".into()).ok();
        if taken.and_then(|taken| taken.as_string()).as_ref() == Some(&tag) { tag } else { "en-GB".to_owned() }
    }

    fn locales() -> Array {
        TAG.with(|tag| Array::of1(&tag.into()))
    }

    fn hour_of(locales: &Array) -> &'static str {
        let options = Object::new();
        let cycle = Reflect::set(&options, &"hour".into(), &"numeric".into()).and_then(|_| {
            Reflect::get(&Intl::DateTimeFormat::new(locales, &options).resolved_options(), &"hourCycle".into())
        });
        if cycle.is_ok_and(|cycle| cycle == "h12") { "numeric" } else { "2-digit" }
    }

    /// The time zone of this machine. It is read again after a minute, since the machine may be a laptop on a journey.
    pub(crate) fn own_zone() -> String {
        let now_ms = js_sys::Date::now();
        OWN_ZONE.with_borrow_mut(|known| match known {
            Some((asked_ms, zone)) if (0.0..ZONE_KEPT_MS).contains(&(now_ms - *asked_ms)) => zone.clone(),
            _ => known.insert((now_ms, asked_zone())).1.clone(),
        })
    }

    fn asked_zone() -> String {
        let format = Intl::DateTimeFormat::new(&Array::new(), &Object::new());
        let zone = Reflect::get(&format.resolved_options(), &"timeZone".into()).ok();
        zone.and_then(|zone| zone.as_string()).unwrap_or_else(|| "UTC".to_owned())
    }

    /// The format of hours: two digits as in "09:30", or one as in "9:30 AM".
    pub(crate) fn hour() -> &'static str {
        HOUR.with(|hour| *hour)
    }

    /// 1,200
    pub(crate) fn number(value: i64) -> String {
        let text = NUMBERS.with(|numbers| numbers.call1(&JsValue::UNDEFINED, &JsValue::from_f64(value as f64)));
        text.ok().and_then(|text| text.as_string()).unwrap_or_else(|| value.to_string())
    }

    /// "14, 15 and 16"
    pub(crate) fn list(items: &[String]) -> String {
        let items: Array = items.iter().map(JsValue::from).collect();
        LISTS.with(|lists| lists.format(&items)).into()
    }

    /// Formats a moment in a time zone; `None` for a zone that the browser does not know.
    pub(crate) fn date(at: DateTime<Utc>, zone: &str, parts: DateParts<'_>) -> Option<String> {
        TAG.with(|tag| date_in(tag, at, zone, parts))
    }

    /// As [`date`], in a given locale. Formatters are kept, because creating one takes the engine 2 ms, a hundred times
    /// as long as using it, and a long list needs the same ones again and again.
    pub(crate) fn date_in(locale: &str, at: DateTime<Utc>, zone: &str, parts: DateParts<'_>) -> Option<String> {
        let key = parts.iter().fold(format!("{locale} {zone}"), |key, (name, value)| format!("{key} {name}={value}"));
        let format = FORMATS.with_borrow_mut(|formats| {
            if formats.len() >= FORMATS_MAX {
                formats.clear();
            }
            formats.entry(key).or_insert_with(|| formatter(locale, zone, parts)).clone()
        })?;
        let date = js_sys::Date::new(&JsValue::from_f64(at.timestamp_millis() as f64));
        format.call1(&JsValue::UNDEFINED, &date).ok()?.as_string()
    }

    /// Creates a formatter; `None` for a time zone that the browser does not know.
    fn formatter(locale: &str, zone: &str, parts: DateParts<'_>) -> Option<Function> {
        let options = Object::new();
        for (name, value) in parts.iter().chain([&("timeZone", zone)]) {
            Reflect::set(&options, &(*name).into(), &(*value).into()).ok()?;
        }
        // the constructor throws for an unknown zone, which the typed binding does not catch
        let intl = Reflect::get(&js_sys::global(), &"Intl".into()).ok()?;
        let constructor: Function = Reflect::get(&intl, &"DateTimeFormat".into()).ok()?.unchecked_into();
        let format = Reflect::construct(&constructor, &Array::of2(&Array::of1(&locale.into()), &options)).ok()?;
        Some(format.unchecked_into::<Intl::DateTimeFormat>().format())
    }
}

/// Replaces `intl` where there is no browser, as in tests: numbers and lists as in Britain, and no dates.
#[cfg(not(target_arch = "wasm32"))]
mod plain {
    use super::{DateParts, DateTime, Utc};

    pub(crate) fn hour() -> &'static str {
        "2-digit"
    }

    pub(crate) fn own_zone() -> String {
        "UTC".to_owned()
    }

    pub(crate) fn number(value: i64) -> String {
        let digits = value.to_string();
        let group = |(at, digit): (usize, char)| {
            let comma = at > 0 && (digits.len() - at).is_multiple_of(3);
            comma.then_some(',').into_iter().chain([digit])
        };
        digits.chars().enumerate().flat_map(group).collect()
    }

    pub(crate) fn list(items: &[String]) -> String {
        match items {
            [most @ .., one, last] => {
                [most.join(", "), format!("{one} and {last}")].join(if most.is_empty() { "" } else { ", " })
            }
            few => few.concat(),
        }
    }

    pub(crate) fn date(_: DateTime<Utc>, _: &str, _: DateParts<'_>) -> Option<String> {
        None
    }

    pub(crate) fn date_in(_: &str, _: DateTime<Utc>, _: &str, _: DateParts<'_>) -> Option<String> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::for_machine;

    #[test]
    fn locales_are_english_with_the_machines_region() {
        let machines = ["en-US", "de-DE", "zh-Hans-CN", "es-419", "pt_BR", "en", "C", ""];
        let expected = ["en-US", "en-DE", "en-CN", "en-419", "en-BR", "en-GB", "en-GB", "en-GB"];
        assert_eq!(machines.map(for_machine), expected);
    }
}
