//! Rate limits: a sliding window and a day, per app and resource, with the vendor's headers.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use crate::core::Core;
use crate::system::System;
use crate::vendor::Answer;

const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// What was used so far, by app and resource.
#[derive(Debug, Default)]
pub(crate) struct Limits {
    used: HashMap<Arc<str>, Used>,
}

#[derive(Debug, Default)]
struct Used {
    recent: VecDeque<i64>,
    day: i64,
    today: i64,
}

/// How a request stands against its limits.
#[derive(Debug)]
pub(crate) struct Verdict {
    pub(crate) allowed: bool,
    headers: Vec<(&'static str, String)>,
    /// When the window has room again, in milliseconds from now.
    wait_ms: i64,
}

impl Limits {
    /// Counts a request, unless it is refused: a refused one takes nothing from either window.
    pub(crate) fn check(&mut self, key: &Arc<str>, core: &Core) -> Option<Verdict> {
        let switches = &core.switches;
        if !switches.flag("highlevel.rate_limit") {
            return None;
        }
        let now_ms = core.clock.now_ms();
        let window_ms = switches.number("highlevel.burst_window_ms");
        let burst = switches.number("highlevel.burst_limit");
        let daily = switches.number("highlevel.daily_limit");
        let used = self.used.entry(Arc::clone(key)).or_default();
        while used
            .recent
            .front()
            .is_some_and(|at_ms| *at_ms <= now_ms - window_ms)
        {
            used.recent.pop_front();
        }
        let day = now_ms.div_euclid(DAY_MS);
        if used.day != day {
            used.day = day;
            used.today = 0;
        }
        let in_window = i64::try_from(used.recent.len()).unwrap_or(i64::MAX);
        let allowed = in_window < burst && used.today < daily;
        if allowed {
            used.recent.push_back(now_ms);
            used.today += 1;
            if in_window * 10 >= burst * 9 {
                core.counts.crowd(System::HighLevel);
            }
        }
        let left_in_window = burst - in_window - i64::from(allowed);
        let left_today = (daily - used.today).max(0);
        let reset_ms = (day + 1) * DAY_MS - now_ms;
        let wait_ms = if left_today == 0 {
            reset_ms
        } else {
            used.recent
                .front()
                .map_or(0, |oldest| oldest + window_ms - now_ms)
        };
        let mut headers = vec![
            ("x-ratelimit-limit-daily", daily.to_string()),
            ("x-ratelimit-daily-remaining", left_today.to_string()),
            ("x-ratelimit-interval-milliseconds", window_ms.to_string()),
            ("x-ratelimit-max", burst.to_string()),
            ("x-ratelimit-remaining", left_in_window.max(0).to_string()),
        ];
        if switches.flag("highlevel.daily_reset_header") {
            headers.push(("x-ratelimit-daily-reset", reset_ms.to_string()));
        }
        Some(Verdict {
            allowed,
            headers,
            wait_ms,
        })
    }
}

impl Verdict {
    /// The refusal, in the form that the switches ask for.
    pub(crate) fn refusal(&self, core: &Core) -> Answer {
        let mut answer = match core.switches.choice("highlevel.throttle_body") {
            "text" => Answer::new(429, "text/plain; charset=utf-8", "Too Many Requests"),
            "empty" => Answer::new(429, "text/plain; charset=utf-8", ""),
            "html" => Answer::new(
                429,
                "text/html; charset=utf-8",
                "<html><body>429 Too Many Requests</body></html>",
            ),
            _ => Answer::json(
                429,
                &serde_json::json!({"statusCode": 429, "message": "Too Many Requests"}),
            ),
        };
        if core.switches.flag("highlevel.retry_after") {
            answer.headers.push((
                "retry-after",
                (self.wait_ms + 999).div_euclid(1000).max(1).to_string(),
            ));
        }
        answer
    }

    pub(crate) fn headers(self) -> Vec<(&'static str, String)> {
        self.headers
    }
}
