"""Booking: spaces, seats, holds and bookings; for residents at kiosk and phone, for staff on the day board."""
