//! The cart's order files: EC-CUBE 4's default columns, and a generic cart's (csv-formats.md §4).

use std::io;

use super::{CartOrder, changed};
use crate::clock::Timestamp;
use crate::sim::World;
use crate::sim::people::Person;
use crate::sim::text::{cp932, row};

/// Which cart wrote the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// EC-CUBE 4, default columns: a row an item and destination, fees in rows of their own.
    EcCube4,
    /// Seven columns, a row an order, every cell quoted, amounts with commas.
    Generic,
}

/// How the file is encoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// CP932, as both carts write by default.
    Cp932,
    /// UTF-8 with a byte order mark.
    Utf8Bom,
}

/// EC-CUBE 4's 受注 CSV in its default order; 送料 stands in it twice.
const ECCUBE4: &str = "注文ID,注文番号,会員ID,お名前(姓),お名前(名),お名前(セイ),お名前(メイ),会社名,郵便番号,都道府県(ID),都道府県(名称),住所1,住所2,メールアドレス,TEL,性別(ID),性別(名称),職業(ID),職業(名称),誕生日,ショップ用メモ欄,小計,値引き,送料,税金,合計,支払合計,対応状況(ID),対応状況(名称),支払方法(ID),支払方法(名称),受注日,入金日,注文詳細ID,商品ID,商品規格ID,商品名,商品コード,規格名1,規格名2,規格分類名1,規格分類名2,価格,個数,税率,税率ルール(ID),明細区分(ID),明細区分(名称),出荷ID,配送先_お名前(姓),配送先_お名前(名),配送先_お名前(セイ),配送先_お名前(メイ),配送先_会社名,配送先_郵便番号,配送先_都道府県(ID),配送先_都道府県(名称),配送先_住所1,配送先_住所2,配送先_TEL,配送業者(ID),配送業者(名称),お届け時間ID,お届け時間(名称),お届け希望日,送料,発送日,出荷伝票番号,配達用メモ,出荷メール送信日";

const GENERIC: [&str; 7] =
    ["受注番号", "受注日時", "お客様名", "決済方法", "決済受付番号", "ご請求金額", "状態"];

impl World {
    /// The cart's order file of what changed after `since` and by `until`, as the cart stood at `until`; `None` when
    /// nothing did. A later file shows what became of earlier orders: shipped, cancelled, an amount fixed.
    ///
    /// # Errors
    /// When a text cannot be encoded.
    pub fn cart_file(
        &self,
        format: Format,
        encoding: Encoding,
        since: Timestamp,
        until: Timestamp,
    ) -> io::Result<Option<Vec<u8>>> {
        let orders: Vec<CartOrder> = changed(self, since, until).collect();
        if orders.is_empty() {
            return Ok(None);
        }
        let mut text = match format {
            Format::EcCube4 => format!("{ECCUBE4}\r\n"),
            Format::Generic => row(&GENERIC, true),
        };
        for order in &orders {
            match format {
                Format::EcCube4 => eccube4(&mut text, order, until),
                Format::Generic => text.push_str(&generic(order, until)),
            }
        }
        match encoding {
            Encoding::Cp932 => cp932(&text).map(Some),
            Encoding::Utf8Bom => Ok(Some(format!("\u{feff}{text}").into_bytes())),
        }
    }
}

fn generic(order: &CartOrder, now: Timestamp) -> String {
    let due = if now < order.fixed { String::new() } else { thousands(order.due()) };
    let reception = if order.index.is_multiple_of(2) { order.number() } else { String::new() };
    let cells = [
        order.number(),
        order.placed.jst().format("%Y-%m-%d %H:%M:%S").to_string(),
        format!("{} {}", order.buyer.family, order.buyer.given),
        order.payment.name().to_owned(),
        reception,
        due,
        order.status(now).1.to_owned(),
    ];
    row(&cells, true)
}

fn thousands(yen: i64) -> String {
    if yen >= 1_000 { format!("{},{:03}", yen / 1_000, yen % 1_000) } else { yen.to_string() }
}

/// A detail row: name, code, price, units, rate, kind.
struct Detail<'a> {
    name: &'a str,
    code: &'a str,
    price: i64,
    units: i64,
    rate: i64,
    kind: (u8, &'a str),
    parcel: usize,
}

fn eccube4(text: &mut String, order: &CartOrder, now: Timestamp) {
    let mut details: Vec<Detail<'_>> = order
        .lines
        .iter()
        .map(|line| Detail {
            name: line.goods.name,
            code: line.goods.variants[0].1.unwrap_or(line.goods.number),
            price: line.goods.price_with_tax(),
            units: line.units,
            rate: line.goods.rate_percent,
            kind: (1, "商品"),
            parcel: line.parcel,
        })
        .collect();
    let fee = |name, price, kind| Detail { name, code: "", price, units: 1, rate: 10, kind, parcel: 0 };
    if order.postage > 0 {
        details.push(fee("送料", order.postage, (2, "送料")));
    }
    if order.discount > 0 {
        details.push(fee("値引き", -order.discount, (4, "割引")));
    }
    let id = order.number();
    let (status_id, status) = order.status(now);
    let total = if now < order.fixed { String::new() } else { order.due().to_string() };
    let time = |at: Timestamp| at.jst().format("%Y/%m/%d %H:%M:%S").to_string();
    let tax: i64 = order
        .lines
        .iter()
        .map(|l| l.goods.price_with_tax() * l.units * l.goods.rate_percent / (100 + l.goods.rate_percent))
        .sum();
    let buyer = &order.buyer;
    let shipment_postage = order.postage / i64::try_from(order.recipients.len()).unwrap_or(1);
    let memo = if order.index.is_multiple_of(11) { "のし希望\n「御祝」" } else { "" };
    for (n, detail) in details.iter().enumerate() {
        let mut cells: Vec<String> = vec![id.clone(), id.clone(), String::new()];
        cells.extend(person(buyer, true));
        cells.extend(["", "", "", "", ""].map(str::to_owned));
        cells.push(memo.to_owned());
        cells.extend([
            order.goods_total().to_string(),
            order.discount.to_string(),
            order.postage.to_string(),
            tax.to_string(),
            total.clone(),
            total.clone(),
            status_id.to_string(),
            status.to_owned(),
            payment_id(order).to_owned(),
            order.payment.name().to_owned(),
            time(order.placed),
            order.paid.filter(|at| *at <= now).map(time).unwrap_or_default(),
            (order.index * 10 + n as u64 + 1).to_string(),
            String::new(),
            String::new(),
            detail.name.to_owned(),
            detail.code.to_owned(),
        ]);
        cells.extend(["", "", "", ""].map(str::to_owned));
        cells.extend([
            detail.price.to_string(),
            detail.units.to_string(),
            detail.rate.to_string(),
            String::new(),
            detail.kind.0.to_string(),
            detail.kind.1.to_owned(),
            (order.index * 4 + detail.parcel as u64 + 1).to_string(),
        ]);
        cells.extend(person(&order.recipients[detail.parcel], false));
        cells.extend([String::new(), "ヤマト運輸".to_owned()]);
        cells.extend(["", "", ""].map(str::to_owned));
        cells.push(shipment_postage.to_string());
        cells.push(order.shipped.filter(|at| *at <= now).map(time).unwrap_or_default());
        cells.extend(["", "", ""].map(str::to_owned));
        text.push_str(&row(&cells, false));
    }
}

fn payment_id(order: &CartOrder) -> &'static str {
    match order.payment {
        super::Payment::Card => "10",
        super::Payment::Deferred => "11",
        super::Payment::Transfer => "3",
    }
}

/// Names, company, address and, with `mail`, the e-mail address before the telephone number.
fn person(person: &Person, mail: bool) -> Vec<String> {
    let mut cells = vec![
        person.family.to_owned(),
        person.given.to_owned(),
        person.family_kana.to_owned(),
        person.given_kana.to_owned(),
        String::new(),
        person.postal_code(),
        person.prefecture_id.to_string(),
        person.prefecture.to_owned(),
        person.city.to_owned(),
        person.street.clone(),
    ];
    if mail {
        cells.push(person.email.clone());
    }
    cells.push(format!("{}{}{}", person.phone.0, person.phone.1, person.phone.2));
    cells
}
