//! Charsets and XML.
