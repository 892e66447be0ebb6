//! The simulators against the contracts, byte by byte over TCP: what they refuse, what they answer, what they break.
//! (`cfg(test)` tells the lints that helpers are test code, too.)

#[cfg(test)]
mod amazon;
#[cfg(test)]
mod aupay;
#[cfg(test)]
mod catalogue;
#[cfg(test)]
mod client;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod files;
#[cfg(test)]
mod rakuten;
#[cfg(test)]
mod rakuten_rig;
#[cfg(test)]
mod rakuten_writes;
#[cfg(test)]
mod rakuten_writes_later;
#[cfg(test)]
mod webcollect;
#[cfg(test)]
mod webcollect_books;
#[cfg(test)]
mod webcollect_checkout;
#[cfg(test)]
mod webcollect_parcels;
#[cfg(test)]
mod webcollect_rig;
#[cfg(test)]
mod webcollect_rules;
#[cfg(test)]
mod webcollect_samples;
#[cfg(test)]
mod yahoo;
#[cfg(test)]
mod yahoo_changes;
#[cfg(test)]
mod yahoo_client;
#[cfg(test)]
mod yahoo_orders;
#[cfg(test)]
mod yahoo_writes;
#[cfg(test)]
mod yahoo_writes_bad;
