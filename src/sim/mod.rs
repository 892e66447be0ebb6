//! Simulated malls, carts, carriers and gateways: strict about what the contracts forbid, faulty on demand, and made by
//! index, so that any number of orders costs no memory. Written from the contract pages alone (`rakuten-rms.md` §12,
//! `yahoo-shopping.md` §12, `kuroneko-webcollect.md` chapter 7, `csv-formats.md`); of the crate it uses the clock only, so that a misreading in
//! a client is caught here and not repeated. Everybody in it is invented.

mod amazon;
mod aupay;
mod b2;
mod carrier;
mod cart;
mod catalogue;
mod config;
mod control;
mod dice;
mod faults;
mod goods;
mod gzip;
mod held;
mod http;
mod ledger;
mod people;
mod rakuten;
mod server;
mod switches;
mod text;
mod truth;
mod webcollect;
mod world;
mod xml;
mod yahoo;

pub use amazon::{FeedEnd, Lwa, Shop as AmazonShop, Switches as AmazonSwitches};
pub use aupay::{Empty, Omitted, Shop as AupayShop, Switches as AupaySwitches};
pub use b2::{Parcel, b2_file};
pub use carrier::{Folders, Tick};
pub use cart::{Encoding, Format};
pub use catalogue::Catalogue;
pub use config::{ClockTriple, config_toml};
pub use faults::{Body, Fault, Rule};
pub use ledger::{ParcelBook, ParcelWrite, ShipmentRow, Shipments, WriteBook, WriteEffect, WriteEntry};
pub use rakuten::{Key, Shop};
pub use server::Server;
pub use switches::{Maintenance, RakutenSwitches, ShippingDates, Switches};
pub use truth::Fact;
pub use webcollect::{
    Book, By, ContractOption, Effect, Entry, Means, OtherSlip, Placement, StoredCard, Traffic,
    WebcollectSwitches,
};
pub use world::{Call, Options, World};
pub use yahoo::{
    ErrorShape as YahooErrorShape, KeyVersion as YahooKey, Shop as YahooShop, Switches as YahooSwitches,
};

/// The name of the first Rakuten shop.
pub const RAKUTEN_SHOP: &str = "rakuten-main";
/// Rakuten's number of the first shop.
pub const RAKUTEN_SHOP_ID: u32 = 345_678;
/// The name of the Yahoo! shop.
pub const YAHOO_SHOP: &str = "yahoo-main";
/// The name of the au PAY shop.
pub const AUPAY_SHOP: &str = "aupay-main";
/// The name of the Amazon shop.
pub const AMAZON_SHOP: &str = "amazon-jp";
/// The selling partner behind the Amazon shop.
pub const AMAZON_SELLER: &str = "A0MIHONSELLER1";
/// The name of the own cart.
pub const CART_SHOP: &str = "own-shop";
/// The name of the settlement account.
pub const SETTLEMENT: &str = "webcollect-main";
/// 加盟店コード of the simulated merchant.
pub const TRADER_CODE: &str = "900000001";

/// アクセスキー of the simulated merchant: part of the check sum of calls about stored cards, never sent itself.
pub const ACCESS_KEY: &str = "1234567";

/// A Yamato slip number for the simulator's parcel `serial`: 4000, seven digits, check digit
/// (kuroneko-webcollect.md §2.5).
#[must_use]
pub fn slip_number(serial: u64) -> String {
    let body = 40_000_000_000 + serial % 10_000_000;
    format!("{body}{}", body % 7)
}
