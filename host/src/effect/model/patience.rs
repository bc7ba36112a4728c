//! How long a server is waited for, and how often it is asked: time-outs, back-off, and one limiter for each endpoint.

#![expect(clippy::disallowed_methods, reason = "a pause ends by the clock; no agent sees it, only that it waited")]

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use orchestra_pit_core::call::CallId;
use orchestra_pit_core::id::Hash;
use reqwest::header::{DATE, HeaderMap, RETRY_AFTER};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::Instant;

/// What an endpoint is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// For a connection.
    pub connect: Duration,
    /// Without a byte, before an answer and in it.
    pub silence: Duration,
    /// For a request with all its attempts.
    pub total: Duration,
    /// How often a request is sent at most.
    pub attempts: u32,
    /// Before the second attempt, about; each further wait is twice the one before.
    pub first_wait: Duration,
    /// Between two attempts at most, also when the server asks for more.
    pub longest_wait: Duration,
}

impl Default for Patience {
    /// The providers' own clients give up after ten minutes and two retries. An agent that is told `unavailable` can do
    /// little but ask again, so the host is more patient: six attempts over about a minute of waiting.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            silence: Duration::from_secs(180),
            total: Duration::from_secs(30 * 60),
            attempts: 6,
            first_wait: Duration::from_secs(1),
            longest_wait: Duration::from_secs(120),
        }
    }
}

impl Patience {
    /// How long to wait after the n-th attempt has failed; `None` to give up. What the server asks for is kept to, and
    /// given up if it is too long.
    pub fn wait(&self, attempt: u32, id: CallId, asked: Option<Duration>) -> Option<Duration> {
        if attempt >= self.attempts || asked.is_some_and(|asked| asked > self.longest_wait) {
            return None;
        }
        let doubled = self.first_wait.saturating_mul(1 << attempt.saturating_sub(1).min(16));
        // Between half and one and a half of it, so that agents refused together do not come back together. Taken from
        // the call's id: nothing here needs to be unpredictable.
        let digest = Hash::of_parts(&[&id.run.0, &id.seq.to_be_bytes(), &attempt.to_be_bytes()]);
        let jitter = 128 + u32::from(digest.0[0]);
        let wait = (doubled.saturating_mul(jitter) / 256).min(self.longest_wait);
        Some(asked.map_or(wait, |asked| asked + wait / 8).min(self.longest_wait))
    }
}

/// How long a server asks to wait: seconds, or a date, counted from the server's own date so that a clock that goes
/// wrong here does no harm.
pub fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name).and_then(|value: &reqwest::header::HeaderValue| value.to_str().ok());
    if let Some(milliseconds) = headers.get("retry-after-ms").and_then(|value| value.to_str().ok()?.trim().parse().ok())
    {
        return Some(Duration::from_millis(milliseconds));
    }
    let wanted = text(RETRY_AFTER)?.trim();
    if let Ok(seconds) = wanted.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let at = |text: &str| Some(jiff::fmt::rfc2822::parse(text).ok()?.timestamp());
    let until = at(wanted)?.duration_since(at(text(DATE)?)?);
    // A date that is past means now.
    Some(Duration::try_from(until).unwrap_or_default())
}

/// Lets so many requests to an endpoint through at a time, and none while the server has asked for a pause.
#[derive(Debug)]
pub struct Limiter {
    places: Semaphore,
    pause: Mutex<Option<Instant>>,
}

impl Limiter {
    /// With so many places.
    pub fn new(places: usize) -> Self {
        Self { places: Semaphore::new(places.clamp(1, 1_000)), pause: Mutex::default() }
    }

    /// Waits for a place, first come first served, and for the end of a pause. `None` never happens: the places are not
    /// closed.
    pub async fn enter(&self) -> Option<SemaphorePermit<'_>> {
        let place = self.places.acquire().await.ok()?;
        // Once more after waking: the pause may have been made longer meanwhile.
        loop {
            let until = *self.pause.lock().unwrap_or_else(PoisonError::into_inner);
            match until.filter(|until| *until > Instant::now()) {
                Some(until) => tokio::time::sleep_until(until).await,
                None => return Some(place),
            }
        }
    }

    /// Nobody enters for so long.
    pub fn pause(&self, wait: Duration) {
        let until = Instant::now() + wait;
        let mut pause = self.pause.lock().unwrap_or_else(PoisonError::into_inner);
        *pause = Some(pause.map_or(until, |before| before.max(until)));
    }
}

#[cfg(test)]
mod tests {
    use orchestra_pit_core::id::RunId;

    use super::*;

    #[test]
    fn waits_double_with_jitter_and_end() {
        let patience = Patience::default();
        let id = |seq| CallId { run: RunId([7; 16]), seq };
        for attempt in 1..6 {
            let middle = Duration::from_secs(1 << (attempt - 1));
            let waits: Vec<_> = (0..50).map(|seq| patience.wait(attempt, id(seq), None).unwrap()).collect();
            assert!(waits.iter().all(|wait| *wait >= middle / 2 && *wait < middle * 3 / 2), "{waits:?}");
            assert!(waits.iter().max() > waits.iter().min());
        }
        assert_eq!(patience.wait(6, id(0), None), None);
        let asked = patience.wait(1, id(0), Some(Duration::from_secs(30))).unwrap();
        assert!(asked >= Duration::from_secs(30) && asked < Duration::from_secs(31));
        assert_eq!(patience.wait(1, id(0), Some(Duration::from_secs(3_600))), None);
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
            pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
        }
        fn seconds(pairs: &[(&'static str, &'static str)]) -> Option<f64> {
            retry_after(&headers(pairs)).map(|wait| wait.as_secs_f64())
        }
        assert_eq!(seconds(&[("retry-after", "20")]), Some(20.0));
        assert_eq!(seconds(&[("retry-after", "0.5")]), Some(0.5));
        assert_eq!(seconds(&[("retry-after", "20"), ("retry-after-ms", "1500")]), Some(1.5));
        let date = ("date", "Mon, 23 Nov 2026 04:00:00 GMT");
        assert_eq!(seconds(&[date, ("retry-after", "Mon, 23 Nov 2026 04:01:30 GMT")]), Some(90.0));
        assert_eq!(seconds(&[date, ("retry-after", "Mon, 23 Nov 2026 03:00:00 GMT")]), Some(0.0));
        for odd in ["soon", "-1", "1e300", "NaN", ""] {
            assert_eq!(retry_after(&headers(&[date, ("retry-after", odd)])), None, "{odd}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_holds_everybody_and_places_are_few() {
        let limiter = Limiter::new(1);
        let started = Instant::now();
        limiter.pause(Duration::from_secs(5));
        limiter.pause(Duration::from_secs(2));
        let first = limiter.enter().await.unwrap();
        assert_eq!(started.elapsed(), Duration::from_secs(5));
        let second = tokio::time::timeout(Duration::from_secs(1), limiter.enter()).await;
        assert!(second.is_err(), "there is one place");
        drop(first);
        assert!(limiter.enter().await.is_some());
    }
}
