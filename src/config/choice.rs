//! Settings that are one word of a few, and where the log goes.
//!
//! Run by whoever loads the configuration; pure.

use std::path::PathBuf;

use toml::de::DeValue;

use super::spelling;
use super::value::{Value, Wrong, quoted, text, unquoted};

/// The words as an error names them.
macro_rules! listed {
    ($first:literal $($rest:literal)*) => {
        concat!("one of \"", $first, "\"", $(", \"", $rest, "\""),*)
    };
}

/// Declares enums with the word of each variant.
macro_rules! choices {
    ($(
        $(#[doc = $doc:literal])*
        $name:ident { $( $(#[doc = $variant_doc:literal])* $variant:ident = $word:literal, )+ }
    )+) => {$(
        $(#[doc = $doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $( $(#[doc = $variant_doc])* $variant, )+ }

        impl $name {
            /// The words that name it, in order.
            pub const WORDS: &[&str] = &[$($word),+];

            /// The word that names this one.
            pub fn word(self) -> &'static str {
                match self { $( Self::$variant => $word, )+ }
            }
        }

        impl Value for $name {
            const KIND: &'static str = listed!($($word)+);

            fn read(value: &DeValue<'_>) -> Result<Self, Wrong> {
                match text(value) {
                    $( Some($word) => Ok(Self::$variant), )+
                    Some(other) => Err(Wrong::kind::<Self>(value)
                        .cured_by(spelling::hint(other, Self::WORDS.iter().copied()))),
                    None => Err(Wrong::kind::<Self>(value)
                        .cured_by(unquoted(value, Self::WORDS))),
                }
            }

            fn write(&self) -> String {
                quoted(self.word())
            }
        }
    )+};
}

choices! {
    /// What kind of user has logged in.
    Class {
        /// Nobody in particular.
        Anonymous = "anonymous",
        /// An account of this machine.
        Local = "local",
        /// A user of a users file.
        Virtual = "virtual",
    }
    /// Whom the processes run as.
    RunAs {
        /// The system accounts of cellftpd; needs root.
        Accounts = "accounts",
        /// Whoever started it, when that is an ordinary user.
        Launcher = "self",
    }
    /// What happens when the kernel can't give all of the cage.
    Isolation {
        /// Refuse to serve.
        Require = "require",
        /// Serve with what there is and say so in the log.
        Best = "best",
    }
    /// How an upload reaches its name.
    Store {
        /// Under a hidden name first, renamed when it is whole.
        Atomic = "atomic",
        /// Straight into the file, as vsftpd does.
        InPlace = "in-place",
    }
    /// What becomes of a broken upload of a new file.
    Partial {
        /// It stays, so that it can be resumed.
        Keep = "keep",
        /// It goes.
        Discard = "discard",
    }
    /// What is on the disk before an upload is confirmed.
    Durability {
        /// Nothing is waited for.
        None = "none",
        /// The file and its name.
        Data = "data",
        /// The file with all its attributes, and its name.
        Full = "full",
    }
    /// A version of TLS.
    TlsVersion {
        /// RFC 5246.
        V1_2 = "1.2",
        /// RFC 8446.
        V1_3 = "1.3",
    }
    /// Whether TLS has to be there.
    Protection {
        /// It depends on who asks.
        Auto = "auto",
        /// It has to.
        Require = "require",
        /// It may.
        Allow = "allow",
        /// It must not.
        Forbid = "forbid",
    }
    /// Whether clients are asked for a certificate.
    ClientCertificate {
        /// They are not.
        None = "none",
        /// They may have none, but no bad one.
        Request = "request",
        /// They need one.
        Require = "require",
    }
    /// Which machine may be at the other end of a data connection.
    DataPeer {
        /// The one that the control connection comes from.
        Control = "control",
        /// Any.
        Any = "any",
    }
    /// How much is logged; each level holds those before it.
    Level {
        /// What went wrong.
        Error = "error",
        /// Logins, refusals, and what the administrator should know.
        Notice = "notice",
        /// Each transfer and change.
        Info = "info",
        /// Each command.
        Debug = "debug",
    }
}

/// Where the log goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogTarget {
    /// The system's log.
    Syslog,
    /// Descriptor 2, unless that is the client.
    Stderr,
    /// A file, appended to.
    File(PathBuf),
}

impl Value for LogTarget {
    const KIND: &'static str = "\"syslog\", \"stderr\" or an absolute path";

    fn read(value: &DeValue<'_>) -> Result<Self, Wrong> {
        match text(value) {
            Some("syslog") => Ok(Self::Syslog),
            Some("stderr") => Ok(Self::Stderr),
            Some(path) if path.starts_with('/') => PathBuf::read(value).map(Self::File),
            Some(other) => {
                Err(Wrong::kind::<Self>(value)
                    .cured_by(spelling::hint(other, ["syslog", "stderr"])))
            }
            None => Err(Wrong::kind::<Self>(value)),
        }
    }

    fn write(&self) -> String {
        match self {
            Self::Syslog => quoted("syslog"),
            Self::Stderr => quoted("stderr"),
            Self::File(path) => path.write(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::value::tests::read;
    use super::*;

    #[test]
    fn words() {
        assert_eq!(read::<Store>("'in-place'").unwrap(), Store::InPlace);
        assert_eq!(read::<RunAs>("'self'").unwrap().write(), "\"self\"");
        assert!(Level::Error < Level::Debug);
        for (toml, said) in [
            (
                "'Atomic'",
                "expected one of \"atomic\", \"in-place\", not \"Atomic\" (did you mean `atomic`?)",
            ),
            ("'x'", "expected one of \"atomic\", \"in-place\", not \"x\""),
            ("true", "expected one of \"atomic\", \"in-place\", not true"),
        ] {
            assert_eq!(read::<Store>(toml).unwrap_err(), said);
        }
        assert_eq!(
            read::<TlsVersion>("1.2").unwrap_err(),
            "expected one of \"1.2\", \"1.3\", not 1.2 (write \"1.2\")"
        );
    }

    #[test]
    fn log_targets() {
        for toml in ["\"syslog\"", "\"stderr\"", "\"/var/log/x\""] {
            assert_eq!(read::<LogTarget>(toml).unwrap().write(), toml);
        }
        assert_eq!(
            read::<LogTarget>("'sylog'").unwrap_err(),
            "expected \"syslog\", \"stderr\" or an absolute path, not \"sylog\" \
             (did you mean `syslog`?)"
        );
    }
}
