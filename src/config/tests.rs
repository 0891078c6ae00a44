//! The settings from text to what a session gets, and what the administrator is told.

use std::net::IpAddr;
use std::time::Duration;

use super::*;

fn load_text(text: &str) -> Result<Config, Problems> {
    from_sources(vec![Source::new("c.toml", text)])
}

fn good(text: &str) -> Config {
    load_text(text).unwrap_or_else(|problems| panic!("{problems}"))
}

fn bad(text: &str) -> Problems {
    load_text(text).expect_err(text)
}

fn address(text: &str) -> IpAddr {
    text.parse().unwrap()
}

/// Each text with the one problem it has, on one line.
const PROBLEMS: &[(&str, &str)] = &[
    ("[netwrok]\n", "1:2: there is no table [netwrok] (did you mean `network`?)"),
    ("[zzz]\n", "1:2: there is no table [zzz]"),
    (
        "[network]\npassive_port = '1-2'\n",
        "2:1: [network] has no setting `passive_port` (did you mean `passive_ports`?)",
    ),
    (
        "[network]\numask = '022'\n",
        "2:1: [network] has no setting `umask` (`umask` belongs in [transfer])",
    ),
    ("baner = 'x'\n", "1:1: `baner` stands outside of any table (did you mean `login.banner`?)"),
    ("server = 3\n", "1:1: `server` is a table (write [server])"),
    ("[[server]]\n", "1:3: `server` is a table (write [server])"),
    ("[match]\nuser = 'x'\n", "1:2: matches are a list of tables (write [[match]])"),
    (
        "[transfer]\nstore = 'atomc'\n",
        "2:9: expected one of \"atomic\", \"in-place\", not \"atomc\" \
             (did you mean `atomic`?)",
    ),
    (
        "[transfer]\numask = 22\n",
        "2:9: expected octal digits in quotes, such as \"022\", not 22 (write \"022\")",
    ),
    ("[login]\nmax_failures = 0\n", "2:16: 0 is out of range: it may be from 1 to 20"),
    (
        "[login]\nfailure_delay = '1 min'\n",
        "2:17: \"60 s\" is out of range: it may be from \"0 s\" to \"30 s\"",
    ),
    ("[login]\nbanner = \"a\\rb\"\n", "2:10: a control character can't be sent to clients"),
    ("[anonymous]\nroot = 'ftp'\n", "2:8: expected an absolute path, not \"ftp\""),
    (
        "[network]\npassive_ports = '3000-2000'\n",
        "2:17: the lowest port stands above the highest (write \"2000-3000\")",
    ),
    (
        "[rights]\nincoming = ['list']\n",
        "2:1: a directory in [rights] is an absolute path, as the client sees it",
    ),
    ("[rights]\n'/' = ['list', 'raed']\n", "2:16: no such right (did you mean `read`?)"),
    (
        "[rights]\n'/' = 'list'\n",
        "2:7: rights are a list of words (write a list such as [\"list\", \"read\"])",
    ),
    (
        "[network]\nactive = false\nactive_source_port = 20\n",
        "3:22: a source port below 1024 needs a privilege, but active mode is off for all \
             (set network.active = true, or leave it out)",
    ),
    (
        "[tls]\nmin_version = 1.2\n",
        "2:15: expected one of \"1.2\", \"1.3\", not 1.2 (write \"1.2\")",
    ),
    (
        "[tls]\nenabled = true\n",
        "2:11: TLS needs a certificate (add [[tls.certificate]] with chain and key)",
    ),
    (
        "[tls]\nlogin = 'require'\n",
        "2:9: logins need TLS, but it is off for all (set tls.enabled = true)",
    ),
    (
        "[tls]\ncertificate_login = 'CN=bob'\n",
        "2:21: this certificate would log its owner in as anybody (put it in a [[match]] whose user is one name, without * and ?)",
    ),
    (
        "[tls]\nclient_certificate = 'request'\n",
        "2:22: certificates of clients are good only if somebody known has signed them \
             (set tls.client_ca to the file of who may)",
    ),
    (
        "[tls]\nclient_crl = '/crl'\n",
        "2:14: certificates of clients are good only if somebody known has signed them \
             (set tls.client_ca to the file of who may)",
    ),
    (
        "[tls]\nclient_ca = '/ca'\nclient_certificate = 'require'\n\
         [[match]]\nfrom = '::1'\ntls.client_ca = ''\n",
        "6:17: certificates of clients are good only if somebody known has signed them \
             (set tls.client_ca to the file of who may)",
    ),
    (
        "[tls]\ncertificate = '/x'\n",
        "2:1: certificates are a list of tables (write [[tls.certificate]])",
    ),
    ("[tls]\ncertificate = [1]\n", "2:16: a certificate is a table (write [[tls.certificate]])"),
    (
        "[[tls.certificate]]\nchain = '/x'\n",
        "1:1: a certificate needs `key` (write key = \"/etc/...\")",
    ),
    ("[[tls.certificate]]\nchain = '/x'\nkey = 'y'\n", "3:7: expected an absolute path, not \"y\""),
    (
        "[[tls.certificate]]\nchain = '/x'\nkey = '/y'\nname = 'z'\n",
        "4:1: a certificate has no key `name` (did you mean `names`?)",
    ),
    (
        "[[tls.certificate]]\nchain = '/x'\nkey = '/y'\nnames = ['a.*']\n",
        "4:10: expected the name of a host such as \"ftp.example.org\" or \"*.example.org\"",
    ),
    (
        "[[tls.certificate]]\nchain = '/x'\nkey = '/y'\nnames = 'm\u{fc}ller.example'\n",
        "4:9: expected the name of a host such as \"ftp.example.org\" or \"*.example.org\" \
             (write it as clients ask for it, xn--...)",
    ),
    (
        "[[tls.certificate]]\nchain = '/x'\nkey = '/y'\nnames = ['a', 'B']\n\
         [[tls.certificate]]\nchain = '/z'\nkey = '/z'\nnames = 'b'\n",
        "5:1: b is named a second time (one certificate is for it; take the name from the other)",
    ),
    (
        "[[tls.certificate]]\nchain = '/x'\nkey = '/y'\nnames = ['a', 'A']\n",
        "1:1: a is named a second time (one certificate is for it; take the name from the other)",
    ),
];

/// The same within a match.
const MATCH_PROBLEMS: &[(&str, &str)] = &[
    ("user = 'a'", "this match sets nothing"),
    (
        "transfer.umask = '077'",
        "this match has no condition and would hold for everybody \
             (set it in the tables, or add user, group, class, from, host or tls)",
    ),
    (
        "class = 'locl'\ntransfer.umask = '077'",
        "expected one of \"anonymous\", \"local\", \"virtual\", not \"locl\" \
             (did you mean `local`?)",
    ),
    ("user = []\ntransfer.umask = '077'", "an empty list never holds"),
    ("user = ''\ntransfer.umask = '077'", "an empty name never holds"),
    (
        "from = '10.0.0.1/8'\ntransfer.umask = '077'",
        "there are address bits behind the prefix (write \"10.0.0.0/8\")",
    ),
    (
        "from = ['::ffff:10.0.0.0/104']\ntransfer.umask = '077'",
        "an IPv4-mapped network never holds (write it as IPv4)",
    ),
    (
        "from = 'home'\ntransfer.umask = '077'",
        "expected an address or a network such as \"192.0.2.0/24\"",
    ),
    ("tls = 'yes'\ntransfer.umask = '077'", "expected true or false, not \"yes\""),
    ("usr = 'a'", "a match has no key `usr` (did you mean `user`?)"),
    ("user = 'a'\numask = '077'", "a match has no key `umask` (did you mean `transfer.umask`?)"),
    (
        "user = 'a'\nlogin.banner = 'x'",
        "`login.banner` is used before the user, group and class are known \
             (match by from, host or tls instead)",
    ),
    (
        "class = 'local'\nlimits.login = 5",
        "`limits.login` is used before the user, group and class are known \
             (match by from, host or tls instead)",
    ),
    (
        "from = '10.0.0.0/8'\nserver.name = 'x'",
        "`server.name` is used before anything is known of the client \
             (set it in [server], the same for all)",
    ),
    (
        "class = 'anonymous'\ntls.enabled = false",
        "`tls.enabled` is used before the user, group and class are known \
             (match by from or host instead)",
    ),
    (
        "class = 'local'\ntls.min_version = '1.3'",
        "`tls.min_version` is used before the user, group and class are known \
             (match by from instead)",
    ),
    (
        "class = 'anonymous'\ntls.certificate = [{ chain = '/x', key = '/y' }]",
        "a certificate can't differ by match \
             (set it outside of any match, with names = [...] to tell hosts apart)",
    ),
];

/// What a handshake goes by is used before any host is known that could hold: one that is named in it would be too late.
#[test]
fn no_host_has_a_handshake_of_its_own() {
    for setting in [
        "client_ca = '/x'",
        "client_certificate = 'none'",
        "client_crl = ''",
        "min_version = '1.3'",
    ] {
        let name = setting.split(' ').next().unwrap();
        for host in ["host = 'a.example'", "host = '*'\nfrom = '10.0.0.0/8'\nuser = 'alice'"] {
            let problems = bad(&format!("[[match]]\n{host}\ntls.{setting}\n"));
            assert_eq!(problems.0.len(), 1, "{problems}");
            let line = problems.0[0].one_line();
            let told = format!("`tls.{name}` is used before the host is known (match by from ");
            assert!(line.contains(&told), "{line}");
            assert!(line.contains("an address or port of its own"), "{line}");
        }
        let text = format!("[[match]]\nfrom = '10.0.0.0/8'\ntls.{setting}\n");
        assert!(good(&text).warnings.is_empty(), "{text}");
    }
}

#[test]
fn one_problem_each() {
    for (text, said) in PROBLEMS {
        let problems = bad(text);
        assert_eq!(problems.0.len(), 1, "{text}\n{problems}");
        assert_eq!(problems.0[0].one_line(), format!("c.toml:{said}"), "{text}");
    }
}

#[test]
fn one_problem_each_in_matches() {
    for (text, said) in MATCH_PROBLEMS {
        let problems = bad(&format!("[[match]]\n{text}\n"));
        assert_eq!(problems.0.len(), 1, "{text}\n{problems}");
        let line = problems.0[0].one_line();
        let told = line.splitn(4, ':').nth(3).unwrap().trim_start();
        assert_eq!(told, *said, "{text}");
    }
}

#[test]
fn all_problems_are_told_in_order_and_underlined() {
    let problems = bad("[transfer]\nstore = 1\n\n[network]\npasive = false\n\n\
         [[match]]\nuser = \"bob\"\nclass = 'x'\nlog.level = 'info'\n");
    assert_eq!(
        problems.to_string(),
        "\
c.toml:2:9: expected one of \"atomic\", \"in-place\", not 1
  |
2 | store = 1
  |         ^

c.toml:5:1: [network] has no setting `pasive`
  |
5 | pasive = false
  | ^^^^^^
  = did you mean `passive`?

c.toml:9:9: expected one of \"anonymous\", \"local\", \"virtual\", not \"x\"
  |
9 | class = 'x'
  |         ^^^

c.toml:10:5: `log.level` is used before anything is known of the client
   |
10 | log.level = 'info'
   |     ^^^^^
   = set it in [log], the same for all"
    );
}

#[test]
fn syntax_errors_have_places() {
    for (text, place) in [
        ("[server\n", "c.toml:1:8:"),
        ("[server]\nname = \n", "c.toml:2:8:"),
        ("[transfer]\numask = 022\n", "c.toml:2:9:"),
        ("[local]\njail = true\njail = true\n", "c.toml:3:1:"),
        ("[server]\n[server]\n", "c.toml:2:2:"),
    ] {
        let line = bad(text).0[0].one_line();
        assert!(line.starts_with(place), "{text}: {line}");
    }
}

#[test]
fn warnings_do_not_refuse() {
    for (text, said) in [
        (
            "[local]\nenabled = false\n",
            "c.toml:2:11: neither anonymous nor local logins are enabled: nobody can log in \
             (set anonymous.enabled or local.enabled)",
        ),
        (
            "[network]\npassive = false\nactive = false\n",
            "c.toml:2:11: neither passive nor active mode is on: nothing can be listed or \
             transferred",
        ),
        (
            "[anonymous]\nenabled = true\nroot = '/'\n",
            "c.toml:3:8: anonymous sessions see the whole file system",
        ),
        (
            "[rights]\n'/in' = ['write']\n",
            "c.toml:2:1: \"/\" has no rights of its own: nothing is allowed outside the \
             directories named (add \"/\" = [\"list\", \"read\"], or whatever is meant)",
        ),
    ] {
        let warnings: Vec<String> = good(text).warnings.iter().map(Problem::one_line).collect();
        assert_eq!(warnings, [said]);
    }
}

/// A certificate for a text that only needs to have one.
const CERTIFICATE: &str = "[[tls.certificate]]\nchain = '/c'\nkey = '/k'\n";

#[test]
fn tls_that_is_off_leaves_certificates_and_matches_idle() {
    let cure = "(set tls.enabled = true)";
    let text = format!("{CERTIFICATE}[[match]]\ntls = true\nlimits.idle = 5\n");
    let warnings: Vec<String> = good(&text).warnings.iter().map(Problem::one_line).collect();
    assert_eq!(
        warnings,
        [
            format!("c.toml:1:1: there is a certificate, but TLS is off {cure}"),
            format!("c.toml:4:1: this match never holds: TLS is off for all {cure}"),
        ]
    );
    let on = format!(
        "{text}[[match]]\nfrom = '10.0.0.0/8'\ntls.enabled = true\ntls.login = 'require'\n"
    );
    assert_eq!(good(&on).warnings, []);
}

#[test]
fn who_need_not_prove_data_connections_is_told() {
    let tls = format!("{CERTIFICATE}[tls]\nenabled = true\n");
    let off = "tls.require_reuse = false\n";
    let text = format!(
        "{tls}[[match]]\nfrom = ['192.0.2.0/24', '::1']\n{off}\
         [[match]]\nuser = 'old'\n{off}\
         [[match]]\nfrom = '10.0.0.0/8'\ntls.require_reuse = true\n"
    );
    let warnings: Vec<String> = good(&text).warnings.iter().map(Problem::one_line).collect();
    let told = "do not have to show that they are the client's";
    let cure = "(match by from the clients that can't resume)";
    assert_eq!(
        warnings,
        [
            format!("c.toml:8:21: data connections of 192.0.2.0/24, ::1/128 {told}"),
            format!("c.toml:11:21: data connections of any address {told} {cure}"),
        ]
    );
    let all = format!("{tls}require_reuse = false\n");
    let warnings: Vec<String> = good(&all).warnings.iter().map(Problem::one_line).collect();
    assert_eq!(warnings, [format!("c.toml:6:17: data connections of any address {told} {cure}")]);
}

#[test]
fn reuse_is_relaxed_for_whom_a_match_may_hold() {
    let off = "tls.require_reuse = false\n";
    let may = |text: &str, from| good(text).may_relax_reuse(address(from));
    for (text, inside, outside) in [
        (String::new(), false, false),
        (format!("[[match]]\nfrom = '10.0.0.0/8'\n{off}"), true, false),
        (format!("[[match]]\nfrom = '10.0.0.0/8'\nuser = 'old'\n{off}"), true, false),
        (format!("[[match]]\nuser = 'old'\n{off}"), true, true),
        (format!("[[match]]\nhost = 'old.example'\n{off}"), true, true),
        ("[tls]\nrequire_reuse = false\n".to_owned(), true, true),
        (
            "[tls]\nrequire_reuse = false\n[[match]]\nfrom = '10.0.0.0/8'\ntls.require_reuse = true\n"
                .to_owned(),
            false,
            true,
        ),
        (
            "[tls]\nrequire_reuse = false\n[[match]]\nhost = 'a.example'\ntls.require_reuse = true\n"
                .to_owned(),
            true,
            true,
        ),
    ] {
        assert_eq!([may(&text, "10.1.2.3"), may(&text, "::1")], [inside, outside], "{text}");
    }
}

/// The subject names the user: a pattern would let one certificate be many users.
#[test]
fn a_certificate_logs_in_one_user() {
    let login = "tls.certificate_login = 'CN=alice'\n";
    for user in ["'*'", "'alic?'", "['alice', 'dev-*']", "['alice', 'bob']"] {
        let problems = bad(&format!("[[match]]\nuser = {user}\n{login}"));
        assert_eq!(problems.0.len(), 1, "{problems}");
        let line = problems.0[0].one_line();
        assert!(line.contains("log its owner in as more than one user"), "{line}");
    }
    let known = "client_ca = '/ca'\nclient_certificate = 'request'\n";
    let unknown = "nobody can log in so: clients are asked for no certificate";
    for (tls, told) in [(known, None), ("", Some(unknown)), ("client_ca = '/ca'\n", Some(unknown))]
    {
        let text =
            format!("{CERTIFICATE}[tls]\nenabled = true\n{tls}[[match]]\nuser = 'alice'\n{login}");
        let warnings = good(&text).warnings;
        let told = told.into_iter().collect::<Vec<_>>();
        assert_eq!(warnings.iter().map(Problem::cause).collect::<Vec<_>>(), told, "{text}");
    }
    let of_network = format!(
        "{CERTIFICATE}[tls]\nenabled = true\n\
         [[match]]\nfrom = '::1'\ntls.client_ca = '/ca'\ntls.client_certificate = 'require'\n\
         [[match]]\nuser = 'alice'\n{login}"
    );
    assert_eq!(good(&of_network).warnings, []);
}

#[test]
fn certificates_are_collected_over_files_and_bounded() {
    let source = |name: &str, count: usize| Source::new(name, CERTIFICATE.repeat(count));
    let config = from_sources(vec![source("a.toml", 3), source("b.toml", 5)]).unwrap();
    let files = config.certificates.iter().map(|one| one.file);
    assert_eq!(files.collect::<Vec<_>>(), [0, 0, 0, 1, 1, 1, 1, 1]);
    let problems = from_sources(vec![source("a.toml", 3), source("b.toml", 6)]).unwrap_err();
    let lines: Vec<_> = problems.iter().map(Problem::one_line).collect();
    assert_eq!(lines, ["b.toml:16:1: there may be 8 certificates at most"]);
}

#[test]
fn a_certificate_has_the_names_it_is_given() {
    let config =
        good(&format!("{CERTIFICATE}ocsp = ''\nnames = ['FTP.example.org', '*.example.net']\n"));
    let [one] = &config.certificates[..] else { panic!("{config:?}") };
    assert_eq!((one.ocsp.as_ref(), one.key.to_str()), (None, Some("/k")));
    assert_eq!(one.names, ["ftp.example.org", "*.example.net"]);
    assert!(good(CERTIFICATE).certificates[0].names.is_empty());
}

#[test]
fn who_needs_tls() {
    let tls = |text: &str| {
        let text =
            format!("{CERTIFICATE}[tls]\n{text}[[match]]\nclass = 'anonymous'\ntls.ccc = true\n");
        move |class| {
            let login = Login { class, user: b"x", groups: &[] };
            good(&text).at_login(address("::1"), None, false, login).tls
        }
    };
    // For anonymous and local logins: in clear text, over TLS.
    for (text, anonymous, local) in [
        ("", [true, true], [true, true]),
        ("enabled = true\n", [true, true], [false, true]),
        ("enabled = true\nlogin = 'allow'\n", [true, true], [true, true]),
        ("enabled = true\nlogin = 'require'\n", [false, true], [false, true]),
        ("enabled = true\nlogin = 'forbid'\n", [true, false], [true, false]),
    ] {
        let tls = tls(text);
        for (class, expected) in [(Class::Anonymous, anonymous), (Class::Local, local)] {
            let admitted = [false, true].map(|over_tls| tls(class).admits_login(class, over_tls));
            assert_eq!(admitted, expected, "{class:?} {text}");
            assert_eq!(tls(class).needs_login(class), !expected[0], "{class:?} {text}");
            assert_eq!(tls(class).ccc, class == Class::Anonymous);
        }
    }
    for (data, expected) in [
        ("auto", [true, true]),
        ("allow", [true, true]),
        ("require", [false, true]),
        ("forbid", [true, false]),
    ] {
        let tls = tls(&format!("data = '{data}'\n"))(Class::Local);
        assert_eq!([false, true].map(|protected| tls.admits_data(protected)), expected, "{data}");
    }
}

#[test]
fn tls_is_a_condition_from_the_moment_it_has_begun() {
    let config = good(&format!(
        "{CERTIFICATE}[tls]\nenabled = true\n\
         [[match]]\ntls = false\nlocal.enabled = false\n\
         [[match]]\ntls = true\nuser = 'alice'\nlimits.idle = 7\n"
    ));
    let from = address("192.0.2.1");
    assert_eq!(
        [false, true].map(|tls| config.at_connect(from, None, tls).local.enabled),
        [false, true]
    );
    // Power for what TLS may yet allow must not be shed before.
    assert!(config.may_hold(from, |settings| settings.local.enabled));
    let idle = |tls| config.at_login(from, None, tls, local(b"alice")).limits.idle.as_secs();
    assert_eq!([false, true].map(idle), [300, 7]);
}

#[test]
fn what_a_match_mends_is_no_contradiction() {
    let text = "[network]\nactive = false\nactive_source_port = 20\n[local]\nenabled = false\n\
                [[match]]\nuser = 'old'\nnetwork.active = true\n\
                [[match]]\nfrom = '10.0.0.0/8'\nlocal.enabled = true\n";
    assert_eq!(good(text).warnings, []);
}

fn local(user: &[u8]) -> Login<'_> {
    Login { class: Class::Local, user, groups: &[] }
}

#[test]
fn a_host_is_a_condition_from_the_moment_it_was_asked_for() {
    let config = good(
        "[local]\nenabled = false\n[anonymous]\nenabled = true\n\
         [[match]]\nhost = ['*.Example.com', 'intern']\nlogin.banner = 'example'\nlocal.enabled = true\n\
         [[match]]\nhost = 'intern'\nuser = 'alice'\nlimits.idle = 7\n",
    );
    let from = address("192.0.2.1");
    let banner = |host: Option<&[u8]>| config.at_connect(from, host, false).login.banner;
    assert_eq!(banner(None), "FTP server ready.");
    assert_eq!(banner(Some(b"ftp.example.com")), "example");
    assert_eq!(banner(Some(b"example.com")), "FTP server ready.");
    assert!(config.serves_hosts() && config.serves_host(b"intern") && !config.serves_host(b"x"));
    let idle = |host| config.at_login(from, host, false, local(b"alice")).limits.idle.as_secs();
    assert_eq!((idle(Some(b"intern")), idle(Some(b"a.example.com")), idle(None)), (7, 300, 300));
    // Power for what may yet be asked for must not be shed before.
    let base = config.at_connect(from, None, false);
    assert!(!base.local.enabled);
    assert!(config.may_hold(from, |settings| settings.local.enabled));
    assert!(!config.may_hold(from, |settings| settings.network.active_source_port > 0));
}

#[test]
fn the_later_match_wins_in_each_phase() {
    let config = good(
        "[limits]\nidle = 10\n\
         [[match]]\nfrom = ['10.0.0.0/8', '192.0.2.1']\nlogin.banner = 'in'\nlimits.idle = 20\n\
         [[match]]\nuser = ['alice', 'dev-*']\nlimits.idle = 30\nrights.'/' = ['list']\n\
         [[match]]\ngroup = 'staff'\nclass = ['local', 'virtual']\nlimits.idle = 40\n\
         [[match]]\ntls = true\nlimits.idle = 50\n\
         [[match]]\nhost = '*'\nlimits.idle = 60\n\
         [[match]]\ntls = false\nlimits.data_connect = 5\n",
    );
    let (inside, outside) = (address("10.1.2.3"), address("::1"));
    let before = config.at_connect(inside, None, false);
    assert_eq!((before.login.banner.as_str(), before.limits.idle.as_secs()), ("in", 20));
    assert_eq!(before.limits.data_connect, Duration::from_secs(5));
    let before = config.at_connect(outside, None, false);
    assert_eq!(
        (before.login.banner.as_str(), before.limits.idle.as_secs()),
        ("FTP server ready.", 10)
    );

    let staff = ["users".to_owned(), "staff".to_owned()];
    let idle = |from, class, user: &str, groups: &[String]| {
        config
            .at_login(from, None, false, Login { class, user: user.as_bytes(), groups })
            .limits
            .idle
            .as_secs()
    };
    assert_eq!(idle(outside, Class::Local, "bob", &[]), 10);
    assert_eq!(idle(inside, Class::Local, "bob", &[]), 20);
    assert_eq!(idle(inside, Class::Local, "dev-7", &[]), 30);
    assert_eq!(idle(inside, Class::Local, "alice", &staff), 40);
    assert_eq!(idle(inside, Class::Anonymous, "alice", &staff), 30);
    assert_eq!(idle(address("192.0.2.1"), Class::Virtual, "x", &[]), 20);
}

#[test]
fn rights_are_laid_over_directory_by_directory() {
    let config = good(
        "[rights]\n'/' = ['list']\n'/in' = ['write']\n\
         [[match]]\nuser = 'alice'\nrights.'/in' = ['delete']\n",
    );
    let settings = config.at_login(address("::1"), None, false, local(b"alice"));
    let rights = settings.rights_for(Class::Local);
    assert_eq!(rights.at(b"/x"), Rights::LIST);
    assert_eq!(rights.at(b"/in/x"), Rights::DELETE | Rights::REMOVE_DIR);
    let anonymous = Settings::default().rights_for(Class::Anonymous);
    assert_eq!(anonymous.anywhere().to_string(), "list, read");
}

#[test]
fn what_is_described_can_be_loaded_again() {
    let text = "[login]\nbanner = \"one\\ntwo\"\n[rights]\n'/' = ['list', 'read']\n\
                [[match]]\nuser = ['a', 'b*']\nclass = 'local'\nfrom = '10.0.0.0/8'\ntls = false\n\
                limits.idle = '5 min'\nrights.'/in' = ['write']\n\
                [[tls.certificate]]\nchain = '/c'\nkey = '/k'\nocsp = '/o'\nnames = 'A.b'\n\
                [tls]\nenabled = true\nclient_ca = '/ca'\n";
    let config = good(text);
    let described = describe(&config);
    for line in [
        "name = \"cellftpd\"\n",
        "banner = \"one\\ntwo\"  # c.toml:2\n",
        "\"/\" = [\"list\", \"read\"]  # c.toml:4\n",
        "[[match]]  # c.toml:5\n",
        "limits.idle = \"300 s\"  # c.toml:10\n",
        "rights.\"/in\" = [\"write\"]  # c.toml:11\n",
        "[[tls.certificate]]  # c.toml:12\nchain = \"/c\"\nkey = \"/k\"\nocsp = \"/o\"\nnames = [\"a.b\"]\n",
    ] {
        assert!(described.contains(line), "{line}{described}");
    }
    let again = good(&described);
    assert_eq!(again.settings, config.settings);
    let names = |config: &Config| {
        config.certificates.iter().flat_map(|one| one.names.clone()).collect::<Vec<_>>()
    };
    assert_eq!((names(&again), again.certificates.len()), (names(&config), 1));
    let at = |config: &Config| config.at_login(address("10.0.0.1"), None, false, local(b"bob"));
    assert_eq!(at(&again), at(&config));
}
