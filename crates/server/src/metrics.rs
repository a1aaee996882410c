//! What can be measured from outside, in Prometheus' text form. All names stand in one enum.

use std::{
    fmt::Write as _,
    sync::atomic::{AtomicU64, Ordering},
};

use jiff::Timestamp;
use store::Overview;
use sync::{Measured, Spread};

/// Everything that `/metrics` shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Metric {
    Build,
    Started,
    Connection,
    Calls,
    CallsThrottled,
    CallsFailed,
    Waiting,
    OldestWaiting,
    Failing,
    Links,
    Reviews,
    Blocked,
    Intents,
    Meter,
    Changes,
    Gap,
    Echo,
    Drift,
    Lag,
    Overwrite,
    Budget,
    BudgetUsed,
    Alerts,
    Webhooks,
    Requests,
}

#[derive(Debug, Clone, Copy)]
enum Kind {
    Gauge,
    Counter,
}

impl Metric {
    /// All, in the order in which they are shown.
    pub(crate) const ALL: [Self; 25] = [
        Self::Build,
        Self::Started,
        Self::Connection,
        Self::Calls,
        Self::CallsThrottled,
        Self::CallsFailed,
        Self::Waiting,
        Self::OldestWaiting,
        Self::Failing,
        Self::Links,
        Self::Reviews,
        Self::Blocked,
        Self::Intents,
        Self::Meter,
        Self::Changes,
        Self::Gap,
        Self::Echo,
        Self::Drift,
        Self::Lag,
        Self::Overwrite,
        Self::Budget,
        Self::BudgetUsed,
        Self::Alerts,
        Self::Webhooks,
        Self::Requests,
    ];

    /// The name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Build => "tandem_build_info",
            Self::Started => "tandem_start_time_seconds",
            Self::Connection => "tandem_connection_usable",
            Self::Calls => "tandem_calls_total",
            Self::CallsThrottled => "tandem_calls_throttled_total",
            Self::CallsFailed => "tandem_calls_failed_total",
            Self::Waiting => "tandem_records_waiting",
            Self::OldestWaiting => "tandem_oldest_waiting_seconds",
            Self::Failing => "tandem_records_failing",
            Self::Links => "tandem_links",
            Self::Reviews => "tandem_reviews_open",
            Self::Blocked => "tandem_fields_blocked",
            Self::Intents => "tandem_creates_unsettled",
            Self::Meter => "tandem_meter_total",
            Self::Changes => "tandem_changes_total",
            Self::Gap => "tandem_gap_ratio",
            Self::Echo => "tandem_echo_ratio",
            Self::Drift => "tandem_drift_total",
            Self::Lag => "tandem_lag_seconds",
            Self::Overwrite => "tandem_overwrite_window_seconds",
            Self::Budget => "tandem_budget_requests",
            Self::BudgetUsed => "tandem_budget_used_requests",
            Self::Alerts => "tandem_alerts_open",
            Self::Webhooks => "tandem_webhooks_total",
            Self::Requests => "tandem_http_requests_total",
        }
    }

    /// What it says.
    pub(crate) fn help(self) -> &'static str {
        match self {
            Self::Build => "1, with the version as a label.",
            Self::Started => "When this process began, in seconds since 1970.",
            Self::Connection => {
                "1 if calls may be made on the connection, 0 if it needs a person or fails."
            }
            Self::Calls => "Requests sent on a connection since the start, each attempt counted.",
            Self::CallsThrottled => "Requests that met the vendor's limit.",
            Self::CallsFailed => "Requests that ended in any other way than an answer.",
            Self::Waiting => "Records that may have changed and were not looked at yet.",
            Self::OldestWaiting => "How long the oldest signal has waited, in seconds.",
            Self::Failing => "Records whose last try failed.",
            Self::Links => "Pairs of records that a sync keeps the same.",
            Self::Reviews => "Questions that wait for a person.",
            Self::Blocked => "Fields that a system refused.",
            Self::Intents => "Creates whose outcome is not known yet.",
            Self::Meter => "What the engine counts over the life of the database, by name.",
            Self::Changes => "Changes of linked records that were found between full runs.",
            Self::Gap => "The share of changes that only a listing found.",
            Self::Echo => {
                "The share of records told of by webhooks alone in which nothing was new."
            }
            Self::Drift => {
                "Changes of a field that webhooks should have told of and did not, by mapping."
            }
            Self::Lag => "How long an edit took until it stood on the side, at most, by quantile.",
            Self::Overwrite => {
                "How old the reading was when something was written, at most, by quantile: an edit in between may be lost."
            }
            Self::Budget => "Requests that may be sent within a time, by limit.",
            Self::BudgetUsed => "Requests that were sent within that time.",
            Self::Alerts => "What is wrong and was told, by kind.",
            Self::Webhooks => "Webhooks that came in, by what became of them.",
            Self::Requests => "Requests to this server, by the class of the answer.",
        }
    }

    fn kind(self) -> Kind {
        match self {
            Self::Calls
            | Self::CallsThrottled
            | Self::CallsFailed
            | Self::Meter
            | Self::Changes
            | Self::Drift
            | Self::Webhooks
            | Self::Requests => Kind::Counter,
            Self::Build
            | Self::Started
            | Self::Connection
            | Self::Waiting
            | Self::OldestWaiting
            | Self::Failing
            | Self::Links
            | Self::Reviews
            | Self::Blocked
            | Self::Intents
            | Self::Gap
            | Self::Echo
            | Self::Lag
            | Self::Overwrite
            | Self::Budget
            | Self::BudgetUsed
            | Self::Alerts => Kind::Gauge,
        }
    }
}

/// Takes the samples of one metric: labels and value.
type Emit<'a> = dyn FnMut(&[(&str, &str)], f64) + 'a;

/// What became of a webhook.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    Accepted,
    Duplicate,
    Full,
    BadSignature,
    Unreadable,
    UnknownAddress,
    UnknownAccount,
    TooLarge,
    Failed,
}

impl Fate {
    const ALL: [Self; 9] = [
        Self::Accepted,
        Self::Duplicate,
        Self::Full,
        Self::BadSignature,
        Self::Unreadable,
        Self::UnknownAddress,
        Self::UnknownAccount,
        Self::TooLarge,
        Self::Failed,
    ];

    /// The word in logs and labels.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Duplicate => "duplicate",
            Self::Full => "full",
            Self::BadSignature => "bad_signature",
            Self::Unreadable => "unreadable",
            Self::UnknownAddress => "unknown_address",
            Self::UnknownAccount => "unknown_account",
            Self::TooLarge => "too_large",
            Self::Failed => "failed",
        }
    }
}

/// What this server counts itself, since it started.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    webhooks: [AtomicU64; Fate::ALL.len()],
    /// By the first digit of the status.
    requests: [AtomicU64; 6],
}

impl Counters {
    pub(crate) fn webhook(&self, fate: Fate) {
        self.webhooks[fate as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// How many webhooks came to this.
    pub(crate) fn webhooks(&self, fate: Fate) -> u64 {
        self.webhooks[fate as usize].load(Ordering::Relaxed)
    }

    pub(crate) fn request(&self, status: http::StatusCode) {
        let class = usize::from(status.as_u16() / 100).min(5);
        self.requests[class].fetch_add(1, Ordering::Relaxed);
    }
}

/// One connection as `/metrics` shows it.
#[derive(Debug)]
pub(crate) struct ConnectionSample {
    pub(crate) name: String,
    pub(crate) usable: bool,
    pub(crate) counts: connections::Counts,
    pub(crate) budget: Vec<connections::BudgetUse>,
}

/// Everything that goes into one page.
pub(crate) struct Page<'a> {
    pub(crate) overview: &'a Overview,
    pub(crate) connections: &'a [ConnectionSample],
    /// What the meters say of each sync.
    pub(crate) syncs: &'a [(String, Measured)],
    /// How many troubles are open and told, by kind.
    pub(crate) alerts: &'a [(&'static str, u64)],
    pub(crate) counters: &'a Counters,
    pub(crate) started: Timestamp,
    pub(crate) now: Timestamp,
}

impl Page<'_> {
    /// The page as text.
    pub(crate) fn render(&self) -> String {
        let mut out = String::new();
        for metric in Metric::ALL {
            let kind = match metric.kind() {
                Kind::Gauge => "gauge",
                Kind::Counter => "counter",
            };
            let name = metric.name();
            line(&mut out, format_args!("# HELP {name} {}", metric.help()));
            line(&mut out, format_args!("# TYPE {name} {kind}"));
            self.samples(metric, &mut |labels, value| {
                sample(&mut out, name, labels, value);
            });
        }
        out
    }

    fn samples(&self, metric: Metric, emit: &mut Emit<'_>) {
        match metric {
            Metric::Build => emit(&[("version", env!("CARGO_PKG_VERSION"))], 1.0),
            Metric::Started => emit(&[], seconds(self.started)),
            Metric::Connection => self.each_connection(emit, |sample| f64::from(sample.usable)),
            Metric::Calls => {
                for sample in self.connections {
                    for (effect, count) in [
                        ("read", sample.counts.reads),
                        ("write", sample.counts.writes),
                    ] {
                        emit(
                            &[("connection", &sample.name), ("effect", effect)],
                            count as f64,
                        );
                    }
                }
            }
            Metric::CallsThrottled => {
                self.each_connection(emit, |sample| sample.counts.throttled as f64);
            }
            Metric::CallsFailed => {
                self.each_connection(emit, |sample| sample.counts.failed as f64);
            }
            Metric::Waiting => nested(&self.overview.dirty, "connection", "lane", emit),
            Metric::OldestWaiting => {
                for (connection, oldest) in &self.overview.oldest {
                    let waited = (seconds(self.now) - seconds(*oldest)).max(0.0);
                    emit(&[("connection", connection)], waited);
                }
            }
            Metric::Failing => flat(&self.overview.failing, "connection", emit),
            Metric::Links => flat(&self.overview.links, "sync", emit),
            Metric::Reviews => nested(&self.overview.reviews, "sync", "kind", emit),
            Metric::Blocked => flat(&self.overview.blocked, "sync", emit),
            Metric::Intents => flat(&self.overview.intents, "sync", emit),
            Metric::Meter => {
                for (name, value) in &self.overview.meters {
                    emit(&[("name", name)], *value as f64);
                }
            }
            Metric::Changes => self.each_sync(emit, |sync| Some(sync.changes as f64)),
            Metric::Gap => self.each_sync(emit, |sync| sync.gap),
            Metric::Echo => self.each_sync(emit, |sync| sync.echo),
            Metric::Drift => {
                for (name, sync) in self.syncs {
                    for (mapping, count) in &sync.drift {
                        emit(&[("sync", name), ("mapping", mapping)], *count as f64);
                    }
                }
            }
            Metric::Lag => {
                self.spreads(emit, |sync| [sync.lag_to_left, sync.lag_to_right]);
            }
            Metric::Overwrite => self.spreads(emit, |sync| {
                [sync.overwrite_window_left, sync.overwrite_window_right]
            }),
            Metric::Budget => self.budgets(emit, |used| used.requests),
            Metric::BudgetUsed => self.budgets(emit, |used| used.used),
            Metric::Alerts => {
                for (kind, count) in self.alerts {
                    emit(&[("kind", kind)], *count as f64);
                }
            }
            Metric::Webhooks => {
                for fate in Fate::ALL {
                    let count = self.counters.webhooks[fate as usize].load(Ordering::Relaxed);
                    emit(&[("fate", fate.as_str())], count as f64);
                }
            }
            Metric::Requests => {
                for (class, count) in self.counters.requests.iter().enumerate().skip(1) {
                    let class = format!("{class}xx");
                    emit(&[("status", &class)], count.load(Ordering::Relaxed) as f64);
                }
            }
        }
    }

    fn each_sync(&self, emit: &mut Emit<'_>, value: impl Fn(&Measured) -> Option<f64>) {
        for (name, sync) in self.syncs {
            if let Some(value) = value(sync) {
                emit(&[("sync", name)], value);
            }
        }
    }

    /// The upper ends of the spans in which half and 99 of 100 lie; what is longer than the last has none.
    fn spreads(&self, emit: &mut Emit<'_>, of: impl Fn(&Measured) -> [Option<Spread>; 2]) {
        for (name, sync) in self.syncs {
            for (side, spread) in ["left", "right"].into_iter().zip(of(sync)) {
                let Some(spread) = spread else { continue };
                for (quantile, within) in [
                    ("0.5", spread.half_within_ms),
                    ("0.99", spread.p99_within_ms),
                ] {
                    let seconds = within.map_or(f64::INFINITY, |within| within as f64 / 1000.0);
                    emit(
                        &[("sync", name), ("side", side), ("quantile", quantile)],
                        seconds,
                    );
                }
            }
        }
    }

    fn budgets(&self, emit: &mut Emit<'_>, value: impl Fn(&connections::BudgetUse) -> u32) {
        for sample in self.connections {
            for used in &sample.budget {
                let per = used.per.as_secs_f64().to_string();
                let effect = used.effect.map_or("all", effect_word);
                emit(
                    &[
                        ("connection", &sample.name),
                        ("per_seconds", &per),
                        ("effect", effect),
                    ],
                    f64::from(value(used)),
                );
            }
        }
    }

    fn each_connection(&self, emit: &mut Emit<'_>, value: impl Fn(&ConnectionSample) -> f64) {
        for sample in self.connections {
            emit(&[("connection", &sample.name)], value(sample));
        }
    }
}

/// What kind of requests a limit counts.
pub(crate) fn effect_word(effect: connector::Effect) -> &'static str {
    match effect {
        connector::Effect::Read => "read",
        connector::Effect::Write => "write",
        connector::Effect::SignIn => "sign_in",
    }
}

type Counted = std::collections::BTreeMap<String, u64>;

fn flat(counts: &Counted, label: &str, emit: &mut Emit<'_>) {
    for (name, count) in counts {
        emit(&[(label, name)], *count as f64);
    }
}

fn nested(
    counts: &std::collections::BTreeMap<String, Counted>,
    outer: &str,
    inner: &str,
    emit: &mut Emit<'_>,
) {
    for (name, counts) in counts {
        for (kind, count) in counts {
            emit(&[(outer, name), (inner, kind)], *count as f64);
        }
    }
}

fn seconds(at: Timestamp) -> f64 {
    at.as_millisecond() as f64 / 1000.0
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    // writing into a string does not fail
    let _ = writeln!(out, "{text}");
}

fn sample(out: &mut String, name: &str, labels: &[(&str, &str)], value: f64) {
    out.push_str(name);
    for (index, (label, text)) in labels.iter().enumerate() {
        out.push(if index == 0 { '{' } else { ',' });
        out.push_str(label);
        out.push_str("=\"");
        for c in text.chars() {
            match c {
                '\\' => out.push_str("\\\\"),
                '"' => out.push_str("\\\""),
                '\n' => out.push_str("\\n"),
                c => out.push(c),
            }
        }
        out.push('"');
    }
    if !labels.is_empty() {
        out.push('}');
    }
    if value.is_infinite() {
        line(out, format_args!(" +Inf"));
    } else {
        line(out, format_args!(" {value}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_every_metric_once_and_escapes_its_labels() {
        let counters = Counters::default();
        counters.webhook(Fate::BadSignature);
        counters.request(http::StatusCode::NOT_FOUND);
        let overview = Overview {
            oldest: [("a\"b".to_owned(), Timestamp::UNIX_EPOCH)].into(),
            ..Overview::default()
        };
        let page = Page {
            overview: &overview,
            connections: &[ConnectionSample {
                name: "a".to_owned(),
                usable: true,
                counts: connections::Counts {
                    reads: 7,
                    ..connections::Counts::default()
                },
                budget: vec![connections::BudgetUse {
                    per: std::time::Duration::from_secs(10),
                    effect: Some(connector::Effect::Write),
                    requests: 100,
                    used: 4,
                }],
            }],
            syncs: &[(
                "people".to_owned(),
                sync::measured(
                    &[
                        ("people:changes", 8),
                        ("people:found_only_listed", 2),
                        ("people:echoes", 1),
                        ("people:told", 3),
                        ("people:drift:city", 5),
                        ("people:lag:right:1000", 9),
                        ("people:lag:right:longer", 1),
                    ]
                    .map(|(name, count)| (name.to_owned(), count))
                    .into(),
                    &"people".into(),
                ),
            )],
            alerts: &[("paused", 1)],
            counters: &counters,
            started: Timestamp::UNIX_EPOCH,
            now: Timestamp::new(90, 0).unwrap(),
        }
        .render();
        for metric in Metric::ALL {
            let heading = format!("# TYPE {} ", metric.name());
            assert_eq!(page.matches(&heading).count(), 1, "{heading}");
        }
        for expected in [
            "tandem_calls_total{connection=\"a\",effect=\"read\"} 7\n",
            "tandem_oldest_waiting_seconds{connection=\"a\\\"b\"} 90\n",
            "tandem_webhooks_total{fate=\"bad_signature\"} 1\n",
            "tandem_http_requests_total{status=\"4xx\"} 1\n",
            "tandem_connection_usable{connection=\"a\"} 1\n",
            "tandem_gap_ratio{sync=\"people\"} 0.25\n",
            "tandem_echo_ratio{sync=\"people\"} 0.25\n",
            "tandem_drift_total{sync=\"people\",mapping=\"city\"} 5\n",
            "tandem_lag_seconds{sync=\"people\",side=\"right\",quantile=\"0.5\"} 1\n",
            "tandem_lag_seconds{sync=\"people\",side=\"right\",quantile=\"0.99\"} +Inf\n",
            "tandem_budget_used_requests{connection=\"a\",per_seconds=\"10\",effect=\"write\"} 4\n",
            "tandem_alerts_open{kind=\"paused\"} 1\n",
        ] {
            assert!(page.contains(expected), "{expected}");
        }
    }
}
