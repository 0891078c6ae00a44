//! Values with a unit or a form of their own: durations, sizes, port ranges, file modes.
//!
//! Run by whoever loads the configuration; pure.

use std::time::Duration;

use toml::de::DeValue;

use super::value::{Value, Wrong, integer, quoted, text};

/// The units of time, in milliseconds.
const TIMES: &[(&str, u64)] = &[
    ("", 1_000),
    ("ms", 1),
    ("s", 1_000),
    ("sec", 1_000),
    ("min", 60_000),
    ("h", 3_600_000),
    ("d", 86_400_000),
];

/// The units of size, in bytes.
const SIZES: &[(&str, u64)] = &[
    ("", 1),
    ("B", 1),
    ("kB", 1_000),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
];

/// A count of bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Bytes(pub u64);

/// The ports that passive mode may use, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PortRange {
    /// The lowest port.
    pub low: u16,
    /// The highest port.
    pub high: u16,
}

/// File mode bits, such as a umask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mode(pub u32);

impl PortRange {
    /// The ports as a range.
    pub fn ports(&self) -> std::ops::RangeInclusive<u16> {
        self.low..=self.high
    }
}

/// `12 kB`: a number, perhaps blanks, a unit of the table.
fn scaled(said: &str, units: &[(&str, u64)]) -> Option<u64> {
    let end = said.find(|c: char| !c.is_ascii_digit()).unwrap_or(said.len());
    let (number, unit) = said.split_at_checked(end)?;
    let (_, factor) = units.iter().find(|(name, _)| *name == unit.trim_start_matches(' '))?;
    number.parse::<u64>().ok()?.checked_mul(*factor)
}

/// The largest of `names` that divides `count`, with the quotient.
fn unscaled(count: u64, units: &[(&str, u64)], names: &[&str]) -> String {
    let fits = |(_, factor): &&(&str, u64)| count.is_multiple_of(*factor);
    let named = units.iter().filter(|(name, _)| names.contains(name));
    match named.filter(fits).max_by_key(|(_, factor)| *factor) {
        Some((name, factor)) => quoted(&format!("{} {name}", count / factor)),
        None => count.to_string(),
    }
}

impl Value for Duration {
    const KIND: &'static str = "a duration such as 300, \"300 s\", \"5 min\" or \"250 ms\"";

    fn read(value: &DeValue<'_>) -> Result<Self, Wrong> {
        let seconds = || integer(value).and_then(|seconds| seconds.checked_mul(1_000));
        let said = || text(value).and_then(|said| scaled(said, TIMES));
        seconds().or_else(said).map(Self::from_millis).ok_or_else(|| Wrong::kind::<Self>(value))
    }

    fn write(&self) -> String {
        let count = u64::try_from(self.as_millis()).unwrap_or(u64::MAX);
        match count {
            0 => quoted("0 s"),
            _ => unscaled(count, TIMES, &["ms", "s", "h"]),
        }
    }
}

impl Value for Bytes {
    const KIND: &'static str = "a size such as 4096, \"64 KiB\" or \"2 MB\"";

    fn read(value: &DeValue<'_>) -> Result<Self, Wrong> {
        let said = || text(value).and_then(|said| scaled(said, SIZES));
        integer(value).or_else(said).map(Self).ok_or_else(|| Wrong::kind::<Self>(value))
    }

    fn write(&self) -> String {
        match self.0 {
            0 => "0".to_owned(),
            count => {
                unscaled(count, SIZES, &["B", "kB", "MB", "GB", "TB", "KiB", "MiB", "GiB", "TiB"])
            }
        }
    }
}

impl Value for PortRange {
    const KIND: &'static str = "ports such as \"49152-65534\"";

    fn read(value: &DeValue<'_>) -> Result<Self, Wrong> {
        let (low, high) = text(value)
            .and_then(|said| said.split_once('-').or(Some((said, said))))
            .and_then(|(low, high)| Some((port(low)?, port(high)?)))
            .ok_or_else(|| Wrong::kind::<Self>(value))?;
        if low > high {
            let cure = format!("write \"{high}-{low}\"");
            return Err(Wrong::because("the lowest port stands above the highest").cured_by(cure));
        }
        match low {
            0..1024 => Err(Wrong::because("passive ports below 1024 belong to other services")),
            _ => Ok(Self { low, high }),
        }
    }

    fn write(&self) -> String {
        quoted(&format!("{}-{}", self.low, self.high))
    }
}

/// A port in digits only (`parse` alone would take a sign).
fn port(said: &str) -> Option<u16> {
    let said = said.trim();
    said.bytes().all(|byte| byte.is_ascii_digit()).then(|| said.parse().ok())?
}

impl Value for Mode {
    const KIND: &'static str = "octal digits in quotes, such as \"022\"";

    fn read(value: &DeValue<'_>) -> Result<Self, Wrong> {
        if let DeValue::Integer(number) = value {
            // 22 could be meant in either base; only a string says that it is octal.
            let cure = format!("write \"{:0>3}\"", number.as_str());
            return Err(Wrong::kind::<Self>(value).cured_by(cure));
        }
        let digits = text(value).filter(|said| {
            (1..=4).contains(&said.len()) && said.bytes().all(|byte| matches!(byte, b'0'..=b'7'))
        });
        match digits.and_then(|said| u32::from_str_radix(said, 8).ok()) {
            Some(bits) if bits <= 0o777 => Ok(Self(bits)),
            Some(_) => Err(Wrong::because("a mode is at most \"777\"")),
            None => Err(Wrong::kind::<Self>(value)),
        }
    }

    fn write(&self) -> String {
        quoted(&format!("{:03o}", self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::super::value::tests::read;
    use super::*;

    #[test]
    fn durations() {
        for (toml, millis, written) in [
            ("300", 300_000, "\"300 s\""),
            ("'300'", 300_000, "\"300 s\""),
            ("'300 s'", 300_000, "\"300 s\""),
            ("'5 min'", 300_000, "\"300 s\""),
            ("'5min'", 300_000, "\"300 s\""),
            ("'250 ms'", 250, "\"250 ms\""),
            ("'2 h'", 7_200_000, "\"2 h\""),
            ("'1 d'", 86_400_000, "\"24 h\""),
            ("0", 0, "\"0 s\""),
        ] {
            let duration: Duration = read(toml).unwrap();
            assert_eq!(duration, Duration::from_millis(millis), "{toml}");
            assert_eq!(duration.write(), written);
        }
        for toml in ["'5 fortnights'", "''", "' 5 s'", "-1", "1.5", "'99999999999999999 d'"] {
            let said = read::<Duration>(toml).unwrap_err();
            assert!(said.starts_with("expected a duration such as 300,"), "{toml}: {said}");
        }
    }

    #[test]
    fn sizes() {
        for (toml, count, written) in [
            ("4096", 4096, "\"4 KiB\""),
            ("'64 KiB'", 65_536, "\"64 KiB\""),
            ("'2 MB'", 2_000_000, "\"2 MB\""),
            ("'7'", 7, "\"7 B\""),
            ("0", 0, "0"),
        ] {
            let size: Bytes = read(toml).unwrap();
            assert_eq!((size.0, size.write().as_str()), (count, written), "{toml}");
        }
        let said = read::<Bytes>("'2 mb'").unwrap_err();
        assert_eq!(said, "expected a size such as 4096, \"64 KiB\" or \"2 MB\", not \"2 mb\"");
    }

    #[test]
    fn port_ranges() {
        let range: PortRange = read("'49152 - 65534'").unwrap();
        assert_eq!(range, PortRange { low: 49152, high: 65534 });
        assert_eq!(range.write(), "\"49152-65534\"");
        assert_eq!(read::<PortRange>("'2000'").unwrap().ports(), 2000..=2000);
        for (toml, said) in [
            ("'2-1'", "the lowest port stands above the highest (write \"1-2\")"),
            ("'20-30'", "passive ports below 1024 belong to other services"),
            ("'2000-'", "expected ports such as \"49152-65534\", not \"2000-\""),
            ("'+2000-3000'", "expected ports such as \"49152-65534\", not \"+2000-3000\""),
            ("'2000-70000'", "expected ports such as \"49152-65534\", not \"2000-70000\""),
            ("2000", "expected ports such as \"49152-65534\", not 2000"),
        ] {
            assert_eq!(read::<PortRange>(toml).unwrap_err(), said);
        }
    }

    #[test]
    fn modes() {
        assert_eq!(read::<Mode>("'022'").unwrap(), Mode(0o022));
        assert_eq!(read::<Mode>("'0027'").unwrap().write(), "\"027\"");
        for (toml, said) in [
            ("22", "expected octal digits in quotes, such as \"022\", not 22 (write \"022\")"),
            ("0o77", "expected octal digits in quotes, such as \"022\", not 0o77 (write \"077\")"),
            ("'08'", "expected octal digits in quotes, such as \"022\", not \"08\""),
            ("'1000'", "a mode is at most \"777\""),
        ] {
            assert_eq!(read::<Mode>(toml).unwrap_err(), said);
        }
    }
}
