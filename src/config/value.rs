//! How one value is read from TOML and written back to it.
//!
//! Run by whoever loads the configuration; pure. Reading and writing stand side by side so that
//! what `describe` prints is always something that `load` takes. This is a trait of our own and
//! not serde's because serde stops at the first wrong value and we want to report all of them.

use std::net::IpAddr;
use std::path::PathBuf;

use toml::de::DeValue;

/// The type of a setting.
pub trait Value: Sized {
    /// What is expected, in a few words: "a duration such as \"5 min\"".
    const KIND: &'static str;

    /// Reads it; what is wrong otherwise.
    fn read(value: &DeValue<'_>) -> Result<Self, Wrong>;

    /// Writes it as TOML.
    fn write(&self) -> String;
}

/// Why a value can't be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// What is wrong with it.
    pub cause: String,
    /// What would be right, where that is known.
    pub cure: Option<String>,
}

impl Wrong {
    /// A cause without a cure.
    pub(super) fn because(cause: impl Into<String>) -> Self {
        Self { cause: cause.into(), cure: None }
    }

    /// Another thing was expected than what stands there.
    pub(super) fn kind<T: Value>(found: &DeValue<'_>) -> Self {
        Self::because(format!("expected {}, not {}", T::KIND, shown(found)))
    }

    /// The same with a cure.
    pub(super) fn cured_by(self, cure: impl Into<Option<String>>) -> Self {
        Self { cure: cure.into(), ..self }
    }
}

/// A value as an error names it.
fn shown(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => quoted(text),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Datetime(time) => time.to_string(),
        DeValue::Array(_) => "a list".to_owned(),
        DeValue::Table(_) => "a table".to_owned(),
    }
}

/// A TOML basic string.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            control if control.is_control() => {
                out.push_str(&format!("\\u{:04x}", u32::from(control)));
            }
            other => out.push(other),
        }
    }
    out.push('"');
    out
}

/// The cure for a value that would be one of these words if it stood in quotes.
pub(super) fn unquoted(value: &DeValue<'_>, words: &[&str]) -> Option<String> {
    let said = shown(value);
    words.contains(&said.as_str()).then(|| format!("write {}", quoted(&said)))
}

/// A whole number, if the value is one that fits.
pub(super) fn integer(value: &DeValue<'_>) -> Option<u64> {
    match value {
        DeValue::Integer(number) => u64::from_str_radix(number.as_str(), number.radix()).ok(),
        _ => None,
    }
}

/// The text, if the value is a string.
pub(super) fn text<'a>(value: &'a DeValue<'_>) -> Option<&'a str> {
    match value {
        DeValue::String(text) => Some(text),
        _ => None,
    }
}

impl Value for bool {
    const KIND: &'static str = "true or false";

    fn read(value: &DeValue<'_>) -> Result<Self, Wrong> {
        match value {
            DeValue::Boolean(flag) => Ok(*flag),
            DeValue::String(text) => Err(Wrong::kind::<Self>(value).cured_by(
                matches!(text.as_ref(), "true" | "false").then(|| format!("write {text} unquoted")),
            )),
            _ => Err(Wrong::kind::<Self>(value)),
        }
    }

    fn write(&self) -> String {
        self.to_string()
    }
}

impl Value for u16 {
    const KIND: &'static str = "a whole number from 0 to 65535";

    fn read(value: &DeValue<'_>) -> Result<Self, Wrong> {
        let number = integer(value).and_then(|number| number.try_into().ok());
        number.ok_or_else(|| Wrong::kind::<Self>(value))
    }

    fn write(&self) -> String {
        self.to_string()
    }
}

impl Value for u32 {
    const KIND: &'static str = "a whole number";

    fn read(value: &DeValue<'_>) -> Result<Self, Wrong> {
        let number = integer(value).and_then(|number| number.try_into().ok());
        number.ok_or_else(|| Wrong::kind::<Self>(value))
    }

    fn write(&self) -> String {
        self.to_string()
    }
}

impl Value for String {
    const KIND: &'static str = "a string";

    fn read(value: &DeValue<'_>) -> Result<Self, Wrong> {
        text(value).map(str::to_owned).ok_or_else(|| Wrong::kind::<Self>(value))
    }

    fn write(&self) -> String {
        quoted(self)
    }
}

impl Value for PathBuf {
    const KIND: &'static str = "an absolute path";

    fn read(value: &DeValue<'_>) -> Result<Self, Wrong> {
        let path = text(value).ok_or_else(|| Wrong::kind::<Self>(value))?;
        if path.chars().any(char::is_control) {
            return Err(Wrong::because("a path can't hold control characters"));
        }
        match path.starts_with('/') {
            true => Ok(path.into()),
            false => Err(Wrong::kind::<Self>(value)),
        }
    }

    fn write(&self) -> String {
        quoted(&self.to_string_lossy())
    }
}

/// A path, or none for the empty string.
impl Value for Option<PathBuf> {
    const KIND: &'static str = "an absolute path, or \"\" for none";

    fn read(value: &DeValue<'_>) -> Result<Self, Wrong> {
        match text(value) {
            Some("") => Ok(None),
            Some(path) if path.starts_with('/') => PathBuf::read(value).map(Some),
            _ => Err(Wrong::kind::<Self>(value)),
        }
    }

    fn write(&self) -> String {
        self.as_ref().map_or_else(|| quoted(""), PathBuf::write)
    }
}

/// An address, or none for the empty string.
impl Value for Option<IpAddr> {
    const KIND: &'static str = "an IPv4 or IPv6 address, or \"\" for none";

    fn read(value: &DeValue<'_>) -> Result<Self, Wrong> {
        match text(value) {
            Some("") => Ok(None),
            Some(address) => {
                let parsed: Result<IpAddr, _> = address.parse();
                let address = parsed.map_err(|_| Wrong::kind::<Self>(value))?;
                Ok(Some(address.to_canonical()))
            }
            None => Err(Wrong::kind::<Self>(value)),
        }
    }

    fn write(&self) -> String {
        quoted(&self.map(|address| address.to_string()).unwrap_or_default())
    }
}

/// What a setting must be beyond its type.
pub(super) type Rule<'a, T> = &'a dyn Fn(&T) -> Result<(), Wrong>;

/// The rule of a setting: from `low` to `high`.
pub(super) fn within<T: Value + PartialOrd>(low: T, high: T) -> impl Fn(&T) -> Result<(), Wrong> {
    move |value| match *value >= low && *value <= high {
        true => Ok(()),
        false => Err(Wrong::because(format!(
            "{} is out of range: it may be from {} to {}",
            value.write(),
            low.write(),
            high.write()
        ))),
    }
}

/// The rule of a text that clients are shown: any lines, no control characters.
pub(super) fn printable(value: &impl AsRef<str>) -> Result<(), Wrong> {
    match value.as_ref().chars().any(|character| character.is_control() && character != '\n') {
        true => Err(Wrong::because("a control character can't be sent to clients")),
        false => Ok(()),
    }
}

/// The rule of a name that becomes a file name or is handed to the system.
pub(super) fn plain_name(value: &impl AsRef<str>) -> Result<(), Wrong> {
    let value = value.as_ref();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let starts_well =
        value.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '_');
    match starts_well && value.len() <= 64 && value.bytes().all(plain) {
        true => Ok(()),
        false => Err(Wrong::because(
            "a name here is 1 to 64 letters, digits, `-`, `_` or `.`, and starts with a letter, \
             a digit or `_`",
        )),
    }
}

/// The rule of a time zone: a path of plain names below the directory of zones.
pub(super) fn zone_name(value: &impl AsRef<str>) -> Result<(), Wrong> {
    let value = value.as_ref();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_+".contains(&byte);
    let is_name = |name: &str| !name.is_empty() && name.bytes().all(plain);
    match value.len() <= 64 && value.split('/').all(is_name) {
        true => Ok(()),
        false => Err(Wrong::because(
            "a time zone is \"UTC\", \"local\" or a name such as \"Europe/Berlin\"",
        )),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Reads one TOML value; its error on one line.
    pub(in crate::config) fn read<T: Value>(toml: &str) -> Result<T, String> {
        let value = DeValue::parse(toml).expect("the test's TOML");
        T::read(value.get_ref()).map_err(|wrong| match wrong.cure {
            Some(cure) => format!("{} ({cure})", wrong.cause),
            None => wrong.cause,
        })
    }

    #[test]
    fn reads_and_writes_back() {
        assert_eq!(read::<bool>("true").unwrap().write(), "true");
        assert_eq!(read::<u16>("0x10").unwrap().write(), "16");
        assert_eq!(read::<u32>("4_000").unwrap().write(), "4000");
        let awkward = r#""a\"b\\c\nd\te\u001b""#;
        assert_eq!(read::<String>(awkward).unwrap().write(), awkward);
        assert_eq!(read::<PathBuf>("'/a b'").unwrap().write(), "\"/a b\"");
        assert_eq!(read::<Option<PathBuf>>("'/a b'").unwrap().write(), "\"/a b\"");
        assert_eq!(read::<Option<PathBuf>>("''").unwrap().write(), "\"\"");
        assert_eq!(read::<Option<IpAddr>>("''").unwrap(), None);
        let mapped = read::<Option<IpAddr>>("'::ffff:192.0.2.1'").unwrap();
        assert_eq!(mapped.write(), "\"192.0.2.1\"");
    }

    #[test]
    fn says_what_is_wrong() {
        let wrong = |result: Result<(), String>| result.unwrap_err();
        let cases = [
            (wrong(read::<bool>("1").map(drop)), "expected true or false, not 1"),
            (
                wrong(read::<bool>("'true'").map(drop)),
                "expected true or false, not \"true\" (write true unquoted)",
            ),
            (
                wrong(read::<u16>("65536").map(drop)),
                "expected a whole number from 0 to 65535, not 65536",
            ),
            (wrong(read::<u32>("-1").map(drop)), "expected a whole number, not -1"),
            (wrong(read::<String>("[]").map(drop)), "expected a string, not a list"),
            (wrong(read::<PathBuf>("'a/b'").map(drop)), "expected an absolute path, not \"a/b\""),
            (
                wrong(read::<PathBuf>(r#""/a\u0000""#).map(drop)),
                "a path can't hold control characters",
            ),
            (
                wrong(read::<Option<PathBuf>>("'ca.pem'").map(drop)),
                "expected an absolute path, or \"\" for none, not \"ca.pem\"",
            ),
            (
                wrong(read::<Option<IpAddr>>("'localhost'").map(drop)),
                "expected an IPv4 or IPv6 address, or \"\" for none, not \"localhost\"",
            ),
        ];
        for (said, expected) in cases {
            assert_eq!(said, expected);
        }
    }

    #[test]
    fn rules() {
        assert!(within(1_u32, 20)(&20).is_ok());
        let wrong = within(1_u32, 20)(&21).unwrap_err();
        assert_eq!(wrong.cause, "21 is out of range: it may be from 1 to 20");
        assert!(printable(&"two\nlines").is_ok());
        assert!(printable(&"a\rb").is_err());
        for good in ["UTC", "local", "Europe/Berlin", "Etc/GMT+1", "America/Argentina/Rio_Gallegos"]
        {
            assert!(zone_name(&good).is_ok(), "{good}");
        }
        for bad in ["", "/etc/passwd", "../passwd", "a/../b", "a//b", "a/", ".", "a b", "a\0"] {
            assert!(zone_name(&bad).is_err(), "{bad}");
        }
        for good in ["cellftpd", "ftp-2", "_x", "a.b"] {
            assert!(plain_name(&good).is_ok(), "{good}");
        }
        for bad in ["", ".", "-x", "a/b", "a b", "\u{e9}"] {
            assert!(plain_name(&bad).is_err(), "{bad}");
        }
    }
}
