//! Ranges of versions such as `^1.2`, `>=1, <2 || 3.x` and `1.2 - 1.4` (pure).

use super::version::{self, Version};

/// Alternatives, of each of which every bound must hold.
pub(super) struct Constraints {
    alternatives: Vec<Vec<Bound>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Operator {
    /// Nothing or `=`: that version, or any that begins with the numbers given.
    Equal,
    NotEqual,
    Greater,
    Less,
    GreaterOrEqual,
    LessOrEqual,
    /// `~1.2.3`: newer patches.
    Tilde,
    /// `^1.2.3`: newer versions without a change of the first number that is not zero.
    Caret,
}

struct Bound {
    operator: Operator,
    /// Zero where the numbers are open.
    version: Version,
    open: Open,
}

/// Which numbers were left out or written as `x`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Open {
    Nothing,
    Patch,
    Minor,
    Everything,
}

impl Constraints {
    /// Reads constraints.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let alternatives = text.split("||").map(|alternative| {
            bounds(&without_hyphens(alternative))
                .ok_or_else(|| format!("improper constraint: {:?}", alternative.trim()))
        });
        Ok(Self { alternatives: alternatives.collect::<Result<_, _>>()? })
    }

    /// Tells whether a version satisfies one of the alternatives.
    pub(super) fn allow(&self, version: &Version) -> bool {
        self.alternatives.iter().any(|bounds| bounds.iter().all(|bound| bound.allows(version)))
    }
}

/// Rewrites `1.2 - 1.4` as `>=1.2 <=1.4`.
fn without_hyphens(text: &str) -> String {
    let text = text.replace(',', " , ");
    let words: Vec<&str> = text.split_whitespace().collect();
    let mut out = Vec::new();
    let mut at = 0;
    while at < words.len() {
        match words[at..] {
            [from, "-", to, ..] if starts_version(from) && starts_version(to) => {
                out.push(format!(">={from} <={to}"));
                at += 3;
            }
            _ => {
                out.push(words[at].to_owned());
                at += 1;
            }
        }
    }
    out.join(" ")
}

fn starts_version(word: &str) -> bool {
    word.starts_with(|c: char| c.is_ascii_digit() || matches!(c, 'v' | 'x' | 'X' | '*'))
}

/// Reads bounds that are separated by spaces or commas.
fn bounds(text: &str) -> Option<Vec<Bound>> {
    let mut bounds = Vec::new();
    let mut rest = text.trim();
    loop {
        let operator_length = rest.find(|c| !"=<>!~^".contains(c)).unwrap_or(rest.len());
        let operator = operator(&rest[..operator_length])?;
        rest = rest[operator_length..].trim_start();
        let length = rest.find([' ', ',']).unwrap_or(rest.len());
        bounds.push(bound(operator, &rest[..length])?);
        rest = rest[length..].trim_start();
        if rest.is_empty() {
            return Some(bounds);
        }
        rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
    }
}

fn operator(text: &str) -> Option<Operator> {
    Some(match text {
        "" | "=" => Operator::Equal,
        "!=" => Operator::NotEqual,
        ">" => Operator::Greater,
        "<" => Operator::Less,
        ">=" | "=>" => Operator::GreaterOrEqual,
        "<=" | "=<" => Operator::LessOrEqual,
        "~" | "~>" => Operator::Tilde,
        "^" => Operator::Caret,
        _ => return None,
    })
}

fn bound(operator: Operator, text: &str) -> Option<Bound> {
    let (core, prerelease, metadata) = version::split(text.strip_prefix('v').unwrap_or(text));
    let parts: Vec<&str> = core.split('.').collect();
    let is_number_or_open = |part: &&str| is_open(part) || version::segment(part).is_some();
    if parts.len() > 3 || !parts.iter().all(is_number_or_open) {
        return None;
    }
    let known = parts.iter().take_while(|part| !is_open(part)).count();
    let open = match known {
        0 => Open::Everything,
        1 => Open::Minor,
        2 => Open::Patch,
        _ => Open::Nothing,
    };
    let mut numbers = parts;
    numbers.truncate(known);
    numbers.resize(3, "0");
    let mut full = numbers.join(".");
    for (sign, part) in [('-', prerelease), ('+', metadata)] {
        if let Some(part) = part {
            full.push(sign);
            full.push_str(part);
        }
    }
    Some(Bound { operator, version: Version::parse(&full).ok()?, open })
}

fn is_open(part: &str) -> bool {
    matches!(part, "x" | "X" | "*")
}

impl Bound {
    fn allows(&self, version: &Version) -> bool {
        // Pre-releases are only wanted where the bound names one.
        let is_unwanted = !version.number.pre.is_empty() && self.version.number.pre.is_empty();
        let excludes_one = self.operator == Operator::NotEqual && self.open == Open::Nothing;
        if is_unwanted && !excludes_one {
            return false;
        }
        let order = version.precedence(&self.version);
        match self.operator {
            Operator::Equal if self.open == Open::Nothing => order.is_eq(),
            Operator::Equal | Operator::Tilde => order.is_ge() && self.shares_numbers(version),
            Operator::NotEqual => self.differs(version),
            Operator::Greater => self.is_below(version),
            Operator::Less => order.is_lt(),
            Operator::GreaterOrEqual => order.is_ge(),
            Operator::LessOrEqual => self.is_not_below(version),
            Operator::Caret => order.is_ge() && self.is_compatible(version),
        }
    }

    /// Tells whether the numbers that a tilde keeps are the same.
    fn shares_numbers(&self, version: &Version) -> bool {
        let (own, other) = (&self.version.number, &version.number);
        let is_zero = (own.major, own.minor, own.patch) == (0, 0, 0);
        if is_zero && matches!(self.open, Open::Nothing | Open::Everything) {
            return true;
        }
        own.major == other.major && (own.minor == other.minor || self.open == Open::Minor)
    }

    fn differs(&self, version: &Version) -> bool {
        let (own, other) = (&self.version.number, &version.number);
        match self.open {
            _ if own.major != other.major => true,
            Open::Minor => false,
            _ if own.minor != other.minor => true,
            Open::Patch => own.pre != other.pre,
            _ => !version.precedence(&self.version).is_eq(),
        }
    }

    /// `>`: where numbers are open, every version that begins with the others is left out.
    fn is_below(&self, version: &Version) -> bool {
        let (own, other) = (&self.version.number, &version.number);
        match self.open {
            Open::Minor => other.major > own.major,
            Open::Patch => (other.major, other.minor) > (own.major, own.minor),
            _ => version.precedence(&self.version).is_gt(),
        }
    }

    /// `<=`: where numbers are open, every version that begins with the others is included.
    fn is_not_below(&self, version: &Version) -> bool {
        let (own, other) = (&self.version.number, &version.number);
        match self.open {
            Open::Nothing => version.precedence(&self.version).is_le(),
            Open::Minor => other.major <= own.major,
            _ => (other.major, other.minor) <= (own.major, own.minor),
        }
    }

    fn is_compatible(&self, version: &Version) -> bool {
        let (own, other) = (&self.version.number, &version.number);
        if own.major > 0 || self.open == Open::Minor || other.major > 0 {
            return own.major == other.major;
        }
        if own.minor > 0 || self.open == Open::Patch || other.minor > 0 {
            return own.minor == other.minor;
        }
        own.patch == other.patch
    }
}
