//! Parse, dispatch, exit status.

fn main() {}
