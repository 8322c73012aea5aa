drop table booking_history, booking_seats, bookings;
