//! What a person or a super-server types. Without a command, one session is served.

mod check;

use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use lexopt::prelude::{Long, Short, Value};

use crate::exit::Exit;
use crate::launch;

const USAGE: &str = "\
Usage: cellftpd [--config FILE]          serve one session on descriptors 0 and 1
       cellftpd check [--config FILE]    say what the configuration means, or what is wrong with it
       cellftpd --help | --version

Without --config it is /etc/cellftpd/cellftpd.toml. A super-server starts one cellftpd for each connection.
";

/// What was asked for.
#[derive(Debug, PartialEq, Eq)]
enum Request {
    Serve(PathBuf),
    Check(PathBuf),
    Say(String),
}

/// Runs what the command line asks for.
pub fn main() -> ExitCode {
    let exit = match parse(std::env::args_os().skip(1)) {
        // Caged by now: nothing but the exit itself is left to it.
        Ok(Request::Serve(config)) => sys::process::exit(launch::serve(&config).status()),
        Ok(Request::Check(config)) => check::run(&config, &mut std::io::stdout()),
        Ok(Request::Say(text)) => say(&mut std::io::stdout(), &text, Exit::Clean),
        Err(error) if std::io::stderr().is_terminal() => {
            say(&mut std::io::stderr(), &format!("cellftpd: {error}\n{USAGE}"), Exit::Usage)
        }
        // Under a super-server, and 2 may be the client.
        Err(error) => launch::turn_away(&error.to_string()),
    };
    ExitCode::from(exit.status())
}

fn say(to: &mut dyn Write, text: &str, exit: Exit) -> Exit {
    // Whoever closed it does not want to read it.
    let _ = to.write_all(text.as_bytes());
    exit
}

fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Request, lexopt::Error> {
    let mut parser = lexopt::Parser::from_args(arguments);
    let mut config = PathBuf::from(launch::CONFIG);
    let mut check = false;
    while let Some(argument) = parser.next()? {
        match argument {
            Long("config") | Short('c') => config = parser.value()?.into(),
            Long("help") | Short('h') => return Ok(Request::Say(USAGE.into())),
            Long("version") | Short('V') => {
                return Ok(Request::Say(
                    concat!("cellftpd ", env!("CARGO_PKG_VERSION"), "\n").into(),
                ));
            }
            Value(word) if word == "check" && !check => check = true,
            other => return Err(other.unexpected()),
        }
    }
    Ok(if check { Request::Check(config) } else { Request::Serve(config) })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(words: &[&str]) -> Result<Request, String> {
        parse(words.iter().map(OsString::from)).map_err(|error| error.to_string())
    }

    #[test]
    fn the_command_line_says_what_to_do() {
        let default = PathBuf::from(launch::CONFIG);
        assert_eq!(parsed(&[]), Ok(Request::Serve(default.clone())));
        assert_eq!(parsed(&["check"]), Ok(Request::Check(default)));
        assert_eq!(parsed(&["--config", "/x"]), Ok(Request::Serve("/x".into())));
        assert_eq!(parsed(&["check", "--config=/x"]), Ok(Request::Check("/x".into())));
        assert!(parsed(&["--no-such"]).is_err() && parsed(&["check", "check"]).is_err());
    }
}
