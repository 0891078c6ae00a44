//! The time zone of LIST. Session worker, in its jail: the zone's file was read before it, and is root's. Pure.

use tz::TimeZone;

/// Where local times are local.
#[derive(Debug)]
pub enum Zone {
    /// No offset.
    Utc,
    /// By the rules of a file (RFC 8536).
    Ruled(TimeZone),
}

impl Zone {
    /// What a zone's file says; none for one that can't be understood.
    pub fn parse(file: &[u8]) -> Option<Zone> {
        TimeZone::from_tz_data(file).ok().map(Zone::Ruled)
    }

    /// Seconds east of UTC at a moment. A moment that the rules don't reach is shown in UTC.
    pub fn offset_at(&self, moment: i64) -> i64 {
        match self {
            Zone::Utc => 0,
            Zone::Ruled(zone) => {
                zone.find_local_time_type(moment).map_or(0, |local| local.ut_offset().into())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn berlin() -> Zone {
        Zone::parse(&std::fs::read("/usr/share/zoneinfo/Europe/Berlin").unwrap()).unwrap()
    }

    #[test]
    fn summer_and_winter_differ_also_in_years_to_come() {
        let zone = berlin();
        for (moment, offset) in [
            (1_732_350_000, 3600),  // 2024-11-23
            (1_720_000_000, 7200),  // 2024-07-03
            (1_711_846_799, 3600),  // 2024-03-31 00:59:59
            (1_711_846_800, 7200),  // 2024-03-31 01:00:00
            (4_118_083_200, 7200),  // 2100-07-01, from the rule behind the table
            (-3_000_000_000, 3208), // 1874, by the sun
        ] {
            assert_eq!(zone.offset_at(moment), offset, "{moment}");
        }
    }

    #[test]
    fn moments_without_end_have_some_offset() {
        for zone in [Zone::Utc, berlin()] {
            for moment in [i64::MIN, i64::MAX] {
                assert!(zone.offset_at(moment).abs() < 86_400);
            }
        }
    }

    #[test]
    fn what_is_no_zone_is_none() {
        for file in [&b""[..], b"TZif", b"TZif2", b"#!/bin/sh\n", &[0; 64]] {
            assert!(Zone::parse(file).is_none());
        }
        let file = std::fs::read("/usr/share/zoneinfo/Europe/Berlin").unwrap();
        for cut in 0..file.len() {
            let _ = Zone::parse(&file[..cut]);
        }
    }
}
