//! What fails or needs a person.

use serde::Serialize;

use crate::clock::Timestamp;

/// What an [`Attention`] is about: a stable word. The gravest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Topic {
    /// No daemon is running.
    DaemonStopped,
    /// The disk that holds the database is full.
    DatabaseFull,
    /// An account was stopped by the other side, or cannot be used as it stands in the config.
    Stopped,
    /// Calls come from another address than the registered one.
    AddressChanged,
    /// A function that the gateway does not allow a contract.
    FunctionStopped,
    /// A guard or a person holds a whole contract.
    AccountHeld,
    /// The config was edited, and the daemon refused it.
    ConfigRefused,
    /// Operations that only a person can decide.
    OperationsNeedPerson,
    /// Operations that were due hours ago and are not over.
    OperationsLate,
    /// Settlements that only a person can decide.
    SettlementsHeld,
    /// Settlements without a reception number.
    Unlinked,
    /// Authorisations that a person is asked to renew: one question for all of them.
    RenewalsAsked,
    /// Authorisations that end within days and have nothing registered on them.
    AuthorizationsLapse,
    /// Settlements that differ from the gateway's books.
    Differences,
    /// Polls that fail.
    PollFails,
    /// Polls that should have run and did not.
    Overdue,
    /// Orders that could not be read.
    SetAside,
    /// Slips that wait for their order or for a person.
    SlipsHeld,
    /// A key, consent or certificate ends soon, or has ended.
    Ends,
}

impl Topic {
    /// What shops may need attention for.
    pub(super) const OF_SHOPS: [Self; 5] =
        [Self::Stopped, Self::PollFails, Self::Overdue, Self::SetAside, Self::Ends];
    /// What settlements may need attention for.
    pub(super) const OF_SETTLEMENTS: [Self; 12] = [
        Self::Stopped,
        Self::AddressChanged,
        Self::FunctionStopped,
        Self::AccountHeld,
        Self::OperationsNeedPerson,
        Self::OperationsLate,
        Self::SettlementsHeld,
        Self::Unlinked,
        Self::RenewalsAsked,
        Self::AuthorizationsLapse,
        Self::Differences,
        Self::Ends,
    ];

    /// The word in JSON and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::DaemonStopped => "daemon_stopped",
            Self::DatabaseFull => "database_full",
            Self::Stopped => "stopped",
            Self::AddressChanged => "address_changed",
            Self::FunctionStopped => "function_stopped",
            Self::AccountHeld => "account_held",
            Self::ConfigRefused => "config_refused",
            Self::OperationsNeedPerson => "operations_need_person",
            Self::OperationsLate => "operations_late",
            Self::SettlementsHeld => "settlements_held",
            Self::Unlinked => "unlinked",
            Self::RenewalsAsked => "renewals_asked",
            Self::AuthorizationsLapse => "authorizations_lapse",
            Self::Differences => "differences",
            Self::PollFails => "poll_fails",
            Self::Overdue => "overdue",
            Self::SetAside => "set_aside",
            Self::SlipsHeld => "slips_held",
            Self::Ends => "ends",
        }
    }
}

/// One thing that fails or needs a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Attention {
    /// What it is about.
    pub topic: Topic,
    /// `shops.rakuten-main`, `settlements.webcollect-main`, `slips`, `config`, `database`, `daemon`.
    pub subject: String,
    /// How many.
    pub count: u64,
    /// Since when, or with [`Topic::Ends`] until when; `null` where nobody noted it.
    pub since: Option<Timestamp>,
    /// The facts.
    pub detail: String,
    /// The command to type.
    pub command: String,
    /// Shown, and nothing is at stake: the whole is well all the same. What a contract in dry-run finds is so, as long as no
    /// authorisation draws to its end and no operation of its is under way.
    pub advisory: bool,
}

impl Attention {
    /// Of one thing, with no facts yet.
    pub(super) fn new(topic: Topic, subject: &str, command: impl Into<String>) -> Self {
        Self {
            topic,
            subject: subject.to_owned(),
            count: 1,
            since: None,
            detail: String::new(),
            command: command.into(),
            advisory: false,
        }
    }

    pub(super) const fn advisory(mut self, advisory: bool) -> Self {
        self.advisory = advisory;
        self
    }

    pub(super) const fn count(mut self, count: u64) -> Self {
        self.count = count;
        self
    }

    pub(super) const fn since(mut self, since: Option<Timestamp>) -> Self {
        self.since = since;
        self
    }

    pub(super) fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }

    /// Into the list, unless there is none of it.
    pub(super) fn push(self, list: &mut Vec<Self>) {
        if self.count > 0 {
            list.push(self);
        }
    }
}

/// The gravest first; what is only shown comes last.
pub(super) fn sort(list: &mut [Attention]) {
    list.sort_by(|a, b| (a.advisory, a.topic, &a.subject).cmp(&(b.advisory, b.topic, &b.subject)));
}
