//! vsftpd with a site equal in meaning to a dialogue's.

use std::fs;
use std::path::Path;
use std::time::Duration;

use nix::sys::signal::Signal;
use nix::unistd::Pid;

use crate::harness::account::Service;
use crate::harness::process::Process;
use crate::harness::script::Script;
use crate::harness::site::Site;
use crate::harness::superserver::ServerProgram;
use crate::harness::{eventually, program, within};

/// What every site has: all of FTP that vsftpd can do, nothing of its delays and logs, no sandbox that this kernel or C
/// library may be too new for.
const ALWAYS: &str = "\
listen=NO
xferlog_enable=NO
delay_failed_login=0
seccomp_sandbox=NO
isolate_network=NO
nopriv_user=nobody
accept_timeout=1
async_abor_enable=YES
ascii_download_enable=YES
ascii_upload_enable=YES
use_localtime=NO
force_dot_files=YES
anon_world_readable_only=NO
anon_umask=022
local_umask=022
chroot_local_user=YES
allow_writeable_chroot=YES
";

/// Our settings in its words; what is in neither list can't be said to it.
#[rustfmt::skip]
const SETTINGS: [(&str, &str); 14] = [
    ("limits.idle = \"1 s\"", "idle_session_timeout=1"),
    ("limits.idle = \"2 s\"", "idle_session_timeout=2"),
    ("limits.login = \"1 s\"", "idle_session_timeout=1"),
    ("limits.data_connect = \"1 s\"", "accept_timeout=1"),
    ("limits.stalled = \"1 s\"", "data_connection_timeout=1"),
    ("login.banner = \"Hello.\"", "ftpd_banner=Hello."),
    ("login.max_failures = 3", "max_login_fails=3"),
    ("login.max_failures = 5", "max_login_fails=5"),
    ("login.max_failures = 10", "max_login_fails=10"),
    ("network.active = false", "port_enable=NO"),
    ("listing.hidden = false", "force_dot_files=NO"),
    ("listing.names = true", "text_userdb_names=YES"),
    ("transfer.umask = \"027\"", "anon_umask=027\nlocal_umask=027"),
    ("transfer.partial = \"discard\"", "delete_failed_uploads=YES"),
];

/// What makes trees and lines, and is the same for every server.
const SAME: [&str; 10] =
    ["file", "directory", "link", "hardlink", "fifo", "device", "mode", "many", "stays", "line"];

/// vsftpd, ready to be started for a site.
#[derive(Debug)]
pub struct Vsftpd {
    pub program: ServerProgram,
    /// Who may log in where PAM is asked and no account is meant.
    _service: Option<Service>,
}

/// The first line of the scene that can't be put to vsftpd.
pub fn obstacle(script: &Script) -> Option<&str> {
    let lines = script.scene.iter().map(|(_, line)| line.as_str());
    let mut foreign = lines.filter(|line| !can_be_said(line));
    foreign.next()
}

fn can_be_said(line: &str) -> bool {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    match (word, rest) {
        // A super-server hands over TCP.
        ("line", "pipes" | "socketpair") => false,
        ("site", "readonly" | "writable" | "local" | "nobody") => true,
        ("set", setting) => SETTINGS.iter().any(|(ours, _)| *ours == setting),
        _ => SAME.contains(&word),
    }
}

impl Vsftpd {
    /// Writes its configuration beside the site's tree.
    pub fn serving(script: &Script, site: &Site) -> Vsftpd {
        let kind = script.scene.iter().find_map(|(_, line)| line.strip_prefix("site "));
        let (who, service) = logins(kind.unwrap_or("nobody"), &site.path("/"));
        let empty = site.beside("empty");
        fs::create_dir(&empty).expect("our own directory");
        let set = script.scene.iter().filter_map(|(_, line)| line.strip_prefix("set "));
        let settings: Vec<_> = set
            .filter_map(|setting| SETTINGS.iter().find(|(ours, _)| *ours == setting))
            .map(|(_, theirs)| *theirs)
            .collect();
        let text = format!(
            "{ALWAYS}secure_chroot_dir={}\n{who}{}\n",
            empty.display(),
            settings.join("\n")
        );
        let path = site.beside("vsftpd.conf");
        fs::write(&path, text).expect("our own directory");
        let arguments = vec![path.display().to_string()];
        Vsftpd {
            program: ServerProgram { path: program("vsftpd", "vsftpd"), arguments },
            _service: service,
        }
    }
}

/// Waits for its processes whose parents have not: they come to us, and would stay as zombies.
pub fn ends_orphans(limit: Duration) {
    let ourselves = Process::find(Pid::this().as_raw()).expect("we are alive");
    let is_vsftpd = |process: &Process| {
        fs::read_to_string(process.path("comm")).is_ok_and(|name| name.trim_end() == "vsftpd")
    };
    let orphans: Vec<_> = ourselves.children().into_iter().filter(is_vsftpd).collect();
    let are_gone = || orphans.iter().all(Process::is_gone).then_some(());
    if within(limit, are_gone).is_none() {
        orphans.iter().for_each(|one| one.signal(Signal::SIGKILL));
        eventually("the end of vsftpd's processes", are_gone);
    }
}

/// Who may log in, and what they may do.
fn logins(kind: &str, root: &Path) -> (String, Option<Service>) {
    let root = root.display();
    let (module, text) = match kind {
        "readonly" => {
            let text = format!("anonymous_enable=YES\nlocal_enable=NO\nanon_root={root}\n");
            return (text, None);
        }
        // It refuses anonymous users a root that they may write, and has no setting against that. Guests have the same
        // rights and no such rule.
        "writable" => (
            "pam_permit.so",
            format!(
                "guest_enable=YES\nguest_username=ftp\nlocal_root={root}\nwrite_enable=YES\n\
                 virtual_use_local_privs=YES\n"
            ),
        ),
        // PAM's own delay would be taken for silence.
        "local" => ("pam_unix.so nodelay", "write_enable=YES\n".to_owned()),
        _ => ("pam_deny.so", String::new()),
    };
    let service = Service::of(module);
    let name = &service.name;
    let text = format!("anonymous_enable=NO\nlocal_enable=YES\npam_service_name={name}\n{text}");
    (text, Some(service))
}
