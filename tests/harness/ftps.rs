//! Real clients over explicit TLS: who resumes the session of the control connection on data connections, who can't, who
//! speaks no TLS at all; and a server for them.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

use super::realclient::{
    self, ANY, Can, Client, Mode, Needs, Run, Tls, furnished, row, session_of,
};
use super::site::Site;
use super::superserver::{Kind, SuperServer};
use Can::{Abort, Stay};
use Needs::Program;

/// A client, over TLS.
#[derive(Debug)]
pub struct Secured {
    pub client: Client,
    /// What it does under each version.
    pub tls12: Reuse,
    pub tls13: Reuse,
    /// What it shows of a refusal.
    pub shows: &'static str,
    /// Why, where that is not plain.
    pub why: &'static str,
}

/// What a client does on data connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reuse {
    /// It resumes the session of the control connection.
    Resumes,
    /// It shakes hands afresh: refused where reuse is required, with a 522 that it shows.
    Afresh,
    /// It resumes on connections that the server opens, and on no others.
    ResumesActive,
    /// It can't speak this version, and is not run.
    Fails,
}

use Reuse::*;

/// All of them, as they were seen; where they differ from their rows without TLS, they say so.
#[rustfmt::skip]
pub static SECURED: [Secured; 17] = [
    Secured { client: Client { active: false, ..row("curl") }, tls12: Resumes, tls13: Resumes, shows: WHOLE,
        why: "7.88 begins no TLS on connections that the server opens, and waits for ever" },
    Secured { client: row("lftp"), tls12: Resumes, tls13: Resumes, shows: WHOLE, why: "" },
    Secured { client: FTP_SSL, tls12: Resumes, tls13: Resumes, shows: WHOLE, why: "" },
    Secured { client: row("wget"), tls12: Resumes, tls13: Resumes, shows: WHOLE, why: "" },
    Secured { client: row("wput"), tls12: Afresh, tls13: Fails, shows: TEXT,
        why: "it takes the tickets of TLS 1.3 for the end of the connection; of a reply it shows the text alone" },
    Secured { client: row("rclone"), tls12: Resumes, tls13: Resumes, shows: WHOLE, why: "" },
    Secured { client: row("ftplib"), tls12: Afresh, tls13: Afresh, shows: WHOLE,
        why: "ftplib.FTP_TLS has no way to name a session" },
    Secured { client: Client { name: "ftplib-resuming", command: &["python3", "python-ftplib.py", "resuming"], ..row("ftplib") },
        tls12: Resumes, tls13: Resumes, shows: WHOLE, why: "" },
    Secured { client: row("aioftp"), tls12: Resumes, tls13: Resumes, shows: WHOLE, why: "" },
    Secured { client: Client { lacks: &[Abort, Stay], ..row("netftp") }, tls12: ResumesActive, tls13: ResumesActive, shows: WHOLE,
        why: "it looks for the session of host:port, and each passive port is another; abort sends urgent bytes beneath TLS" },
    Secured { client: row("basicftp"), tls12: Resumes, tls13: Resumes, shows: WHOLE, why: "" },
    Secured { client: row("extftp"), tls12: Resumes, tls13: Resumes, shows: WHOLE, why: "" },
    Secured { client: row("jlaffaye"), tls12: Afresh, tls13: Afresh, shows: WHOLE, why: "it is given no place for sessions" },
    Secured { client: Client { name: "jlaffaye-resuming", command: &["jlaffaye", "resuming"], ..row("jlaffaye") },
        tls12: Resumes, tls13: Resumes, shows: WHOLE, why: "" },
    Secured { client: row("commonsnet"), tls12: Afresh, tls13: Afresh, shows: WHOLE,
        why: "Java names no session to a socket, and the cache looks for host and port" },
    Secured { client: row("suppaftp"), tls12: Resumes, tls13: Resumes, shows: WHOLE, why: "" },
    Secured { client: Client { name: "suppaftp-native", command: &["suppaftp/debug/suppaftp-client", "native"], ..row("suppaftp") },
        tls12: Afresh, tls13: Afresh, shows: WHOLE, why: "native-tls has no way to name a session" },
];

/// It is there for TLS alone.
const FTP_SSL: Client = Client {
    name: "ftp-ssl",
    needs: &[Program("ftp-ssl", "ftp-ssl")],
    command: &["sh", "ftp-ssl.sh"],
    active: true,
    ipv6: true,
    takes: ANY,
    lacks: &[],
};

/// What who does not resume hears, and shows.
const WHOLE: &str =
    "522 Data TLS session not resumed from the control connection (tls.require_reuse).";
const TEXT: &str = "Data TLS session not resumed from the control connection (tls.require_reuse).";

/// The others of [`realclient::CLIENTS`], and why.
pub static PLAIN: [(&str, &str); 8] = [
    ("tnftp", "speaks no TLS"),
    ("inetutils", "speaks no TLS"),
    ("ncftp", "speaks no TLS"),
    ("yafc", "speaks no TLS"),
    ("aria2", "speaks TLS for HTTP alone"),
    ("axel", "speaks TLS from the first byte alone"),
    ("busybox", "speaks no TLS"),
    ("ftpcopy", "speaks no TLS"),
];

impl Secured {
    fn reuse(&self, tls: Tls) -> Reuse {
        match tls {
            Tls::V12 => self.tls12,
            Tls::V13 => self.tls13,
        }
    }
}

/// What the server demands of data connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Demand {
    /// That they resume: the default.
    Reuse,
    /// Nothing of clients on this machine.
    Nothing,
}

/// A site for local users, over TLS.
pub fn secured(site: Site, demand: Demand) -> Site {
    // wput lists what is there when it was refused, in clear on connections that it has the server open: until then.
    let site = site.set("limits.data_connect", "\"10 s\"");
    let site = site.with_tls().set("log.level", "\"debug\"");
    match demand {
        Demand::Reuse => site,
        Demand::Nothing => {
            site.matching("[[match]]\nfrom = [\"127.0.0.1\"]\ntls.require_reuse = false")
        }
    }
}

/// A server for them, under a super-server on 127.0.0.1.
pub fn serve(site: &Site) -> SuperServer {
    SuperServer::start(Kind::Systemd, IpAddr::V4(Ipv4Addr::LOCALHOST), site)
}

/// Runs each of these clients under both versions and fails with all that went wrong: in every mode that it has where
/// reuse is required, else in passive mode alone, in which every client is.
#[track_caller]
pub fn all_as_seen(demand: Demand, which: impl Fn(&Secured) -> bool) {
    let rows: Vec<_> = SECURED.iter().filter(|row| which(row)).collect();
    let plain = realclient::runs(rows.iter().map(|row| &row.client));
    let versions = |run: Run| [Tls::V12, Tls::V13].map(|tls| Run { tls: Some(tls), ..run });
    let runs = plain.into_iter().flat_map(versions).filter(can_at_all);
    let runs: Vec<_> =
        runs.filter(|run| demand == Demand::Reuse || run.mode == Mode::Passive).collect();
    let site = secured(furnished(Site::local(), &runs), demand);
    let server = serve(&site);
    let wrong = |run: &Run| wrong(run, demand, &site, &server);
    let failures: Vec<String> = realclient::side_by_side(&runs, realclient::AT_ONCE, wrong);
    assert!(
        failures.is_empty(),
        "reuse {demand:?}:\n{}\nthe server's log:\n{}\nthe super-server's:\n{}",
        failures.join("\n"),
        site.log().text(),
        server.log(),
    );
    server.has_no_sessions();
    assert_eq!(site.log().faults(), Vec::<String>::new());
}

fn row_of(run: &Run) -> Option<(&'static Secured, Tls)> {
    let row = SECURED.iter().find(|row| row.client.name == run.client.name);
    row.zip(run.tls)
}

fn can_at_all(run: &Run) -> bool {
    row_of(run).is_some_and(|(row, tls)| row.reuse(tls) != Fails)
}

/// Runs a client and tells what is not as its row says.
fn wrong(run: &Run, demand: Demand, site: &Site, server: &SuperServer) -> Vec<String> {
    let Some((row, tls)) = row_of(run) else { return vec![] };
    if let Some(missing) = run.client.missing() {
        return vec![missing];
    }
    let here = run.prepared(site);
    let said = run.script(&here, site, server);
    let resumes = match row.reuse(tls) {
        Resumes => true,
        ResumesActive => run.mode == Mode::Active,
        Afresh | Fails => false,
    };
    let refused = demand == Demand::Reuse && !resumes;
    let mut wrong = match refused {
        true => refusal(run, &said, row.shows, site),
        false => run.findings(&here, site),
    };
    wrong.extend(spoken(run, tls, site));
    if wrong.is_empty() {
        return vec![];
    }
    vec![format!("{}: {}\n{said}", run.name(), wrong.join(", "))]
}

/// What a refused client must show, and must not have done.
fn refusal(run: &Run, said: &str, shows: &str, site: &Site) -> Vec<String> {
    let mut wrong = vec![];
    if !said.contains(shows) {
        wrong.push(format!("`{shows}` is not shown"));
    }
    let log = site.log().text();
    let complete = |line: &&str| line.contains("outcome=complete") && is_of(run, line);
    wrong.extend(log.lines().filter(complete).map(|line| format!("not refused: {line}")));
    wrong
}

fn is_of(run: &Run, line: &str) -> bool {
    line.contains(&format!(" path=/{}", run.directory()))
}

/// Whether all sessions that the client had were of this version.
fn spoken(run: &Run, tls: Tls, site: &Site) -> Vec<String> {
    let log = site.log().text();
    let sessions = log.lines().filter(|line| is_of(run, line)).filter_map(session_of);
    let version = match tls {
        Tls::V12 => "version=TLSv1.2",
        Tls::V13 => "version=TLSv1.3",
    };
    let spoke = |session: &str| {
        let is_it = |line: &str| line.contains(session) && line.contains(" connection=control ");
        log.lines().any(|line| is_it(line) && line.contains(version))
    };
    let sessions: BTreeSet<_> = sessions.collect();
    if sessions.is_empty() {
        return vec!["the log has nothing of it".to_owned()];
    }
    let others = sessions.into_iter().filter(|session| !spoke(session));
    others.map(|one| format!("{one}: not {version}")).collect()
}
