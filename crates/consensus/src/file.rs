//! A record in a file.
