//! Real clients over explicit TLS: who resumes the session of the control connection on data connections, who can't, who
//! speaks no TLS at all; and a server for them.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};

use super::realclient::{self, ANY, Can, Client, Mode, Needs, Run, Tls, furnished, session_of};
use super::site::Site;
use super::superserver::{Kind, SuperServer};
use Can::*;
use Needs::{Made, Program};

/// A client, over TLS.
#[derive(Debug)]
pub struct Secured {
    pub client: Client,
    /// What it does under each version.
    pub tls12: Reuse,
    pub tls13: Reuse,
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

/// All of them, as they were seen.
#[rustfmt::skip]
pub static SECURED: [Secured; 17] = [
    Secured { tls12: Resumes, tls13: Resumes, why: "7.88 begins no TLS on connections that the server opens, and waits for ever",
        client: Client { name: "curl",      needs: &[Program("curl", "curl")],                        command: &["sh", "curl.sh"],        active: false, ipv6: true,  takes: ANY, lacks: &[Stay] } },
    Secured { tls12: Resumes, tls13: Resumes, why: "",
        client: Client { name: "lftp",      needs: &[Program("lftp", "lftp")],                        command: &["sh", "lftp.sh"],        active: true,  ipv6: true,  takes: ANY, lacks: &[] } },
    Secured { tls12: Resumes, tls13: Resumes, why: "",
        client: Client { name: "ftp-ssl",   needs: &[Program("ftp-ssl", "ftp-ssl")],                  command: &["sh", "ftp-ssl.sh"],     active: true,  ipv6: true,  takes: ANY, lacks: &[] } },
    Secured { tls12: Resumes, tls13: Resumes, why: "",
        client: Client { name: "wget",      needs: &[Program("wget", "wget")],                        command: &["sh", "wget.sh"],        active: true,  ipv6: true,  takes: ANY, lacks: &[Put, ResumePut, Rename, Delete, MakeDir, SetTime, Abort, Stay, Ten] } },
    Secured { tls12: Afresh, tls13: Fails, why: "it takes the tickets of TLS 1.3 for the end of the connection; of a reply it shows the text alone",
        client: Client { name: "wput",      needs: &[Program("wput", "wput")],                        command: &["sh", "wput.sh"],        active: true,  ipv6: false, takes: ANY, lacks: &[List, Get, ResumeGet, Rename, Delete, MakeDir, SetTime, Abort, Stay, Ten] } },
    Secured { tls12: Resumes, tls13: Resumes, why: "",
        client: Client { name: "rclone",    needs: &[Program("rclone", "rclone")],                    command: &["sh", "rclone.sh"],      active: false, ipv6: true,  takes: ANY, lacks: &[ResumeGet, ResumePut, Stay, Ten] } },
    Secured { tls12: Afresh, tls13: Afresh, why: "ftplib.FTP_TLS has no way to name a session",
        client: Client { name: "ftplib",    needs: &[Program("python3", "python3")],                  command: &["python3", "python-ftplib.py"], active: true,  ipv6: true,  takes: ANY, lacks: &[] } },
    Secured { tls12: Resumes, tls13: Resumes, why: "",
        client: Client { name: "ftplib-resuming", needs: &[Program("python3", "python3")],            command: &["python3", "python-ftplib.py", "resuming"], active: true,  ipv6: true,  takes: ANY, lacks: &[] } },
    Secured { tls12: Resumes, tls13: Resumes, why: "",
        client: Client { name: "aioftp",    needs: &[Made("venv/bin/python3")],                       command: &["venv/bin/python3", "python-aioftp.py"], active: false, ipv6: true, takes: ANY, lacks: &[] } },
    Secured { tls12: ResumesActive, tls13: ResumesActive, why: "it looks for the session of host:port, and each passive port is another; abort sends urgent bytes beneath TLS",
        client: Client { name: "netftp",    needs: &[Program("perl", "perl")],                        command: &["perl", "netftp.pl"],    active: true,  ipv6: true,  takes: ANY, lacks: &[Abort, Stay] } },
    Secured { tls12: Resumes, tls13: Resumes, why: "",
        client: Client { name: "basicftp",  needs: &[Program("node", "nodejs"), Made("node_modules/basic-ftp")], command: &["node", "basicftp.js"], active: false, ipv6: true, takes: ANY, lacks: &[Stay] } },
    Secured { tls12: Resumes, tls13: Resumes, why: "",
        client: Client { name: "extftp",    needs: &[Program("php", "php-cli")],                      command: &["php", "extftp.php"],    active: true,  ipv6: true,  takes: ANY, lacks: &[Abort, Stay] } },
    Secured { tls12: Afresh, tls13: Afresh, why: "it is given no place for sessions",
        client: Client { name: "jlaffaye",  needs: &[Made("jlaffaye")],                               command: &["jlaffaye"],             active: false, ipv6: true,  takes: ANY, lacks: &[] } },
    Secured { tls12: Resumes, tls13: Resumes, why: "",
        client: Client { name: "jlaffaye-resuming", needs: &[Made("jlaffaye")],                       command: &["jlaffaye", "resuming"], active: false, ipv6: true,  takes: ANY, lacks: &[] } },
    Secured { tls12: Afresh, tls13: Afresh, why: "Java names no session to a socket, and the cache looks for host and port",
        client: Client { name: "commonsnet", needs: &[Program("java", "default-jdk-headless"), Made("CommonsNet.class")], command: &["sh", "commonsnet.sh"], active: true, ipv6: true,  takes: ANY, lacks: &[] } },
    Secured { tls12: Resumes, tls13: Resumes, why: "",
        client: Client { name: "suppaftp",  needs: &[Made("suppaftp/debug/suppaftp-client")],         command: &["suppaftp/debug/suppaftp-client"], active: true, ipv6: true, takes: ANY, lacks: &[] } },
    Secured { tls12: Afresh, tls13: Afresh, why: "native-tls has no way to name a session",
        client: Client { name: "suppaftp-native", needs: &[Made("suppaftp/debug/suppaftp-client")],   command: &["suppaftp/debug/suppaftp-client", "native"], active: true, ipv6: true, takes: ANY, lacks: &[] } },
];

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
        true => refusal(run, &said, site),
        false => run.findings(&here, site),
    };
    wrong.extend(spoken(run, tls, site));
    if wrong.is_empty() {
        return vec![];
    }
    vec![format!("{}: {}\n{said}", run.name(), wrong.join(", "))]
}

/// What a refused client must show, and must not have done.
fn refusal(run: &Run, said: &str, site: &Site) -> Vec<String> {
    let mut wrong = vec![];
    if !said.contains("522") && !said.contains("tls.require_reuse") {
        wrong.push("neither 522 nor its text is shown".to_owned());
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
    let sessions: BTreeSet<_> = sessions.filter(|session| !spoke(session)).collect();
    sessions.into_iter().map(|one| format!("{one}: not {version}")).collect()
}
