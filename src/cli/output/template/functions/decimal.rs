//! Decimal arithmetic for `addf` and its like, where 0.1 + 0.2 is 0.3.

use super::super::error::Failure;

/// Digits behind the point to which a quotient is rounded.
const QUOTIENT_DIGITS: i32 = 16;

/// An operation on decimal numbers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Operation {
    Add,
    Subtract,
    Multiply,
    Divide,
}

/// `mantissa` times ten to the `exponent`.
#[derive(Clone, Copy)]
struct Decimal {
    mantissa: i128,
    exponent: i32,
}

/// Applies an operation from left to right.
///
/// Numbers with too many digits for exact arithmetic are computed as floats, so that only the last of their
/// digits may differ.
pub(super) fn fold(first: f64, others: &[f64], operation: Operation) -> Result<f64, Failure> {
    if operation == Operation::Divide && others.contains(&0.0) {
        return Err("decimal division by 0".into());
    }
    let start = Decimal::from_float(first)?;
    let exact_others: Vec<Decimal> =
        others.iter().map(|other| Decimal::from_float(*other)).collect::<Result<_, _>>()?;
    let exact = exact_others
        .into_iter()
        .try_fold(start, |sum, other| sum.apply(other, operation).map(Decimal::shortened));
    Ok(match exact {
        Some(sum) => sum.to_float(),
        None => others.iter().fold(first, |sum, other| approximate(sum, *other, operation)),
    })
}

fn approximate(left: f64, right: f64, operation: Operation) -> f64 {
    match operation {
        Operation::Add => left + right,
        Operation::Subtract => left - right,
        Operation::Multiply => left * right,
        Operation::Divide => left / right,
    }
}

impl Decimal {
    /// Fails for infinity and for what is no number.
    fn from_float(float: f64) -> Result<Self, Failure> {
        // The shortest digits that read back the same.
        let text = format!("{float:e}");
        let parts = text.split_once('e').and_then(|(digits, exponent)| {
            let fraction = digits.split_once('.').map_or(0, |(_, fraction)| fraction.len());
            let mantissa = digits.replace('.', "").parse().ok()?;
            let exponent: i32 = exponent.parse().ok()?;
            Some(Self { mantissa, exponent: exponent - i32::try_from(fraction).ok()? })
        });
        parts.ok_or_else(|| Failure(format!("cannot compute with {float}")))
    }

    /// The same number with the fewest digits, which leaves the most room for what follows.
    fn shortened(mut self) -> Self {
        while self.mantissa != 0 && self.mantissa % 10 == 0 {
            self.mantissa /= 10;
            self.exponent += 1;
        }
        self
    }

    fn to_float(self) -> f64 {
        format!("{}e{}", self.mantissa, self.exponent).parse().unwrap_or(0.0)
    }

    /// The exact result, if it has not too many digits.
    fn apply(self, other: Self, operation: Operation) -> Option<Self> {
        match operation {
            Operation::Add | Operation::Subtract => {
                let exponent = self.exponent.min(other.exponent);
                let (left, right) = (self.scaled_to(exponent)?, other.scaled_to(exponent)?);
                let mantissa = match operation {
                    Operation::Add => left.checked_add(right)?,
                    _ => left.checked_sub(right)?,
                };
                Some(Self { mantissa, exponent })
            }
            Operation::Multiply => Some(Self {
                mantissa: self.mantissa.checked_mul(other.mantissa)?,
                exponent: self.exponent.checked_add(other.exponent)?,
            }),
            Operation::Divide => self.quotient(other),
        }
    }

    fn scaled_to(self, exponent: i32) -> Option<i128> {
        self.mantissa.checked_mul(power_of_ten(self.exponent.checked_sub(exponent)?)?)
    }

    /// The quotient, rounded to [`QUOTIENT_DIGITS`] with halves away from zero.
    fn quotient(self, other: Self) -> Option<Self> {
        let shift = QUOTIENT_DIGITS + self.exponent - other.exponent;
        let (numerator, denominator) = if shift >= 0 {
            (self.mantissa.checked_mul(power_of_ten(shift)?)?, other.mantissa)
        } else {
            (self.mantissa, other.mantissa.checked_mul(power_of_ten(-shift)?)?)
        };
        let (quotient, remainder) =
            (numerator.checked_div(denominator)?, numerator.checked_rem(denominator)?);
        let rounds = remainder.unsigned_abs() >= denominator.unsigned_abs() - remainder.unsigned_abs();
        let away = if (numerator < 0) == (denominator < 0) { 1 } else { -1 };
        let mantissa = if rounds { quotient + away } else { quotient };
        Some(Self { mantissa, exponent: -QUOTIENT_DIGITS })
    }
}

fn power_of_ten(exponent: i32) -> Option<i128> {
    10_i128.checked_pow(u32::try_from(exponent).ok()?)
}
