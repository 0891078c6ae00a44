//! What a session knows of its machine beyond its jail: read before the cage, as bytes, and understood only in it. Session
//! worker; the files are root's.

use std::rc::Rc;

use super::names::Names;
use super::zone::Zone;
use crate::config::Settings;

/// Files of the machine, where the settings want them and they could be read.
#[derive(Debug, Default)]
pub struct Machine {
    /// The time zone.
    pub zone: Option<Vec<u8>>,
    /// /etc/passwd.
    pub passwd: Vec<u8>,
    /// /etc/group.
    pub group: Vec<u8>,
}

impl Machine {
    /// The names of users and groups.
    pub(super) fn names(&self) -> Rc<Names> {
        Rc::new(Names::parse(&self.passwd, &self.group))
    }

    /// The time zone; what is wrong with it, if it has to be UTC instead.
    pub(super) fn zone(&self, settings: &Settings) -> (Rc<Zone>, Option<String>) {
        let name = &settings.listing.time;
        let (zone, trouble) = match &self.zone {
            _ if name == UTC => (Some(Zone::Utc), ""),
            Some(file) => (Zone::parse(file), "is not understood"),
            None => (None, "can't be read"),
        };
        let trouble = zone.is_none().then(|| {
            format!("listing.time: the zone {name:?} {trouble}: listings show times in UTC")
        });
        (Rc::new(zone.unwrap_or(Zone::Utc)), trouble)
    }
}

/// The zone that needs no file.
pub const UTC: &str = "UTC";
