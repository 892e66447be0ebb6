use std::time::Duration;
use mallsync::sim::{Encoding, Format};
use crate::rig::{House, Outside, HISTORY, noon};

#[test]
fn trial() {
    let outside = Outside::new(11, 60, Outside::clock(noon(), 60));
    let house = House::new(&outside);
    let first = noon() - HISTORY - Duration::from_secs(1);
    let bytes = outside.world.cart_file(Format::EcCube4, Encoding::Cp932, first, noon()).unwrap().unwrap();
    house.drop_orders("a.csv", &bytes, 0);
    let t = std::time::Instant::now();
    let d = house.daemon();
    eprintln!("started {:?}", t.elapsed());
    d.log.wait(0, &["Pass finished", "own-shop"]);
    eprintln!("own {:?}", t.elapsed());
    d.log.wait(0, &["Pass finished", "late"]);
    eprintln!("late {:?}", t.elapsed());
    let b2 = outside.world.b2_file(first, noon()).unwrap().unwrap();
    let p = house.slip_file("b2.csv", &b2);
    let o = house.run(&["slips", "import", &p]);
    eprintln!("imp {:?} {}", t.elapsed(), String::from_utf8_lossy(&o.stderr));
    d.stop();
    for a in [&["orders","list"][..], &["slips","list"], &["settlements","list"], &["operations","list"], &["status"]] {
        let v = house.json(a);
        eprintln!("{a:?} {:?} {}", v.as_array().map(|a| a.len()), serde_json::to_string(&v.as_array().map(|a| a[0].clone()).unwrap_or(v.clone())).unwrap());
    }
    eprintln!("end {:?} {:?} early {:?}", t.elapsed(), outside.world.counts(), outside.world.early_calls());
}
