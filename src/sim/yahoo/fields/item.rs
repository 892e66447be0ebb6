//! `Item` (yahoo-shopping.md §6.8).

use std::time::Duration;

use super::ItemRow;
use crate::sim::yahoo::content::Line;
use crate::sim::yahoo::plan::Step;
use crate::sim::yahoo::view::{Val, View, code, some_yen, text};

/// Those that `orderList` accepts, too (line 1 only).
pub(super) const LISTED: [&str; 2] = ["ItemYahooAucId", "ItemYahooAucMerchantId"];

fn none(_: &View<'_>, _: &Line) -> Val {
    Val::Empty
}

fn no(_: &View<'_>, _: &Line) -> Val {
    Val::Bool(false)
}

pub(super) static ROWS: &[ItemRow] = &[
    ("LineId", |_, l| Val::Num(i64::try_from(l.id).unwrap_or(0))),
    ("ItemId", |_, l| text(l.goods.manage)),
    (
        "SubCode",
        |_, l| if l.goods.variants.len() > 1 { text(l.goods.variants[l.variant].0) } else { Val::Empty },
    ),
    ("SubCodeOption", |_, l| {
        let label = l.goods.variants[l.variant].2.unwrap_or("");
        text(label.lines().next().unwrap_or(""))
    }),
    ("Title", |_, l| text(l.goods.name)),
    ("ItemOption", none),
    ("Inscription", none),
    ("IsUsed", no),
    ("IsTaxable", |_, _| Val::Bool(true)),
    ("ItemTaxRatio", |_, l| Val::Num(l.goods.rate_percent)),
    ("UnitPrice", |_, l| Val::Num(l.unit())),
    ("NonTaxUnitPrice", |v, l| {
        if v.plan.index.is_multiple_of(2) {
            Val::Empty
        } else {
            Val::Num(l.unit() * 100 / (100 + l.goods.rate_percent))
        }
    }),
    ("OriginalPrice", |_, l| if l.coupon > 0 { Val::Num(l.original) } else { Val::Empty }),
    ("Quantity", |v, l| Val::Num(l.quantity(v.done(Step::Changed)))),
    (
        "OriginalNum",
        |v, l| {
            if l.coupon > 0 || v.done(Step::Changed) { Val::Num(l.quantity) } else { Val::Empty }
        },
    ),
    ("PointAvailQuantity", |_, l| Val::Num(l.quantity)),
    ("CouponData", |_, l| {
        if l.coupon > 0 { text("YmFzZTY0c3R5bGU\\A100円OFFクーポン\\A3\\A1\\A1\\B") } else { Val::Empty }
    }),
    ("CouponDiscount", |_, l| some_yen(l.coupon * l.quantity)),
    ("CouponUseNum", |_, l| if l.coupon > 0 { Val::Num(l.quantity) } else { Val::Empty }),
    ("MallCouponData", |v, l| {
        let yen = v.content().mall_coupon;
        if yen == 0 || l.id != 1 {
            return Val::Empty;
        }
        text(format!(
            "{{\"Id\":1,\"Srid\":\"{}\",\"ItemPrice\":{},\"Quantity\":{},\"DiscountPrice\":{yen},\
             \"Coupons\":[{{\"Id\":\"TU9DSw\"}}]}}",
            l.goods.manage,
            l.unit(),
            l.quantity
        ))
    }),
    ("YourTimesaleDiscount", none),
    ("ReleaseDate", |v, _| v.plan.at(Step::OnSale).map_or(Val::Empty, Val::Date)),
    ("LeadTimeText", |v, _| match v.plan.at(Step::OnSale) {
        Some(at) => text(at.jst_date().format("%Y年%-m月%-d日以降に発送").to_string()),
        None if v.plan.index.is_multiple_of(2) => text("1～2日で発送"),
        None => Val::Empty,
    }),
    ("LeadTimeStart", |v, _| lead(v, 1)),
    ("LeadTimeEnd", |v, _| lead(v, 2)),
    ("Jan", |_, l| if l.id == 1 { text("4900000000001") } else { Val::Empty }),
    ("ProductId", none),
    ("CategoryId", |_, _| code("13457")),
    ("ImageId", none),
    ("PriceType", |_, _| code("1")),
    ("PointFspCode", |_, _| code("1000")),
    ("PointRatioY", |_, _| code("1")),
    ("PointRatioSeller", |_, _| code("1")),
    ("UnitGetPoint", |_, l| Val::Num(l.unit() / 100)),
    ("IsGetPointFix", |v, _| Val::Bool(v.done(Step::Completed))),
    ("GetPointFixDate", |v, _| v.past(Step::Completed).map_or(Val::Empty, Val::Date)),
    ("PointBaseUnitPrice", |_, l| Val::Num(l.unit() * 100 / (100 + l.goods.rate_percent))),
    ("SubscriptionPointRatio", none),
    ("StoreBonusRatioSeller", none),
    ("UnitGetStoreBonus", none),
    ("IsGetStoreBonusFix", no),
    ("GetStoreBonusFixDate", none),
    ("AffiliateRatio", |_, _| code("5.5_1.0")),
    ("IsAffiliateItem", no),
    ("PickAndDeliveryCode", none),
    ("PickAndDeliveryTransportRuleType", none),
    ("YamatoUndeliverableReason", none),
    ("ItemYahooAucId", none),
    ("ItemYahooAucMerchantId", none),
    ("ChannelGoodsPlanId", none),
    ("ChannelGoodsPlanName", none),
];

fn lead(v: &View<'_>, days: u32) -> Val {
    if v.plan.at(Step::OnSale).is_some() || !v.plan.index.is_multiple_of(2) {
        return Val::Empty;
    }
    Val::Date(v.plan.placed + Duration::from_hours(24) * days)
}

/// The repeated elements of a line; false when `name` is not one of them.
pub(crate) fn write_nested(out: &mut String, indent: &str, name: &str, v: &View<'_>, line: &Line) -> bool {
    let entries: Vec<(&str, &str, Option<i64>)> = match name {
        "ItemOption" => {
            let choices = line.goods.choice.unwrap_or("").lines().enumerate();
            choices
                .filter_map(|(n, choice)| {
                    let (name, value) = choice.split_once(':')?;
                    Some((name, value, Some(if n == 0 { line.option_price } else { 0 })))
                })
                .collect()
        }
        "Inscription" if line.inscription && !v.blank => vec![("名入れ", "HANAKO & TARO <3", None)],
        "Inscription" => Vec::new(),
        _ => return false,
    };
    if entries.is_empty() {
        Val::Empty.write(out, indent, name);
        return true;
    }
    // Official samples put white space around the sections (§6.3).
    let padded = (v.plan.index + line.id).is_multiple_of(4);
    let inner = format!("{indent}  ");
    for (n, (title, value, price)) in entries.into_iter().enumerate() {
        View::wrapped(out, indent, name, |out| {
            code((n + 1).to_string()).write(out, &inner, "Index");
            for (element, words) in [("Name", title), ("Value", value)] {
                if padded {
                    View::wrapped(out, &inner, element, |out| {
                        out.push_str(&format!("{inner}  <![CDATA[{words}]]>\n"));
                    });
                } else {
                    text(words.to_owned()).write(out, &inner, element);
                }
            }
            if let Some(yen) = price {
                Val::Num(yen).write(out, &inner, "Price");
            }
        });
    }
    true
}
