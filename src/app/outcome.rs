//! What came of a reload: in the log, in `status`, to systemd.

use std::fmt::Display;

use super::Broken;
use crate::config::{Config, Finding};

/// What a config that is in force has changed.
#[derive(Debug, Default)]
pub(super) struct Applied {
    pub(super) added: Vec<String>,
    pub(super) changed: Vec<String>,
    pub(super) removed: Vec<String>,
    pub(super) unchanged: Vec<String>,
    pub(super) broken: Vec<Broken>,
    /// Keys that were changed and take effect at the next start.
    pub(super) pending: Vec<&'static str>,
    /// What came of another password of the database; `None`: it is as it was.
    pub(super) password: Option<Result<(), String>>,
    /// Sections with secrets that systemd handed over at the start.
    pub(super) credentials: Vec<String>,
}

impl Applied {
    /// Tells the log.
    pub(super) fn log(&self) {
        let list = |names: &[String]| names.join(", ");
        if !self.pending.is_empty() {
            tracing::warn!(keys = %self.pending.join(", "), "Changed keys were left for the next restart.");
        }
        match &self.password {
            None => {}
            Some(Ok(())) => tracing::info!("Password of the database was renewed."),
            Some(Err(why)) => tracing::error!(error.message = %why,
                "Password of the database could not be renewed; the one before stays in use."),
        }
        if !self.credentials.is_empty() {
            tracing::info!(sections = %list(&self.credentials),
                "Systemd credentials were not read again.");
        }
        tracing::info!(
            added = %list(&self.added),
            changed = %list(&self.changed),
            removed = %list(&self.removed),
            unchanged = %list(&self.unchanged),
            broken = %self.broken.iter().map(|b| b.subject.as_str()).collect::<Vec<_>>().join(", "),
            "Config reloaded."
        );
    }

    /// One line for people.
    pub(super) fn line(&self) -> String {
        let mut parts = vec!["config reloaded".to_owned()];
        let lists = [("added", &self.added), ("changed", &self.changed), ("removed", &self.removed)];
        for (what, names) in lists {
            if !names.is_empty() {
                parts.push(format!("{what}: {}", names.join(", ")));
            }
        }
        match &self.password {
            None => {}
            Some(Ok(())) => parts.push("the database's password was renewed".to_owned()),
            Some(Err(why)) => {
                parts.push(format!("the database's password was not renewed, the one before stays: {why}"));
            }
        }
        if parts.len() == 1 {
            parts.push("nothing to change".to_owned());
        }
        for broken in &self.broken {
            let why = broken.problems.first().map(|p| format!("{}: {}", p.key, p.message));
            parts.push(format!("cannot be used: {}.{}", broken.subject, why.unwrap_or_default()));
        }
        if !self.pending.is_empty() {
            parts.push(format!("at the next restart: {}", self.pending.join(", ")));
        }
        if !self.credentials.is_empty() {
            parts.push(format!(
                "systemd credentials only at the next restart: {}",
                self.credentials.join(", ")
            ));
        }
        parts.join("; ")
    }
}

/// Tells the log why a config was refused, a line a finding; returns one line for people.
pub(super) fn refused(findings: &[Finding]) -> String {
    for finding in findings {
        let file = finding.file.as_ref().map(|file| file.display().to_string()).unwrap_or_default();
        tracing::error!(
            file,
            line = finding.line.unwrap_or(0),
            key = %finding.key,
            error.message = %finding.message,
            "Config refused; the one before stays in force."
        );
    }
    let shown: Vec<String> = findings.iter().map(ToString::to_string).collect();
    format!("config refused, the one before stays in force: {}", shown.join("; "))
}

/// Keys that differ from those the daemon started with and that a running daemon cannot change.
pub(super) fn pending(start: &Config, now: &Config) -> Vec<&'static str> {
    let of = |config: &Config| {
        [
            ("database.url", config.database.url.clone()),
            // Another password is taken up; whether there is one at all is the next start's.
            ("database.password", config.database.password.is_some().to_string()),
            ("daemon.listen", format!("{:?}", config.daemon.listen)),
            ("daemon.language", format!("{:?}", config.daemon.language)),
            ("simulation", format!("{:?}", config.simulation)),
            ("log.format", format!("{:?}", config.log.format)),
            ("log.journal", format!("{:?}", config.log.journal)),
        ]
    };
    let differs = of(start).into_iter().zip(of(now)).filter(|(before, after)| before.1 != after.1);
    differs.map(|((key, _), _)| key).collect()
}

/// What runs, and what came of the last reload.
pub(super) fn status(shops: usize, settlements: usize, reload: Option<&dyn Display>) -> String {
    match reload {
        None => format!("Shops polled: {shops}, settlements in force: {settlements}."),
        Some(reload) => {
            format!("Shops polled: {shops}, settlements in force: {settlements}. Last reload: {reload}")
        }
    }
}
