//! What mallsync knows about orders, money and effects: no I/O, no clock.

/// Quotas, ends of keys, findings.
pub mod account;
/// Ids and the names that people give.
pub mod ids;
/// What an operation does.
pub mod intent;
/// The limiter's arithmetic.
pub mod limit;
/// Orders and contracts: which settlement an order belongs to.
pub mod link;
/// Integer yen.
pub mod money;
/// Effects: states and every legal step between them.
pub mod operation;
/// The normalised order.
pub mod order;
/// Patterns on payment names.
pub mod pattern;
/// From facts to the operations wanted.
pub mod planner;
/// What differs between our books and a gateway's.
pub mod reconcile;
/// Card settlements as we know them.
pub mod settlement;
/// Slips: the numbers of parcels.
pub mod slip;
mod words;
