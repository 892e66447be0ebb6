//! What an operator does to the config of a running daemon.

use serde_json::Value;

use crate::process::Process;
use crate::rig::House;

/// SIGHUP, and the event that tells what was changed.
fn reload(daemon: &Process) -> Value {
    let from = daemon.hang_up();
    let told = daemon.log.wait(from, &["\"Config reloaded.\""]);
    serde_json::from_str(&daemon.log.lines()[told]).unwrap()
}

/// Replaces the line of `key` in a shop's section.
fn set(house: &mut House, shop: &str, key: &str, value: &str) {
    let section = house.section(&format!("shops.{shop}"));
    let line = section.lines().find(|line| line.starts_with(&format!("{key} = "))).unwrap();
    house.change(&section, &section.replace(line, &format!("{key} = {value}")));
}

/// Another schedule.
pub fn schedule(house: &mut House, daemon: &Process, shop: &str, schedule: &str) {
    set(house, shop, "schedule", &format!("{schedule:?}"));
    assert_eq!(reload(daemon)["changed"], format!("shops.{shop}"));
}

/// A shop that is not to be polled for a while.
pub fn disable(house: &mut House, daemon: &Process, shop: &str) {
    set(house, shop, "enabled", "false");
    assert_eq!(reload(daemon)["removed"], format!("shops.{shop}"));
}

/// A shop that is polled again.
pub fn enable(house: &mut House, daemon: &Process, shop: &str) {
    set(house, shop, "enabled", "true");
    assert_eq!(reload(daemon)["added"], format!("shops.{shop}"));
}

/// An edit with a mistake, which is taken back.
pub fn mistake(house: &mut House, daemon: &Process, shop: &str) {
    let section = house.section(&format!("shops.{shop}"));
    let broken = section.replace("schedule = ", "schedul = ");
    house.change(&section, &broken);
    let from = daemon.hang_up();
    let refused = "Config refused; the one before stays in force.";
    daemon.log.wait(from, &[refused, &format!("shops.{shop}.schedul")]);
    house.change(&broken, &section);
    let event = reload(daemon);
    assert_eq!([&event["added"], &event["changed"], &event["removed"]], ["", "", ""], "{event}");
}
