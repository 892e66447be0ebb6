use std::time::SystemTime;

use super::*;
use crate::malls::csv::profiles;

const HEADER: &str = "注文番号,支払合計,支払方法,注文日\n";

struct Shop {
    dir: tempfile::TempDir,
    profile: Profile,
    wall: Timestamp,
    state: State,
}

impl Shop {
    fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
            profile: profiles::load("generic").unwrap(),
            wall: Timestamp::parse("2026-06-01T12:00:00+09:00").unwrap(),
            state: State::default(),
        }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Drops a file that was last written `age` ago.
    fn drop_file(&self, name: &str, text: &str, age: Duration) {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        let micros = u64::try_from((self.wall - age).micros()).unwrap();
        let file = File::options().write(true).open(&path).unwrap();
        file.set_modified(SystemTime::UNIX_EPOCH + Duration::from_micros(micros)).unwrap();
    }

    fn pass(&mut self, d: Duration) {
        self.wall = self.wall + d;
    }

    fn try_look(&self) -> Result<Turn, String> {
        Folder { directory: self.dir.path(), profile: &self.profile }.look(&self.state, self.wall, self.wall)
    }

    /// A look whose cursor is committed.
    fn look(&mut self) -> Turn {
        let turn = self.try_look().unwrap();
        // As it goes through the database.
        self.state = serde_json::from_value(serde_json::to_value(&turn.state).unwrap()).unwrap();
        turn
    }
}

fn ids(turn: &Turn) -> Vec<&str> {
    turn.orders.iter().map(|f| f.order.mall_order_id.as_str()).collect()
}

fn orders(range: std::ops::Range<u32>) -> String {
    range.fold(HEADER.to_owned(), |text, n| format!("{text}A-{n},100,カード,2026/6/1\n"))
}

const FRESH: Duration = Duration::from_secs(1);
const OLD: Duration = Duration::from_secs(61);
const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn a_growing_file_is_read_once_it_is_still() {
    let mut shop = Shop::new();
    shop.drop_file("o.csv", "", FRESH);
    assert!(shop.look().orders.is_empty());
    shop.pass(MINUTE);
    shop.drop_file("o.csv", &orders(0..1), FRESH);
    assert!(shop.look().orders.is_empty(), "it grew since the last look");
    shop.pass(Duration::from_secs(1));
    assert!(shop.look().orders.is_empty(), "two looks in one second say nothing");
    shop.pass(Duration::from_secs(10));
    let turn = shop.look();
    assert_eq!(ids(&turn), ["A-0"]);
    assert!(turn.more && shop.path("o.csv").exists(), "not moved before it is committed");
    let turn = shop.look();
    assert!(turn.orders.is_empty() && !turn.more);
    assert!(shop.path("done/o.csv").exists() && !shop.path("o.csv").exists());
    let before = shop.state.clone();
    assert_eq!(shop.look().state, before, "nothing new changes nothing");
}

#[test]
fn an_old_file_is_read_at_once_and_an_empty_one_is_refused_when_old() {
    let mut shop = Shop::new();
    shop.drop_file("b.csv", &orders(2..3), OLD);
    shop.drop_file("a.csv", &orders(1..2), OLD + FRESH);
    let (first, second) = (shop.look(), shop.look());
    assert_eq!((ids(&first), ids(&second)), (vec!["A-1"], vec!["A-2"]));
    assert!(
        first.orders[0].read_at < second.orders[0].read_at,
        "the later file is newer though the clock stood still"
    );
    shop.drop_file("empty.csv", "", FRESH);
    for _ in 0..3 {
        shop.look();
        shop.pass(Duration::from_secs(15));
    }
    assert!(shop.path("empty.csv").exists());
    shop.pass(MINUTE);
    assert_eq!(shop.look().bad.len(), 1);
}

#[test]
fn a_large_file_comes_in_slices_and_a_crash_repeats_one() {
    let mut shop = Shop::new();
    shop.drop_file("o.csv", &orders(0..1201), OLD);
    let mut seen = Vec::new();
    let mut turns = 0;
    loop {
        // The first look of each pair is lost in a crash before its commit.
        let lost = shop.try_look().unwrap();
        let turn = shop.look();
        assert_eq!(ids(&lost), ids(&turn));
        seen.extend(turn.orders.iter().map(|f| (f.order.mall_order_id.clone(), f.read_at)));
        turns += 1;
        if !turn.more {
            break;
        }
    }
    assert_eq!(turns, 4, "500, 500, 201, and the move");
    assert_eq!(seen.len(), 1201);
    assert!(seen.iter().enumerate().all(|(n, (id, at))| *id == format!("A-{n}") && *at == seen[0].1));
    assert!(shop.path("done/o.csv").exists());
}

#[test]
fn a_file_that_is_replaced_halfway_is_read_from_its_beginning() {
    let mut shop = Shop::new();
    shop.drop_file("o.csv", &orders(0..600), OLD);
    assert_eq!(shop.look().orders.len(), 500);
    shop.drop_file("o.csv", &orders(1000..1003), OLD);
    assert_eq!(ids(&shop.look()), ["A-1000", "A-1001", "A-1002"]);
    shop.look();
    assert!(shop.path("done/o.csv").exists());
}

#[test]
fn a_new_file_under_the_name_of_a_read_one_is_read_too() {
    let mut shop = Shop::new();
    for (n, text) in [orders(0..1), orders(1..2), orders(1..2)].iter().enumerate() {
        shop.drop_file("o.csv", text, OLD);
        assert_eq!(shop.look().orders.len(), 1, "{n}");
        shop.look();
        assert!(!shop.path("o.csv").exists());
    }
    assert_eq!(fs::read_dir(shop.path("done")).unwrap().count(), 2, "one a content");
    // Dropped between reading and moving: not taken for the one that was read.
    shop.drop_file("o.csv", &orders(5..6), OLD);
    shop.look();
    shop.drop_file("o.csv", &orders(6..7), OLD);
    assert_eq!(ids(&shop.look()), ["A-6"]);
}

#[test]
fn a_refused_file_goes_to_rejected_with_the_reason() {
    let mut shop = Shop::new();
    shop.drop_file("o.csv", "見本花子,03-0000-0000\n", OLD);
    let turn = shop.look();
    assert_eq!((turn.bad.len(), turn.bad[0].mall_order_id.as_str()), (1, "o.csv:1"));
    shop.look();
    let result = fs::read_to_string(shop.path("rejected/o.csv.result.txt")).unwrap();
    assert!(
        result.contains("o.csv") && result.contains("order_no") && result.contains("--explain"),
        "{result}"
    );
    assert!(!result.contains("見本花子"), "no personal data in {result}");
    assert!(shop.path("rejected/o.csv").exists() && !shop.path("o.csv").exists());
    let before = shop.state.clone();
    assert_eq!(shop.look().state, before);
}

#[test]
fn a_crash_after_the_move_and_before_the_commit_is_harmless() {
    let mut shop = Shop::new();
    shop.drop_file("o.csv", &orders(0..1), OLD);
    shop.look();
    shop.try_look().unwrap();
    assert!(!shop.path("o.csv").exists());
    let turn = shop.look();
    assert!(turn.orders.is_empty() && turn.bad.is_empty() && !turn.more);
    assert!(shop.path("done/o.csv").exists());
}

#[test]
fn what_cannot_be_moved_is_told_and_not_read_again() {
    let mut shop = Shop::new();
    fs::write(shop.path("done"), "in the way").unwrap();
    shop.drop_file("done", "", FRESH);
    shop.drop_file("o.csv", &orders(0..1), OLD);
    assert_eq!(ids(&shop.look()), ["A-0"]);
    let reason = shop.try_look().unwrap_err();
    assert!(reason.contains("o.csv") && reason.contains("cannot be moved"), "{reason}");
    shop.drop_file("p.csv", &orders(1..2), OLD);
    assert_eq!(ids(&shop.look()), ["A-1"], "others are read all the same");
}

#[test]
fn temporary_files_and_folders_are_left_alone() {
    let mut shop = Shop::new();
    for name in [".o.csv", "~$o.csv", "o.csv.part", "o.csv~", "o.csv.crdownload", "o.CSV.TMP"] {
        shop.drop_file(name, &orders(0..1), OLD);
    }
    fs::create_dir(shop.path("sub.csv")).unwrap();
    let turn = shop.look();
    assert_eq!(turn.state, State::default());
    assert!(turn.orders.is_empty() && turn.bad.is_empty() && !turn.more);
}

#[test]
fn a_missing_folder_is_named() {
    let shop = Shop::new();
    let profile = &shop.profile;
    let directory = shop.path("nowhere");
    let folder = Folder { directory: &directory, profile };
    let reason = folder.look(&State::default(), shop.wall, shop.wall).unwrap_err();
    assert!(reason.contains("nowhere") && reason.contains("Create it"), "{reason}");
    assert!(folder.waiting().is_err());
    assert!(folder.try_write().is_ok() && !directory.exists(), "check makes no folder");
}

#[test]
fn a_file_that_cannot_be_opened_is_told_of_once() {
    let (mut state, look) = (State::default(), Look { bytes: 1, modified: 1, at: 0, told: false });
    let error = io::Error::from(io::ErrorKind::PermissionDenied);
    let mut told = 0;
    for _ in 0..3 {
        let mut turn = Turn::default();
        tell_once("o.csv", &look, &error, &mut state, Timestamp::from_micros(0), &mut turn);
        told += turn.bad.len();
    }
    assert_eq!(told, 1);
}
