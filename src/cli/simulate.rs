//! `mallsync simulate`: the simulators alone, with a config that points at them (decisions.md 29, 30).

use std::fs::OpenOptions;
use std::io::Write;
use std::net::SocketAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::context::{language_of_people, note};
use super::failure::{Ended, Failure, Outcome};
use super::{run, words};
use crate::clock::{Clock, Simulation, SystemClock};
use crate::sim::{ClockTriple, Folders, Options, Server, World, config_toml};

#[derive(clap::Args, Debug)]
#[command(after_help = "Example:\n  mallsync simulate --write-config sim/mallsync.toml --speed 60\n  \
                        (in another terminal) mallsync --config sim/mallsync.toml run")]
pub struct Args {
    /// Where to listen: loopback alone
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:9480")]
    listen: SocketAddr,
    /// Simulated seconds per second
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=86_400))]
    speed: u32,
    /// Orders that each mall's shop took in the year before; they go on at that pace [default: 48 a day for a week]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    orders: Option<u32>,
    /// Write a config that points at the simulators, database and folders beside it; never overwrites
    #[arg(long, value_name = "FILE")]
    write_config: Option<PathBuf>,
}

/// What makes the simulated world look random: the same world every time.
const SEED: u64 = 1;
/// Orders a day, at each mall and in the own cart.
const ORDERS_PER_DAY: u64 = 48;
/// Orders placed before the start.
const HISTORY: Duration = Duration::from_secs(7 * 86_400);
/// Over which `--orders` are spread: within the 730 days that Rakuten shows.
const YEAR: Duration = Duration::from_secs(365 * 86_400);
/// Simulated time between two rounds of cart and carrier.
const ROUND: Duration = Duration::from_secs(5 * 60);

/// The command: until SIGTERM or Ctrl-C.
pub async fn run(args: Args) -> Outcome {
    let language = language_of_people();
    if !args.listen.ip().is_loopback() {
        return Err(Failure::Usage(format!(
            "--listen {}: simulators listen on loopback alone, e.g. 127.0.0.1:9480",
            args.listen
        )));
    }
    let listener = TcpListener::bind(args.listen)
        .await
        .map_err(|error| Failure::Failed(format!("--listen {}: {error}", args.listen)))?;
    let addr = listener.local_addr()?;
    let epoch = SystemClock::default().wall();
    let simulation = Simulation { start: epoch, epoch, speed: args.speed };
    let clock = Arc::new(SystemClock::new(Some(simulation)));
    let mut options = Options { speed: args.speed, ..Options::per_day(SEED, clock, ORDERS_PER_DAY, HISTORY) };
    options = options.with_all_malls();
    if let Some(orders) = args.orders {
        let shops = options.rakuten.iter_mut().map(|shop| &mut shop.orders);
        let shops = shops.chain(options.yahoo.iter_mut().map(|shop| &mut shop.orders));
        let shops = shops.chain(options.aupay.iter_mut().map(|shop| &mut shop.orders));
        for of in shops.chain(options.amazon.iter_mut().map(|shop| &mut shop.orders)) {
            of.first_at = epoch - YEAR;
            of.every = YEAR / orders;
        }
    }
    let world = World::new(options);
    let stop = CancellationToken::new();
    let mut carrier = None;
    if let Some(file) = &args.write_config {
        let folders = write_config(file, addr, world.options(), simulation)?;
        note(&words::SIM_CONFIG.with(language, &[&file.display()]));
        note(&words::SIM_SLIPS.with(language, &[&folders.slips.display(), &file.display()]));
        carrier = Some(tokio::spawn(Arc::clone(&world).run_carrier(folders, ROUND, stop.clone())));
    }
    let server = Server::start(listener, Arc::clone(&world))?;
    note(&words::SIMULATING.with(language, &[&addr]));
    let signals = tokio::spawn(run::until_signal());
    let ended = match carrier {
        Some(mut carrier) => tokio::select! {
            // The carrier ends by itself only when a folder cannot be written.
            ended = &mut carrier => Some(ended),
            _ = signals => {
                stop.cancel();
                Some(carrier.await)
            }
        },
        None => {
            signals.await.map_err(|error| Failure::Failed(error.to_string()))?;
            None
        }
    };
    server.stop().await;
    match ended {
        Some(Ok(Err(error))) => Err(Failure::Failed(format!("the simulated carrier: {error}"))),
        Some(Err(error)) => Err(Failure::Failed(format!("the simulated carrier: {error}"))),
        Some(Ok(Ok(()))) | None => Ok(Ended::Well),
    }
}

/// Writes the config and makes the folders beside it.
fn write_config(
    file: &Path,
    addr: SocketAddr,
    options: &Options,
    simulation: Simulation,
) -> Result<Folders, Failure> {
    let failed =
        |path: &Path, error: &std::io::Error| Failure::Failed(format!("{}: {error}", path.display()));
    let file = std::path::absolute(file).map_err(|error| failed(file, &error))?;
    let home = file.parent().unwrap_or(Path::new("/"));
    let folders = Folders::below(home);
    folders.prepare(options).map_err(|error| failed(home, &error))?;
    let Simulation { start, epoch, speed } = simulation;
    let clock = ClockTriple { start, epoch, speed };
    // The orders from before the start are there to be registered too once `mode` says live.
    let since = (start - HISTORY).jst_date();
    let text = config_toml(addr, options, &folders, &home.join("mallsync.db"), clock, since);
    let mut out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&file).map_err(|error| {
        match error.kind() {
            std::io::ErrorKind::AlreadyExists => Failure::Failed(format!(
                "{}: there is a file already; it was left alone. Name another one, or remove it and its database",
                file.display()
            )),
            _ => failed(&file, &error),
        }
    })?;
    out.write_all(text.as_bytes()).map_err(|error| failed(&file, &error))?;
    Ok(folders)
}
