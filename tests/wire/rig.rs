//! What every connector's tests need around it: a gate that opens, a vault, a clock, a client.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use mallsync::clock::{Ambient, ManualClock, Timestamp};
use mallsync::domain::account::Bucket;
use mallsync::http::vault::Fleeting;
use mallsync::http::{Call, Client, ClientSpec, Closed, Gate, Priority};

/// Opens for everybody and remembers what it was told.
#[derive(Default)]
pub struct OpenGate {
    pub admitted: Mutex<Vec<String>>,
    pub paused: Mutex<Vec<Timestamp>>,
    pub paces: Mutex<Vec<(String, Duration)>>,
}

#[async_trait]
impl Gate for OpenGate {
    async fn admit(&self, bucket: &Bucket, _: Priority) -> Result<(), Closed> {
        self.admitted.lock().unwrap().push(bucket.key.clone());
        Ok(())
    }
    async fn pause(&self, _: &Bucket, until: Timestamp) {
        self.paused.lock().unwrap().push(until);
    }
    fn pace(&self, bucket: &Bucket, per: Duration) {
        self.paces.lock().unwrap().push((bucket.key.clone(), per));
    }
}

/// An account's surroundings.
pub struct Rig {
    pub client: Client,
    pub gate: OpenGate,
    pub vault: Fleeting,
    pub clock: ManualClock,
    pub ambient: Ambient,
}

impl Rig {
    pub fn new(spec: &ClientSpec, clock: ManualClock) -> Self {
        Self {
            client: Client::new(spec).unwrap(),
            gate: OpenGate::default(),
            vault: Fleeting::default(),
            ambient: Ambient::seeded(Arc::new(clock.clone()), 1),
            clock,
        }
    }

    pub fn call(&self) -> Call<'_> {
        Call {
            account: "shop",
            client: &self.client,
            gate: &self.gate,
            priority: Priority::Live,
            vault: &self.vault,
            ambient: &self.ambient,
        }
    }
}
