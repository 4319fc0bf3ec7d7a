//! A point in time, and the zone in which it is shown: Go's `time.Time`.

use jiff::tz::{Offset, TimeZone};
use jiff::{SignedDuration, Timestamp, civil};

use super::error::Failure;
use super::layout;

/// How Go prints a time that no layout is given for.
const DEFAULT_LAYOUT: &str = "2006-01-02 15:04:05.999999999 -0700 MST";
/// The layout of times in JSON.
pub(super) const RFC_3339: &str = "2006-01-02T15:04:05.999999999Z07:00";

/// A point in time in a zone.
#[derive(Clone)]
pub(super) struct Moment {
    pub(super) timestamp: Timestamp,
    pub(super) zone: Zone,
}

/// Where a time is shown.
#[derive(Clone, PartialEq)]
pub(super) enum Zone {
    Region(TimeZone),
    /// A zone that was only given as an offset or an abbreviation. The name may be empty.
    Fixed {
        seconds: i32,
        name: String,
    },
}

/// The calendar and the clock of a time in its zone.
pub(super) struct Clock {
    pub(super) civil: civil::DateTime,
    /// Seconds east of UTC.
    pub(super) offset: i32,
    /// The abbreviation of the zone, or nothing if it has none.
    pub(super) zone_name: String,
}

impl Moment {
    /// A time in UTC.
    pub(super) fn utc(timestamp: Timestamp) -> Self {
        Self { timestamp, zone: Zone::Region(TimeZone::UTC) }
    }

    /// A time in a zone of the time zone database.
    pub(super) fn in_zone(timestamp: Timestamp, zone: TimeZone) -> Self {
        Self { timestamp, zone: Zone::Region(zone) }
    }

    /// Go's zero time, which stands for "no time": the start of year 1.
    pub(super) fn zero() -> Self {
        Self::utc(Timestamp::constant(ZERO_SECONDS, 0))
    }

    /// Tells whether this is the zero time.
    pub(super) fn is_zero(&self) -> bool {
        self.timestamp == Self::zero().timestamp
    }

    /// The calendar and the clock.
    pub(super) fn clock(&self) -> Clock {
        match &self.zone {
            Zone::Region(zone) => {
                let info = zone.to_offset_info(self.timestamp);
                Clock {
                    civil: info.offset().to_datetime(self.timestamp),
                    offset: info.offset().seconds(),
                    zone_name: info.abbreviation().to_owned(),
                }
            }
            Zone::Fixed { seconds, name } => {
                let offset = Offset::from_seconds(*seconds).unwrap_or(Offset::UTC);
                Clock {
                    civil: offset.to_datetime(self.timestamp),
                    offset: offset.seconds(),
                    zone_name: name.clone(),
                }
            }
        }
    }

    /// The time that is some nanoseconds later.
    pub(super) fn plus(&self, nanoseconds: i64) -> Result<Self, Failure> {
        let later = self.timestamp.checked_add(SignedDuration::from_nanos(nanoseconds));
        let timestamp = later.map_err(|_| Failure("the time is out of range".into()))?;
        Ok(Self { timestamp, zone: self.zone.clone() })
    }

    /// The time at which this zone shows the given calendar and clock.
    pub(super) fn with_civil(&self, civil: civil::DateTime) -> Result<Self, Failure> {
        let timestamp = match &self.zone {
            Zone::Region(zone) => zone.to_timestamp(civil),
            Zone::Fixed { seconds, .. } => {
                Offset::from_seconds(*seconds).and_then(|offset| offset.to_timestamp(civil))
            }
        };
        let timestamp = timestamp.map_err(|_| Failure("the time is out of range".into()))?;
        Ok(Self { timestamp, zone: self.zone.clone() })
    }

    /// Writes the time in a layout of Go's reference time.
    pub(super) fn format(&self, layout: &str) -> String {
        layout::format(layout, &self.clock())
    }
}

impl std::fmt::Display for Moment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.format(DEFAULT_LAYOUT))
    }
}

/// The start of year 1 in seconds since 1970.
const ZERO_SECONDS: i64 = -62_135_596_800;
