//! Keys, consents and certificates that end: told at 30, 14, 7, 3 and 1 days before, and daily once they have ended.

use std::sync::Arc;

use super::DAY;
use crate::clock::Timestamp;
use crate::engine::poll::{Shared, Shop};
use crate::store::StoreError;
use crate::store::notices::{Notice, Topic};

/// Days before the end at which it is told, and 0 for an end that has come.
const STEPS: [i64; 6] = [0, 1, 3, 7, 14, 30];
/// From so many days before on, a person must act.
const LATE: i64 = 3;

/// The last step that `now` has come to; `None`: the end is far.
fn step(at: Timestamp, now: Timestamp) -> Option<i64> {
    let left = at.micros().saturating_sub(now.micros());
    let day = i64::try_from(DAY.as_micros()).unwrap_or(i64::MAX);
    STEPS.into_iter().find(|days| left <= days.saturating_mul(day))
}

/// What is to be noted and told of the end `at`, after `before`.
fn news(subject: &str, at: Timestamp, now: Timestamp, before: Option<&Notice>) -> Option<Notice> {
    let step = step(at, now)?;
    // An end read anew may be a little off; a key that was renewed ends days later.
    let same = before.filter(|told| at.micros() <= (told.since + DAY).micros());
    let due = same.is_none_or(|told| step < told.step || (step == 0 && now.since(told.told_at) >= DAY));
    due.then(|| Notice {
        topic: Topic::Ends,
        subject: subject.to_owned(),
        since: same.map_or(at, |told| told.since.min(at)),
        step,
        told_at: now,
    })
}

/// The ends of keys of every shop, as they were read last.
pub(super) async fn round(shared: &Shared, shops: &[Arc<Shop>]) -> Result<(), StoreError> {
    let told = shared.store.notices(Topic::Ends).await?;
    let now = shared.ambient.now();
    for account in shared.store.accounts().await? {
        let Some(shop) = shops.iter().find(|shop| shop.name == account.name) else { continue };
        for expiry in &account.expiries {
            let subject = format!("{}/{}", shop.name, expiry.what);
            let before = told.iter().find(|notice| notice.subject == subject);
            let Some(after) = news(&subject, expiry.at, now, before) else { continue };
            if !shared.store.note(before, &after).await? {
                continue;
            }
            let days = (expiry.at.jst_date() - now.jst_date()).num_days();
            let (shop, mall, key, ends_at) = (&shop.name, shop.mall_word, &expiry.what, expiry.at);
            if after.step == 0 {
                tracing::error!(shop, mall, key, ends_at = %ends_at, days, "Key ended.");
            } else if after.step <= LATE {
                tracing::error!(shop, mall, key, ends_at = %ends_at, days, "Key came close to its end.");
            } else {
                tracing::warn!(shop, mall, key, ends_at = %ends_at, days, "Key came close to its end.");
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const HOUR: Duration = Duration::from_secs(3_600);

    /// The steps that are told when it is asked every hour for so many days, from `from` days before the end on.
    fn told(from: u32, days: u32, before: Option<Notice>) -> Vec<i64> {
        let end = Timestamp::parse("2026-12-31T23:59:59+09:00").unwrap();
        let start = end - DAY * from;
        let mut before = before;
        let mut steps = Vec::new();
        for hour in 0..days * 24 {
            if let Some(after) = news("s/key", end, start + HOUR * hour, before.as_ref()) {
                steps.push(after.step);
                before = Some(after);
            }
        }
        steps
    }

    #[test]
    fn each_step_is_told_once_and_an_end_that_came_daily() {
        assert_eq!(told(40, 43, None), [30, 14, 7, 3, 1, 0, 0, 0]);
    }

    #[test]
    fn who_begins_late_hears_the_nearest_step_alone() {
        assert_eq!(told(5, 5, None), [7, 3, 1]);
    }

    #[test]
    fn a_renewed_key_is_told_of_anew_and_one_read_a_little_off_is_not() {
        let end = Timestamp::parse("2026-12-31T23:59:59+09:00").unwrap();
        let now = end - DAY * 7;
        let before = news("s/key", end, now, None).unwrap();
        assert_eq!(news("s/key", end + HOUR * 3, now + HOUR, Some(&before)), None);
        assert_eq!(news("s/key", end + DAY * 80, now, Some(&before)), None, "far again");
        let next = news("s/key", end + DAY * 80, end + DAY * 79, Some(&before)).unwrap();
        assert_eq!((next.step, next.since), (1, end + DAY * 80));
    }
}
