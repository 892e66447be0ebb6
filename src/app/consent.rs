//! A person's consent to a shop, where a mall needs one: in a browser, apart from this process, so that it comes in two
//! steps with a state between them.

use std::time::Duration;

use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio_util::sync::CancellationToken;
use url::Url;

use super::{App, AppError, connect};
use crate::clock::Timestamp;
use crate::domain::account::Expiry;
use crate::engine::limits::StoreGate;
use crate::engine::poll::Shop;
use crate::engine::vault::StoreVault;
use crate::http::{Call, Fault, Priority, Vault as _};
use crate::malls::Consent;

/// An authorization that was begun longer ago than this is begun again: its code would be too old anyway.
const BEGUN_WITHIN: Duration = Duration::from_secs(3_600);

/// Why a consent did not come about.
#[derive(Debug, Error)]
pub enum ConsentError {
    /// No such shop, or its section cannot be used.
    #[error("{0}")]
    Shop(String),
    /// The mall needs none.
    #[error("{mall} needs no consent: nothing is to be authorized for shop {shop}")]
    NotNeeded {
        /// The mall.
        mall: &'static str,
        /// The shop.
        shop: String,
    },
    /// The address of the browser is needed for it.
    #[error(
        "shops.{0}.redirect_uri is missing: set the コールバックURL that is registered with the application"
    )]
    NoRedirect(String),
    /// It is not the address that the browser was sent back to.
    #[error("not the address that the browser was sent back to: it begins with {0}")]
    NotTheAddress(String),
    /// The person declined.
    #[error("the consent was declined{}", .0.as_ref().map(|why| format!(" ({why})")).unwrap_or_default())]
    Declined(Option<String>),
    /// The address belongs to another authorization.
    #[error(
        "the address belongs to another authorization (its state is not the one of the URL shown last): begin again"
    )]
    WrongState,
    /// Nobody began, or too long ago.
    #[error("no authorization was begun within the last hour: run the command without --redirected first")]
    NotBegun,
    /// The token endpoint refused, or could not be reached.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// The database.
    #[error("{0}")]
    Vault(String),
    /// Anything of the program's own.
    #[error(transparent)]
    App(#[from] AppError),
}

/// What is kept between the two steps. The state's digest alone: who reads it cannot use it.
#[derive(Serialize, Deserialize)]
struct Begun {
    state: String,
    at: Timestamp,
}

impl App {
    /// Begins: the page on which a person consents. It is good for an hour, and for the last one begun alone.
    ///
    /// # Errors
    /// [`ConsentError`].
    pub async fn begin_consent(&self, name: &str) -> Result<String, ConsentError> {
        let shop = self.consenting(name)?;
        let consent = consent_of(&shop)?;
        if consent.redirect_uri().is_none() {
            return Err(ConsentError::NoRedirect(name.to_owned()));
        }
        let random = [self.ambient.random().to_be_bytes(), self.ambient.random().to_be_bytes()].concat();
        let state = URL_SAFE_NO_PAD.encode(random);
        let begun = Begun { state: fingerprint(&state), at: self.ambient.now() };
        let begun = serde_json::to_vec(&begun).map_err(|e| ConsentError::Vault(e.to_string()))?;
        self.vault().put(&place(name), &begun).await.map_err(ConsentError::Vault)?;
        Ok(consent.url(&state))
    }

    /// Ends: takes the address that the browser was sent back to, exchanges the code in it, keeps the token with its
    /// date, and tells until when the consent holds.
    ///
    /// # Errors
    /// [`ConsentError`].
    pub async fn finish_consent(&self, name: &str, redirected: &str) -> Result<Expiry, ConsentError> {
        let shop = self.consenting(name)?;
        let consent = consent_of(&shop)?;
        let Some(redirect_uri) = consent.redirect_uri() else {
            return Err(ConsentError::NoRedirect(name.to_owned()));
        };
        let answer = Answer::read(redirected, redirect_uri)?;
        let vault = self.vault();
        let begun = vault.get(&place(name)).await.map_err(ConsentError::Vault)?;
        let begun = begun.and_then(|begun| serde_json::from_slice::<Begun>(&begun).ok());
        let begun = begun.filter(|begun| self.ambient.now().since(begun.at) <= BEGUN_WITHIN);
        let Some(begun) = begun else { return Err(ConsentError::NotBegun) };
        if answer.state.as_deref().map(fingerprint).as_ref() != Some(&begun.state) {
            return Err(ConsentError::WrongState);
        }
        let Some(code) = answer.code else { return Err(ConsentError::Declined(answer.error)) };
        let gate = StoreGate::new(self.store.clone(), self.ambient.clone(), CancellationToken::new());
        let call = Call {
            account: name,
            client: &shop.client,
            gate: &gate,
            priority: Priority::Live,
            vault: &vault,
            ambient: &self.ambient,
        };
        let expiry = consent.exchange(&call, &code).await?;
        // A state is good once.
        vault.put(&place(name), b"{}").await.map_err(ConsentError::Vault)?;
        self.store.renew_expiry(name, &expiry).await.map_err(AppError::from)?;
        Ok(expiry)
    }

    fn vault(&self) -> StoreVault {
        StoreVault::new(self.store.clone(), self.ambient.clone())
    }

    /// The shop, whether it is enabled or not: consent may come first.
    fn consenting(&self, name: &str) -> Result<Shop, ConsentError> {
        let known = || self.config.shops.iter().map(|s| s.name.as_str()).collect::<Vec<_>>().join(", ");
        let section = self.config.shops.iter().find(|shop| shop.name == name);
        let section =
            section.ok_or_else(|| ConsentError::Shop(format!("no shop {name:?}; known: {}", known())))?;
        connect::shop(section).map(|(shop, ..)| shop).map_err(|problems| {
            let told: Vec<String> =
                problems.iter().map(|p| format!("shops.{name}.{}: {}", p.key, p.message)).collect();
            ConsentError::Shop(told.join("; "))
        })
    }
}

fn consent_of(shop: &Shop) -> Result<&dyn Consent, ConsentError> {
    shop.mall
        .consent()
        .ok_or_else(|| ConsentError::NotNeeded { mall: shop.mall_word, shop: shop.name.clone() })
}

fn place(shop: &str) -> String {
    format!("{shop}/consent")
}

fn fingerprint(state: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, state.as_bytes()))
}

/// What the browser was sent back with (RFC 6749 §4.1.2).
struct Answer {
    code: Option<String>,
    state: Option<String>,
    error: Option<String>,
}

impl Answer {
    fn read(redirected: &str, redirect_uri: &str) -> Result<Self, ConsentError> {
        let foreign = || ConsentError::NotTheAddress(redirect_uri.to_owned());
        let url = Url::parse(redirected.trim()).map_err(|_| foreign())?;
        let registered = Url::parse(redirect_uri).map_err(|_| foreign())?;
        if url.origin() != registered.origin() || url.path() != registered.path() {
            return Err(foreign());
        }
        let get = |wanted: &str| {
            let mut pairs = url.query_pairs();
            pairs
                .find(|(name, value)| name == wanted && !value.is_empty())
                .map(|(_, value)| value.into_owned())
        };
        let error = get("error").map(|error| error.chars().filter(|c| !c.is_control()).take(80).collect());
        Ok(Self { code: get("code").filter(|_| error.is_none()), state: get("state"), error })
    }
}
