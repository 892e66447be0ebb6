//! What goes wrong at the gateway, some hours at a time.

use std::net::{IpAddr, Ipv4Addr};

use mallsync::sim::{Body, Fault, Maintenance, Rule, World};
use rand::RngExt;
use rand::rngs::StdRng;

/// Every way in which an answer can be lost, bent or put off, but those that wait for a deadline of the machine's clock.
fn faults() -> Vec<Fault> {
    let mut all = vec![
        Fault::ResetBeforeEffect,
        Fault::ResetAfterEffect,
        Fault::ResetBeforeClose,
        Fault::LateEffect { seconds: 20, hold: true },
        Fault::LateEffect { seconds: 50, hold: false },
        Fault::MaintenancePage,
        Fault::EmptyBody,
        Fault::Bom,
        Fault::ExtraElements,
        Fault::Decorated,
        Fault::Truncated,
        Fault::Doctype,
        Fault::ZeroWithCode,
        Fault::CutHeader { at: 17 },
        Fault::CutBody { at: 60 },
    ];
    for (status, body) in [(500, Body::Html), (502, Body::Empty), (503, Body::Json)] {
        all.extend([false, true].map(|effect| Fault::Status { status, body, effect, retry_after: 0 }));
    }
    for code in ["Z012000004", "Z012000005", "Z019999999"] {
        all.extend([false, true].map(|effect| Fault::Code { code: code.to_owned(), effect }));
    }
    for code in ["Z010000000", "Z012000006"] {
        all.push(Fault::Code { code: code.to_owned(), effect: false });
    }
    all
}

/// The weather of the next hours. `outages`: the whole gateway may be out of reach, too.
pub fn change(world: &World, dice: &mut StdRng, outages: bool) {
    let (mut maintenance, mut address) = (Maintenance::Off, None);
    if outages && dice.random_ratio(1, 4) {
        match dice.random_range(0..4) {
            0 => maintenance = Maintenance::Code,
            1 => maintenance = Maintenance::Html,
            _ => address = Some(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1))),
        }
    }
    let (stale, half_cancel, half_change) =
        (dice.random_ratio(1, 4), dice.random_ratio(2, 3), dice.random_ratio(1, 2));
    world.switch(|switches| {
        let webcollect = &mut switches.webcollect;
        webcollect.maintenance = maintenance;
        webcollect.registered_address = address;
        webcollect.stale_reads = stale;
        webcollect.half_failed_cancel = half_cancel;
        webcollect.half_failed_change = half_change;
    });
    let faults = faults();
    let mut rules = Vec::new();
    if dice.random_ratio(1, 2) {
        for _ in 0..dice.random_range(1..4) {
            rules.push(Rule {
                service: "webcollect".to_owned(),
                per_million: dice.random_range(50_000..400_000),
                fault: faults[dice.random_range(0..faults.len())].clone(),
                ..Rule::default()
            });
        }
    }
    world.set_faults(rules);
}

/// Nothing goes wrong any more.
pub fn calm(world: &World) {
    world.set_faults(Vec::new());
    world.switch(|switches| {
        switches.webcollect.maintenance = Maintenance::Off;
        switches.webcollect.registered_address = None;
        switches.webcollect.stale_reads = false;
    });
}
