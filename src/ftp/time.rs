//! Times as FTP writes them: RFC 3659 §2.3, and the column of LIST. Session worker; trusts no one.
//!
//! The proleptic Gregorian calendar in UTC, from arithmetic alone: a jail has no time zone file. LIST
//! may be shifted by an offset that the caller knows; everything else is UTC.

/// A date and a time of day, UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Civil {
    /// Astronomical: the year before 1 is 0.
    pub year: i64,
    /// 1 to 12.
    pub month: u8,
    /// 1 to 31.
    pub day: u8,
    /// 0 to 23.
    pub hour: u8,
    /// 0 to 59.
    pub minute: u8,
    /// 0 to 59; Unix time knows no leap second.
    pub second: u8,
}

impl Civil {
    /// The date and time at `secs` seconds after the epoch, for any such number.
    pub fn from_unix(secs: i64) -> Civil {
        // Years begin in March here, so that the leap day is a year's last, and eras of 400 years
        // are alike.
        let days = secs.div_euclid(DAY) + DAYS_BEFORE_EPOCH;
        let (era, day) = (days.div_euclid(ERA), days.rem_euclid(ERA));
        let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
        let day = day - (365 * year + year / 4 - year / 100);
        let month = (5 * day + 2) / 153;
        let of_day = secs.rem_euclid(DAY);
        Civil {
            year: year + era * 400 + i64::from(month >= 10),
            month: small(if month < 10 { month + 3 } else { month - 9 }),
            day: small(day - (153 * month + 2) / 5 + 1),
            hour: small(of_day / 3600),
            minute: small(of_day / 60 % 60),
            second: small(of_day % 60),
        }
    }

    /// Seconds after the epoch. Fields out of range carry over; the ends of `i64` hold.
    pub fn to_unix(&self) -> i64 {
        let month = i128::from(self.month);
        let year = i128::from(self.year) - i128::from(month <= 2);
        let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
        let day = (153 * ((month + 9) % 12) + 2) / 5 + i128::from(self.day) - 1;
        let days = era * i128::from(ERA) + of_era * 365 + of_era / 4 - of_era / 100 + day;
        let (hour, minute) = (i128::from(self.hour), i128::from(self.minute));
        let secs = (days - i128::from(DAYS_BEFORE_EPOCH)) * i128::from(DAY)
            + hour * 3600
            + minute * 60
            + i128::from(self.second);
        let nearest = if secs < 0 { i64::MIN } else { i64::MAX };
        secs.try_into().unwrap_or(nearest)
    }
}

/// `YYYYMMDDhhmmss`; nothing for a year that has not four digits (RFC 3659 §2.3).
pub fn time_val(secs: i64) -> Option<String> {
    let Civil { year, month, day, hour, minute, second } = Civil::from_unix(secs);
    YEARS
        .contains(&year)
        .then(|| format!("{year}{month:02}{day:02}{hour:02}{minute:02}{second:02}"))
}

/// The same with as much of a fraction as there is.
pub fn time_val_exact(secs: i64, nanos: u32) -> Option<String> {
    let fraction = format!(".{nanos:09}");
    Some(time_val(secs)? + fraction.trim_end_matches('0').trim_end_matches('.'))
}

/// Seconds and nanoseconds of `YYYYMMDDhhmmss[.fraction]`. The date must exist, and so must the
/// second: 60 is refused, since no file's time could show it again.
pub fn parse_time_val(text: &[u8]) -> Option<(i64, u32)> {
    let text = std::str::from_utf8(text).ok()?;
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.len() != 14 || !digits(whole) || !digits(fraction) {
        return None;
    }
    let field = |at: usize| whole.get(at..at + 2)?.parse().ok();
    let civil = Civil {
        year: whole.get(..4)?.parse().ok()?,
        month: field(4)?,
        day: field(6)?,
        hour: field(8)?,
        minute: field(10)?,
        second: field(12)?,
    };
    let secs = civil.to_unix();
    let exists = YEARS.contains(&civil.year) && Civil::from_unix(secs) == civil;
    exists.then(|| (secs, nanoseconds(fraction)))
}

/// The date column of LIST, always twelve bytes: the time for the last half year and for clocks an
/// hour ahead, the year for all else. Which of the two is decided on the moments themselves; what is shown is
/// `offset` seconds east of UTC.
pub fn list_date(mtime: i64, now: i64, offset: i64) -> String {
    let shown = mtime.saturating_add(offset);
    let Civil { year, month, day, hour, minute, .. } = Civil::from_unix(shown);
    let month = MONTHS.get(usize::from(month).saturating_sub(1)).unwrap_or(&"Jan");
    if (-3600..180 * DAY).contains(&now.saturating_sub(mtime)) {
        return format!("{month} {day:02} {hour:02}:{minute:02}");
    }
    // A year of other than four digits would move the name out of its column.
    let year = year.clamp(*YEARS.start(), *YEARS.end());
    format!("{month} {day:02}  {year}")
}

fn nanoseconds(fraction: &str) -> u32 {
    let digits = fraction.bytes().chain(std::iter::repeat(b'0')).take(9);
    digits.fold(0, |sum, digit| sum * 10 + u32::from(digit.saturating_sub(b'0')))
}

fn small(number: i64) -> u8 {
    number.try_into().unwrap_or_default()
}

const DAY: i64 = 86_400;
const ERA: i64 = 146_097;
// From 1 March of the year 0.
const DAYS_BEFORE_EPOCH: i64 = 719_468;
const YEARS: std::ops::RangeInclusive<i64> = 1000..=9999;
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_moments_are_written_as_they_are_known() {
        for (secs, text) in [
            (0, "19700101000000"),
            (-1, "19691231235959"),
            (951_782_400, "20000229000000"),
            (-2_203_891_200, "19000301000000"),
            (2_147_483_648, "20380119031408"),
            (253_402_300_799, "99991231235959"),
            (-30_610_224_000, "10000101000000"),
        ] {
            assert_eq!(time_val(secs).as_deref(), Some(text));
            assert_eq!(parse_time_val(text.as_bytes()), Some((secs, 0)));
        }
    }

    #[test]
    fn years_without_four_digits_have_no_time_val() {
        // RFC 3659 §2.3
        for secs in [i64::MIN, -30_610_224_001, 253_402_300_800, i64::MAX] {
            assert_eq!(time_val(secs), None);
        }
    }

    #[test]
    fn fractions_count_to_the_nanosecond() {
        for (text, nanos) in [
            ("19700101000000.5", 500_000_000),
            ("19700101000000.999999999", 999_999_999),
            ("19700101000000.0000000019", 1),
        ] {
            assert_eq!(parse_time_val(text.as_bytes()), Some((0, nanos)));
        }
        for (nanos, text) in [
            (0, "19700101000000"),
            (500_000_000, "19700101000000.5"),
            (1, "19700101000000.000000001"),
        ] {
            assert_eq!(time_val_exact(0, nanos).as_deref(), Some(text));
        }
    }

    #[test]
    fn dates_that_never_were_are_refused() {
        for text in [
            "",
            "2023",
            "20230229000000",
            "19000229000000",
            "20230431000000",
            "20231301000000",
            "20230001000000",
            "20230100000000",
            "20230101240000",
            "20230101006000",
            "20161231235960",
            "00000000000000",
            "09991231235959",
            "20230101000000.",
            "20230101000000.x",
            "+0230101000000",
            "202301010000001",
            "20230101000000 ",
            "20230101000000.1.2",
            "2023010100000\u{661}",
        ] {
            assert_eq!(parse_time_val(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn list_shows_the_time_of_day_for_half_a_year() {
        let now = 1_732_350_000; // 2024-11-23 08:20:00
        for (mtime, text) in [
            (now, "Nov 23 08:20"),
            (now + 3600, "Nov 23 09:20"),
            (now + 3601, "Nov 23  2024"),
            (now - 180 * DAY + 1, "May 27 08:20"),
            (now - 180 * DAY, "May 27  2024"),
            (1_546_646_400, "Jan 05  2019"),
            (i64::MIN, "Jan 27  1000"),
            (i64::MAX, "Dec 04  9999"),
        ] {
            assert_eq!(list_date(mtime, now, 0), text);
        }
    }

    #[test]
    fn an_offset_moves_what_is_shown_but_not_the_half_year() {
        let now = 1_732_350_000; // 2024-11-23 08:20:00
        for (mtime, offset, text) in [
            (now, 3600, "Nov 23 09:20"),
            (now, -9 * 3600, "Nov 22 23:20"),
            (now + 3600, 12 * 3600, "Nov 23 21:20"),
            (now - 180 * DAY + 1, -12 * 3600, "May 26 20:20"),
            (now - 180 * DAY, 12 * 3600, "May 27  2024"),
            (1_704_067_199, 1, "Jan 01  2024"),
            (i64::MAX, i64::MAX, "Dec 04  9999"),
        ] {
            assert_eq!(list_date(mtime, now, offset), text);
        }
    }

    #[test]
    fn absurd_fields_do_not_overflow() {
        let absurd =
            |year| Civil { year, month: 255, day: 255, hour: 255, minute: 255, second: 255 };
        assert_eq!(absurd(i64::MAX).to_unix(), i64::MAX);
        assert_eq!(absurd(i64::MIN).to_unix(), i64::MIN);
        assert!(absurd(2000).to_unix() > 0);
    }

    proptest! {
        #[test]
        fn civil_goes_there_and_back(secs: i64) {
            let civil = Civil::from_unix(secs);
            prop_assert_eq!(civil.to_unix(), secs);
            prop_assert!((1..=12).contains(&civil.month) && (1..=31).contains(&civil.day));
        }

        #[test]
        fn a_later_second_is_a_later_civil(
            secs in -100_000_000_000i64..300_000_000_000,
            step in 1i64..100_000_000,
        ) {
            prop_assert!(Civil::from_unix(secs) < Civil::from_unix(secs + step));
        }

        #[test]
        fn time_val_goes_there_and_back(secs in -30_610_224_000i64..=253_402_300_799) {
            prop_assert_eq!(parse_time_val(time_val(secs).unwrap().as_bytes()), Some((secs, 0)));
        }

        #[test]
        fn no_text_panics(text: Vec<u8>, mtime: i64, now: i64) {
            let _ = parse_time_val(&text);
            prop_assert_eq!(list_date(mtime, now, now).len(), 12);
        }
    }
}
