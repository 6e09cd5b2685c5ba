//! strftime for templates, in UTC and English.

use std::fmt::Write;

const MONTHS: [&str; 12] = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
];
const WEEKDAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

struct Time {
    year: i64,
    month: usize,
    day: i64,
    weekday: usize,
    day_of_year: i64,
    second_of_day: i64,
}

impl Time {
    fn from(seconds: i64) -> Self {
        let days = seconds.div_euclid(86_400);
        let (year, month, day) = civil_date(days);
        Time {
            year,
            month,
            day,
            // 1970-01-01 was a Thursday.
            weekday: (days + 4).rem_euclid(7) as usize,
            day_of_year: days - days_before_year(year) + 1,
            second_of_day: seconds.rem_euclid(86_400),
        }
    }
}

fn is_leap(year: i64) -> bool {
    (year % 4 == 0 && year % 100 != 0) || year % 400 == 0
}

/// Days from 1970-01-01 to January 1st of `year`.
fn days_before_year(year: i64) -> i64 {
    let past = year - 1;
    let leap_days = past.div_euclid(4) - past.div_euclid(100) + past.div_euclid(400);
    // 719 162 days lie between 0001-01-01 and 1970-01-01 in the proleptic Gregorian calendar.
    past * 365 + leap_days - 719_162
}

/// Year, month (0 to 11) and day of the month for a number of days since 1970-01-01.
fn civil_date(days: i64) -> (i64, usize, i64) {
    // 400 years have 146 097 days: the guess is at most one year off.
    let mut year = 1970 + (days * 400).div_euclid(146_097);
    while days_before_year(year) > days {
        year -= 1;
    }
    while days_before_year(year + 1) <= days {
        year += 1;
    }
    let mut rest = days - days_before_year(year);
    let february = if is_leap(year) { 29 } else { 28 };
    let lengths = [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while rest >= lengths[month] {
        rest -= lengths[month];
        month += 1;
    }
    (year, month, rest + 1)
}

/// Formats like C's `strftime` in the C locale; an unknown conversion is an error that names it.
pub fn strftime(format: &str, unix_seconds: i64) -> Result<String, String> {
    let time = Time::from(unix_seconds);
    let mut out = String::new();
    let mut rest = format.chars();
    while let Some(c) = rest.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let conversion = rest.next();
        let (conversion, padded) = if conversion == Some('-') { (rest.next(), false) } else { (conversion, true) };
        convert(&mut out, conversion, padded, &time).ok_or_else(|| {
            let name = conversion.map(String::from).unwrap_or_default();
            format!("strftime_now: the conversion %{name} is not supported")
        })?;
    }
    Ok(out)
}

fn convert(out: &mut String, conversion: Option<char>, padded: bool, time: &Time) -> Option<()> {
    let (hour, minute, second) = (time.second_of_day / 3600, time.second_of_day / 60 % 60, time.second_of_day % 60);
    let hour12 = (hour + 11) % 12 + 1;
    let (month, weekday) = (MONTHS[time.month], WEEKDAYS[time.weekday]);
    let month_number = time.month as i64 + 1;
    let (value, width) = match conversion? {
        'Y' => (time.year, 1),
        'y' => (time.year.rem_euclid(100), 2),
        'm' => (month_number, 2),
        'd' => (time.day, 2),
        'H' => (hour, 2),
        'I' => (hour12, 2),
        'M' => (minute, 2),
        'S' => (second, 2),
        'j' => (time.day_of_year, 3),
        'B' => return push(out, month),
        'b' => return push(out, &month[..3]),
        'A' => return push(out, weekday),
        'a' => return push(out, &weekday[..3]),
        'p' => return push(out, if hour < 12 { "AM" } else { "PM" }),
        'e' => return write!(out, "{:>2}", time.day).ok(),
        'F' => return write!(out, "{}-{month_number:02}-{:02}", time.year, time.day).ok(),
        'T' => return write!(out, "{hour:02}:{minute:02}:{second:02}").ok(),
        '%' => return push(out, "%"),
        _ => return None,
    };
    let width = if padded { width } else { 1 };
    write!(out, "{value:0width$}").ok()
}

fn push(out: &mut String, text: &str) -> Option<()> {
    out.push_str(text);
    Some(())
}
