//! What a person or a super-server types. Without a command, one session is served.

mod certificates;
mod check;
mod clients;
mod ocsp;
mod trial;

use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use lexopt::ValueExt;
use lexopt::prelude::{Long, Short, Value};

use self::trial::Unmade;
use crate::exit::Exit;
use crate::launch;

const USAGE: &str = "\
Usage: cellftpd [--config FILE]          serve one session on descriptors 0 and 1
       cellftpd [--config FILE] --implicit-tls
                                         the same, with TLS from the first byte on (port 990)
       cellftpd check [--config FILE]    say what the configuration means, or what is wrong with it
       cellftpd tls new --names A,B [--out DIR]
                                         make a certificate to try TLS with, which nobody has signed
       cellftpd --help | --version

Without --config it is /etc/cellftpd/cellftpd.toml. A super-server starts one cellftpd for each connection.
";

/// What was asked for.
#[derive(Debug, PartialEq, Eq)]
enum Request {
    Serve(PathBuf, bool),
    Check(PathBuf),
    NewCertificate { names: String, out: PathBuf },
    Say(String),
}

/// Runs what the command line asks for.
pub fn main() -> ExitCode {
    let exit = match parse(std::env::args_os().skip(1)) {
        // Caged by now: nothing but the exit itself is left to it.
        Ok(Request::Serve(config, implicit)) => {
            sys::process::exit(launch::serve(&config, implicit).status())
        }
        Ok(Request::Check(config)) => check::run(&config, &mut std::io::stdout()),
        Ok(Request::NewCertificate { names, out }) => match trial::make(&names, &out) {
            Ok(text) => say(&mut std::io::stdout(), &text, Exit::Clean),
            Err(Unmade { cause, exit }) => {
                say(&mut std::io::stderr(), &format!("cellftpd: {cause}\n"), exit)
            }
        },
        Ok(Request::Say(text)) => say(&mut std::io::stdout(), &text, Exit::Clean),
        Err(Wrong { cause, to_person: true }) => {
            say(&mut std::io::stderr(), &format!("cellftpd: {cause}\n{USAGE}"), Exit::Usage)
        }
        // Under a super-server, and 2 may be the client.
        Err(Wrong { cause, .. }) => launch::turn_away(&cause.to_string()),
    };
    ExitCode::from(exit.status())
}

fn say(to: &mut dyn Write, text: &str, exit: Exit) -> Exit {
    // Whoever closed it does not want to read it.
    let _ = to.write_all(text.as_bytes());
    exit
}

/// What a command line says, before it is looked at as a whole.
#[derive(Default)]
struct Words {
    commands: Vec<String>,
    config: Option<PathBuf>,
    names: Option<String>,
    out: Option<PathBuf>,
    implicit: bool,
}

/// Why a command line is not obeyed.
#[derive(Debug)]
struct Wrong {
    cause: lexopt::Error,
    /// Only a person gives commands; what is to serve may have nobody but a client to talk to.
    to_person: bool,
}

fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Request, Wrong> {
    let mut parser = lexopt::Parser::from_args(arguments);
    let mut words = Words::default();
    let mut first = None;
    // What is wrong may come before the command.
    while let Some(read) = words.read(&mut parser).transpose() {
        match read {
            Ok(Some(request)) => return Ok(request),
            Ok(None) => {}
            Err(cause) => drop(first.get_or_insert(cause)),
        }
    }
    let to_person = words.are_a_persons() || std::io::stderr().is_terminal();
    let request = first.map_or_else(|| words.request(), Err);
    request.map_err(|cause| Wrong { cause, to_person })
}

impl Words {
    /// Takes the next one, if there is one; a request if nothing after it matters.
    fn read(
        &mut self,
        parser: &mut lexopt::Parser,
    ) -> Result<Option<Option<Request>>, lexopt::Error> {
        let Some(argument) = parser.next()? else { return Ok(None) };
        match argument {
            Long("config") | Short('c') => self.config = Some(parser.value()?.into()),
            Long("implicit-tls") => self.implicit = true,
            Long("names") => self.names = Some(parser.value()?.string()?),
            Long("out") => self.out = Some(parser.value()?.into()),
            Long("help") | Short('h') => return Ok(Some(Some(Request::Say(USAGE.into())))),
            Long("version") | Short('V') => {
                let version = concat!("cellftpd ", env!("CARGO_PKG_VERSION"), "\n");
                return Ok(Some(Some(Request::Say(version.into()))));
            }
            Value(word) => self.commands.push(word.string()?),
            other => return Err(other.unexpected()),
        }
        Ok(Some(None))
    }

    fn are_a_persons(&self) -> bool {
        !self.commands.is_empty() || self.names.is_some() || self.out.is_some()
    }

    fn request(self) -> Result<Request, lexopt::Error> {
        let Words { commands, config, names, out, implicit } = self;
        let commands: Vec<&str> = commands.iter().map(String::as_str).collect();
        let of_tls = names.is_some() || out.is_some();
        let config_or_default = |config: Option<PathBuf>| config.unwrap_or(launch::CONFIG.into());
        match commands[..] {
            [] if !of_tls => Ok(Request::Serve(config_or_default(config), implicit)),
            _ if implicit => Err("--implicit-tls is for serving".into()),
            ["check"] if !of_tls => Ok(Request::Check(config_or_default(config))),
            ["tls", "new"] if config.is_none() => {
                let names = names.ok_or("tls new needs --names")?;
                Ok(Request::NewCertificate { names, out: out.unwrap_or(".".into()) })
            }
            [] | ["check"] => Err("--names and --out are for tls new".into()),
            ["tls", "new"] => Err("tls new has no --config".into()),
            _ => Err(format!("there is no command `{}`", commands.join(" ")).into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(words: &[&str]) -> Result<Request, String> {
        parse(words.iter().map(OsString::from)).map_err(|wrong| wrong.cause.to_string())
    }

    #[test]
    fn the_command_line_says_what_to_do() {
        let default = PathBuf::from(launch::CONFIG);
        assert_eq!(parsed(&[]), Ok(Request::Serve(default.clone(), false)));
        assert_eq!(parsed(&["--implicit-tls"]), Ok(Request::Serve(default.clone(), true)));
        assert_eq!(parsed(&["check"]), Ok(Request::Check(default)));
        assert_eq!(parsed(&["--config", "/x"]), Ok(Request::Serve("/x".into(), false)));
        assert_eq!(parsed(&["check", "--config=/x"]), Ok(Request::Check("/x".into())));
        assert_eq!(
            parsed(&["tls", "new", "--names", "a,b"]),
            Ok(Request::NewCertificate { names: "a,b".to_owned(), out: ".".into() })
        );
        assert_eq!(
            parsed(&["tls", "new", "--out", "/x", "--names=a"]),
            Ok(Request::NewCertificate { names: "a".to_owned(), out: "/x".into() })
        );
        for (words, said) in [
            (&["--no-such"][..], "invalid option '--no-such'"),
            (&["check", "check"], "there is no command `check check`"),
            (&["tls"], "there is no command `tls`"),
            (&["tls", "new"], "tls new needs --names"),
            (&["tls", "new", "--names=a", "--config=/x"], "tls new has no --config"),
            (&["--names=a"], "--names and --out are for tls new"),
            (&["check", "--out=/x"], "--names and --out are for tls new"),
        ] {
            assert_eq!(parsed(words), Err(said.to_owned()));
        }
    }
}
