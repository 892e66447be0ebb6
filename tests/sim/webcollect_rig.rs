//! Settlements placed from outside, and the calls about them in one line each.

use mallsync::clock::Timestamp;
use mallsync::sim::{Book, Placement};

use crate::client::{Sim, element, slip};

/// The changing functions: their code, their path, a call of each for order ORDER.
pub const CHANGING: [(&str, &str, &str); 6] = [
    ("E01", "shipmentEntry", "slip_no=SLIP&delivery_service_code=00"),
    ("E02", "shipmentCancel", "slip_no=SLIP"),
    ("E03", "changeDate", "scheduled_shipping_date=20260520"),
    ("A06", "creditCancel", ""),
    ("A07", "creditChangePrice", "new_price=900"),
    ("A11", "reAuth", ""),
];

/// The path and body of a changing function's call.
pub fn changing(function: &str, order: &str) -> (&'static str, String) {
    let &(_, path, rest) = CHANGING.iter().find(|(f, _, _)| *f == function).unwrap();
    (path, format!("function_div={function}&order_no={order}&{}", rest.replace("SLIP", &slip(1))))
}

impl Sim {
    /// Calls a function of [`CHANGING`]; its code.
    pub async fn change(&self, function: &str, order: &str) -> String {
        let (path, body) = changing(function, order);
        self.code(path, &body).await
    }

    pub async fn register(&self, order: &str, number: &str) -> String {
        let service = if number.len() == 12 { "00" } else { "99" };
        let body =
            format!("function_div=E01&order_no={order}&slip_no={number}&delivery_service_code={service}");
        self.code("shipmentEntry", &body).await
    }

    pub async fn unregister(&self, order: &str, number: &str) -> String {
        self.code("shipmentCancel", &format!("function_div=E02&order_no={order}&slip_no={number}")).await
    }

    pub async fn price(&self, order: &str, price: i64) -> String {
        self.code("creditChangePrice", &format!("function_div=A07&order_no={order}&new_price={price}")).await
    }

    pub async fn date(&self, order: &str, date: &str) -> String {
        let body = format!("function_div=E03&order_no={order}&scheduled_shipping_date={date}");
        self.code("changeDate", &body).await
    }

    pub async fn look(&self, order: &str) -> String {
        self.webcollect("tradeInfo", &format!("function_div=E04&order_no={order}")).await
    }

    pub async fn status(&self, order: &str) -> String {
        element(&self.look(order).await, "statusInfo")
    }

    /// A settlement of 1,000 yen, authorised now; a reservation with `planned` (`2026-06-20`).
    pub fn place(&self, order: &str, planned: Option<&str>) {
        let placement = Placement {
            order_no: order.to_owned(),
            amount: 1_000,
            scheduled_shipping_date: planned.map(|date| date.parse().unwrap()),
            ..Placement::default()
        };
        assert!(self.world.place(placement), "{order}");
    }

    /// A settlement in a state that the functions can be tried on.
    pub async fn place_on(&self, order: &str, status: u8) {
        match status {
            5 => self.place(order, Some("2026-06-20")),
            30 | 31 => {
                self.place(order, None);
                assert_eq!(self.register(order, &slip(1)).await, "");
                if status == 31 {
                    assert_eq!(self.world.scan(Some(order)), [order]);
                }
            }
            _ => {
                let placement = Placement {
                    order_no: order.to_owned(),
                    amount: 1_000,
                    status: Some(status),
                    ..Placement::default()
                };
                assert!(self.world.place(placement));
            }
        }
        assert_eq!(self.status(order).await, status.to_string());
    }

    pub fn book(&self, order: &str) -> Book {
        self.world.book(order).unwrap()
    }

    /// Sets the clock to a time in Japan, `2026-04-21T12:00:00`.
    pub fn at(&self, time: &str) {
        self.clock.set(Timestamp::parse(&format!("{time}+09:00")).unwrap());
    }
}
