//! What `[tls]` comes to for one session, and its cross-checks.
//!
//! The decisions are asked by the broker and the session worker; the checks are run by whoever loads the configuration.
//! Pure.

use std::net::IpAddr;

use ipnet::IpNet;

use super::Config;
use super::certificate::Certificate;
use super::check::{any_match, overlays, problem};
use super::choice::{Class, ClientCertificate, Protection};
use super::matching::{Match, Pattern};
use super::problem::Problem;
use super::settings::{Overlay, Settings, Tls};
use super::source::{Place, Placed};
use crate::wire::key::KEYS_MAX;

impl Tls {
    /// Whether a login of this class is refused in clear text.
    pub fn needs_login(&self, class: Class) -> bool {
        match self.login {
            Protection::Require => true,
            Protection::Auto => self.enabled && class != Class::Anonymous,
            Protection::Allow | Protection::Forbid => false,
        }
    }

    /// Whether a login of this class may come over TLS (`true`) or in clear text (`false`).
    pub fn admits_login(&self, class: Class, over_tls: bool) -> bool {
        match over_tls {
            true => self.login != Protection::Forbid,
            false => !self.needs_login(class),
        }
    }

    /// Whether a session that has logged in over TLS may have data connections that are protected (`true`) or not
    /// (`false`). One that has not is not asked about.
    pub fn admits_data(&self, protected: bool) -> bool {
        match protected {
            true => self.data != Protection::Forbid,
            false => self.data != Protection::Require,
        }
    }
}

impl Config {
    /// Whether some client is offered TLS.
    pub fn offers_tls(&self) -> bool {
        let enabled = |settings: &Settings| settings.tls.enabled;
        enabled(&self.settings) || any_match(self, enabled)
    }

    /// Whether a client of this address may come to use data connections that prove nothing: each of those needs a
    /// signature. Who it will be, and at which host, is not known yet.
    pub fn may_relax_reuse(&self, from: IpAddr) -> bool {
        let mut may_hold = self.matches.iter().filter(|one| one.conditions.may_hold_from(from));
        !self.at_connect(from, None, true).tls.require_reuse
            || may_hold.any(|one| relaxes(&one.overlay).is_some())
    }
}

/// Where data connections are let off proving where they come from.
fn relaxes(says: &Overlay) -> Option<Place> {
    says.tls.require_reuse.as_ref().filter(|said| !said.value).map(|said| said.at)
}

/// What refuses to serve.
pub(super) fn errors(config: &Config) -> Vec<Problem> {
    let none = none_to_show(config).into_iter();
    let idle = idle_requirement(config).into_iter();
    let unsigned = overlays(config).filter_map(|says| no_authority(config, says));
    let open = certificate_for_all(config);
    let many = too_many(config).into_iter();
    none.chain(idle).chain(unsigned).chain(many).chain(named_twice(config)).chain(open).collect()
}

/// One certificate that would log its owner in as anybody, or as anybody of many: it is the subject that names the user.
fn certificate_for_all(config: &Config) -> Vec<Problem> {
    let names = |one: &Match| {
        let users = one.conditions.user.as_ref()?;
        Some(users.len() == 1 && users.iter().all(Pattern::is_plain))
    };
    let matches = config.matches.iter().map(|one| (names(one), &one.overlay));
    let wrong = matches.chain([(None, &config.said)]).filter_map(|(plain, says)| {
        let whom = match plain {
            Some(true) => return None,
            Some(false) => "more than one user",
            None => "anybody",
        };
        let at = logs_in(says)?;
        let cause = format!("this certificate would log its owner in as {whom}");
        let cure = "put it in a [[match]] whose user is one name, without * and ?";
        Some(at_value(config, at, &cause).cured_by(cure.to_owned()))
    });
    wrong.collect()
}

/// Where a certificate stands for a password.
fn logs_in(says: &Overlay) -> Option<Place> {
    let said = says.tls.certificate_login.as_ref();
    said.filter(|said| !said.value.is_empty()).map(|said| said.at)
}

/// What is allowed but hardly meant.
pub(super) fn warnings(config: &Config) -> Vec<Problem> {
    match config.offers_tls() {
        true => unproven(config).into_iter().chain(never_shown(config)).collect(),
        false => idle(config),
    }
}

/// Who may have data connections that prove nothing. Networks are named, so that nobody has more of them than is meant.
fn unproven(config: &Config) -> Vec<Problem> {
    let matches = config.matches.iter().map(|one| (one.conditions.from.as_ref(), &one.overlay));
    let relaxed = [(None, &config.said)].into_iter().chain(matches).filter_map(|(from, says)| {
        let at = relaxes(says)?;
        let whose = match from {
            None => "of any address".to_owned(),
            Some(from) => {
                let networks: Vec<_> = from.iter().map(IpNet::to_string).collect();
                format!("of {}", networks.join(", "))
            }
        };
        let cause =
            format!("data connections {whose} do not have to show that they are the client's");
        let problem = at_value(config, at, &cause);
        Some(match from {
            None => problem.cured_by("match by from the clients that can't resume".to_owned()),
            Some(_) => problem,
        })
    });
    relaxed.collect()
}

/// Certificates that stand for passwords, where none is asked for.
fn never_shown(config: &Config) -> Option<Problem> {
    let asked = |settings: &Settings| {
        let Tls { client_certificate, client_ca, .. } = &settings.tls;
        *client_certificate != ClientCertificate::None && client_ca.is_some()
    };
    let at = overlays(config).find_map(logs_in)?;
    let never = !asked(&config.settings) && !any_match(config, asked);
    never.then(|| {
        at_value(config, at, "nobody can log in so: clients are asked for no certificate")
            .cured_by("set tls.client_certificate = \"request\" and tls.client_ca".to_owned())
    })
}

/// What TLS is needed for, while it is off for all.
fn idle(config: &Config) -> Vec<Problem> {
    let unused = config.certificates.first().map(|one| {
        problem(config, one.file, one.span, "there is a certificate, but TLS is off")
            .cured_by("set tls.enabled = true".to_owned())
    });
    let idle = config.matches.iter().filter(|one| one.conditions.tls == Some(true));
    let idle = idle.map(|one| {
        let cause = "this match never holds: TLS is off for all";
        problem(config, one.file, one.span, cause).cured_by("set tls.enabled = true".to_owned())
    });
    unused.into_iter().chain(idle).collect()
}

/// TLS that is on without a certificate.
fn none_to_show(config: &Config) -> Option<Problem> {
    let on =
        overlays(config).filter_map(|says| says.tls.enabled.as_ref()).find(|said| said.value)?;
    config.certificates.is_empty().then(|| {
        let cure = "add [[tls.certificate]] with chain and key";
        at_value(config, on.at, "TLS needs a certificate").cured_by(cure.to_owned())
    })
}

/// Logins that need what nobody can have.
fn idle_requirement(config: &Config) -> Option<Problem> {
    let logins = overlays(config).filter_map(|says| says.tls.login.as_ref());
    let said = logins.filter(|said| said.value == Protection::Require).last()?;
    (!config.offers_tls()).then(|| {
        at_value(config, said.at, "logins need TLS, but it is off for all")
            .cured_by("set tls.enabled = true".to_owned())
    })
}

/// Certificates of clients that are asked for without anybody who could have signed them.
fn no_authority(config: &Config, says: &Overlay) -> Option<Problem> {
    let mut settings = config.settings.clone();
    says.apply(&mut settings);
    let asked = says.tls.client_certificate.as_ref().map(|said| said.at);
    let of_file = |said: &Option<Placed<_>>| said.as_ref().map(|said| said.at);
    let place =
        asked.or_else(|| of_file(&says.tls.client_ca)).or_else(|| of_file(&says.tls.client_crl))?;
    let tls = settings.tls;
    let are_judged = tls.client_certificate != ClientCertificate::None || tls.client_crl.is_some();
    let bare = are_judged && tls.client_ca.is_none();
    let cause = "certificates of clients are good only if somebody known has signed them";
    bare.then(|| {
        at_value(config, place, cause)
            .cured_by("set tls.client_ca to the file of who may".to_owned())
    })
}

fn too_many(config: &Config) -> Option<Problem> {
    let first = config.certificates.get(KEYS_MAX)?;
    let cause = format!("there may be {KEYS_MAX} certificates at most");
    Some(problem(config, first.file, first.span, cause))
}

/// Certificates for a host that another one is for.
fn named_twice(config: &Config) -> Vec<Problem> {
    let all = config.certificates.iter().enumerate();
    all.filter_map(|(index, one)| {
        let before = config.certificates.get(..index)?;
        let taken = |name: &&String| before.iter().any(|other| other.names.contains(name));
        let name = one.names.iter().find(taken).or_else(|| repeated(one))?;
        let cause = format!("{name} is named a second time");
        let cure = "one certificate is for it; take the name from the other".to_owned();
        Some(problem(config, one.file, one.span, cause).cured_by(cure))
    })
    .collect()
}

/// A name that one certificate has twice.
fn repeated(one: &Certificate) -> Option<&String> {
    let mut names = one.names.iter().enumerate();
    let (_, twice) =
        names.find(|(index, name)| one.names.iter().skip(index + 1).any(|other| other == *name))?;
    Some(twice)
}

fn at_value(config: &Config, place: Place, cause: &str) -> Problem {
    problem(config, place.file, place.value, cause)
}
