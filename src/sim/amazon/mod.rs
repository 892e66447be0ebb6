//! Amazon as `amazon-sp-api.md §18` asks of a simulator.

use serde::{Deserialize, Serialize};

use super::World;
use super::catalogue::Catalogue;
use super::faults::Fault;
use super::http::{Answer, Request};
use crate::clock::Timestamp;

const PREFIX: &str = "/amazon/";

/// A simulated shop.
#[derive(Clone, Debug)]
pub struct Shop {
    /// The merchant's own name for it, as in the config.
    pub name: String,
    /// Merchant token of the selling partner.
    pub seller_id: String,
    /// Which orders it has.
    pub orders: Catalogue,
}

/// Lasting conditions.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Switches {}

/// What came from outside.
#[derive(Debug, Default)]
pub(crate) struct State {}

/// A request to a path below the prefix.
pub(crate) struct Call<'r> {
    request: &'r Request,
}

impl<'r> Call<'r> {
    pub(crate) fn route(request: &'r Request) -> Option<Self> {
        request.path.starts_with(PREFIX).then_some(Self { request })
    }

    /// One of few names: counts must not grow with whatever is asked for.
    pub(crate) fn function(&self) -> &'static str {
        "unknown"
    }

    /// The order numbers it is about.
    pub(crate) fn orders(&self) -> Vec<String> {
        Vec::new()
    }
}

/// Answers one call.
pub(crate) fn answer(_world: &World, call: &Call<'_>, _fault: Option<&Fault>, _now: Timestamp) -> Answer {
    Answer::new(
        404,
        "text/plain; charset=UTF-8",
        format!("no such path in the simulator: {}\n", call.request.path),
    )
}
