//! Older editions of `getOrder` lack what came later (rakuten-rms.md §5.1).

use serde_json::Value;

/// Takes away the members that edition `version` does not have (rakuten-rms.md §5.1).
pub(crate) fn hide(order: &mut Value, version: u64) {
    let mut order_members: Vec<&str> = Vec::new();
    let mut package_members: Vec<&str> = Vec::new();
    let mut item_members: Vec<&str> = Vec::new();
    if version < 4 {
        package_members.push("defaultDeliveryCompanyCode");
        item_members.push("isSingleItemShipping");
    }
    if version < 5 {
        order_members.extend(["receiptIssueCount", "receiptIssueHistoryList", "DueDateModelList"]);
    }
    if version < 6 {
        order_members.push("cautionDisplayDetailType");
    }
    if version < 7 {
        item_members.push("SkuModelList");
    }
    if version < 8 {
        order_members.extend(["deliveryCertPrgFlag", "oneDayOperationFlag"]);
    } else {
        order_members.extend(["goodsTax", "isTaxRecalc"]);
        package_members.push("goodsTax");
    }
    if version < 9 {
        package_members.extend(["dropOffFlag", "dropOffLocation"]);
    }
    if version < 10 {
        order_members.push("socialGiftFlag");
        package_members.push("SocialGiftModel");
    }
    remove(order, &order_members);
    for package in list(order, "PackageModelList") {
        remove(package, &package_members);
        for item in list(package, "ItemModelList") {
            remove(item, &item_members);
        }
    }
}

fn remove(object: &mut Value, members: &[&str]) {
    if let Value::Object(map) = object {
        for member in members {
            map.remove(*member);
        }
    }
}

fn list<'a>(object: &'a mut Value, member: &str) -> std::slice::IterMut<'a, Value> {
    match object.get_mut(member) {
        Some(Value::Array(items)) => items.iter_mut(),
        _ => [].iter_mut(),
    }
}
