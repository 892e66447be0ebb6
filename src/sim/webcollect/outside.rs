//! What happens to settlements from outside: the carrier, the gateway's nights, staff at its console, and the books.

use std::collections::BTreeMap;
use std::time::Duration;

use super::books::{Book, By, Entry};
use super::checkout::Token;
use super::functions::{self, Context};
use super::state::{Passing, Placement, latest_batch};
use super::traffic::Report;
use super::{Params, StoredCard};
use crate::clock::Timestamp;
use crate::sim::World;
use crate::sim::world::State;

/// How long after its registration the carrier has scanned a parcel.
const PICKED_UP: Duration = Duration::from_hours(24);
/// What staff can do at the console.
const BY_HAND: [&str; 6] = ["A06", "A07", "A11", "E01", "E02", "E03"];

/// What happened by itself by `now`: effects that come late, reservations whose day has come.
pub(crate) fn catch_up(world: &World, state: &mut State, now: Timestamp) {
    let switches = state.switches.webcollect.clone();
    for late in state.gateway.traffic.due(now) {
        state.gateway.authorize_reservations(&switches, late.due);
        let params = &late.params;
        let context =
            Context { world, state: &mut *state, switches: &switches, params, by: By::Api, now: late.due };
        // Done or refused: nobody waits for the answer any more, and the books have it.
        drop(functions::run(context, late.division));
    }
    state.gateway.authorize_reservations(&switches, now);
}

impl World {
    /// The carrier scans parcels: Yamato's slips of every settlement (or of the one named) move on, and settlements go
    /// from 30 to 31 once all of theirs have. Returns those that did.
    pub fn scan(&self, order_no: Option<&str>) -> Vec<String> {
        self.pass("00", order_no, self.now(), false)
    }

    /// [`World::scan`], and the parcels are delivered.
    pub fn deliver(&self, order_no: Option<&str>) -> Vec<String> {
        self.pass("00", order_no, self.now(), true)
    }

    /// The gateway's nightly batch, now: settlements with another carrier's slip (`99`) go from 30 to 31. Returns those
    /// that did.
    pub fn batch(&self, order_no: Option<&str>) -> Vec<String> {
        self.pass("99", order_no, self.now(), false)
    }

    /// What a day brings by itself: parcels registered a day ago are scanned, `99` slips registered before the latest
    /// night's batch settle.
    pub(crate) fn settle(&self, now: Timestamp) -> Vec<String> {
        let mut settled = self.pass("00", None, now - PICKED_UP, false);
        settled.extend(self.pass("99", None, latest_batch(now), false));
        settled
    }

    fn pass(
        &self,
        service: &'static str,
        only: Option<&str>,
        registered_by: Timestamp,
        delivered: bool,
    ) -> Vec<String> {
        let now = self.now();
        let mut state = self.state();
        catch_up(self, &mut state, now);
        let except = state.switches.webcollect.unscanned_slips.clone();
        state.gateway.pass(&Passing { service, only, registered_by, delivered, except: &except }, now)
    }

    /// A checkout makes a settlement that no order of the cart stands for. False where the reception number is taken.
    pub fn place(&self, placement: Placement) -> bool {
        let now = self.now();
        self.state().gateway.place(self, placement, now)
    }

    /// Staff do by hand what a function does (`E01`, `E02`, `E03`, `A06`, `A07`, `A11`), with the rules that hold for
    /// calls: the `errorCode`, empty where it was done; `None` for any other function.
    pub fn by_hand(&self, function: &str, params: &[(&str, &str)]) -> Option<String> {
        let division = BY_HAND.into_iter().find(|known| *known == function)?;
        let params: BTreeMap<String, String> =
            params.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let params = Params(params);
        let now = self.now();
        let mut state = self.state();
        catch_up(self, &mut state, now);
        let switches = state.switches.webcollect.clone();
        let context = Context {
            world: self,
            state: &mut state,
            switches: &switches,
            params: &params,
            by: By::Console,
            now,
        };
        Some(functions::run(context, division).map_or_else(|code| code, |reply| reply.code))
    }

    /// A token for a card without 3-D Secure, as the gateway's script gives the browser one: good for half an hour, once.
    pub fn token(&self) -> String {
        let now = self.now();
        let mut state = self.state();
        let tokens = &mut state.gateway.tokens;
        let token = format!("sim{:013}", tokens.len() + 1);
        tokens.insert(token.clone(), Token { made: now, spent: false });
        token
    }

    /// Replaces a member's stored cards (at most three).
    pub fn set_cards(&self, member_id: &str, authentication_key: &str, cards: Vec<StoredCard>) {
        let member = (member_id.to_owned(), authentication_key.to_owned());
        self.state().gateway.cards.insert(member, cards);
    }

    /// The gateway's books: the sums of every settlement that somebody changed. In good order each has one effective
    /// capture, and nothing in them is repeated ([`Book::repeated`]).
    #[must_use]
    pub fn books(&self) -> Vec<Book> {
        let now = self.now();
        let mut state = self.state();
        catch_up(self, &mut state, now);
        state.gateway.books(self, now)
    }

    /// The sums of one settlement; `None` where nobody touched it.
    #[must_use]
    pub fn book(&self, order_no: &str) -> Option<Book> {
        let now = self.now();
        let mut state = self.state();
        catch_up(self, &mut state, now);
        let settlement = state.gateway.get(self, order_no, now)?;
        let entries = Some(state.gateway.entries(order_no)).filter(|entries| !entries.is_empty())?;
        Some(Book::new(order_no, &settlement, entries))
    }

    /// The gateway's journal of one settlement's changes, oldest first.
    #[must_use]
    pub fn book_entries(&self, order_no: &str) -> Vec<Entry> {
        let now = self.now();
        let mut state = self.state();
        catch_up(self, &mut state, now);
        state.gateway.entries(order_no).to_vec()
    }

    /// How many calls were under way at the gateway at most, and how many for a reception number that had another one
    /// under way.
    #[must_use]
    pub fn gateway_traffic(&self) -> Report {
        self.state().gateway.traffic.report()
    }
}
