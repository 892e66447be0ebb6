//! ヤマト B2クラウド: issues slips and writes 発行済データ (csv-formats.md §1.1): 97 columns, header, CP932, CRLF, quoted.

use std::io;

use super::World;
use super::cart;
use super::people::Person;
use super::text::{cp932, row};
use crate::clock::Timestamp;

/// The literal header line of a B2クラウド file.
const HEADER: &str = "お客様管理番号,送り状種類,クール区分,伝票番号,出荷予定日,お届け予定日,配達時間帯,お届け先コード,お届け先電話番号,お届け先電話番号枝番,お届け先郵便番号,お届け先住所,お届け先アパートマンション名,お届け先会社・部門１,お届け先会社・部門２,お届け先名,お届け先名(ｶﾅ),敬称,ご依頼主コード,ご依頼主電話番号,ご依頼主電話番号枝番,ご依頼主郵便番号,ご依頼主住所,ご依頼主アパートマンション,ご依頼主名,ご依頼主名(ｶﾅ),品名コード１,品名１,品名コード２,品名２,荷扱い１,荷扱い２,記事,ｺﾚｸﾄ代金引換額（税込),内消費税額等,止置き,営業所コード,発行枚数,個数口表示フラグ,請求先顧客コード,請求先分類コード,運賃管理番号,クロネコwebコレクトデータ登録,クロネコwebコレクト加盟店番号,クロネコwebコレクト申込受付番号１,クロネコwebコレクト申込受付番号２,クロネコwebコレクト申込受付番号３,お届け予定ｅメール利用区分,お届け予定ｅメールe-mailアドレス,入力機種,お届け予定ｅメールメッセージ,お届け完了ｅメール利用区分,お届け完了ｅメールe-mailアドレス,お届け完了ｅメールメッセージ,クロネコ収納代行利用区分,予備,収納代行請求金額(税込),収納代行内消費税額等,収納代行請求先郵便番号,収納代行請求先住所,収納代行請求先住所（アパートマンション名）,収納代行請求先会社・部門名１,収納代行請求先会社・部門名２,収納代行請求先名(漢字),収納代行請求先名(カナ),収納代行問合せ先名(漢字),収納代行問合せ先郵便番号,収納代行問合せ先住所,収納代行問合せ先住所（アパートマンション名）,収納代行問合せ先電話番号,収納代行管理番号,収納代行品名,収納代行備考,複数口くくりキー,検索キータイトル１,検索キー１,検索キータイトル２,検索キー２,検索キータイトル３,検索キー３,検索キータイトル４,検索キー４,検索キータイトル５,検索キー５,予備,予備,投函予定メール利用区分,投函予定メールe-mailアドレス,投函予定メールメッセージ,投函完了メール(お届け先宛)利用区分,投函完了メール(お届け先宛)e-mailアドレス,投函完了メール(お届け先宛)メッセージ,投函完了メール(ご依頼主宛)利用区分,投函完了メール(ご依頼主宛)e-mailアドレス,投函完了メール(ご依頼主宛)メッセージ,連携管理番号,通知メールアドレス";

/// A parcel with its slip.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parcel {
    /// お客様管理番号: the order number, with `_1`, `_2` … where an order has several parcels.
    pub order_key: String,
    /// 送り状種類: `0` prepaid, `2` cash on delivery, `8` compact.
    pub kind: &'static str,
    /// 伝票番号: twelve digits with a valid check digit.
    pub slip: String,
    /// The day it leaves.
    pub ship_date: Timestamp,
    /// The recipient's postal code, seven digits.
    pub postal_code: String,
    /// 受付番号, where one was entered.
    pub reception_number: Option<String>,
    /// Yen to collect on delivery; 0: none.
    pub collect: i64,
    /// The number stands in the file as `="…"`.
    pub excel_text: bool,
    recipient: (String, String, String),
}

impl Parcel {
    /// Issues the slip of one parcel: number `serial` of B2's range, to somebody invented at this postal code.
    #[must_use]
    pub fn issue(order_key: &str, postal_code: &str, ship_date: Timestamp, serial: u64) -> Self {
        let slip = super::slip_number(serial);
        let mut parcel = Self::new(order_key, (0, 1), slip, ship_date, &Person::new(0, serial));
        postal_code.clone_into(&mut parcel.postal_code);
        parcel
    }

    fn new(order: &str, of: (usize, usize), slip: String, ship_date: Timestamp, recipient: &Person) -> Self {
        let (n, count) = of;
        let order_key = if count > 1 { format!("{order}_{}", n + 1) } else { order.to_owned() };
        Self {
            order_key,
            kind: "0",
            slip,
            ship_date,
            postal_code: recipient.postal_code(),
            reception_number: None,
            collect: 0,
            excel_text: false,
            recipient: (
                format!("{}{}", recipient.family, recipient.given),
                format!("{}{}{}", recipient.prefecture, recipient.city, recipient.street),
                format!("{}-{}-{}", recipient.phone.0, recipient.phone.1, recipient.phone.2),
            ),
        }
    }

    fn row(&self) -> String {
        let excel = |text: &str| if self.excel_text { format!("=\"{text}\"") } else { text.to_owned() };
        let mut cells = vec![String::new(); 97];
        // Column numbers as in csv-formats.md §1.1, from 1.
        let mut set = |column: usize, value: &str| cells[column - 1] = value.to_owned();
        set(1, &excel(&self.order_key));
        set(2, self.kind);
        set(3, "0");
        set(4, &excel(&self.slip));
        set(5, &self.ship_date.jst().format("%Y/%m/%d").to_string());
        set(9, &self.recipient.2);
        let (zip1, zip2) = self.postal_code.split_at_checked(3).unwrap_or((&self.postal_code, ""));
        set(11, &format!("{zip1}-{zip2}"));
        set(12, &self.recipient.1);
        set(16, &self.recipient.0);
        set(18, "様");
        set(20, "000-0000-0000");
        set(22, "100-0000");
        set(23, "東京都見本区見本町1-1");
        set(25, "見本商店");
        set(28, "見本商品");
        if self.collect > 0 {
            set(34, &self.collect.to_string());
            set(35, &(self.collect * 10 / 110).to_string());
        }
        set(38, "1");
        set(39, "1");
        set(40, "000000000000");
        set(42, "01");
        // The slips are registered by other means: B2 itself does not (columns 43 to 47).
        set(43, "0");
        if let Some(number) = &self.reception_number {
            set(45, number);
        }
        set(48, "0");
        set(83, "ユーザーID");
        set(84, "user01");
        row(&cells, true)
    }
}

/// 発行済データ of these parcels: 97 columns, with header, CP932, CRLF, every cell quoted.
///
/// # Errors
/// When a text cannot be encoded.
pub fn b2_file(parcels: &[Parcel]) -> io::Result<Vec<u8>> {
    let header: Vec<&str> = HEADER.split(',').collect();
    let mut text = row(&header, true);
    for parcel in parcels {
        text.push_str(&parcel.row());
    }
    cp932(&text)
}

impl World {
    /// The parcels whose slips were issued after `since` and by `until`: the own cart's and the Rakuten shops'. With
    /// oddities, an order in fifty has a wrong postal code, another in fifty stands as `="…"`, and a batch ends with a
    /// slip for an order that nobody knows.
    #[must_use]
    pub fn issued(&self, since: Timestamp, until: Timestamp) -> Vec<Parcel> {
        let oddities = self.options.oddities;
        let mut parcels = Vec::new();
        for order in cart::slipped(self, since, until) {
            let Some(at) = order.slipped else { continue };
            let slips = order.slips();
            for (n, slip) in slips.iter().enumerate() {
                let recipient = &order.recipients[n / order.parcels];
                let mut parcel = Parcel::new(&order.number(), (n, slips.len()), slip.clone(), at, recipient);
                if order.index.is_multiple_of(3) && order.payment == cart::Payment::Card {
                    parcel.reception_number = Some(order.number());
                }
                if order.index.is_multiple_of(7) {
                    parcel.kind = "8";
                }
                if oddities && wrong_postal_code(order.index) {
                    parcel.postal_code = "9999999".to_owned();
                }
                parcel.excel_text = oddities && order.index % 50 == 23;
                parcels.push(parcel);
            }
        }
        for shop in &self.options.rakuten {
            parcels.extend(self.rakuten_parcels(shop, since, until));
        }
        if oddities && !parcels.is_empty() {
            let nobody = Person::new(self.options.seed, 9_999_999);
            // Slips of unknown orders are those of the last numbers of the range.
            let serial = 9_999_999 - until.micros().unsigned_abs() / 1_000_000 % 100_000;
            parcels.push(Parcel::new("UNKNOWN-0001", (0, 1), super::slip_number(serial), until, &nobody));
        }
        parcels
    }

    /// 発行済データ of [`World::issued`]; `None` when there is nothing.
    ///
    /// # Errors
    /// When a text cannot be encoded.
    pub fn b2_file(&self, since: Timestamp, until: Timestamp) -> io::Result<Option<Vec<u8>>> {
        let parcels = self.issued(since, until);
        if parcels.is_empty() { Ok(None) } else { b2_file(&parcels).map(Some) }
    }

    fn rakuten_parcels(&self, shop: &super::Shop, since: Timestamp, until: Timestamp) -> Vec<Parcel> {
        let mut parcels = Vec::new();
        // A slip is issued at most as long before the mall shows it as an order lives.
        let range = shop.orders.placed_between(since - super::rakuten::LIFE, until);
        for index in range {
            let plan = {
                let state = self.state();
                self.plan(&state, shop, index)
            };
            // Most orders of the range shipped long ago: their content need not be made.
            let ahead = std::time::Duration::from_hours(24);
            if plan.packed.is_none_or(|at| at <= since || until + ahead < at) {
                continue;
            }
            let content = shop.content(self.options.seed, &plan);
            let live: Vec<usize> =
                (0..content.packages.len()).filter(|&k| !content.packages[k].removed).collect();
            for (n, &k) in live.iter().enumerate() {
                let Some(at) = plan.parcel_packed(n, live.len()).filter(|at| since < *at && *at <= until)
                else {
                    continue;
                };
                let recipient = &content.packages[k].recipient;
                let number = shop.number(index, plan.placed);
                let mut parcel = Parcel::new(&number, (n, live.len()), shop.slip(index, k), at, recipient);
                if plan.kind == super::rakuten::Kind::CashOnDelivery {
                    parcel.kind = "2";
                    parcel.collect = content.amounts(&plan, until).request;
                }
                parcels.push(parcel);
            }
        }
        parcels
    }
}

/// Does B2 send this cart order's parcels to the wrong postal code (with oddities on)?
pub(crate) fn wrong_postal_code(index: u64) -> bool {
    index % 50 == 17
}
