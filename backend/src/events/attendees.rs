//! The list of an event's people as CSV (RFC 4180), safe to open in a spreadsheet.

use happening_api::{Booking, BookingStatus};

const HEADER: [&str; 6] = ["name", "e-mail", "status", "seats", "position", "booked at"];

/// The file, with a line per booking.
///
/// # Errors
/// Never in practice: it is written into memory.
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

/// A spreadsheet takes a cell that begins like this for a formula; an apostrophe makes it text (OWASP, CSV injection).
fn safe(cell: &str) -> String {
    if cell.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{cell}") } else { cell.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::safe;

    #[test]
    fn no_cell_is_a_formula() {
        assert_eq!(safe("=HYPERLINK(1)"), "'=HYPERLINK(1)");
        assert_eq!(safe("@SUM"), "'@SUM");
        assert_eq!(safe("Ada"), "Ada");
    }
}
