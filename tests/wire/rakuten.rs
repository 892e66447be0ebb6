//! rakuten.
