//! Small models of an order that depend on a person or a price alone (rakuten-rms.md §5.2).

use serde_json::{Map, Value, json};

use crate::sim::people::Person;

/// Moves members into an object. (`json!` would copy a whole tree that it is given.)
pub(crate) fn put<const N: usize>(object: &mut Value, members: [(&str, Value); N]) {
    if let Value::Object(map) = object {
        map.extend(members.map(|(name, value)| (name.to_owned(), value)));
    }
}

pub(crate) fn join(object: &mut Value, more: Value) {
    if let (Value::Object(map), Value::Object(more)) = (object, more) {
        map.extend(more);
    }
}

pub(crate) fn rate(percent: i64) -> f64 {
    if percent == 8 { 0.08 } else { 0.1 }
}

pub(crate) fn wrapping(title: i32, name: &str, price: Option<i64>, removed: bool) -> Value {
    price.map_or(Value::Null, |price| {
        json!({
            "title": title, "name": name, "price": price, "includeTaxFlag": 1, "deleteWrappingFlag": i32::from(removed),
            "taxRate": 0.1, "taxPrice": price * 10 / 110,
        })
    })
}

pub(crate) fn address(person: &Person) -> Map<String, Value> {
    let (p1, p2, p3) = &person.phone;
    let model = json!({
        "zipCode1": person.zip.0, "zipCode2": person.zip.1, "prefecture": person.prefecture, "city": person.city,
        "subAddress": person.street, "familyName": person.family, "firstName": person.given,
        "familyNameKana": person.family_kana, "firstNameKana": person.given_kana,
        "phoneNumber1": p1, "phoneNumber2": p2, "phoneNumber3": p3,
    });
    if let Value::Object(model) = model { model } else { Map::new() }
}

pub(crate) fn sender(person: &Person) -> Value {
    let mut model = address(person);
    model.insert("isolatedIslandFlag".into(), json!(i32::from(person.island)));
    Value::Object(model)
}

/// Pickup at a shop.
pub(crate) fn store() -> Value {
    json!({
        "cvsCode": 50, "storeGenreCode": "8895", "storeCode": "00000", "storeName": "ローソン見本店",
        "storeZip": "158-0000", "storePrefecture": "東京都", "storeAddress": "見本野区見本町1-1", "areaCode": "01",
        "depo": "07", "openTime": "06:00", "closeTime": "24:00", "cvsRemarks": null,
    })
}

/// Stands in while the recipient of a social gift has not answered (§5.2 SenderModel).
pub(crate) fn gift_pending() -> Value {
    json!({
        "zipCode1": "999", "zipCode2": "9999", "prefecture": "入力待ち", "city": "入力待ち", "subAddress": "入力待ち",
        "familyName": "入力待ち", "firstName": "入力待ち", "familyNameKana": "ニュウリョクマチ",
        "firstNameKana": "ニュウリョクマチ", "phoneNumber1": "999", "phoneNumber2": "9999", "phoneNumber3": "9999",
        "isolatedIslandFlag": 0,
    })
}
