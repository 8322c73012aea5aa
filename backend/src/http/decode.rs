//! Reads JSON bodies and queries into types. What does not fit is refused by the name of its field, in words that do not depend on
//! the parser's: serde builds a [`Refusal`] instead of its parser's error.

use std::collections::BTreeMap;
use std::fmt::{self, Display};

use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{DeserializeOwned, Deserializer, Error, Expected, IntoDeserializer, Unexpected, Visitor};
use serde::forward_to_deserialize_any;
use serde_json::Value;

use super::strict_json::TWICE;
use crate::problem::Problem;

const OUT_OF_RANGE: &str = "is out of range";

/// A value of a type from a JSON value.
///
/// # Errors
/// When it does not fit, with the field.
pub(super) fn from_json<T: DeserializeOwned>(value: Value) -> Result<T, Problem> {
    typed(Json(value))
}

/// A value of a type from the query of an address.
///
/// # Errors
/// When it does not fit, with the field.
pub(super) fn from_query<T: DeserializeOwned>(query: &str) -> Result<T, Problem> {
    let pairs = url::form_urlencoded::parse(query.as_bytes());
    typed(MapDeserializer::new(pairs.map(|(name, value)| (name.into_owned(), Text(value.into_owned())))))
}

fn typed<'de, T: DeserializeOwned>(from: impl Deserializer<'de, Error = Refusal>) -> Result<T, Problem> {
    serde_path_to_error::deserialize(from).map_err(|error| {
        let path = error.path().to_string();
        let path = if path == "." { "" } else { &path };
        let Refusal { field, reason } = error.into_inner();
        // a missing or unknown field is no part of the path yet
        let name = match field {
            Some(field) if path.is_empty() || path == "?" => field,
            Some(field) if path == field || path.ends_with(&format!(".{field}")) => path.to_owned(),
            Some(field) => format!("{path}.{field}"),
            None => path.to_owned(),
        };
        Problem::fields(BTreeMap::from([(name, reason)]))
    })
}

/// Why a value does not fit its type.
#[derive(Debug)]
struct Refusal {
    /// The field that is missing, unknown, or there twice.
    field: Option<String>,
    reason: String,
}

impl Refusal {
    fn of(field: &str, reason: &str) -> Self {
        Self { field: Some(field.to_owned()), reason: reason.to_owned() }
    }
}

impl Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for Refusal {}

impl Error for Refusal {
    /// The types of ids and times report their own parsers' errors; the rest are sentences of ours.
    fn custom<T: Display>(reason: T) -> Self {
        let reason = match reason.to_string() {
            id if id.starts_with("UUID parsing failed") => "must be a UUID".to_owned(),
            time if TIME_ERRORS.contains(&time.as_str()) => format!("must be {TIME}"),
            other => other,
        };
        Self { field: None, reason }
    }

    fn invalid_type(found: Unexpected, expected: &dyn Expected) -> Self {
        // whole numbers that are too large come as floats
        if let Unexpected::Float(number) = found
            && number.fract() == 0.0
        {
            return Self::custom(OUT_OF_RANGE);
        }
        Self::custom(format!("must be {}, not {}", wanted(expected), kind(found)))
    }

    fn invalid_value(found: Unexpected, expected: &dyn Expected) -> Self {
        match found {
            Unexpected::Unsigned(_) | Unexpected::Signed(_) => Self::custom(OUT_OF_RANGE),
            _ => Self::custom(format!("must be {}", wanted(expected))),
        }
    }

    fn invalid_length(found: usize, expected: &dyn Expected) -> Self {
        Self::custom(format!("has {found} entries; must be {}", wanted(expected)))
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Self::custom(format!("must be one of {}", expected.join(", ")))
    }

    fn unknown_field(field: &str, _: &'static [&'static str]) -> Self {
        Self::of(field, "is not known here")
    }

    fn missing_field(field: &'static str) -> Self {
        Self::of(field, "is missing")
    }

    fn duplicate_field(field: &'static str) -> Self {
        Self::of(field, TWICE)
    }
}

const TIME: &str = "a date and time such as 2027-01-31T19:30:00Z";
/// What chrono says of a text that is no time.
const TIME_ERRORS: [&str; 6] = [
    "input is out of range",
    "no possible date and time matching input",
    "input is not enough for unique date and time",
    "input contains invalid characters",
    "premature end of input",
    "trailing input",
];

/// What a type wants: serde tells it in the words of Rust.
fn wanted(expected: &dyn Expected) -> String {
    let words = expected.to_string();
    let plain = match words.as_str() {
        "i8" | "i16" | "i32" | "i64" | "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number",
        "f32" | "f64" => "a number",
        "a boolean" => "true or false",
        "a string" | "string" => "a text",
        "a sequence" => "a list",
        "a map" => "an object",
        "a formatted UUID string" => "a UUID",
        "an RFC 3339 formatted date and time string" => TIME,
        other if other.starts_with("struct ") => "an object",
        other if other.starts_with("enum ") || other == "string or map" || other == "variant identifier" => "a text",
        other => other,
    };
    plain.to_owned()
}

fn kind(found: Unexpected) -> &'static str {
    match found {
        Unexpected::Bool(_) => "true or false",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) => "a number",
        Unexpected::Float(_) => "a number with a fraction",
        Unexpected::Char(_) | Unexpected::Str(_) => "a text",
        Unexpected::Unit | Unexpected::Option => "null",
        Unexpected::Seq => "a list",
        Unexpected::Map => "an object",
        _ => "this",
    }
}

/// A JSON value whose failures are [`Refusal`]s.
struct Json(Value);

impl<'de> Deserializer<'de> for Json {
    type Error = Refusal;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(value),
            Value::Number(number) => match (number.as_u64(), number.as_i64()) {
                (Some(value), _) => visitor.visit_u64(value),
                (None, Some(value)) => visitor.visit_i64(value),
                (None, None) => visitor.visit_f64(number.as_f64().unwrap_or(f64::NAN)),
            },
            Value::String(value) => visitor.visit_string(value),
            Value::Array(list) => {
                let mut entries = SeqDeserializer::new(list.into_iter().map(Json));
                let value = visitor.visit_seq(&mut entries)?;
                entries.end()?;
                Ok(value)
            }
            Value::Object(members) => {
                visitor.visit_map(MapDeserializer::new(members.into_iter().map(|(name, value)| (name, Json(value)))))
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        if self.0.is_null() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        match self.0 {
            Value::String(variant) => visitor.visit_enum(variant.into_deserializer()),
            _ => Err(Refusal::custom("must be a text")),
        }
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        // otherwise a list of 16 numbers would pass for a UUID
        match self.0 {
            Value::String(text) => visitor.visit_string(text),
            Value::Array(_) => Err(Error::invalid_type(Unexpected::Seq, &visitor)),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        self.deserialize_str(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        // otherwise a list of the right length would pass for a struct
        if self.0.is_array() { Err(Refusal::custom("must be an object")) } else { self.deserialize_any(visitor) }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char bytes byte_buf unit unit_struct seq tuple tuple_struct map
        identifier ignored_any
    }
}

impl<'de> IntoDeserializer<'de, Refusal> for Json {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// A value of a query: a text that may be meant as a number.
struct Text(String);

/// Reads a text as what the type wants.
macro_rules! read_as {
    ($($method:ident $visit:ident $type:ty, $wanted:literal;)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
            let value: $type = self.0.parse().map_err(|_| {
                let is_number = self.0.parse::<i128>().is_ok();
                Refusal::custom(if is_number { OUT_OF_RANGE } else { concat!("must be ", $wanted) })
            })?;
            visitor.$visit(value)
        })*
    };
}

impl<'de> Deserializer<'de> for Text {
    type Error = Refusal;

    read_as! {
        deserialize_bool visit_bool bool, "true or false";
        deserialize_i32 visit_i32 i32, "a whole number";
        deserialize_i64 visit_i64 i64, "a whole number";
        deserialize_u32 visit_u32 u32, "a whole number";
        deserialize_u64 visit_u64 u64, "a whole number";
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_string(self.0)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Refusal> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Refusal> {
        visitor.visit_enum(self.0.into_deserializer())
    }

    forward_to_deserialize_any! {
        i8 i16 u8 u16 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple tuple_struct map struct
        identifier ignored_any
    }
}

impl<'de> IntoDeserializer<'de, Refusal> for Text {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

#[cfg(test)]
mod tests {
    use happening_api::CreateBooking;
    use serde::Deserialize;
    use serde_json::json;

    use super::*;

    fn refused<T>(result: Result<T, Problem>) -> BTreeMap<String, String> {
        result.err().map(|problem| problem.details.fields).unwrap_or_default()
    }

    fn one(name: &str, reason: &str) -> BTreeMap<String, String> {
        BTreeMap::from([(name.to_owned(), reason.to_owned())])
    }

    #[test]
    fn refused_bodies_name_the_field_in_plain_words() {
        let event = "0198a7a4-3c5e-7d3f-9a65-000000000001";
        for (body, name, reason) in [
            (json!({ "seats": 1 }), "event_id", "is missing"),
            (json!({ "event_id": event, "seats": "two" }), "seats", "must be a whole number, not a text"),
            (
                json!({ "event_id": event, "seats": 1.5 }),
                "seats",
                "must be a whole number, not a number with a fraction",
            ),
            (json!({ "event_id": event, "seats": 5_000_000_000_u64 }), "seats", "is out of range"),
            (json!({ "event_id": event, "seats": 1e20 }), "seats", "is out of range"),
            (
                json!({ "event_id": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16], "seats": 1 }),
                "event_id",
                "must be a UUID, not a list",
            ),
            (json!({ "event_id": "x", "seats": 1 }), "event_id", "must be a UUID"),
            (json!({ "event_id": 7, "seats": 1 }), "event_id", "must be a UUID, not a number"),
            (json!({ "event_id": event, "seats": null }), "seats", "must be a whole number, not null"),
            (json!({ "event_id": event, "seats": 1, "colour": 1 }), "colour", "is not known here"),
            (
                json!({ "event_id": event, "seats": 1, "seat_numbers": [1, "2"] }),
                "seat_numbers[1]",
                "must be a whole number, not a text",
            ),
            (json!([event, 1]), "", "must be an object"),
            (json!(7), "", "must be an object, not a number"),
            (
                json!({ "event_id": event, "seats": 1, "seat_numbers": {} }),
                "seat_numbers",
                "must be a list, not an object",
            ),
        ] {
            assert_eq!(refused(from_json::<CreateBooking>(body.clone())), one(name, reason), "{body}");
        }
        assert!(from_json::<CreateBooking>(json!({ "event_id": event, "seats": 2 })).is_ok());
        let time = "must be a date and time such as 2027-01-31T19:30:00Z";
        for (date, reason) in [
            (json!("tomorrow"), time.to_owned()),
            (json!("2027-02-30T19:00:00Z"), time.to_owned()),
            (json!("2027-01-31"), time.to_owned()),
            (json!("2027-01-31T19:30:00Z and more"), time.to_owned()),
            (json!([2027, 1, 31]), format!("{time}, not a list")),
        ] {
            let body = json!({ "event_date": date });
            assert_eq!(refused(from_json::<happening_api::DuplicateEvent>(body)), one("event_date", &reason), "{date}");
        }
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Query {
        #[serde(default)]
        limit: Option<u32>,
        #[serde(default)]
        free: bool,
        #[serde(default)]
        role: Option<happening_api::Role>,
    }

    #[test]
    fn refused_queries_name_the_field_in_plain_words() {
        for (query, name, reason) in [
            ("limit=x", "limit", "must be a whole number"),
            ("limit=", "limit", "must be a whole number"),
            ("limit=-1", "limit", "is out of range"),
            ("limit=5000000000", "limit", "is out of range"),
            ("limit=1&limit=2", "limit", "is there twice"),
            ("free=maybe", "free", "must be true or false"),
            ("role=king", "role", "must be one of orgAdmin, organizer, user"),
            ("colour=red", "colour", "is not known here"),
        ] {
            assert_eq!(refused(from_query::<Query>(query)), one(name, reason), "{query}");
        }
        let query = Query { limit: Some(3), free: true, role: Some(happening_api::Role::OrgAdmin) };
        assert_eq!(from_query::<Query>("limit=3&free=true&role=orgAdmin").ok(), Some(query));
    }
}
