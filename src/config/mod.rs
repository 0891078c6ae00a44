//! The settings, each declared once, and how they are loaded and laid over one another.
//!
//! Run by the launcher as root before anyone has spoken; the broker asks it again when a user has
//! logged in. It reads files of the administrator's and nothing that a client said, but for user
//! names that are compared with patterns.
//!
//! Read in this order: [`settings`] is the declaration, [`value`], [`mod@unit`], [`choice`] and
//! [`rights`] are the types it uses, `table` the macro behind it. `load` opens the files, `read`
//! looks at each key, `check` at all together. [`matching`] decides what differs by client.
//! [`problem`] tells the administrator, `show` prints settings back. [`secret`] reads the files of
//! TLS that the settings name, [`x509`] says what stands in a certificate.

pub mod certificate;
pub mod choice;
pub mod matching;
pub mod problem;
pub mod rights;
pub mod secret;
pub mod settings;
pub mod source;
pub mod unit;
pub mod value;
pub mod x509;

mod check;
mod load;
mod read;
mod show;
mod spelling;
mod table;
mod tls;
mod trusted;
mod way;

use std::net::IpAddr;

pub use certificate::Certificate;
pub use choice::{
    Class, ClientCertificate, DataPeer, Durability, Isolation, Level, LogTarget, Partial,
    Protection, RunAs, Store, TlsVersion,
};
pub use load::{from_sources, load};
pub use matching::{Login, Match, Pattern};
pub use problem::{Problem, Problems};
pub use rights::{EACH, Rights, RightsTable};
pub use settings::{Overlay, Phase, SETTINGS, Setting, Settings, TABLES, Tls};
pub use show::{describe, shipped};
pub use source::{Place, Placed, Source};
pub use trusted::Unread;
pub use unit::{Bytes, Mode, PortRange};

use matching::Known;

/// A configuration that was loaded and checked.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// The settings where no match holds.
    pub settings: Settings,
    /// The certificates of TLS, in order; the first is for clients that name no host.
    pub certificates: Vec<Certificate>,
    /// The matches, in order.
    pub matches: Vec<Match>,
    /// What is allowed but hardly meant.
    pub warnings: Vec<Problem>,
    /// The files, in order.
    pub files: Vec<Source>,
    /// What the tables of the files say, with the places.
    pub said: Overlay,
}

impl Config {
    /// The settings for a client of this address, before it has logged in, which has asked for this
    /// host or for none, over TLS or not. An IPv4 client must be given by its IPv4 address, not the
    /// mapped one.
    pub fn at_connect(&self, from: IpAddr, host: Option<&[u8]>, tls: bool) -> Settings {
        self.applied(&Known { from, host, tls, login: None })
    }

    /// The settings for such a client that has logged in as this user.
    pub fn at_login(&self, from: IpAddr, host: Option<&[u8]>, tls: bool, login: Login) -> Settings {
        self.applied(&Known { from, host, tls, login: Some(login) })
    }

    /// The settings of the tables, and those with each match alone laid over them.
    pub fn variants(&self) -> impl Iterator<Item = Settings> {
        let matched = self.matches.iter().map(|one| {
            let mut settings = self.settings.clone();
            one.overlay.apply(&mut settings);
            settings
        });
        std::iter::once(self.settings.clone()).chain(matched)
    }

    /// Whether some match names this host, spelled in small letters.
    pub fn serves_host(&self, host: &[u8]) -> bool {
        self.matches.iter().any(|one| one.conditions.names_host(host))
    }

    /// Whether some match names a host at all.
    pub fn serves_hosts(&self) -> bool {
        self.matches.iter().any(|one| one.conditions.host.is_some())
    }

    /// Whether some match for a group, which is not known before the login, says what login TLS is needed for.
    pub fn asks_groups_about_tls(&self) -> bool {
        let by_group = self.matches.iter().filter(|one| one.conditions.group.is_some());
        by_group.into_iter().any(|one| one.overlay.tls.login.is_some())
    }

    /// Whether something holds of the settings of a client of this address before login, or would if
    /// it asked for a host or began TLS. To be asked about single settings: matches by host are tried
    /// one by one.
    pub fn may_hold(&self, from: IpAddr, asked: impl Fn(&Settings) -> bool) -> bool {
        let hosts = || self.matches.iter().filter(|one| one.conditions.host.is_some());
        [false, true].into_iter().any(|tls| {
            let base = self.at_connect(from, None, tls);
            let mut each = hosts().map(|one| {
                let mut settings = base.clone();
                one.overlay.apply(&mut settings);
                settings
            });
            asked(&base) || each.any(|settings| asked(&settings))
        })
    }

    fn applied(&self, known: &Known<'_>) -> Settings {
        let mut settings = self.settings.clone();
        let holding = self.matches.iter().filter(|one| one.conditions.hold(known));
        holding.for_each(|one| one.overlay.apply(&mut settings));
        // Who speaks it already has it: a host without TLS is no host without PROT.
        settings.tls.enabled |= known.tls;
        settings
    }
}

impl Settings {
    /// What users of this class may do where.
    pub fn rights_for(&self, class: Class) -> RightsTable {
        match self.rights.is_empty() {
            true => RightsTable::for_class(class),
            false => self.rights.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
