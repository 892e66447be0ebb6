//! The living daemon: starts the parts, keeps them in step with the config when it is read again, drains them.

use std::collections::BTreeMap;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::health::Health;
use super::mark::{Mark, has_credential};
use super::outcome::{self, Applied};
use super::units::{Units, Work};
use super::{App, AppError, BROKEN, Broken, connect, notify, watchdog};
use crate::clock::Ambient;
use crate::config::{Config, Finding, Settlement};
use crate::domain::planner::Contract;
use crate::engine::chores;
use crate::engine::poll::{PassRequest, Shared};
use crate::secret::{Secret, SecretRef};
use crate::store::reloads::ReloadRow;
use crate::store::{Store, StoreError};
use crate::telemetry::{self, Reload, Vitals};

/// After a stop, what is in flight may take so long: the longest deadline and a margin.
const DRAIN: Duration = Duration::from_secs(75);
/// systemd is asked for a little more than that.
const STOP: Duration = Duration::from_secs(90);

/// How people read what systemd is told: it stands in English in the code.
#[derive(Clone)]
pub struct Say(pub Arc<dyn Fn(&str) -> String + Send + Sync>);

impl Default for Say {
    fn default() -> Self {
        Self(Arc::new(str::to_owned))
    }
}

/// How a running daemon is told to read its config again.
pub struct Reloads {
    /// One message a request.
    pub requests: mpsc::Receiver<()>,
    /// Reads and checks the config as the start does.
    pub load: Arc<dyn Fn() -> Result<Config, Vec<Finding>> + Send + Sync>,
    /// How `systemctl status` reads.
    pub say: Say,
}

impl std::fmt::Debug for Reloads {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Reloads").finish_non_exhaustive()
    }
}

/// A config against what runs: what is to be built has been built.
struct Survey {
    config: Config,
    work: Vec<(String, Mark, Work)>,
    applied: Applied,
    /// The database's, as it stands now; `None`: there is none, or it is another database's.
    password: Option<Result<Secret, String>>,
}

/// Everything that runs.
struct Daemon {
    /// As at the start: what cannot change live is as it says.
    start: Config,
    /// Sections that are enabled, as the contracts in force were made from them.
    settlements: Vec<Settlement>,
    store: Store,
    ambient: Ambient,
    shared: Shared,
    units: Units,
    vitals: Arc<Vitals>,
    health: Health,
    password: Option<Secret>,
    say: Say,
}

impl App {
    /// The daemon without reloads; see [`App::serve`].
    ///
    /// # Errors
    /// As [`App::serve`].
    pub async fn run(self, stop: CancellationToken) -> Result<(), AppError> {
        self.serve(stop, None).await
    }

    /// The daemon: polls and sends until `stop`, then finishes what is in flight within a bound and sends nothing new.
    /// Follows its config whenever `reloads` asks for it, and tells systemd how it is.
    ///
    /// # Errors
    /// [`AppError`] at the start; later faults are logged and tried again.
    pub async fn serve(self, stop: CancellationToken, reloads: Option<Reloads>) -> Result<(), AppError> {
        let busy = self.ambient.clock().busy();
        let (shared, gate) = self.shared(stop.clone());
        let Self { config, store, ambient, vitals, password, .. } = self;
        let say = reloads.as_ref().map_or_else(Say::default, |reloads| reloads.say.clone());
        // First, so that everything the loops do is counted.
        let health = Health::begin(&config, &store, &ambient, &vitals).await?;
        let units = Units::new(shared.clone(), gate);
        let mut daemon = Daemon {
            start: config.clone(),
            settlements: enabled(&config),
            store: store.clone(),
            ambient: ambient.clone(),
            shared: shared.clone(),
            units,
            vitals: Arc::clone(&vitals),
            health,
            password,
            say: say.clone(),
        };
        store.forget_reloads(ambient.wall()).await?;
        let survey = survey(config, BTreeMap::new()).await?;
        daemon.tell_broken(&survey.applied.broken);
        daemon.note_broken(&survey.config, &survey.applied.broken).await?;
        let broken = survey.applied.broken.len();
        daemon.units.change(&[], survey.work);
        let beat = daemon.units.beats.watch("chores", &ambient);
        let chores = chores::run(Shared { beat, ..shared.clone() }, daemon.units.roster.clone());
        let chores = tokio::spawn(chores);
        let watchdog = tokio::spawn(watchdog::feed(daemon.units.beats.clone(), ambient.clone()));
        tokio::select! {
            () = daemon.units.beats.all_heard() => {}
            () = stop.cancelled() => {}
        }
        drop(busy);
        let (shops, settlements) = daemon.units.counts();
        vitals.started(ambient.now());
        vitals.set_ready(true);
        notify::ready(&say, &outcome::status(shops, settlements, None));
        tracing::info!(shops, settlements, broken, "mallsync started.");
        daemon.follow(reloads, &stop).await;
        vitals.set_ready(false);
        notify::stopping(&say, STOP);
        tracing::info!("Stop began.");
        if !daemon.units.drain(chores, DRAIN).await {
            tracing::warn!("Work in flight did not end in time.");
        }
        watchdog.abort();
        daemon.health.end().await;
        store.close().await;
        tracing::info!("mallsync stopped.");
        Ok(())
    }
}

impl Daemon {
    /// Reads the config again whenever it is asked to, until `stop`.
    async fn follow(&mut self, reloads: Option<Reloads>, stop: &CancellationToken) {
        let Some(Reloads { mut requests, load, .. }) = reloads else { return stop.cancelled().await };
        loop {
            let asked = async {
                if requests.recv().await.is_none() {
                    pending::<()>().await;
                }
            };
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = asked => {}
            }
            // Several at once are one: the file is read after the last of them.
            while requests.try_recv().is_ok() {}
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = self.reload(Arc::clone(&load)) => {}
            }
        }
    }

    /// One reload, from the file to what is told of it (I10).
    async fn reload(&mut self, load: Arc<dyn Fn() -> Result<Config, Vec<Finding>> + Send + Sync>) {
        notify::reloading(&self.say);
        let running = self.units.marks();
        let loaded = tokio::task::spawn_blocking(move || load()).await;
        let outcome = match loaded {
            Ok(Ok(config)) => match survey(config, running).await {
                Ok(survey) => Ok(self.apply(survey).await),
                Err(e) => Err(outcome::refused(&[whole(&e.to_string())])),
            },
            Ok(Err(findings)) => Err(outcome::refused(&findings)),
            Err(e) => Err(outcome::refused(&[whole(&format!("reading it broke off: {e}"))])),
        };
        let applied = outcome.is_ok();
        let outcome = match outcome {
            Ok(applied) => {
                applied.log();
                applied.line()
            }
            Err(line) => line,
        };
        let at = self.ambient.now();
        let row = ReloadRow { at, applied, outcome: outcome.clone() };
        if let Err(e) = self.store.note_reload(&self.shared.owner, &row).await {
            tracing::warn!(error.message = %e, "Outcome of a reload could not be stored.");
        }
        self.vitals.reloaded(Reload { at, applied, outcome: outcome.clone() });
        let (shops, settlements) = self.units.counts();
        notify::ready(&self.say, &outcome::status(shops, settlements, Some(&outcome)));
    }

    /// Puts a config into force. Nothing here fails: what the database does not take is told, and mends itself.
    async fn apply(&mut self, survey: Survey) -> Applied {
        let Survey { config, work, mut applied, password } = survey;
        self.health.follow(&config);
        applied.pending = outcome::pending(&self.start, &config);
        if config.database.url == self.start.database.url {
            applied.password = self.renew_password(password).await;
        }
        if let Err(e) = telemetry::set_filter(&config.log.filter) {
            tracing::warn!(error.message = %e, "Filter of the log was left as it was.");
        }
        self.tell_broken(&applied.broken);
        let replaced: Vec<String> = work.iter().map(|(subject, ..)| subject.clone()).collect();
        let broken = applied.broken.iter().map(|broken| broken.subject.clone());
        let retired: Vec<String> = applied.removed.iter().cloned().chain(broken).collect();
        let settlements = enabled(&config);
        if settlements != self.settlements
            && let Ok(contracts) = contracts(&config)
        {
            // Whoever sends by old rules sends nothing new from here on.
            self.units.hush_settlements(retired.iter().chain(&replaced));
            self.shared.contracts.replace(contracts).await;
            self.settlements = settlements;
        }
        // Before the mended ones begin: whoever reads of their first pass finds them well in `status`.
        if let Err(e) = self.note_broken(&config, &applied.broken).await {
            tracing::warn!(error.message = %e, "Unusable sections could not be stored.");
        }
        self.units.change(&retired, work);
        if let Err(e) = self.probe().await {
            tracing::warn!(error.message = %e, "Stopped accounts could not be made due.");
        }
        self.shared.planned.nudge();
        applied
    }

    /// Lets new connections use another password of the database. `None`: it is as it was.
    async fn renew_password(
        &mut self,
        password: Option<Result<Secret, String>>,
    ) -> Option<Result<(), String>> {
        let password = match password? {
            Ok(password) => password,
            Err(why) => return Some(Err(why)),
        };
        if self.password.as_ref().is_some_and(|before| before.expose() == password.expose()) {
            return None;
        }
        let renewed = self.store.renew_password(&password).await.map_err(|e| e.to_string());
        if renewed.is_ok() {
            self.password = Some(password);
        }
        Some(renewed)
    }

    /// What the other side has stopped is tried at once: a person may have mended it there (decisions.md 11).
    async fn probe(&self) -> Result<(), StoreError> {
        let now = self.ambient.now();
        self.store.probe_stopped(now).await?;
        self.store.try_functions(now).await?;
        for seat in self.units.roster.now().iter() {
            let rows = self.store.streams(Some(&seat.shop.name)).await?;
            let refused = |error: &str| error.starts_with("auth:");
            let stopped: Vec<&str> = rows
                .iter()
                .filter(|row| !row.finished && row.error.as_deref().is_some_and(refused))
                .map(|row| row.stream.as_str())
                .collect();
            if stopped.is_empty() {
                continue;
            }
            self.store.make_due(&seat.shop.name, &stopped, now).await?;
            // Nobody waits for the answer, and a loop that has enough to do comes round to it anyway.
            let request =
                PassRequest { streams: Vec::new(), live: false, reply: tokio::sync::oneshot::channel().0 };
            drop(seat.door.try_send(request));
        }
        Ok(())
    }

    fn tell_broken(&self, broken: &[Broken]) {
        for broken in broken {
            for problem in &broken.problems {
                tracing::error!(
                    shop = broken.subject.strip_prefix("shops."),
                    settlement = broken.subject.strip_prefix("settlements."),
                    key = %problem.key,
                    error.message = %problem.message,
                    "Section could not be used."
                );
            }
        }
    }

    /// Keeps in the accounts' rows which sections cannot be used, so that `status` tells it; a section that was mended
    /// works again.
    async fn note_broken(&self, config: &Config, broken: &[Broken]) -> Result<(), StoreError> {
        let shops = config.shops.iter().filter(|s| s.enabled).map(|s| ("shops", &s.name));
        let settlements = config.settlements.iter().filter(|s| s.enabled);
        for (table, name) in shops.chain(settlements.map(|s| ("settlements", &s.name))) {
            let subject = format!("{table}.{name}");
            let problem = broken.iter().find(|b| b.subject == subject).and_then(|b| b.problems.first());
            match problem {
                Some(problem) => {
                    let reason = format!("{subject}.{}: {}", problem.key, problem.message);
                    self.store.break_account(name, BROKEN, &reason, self.ambient.now()).await?;
                }
                None => self.store.mend_account(name, BROKEN).await?,
            }
        }
        Ok(())
    }
}

fn enabled(config: &Config) -> Vec<Settlement> {
    config.settlements.iter().filter(|section| section.enabled).cloned().collect()
}

fn contracts(config: &Config) -> Result<Vec<Contract>, AppError> {
    connect::contracts(config)
}

/// A finding about no key in particular.
fn whole(message: &str) -> Finding {
    Finding { file: None, line: None, key: String::new(), message: message.to_owned() }
}

/// Compares a config with what runs, and builds what is to run beside it or in its place. Reads secrets and certificates,
/// so apart from the threads that everything else runs on.
async fn survey(config: Config, running: BTreeMap<String, Mark>) -> Result<Survey, AppError> {
    let surveyed = tokio::task::spawn_blocking(move || compare(config, &running)).await;
    surveyed.unwrap_or_else(|e| Err(AppError::Config(format!("building the connectors broke off: {e}"))))
}

fn compare(config: Config, running: &BTreeMap<String, Mark>) -> Result<Survey, AppError> {
    let contracts = contracts(&config)?;
    let password = config.database.password.as_ref().map(SecretRef::resolve);
    let mut survey = Survey { work: Vec::new(), applied: Applied::default(), config, password };
    let Survey { config, work, applied, .. } = &mut survey;
    if matches!(config.database.password, Some(SecretRef::Credential(_))) {
        applied.credentials.push("database".to_owned());
    }
    for section in config.shops.iter().filter(|section| section.enabled) {
        let subject = format!("shops.{}", section.name);
        // Before the connector: what changes in between is found at the next reload.
        let mark = Mark::shop(section);
        if has_credential(&section.section) {
            applied.credentials.push(subject.clone());
        }
        applied.sort(running, subject, mark, work, || {
            connect::shop(section).map(|(shop, ..)| Work::Shop(Arc::new(shop)))
        });
    }
    for section in config.settlements.iter().filter(|section| section.enabled) {
        let subject = format!("settlements.{}", section.name);
        let Some(contract) = contracts.iter().find(|contract| contract.name == section.name) else {
            continue;
        };
        let mark = Mark::settlement(section);
        if has_credential(&section.section) {
            applied.credentials.push(subject.clone());
        }
        applied.sort(running, subject, mark, work, || {
            connect::account(config, section, contract)
                .map(|(account, _)| Work::Settlement(Arc::new(account)))
        });
    }
    let known = |subject: &String| {
        let Applied { added, changed, unchanged, broken, .. } = &*applied;
        [added, changed, unchanged].iter().any(|list| list.contains(subject))
            || broken.iter().any(|broken| broken.subject == *subject)
    };
    let removed = running.keys().filter(|subject| !known(subject)).cloned().collect();
    applied.removed = removed;
    Ok(survey)
}

impl Applied {
    /// Puts one section where it belongs.
    fn sort(
        &mut self,
        running: &BTreeMap<String, Mark>,
        subject: String,
        mark: Mark,
        work: &mut Vec<(String, Mark, Work)>,
        build: impl FnOnce() -> Result<Work, Vec<crate::domain::account::Problem>>,
    ) {
        let before = running.get(&subject);
        if before == Some(&mark) {
            return self.unchanged.push(subject);
        }
        match build() {
            Ok(built) => {
                let list = if before.is_some() { &mut self.changed } else { &mut self.added };
                list.push(subject.clone());
                work.push((subject, mark, built));
            }
            Err(problems) => self.broken.push(Broken { subject, problems }),
        }
    }
}
