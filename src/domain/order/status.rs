//! The words of an order: where it stands, who ships, how it is paid.

use crate::domain::words::words;

words! {
    /// Where an order stands, the same words for every mall.
    Status {
        /// Must not ship; [`PendingReason`] says why.
        Pending = "pending",
        /// The shop must accept it first.
        AwaitingConfirmation = "awaiting_confirmation",
        /// Ship it.
        AwaitingShipment = "awaiting_shipment",
        /// Some parcels went out.
        PartiallyShipped = "partially_shipped",
        /// All parcels went out.
        Shipped = "shipped",
        /// Nothing more will happen.
        Completed = "completed",
        /// Stopped by the mall or the shop.
        OnHold = "on_hold",
        /// Somebody asked to cancel; not decided.
        CancelRequested = "cancel_requested",
        /// Cancelled.
        Canceled = "canceled",
        /// A code never seen before: kept, shown, warned of; never ships or captures anything (I5).
        Unknown = "unknown",
    }
}

impl Status {
    /// Whether a capture may follow (decisions.md 4).
    #[must_use]
    pub const fn may_ship(self) -> bool {
        matches!(self, Self::AwaitingShipment | Self::PartiallyShipped | Self::Shipped | Self::Completed)
    }

    /// Whether the mall may still change the order: it is read again until it is closed.
    #[must_use]
    pub const fn is_open(self) -> bool {
        !matches!(self, Self::Completed | Self::Canceled)
    }
}

words! {
    /// Why an order is [`Status::Pending`].
    PendingReason {
        /// Money has not arrived or is being authorised.
        Payment = "payment",
        /// The mall is checking the order.
        MallCheck = "mall_check",
        /// A pre-order waiting for its release.
        ReleaseDate = "release_date",
        /// The mall ships it itself.
        MallFulfilment = "mall_fulfilment",
        /// Amounts, address or goods are not final.
        NotFinal = "not_final",
    }
}

words! {
    /// Who ships.
    FulfilledBy {
        /// The shop.
        Shop = "shop",
        /// The mall (Amazon AFN).
        Mall = "mall",
    }
}

words! {
    /// How the buyer pays.
    PaymentMethod {
        /// Card.
        CreditCard = "credit_card",
        /// On delivery.
        CashOnDelivery = "cash_on_delivery",
        /// Bank.
        BankTransfer = "bank_transfer",
        /// Convenience store, before shipping.
        ConvenienceStore = "convenience_store",
        /// After delivery, by slip.
        Deferred = "deferred",
        /// With the telephone bill.
        CarrierBilling = "carrier_billing",
        /// Apple Pay, PayPay and their like.
        Wallet = "wallet",
        /// Nothing but points.
        Points = "points",
        /// Invoice to a company.
        Invoice = "invoice",
        /// Anything else.
        Other = "other",
    }
}

words! {
    /// Where the money stands.
    PaymentStatus {
        /// Not paid.
        Unpaid = "unpaid",
        /// Held on the card, not captured.
        Authorized = "authorized",
        /// Paid.
        Paid = "paid",
        /// Paid back.
        Refunded = "refunded",
        /// Nothing is due.
        NotRequired = "not_required",
        /// The mall does not say.
        Unknown = "unknown",
    }
}

words! {
    /// Who captures the money (decisions.md 3).
    CollectedBy {
        /// The mall.
        Mall = "mall",
        /// The shop itself: match rules of settlements apply.
        Shop = "shop",
        /// Not known.
        Unknown = "unknown",
    }
}

words! {
    /// Who carries a parcel.
    Carrier {
        /// ヤマト運輸.
        Yamato = "yamato",
        /// 佐川急便.
        Sagawa = "sagawa",
        /// 日本郵便.
        JapanPost = "japan_post",
        /// 西濃運輸.
        Seino = "seino",
        /// Amazon.
        Amazon = "amazon",
        /// Another one.
        Other = "other",
    }
}
