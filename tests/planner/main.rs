//! The planner: tables of cases, and what must hold whatever the facts are (I8; decisions.md 2–5).

#[cfg(test)]
mod changes;
#[cfg(test)]
mod links;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod renewals;
#[cfg(test)]
mod rig;
#[cfg(test)]
mod situations;
