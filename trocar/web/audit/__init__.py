"""The record of who saw and who changed what: append-only, chained by hashes, refused to change by the database."""
