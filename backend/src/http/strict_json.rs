//! Parses JSON texts, and refuses objects that name a member twice.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::problem::Problem;

/// Why a member that is named twice is refused.
pub(super) const TWICE: &str = "is there twice";

/// Parses a JSON text. An object that names a member twice is refused: programs differ in which of the two counts.
///
/// # Errors
/// When the text is not JSON, or not one value alone.
pub(super) fn parse(text: &[u8]) -> Result<Value, Problem> {
    let (mut parser, twice) = (serde_json::Deserializer::from_slice(text), Cell::new(None));
    let value = Unique(&twice).deserialize(&mut parser).map_err(|error| match twice.take() {
        Some(name) => Problem::field(name, TWICE),
        None => Problem::field("", format!("is not JSON (line {}, column {})", error.line(), error.column())),
    })?;
    parser.end().map_err(|_| Problem::field("", "there is something after the JSON value"))?;
    Ok(value)
}

/// Builds a [`Value`] whose objects name no member twice; puts out the name of one that is there twice.
#[derive(Clone, Copy)]
struct Unique<'c>(&'c Cell<Option<String>>);

impl<'de> DeserializeSeed<'de> for Unique<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Unique<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(entry) = entries.next_element_seed(self)? {
            list.push(entry);
        }
        Ok(list.into())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let value = members.next_value_seed(self)?;
            if object.insert(name.clone(), value).is_some() {
                self.0.set(Some(name));
                return Err(A::Error::custom(TWICE));
            }
        }
        Ok(object.into())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    fn refused<T>(result: Result<T, Problem>) -> BTreeMap<String, String> {
        result.err().map(|problem| problem.details.fields).unwrap_or_default()
    }

    fn one(name: &str, reason: &str) -> BTreeMap<String, String> {
        BTreeMap::from([(name.to_owned(), reason.to_owned())])
    }

    #[test]
    fn texts_that_are_no_single_json_value_are_refused() {
        for (text, reason) in
            [("{", "is not JSON (line 1, column 1)"), ("{} {}", "there is something after the JSON value")]
        {
            assert_eq!(refused(parse(text.as_bytes())), one("", reason), "{text}");
        }
        assert_eq!(refused(parse(br#"{"a":{"b":1,"b":2}}"#)), one("b", "is there twice"));
        let nested = format!("{}{}", "[".repeat(200), "]".repeat(200));
        assert!(parse(nested.as_bytes()).is_err(), "the depth is not limited");
        let text = r#"{"a":[1,-2,2.5,"x",true,null]}"#;
        assert_eq!(parse(text.as_bytes()).ok(), Some(json!({ "a": [1, -2, 2.5, "x", true, null] })));
    }
}
