//! The list of an event's people as CSV (RFC 4180), which is safe to open in a spreadsheet.

use happening_api::{Booking, BookingStatus};

const HEADER: [&str; 6] = ["name", "e-mail", "status", "seats", "position", "booked at"];

/// The CSV file, with a line for each booking.
///
/// # Errors
/// Never in practice, since the file is written into memory.
pub(crate) fn csv(bookings: impl Iterator<Item = Booking>) -> anyhow::Result<Vec<u8>> {
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    writer.write_record(HEADER)?;
    for booking in bookings {
        let (name, email) = booking.user.map(|user| (user.name, user.email)).unwrap_or_default();
        let status = match booking.status {
            BookingStatus::Confirmed => "confirmed",
            BookingStatus::Waiting => "waiting",
            BookingStatus::Cancelled => "cancelled",
        };
        let seats: Vec<String> = booking.seat_numbers.iter().map(ToString::to_string).collect();
        writer.write_record([
            safe(&name).as_str(),
            safe(&email).as_str(),
            status,
            &seats.join(" "),
            &booking.position.map(|position| position.to_string()).unwrap_or_default(),
            &booking.created_at.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
        ])?;
    }
    Ok(writer.into_inner()?)
}

/// Spreadsheets interpret a cell that begins with one of these as a formula (OWASP, CSV injection). Some also accept the full-width
/// signs of East Asian keyboards.
const FORMULA_SIGNS: [char; 9] = ['=', '+', '-', '@', '＝', '＋', '－', '＠', '−'];

/// Whether a spreadsheet may split cells at this character, depending on the reader's region.
fn divides(c: char) -> bool {
    matches!(c, ',' | ';' | '|' | '\t' | '\r' | '\n')
}

/// Whether a spreadsheet ignores this character at the beginning of a cell: blanks, quotes, invisible characters.
fn is_passed_over(c: char) -> bool {
    c.is_whitespace()
        || c.is_control()
        || matches!(c, '"' | '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
}

/// Puts an apostrophe before every sign that would begin a formula, so that a spreadsheet takes it as text, however it splits cells.
fn safe(cell: &str) -> String {
    let mut text = String::with_capacity(cell.len());
    let mut begins = true;
    for c in cell.chars() {
        if begins && FORMULA_SIGNS.contains(&c) {
            text.push('\'');
        }
        begins = divides(c) || (begins && is_passed_over(c));
        text.push(c);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::safe;

    #[test]
    fn no_cell_is_a_formula() {
        for (written, shown) in [
            ("=HYPERLINK(1)", "'=HYPERLINK(1)"),
            ("@SUM", "'@SUM"),
            ("Ada;=1+1", "Ada;'=1+1"),
            ("Ada, -1", "Ada, '-1"),
            ("Ada\t\"+1\"", "Ada\t\"'+1\""),
            ("＝1", "'＝1"),
            ("\u{200b}\u{feff}=1", "\u{200b}\u{feff}'=1"),
            (" \u{202e}@x", " \u{202e}'@x"),
            // these are not formulas
            ("Ada", "Ada"),
            ("Anna-Maria O'Neil", "Anna-Maria O'Neil"),
            ("ada+news@happening.invalid", "ada+news@happening.invalid"),
        ] {
            assert_eq!(safe(written), shown);
        }
    }
}
