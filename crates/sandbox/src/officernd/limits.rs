//! Rate limits: reads and writes apart, each by the minute and by the day, for the whole organization.
//!
//! Known are the names of the read headers and about 400 reads a minute; the other numbers are guesses that stand as switches.

use std::collections::VecDeque;

use crate::core::Core;
use crate::counts::Access;
use crate::vendor::Answer;

const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

/// What was used so far.
#[derive(Debug, Default)]
pub(super) struct Limits {
    read: Budget,
    write: Budget,
}

#[derive(Debug, Default)]
struct Budget {
    minute: Window,
    day: Window,
}

/// The requests of one window.
#[derive(Debug, Default)]
pub(super) struct Window {
    /// When the present window began, where windows do not slide.
    start_ms: i64,
    hits: VecDeque<i64>,
}

impl Window {
    /// Forgets what has left the window.
    pub(super) fn refresh(&mut self, length_ms: i64, slides: bool, now_ms: i64) {
        if slides {
            while self
                .hits
                .front()
                .is_some_and(|at_ms| *at_ms <= now_ms - length_ms)
            {
                self.hits.pop_front();
            }
        } else if now_ms >= self.start_ms + length_ms {
            self.hits.clear();
        }
    }

    pub(super) fn used(&self) -> i64 {
        i64::try_from(self.hits.len()).unwrap_or(i64::MAX)
    }

    pub(super) fn hit(&mut self, now_ms: i64) {
        if self.hits.is_empty() {
            self.start_ms = now_ms;
        }
        self.hits.push_back(now_ms);
    }

    /// Milliseconds until there is room again, or until all is free where nothing was used.
    fn wait_ms(&self, length_ms: i64, slides: bool, now_ms: i64) -> i64 {
        let oldest = if slides {
            self.hits.front().copied()
        } else {
            (!self.hits.is_empty()).then_some(self.start_ms)
        };
        oldest.map_or(length_ms, |at_ms| at_ms + length_ms - now_ms)
    }
}

/// How a request stands against its limits.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) allowed: bool,
    headers: Vec<(String, String)>,
    /// Which limit is full, such as `read-minute`, and the milliseconds until it has room.
    full: Option<(String, i64)>,
}

impl Limits {
    /// Counts a request, unless it is refused: a refused one takes nothing.
    pub(super) fn check(&mut self, access: Access, core: &Core) -> Option<Verdict> {
        let switches = &core.switches;
        if !switches.flag("officernd.rate_limit") {
            return None;
        }
        let now_ms = core.clock.now_ms();
        let slides = switches.choice("officernd.limit_window") == "sliding";
        let writes = access == Access::Write;
        let (word, budget) = if writes {
            ("write", &mut self.write)
        } else {
            ("read", &mut self.read)
        };
        let number = |span: &str| switches.number(&format!("officernd.{word}s_a_{span}"));
        let mut windows = [
            ("minute", &mut budget.minute, MINUTE_MS, number("minute")),
            ("day", &mut budget.day, DAY_MS, number("day")),
        ];
        let mut full = None;
        for (span, window, length_ms, limit) in &mut windows {
            window.refresh(*length_ms, slides, now_ms);
            if window.used() >= *limit {
                let wait_ms = window.wait_ms(*length_ms, slides, now_ms);
                full = Some((format!("{word}-{span}"), wait_ms));
            }
        }
        let mut headers = Vec::new();
        let shown = !writes || switches.flag("officernd.write_headers");
        for (span, window, length_ms, limit) in windows {
            if full.is_none() {
                window.hit(now_ms);
            }
            if !shown {
                continue;
            }
            let wait_ms = window.wait_ms(length_ms, slides, now_ms);
            let reset = match switches.choice("officernd.reset_header") {
                "timestamp" => (now_ms + wait_ms).div_euclid(1000),
                _ => seconds(wait_ms),
            };
            let left = (limit - window.used()).max(0);
            for (what, value) in [("limit", limit), ("remaining", left), ("reset", reset)] {
                headers.push((
                    format!("x-ratelimit-{what}-{word}-{span}"),
                    value.to_string(),
                ));
            }
        }
        Some(Verdict {
            allowed: full.is_none(),
            headers,
            full,
        })
    }
}

impl Verdict {
    /// The refusal, in the form that the switches ask for.
    pub(super) fn refusal(&self, core: &Core) -> Answer {
        let mut answer = match core.switches.choice("officernd.throttle_body") {
            "text" => Answer::new(429, "text/plain; charset=utf-8", "Too Many Requests"),
            "empty" => Answer::new(429, "text/plain; charset=utf-8", ""),
            _ => Answer::json(
                429,
                &serde_json::json!({"statusCode": 429, "message": "ThrottlerException: Too Many Requests"}),
            ),
        };
        if let Some((limit, wait_ms)) = &self.full {
            let wait = seconds(*wait_ms).to_string();
            match core.switches.choice("officernd.retry_after") {
                "plain" => answer.headers.push(("retry-after", wait)),
                "suffixed" => answer
                    .extra_headers
                    .push((format!("retry-after-{limit}"), wait)),
                _ => {}
            }
        }
        answer
    }

    pub(super) fn headers(self) -> Vec<(String, String)> {
        self.headers
    }
}

fn seconds(wait_ms: i64) -> i64 {
    (wait_ms + 999).div_euclid(1000).max(0)
}
