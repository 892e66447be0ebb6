//! Reconciliation here and now, where no daemon is running.

use tokio_util::sync::CancellationToken;

use super::{App, AppError};
use crate::engine::reconcile::Reconciled;

impl App {
    /// Looks every open settlement of the contracts up (`only`: of one) and compares. One entry a contract that is
    /// enabled; one that cannot be used says why.
    ///
    /// # Errors
    /// [`AppError`] when the database fails.
    pub async fn reconcile(
        &self,
        only: Option<&str>,
        stop: CancellationToken,
    ) -> Result<Vec<(String, Reconciled)>, AppError> {
        let connected = self.connect();
        let (shared, _) = self.shared(stop);
        let _busy = self.ambient.clock().busy();
        let mut all = Vec::new();
        let wanted = |name: &str| only.is_none_or(|only| only == name);
        for account in connected.accounts.iter().filter(|account| wanted(&account.contract.name)) {
            all.push((account.contract.name.clone(), account.reconcile_now(&shared).await?));
        }
        for broken in &connected.broken {
            let Some(name) = broken.subject.strip_prefix("settlements.").filter(|name| wanted(name)) else {
                continue;
            };
            let error = broken.problems.first().map(|p| format!("config: {}: {}", p.key, p.message));
            all.push((name.to_owned(), Reconciled { error, ..Reconciled::default() }));
        }
        Ok(all)
    }

    /// Looks an order's settlement up if it never was, so that a person's word finds what it is about.
    ///
    /// # Errors
    /// [`AppError`] when the database fails.
    pub async fn first_look(
        &self,
        contract: &str,
        order_ids: &[String],
        stop: CancellationToken,
    ) -> Result<(), AppError> {
        let connected = self.connect();
        let Some(account) = connected.accounts.iter().find(|account| account.contract.name == contract)
        else {
            return Ok(());
        };
        let (shared, _) = self.shared(stop);
        let _busy = self.ambient.clock().busy();
        for order_id in order_ids {
            account.first_looks(&shared, Some(order_id)).await?;
        }
        Ok(())
    }
}
