//! Lasting conditions of the gateway.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::sim::switches::Maintenance;

/// What a merchant may lack in the contract (kuroneko-webcollect.md §4.3, §4.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContractOption {
    /// Registering and undoing shipments (E011010251, E021010251).
    Shipments,
    /// Reservations (E032000001, A082000005).
    Reservations,
    /// Changing amounts (A072000001).
    AmountChange,
    /// Raising amounts (A074000002).
    Increase,
    /// Stored cards (A032000001).
    StoredCards,
    /// Cards at all (A112000001, A082000001).
    Card,
}

/// Where a look-up shows a slip registered with `99` (§6: the sources differ).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OtherSlip {
    /// In `extraSlipNo`.
    #[default]
    ExtraSlipNo,
    /// In `slipNo`.
    SlipNo,
    /// Nowhere; `deliveryServiceCode` says 99.
    Hidden,
}

/// Switches of web collect.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WebcollectSwitches {
    /// Down for maintenance?
    pub maintenance: Maintenance,
    /// The merchant is suspended (Z012000007).
    pub suspended: bool,
    /// The merchant has no contract for the API (Z012000008).
    pub no_contract: bool,
    /// What the contract lacks.
    pub without: BTreeSet<ContractOption>,
    /// The only address calls may come from (Z012000009).
    pub registered_address: Option<IpAddr>,
    /// The address that calls come from, as the gateway sees it, instead of the connection's own.
    pub seen_address: Option<IpAddr>,
    /// Calls at a time, beyond which they are refused (Z012000006); 0: no limit.
    pub max_in_flight: u64,
    /// A07 and A11 are closed from 23:00 to 01:00.
    pub night_window: bool,
    /// Days of an authorisation, the day it was made included.
    pub auth_valid_days: u64,
    /// E01 of a lapsed authorisation succeeds.
    pub capture_lapsed: bool,
    /// A reservation is authorised so many days before its planned ship date, that day counted in.
    pub reservation_days: u64,
    /// How many days after the checkout a planned ship date may be (E031010472).
    pub schedule_days: u64,
    /// A06 on 31 succeeds.
    pub cancel_settled: bool,
    /// Reception numbers whose A06 the network refuses (A062010005).
    pub cancel_refused: BTreeSet<String>,
    /// A refused A06 leaves the settlement on 16.
    pub half_failed_cancel: bool,
    /// A11 on 30 succeeds where all slips are Yamato's.
    pub reauthorize_registered: bool,
    /// A refused A07 leaves the settlement on 17.
    pub half_failed_change: bool,
    /// Reception numbers whose A07 authorises the new amount and fails to give the old one back (A077000001, 17).
    pub unreversed: BTreeSet<String>,
    /// E04 shows the state before the latest change for [`stale_seconds`](Self::stale_seconds) after it.
    pub stale_reads: bool,
    /// How long a stale look-up shows the state before (kuroneko-webcollect.md §7: 60 s).
    pub stale_seconds: u64,
    /// Reception numbers whose card the issuer refuses: A07, A11, the authorisation of a reservation (15).
    pub declined: BTreeSet<String>,
    /// `creditErrorCode` of refusals by the issuer; empty: one that fits the function.
    pub credit_error_code: String,
    /// Slip numbers that pass the check digit but are not live (E011010451).
    pub dead_slips: BTreeSet<String>,
    /// Slip numbers that another merchant has registered (E012000001).
    pub foreign_slips: BTreeSet<String>,
    /// Slip numbers that the carrier never scans: their settlements stay on 30.
    pub unscanned_slips: BTreeSet<String>,
    /// What stands between several slips in a look-up.
    pub slip_separator: String,
    /// Where a look-up shows a slip registered with `99`.
    pub other_slip: OtherSlip,
    /// Yen a settlement.
    pub amount_limit: i64,
}

impl Default for WebcollectSwitches {
    fn default() -> Self {
        Self {
            maintenance: Maintenance::Off,
            suspended: false,
            no_contract: false,
            without: BTreeSet::new(),
            registered_address: None,
            seen_address: None,
            max_in_flight: 0,
            night_window: true,
            auth_valid_days: 60,
            capture_lapsed: false,
            reservation_days: 10,
            schedule_days: 90,
            cancel_settled: false,
            cancel_refused: BTreeSet::new(),
            half_failed_cancel: false,
            reauthorize_registered: false,
            half_failed_change: false,
            unreversed: BTreeSet::new(),
            stale_reads: false,
            stale_seconds: 60,
            declined: BTreeSet::new(),
            credit_error_code: String::new(),
            dead_slips: BTreeSet::new(),
            foreign_slips: BTreeSet::new(),
            unscanned_slips: BTreeSet::new(),
            slip_separator: ",".to_owned(),
            other_slip: OtherSlip::ExtraSlipNo,
            amount_limit: 300_000,
        }
    }
}
