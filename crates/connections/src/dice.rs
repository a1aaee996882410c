//! Randomness, passed in, so that a simulation can be replayed from its seed.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use rand::{Rng, RngCore, SeedableRng, rngs::StdRng};

/// A cryptographic random generator behind a lock.
#[derive(Debug)]
pub struct Dice(Mutex<StdRng>);

impl Dice {
    /// Seeded by the operating system: for everything that runs in earnest.
    #[must_use]
    pub fn unpredictable() -> Self {
        Self(Mutex::new(StdRng::from_os_rng()))
    }

    /// Seeded by a number: for simulation and tests only, since sign-in states come from here too.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self(Mutex::new(StdRng::seed_from_u64(seed)))
    }

    /// A duration between half of `around` and one and a half of it.
    pub fn jitter(&self, around: Duration) -> Duration {
        let factor = self.lock().random_range(0.5..1.5);
        around.mul_f64(factor)
    }

    /// 32 random bytes as 64 hexadecimal digits.
    pub fn token(&self) -> String {
        let mut bytes = [0_u8; 32];
        self.lock().fill_bytes(&mut bytes);
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, StdRng> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
