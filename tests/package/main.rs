//! What is shipped beside the binary: systemd units, maintainer scripts, manual pages. They must agree with the code, and
//! systemd's own tools must find nothing wrong with them.

#[cfg(test)]
mod deb;
#[cfg(test)]
mod units;
