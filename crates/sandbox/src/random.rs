//! All randomness of a sandbox, from one seed, so that a run can be repeated.

use std::sync::{Mutex, MutexGuard};

use rand::rngs::StdRng;
use rand::{Rng, RngCore, SeedableRng};

const ALPHANUMERIC: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// A seeded source of ids, jitter and chances.
#[derive(Debug)]
pub struct Random {
    generator: Mutex<StdRng>,
}

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            generator: Mutex::new(StdRng::seed_from_u64(seed)),
        }
    }

    /// True with a probability between 0 and 1.
    pub fn chance(&self, probability: f64) -> bool {
        self.lock().random_bool(probability.clamp(0.0, 1.0))
    }

    /// A number from 0 up to, but without, the limit; 0 where the limit is not positive.
    pub fn below(&self, limit: i64) -> i64 {
        if limit <= 0 {
            0
        } else {
            self.lock().random_range(0..limit)
        }
    }

    /// Random bytes.
    #[must_use]
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.lock().fill_bytes(&mut bytes);
        bytes
    }

    /// Letters and digits.
    #[must_use]
    pub fn alphanumeric<const N: usize>(&self) -> [u8; N] {
        let mut generator = self.lock();
        std::array::from_fn(|_| ALPHANUMERIC[generator.random_range(0..ALPHANUMERIC.len())])
    }

    /// Letters and digits, as text.
    #[must_use]
    pub fn text<const N: usize>(&self) -> String {
        self.alphanumeric::<N>()
            .iter()
            .map(|byte| char::from(*byte))
            .collect()
    }

    /// A version 4 UUID, drawn from the seed.
    #[must_use]
    pub fn uuid(&self) -> String {
        uuid::Builder::from_random_bytes(self.bytes())
            .into_uuid()
            .to_string()
    }

    fn lock(&self) -> MutexGuard<'_, StdRng> {
        self.generator
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}
