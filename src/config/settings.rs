//! Every setting, declared once: its table, phase, type, default, rules and documentation.
//!
//! Run by whoever loads the configuration; read, as values, by every process of a session. The
//! text above a setting is what `conf/cellftpd.toml` and the manual say about it.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use toml::de::DeValue;

use super::certificate::Certificate;
use super::choice::{
    ClientCertificate, DataPeer, Durability, Isolation, Level, LogTarget, Partial, Protection,
    RunAs, Store, TlsVersion,
};
use super::rights::{Rights, RightsTable};
use super::source::{Place, Placed};
use super::table::settings;
use super::unit::{Bytes, Mode, PortRange};
use super::value::{Rule, Value, Wrong, plain_name, printable, within, zone_name};

/// When a setting is first used; a match that is decided later can't set it any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Before anything is known of the client: the same for all.
    Launch,
    /// Where TLS begins, before the client has named a host in a way that holds: may differ by `from` alone.
    Handshake,
    /// Before login: may differ by `from`, `host` and `tls`.
    Connect,
    /// After login: may differ by `user`, `group` and `class` too.
    Login,
}

/// What is known about a setting.
#[derive(Debug)]
pub struct Setting {
    /// Its table.
    pub table: &'static str,
    /// Its name within the table.
    pub name: &'static str,
    /// Its documentation, line by line.
    pub doc: &'static [&'static str],
    /// When it is first used.
    pub phase: Phase,
    /// What values it takes.
    pub kind: &'static str,
    default: fn() -> String,
}

impl Setting {
    /// Its default as TOML.
    pub fn default_toml(&self) -> String {
        (self.default)()
    }
}

/// Reads a value and holds it to its rules.
fn obeying<T: Value>(value: &DeValue<'_>, rules: &[Rule<'_, T>]) -> Result<T, Wrong> {
    let value = T::read(value)?;
    rules.iter().try_for_each(|rule| rule(&value))?;
    Ok(value)
}

/// A number of seconds.
const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}

/// The longest that any timeout may be.
const DAY: Duration = seconds(24 * 60 * 60);

settings! {
    /// The service as a whole.
    server: Server {
        /// The name of this service in the system log: tells two services on one machine apart.
        Launch name: String = "cellftpd".to_owned(), plain_name;

        /// Whom the processes run as. "accounts": the system accounts of cellftpd, which needs
        /// root. "self": when an ordinary user starts it, everything runs as that user; when root
        /// starts it, the accounts are used all the same.
        Launch user: RunAs = RunAs::Accounts;

        /// "require": refuse to serve when the kernel can't give all of the cage. "best": serve
        /// with what there is and say so in the log of every session.
        Launch isolation: Isolation = Isolation::Require;
    }

    /// From the greeting to the login.
    login: Login {
        /// What the client is greeted with; several lines are allowed. It does not name the
        /// version, and should not.
        Connect banner: String = "FTP server ready.".to_owned(), printable;

        /// How many logins may fail before the session ends (1 to 20).
        Connect max_failures: u32 = 3, within(1, 20);

        /// How long the answer to a failed login is held back (at most 30 s).
        Connect failure_delay: Duration = seconds(1), within(seconds(0), seconds(30));
    }

    /// Logins without a password.
    anonymous: Anonymous {
        /// Whether anonymous logins are served.
        Connect enabled: bool = false;

        /// The directory that anonymous sessions see as "/".
        Connect root: PathBuf = "/srv/ftp".into();

        /// The system account that anonymous sessions run as.
        Connect user: String = "ftp".to_owned(), plain_name;
    }

    /// Logins with an account of this machine. Uid 0 is refused always.
    local: Local {
        /// Whether local accounts may log in.
        Connect enabled: bool = true;

        /// Whether a local user sees the home directory as "/" and nothing beside it.
        Login jail: bool = true;

        /// The PAM service that checks the passwords: a file in /etc/pam.d.
        Launch pam_service: String = "cellftpd".to_owned(), plain_name;

        /// Accept accounts whose shell is not in /etc/shells.
        Login any_shell: bool = false;

        /// Accept accounts that /etc/ftpusers refuses.
        Login ignore_ftpusers: bool = false;
    }

    /// Directory listings.
    listing: Listing {
        /// Whether names that start with a dot are shown to clients that do not ask for them (-a).
        Login hidden: bool = true;

        /// The time zone of LIST: "UTC", "local" for the machine's (/etc/localtime), or a name such as
        /// "Europe/Berlin". MLSD, MLST and MDTM are in UTC always, and clients that compare them with
        /// LIST expect UTC there too.
        Login time: String = "UTC".to_owned(), zone_name;

        /// Whether LIST shows the names of users and groups instead of their numbers, and
        /// UNIX.owner and UNIX.group do. From /etc/passwd and /etc/group alone. SITE CHGRP takes
        /// names of groups then.
        Login names: bool = false;
    }

    /// Uploads and downloads.
    transfer: Transfer {
        /// How an upload reaches its name. "atomic": written under a hidden name beside it and
        /// renamed when it is whole, so that a failed upload leaves an older file as it was.
        /// "in-place": written straight into the file, for programs that watch for that.
        Login store: Store = Store::Atomic;

        /// What becomes of a broken upload of a file that did not exist. "keep": it stays and
        /// can be resumed. "discard": it goes.
        Login partial: Partial = Partial::Keep;

        /// What is on the disk before an upload is confirmed. "none": nothing is waited for.
        /// "data": the file and its name. "full": all attributes of the file too.
        Login durability: Durability = Durability::Data;

        /// The permissions that new files and directories do not get, in octal. Clients that may
        /// make some can change it for their session (SITE UMASK).
        Login umask: Mode = Mode(0o022);

        /// Whether TYPE A converts line ends; if not, files pass as they are.
        Login ascii: bool = true;

        /// Whether clients may have their transfers compressed (MODE Z). It costs processor time, and
        /// some clients (lftp) use it whenever they are told that they may.
        Login compress: bool = false;
    }

    /// TLS (AUTH TLS). It needs a certificate: [[tls.certificate]].
    tls: Tls {
        /// Whether clients may protect their sessions with TLS.
        Connect enabled: bool = false;

        /// The oldest version that is spoken: "1.2" or "1.3".
        Handshake min_version: TlsVersion = TlsVersion::V1_2;

        /// Whether a login needs TLS. "require": it does. "allow": it does not. "forbid": a login over
        /// TLS is refused. "auto": where TLS is enabled, logins with a password need it and anonymous
        /// ones do not.
        Login login: Protection = Protection::Auto;

        /// The same for the data connections of sessions that have logged in over TLS. "require":
        /// transfers need PROT P. "forbid": PROT P is refused. "auto": as "allow".
        Login data: Protection = Protection::Auto;

        /// Whether a data connection has to resume the TLS session of the control connection, which
        /// shows that it comes from the same client.
        Login require_reuse: bool = true;

        /// Whether an upload is refused whose client did not close TLS properly, so that the end may be
        /// missing. If not, it is taken and the log says so.
        Login strict_close: bool = false;

        /// Whether clients may return the control connection to clear text after login (CCC), for
        /// firewalls that read along.
        Login ccc: bool = false;

        /// Whether clients are asked for a certificate. "request": one that is shown has to be good.
        /// "require": without a good one there is no session over TLS.
        Handshake client_certificate: ClientCertificate = ClientCertificate::None;

        /// The subject of a client's certificate, as the log shows it ("CN=alice,O=Example"), with
        /// which the user of a match logs in without a password. "" for none.
        Login certificate_login: String = String::new(), printable;

        /// The certificates of who may sign those of clients, a PEM file. "" for none.
        Handshake client_ca: Option<PathBuf> = None;

        /// The certificates of clients that are revoked, a PEM file. "" for none.
        Handshake client_crl: Option<PathBuf> = None;
    }

    /// Data connections.
    network: Network {
        /// Whether the client may ask the server to listen (PASV, EPSV).
        Login passive: bool = true;

        /// The ports that the server listens on for that.
        Login passive_ports: PortRange = PortRange { low: 49152, high: 65534 };

        /// The address that clients are told to connect to, where it is not the one that they
        /// reached the server by (behind address translation). "" for none.
        Login passive_address: Option<IpAddr> = None;

        /// Whether the client may ask the server to connect to it (PORT, EPRT).
        Login active: bool = true;

        /// The port that the server connects from: 0 for any. Below 1024 (the classic one is 20)
        /// the server has to keep a privilege for it.
        Connect active_source_port: u16 = 0;

        /// Whether the server may connect to addresses of this machine. Behind a proxy on the
        /// same machine that would open every local service to every client.
        Connect active_loopback: bool = false;

        /// Who may be at the other end of a data connection. "control": only the address of the
        /// control connection. "any": anybody, as server-to-server transfers need it.
        Connect data_peer: DataPeer = DataPeer::Control;
    }

    /// How long things may take, and how much of it.
    limits: Limits {
        /// A session without a command ends after this (1 s to 24 h). Clients can shorten it for
        /// their session (SITE IDLE).
        Login idle: Duration = seconds(300), within(seconds(1), DAY);

        /// The time from the greeting to a login (1 s to 24 h).
        Connect login: Duration = seconds(60), within(seconds(1), DAY);

        /// The time for a data connection to come about (1 s to 24 h).
        Login data_connect: Duration = seconds(60), within(seconds(1), DAY);

        /// A transfer that moves nothing for this long ends (1 s to 24 h).
        Login stalled: Duration = seconds(300), within(seconds(1), DAY);

        /// The most that is read for one checksum (HASH, XCRC, ...), such as "64 GiB"; 0 for no
        /// limit.
        Login hash_max: Bytes = Bytes(0);
    }

    /// The log.
    log: Log {
        /// Where it goes: "syslog", "stderr", or a file by its absolute path.
        Launch to: LogTarget = LogTarget::Syslog;

        /// How much is logged; each of "error", "notice", "info", "debug" holds those before it.
        Launch level: Level = Level::Info;
    }
}
